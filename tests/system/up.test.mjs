// agnesd up: server and scheduler as one, whatever happens to either of them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { AGNESD, agnesd, atEnd, isAlive, query, temporaryFolder } from './lib/agnesd.mjs';
import { listen } from './lib/events.mjs';
import { csv, drop } from './lib/runs.mjs';
import { Server, sanitizers, serve } from './lib/server.mjs';
import { until } from './lib/shop.mjs';

// Starts it with a scheduler that is never long behind.
const up = (t, folder, { env = {}, ...options } = {}) =>
  serve(t, folder, { command: 'up', env: { SCHEDULER_TICK_SECONDS: '1', ...env }, ...options });

// The running processes below one: { command: pid }.
function childrenOf(parent) {
  const found = {};
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const [state, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(ppid) !== parent || state === 'Z') continue;
      found[readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[1]] = Number(pid);
    } catch {
      // it ended meanwhile
    }
  }
  return found;
}

const pairOf = (server) => until('both processes', () => {
  const pair = childrenOf(server.child.pid);
  return pair.serve && pair.scheduler && pair;
});

const lastRuns = (folder) => {
  const file = path.join(folder, 'state/scheduler.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).last_runs : {};
};

const untilGone = (pids) => until('end of the processes', () => pids.every((pid) => !isAlive(pid)));

test('it works on an empty folder, without any configuration, and ends in order', async (t) => {
  const folder = temporaryFolder(t);
  const server = await up(t, folder);
  assert.equal((await server.client().get('/api/health')).body.status, 'ok');
  await until('a sync by the scheduler', () => lastRuns(folder)['data-refresh']);
  const pair = await pairOf(server);
  assert.deepEqual(await server.stop(), { code: 0, signal: null });
  await untilGone(Object.values(pair));
  const services = new Set(server.log.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line).service));
  assert.ok(services.has('app') && services.has('scheduler'), server.log);
  assert.ok(!/WARNING.*data-refresh/.test(server.log), server.log);
});

test('a file that is dropped becomes a table, which is watched, downloaded and read', async (t) => {
  const folder = temporaryFolder(t);
  const server = await up(t, folder);
  const admin = await server.bootstrap();
  const stream = await listen(t, admin);
  await stream.until('picture', ({ name }) => name === 'status');
  drop(folder, 'orders.csv', csv(5000));
  assert.equal((await admin.post('/api/sync/trigger')).status, 200);
  const isOurs = ({ name, data }) => name === 'table' && data.table === 'orders';
  await stream.until('new version', (event) => isOurs(event) && event.data.phase === 'done');
  const phases = stream.events.filter(isOurs).map(({ data }) => data.phase);
  assert.ok(phases.includes('extracting'), `${phases}`);
  const entry = (await admin.get('/api/sync/manifest')).body.tables.orders;
  const response = await fetch(`${server.url}/api/data/orders/download`, { headers: { authorization: `Bearer ${admin.token}` } });
  const bytes = Buffer.from(await response.arrayBuffer());
  assert.equal(bytes.length, entry.size_bytes);
  assert.equal(createHash('md5').update(bytes).digest('hex'), entry.hash);
  const file = path.join(folder, 'downloaded.parquet');
  writeFileSync(file, bytes);
  assert.deepEqual(await query(`SELECT count(*)::INT AS rows, sum(id)::INT AS ids, sum(amount)::INT AS amounts FROM '${file}'`),
    [{ rows: 5000, ids: 12497500, amounts: 24995000 }]);
  assert.equal(entry.rows, 5000);
  const profile = await until('its profile', async () => {
    const { status, body } = await admin.get('/api/catalog/profile/orders');
    return status === 200 && body;
  });
  assert.equal(profile.row_count, 5000);
});

test('what lies in the inbox is a table with the first look of the scheduler', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(path.join(folder, 'inbox'));
  drop(folder, 'early.csv', csv(3));
  const server = await up(t, folder);
  const admin = await server.bootstrap();
  const early = await until('the table', async () => (await admin.get('/api/sync/manifest')).body.tables.early);
  assert.equal(early.rows, 3);
});

test('each start has a secret of its own, unless one is given', async (t) => {
  const tokenOf = async (env) => {
    const server = await up(t, temporaryFolder(t), { env });
    const pair = await pairOf(server);
    const tokens = Object.values(pair).map((pid) =>
      /(?:^|\0)SCHEDULER_API_TOKEN=([^\0]*)/.exec(readFileSync(`/proc/${pid}/environ`, 'latin1'))[1]);
    assert.equal(tokens[0], tokens[1]);
    for (const pid of Object.values(pair)) assert.ok(!readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(tokens[0]));
    await server.stop();
    assert.ok(!server.log.includes(tokens[0]));
    return tokens[0];
  };
  const [first, second] = [await tokenOf({}), await tokenOf({ SCHEDULER_API_TOKEN: ' ' })];
  assert.ok(first.length >= 32 && second.length >= 32 && first !== second);
  const given = 'given-given-given-given-given-given-given';
  assert.equal(await tokenOf({ SCHEDULER_API_TOKEN: given }), given);
});

