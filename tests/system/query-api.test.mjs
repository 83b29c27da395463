// timeout: 300
// POST /api/query: answers, formats, refusals, cancelling; what is not granted stays unseen.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import test from 'node:test';
import { tableFromIPC } from 'apache-arrow';
import { parquetReadObjects } from 'hyparquet';
import { grant, openShop, publish, until } from './lib/shop.mjs';

const TABLES = {
  orders: "SELECT i AS id, (i * 1.5)::DECIMAL(9,2) AS amount, DATE '2026-01-01' + (i % 7)::INT AS day FROM range(1000) t(i)",
  secrets: "SELECT 'hidden' AS who",
};

const ENDLESS = 'SELECT count(*) FROM range(1000000000000) t(i) WHERE sqrt(i) < 0';

async function start(t) {
  const { server, admin } = await openShop(t, TABLES);
  const ann = await admin.addUser('ann@example.com');
  await grant(admin, ann, 'orders');
  return { server, admin, ann };
}

const ask = (client, sql, more = {}) => client.post('/api/query', { sql, ...more });

test('a query answers in the shape of the interface', async (t) => {
  const { ann, admin } = await start(t);
  const { status, body, headers } = await ask(ann, "SELECT id, amount, day, NULL AS n, last_value FROM (SELECT *, '; drop' AS last_value FROM orders) ORDER BY id;", { limit: 2 });
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(body, {
    columns: ['id', 'amount', 'day', 'n', 'last_value'],
    rows: [[0, '0.00', '2026-01-01', null, '; drop'], [1, '1.50', '2026-01-02', null, '; drop']],
    row_count: 2, truncated: true,
  });
  assert.match(headers.get('x-query-id'), /^[0-9a-f-]{36}$/);
  assert.deepEqual((await ask(ann, 'SELECT 1 AS test')).body,
    { columns: ['test'], rows: [[1]], row_count: 1, truncated: false });
  for (const limit of [0, -1]) {
    assert.deepEqual((await ask(ann, 'FROM orders SELECT id', { limit })).body,
      { columns: ['id'], rows: [], row_count: 0, truncated: true });
  }
  const refused = await ask(ann, 'FROM orders', { limit: -2 });
  assert.equal(refused.status, 400);
  assert.match(refused.body.detail, /^Query error: the limit must not be negative, and is -2/);
  const audited = (await admin.get('/api/admin/audit?action=query')).body.entries;
  assert.equal(audited.length, 5);
  assert.equal(JSON.parse(audited[4].params).rows, 2);
  assert.ok(audited[4].duration_ms >= 0);
});

test('an ungranted and an unknown table are refused alike', async (t) => {
  const { ann, admin } = await start(t);
  const [hidden, unknown] = [await ask(ann, 'SELECT * FROM secrets'), await ask(ann, 'SELECT * FROM nothing')];
  assert.equal(hidden.status, unknown.status);
  assert.equal(JSON.stringify(hidden.body).replaceAll('secrets', 'X'), JSON.stringify(unknown.body).replaceAll('nothing', 'X'));
  assert.equal((await ask(admin, 'SELECT * FROM secrets')).body.rows[0][0], 'hidden');
  for (const sql of ['DROP TABLE orders', 'SELECT 1; SELECT 2', "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM read_text('/etc/passwd')", 'ATTACH \':memory:\' AS x', 'PRAGMA version', 'SET threads = 1']) {
    const { status, body } = await ask(ann, sql);
    assert.equal(status, 400, `${sql}: ${JSON.stringify(body)}`);
    assert.doesNotMatch(JSON.stringify(body), /daemon:x:/);
  }
  assert.equal((await ask(ann, 'SELECT count(*) FROM orders')).body.rows[0][0], 1000);
});

