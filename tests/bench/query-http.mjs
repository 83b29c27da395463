// POST /api/query of a real server: a small aggregate's latency and rate over kept-alive connections, the server's memory
// while it relays gigabytes (AGNES_BENCH_GB, 2 unless told) and while 50 heavy queries want to run.
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { DuckDBInstance } from '@duckdb/node-api';
import { AGNESD } from '../system/lib/agnesd.mjs';
import { Client } from '../system/lib/server.mjs';
import { publish, untilPublished } from '../system/lib/shop.mjs';
import { cpuSeconds, median, residentMegabytes } from './lib/servers.mjs';

const run = promisify(execFile);
const ROUNDS = 5;
const SECONDS = 3; // of a round
const GIGABYTES = Number(process.env.AGNES_BENCH_GB ?? 2);
const SMALL = 'SELECT k, count(*), sum(amount) FROM small WHERE id > 100 GROUP BY k ORDER BY k';
const HEAVY = 'SELECT count(DISTINCT a.range * b.range) FROM range(4000) a, range(4000) b';
const TABLES = {
  small: 'SELECT i AS id, i % 8 AS k, (i * 1.25)::DECIMAL(18,2) AS amount FROM range(2000) t(i)',
  big: 'SELECT i AS id FROM range(1000000) t(i)',
};

const line = (measure, ours, peer, target, good) =>
  console.log([`queries: ${measure}`, ours, peer, '-', target, good ? 'ok' : 'short'].join('\t'));

async function start(data) {
  const child = spawn(AGNESD, ['serve', '--host', '127.0.0.1', '--port', '0', '--data-dir', data],
    { env: { ...process.env, CONFIG_DIR: data }, stdio: ['ignore', 'pipe', 'ignore'] });
  for await (const text of createInterface({ input: child.stdout })) {
    const found = /on (http:\/\/localhost:\d+)$/.exec(text);
    if (found) return { child, pid: child.pid, url: found[1].replace('localhost', '127.0.0.1') };
  }
  throw new Error('agnesd did not start');
}

// One round with wrk: requests a second, their mean latency in milliseconds.
async function round(url, script, connections) {
  const { stdout } = await run('wrk', ['-t1', `-c${connections}`, `-d${SECONDS}s`, '-s', script, `${url}/api/query`]);
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(stdout);
  const [, latency, unit] = /Latency\s+([\d.]+)(us|ms|s)\s/.exec(stdout);
  return { rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)[1]), latency: Number(latency) * { us: 0.001, ms: 1, s: 1000 }[unit] };
}

async function plainLatency(data) {
  const plain = await (await DuckDBInstance.create(':memory:', { threads: '2' })).connect();
  const { rows } = { rows: await plain.runAndReadAll(`SELECT file FROM glob('${data}/published/shop/small-*.parquet')`) };
  await plain.run(`CREATE VIEW small AS FROM '${rows.getRows()[0][0]}'`);
  const begun = performance.now();
  for (let i = 0; i < 500; i++) (await plain.runAndReadAll(SMALL)).getRows();
  return (performance.now() - begun) / 500;
}

async function small(server, admin, data, script) {
  await round(server.url, script, 16);
  const [rates, latencies, peers, costs] = [[], [], [], []];
  for (let i = 0; i < ROUNDS; i++) {
    peers.push(await plainLatency(data));
    latencies.push((await round(server.url, script, 1)).latency);
    const before = cpuSeconds(server.pid);
    const { rate } = await round(server.url, script, 16);
    rates.push(rate);
    costs.push((cpuSeconds(server.pid) - before) / (rate * SECONDS) * 1e6);
  }
  const [mine, peer] = [median(latencies), median(peers)];
  line('small aggregate over HTTP, one client, over DuckDB in process', `${mine.toFixed(2)} ms`, `${peer.toFixed(2)} ms`, '<= 1 ms over', mine - peer <= 1);
  line('small aggregates a second over HTTP, 16 clients', `${median(rates).toFixed(0)}/s`, '-', '>= 1500/s', median(rates) >= 1500);
  line('CPU time of the server for one of them, without the worker', `${median(costs).toFixed(0)} us`, '-', '-', true);
}

// The most that the server held while `work` went on, above what it held before.
async function growth(server, work) {
  const before = residentMegabytes(server.pid);
  let peak = before;
  const timer = setInterval(() => { peak = Math.max(peak, residentMegabytes(server.pid)); }, 50);
  const result = await work();
  clearInterval(timer);
  return { result, grown: peak - before };
}

async function streaming(server, admin) {
  const sql = `SELECT id, repeat('x', 990) AS filler FROM big, range(${Math.ceil(GIGABYTES)})`;
  const { result, grown } = await growth(server, () => run('curl', ['-sS', '-o', '/dev/null', '-w', '%{http_code} %{size_download}',
    '-H', `Authorization: Bearer ${admin.token}`, '-H', 'Content-Type: application/json',
    '-d', JSON.stringify({ sql, limit: 1e9 }), `${server.url}/api/query?format=csv`]));
  const [status, bytes] = result.stdout.split(' ').map(Number);
  if (status !== 200 || bytes < GIGABYTES * 0.9e9) throw new Error(result.stdout);
  line(`memory of the server that streams ${(bytes / 1e9).toFixed(1)} GB to a client`, `+${grown.toFixed(1)} MB`, '-', '<= 16 MB', grown <= 16);
}

async function heavy(server, admin) {
  const users = []; // few: signing in has a limit, too
  for (let i = 0; i < 5; i++) users.push(await admin.addUser(`u${i}@example.com`));
  const { result, grown } = await growth(server, () => Promise.all(users.flatMap((user) =>
    Array.from({ length: 10 }, () => user.post('/api/query', { sql: HEAVY })))));
  const counts = {};
  for (const { status, body } of result) {
    if (![200, 400, 429].includes(status)) throw new Error(JSON.stringify(body));
    counts[status] = (counts[status] ?? 0) + 1;
  }
  const shown = Object.entries(counts).map(([status, count]) => `${count} x ${status}`).join(', ');
  line(`memory of the server with 50 heavy queries (${shown})`, `+${grown.toFixed(1)} MB`, '-', '<= 16 MB', grown <= 16);
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'agnes-bench-'));
const data = path.join(folder, 'data');
let server;
try {
  await publish(data, TABLES);
  writeFileSync(path.join(data, 'instance.yaml'), 'query: {timeout_seconds: 600, workers: 4}\n');
  server = await start(data);
  const { body } = await new Client(server.url).post('/auth/bootstrap', { email: 'boss@example.com', password: 'correct horse' });
  const admin = new Client(server.url, body.access_token);
  await untilPublished(admin, Object.keys(TABLES));
  const script = path.join(folder, 'post.lua');
  writeFileSync(script, `wrk.method = 'POST'\nwrk.body = [[${JSON.stringify({ sql: SMALL })}]]\n`
    + `wrk.headers['Content-Type'] = 'application/json'\nwrk.headers['Authorization'] = 'Bearer ${admin.token}'\n`);
  await small(server, admin, data, script);
  await streaming(server, admin);
  await heavy(server, admin);
} finally {
  server?.child.kill('SIGTERM');
  if (server) await new Promise((resolve) => server.child.once('close', resolve));
  rmSync(folder, { recursive: true, force: true });
}