test('whichever of the two crashes is started again', async (t) => {
  const folder = temporaryFolder(t);
  const server = await up(t, folder);
  const first = await pairOf(server);
  process.kill(first.scheduler, 'SIGKILL');
  await until('another scheduler', () => ![undefined, first.scheduler].includes(childrenOf(server.child.pid).scheduler));
  const second = await pairOf(server);
  assert.equal(second.serve, first.serve);
  assert.match(server.log, /agnesd scheduler was killed by signal 9 \(Killed\); it starts again in 1 s/);

  const url = server.url;
  process.kill(second.serve, 'SIGKILL');
  await until('another server', () => server.url !== url);
  assert.equal((await server.client().get('/api/health')).status, 200);
  const third = await pairOf(server);
  assert.notEqual(third.serve, second.serve);
  assert.notEqual(third.scheduler, second.scheduler, 'it knows the new address');
  assert.ok(!isAlive(second.scheduler));
  assert.deepEqual(await server.stop(), { code: 0, signal: null });
});

test('nothing is left when it is killed itself', async (t) => {
  const server = await up(t, temporaryFolder(t));
  const pair = await pairOf(server);
  server.child.kill('SIGKILL');
  await server.ended;
  await untilGone(Object.values(pair));
});

test('a port that is taken ends it, with a message', async (t) => {
  const taken = net.createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  atEnd(t, () => taken.close());
  const { port } = taken.address();
  const result = await agnesd(['up', '--host', '127.0.0.1', '--port', `${port}`, '--data-dir', temporaryFolder(t)]);
  assert.equal(result.code, 1);
  assert.match(result.stderr, new RegExp(`cannot listen on 127.0.0.1 port ${port}: Address already in use`));
  assert.match(result.stderr, /agnesd serve did not start/);
});

test('a scheduler that cannot start ends it, too', async (t) => {
  const args = ['up', '--host', '127.0.0.1', '--port', '0', '--data-dir', temporaryFolder(t)];
  const result = await agnesd(args, { env: { SCHEDULER_TICK_SECONDS: '0' } });
  assert.equal(result.code, 1);
  assert.match(result.stderr, /SCHEDULER_TICK_SECONDS is '0'/);
  assert.match(result.stderr, /agnesd scheduler did not start/);
});

test('options that make no sense are told at once', async (t) => {
  const folder = temporaryFolder(t);
  const unknown = await agnesd(['up', '--data-dir', folder, '--prot', '1']);
  assert.equal(unknown.code, 2);
  for (const port of ['-1', '65536', '99999']) {
    const { code, stderr } = await agnesd(['up', '--data-dir', folder, `--port=${port}`]);
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`--port is ${port}: it must be from 1 to 65535`));
  }
  const tls = await agnesd(['up', '--data-dir', folder, '--tls-certificate', 'a', '--tls-key', 'b'], { env: { API_URL: '' } });
  assert.equal(tls.code, 1);
  assert.match(tls.stderr, /API_URL must say/);
  const short = await agnesd(['up', '--data-dir', folder], { env: { SCHEDULER_API_TOKEN: 'short' } });
  assert.equal(short.code, 1);
  assert.match(short.stderr, /SCHEDULER_API_TOKEN is shorter than 32/);
});

test('the configuration is read again on SIGHUP', async (t) => {
  const server = await up(t, temporaryFolder(t));
  await pairOf(server);
  server.child.kill('SIGHUP');
  await until('the message', () => /the configuration was read again/.test(server.log));
});

test('a socket of systemd is passed on, also to the next server, and systemd is told', async (t) => {
  const folder = temporaryFolder(t);
  const notify = path.join(folder, 'notify');
  // Node has no datagrams on Unix sockets.
  const systemd = spawn('python3', ['-u', '-c', 'import socket, sys\n' +
    's = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\ns.bind(sys.argv[1])\nprint("bound")\n' +
    'while True: print(s.recv(4096).decode())', notify], { stdio: ['ignore', 'pipe', 'inherit'] });
  atEnd(t, () => systemd.kill());
  const told = [];
  createInterface({ input: systemd.stdout }).on('line', (line) => told.push(line));
  await until('the socket', () => told.length === 1);
  const listener = net.createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address();
  const child = spawn('sh', ['-c', 'export LISTEN_PID=$$; exec "$0" up --data-dir "$1"', AGNESD, folder], {
    env: { PATH: process.env.PATH, HOME: folder, LISTEN_FDS: '1', NOTIFY_SOCKET: notify, ...sanitizers() },
    stdio: ['ignore', 'pipe', 'pipe', listener._handle],
  });
  const server = new Server(child, folder);
  atEnd(t, () => server.stop());
  await server.ready;
  listener.close(); // ours; theirs goes on
  assert.equal(server.url, `http://127.0.0.1:${port}`);
  const { serve: first } = await pairOf(server);
  await until('READY', () => told.length === 2);
  process.kill(first, 'SIGKILL');
  const answer = await server.client().get('/api/health'); // waits in the queue until somebody takes it
  assert.equal(answer.status, 200);
  assert.notEqual((await pairOf(server)).serve, first);
  await server.stop();
  await until('STOPPING', () => told.length === 3);
  assert.deepEqual(told.slice(1), ['READY=1', 'STOPPING=1']);
});
