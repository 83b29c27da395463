// Queries in sandboxed workers beside DuckDB in the same machine's Node process: latency of a small one, throughput, the
// first query of a cold set of grants, large results in each format beside COPY to a file, memory while much streams.
import { linkSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { Pool, writeSource } from '../system/lib/queries.mjs';
import { median, residentMegabytes as resident } from './lib/servers.mjs';

const THREADS = 2;
const ROUNDS = 7;
const SMALL = 'SELECT k, count(*), sum(amount) FROM small WHERE id > 100 GROUP BY k ORDER BY k';
const TABLES = {
  small: 'SELECT i AS id, i % 8 AS k, (i * 1.25)::DECIMAL(18,2) AS amount FROM range(2000) t(i)',
  big: `SELECT i AS id, (i * 7) % 1000 AS g, i / 3 AS d, (i % 100000)::DECIMAL(18,2) AS amount, 'customer ' || i AS name,
    DATE '2020-01-01' + (i % 2000)::INT AS day, TIMESTAMP '2020-01-01' + INTERVAL (i) SECOND AS at, i % 2 = 0 AS flag,
    CASE WHEN i % 10 = 0 THEN NULL ELSE 'some text ' || i % 50 END AS note, (i % 300)::SMALLINT AS s FROM range(1000000) t(i)`,
};

const folder = mkdtempSync(path.join(os.tmpdir(), 'agnes-bench-'));
const source = await writeSource(folder, 'bench', TABLES);
const pool = new Pool(folder, { threads: THREADS, memory_mb: 1024, address_space_mb: 8192, workers: 4 });
const plain = await (await DuckDBInstance.create(':memory:', { threads: String(THREADS) })).connect();
for (const table of source.tables) await plain.run(`CREATE VIEW ${table} AS FROM '${source.folder}/${table}.parquet'`);

function report(measure, ours, peer, ratio, target, reached) {
  console.log([measure, ours, peer, ratio, target, reached ? 'ok' : 'short'].join('\t'));
}

async function milliseconds(work) {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start) / 1e6;
}

async function rounds(ours, theirs) {
  const mine = [];
  const others = [];
  for (let i = 0; i < ROUNDS; i++) {
    mine.push(await milliseconds(ours));
    others.push(await milliseconds(theirs));
  }
  return [median(mine), median(others)];
}

// Of one client after the other, so that only the latency counts.
async function latency() {
  const REPEAT = 200;
  const query = () => pool.bench(source, SMALL, { clients: 1, seconds: 1 }).then((answer) => answer.seconds * 1000 / answer.queries);
  await query();
  const ours = [];
  const theirs = [];
  for (let i = 0; i < ROUNDS; i++) {
    ours.push(await query());
    theirs.push(await milliseconds(async () => {
      for (let n = 0; n < REPEAT; n++) (await plain.runAndReadAll(SMALL)).getRows();
    }) / REPEAT);
  }
  const [mine, peer] = [median(ours), median(theirs)];
  report('small aggregate, warm worker, over DuckDB in process', `${mine.toFixed(2)} ms`, `${peer.toFixed(2)} ms`, '-', '<= 1 ms over', mine - peer <= 1);
}

async function throughput() {
  await pool.bench(source, SMALL, { clients: 16, seconds: 1 });
  const { queries, failures, seconds } = await pool.bench(source, SMALL, { clients: 16, seconds: 5 });
  report('small aggregates a second, 16 clients', `${Math.round(queries / seconds)}/s`, '-', '-', '>= 1500/s', failures === 0 && queries / seconds >= 1500);
}

async function cold() {
  const place = path.join(folder, 'wide');
  mkdirSync(place);
  const tables = Array.from({ length: 1000 }, (_, i) => `table_${i}`);
  for (const table of tables) linkSync(path.join(source.folder, 'small.parquet'), path.join(place, `${table}.parquet`));
  const times = [];
  for (let i = 0; i < ROUNDS; i++) {
    const wide = { key: `wide-${i}`, edition: '1', folder: place, tables };
    times.push(await milliseconds(() => pool.rows(wide, SMALL.replace('small', 'table_500'))));
  }
  report('first query of a cold set of 1,000 tables', `${median(times).toFixed(0)} ms`, '-', '-', '<= 60 ms', median(times) <= 60);
}

async function formats() {
  const targets = { json: 1.5, csv: 1.2, parquet: 1.2, ndjson: 1.5, arrow: null };
  for (const [format, target] of Object.entries(targets)) {
    const copied = { json: 'json', ndjson: 'json', csv: 'csv', parquet: 'parquet', arrow: 'parquet' }[format];
    const ours = async () => {
      const answer = await pool.run(source, 'SELECT * FROM big', { format, unlimited: true, silent: true, cpu_seconds: 600 });
      if (answer.summary?.rows !== 1000000) throw new Error(JSON.stringify(answer));
    };
    const theirs = () => plain.run(`COPY (SELECT * FROM big) TO '${folder}/out.${copied}' (FORMAT ${copied})`);
    const [mine, peer] = await rounds(ours, theirs);
    report(`1M rows x 10 columns as ${format}, beside COPY to a ${copied} file`, `${mine.toFixed(0)} ms`, `${peer.toFixed(0)} ms`,
      (mine / peer).toFixed(2), target ? `<= ${target}` : '-', !target || mine / peer <= target);
  }
}

async function memory() {
  await pool.rows(source, 'SELECT 1');
  const before = resident(pool.child.pid);
  let peak = before;
  const timer = setInterval(() => { peak = Math.max(peak, resident(pool.child.pid)); }, 100);
  const { bytes } = await pool.run(source, "SELECT id, repeat('x', 1000) AS filler FROM big, range(10)",
    { format: 'csv', unlimited: true, silent: true, milliseconds: 600000, cpu_seconds: 3600 });
  clearInterval(timer);
  report(`memory of the server that relays ${(bytes / 1e9).toFixed(1)} GB`, `+${(peak - before).toFixed(1)} MB`, '-', '-', '<= 16 MB', peak - before <= 16);
}

try {
  await latency();
  await throughput();
  await cold();
  await formats();
  await memory();
} finally {
  await pool.stop();
  rmSync(folder, { recursive: true, force: true });
}
