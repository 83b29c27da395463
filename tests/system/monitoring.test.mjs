// GET /metrics as an independent parser reads it, who may read it, and the health of the server in detail.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from './lib/agnesd.mjs';
import { drop, openSync, register, runSync } from './lib/runs.mjs';
import { serve } from './lib/server.mjs';
import { grant, openShop, until } from './lib/shop.mjs';
import { execute, makeState, statePath } from './lib/state.mjs';

const TOKEN = 'a-token-of-the-collector';
const PYTHON = '/usr/bin/python3'; // Debian's, whose packages script/setup installs
// The reader of Prometheus's own client library, as JSON: [[family, type, [[sample, labels, value]…]]…].
const READER = `
import json, sys
from prometheus_client.parser import text_string_to_metric_families as read
print(json.dumps([[f.name, f.type, [[s.name, s.labels, s.value] for s in f.samples]] for f in read(sys.stdin.read())]))
`;

// What the caller may read: { families: { name: type }, samples: [{ name, labels, value }] }.
async function scrape(client) {
  const { status, headers, body } = await client.get('/metrics');
  assert.equal(status, 200);
  assert.equal(headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  const families = JSON.parse(execFileSync(PYTHON, ['-c', READER], { input: body, encoding: 'utf8' }));
  const names = families.map(([name]) => name);
  assert.equal(new Set(names).size, names.length, 'a family comes once');
  const samples = families.flatMap(([, , list]) => list.map(([name, labels, value]) => ({ name, labels, value })));
  const series = samples.map(({ name, labels }) => JSON.stringify([name, labels]));
  assert.equal(new Set(series).size, series.length, 'a series comes once');
  for (const [name, type] of families) assert.notEqual(type, 'unknown', name);
  return samples;
}

const find = (samples, name, labels = {}) => samples.filter((sample) => sample.name === name &&
  Object.entries(labels).every(([label, value]) => sample.labels[label] === value));

// The value of the one sample with these labels, and maybe others.
function value(samples, name, labels) {
  const found = find(samples, name, labels);
  assert.equal(found.length, 1, `${name} ${JSON.stringify(labels)}: ${JSON.stringify(found)}`);
  return found[0].value;
}

test('requests are counted by route and status, and their times told', async (t) => {
  const { server, admin } = await openShop(t);
  for (let i = 0; i < 3; i++) await admin.get('/api/data/orders/download');
  for (let i = 0; i < 200; i++) await server.client().get(`/no/such/path/${i}?x=${i}`);
  await server.client().get('/api/data/orders/download');
  const figures = await until('all counts', async () => {
    const all = await scrape(admin);
    return find(all, 'agnes_http_requests_total', { route: 'none' })[0]?.value === 200 && all;
  });
  const download = { method: 'GET', route: '/api/data/{table_id}/download' };
  assert.equal(value(figures, 'agnes_http_requests_total', { ...download, status: '2xx' }), 3);
  assert.equal(value(figures, 'agnes_http_requests_total', { ...download, status: '4xx' }), 1);
  assert.ok(find(figures, 'agnes_http_requests_total').every(({ labels }) => !labels.route.includes('such')));
  const within = find(figures, 'agnes_http_request_seconds_bucket', download);
  assert.ok(within.length > 5);
  within.reduce((last, { labels, value: count }) => {
    assert.ok(Number(labels.le.replace('+Inf', 'Infinity')) > last.bound && count >= last.count, labels.le);
    return { bound: Number(labels.le), count };
  }, { bound: 0, count: 0 });
  assert.deepEqual([within.at(-1).labels.le, within.at(-1).value], ['+Inf', 4]);
  assert.equal(value(figures, 'agnes_http_request_seconds_count', download), 4);
  assert.ok(value(figures, 'agnes_http_request_seconds_sum', download) > 0);
});

test('process, workers, tables and sync runs have figures', async (t) => {
  const { folder, server, admin } = await openSync(t);
  await register(admin, 'orders');
  await register(admin, 'missing');
  drop(folder, 'orders.csv', 'id,amount\n1,2\n');
  await runSync(admin);
  await admin.post('/api/query', { sql: 'SELECT count(*) FROM orders' });
  const figures = await scrape(admin);
  for (const name of ['process_cpu_seconds_total', 'process_open_fds', 'process_max_fds', 'process_threads',
    'process_resident_memory_bytes', 'process_virtual_memory_bytes', 'agnes_query_workers_resident_bytes']) {
    assert.ok(value(figures, name) > 0, name);
  }
  const started = value(figures, 'process_start_time_seconds') * 1000;
  assert.ok(started <= Date.now() && started > Date.now() - 3600_000);
  assert.match(find(figures, 'agnes_build_info')[0].labels.version, /^\d+\.\d+/);
  assert.equal(value(figures, 'agnes_healthy'), 1);
  assert.equal(value(figures, 'agnes_query_workers', { state: 'idle' }), 1);
  assert.ok(value(figures, 'agnes_http_requests_under_way') >= 1, 'this one');
  assert.ok(value(figures, 'agnes_http_connections') >= 1);
  assert.deepEqual(find(figures, 'agnes_tables').map(({ labels, value: count }) => [labels.data, count]),
    [['fresh', 1], ['stale', 0], ['none', 1]]);
  assert.equal(value(figures, 'agnes_tables_failing'), 1);
  assert.equal(value(figures, 'agnes_sync_runs_total', { status: 'partial' }), 1);
  assert.equal(value(figures, 'agnes_sync_tables_total', { result: 'new' }), 1);
  assert.equal(value(figures, 'agnes_sync_tables_total', { result: 'failed' }), 1);
  assert.ok(value(figures, 'agnes_sync_last_finished_timestamp_seconds') > started / 1000);
  assert.deepEqual(find(figures, 'agnes_table_rows'), [], 'tables by name only where that is wanted');
  writeFileSync(path.join(folder, 'config/instance.yaml'), 'monitoring: {tables: true}\n');
  server.child.kill('SIGHUP');
  const named = await until('the new configuration', async () => {
    const all = await scrape(admin);
    return find(all, 'agnes_table_rows').length > 0 && all;
  });
  assert.equal(value(named, 'agnes_table_rows', { table: 'orders' }), 1);
  assert.equal(value(named, 'agnes_table_failing', { table: 'orders' }), 0);
});

test('administrators read it, and who has the token; others as the configuration says', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(path.join(folder, 'config'));
  const configure = (access) =>
    writeFileSync(path.join(folder, 'config/instance.yaml'), `monitoring: {access: ${access}}\n`);
  const start = (env) => serve(t, folder, { env });
  const statuses = async (server, clients, headers) =>
    Promise.all(clients.map(async (client) => (await client.get('/metrics', { headers })).status));

  const server = await start({ METRICS_TOKEN: TOKEN, FORWARDED_ALLOW_IPS: '192.0.2.1' });
  const admin = await server.bootstrap();
  const user = await admin.addUser('user@example.com');
  const clients = [admin, user, server.client(), server.client('wrong'), server.client(TOKEN), server.client(`${TOKEN}x`)];
  assert.deepEqual(await statuses(server, clients), [200, 403, 401, 401, 200, 401]);
  configure('loopback');
  server.child.kill('SIGHUP');
  await until('the new configuration', async () => (await server.client().get('/metrics')).status === 200);
  assert.deepEqual(await statuses(server, clients), [200, 200, 200, 200, 200, 200]);
  for (const headers of [{ 'x-forwarded-for': '127.0.0.1' }, { forwarded: 'for=127.0.0.1' }]) {
    assert.deepEqual(await statuses(server, clients, headers), [200, 403, 401, 401, 200, 401], 'a proxy nobody trusts');
  }
  await server.stop();

  configure('anybody');
  const open = await start({});
  assert.deepEqual(await statuses(open, [open.client()], { 'x-forwarded-for': '192.0.2.7' }), [200]);
  await open.stop();

  configure('admin');
  const short = await start({ METRICS_TOKEN: 'short' });
  assert.deepEqual(await statuses(short, [short.client('short'), short.client('')]), [401, 401]);
});