test('what is too long is refused as that, takes no worker down, and is not kept', async (t) => {
  const { ann, admin } = await start(t);
  await ask(ann, 'SELECT 1');
  const pids = async () => (await admin.get('/api/admin/queries')).body.workers.map(({ pid }) => pid);
  const before = await pids();
  // Beyond the limit of statements, and beyond what a worker can be sent.
  for (const size of [300 * 1024, 10e6]) {
    for (const answer of [await ask(ann, `SELECT ${' '.repeat(size)} 1`),
      await ann.post('/api/v2/scan/estimate', { table_id: 'orders', where: `id = 1${' '.repeat(size)}` })]) {
      assert.deepEqual([answer.status, answer.body.detail], [413, 'Query error: the statement is longer than 256 KiB']);
    }
  }
  assert.equal((await ask(ann, `SELECT 'ž${'ž'.repeat(50000)}' = 'x' AS same`)).body.rows[0][0], false);
  assert.deepEqual(await pids(), before);
  const audited = (await admin.get('/api/admin/audit?action=query')).body.entries.map(({ params }) => JSON.parse(params));
  assert.deepEqual(audited.map(({ sql_bytes }) => sql_bytes), [100025, 10000009, 307209, undefined]);
  for (const { sql } of audited) assert.ok(sql.length < 17000, `${sql.length}`);
});

test('a grant that is taken away is gone with the next query', async (t) => {
  const { ann, admin } = await start(t);
  assert.equal((await ask(ann, 'SELECT count(*) FROM orders')).status, 200);
  const [given] = (await admin.get('/api/admin/grants')).body;
  await admin.delete(`/api/admin/grants/${given.id}`);
  assert.notEqual((await ask(ann, 'SELECT count(*) FROM orders')).status, 200);
});

test('a worker stays warm whoever signs in or is granted something else, and goes with its data', async (t) => {
  const { server, admin, folder } = await openShop(t, TABLES);
  const ann = await admin.addUser('ann@example.com');
  await grant(admin, ann, 'orders');
  await ask(ann, 'SELECT 1');
  await ask(admin, 'SELECT 1');
  const workers = async () => (await admin.get('/api/admin/queries')).body.workers;
  const before = (await workers()).map(({ pid }) => pid).sort();
  const bob = await admin.addUser('bob@example.com');
  await grant(admin, bob, 'secrets');
  await ann.post('/auth/tokens', { name: 'another' });
  for (const client of [ann, admin]) assert.equal((await ask(client, 'SELECT 1')).status, 200);
  assert.deepEqual((await workers()).map(({ pid }) => pid).sort(), before);
  // Of a set of grants that changes, they go with the next query; of data that changes, at once.
  await grant(admin, ann, 'secrets');
  assert.equal((await ask(ann, 'FROM secrets')).body.rows[0][0], 'hidden');
  assert.equal((await workers()).length, 3);
  await publish(folder, { more: 'SELECT 1 AS i' }, 'more');
  await admin.post('/api/sync/trigger', {});
  await until('workers of the old data have gone', async () => (await workers()).length === 0);
  assert.equal((await ask(admin, 'FROM more')).body.rows[0][0], 1);
  assert.deepEqual(readdirSync(path.join(folder, 'generations')).filter((name) => name !== '.lock').length, 1);
});

test('results come in every format', async (t) => {
  const { server, ann } = await start(t);
  const fetchAs = (format, init = {}) => fetch(`${server.url}/api/query${format ? `?format=${format}` : ''}`, {
    method: 'POST', body: JSON.stringify({ sql: 'SELECT id, day FROM orders ORDER BY id', limit: 1000 }),
    headers: { authorization: `Bearer ${ann.token}`, 'content-type': 'application/json', ...init },
  });
  const csv = await (await fetchAs('csv')).text();
  assert.deepEqual(csv.trimEnd().split('\n').slice(0, 2), ['id,day', '0,2026-01-01']);
  assert.equal(csv.trimEnd().split('\n').length, 1001);
  const ndjson = (await (await fetchAs('', { accept: 'application/x-ndjson' })).text()).trimEnd().split('\n');
  assert.deepEqual([ndjson.length, JSON.parse(ndjson[1])], [1000, { id: 1, day: '2026-01-02' }]);
  const file = await (await fetchAs('parquet')).arrayBuffer();
  assert.equal((await parquetReadObjects({ file })).length, 1000);
  const arrow = tableFromIPC(new Uint8Array(await (await fetchAs('arrow')).arrayBuffer()));
  assert.equal(arrow.numRows, 1000);
  assert.equal((await fetchAs('xml')).status, 400);
});

