// da as a command that is typed: how long until it has answered, beside curl(1) doing the same or the like.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { DA } from '../system/lib/da.mjs';
import { median } from './lib/servers.mjs';

const RUNS = 200;
const TABLES = 1000;

// In a thread of its own, because the runs below block this one.
async function serveCatalog() {
  const tables = Array.from({ length: TABLES }, (_, i) => ({ id: `table_${i}`, name: `table_${i}`, description: 'a table',
    source_type: 'local', query_mode: 'local', sql_flavor: 'duckdb', where_examples: [], fetch_via: 'da sync',
    rough_size_hint: null }));
  const body = JSON.stringify({ tables, server_time: '2026-01-01T00:00:00+00:00' });
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  parentPort.postMessage(server.address().port);
}

function time(program, args, env) {
  const start = performance.now();
  const { status } = spawnSync(program, args, { env: { ...process.env, ...env }, stdio: 'ignore' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: exit ${status}`);
  return performance.now() - start;
}

// One after the other in turns, so that what else the machine does meets both alike.
function compare(measure, ours, peer, target, good) {
  const times = [[], []];
  for (let i = 0; i < RUNS; i++) {
    times[0].push(time(DA, ...ours));
    times[1].push(time('curl', ...peer));
  }
  const [mine, other] = times.map(median);
  console.log([measure, `${mine.toFixed(1)} ms`, `${other.toFixed(1)} ms (curl ${peer[0][0]})`, (mine / other).toFixed(2),
    target, good(mine, other) ? 'ok' : 'short'].join('\t'));
}

async function main() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'agnes-bench-'));
  const thread = new Worker(new URL(import.meta.url));
  try {
    const [port] = await once(thread, 'message');
    const server = `http://127.0.0.1:${port}`;
    const env = { DA_CONFIG_DIR: folder, DA_SERVER: server, DA_TOKEN: 'x', DA_NO_UPDATE_CHECK: '1' };
    compare('CLI: da --version', [['--version'], env], [['--version']], '<= 15 ms', (ms) => ms <= 15);
    compare('CLI: da --help', [['--help'], env], [['--help']], '<= 15 ms', (ms) => ms <= 15);
    compare(`CLI: da catalog --json, ${TABLES} tables`, [['catalog', '--json'], env],
      [['-s', `${server}/api/v2/catalog`]], '<= curl + 10 ms', (ms, other) => ms <= other + 10);
  } finally {
    await thread.terminate();
    rmSync(folder, { recursive: true });
  }
}

await (isMainThread ? main() : serveCatalog());
