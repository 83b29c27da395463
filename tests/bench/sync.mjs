// Runs of the synchronisation: one that finds nothing to do among 1,000 tables, one in which 1 of 1,000 changed, two sources
// side by side, and what requests feel of a run that extracts the large sample.
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { AGNESD, agnesd, query } from '../system/lib/agnesd.mjs';
import { Client } from '../system/lib/server.mjs';
import { median } from './lib/servers.mjs';

const ROUNDS = 5;
const TABLES = Number(process.env.BENCH_TABLES ?? 1000);
const SAMPLE = process.env.BENCH_SAMPLE ?? 'large';
const ROWS = 200_000; // of the table that changes
const SOURCE_TABLES = 50;
const SOURCE_ROWS = 20_000;

const line = (measure, ours, peer, ratio, target, good) => console.log([measure, ours, peer, ratio, target, good ? 'ok' : 'short'].join('\t'));
const milliseconds = (value) => `${value.toFixed(1)} ms`;

async function start(folder, env = {}) {
  const child = spawn(AGNESD, ['serve', '--host', '127.0.0.1', '--port', '0', '--data-dir', folder], {
    env: { ...process.env, CONFIG_DIR: folder, CONNECTORS_DIR: path.join(folder, 'connectors'), LOG_LEVEL: 'WARNING', ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  for await (const text of createInterface({ input: child.stdout })) {
    const found = /localhost:(\d+)/.exec(text);
    if (found) return { child, url: `http://127.0.0.1:${found[1]}` };
  }
  throw new Error('agnesd did not start');
}

const stop = (server) => new Promise((resolve) => server.child.once('close', resolve).kill('SIGTERM'));

async function bootstrap(server) {
  const { body } = await new Client(server.url).post('/auth/bootstrap', { email: 'boss@example.com', password: 'correct horse' });
  return new Client(server.url, body.access_token);
}

// A run from the wish to its end, as the server measured it: the report of the run.
async function run(admin, ids) {
  const last = (await admin.get('/api/sync/status')).body.recent[0]?.id;
  await admin.post('/api/sync/trigger', ids);
  for (;;) {
    const { current, queued, recent } = (await admin.get('/api/sync/status')).body;
    if (!current && !queued && recent[0] && recent[0].id !== last) return recent[0];
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// How long it took, if it did what it was meant to.
function secondsOf({ seconds, counts }, fresh) {
  if (counts.done !== fresh) throw new Error(JSON.stringify(counts));
  return seconds;
}

// What a run begins in the background is not part of the next one.
const settle = () => new Promise((resolve) => setTimeout(resolve, 2500));

const csv = (rows, version) => `id,amount,text\n${Array.from({ length: rows }, (_, i) => `${i},${i * version},text ${i % 97}\n`).join('')}`;

function drop(folder, name, text) {
  writeFileSync(path.join(folder, `.${name}`), text);
  renameSync(path.join(folder, `.${name}`), path.join(folder, 'inbox', name));
}

async function manyTables(folder) {
  mkdirSync(path.join(folder, 'inbox'), { recursive: true });
  writeFileSync(path.join(folder, 'instance.yaml'), 'local: {auto_register: true}\n');
  for (let i = 0; i < TABLES; i++) drop(folder, `table_${i}.csv`, csv(10, i));
  drop(folder, 'changing.csv', csv(ROWS, 1));
  let server = await start(folder);
  let admin = await bootstrap(server);
  await settle();
  await run(admin);
  await settle();
  await run(admin);
  const [changed, alone] = [[], []];
  for (let round = 2; round < 2 + ROUNDS; round++) {
    drop(folder, 'changing.csv', csv(ROWS, round));
    await settle();
    changed.push(secondsOf(await run(admin), 1) * 1000);
    alone.push(await extractAlone(folder));
  }
  const allowed = 1.2 * median(alone) + 150;
  line(`sync: run in which 1 of ${TABLES} tables changed`, milliseconds(median(changed)), milliseconds(median(alone)),
    (median(changed) / median(alone)).toFixed(2), `<= 1.2 x + 150 ms (${milliseconds(allowed)})`, median(changed) <= allowed);
  await stop(server);
  await query("UPDATE table_registry SET sync_schedule = 'every 24h'", path.join(folder, 'state/system.duckdb'));
  server = await start(folder);
  admin = new Client(server.url, admin.token);
  await settle();
  await run(admin);
  const idle = [];
  for (let round = 0; round < 2 * ROUNDS; round++) idle.push((await run(admin)).seconds * 1000);
  line(`sync: run that finds nothing to do among ${TABLES} tables`, milliseconds(median(idle)), '-', '-', '<= 100 ms', median(idle) <= 100);
  await stop(server);
}

// The same extract by hand, from the start of the process to its end.
async function extractAlone(folder) {
  const data = mkdtempSync(path.join(os.tmpdir(), 'agnes-bench-'));
  const input = JSON.stringify({ rows: [{ name: 'changing' }], config: { roots: [path.join(folder, 'inbox')] } });
  const begun = performance.now();
  const { code, stderr } = await agnesd(['extract', 'local', '--data-dir', data], { input, env: { CONFIG_DIR: data } });
  const took = performance.now() - begun;
  rmSync(data, { recursive: true });
  if (code !== 0) throw new Error(stderr);
  return took;
}

// Two connectors that do the same: each makes its tables one after the other, as slowly as parquet is written.
function addSource(folder, name) {
  const place = path.join(folder, 'connectors', name);
  mkdirSync(place, { recursive: true });
  const tables = Array.from({ length: SOURCE_TABLES }, (_, i) => `CREATE TABLE ${name}_${i} AS SELECT i, hash(i * ${i + 1} + epoch_us(now())) AS h, 'text ' || i AS t FROM range(${SOURCE_ROWS}) r(i);`);
  writeFileSync(path.join(place, 'extractor'), `#!/bin/sh\n"$AGNESD" extract-write ${name} <<'SQL'\n${tables.join('\n')}\nSQL\n`);
  chmodSync(path.join(place, 'extractor'), 0o755);
}

async function twoSources(folder) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'instance.yaml'), 'extract: {threads: 1}\nsync: {parallel: 2}\n');
  for (const name of ['first', 'second']) addSource(folder, name);
  const server = await start(folder);
  const admin = await bootstrap(server);
  const ids = { first: [], second: [] };
  for (const source of ['first', 'second']) {
    for (let i = 0; i < SOURCE_TABLES; i++) {
      const { body } = await admin.post('/api/admin/register-table', { name: `${source}_${i}`, source_type: source });
      ids[source].push(body.id);
      await admin.put(`/api/admin/registry/${body.id}`, { profile_after_sync: false });
    }
  }
  await run(admin);
  const [together, apart] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    await settle();
    together.push(secondsOf(await run(admin), 2 * SOURCE_TABLES));
    await settle();
    const first = secondsOf(await run(admin, ids.first), SOURCE_TABLES);
    await settle();
    apart.push(first + secondsOf(await run(admin, ids.second), SOURCE_TABLES));
  }
  line(`sync: ${2 * SOURCE_TABLES} tables of two sources at once`, `${median(together).toFixed(2)} s`, `${median(apart).toFixed(2)} s`,
    (median(together) / median(apart)).toFixed(2), '<= 0.65', median(together) <= 0.65 * median(apart));
  await stop(server);
}

const percentile = (values, share) => [...values].sort((a, b) => a - b)[Math.floor(values.length * share)];

// Latencies of calls, one every few milliseconds, as long as `goes()`.
async function latencies(call, goes) {
  const all = [];
  while (goes()) {
    const begun = performance.now();
    await call();
    all.push(performance.now() - begun);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return all;
}

async function duringLarge(folder) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'instance.yaml'), 'local: {auto_register: true}\n');
  const sample = await agnesd(['sample-data', path.join(folder, 'inbox'), '--size', SAMPLE]);
  if (sample.code !== 0) throw new Error(sample.stderr);
  const server = await start(folder);
  const admin = await bootstrap(server);
  drop(folder, 'small.csv', csv(1000, 1));
  await settle();
  await run(admin, []).catch(() => {});
  await settle();
  const calls = {
    health: () => admin.get('/api/health'),
    query: () => admin.post('/api/query', { sql: 'SELECT count(*), sum(amount) FROM small' }),
  };
  const idle = {};
  for (const [name, call] of Object.entries(calls)) {
    const until = performance.now() + 3000;
    idle[name] = await latencies(call, () => performance.now() < until);
  }
  const { tables } = (await admin.get('/api/admin/registry')).body;
  // The same files once more, as if they were new.
  for (const { source_table } of tables) {
    renameSync(path.join(folder, 'inbox', source_table), path.join(folder, source_table));
    renameSync(path.join(folder, source_table), path.join(folder, 'inbox', source_table));
  }
  let running = true;
  const end = run(admin, tables.map(({ id }) => id)).then((report) => { running = false; return report; });
  const busy = Object.fromEntries(await Promise.all(Object.entries(calls).map(async ([name, call]) => [name, await latencies(call, () => running)])));
  const { seconds } = await end;
  const health = percentile(busy.health, 0.99), small = percentile(busy.query, 0.99), before = percentile(idle.query, 0.99);
  line(`sync: p99 of /api/health while the ${SAMPLE} sample is extracted (${seconds.toFixed(1)} s)`, milliseconds(health),
    milliseconds(percentile(idle.health, 0.99)), '-', '<= 5 ms', health <= 5);
  line('sync: p99 of a small query meanwhile', milliseconds(small), milliseconds(before), (small / before).toFixed(2), '<= 3', small <= 3 * before);
  await stop(server);
}

const root = mkdtempSync(path.join(os.tmpdir(), 'agnes-bench-'));
try {
  await manyTables(path.join(root, 'many'));
  await twoSources(path.join(root, 'two'));
  await duringLarge(path.join(root, 'large'));
} finally {
  rmSync(root, { recursive: true, force: true });
}
