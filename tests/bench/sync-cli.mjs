// `da` beside its peers: its start, a sync of 1,000 tables and 2 GB over loopback beside `curl --parallel` for the same
// URLs, a sync with nothing to do, and a small local query beside DuckDB's own time. SYNC_BENCH_MB makes it smaller.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomFillSync } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { median, startNginx } from './lib/servers.mjs';

const BUILD = path.resolve(process.env.AGNES_BUILD ?? 'build');
const DA = path.join(BUILD, 'da');
const TABLES = 1000;
const MEGABYTES = Number(process.env.SYNC_BENCH_MB ?? 2000);
const ROUNDS = 5;
const QUICK_ROUNDS = 21;

const folder = mkdtempSync(path.join(os.tmpdir(), 'agnes-bench-'));
const workspace = path.join(folder, 'work');
const environment = (server) => ({ ...process.env, DA_SERVER: server, DA_TOKEN: 'token', DA_LOCAL_DIR: workspace,
  DA_CONFIG_DIR: path.join(folder, 'config'), DA_NO_UPDATE_CHECK: '1' });

/** Runs a program: { seconds, cpu, megabytes } as time(1) sees it. */
function measure(program, args, env) {
  const log = path.join(folder, 'time');
  const run = spawnSync('/usr/bin/time', ['-o', log, '-f', '%e %U %S %M', program, ...args], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  if (run.status !== 0) throw new Error(`${program} ${args.slice(0, 2).join(' ')} exited with ${run.status}`);
  const [wall, user, system, kilobytes] = readFileSync(log, 'utf8').trim().split(' ').map(Number);
  return { seconds: wall, cpu: user + system, megabytes: kilobytes / 1024 };
}

/** Wall-clock milliseconds of a short program. */
function milliseconds(program, args, env) {
  const start = process.hrtime.bigint();
  const run = spawnSync(program, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  if (run.status !== 0) throw new Error(`${program} exited with ${run.status}`);
  return Number(process.hrtime.bigint() - start) / 1e6;
}

const repeat = (count, run) => median(Array.from({ length: count }, run));
const ms = (value) => `${value.toFixed(1)} ms`;
const limit = (name, value, most) => console.log([name, ms(value), '-', '-', `<= ${most} ms`, value <= most ? 'ok' : 'short'].join('\t'));

// A parquet file for DuckDB's eyes, then noise, then its footer again: any size, and it can be opened.
async function makeFiles(files) {
  mkdirSync(files, { recursive: true });
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const small = path.join(folder, 'small.parquet');
  await connection.run(`COPY (SELECT i AS id, i % 7 AS kind FROM range(1000) t(i)) TO '${small}'`);
  connection.closeSync();
  instance.closeSync();
  const real = readFileSync(small);
  const noise = Buffer.alloc(Math.max(0, Math.floor(MEGABYTES * 1e6 / TABLES) - real.length));
  const entries = {};
  for (let i = 0; i < TABLES; i++) {
    randomFillSync(noise);
    const footer = real.readUInt32LE(real.length - 8) + 8;
    const parts = [real.subarray(0, real.length - footer), noise, real.subarray(real.length - footer)];
    const hash = createHash('md5');
    const file = openSync(path.join(files, `t${i}`), 'w');
    for (const part of parts) {
      hash.update(part);
      writeSync(file, part);
    }
    closeSync(file);
    entries[`t${i}`] = { hash: hash.digest('hex'), size_bytes: real.length + noise.length, rows: 1000, query_mode: 'local' };
  }
  return entries;
}

// nginx as the server, so that the rounds differ in the client alone; it serves the manifest as a file, with an ETag.
async function startServer() {
  const root = path.join(folder, 'files');
  const entries = await makeFiles(root);
  writeFileSync(path.join(root, 'manifest'), JSON.stringify({ tables: entries, assets: {}, server_time: '' }));
  const rules = `rewrite ^/api/data/(.*)/download$ /file/$1 last; rewrite ^/api/sync/manifest$ /file/manifest last;`;
  return startNginx(folder, 'constant', rules);
}

function reset() {
  rmSync(workspace, { recursive: true, force: true });
  mkdirSync(workspace);
}

function fullSyncs(server) {
  const list = path.join(folder, 'urls');
  const target = path.join(folder, 'curl');
  writeFileSync(list, Array.from({ length: TABLES }, (_, i) => `url="${server}/api/data/t${i}/download"\noutput="${target}/t${i}"\n`).join(''));
  const ours = [];
  const peer = [];
  for (let round = 0; round < ROUNDS; round++) {
    rmSync(target, { recursive: true, force: true });
    mkdirSync(target);
    execFileSync('sync');
    peer.push(measure('curl', ['--parallel', '--silent', '--no-progress-meter', '--config', list], process.env));
    rmSync(target, { recursive: true, force: true });
    reset();
    execFileSync('sync');
    ours.push(measure(DA, ['sync', '--quiet'], environment(server)));
  }
  if (readdirSync(path.join(workspace, 'server/parquet')).length !== TABLES) throw new Error('not everything was synced');
  const speed = (runs) => MEGABYTES / median(runs.map((run) => run.seconds));
  const ratio = speed(ours) / speed(peer);
  console.log([`da sync: ${TABLES} files, ${MEGABYTES} MB, verified, beside curl --parallel`, `${speed(ours).toFixed(0)} MB/s`, `${speed(peer).toFixed(0)} MB/s`,
    ratio.toFixed(2), '>= 0.9', ratio >= 0.9 ? 'ok' : 'short'].join('\t'));
  const memory = Math.max(...ours.map((run) => run.megabytes));
  console.log([`da sync: most memory of it`, `${memory.toFixed(0)} MB`, '-', '-', '<= 60 MB', memory <= 60 ? 'ok' : 'short'].join('\t'));
}

function localQuery() {
  const built = spawnSync('ninja', ['-C', BUILD, 'tests/bench/bare_query'], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (built.status !== 0) throw new Error('bare_query could not be built');
  const sql = 'SELECT kind, count(*) AS n FROM t0 GROUP BY ALL ORDER BY ALL';
  const database = path.join(workspace, 'user/duckdb/analytics.duckdb');
  const ours = [];
  const peer = [];
  for (let round = 0; round < QUICK_ROUNDS; round++) {
    peer.push(milliseconds(path.join(BUILD, 'tests/bench/bare_query'), [database, sql], process.env));
    ours.push(milliseconds(DA, ['query', '--format', 'csv', sql], environment('http://127.0.0.1:9')));
  }
  const more = median(ours) - median(peer);
  console.log(['da query: a small aggregate, beside a bare DuckDB process', ms(median(ours)), ms(median(peer)), `${more < 0 ? '' : '+'}${ms(more)}`, '<= +25 ms',
    more <= 25 ? 'ok' : 'short'].join('\t'));
}

let nginx;
try {
  limit('da --version', repeat(QUICK_ROUNDS, () => milliseconds(DA, ['--version'], environment(''))), 15);
  nginx = await startServer();
  const server = `http://127.0.0.1:${nginx.port}`;
  fullSyncs(server);
  limit(`da sync: nothing changed, ${TABLES} tables`, repeat(QUICK_ROUNDS, () => milliseconds(DA, ['sync', '--quiet'], environment(server))), 50);
  localQuery();
} finally {
  nginx?.child.kill();
  rmSync(folder, { recursive: true, force: true });
}