test('stale and failing tables are told, why they fail to administrators alone', async (t) => {
  const folder = temporaryFolder(t);
  const tables = ['fresh', 'old', 'broken', 'hidden'];
  const first = await serve(t, folder);
  const { token } = await first.bootstrap();
  await first.stop();
  await execute(statePath(folder),
    ...tables.map((name) => `INSERT INTO table_registry (id, name) VALUES ('${name}', '${name}')`),
    "INSERT INTO sync_state (table_id, last_sync, rows, status) VALUES ('fresh', now()::TIMESTAMP, 1, 'ok')",
    "INSERT INTO sync_state (table_id, last_sync, rows, status) VALUES ('old', now()::TIMESTAMP - INTERVAL 25 HOUR, 2, 'ok')",
    "INSERT INTO sync_state (table_id, last_sync, rows, status, error) VALUES ('broken', now()::TIMESTAMP, 4, 'error', 'no such bucket')",
    "INSERT INTO sync_state (table_id, status, error) VALUES ('hidden', 'error', 'password refused')");
  const server = await serve(t, folder);
  const admin = server.client(token);
  const user = await admin.addUser('user@example.com');
  const dataOf = async (client) => (await client.get('/api/health/detailed')).body.services.data;
  assert.deepEqual(await dataOf(user), { status: 'ok', tables: 0, total_rows: 0, stale_tables: [], failing: 0 });
  for (const table of ['fresh', 'old', 'broken']) await grant(admin, user, table);
  assert.deepEqual(await dataOf(user), { status: 'warning', tables: 3, total_rows: 7, stale_tables: ['old'], failing: 1 });
  const all = await admin.get('/api/health/detailed');
  assert.equal(all.body.status, 'degraded');
  assert.deepEqual(all.body.services.data.failing_tables,
    [{ table: 'broken', error: 'no such bucket' }, { table: 'hidden', error: 'password refused' }]);
  const figures = await scrape(admin);
  assert.equal(value(figures, 'agnes_tables_failing'), 2);
  assert.equal(value(figures, 'agnes_tables', { data: 'stale' }), 1);
  assert.ok(value(figures, 'agnes_tables_oldest_seconds') >= 25 * 3600);
});

test('a server that cannot use its state says so by the status code that load balancers look at', async (t) => {
  const folder = temporaryFolder(t);
  const good = await serve(t, folder);
  assert.equal((await good.client().get('/api/health/ready')).status, 200);
  await good.stop();
  const other = temporaryFolder(t);
  // The newest row tells of another version.
  await makeState(other, 20, "INSERT INTO schema_version (version, applied_at) VALUES (19, '2100-01-01')");
  const server = await serve(t, other);
  const ready = await server.client().get('/api/health/ready');
  assert.deepEqual([ready.status, ready.body.status, ready.body.db_schema], [503, 'unhealthy', 'mismatch']);
  const health = await server.client().get('/api/health');
  assert.deepEqual([health.status, health.body], [200, ready.body]);
});