test('a large result is streamed whole, and a client that leaves stops its query', async (t) => {
  const { server, ann, admin } = await start(t);
  const long = 'SELECT a.id, b.id AS other, md5(a.id::VARCHAR || b.id) AS text FROM orders a, orders b';
  const { body } = await ask(ann, long, { limit: 1000000 });
  assert.deepEqual([body.row_count, body.rows.length, body.truncated], [1000000, 1000000, false]);
  const abort = new AbortController();
  const response = await fetch(`${server.url}/api/query?format=csv`, {
    method: 'POST', signal: abort.signal, body: JSON.stringify({ sql: 'SELECT i, md5(i::VARCHAR) FROM range(100000000000) t(i)', limit: 1e9 }),
    headers: { authorization: `Bearer ${ann.token}`, 'content-type': 'application/json' },
  });
  assert.equal(response.status, 200);
  await response.body.getReader().read();
  abort.abort();
  for (let i = 0; i < 100; i++) {
    if ((await admin.get('/api/admin/queries')).body.queries.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail('the query still runs');
});

test('a query is watched and cancelled by its caller, and by nobody else but administrators', async (t) => {
  const { ann, admin } = await start(t);
  const bob = await admin.addUser('bob@example.com');
  const id = 'my-long-query';
  const running = ann.post('/api/query', { sql: ENDLESS },
    { headers: { 'x-query-id': id } });
  for (let i = 0; (await ann.get(`/api/query/${id}`)).status !== 200; i++) {
    assert.ok(i < 100);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.equal((await bob.get(`/api/query/${id}`)).status, 404);
  assert.equal((await bob.delete(`/api/query/${id}`)).status, 404);
  const twice = await ann.post('/api/query', { sql: 'SELECT 1' }, { headers: { 'x-query-id': id } });
  assert.equal(twice.status, 409);
  assert.equal((await ann.delete(`/api/query/${id}`)).status, 200);
  assert.equal((await running).status, 400);
  assert.equal((await ask(ann, 'SELECT 1')).status, 200);
  assert.equal((await ann.post('/api/query', { sql: 'SELECT 1' }, { headers: { 'x-query-id': 'bad id' } })).status, 400);
});

const request = (client, sql, headers = {}) => {
  const body = JSON.stringify({ sql, limit: 1e9 });
  const all = { Host: 'localhost', Authorization: `Bearer ${client.token}`, 'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body), ...headers };
  return `POST /api/query?format=csv HTTP/1.1\r\n${Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`;
};

// Sends a query and hangs up as soon as it is on its way.
async function askAndLeave(server, client, sql, id) {
  const { hostname, port } = new URL(server.url);
  const socket = net.connect(Number(port), hostname);
  await new Promise((resolve) => socket.write(request(client, sql, { 'X-Query-Id': id }), resolve));
  socket.destroy();
}

test('an id is the name of one query of one user', async (t) => {
  const { server, ann, admin } = await start(t);
  const bob = await admin.addUser('bob@example.com');
  const id = 'nightly';
  const running = async () => (await admin.get('/api/admin/queries')).body.queries.filter((query) => query.id === id && query.state === 'running');
  const begin = (client) => client.post('/api/query', { sql: ENDLESS }, { headers: { 'x-query-id': id } });
  const ofAnn = begin(ann);
  await until("ann's query runs", async () => (await running()).length === 1);
  const [{ user }] = await running();
  // Neither by taking its name nor by leaving does another user end it, nor does a second one of her own.
  for (let i = 0; i < 10; i++) {
    await askAndLeave(server, bob, 'SELECT 1', id);
    await askAndLeave(server, ann, 'SELECT 1', id);
  }
  await until("only ann's is left", async () => (await admin.get('/api/admin/queries')).body.queries.length === 1);
  // One that was left may still come up.
  const again = await until('the name is free', async () => {
    const answer = await bob.post('/api/query', { sql: 'SELECT 2' }, { headers: { 'x-query-id': id } });
    return answer.status !== 409 && answer;
  });
  assert.deepEqual(again.body.rows, [[2]]);
  const ofBob = begin(bob);
  await until('both run', async () => (await running()).length === 2);
  assert.equal((await ann.get(`/api/query/${id}`)).body.user, user);
  assert.notEqual((await bob.get(`/api/query/${id}`)).body.user, user);
  assert.equal((await bob.delete(`/api/query/${id}`)).status, 200);
  assert.equal((await ofBob).status, 400);
  assert.deepEqual((await running()).map((query) => query.user), [user]);
  assert.equal((await admin.delete(`/api/query/${id}`)).status, 200);
  assert.match((await ofAnn).body.detail, /cancelled/);
});

test('a query whose client leaves at once does not run on', async (t) => {
  const { server, admin } = await openShop(t, TABLES, { config: 'query: {timeout_seconds: 3600}\n' });
  for (let i = 0; i < 20; i++) await askAndLeave(server, admin, ENDLESS, `left-${i}`);
  assert.deepEqual((await ask(admin, 'SELECT 1')).body.rows, [[1]]);
  await until('none is left', async () => (await admin.get('/api/admin/queries')).body.queries.length === 0);
});

test('a client that hardly reads does not keep a worker from others', async (t) => {
  const { server, admin } = await openShop(t, TABLES, { config: 'query: {reader_seconds: 1, timeout_seconds: 3600}\n' });
  const { hostname, port } = new URL(server.url);
  const queries = async () => (await admin.get('/api/admin/queries')).body.queries;
  const socket = net.connect(Number(port), hostname);
  socket.write(request(admin, "SELECT i, repeat('x', 100) FROM range(100000000000) t(i)"));
  await new Promise((resolve) => socket.once('data', resolve));
  socket.pause();
  await until('its query is broken off', async () => (await queries()).length === 0);
  // What was on its way still comes, and then no end that looks like one.
  let last = '';
  socket.on('data', (data) => { last = (last + data.toString('latin1')).slice(-100); });
  socket.on('error', () => {});
  socket.resume();
  await new Promise((resolve) => socket.once('close', resolve));
  assert.doesNotMatch(last, /\r\n0\r\n\r\n$/);
  const audited = (await admin.get('/api/admin/audit?action=query')).body.entries;
  assert.equal(audited[0].result, 'broken');
});

test('a worker is free when its result is made, however slowly the rest is read', async (t) => {
  const { server, admin } = await openShop(t);
  const { hostname, port } = new URL(server.url);
  const socket = net.connect(Number(port), hostname);
  // More than is answered at once, and less than the buffers between here and there hold.
  socket.write(request(admin, "SELECT i, repeat('x', 100) FROM range(1500) t(i)"));
  await new Promise((resolve) => socket.once('data', resolve));
  socket.pause();
  await until('the worker is free', async () => {
    const { queries, workers } = (await admin.get('/api/admin/queries')).body;
    return queries.length === 0 && workers.every(({ state }) => state === 'idle');
  });
  socket.destroy();
});

test('queries that wait take nothing from other requests, and are refused when there are too many', async (t) => {
  const { server, admin } = await openShop(t, TABLES, { config: 'query: {workers: 3, max_concurrent_per_user: 1}\n' });
  const users = await Promise.all(['ann', 'bob', 'cyd'].map((name) => admin.addUser(`${name}@example.com`)));
  for (const user of users) await grant(admin, user, 'orders');
  // More than the threads that handlers have when nobody queries.
  const asked = users.flatMap((user) => Array.from({ length: 20 }, () => ask(user, ENDLESS)));
  const refused = [];
  asked.forEach((each) => each.then((answer) => refused.push(answer)));
  const states = async () => (await admin.get('/api/admin/queries')).body.queries.map(({ state }) => state);
  for (let i = 0; refused.length < 9 || (await states()).filter((state) => state === 'running').length < 3; i++) {
    assert.ok(i < 600, `${refused.length} refused, ${await states()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.deepEqual([refused.length, (await states()).length], [9, 51]);
  for (const { status, headers, body } of refused) {
    assert.deepEqual([status, body.detail], [429, 'too many queries are waiting; try again later']);
    assert.ok(Number(headers.get('retry-after')) > 0);
  }
  // Each of these may block, too.
  assert.equal((await server.client().post('/auth/token', { email: 'ann@example.com', password: 'analyst password' })).status, 200);
  assert.equal((await users[0].get('/api/v2/schema/orders')).status, 200);
  assert.equal((await users[0].get('/api/data/orders/download')).status, 200);
  assert.equal((await server.client().get('/api/health')).status, 200);
  for (const { id } of (await admin.get('/api/admin/queries')).body.queries) await admin.delete(`/api/query/${id}`);
  const all = await Promise.all(asked);
  assert.ok(all.every(({ status }) => status === 400 || status === 429), JSON.stringify(all.map(({ status }) => status)));
});
