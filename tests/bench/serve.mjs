// agnesd serve with 10,000 users and 1,000 tables: start, memory, health and manifest beside nginx, full manifests; and with
// 100,000 grants, a grant until the next request sees it, beside a bare DuckDB that commits such a row to the same file.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { AGNESD } from '../system/lib/agnesd.mjs';
import { extract, plain } from '../system/lib/extracts.mjs';
import { Client } from '../system/lib/server.mjs';
import { execute, makeState, statePath } from '../system/lib/state.mjs';
import { cpuSeconds, median, report, residentMegabytes, startNginx } from './lib/servers.mjs';

const run = promisify(execFile);
const ROUNDS = 5;
const SECONDS = 2;
const GRANT_CHANGES = 40;
const [USERS, TABLES, GRANTS] = [10_000, 1_000, 100_000];
const SECRET = 'a secret of the benchmark, long enough for HS256';
const HEALTH = '{"status":"ok","db_schema":"ok","current":20,"expected":20}';

const line = (measure, ours, target, good, peer = '-', ratio = '-') =>
  console.log([measure, ours, peer, ratio, target, good ? 'ok' : 'short'].join('\t'));

// Users in one group with all the grants; tables of one source.
async function makeData(folder) {
  await makeState(folder, 20,
    `INSERT INTO users (id, email, name, active) SELECT 'u' || i, i || '@example.com', 'User', TRUE FROM range(${USERS}) t(i)`,
    `INSERT INTO user_groups (id, name, is_system) VALUES ('g-all', 'all', FALSE)`,
    `INSERT INTO user_group_members (user_id, group_id, source) SELECT 'u' || i, 'g-all', 'admin' FROM range(${USERS}) t(i)`,
    `INSERT INTO table_registry (id, name) SELECT 'table_' || i, 'table_' || i FROM range(${TABLES}) t(i)`,
    `INSERT INTO resource_grants (id, group_id, resource_type, resource_id)
       SELECT 'r' || i, 'g-all', 'table', 'table_' || i FROM range(${TABLES}) t(i)`);
  await extract(folder, 'shop', (place) => Array.from({ length: TABLES }, (_, i) =>
    plain(place, `table_${i}`, `SELECT i AS id, ${i} AS number FROM range(10) t(i)`)).flat());
}

