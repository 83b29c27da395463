// Publishing 20 sources of 250 tables each: from nothing, beside a bare DuckDB that attaches the same extracts and makes
// the same views; and after one source changed, where the time beyond that source's own files counts.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../package.json', import.meta.url));
const { DuckDBInstance } = require('@duckdb/node-api');

const SOURCES = 20;
const TABLES = 250;
const ROUNDS = 5;
const AGNESD = path.join(process.env.AGNES_BUILD ?? 'build', 'agnesd');

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const sourceName = (s) => `s${String(s).padStart(2, '0')}`;

async function withDatabase(file, work) {
  const instance = await DuckDBInstance.create(file);
  const connection = await instance.connect();
  try {
    return await work((sql) => connection.run(sql));
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

// One source as our writer leaves it: files that are only ever replaced by rename, with their checksums.
async function makeSource(data, s, template, md5) {
  const folder = path.join(data, 'extracts', sourceName(s));
  mkdirSync(path.join(folder, 'data'), { recursive: true });
  rmSync(path.join(folder, 'extract.duckdb'), { force: true });
  await withDatabase(path.join(folder, 'extract.duckdb'), async (run) => {
    await run('CREATE TABLE _meta (table_name VARCHAR NOT NULL, description VARCHAR, rows BIGINT, size_bytes BIGINT, ' +
      "extracted_at TIMESTAMP, query_mode VARCHAR DEFAULT 'local')");
    await run('CREATE TABLE _checksums (table_name VARCHAR, md5 VARCHAR, size_bytes BIGINT, inode BIGINT, mtime_ns BIGINT)');
    await run('BEGIN');
    for (let i = 0; i < TABLES; i++) {
      const name = `${sourceName(s)}_t${i}`;
      const file = path.join(folder, 'data', `${name}.parquet`);
      rmSync(file, { force: true });
      copyFileSync(template, file);
      const stat = statSync(file, { bigint: true });
      await run(`CREATE VIEW ${name} AS SELECT * FROM read_parquet('${file}')`);
      await run(`INSERT INTO _meta VALUES ('${name}', '', 1000, ${stat.size}, now()::TIMESTAMP, 'local')`);
      await run(`INSERT INTO _checksums VALUES ('${name}', '${md5}', ${stat.size}, ${stat.ino}, ${stat.mtimeNs})`);
    }
    await run('COMMIT');
  });
}

async function makeTemplate(data, n) {
  const file = path.join(data, `template${n}.parquet`);
  await withDatabase(':memory:', (run) => run(`COPY (SELECT i AS id, i % ${n + 7} AS code, 'text ' || i AS note, ` +
    `i * 1.5 AS amount FROM range(1000) t(i)) TO '${file}' (FORMAT parquet)`));
  const { createHash } = await import('node:crypto');
  const { readFileSync } = await import('node:fs');
  return { file, md5: createHash('md5').update(readFileSync(file)).digest('hex') };
}

// Runs a program to its end: wall-clock and CPU time in milliseconds, its children included.
function measure(program, args, options = {}) {
  const timed = ['-c', 'TIMEFORMAT="%R %U %S"; time "$@"', 'bash', program, ...args];
  const result = spawnSync('bash', timed, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' }, ...options });
  if (result.status !== 0) throw new Error(result.stderr);
  const [wall, user, system] = result.stderr.trim().split('\n').pop().split(' ').map((text) => Number(text) * 1000);
  return { wall, cpu: user + system, stderr: result.stderr };
}

function rebuild(data) {
  const { wall, cpu, stderr } = measure(AGNESD, ['rebuild', '--data-dir', data]);
  const [, total, slowest] = /rebuild took ([\d.]+) ms, the slowest source ([\d.]+) ms/.exec(stderr);
  return { wall, cpu, total: Number(total), slowest: Number(slowest) };
}

// The statements alone, in a process of its own like ours.
const BARE = `
  const { DuckDBInstance } = require('@duckdb/node-api');
  (async () => {
    const [data, sources, tables] = [process.argv[1], Number(process.argv[2]), Number(process.argv[3])];
    const instance = await DuckDBInstance.create(data + '/bare.duckdb');
    const connection = await instance.connect();
    await connection.run('BEGIN');
    for (let s = 0; s < sources; s++) {
      const name = 's' + String(s).padStart(2, '0');
      await connection.run("ATTACH '" + data + '/extracts/' + name + "/extract.duckdb' AS " + name + ' (READ_ONLY)');
      const rows = await (await connection.run('SELECT table_name FROM ' + name + '._meta')).getRows();
      for (const [table] of rows)
        await connection.run('CREATE VIEW ' + table + ' AS SELECT * FROM ' + name + '.' + table);
    }
    await connection.run('COMMIT');
    await connection.run('CHECKPOINT');
    connection.closeSync();
    instance.closeSync();
  })();`;

function bare(data) {
  rmSync(path.join(data, 'bare.duckdb'), { force: true });
  const tests = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
  return measure(process.execPath, ['-e', BARE, data, String(SOURCES), String(TABLES)], { cwd: tests });
}

const line = (...fields) => console.log(fields.join('\t'));
const data = mkdtempSync(path.join(os.tmpdir(), 'agnes-bench-'));
try {
  const templates = [await makeTemplate(data, 0), await makeTemplate(data, 1)];
  for (let s = 0; s < SOURCES; s++) await makeSource(data, s, templates[0].file, templates[0].md5);

  const ours = [];
  const theirs = [];
  for (let round = 0; round < 3; round++) {
    theirs.push(bare(data));
    for (const folder of ['published', 'analytics', 'state']) rmSync(path.join(data, folder), { recursive: true, force: true });
    ours.push(rebuild(data));
  }
  for (const [what, key] of [['', 'wall'], ['CPU time of a ', 'cpu']]) {
    const [mine, peer] = [ours, theirs].map((runs) => median(runs.map((one) => one[key])));
    line(`${what}rebuild of ${SOURCES * TABLES} tables from nothing`, `${mine.toFixed(0)} ms`, `${peer.toFixed(0)} ms`,
      (mine / peer).toFixed(2), '<= 1.2', mine / peer <= 1.2 ? 'ok' : 'short');
  }

  const beyond = [];
  for (let round = 0; round < ROUNDS; round++) {
    const template = templates[(round + 1) % 2];
    await makeSource(data, 3, template.file, template.md5);
    const { total, slowest } = rebuild(data);
    beyond.push(total - slowest);
    console.error(`one source changed: ${total} ms, its own files ${slowest} ms`);
  }
  const extra = median(beyond);
  line(`publish 1 changed source of ${SOURCES} (${SOURCES * TABLES} tables), beyond its own files`, `${extra.toFixed(1)} ms`, '-', '-',
    '<= 50 ms', extra <= 50 ? 'ok' : 'short');
} finally {
  rmSync(data, { recursive: true, force: true });
}
