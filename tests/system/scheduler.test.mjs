// agnesd scheduler against a server of the test: what it calls and when, and servers that fail it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { test } from 'node:test';
import { AGNESD, agnesd, atEnd, temporaryFolder } from './lib/agnesd.mjs';
import { until } from './lib/http_demo.mjs';
import { sanitizers } from './lib/server.mjs';

const TOKEN = 'a-token-of-the-scheduler-with-40-letters';
const SYNC = 'POST /api/sync/trigger';
const HEALTH = 'GET /api/health';
const SCRIPTS = 'POST /api/scripts/run-due';
const MARKETPLACES = 'POST /api/marketplaces/sync-all';

// A server that answers by `answers` ("METHOD /path": status or function), 200 otherwise.
async function startServer(t, answers = {}, port = 0) {
  const calls = [];
  const server = http.createServer((request, response) => {
    const call = { what: `${request.method} ${request.url}`, headers: request.headers, body: '', gone: false };
    calls.push(call);
    request.on('data', (data) => { call.body += data; });
    response.on('close', () => { call.gone = !response.writableEnded; });
    const answer = answers[call.what] ?? 200;
    if (typeof answer === 'function') answer(request, response);
    else response.writeHead(answer, { 'content-type': 'application/json' }).end('{"detail":"as the test wants"}');
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  atEnd(t, () => {
    server.close();
    server.closeAllConnections();
  });
  const count = (what) => calls.filter((call) => call.what === what).length;
  return { calls, count, port: server.address().port, url: `http://127.0.0.1:${server.address().port}` };
}

function dataFolder(t) {
  const folder = temporaryFolder(t);
  mkdirSync(path.join(folder, 'state'));
  return folder;
}

// Starts it with a tick of a second, so that a failure is tried again after one.
function startScheduler(t, folder, url, env = {}) {
  const child = spawn(AGNESD, ['scheduler', '--data-dir', folder], {
    env: { PATH: process.env.PATH, API_URL: url, SCHEDULER_API_TOKEN: TOKEN, SCHEDULER_TICK_SECONDS: '1',
      LOG_LEVEL: 'DEBUG', ...sanitizers(), ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const scheduler = { child, text: '', ended: once(child, 'close') };
  child.stderr.setEncoding('utf8').on('data', (text) => { scheduler.text += text; });
  scheduler.log = () => scheduler.text.split('\n').slice(0, -1).map((line) => JSON.parse(line));
  scheduler.warnings = (pattern) => scheduler.log().filter(({ lvl, msg }) => lvl === 'WARNING' && pattern.test(msg));
  scheduler.stop = async () => {
    child.kill('SIGTERM');
    const [code, signal] = await scheduler.ended;
    assert.equal(code, 0, `${signal}: ${scheduler.text}`);
  };
  atEnd(t, async () => {
    if (child.exitCode === null && child.signalCode === null) await scheduler.stop();
  });
  return scheduler;
}

const historyOf = (folder) => {
  const file = path.join(folder, 'state/scheduler.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).last_runs : {};
};

test('at its start it calls what is due, with the token, and a restart repeats nothing', async (t) => {
  const server = await startServer(t);
  const folder = dataFolder(t);
  const first = startScheduler(t, folder, `${server.url}/`);
  await until(() => Object.keys(historyOf(folder)).length === 3);
  await first.stop();
  assert.deepEqual(server.calls.map(({ what }) => what).sort(), [HEALTH, SCRIPTS, SYNC].sort());
  for (const { headers, body } of server.calls) {
    assert.equal(headers.authorization, `Bearer ${TOKEN}`);
    assert.equal(headers['content-type'], undefined);
    assert.equal(body, '');
    assert.match(headers['user-agent'], /^agnes-scheduler\//);
  }
  assert.ok(first.log().every(({ service }) => service === 'scheduler'));
  assert.ok(!first.text.includes(TOKEN));

  const before = Object.entries(historyOf(folder));
  for (const [name, time] of before) {
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, name);
    assert.ok(Math.abs(Date.now() - Date.parse(time)) < 600_000, time);
  }
  writeFileSync(path.join(folder, 'state/scheduler.json'), JSON.stringify({ last_runs: {
    'data-refresh': new Date(Date.now() - 16 * 60_000).toISOString(),
    'health-check': new Date().toISOString(),
    'script-runner': new Date().toISOString(),
    marketplaces: new Date(Date.now() - 25 * 3600_000).toISOString(),
  } }));
  server.calls.length = 0;
  const second = startScheduler(t, folder, server.url);
  await until(() => server.count(SYNC) === 1);
  await second.stop();
  assert.deepEqual(server.calls.map(({ what }) => what), [SYNC], 'the daily one, which it missed, comes later');
});

test('a server that is down is found again', async (t) => {
  const folder = dataFolder(t);
  const reserved = http.createServer().listen(0, '127.0.0.1');
  await once(reserved, 'listening');
  const { port } = reserved.address();
  reserved.close();
  await once(reserved, 'close');
  const scheduler = startScheduler(t, folder, `http://127.0.0.1:${port}`);
  await until(() => scheduler.warnings(/^data-refresh failed 1: cannot reach/).length === 1);
  const server = await startServer(t, {}, port);
  await until(() => historyOf(folder)['data-refresh'] && historyOf(folder)['health-check']);
  await until(() => /data-refresh works again, after \d+ failures/.test(scheduler.text));
  assert.equal(scheduler.warnings(/^data-refresh failed/).length, 1, 'the same problem is told once');
  assert.equal(server.count(SYNC), 1);
});

test('failures of all kinds are tried again, ever later, and told once', async (t) => {
  const server = await startServer(t, {
    [SYNC]: 401,
    [HEALTH]: (request, response) => response.writeHead(307, { location: '/elsewhere' }).end(),
    [SCRIPTS]: 404,
  });
  const folder = dataFolder(t);
  const scheduler = startScheduler(t, folder, server.url);
  await until(() => server.count(SYNC) >= 3 && server.count(HEALTH) >= 3 && server.count(SCRIPTS) >= 2);
  await scheduler.stop();
  assert.deepEqual(historyOf(folder), {});
  assert.equal(server.count('GET /elsewhere'), 0);
  const told = scheduler.warnings(/failed/).map(({ msg }) => msg).sort();
  assert.equal(told.length, 3, told.join('\n'));
  assert.match(told[0], /^data-refresh failed 1: status 401: .*SCHEDULER_API_TOKEN.* 32 characters.*; next try in \d+ s$/);
  assert.match(told[1], /^health-check failed 1: status 307, which is not followed: API_URL/);
  assert.match(told[2], /^script-runner failed 1: status 404: this server has no \/api\/scripts\/run-due/);
  const pauses = [...scheduler.text.matchAll(/data-refresh failed .*?next try in (\d+) s/g)].map((found) => Number(found[1]));
  assert.ok(pauses[2] > pauses[0], `${pauses}`);
});

test('another failure of the same job is told, and so is its end', async (t) => {
  let status = 500;
  const server = await startServer(t, {
    [HEALTH]: (request, response) => response.writeHead(status).end(`answer ${status}\nsecond line`),
  });
  const scheduler = startScheduler(t, dataFolder(t), server.url);
  await until(() => scheduler.warnings(/^health-check failed 1: status 500: answer 500 second line; /).length === 1);
  status = 503;
  await until(() => scheduler.warnings(/^health-check failed again, number \d+: status 503: answer 503/).length === 1);
  status = 204;
  await until(() => /health-check works again/.test(scheduler.text));
});

test('a server that hangs delays no other job, and the scheduler ends all the same', async (t) => {
  const server = await startServer(t, { [SYNC]: () => {}, [HEALTH]: () => {} });
  const folder = dataFolder(t);
  const scheduler = startScheduler(t, folder, server.url);
  await until(() => server.count(SYNC) === 1 && server.count(HEALTH) === 1);
  await until(() => historyOf(folder)['script-runner']);
  await scheduler.stop();
  assert.deepEqual([server.count(SYNC), server.count(HEALTH)], [1, 1], 'due at each tick, but not beside itself');
  await until(() => server.calls.filter(({ gone }) => gone).length === 2);
  assert.deepEqual(Object.keys(historyOf(folder)), ['script-runner']);
  assert.deepEqual(scheduler.warnings(/failed/), [], 'who stops it has given up the calls');
});

test('two schedulers do not share a data directory', async (t) => {
  const server = await startServer(t);
  const folder = dataFolder(t);
  startScheduler(t, folder, server.url);
  await until(() => server.count(SYNC) === 1);
  const second = await agnesd(['scheduler', '--data-dir', folder], { env: { API_URL: server.url } });
  assert.equal(second.code, 1);
  assert.match(second.stderr, /another scheduler works for the data directory/);
});

test('it needs no data directory', async (t) => {
  const server = await startServer(t);
  const folder = temporaryFolder(t);
  const scheduler = startScheduler(t, folder, server.url, { SCHEDULER_API_TOKEN: '' });
  await until(() => server.count(SYNC) === 1);
  await scheduler.stop();
  assert.equal(server.calls[0].headers.authorization, undefined);
  assert.equal(scheduler.warnings(/SCHEDULER_API_TOKEN is not set/).length, 1);
  assert.match(scheduler.text, /when jobs last ran is not kept/);
  assert.ok(!existsSync(path.join(folder, 'state')));
});

test('a file of last runs that cannot be used stops nothing', async (t) => {
  const server = await startServer(t);
  const folder = dataFolder(t);
  mkdirSync(path.join(folder, 'state/scheduler.json'));
  const scheduler = startScheduler(t, folder, server.url);
  await until(() => server.count(SYNC) === 1 && server.count(SCRIPTS) === 1);
  await until(() => scheduler.warnings(/after a restart jobs may run too early/).length === 1);
  assert.equal(scheduler.warnings(/every job counts as never run/).length, 1);
});

test('variables that make no sense end it at its start', async (t) => {
  const folder = dataFolder(t);
  const names = ['SCHEDULER_TICK_SECONDS', 'SCHEDULER_DATA_REFRESH_INTERVAL', 'SCHEDULER_HEALTH_CHECK_INTERVAL',
    'SCHEDULER_SCRIPT_RUN_INTERVAL'];
  const cases = names.flatMap((name) => ['0', '-5', 'abc', ''].map((value) => [name, value, name]));
  cases.push(['SCHEDULER_TICK_SECONDS', '61', 'tick'], ['API_URL', 'example.com', 'API_URL']);
  for (const [name, value, hint] of cases) {
    const { code, stderr } = await agnesd(['scheduler', '--data-dir', folder], { env: { [name]: value } });
    assert.notEqual(code, 0, `${name}=${value}`);
    assert.ok(stderr.includes(hint), stderr);
  }
});