// On one core it has one event thread, as nginx with one worker. With several the two are not comparable: ours spread
// connections evenly, so that each thread sleeps and wakes more often, while nginx's first worker often takes all.
async function start(folder, { oneCore = false } = {}) {
  const begun = performance.now();
  const [program, ...before] = [...(oneCore ? ['taskset', '--cpu-list', '0'] : []), AGNESD];
  const child = spawn(program, [...before, 'serve', '--host', '127.0.0.1', '--port', '0', '--data-dir', folder], {
    env: { ...process.env, JWT_SECRET_KEY: SECRET, CONFIG_DIR: folder,
      SEED_ADMIN_EMAIL: 'boss@example.com', SEED_ADMIN_PASSWORD: 'correct horse' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  for await (const text of createInterface({ input: child.stdout })) {
    const found = /localhost:(\d+)/.exec(text);
    if (found) return { child, pid: child.pid, port: Number(found[1]), took: performance.now() - begun };
  }
  throw new Error('agnesd did not start');
}

const stop = (server) => new Promise((resolve) => server.child.once('close', resolve).kill('SIGTERM'));

// One round with wrk: CPU microseconds a request, and requests for each second of CPU.
async function requests(server, target, headers = []) {
  const before = cpuSeconds(server.pid);
  const flags = headers.flatMap((header) => ['-H', header]);
  const { stdout } = await run('wrk', ['-t1', '-c16', `-d${SECONDS}s`, ...flags, `http://127.0.0.1:${server.port}${target}`]);
  const count = Number(/(\d+) requests in/.exec(stdout)[1]);
  if (/Non-2xx/.test(stdout) && !headers.some((header) => header.startsWith('If-None'))) throw new Error(stdout);
  return (cpuSeconds(server.pid) - before) / count * 1e6;
}

async function besideNginx(name, ours, nginx, target, headers) {
  const [mine, peer] = [[], []];
  for (let i = 0; i < ROUNDS; i++) {
    peer.push(await requests(nginx, '/constant', headers));
    mine.push(await requests(ours, target, headers));
  }
  report(`server: CPU time per request, ${name}`, median(mine), median(peer), 'us', 2, 1.15);
}

// Milliseconds from the change of a grant to the grantee's next answer, which must have that status.
async function untilSeen(user, table, status, change) {
  const begun = performance.now();
  await change();
  const answer = await user.request('HEAD', `/api/data/${table}/download`);
  const taken = performance.now() - begun;
  if (answer.status !== status) throw new Error(`${table} is answered ${answer.status} after the change`);
  return taken;
}

// Takes grants away and gives them again: the medians of both, each with the request that sees it.
async function grantLatency(admin, user) {
  const [taken, given] = [[], []];
  for (let i = 0; i < GRANT_CHANGES; i++) {
    const table = `table_${i}`;
    taken.push(await untilSeen(user, table, 403, () => admin.delete(`/api/admin/grants/r${i}`)));
    given.push(await untilSeen(user, table, 200, () =>
      admin.post('/api/admin/grants', { group_id: 'g-all', resource_type: 'table', resource_id: table })));
  }
  return [median(given), median(taken)];
}

// What a bare DuckDB takes for the same row.
function bareCommit(data) {
  const program = path.join(process.env.AGNES_BUILD, 'tests/bench/state_bench');
  return Number(execFileSync(program, ['commit', data], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }));
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'agnes-bench-'));
const children = [];
try {
  const data = path.join(folder, 'data');
  mkdirSync(path.join(folder, 'nginx/files'), { recursive: true });
  await makeData(data);
  await stop(await start(data)); // publishes, and migrates nothing further
  const starts = [];
  for (let i = 0; i < ROUNDS; i++) {
    const server = await start(data);
    starts.push(server.took);
    await stop(server);
  }
  line('server: start with 1,000 tables and 10,000 users', `${median(starts).toFixed(0)} ms`, '<= 200 ms', median(starts) <= 200);
  const resting = await start(data);
  children.push(resting.child);
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const idle = residentMegabytes(resting.pid);
  line('server: resident memory, idle', `${idle.toFixed(0)} MB`, '<= 80 MB', idle <= 80);
  await stop(resting);

  const ours = await start(data, { oneCore: true });
  children.push(ours.child);
  const nginx = await startNginx(path.join(folder, 'nginx'), HEALTH);
  children.push(nginx.child);
  const client = new Client(`http://127.0.0.1:${ours.port}`);
  const { body } = await client.post('/auth/token', { email: 'boss@example.com', password: 'correct horse' });
  const admin = new Client(client.url, body.access_token);
  await admin.post('/api/users/u1/set-password', { password: 'long enough' });
  const user = new Client(client.url, (await client.post('/auth/token',
    { email: '1@example.com', password: 'long enough' })).body.access_token);
  const bearer = `Authorization: Bearer ${user.token}`;
  const manifest = await user.get('/api/sync/manifest');
  if (Object.keys(manifest.body.tables).length !== TABLES) throw new Error('the manifest is not complete');
  await besideNginx('/api/health', ours, nginx, '/api/health', []);
  await besideNginx('manifest, 304', ours, nginx, '/api/sync/manifest', [bearer, `If-None-Match: ${manifest.headers.get('etag')}`]);
  const full = 1e6 / await requests(ours, '/api/sync/manifest', [bearer]);
  line('server: full manifests of 1,000 tables, a second of CPU', full.toFixed(0), '>= 2000', full >= 2000);

  await stop(ours);
  await execute(statePath(data), `INSERT INTO resource_grants (id, group_id, resource_type, resource_id)
    SELECT 'm' || i, 'g-all', 'table', 'more_' || i FROM range(${GRANTS}) t(i)`);
  const bare = bareCommit(data);
  const crowded = await start(data);
  children.push(crowded.child);
  admin.url = user.url = `http://127.0.0.1:${crowded.port}`;
  const [given, taken] = await grantLatency(admin, user);
  line('server: a grant among 100,000, until the next request sees it', `${given.toFixed(1)} ms`, '<= 5 ms', given <= 5,
    `${bare.toFixed(1)} ms (bare DuckDB, its commit)`, (given / bare).toFixed(2));
  line('server: one of 100,000 grants taken away, the same', `${taken.toFixed(1)} ms`, '<= 5 ms', taken <= 5);
} finally {
  for (const child of children) child.kill('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
}
