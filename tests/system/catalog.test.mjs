// The catalog: lists of tables, profiles and columns, and what is not told without a grant.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { query, temporaryFolder } from './lib/agnesd.mjs';
import { published, state } from './lib/extracts.mjs';
import { serve } from './lib/server.mjs';
import { grant, openShop, publish, until, untilPublished } from './lib/shop.mjs';

const TYPES = {
  typed: `SELECT 1::BIGINT AS id, 1.25::DECIMAL(18,2) AS amount, 'x' AS note, DATE '2026-01-31' AS day,
    [1, 2] AS list, {'a': 1} AS pair`,
  orders: "SELECT i AS id, 'c' || i % 3 AS customer FROM range(100) t(i)",
};

async function register(admin, name, more = {}) {
  const { status, body } = await admin.post('/api/admin/register-table', { name, ...more });
  assert.equal(status, 201, JSON.stringify(body));
  return body.id;
}

test('the lists hold the tables that the caller may read', async (t) => {
  const { server, admin } = await openShop(t, TYPES);
  await register(admin, 'typed', { description: 'all types' });
  await register(admin, 'orders');
  const ann = await admin.addUser('ann@example.com');
  assert.deepEqual((await ann.get('/api/catalog/tables')).body, { tables: [], count: 0 });
  assert.deepEqual((await ann.get('/api/v2/catalog')).body.tables, []);
  await grant(admin, ann, 'typed');
  assert.deepEqual((await ann.get('/api/catalog/tables')).body, {
    tables: [{ id: 'typed', name: 'typed', description: 'all types', source_type: null,
      sync_strategy: 'full_refresh', query_mode: 'local' }],
    count: 1,
  });
  const { body } = await ann.get('/api/v2/catalog?refresh=1');
  assert.deepEqual(Object.keys(body), ['tables', 'server_time']);
  assert.match(body.server_time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00$/);
  const [{ fetch_via: via, ...entry }, ...others] = body.tables;
  assert.deepEqual(others, []);
  assert.deepEqual(entry, { id: 'typed', name: 'typed', description: 'all types', source_type: '', query_mode: 'local',
    sql_flavor: 'duckdb', where_examples: [], rough_size_hint: null });
  assert.match(via, /da query/);
  assert.deepEqual((await admin.get('/api/catalog/tables')).body.tables.map(({ name }) => name), ['orders', 'typed']);
  assert.equal((await server.client().get('/api/v2/catalog')).status, 401);
});

test('columns are those of the file, with the types of DuckDB', async (t) => {
  const { admin, folder } = await openShop(t, TYPES);
  const ann = await admin.addUser('ann@example.com');
  await grant(admin, ann, 'typed');
  const { status, body } = await ann.get('/api/v2/schema/typed');
  assert.equal(status, 200);
  const file = published(folder, 'shop', 'typed').file;
  const columns = await query(`SELECT column_name AS name, column_type AS type FROM (DESCRIBE FROM '${file}')`);
  assert.deepEqual(body, { table_id: 'typed', source_type: '', sql_flavor: 'duckdb',
    columns: columns.map((column) => ({ ...column, nullable: true, description: '' })),
    partition_by: null, clustered_by: [], where_dialect_hints: {} });
  assert.deepEqual(columns.map(({ type }) => type).slice(0, 4), ['BIGINT', 'DECIMAL(18,2)', 'VARCHAR', 'DATE']);

  // A table that is not granted and one that does not exist are the same; an administrator may know.
  const refused = await ann.get('/api/v2/schema/orders');
  assert.deepEqual([refused.status, refused.body], [403, { detail: 'not authorized for this table' }]);
  const unknown = await ann.get('/api/v2/schema/nothing');
  assert.deepEqual([unknown.status, unknown.body], [refused.status, refused.body]);
  const missing = await admin.get('/api/v2/schema/nothing');
  assert.deepEqual([missing.status, missing.body.detail], [404, "table 'nothing' not found"]);

  // What was read is kept for this version of the file alone.
  rmSync(path.join(folder, 'extracts/shop'), { recursive: true });
  await publish(folder, { typed: 'SELECT 1 AS one' });
  await register(admin, 'other'); // makes the server look at the extracts
  await until('the new columns', async () => {
    const { body: now } = await ann.get('/api/v2/schema/typed');
    return now.columns.length === 1 && now.columns[0].name === 'one';
  });
});

test('a profile is made on demand and kept', async (t) => {
  const { server, admin, folder } = await openShop(t, TYPES);
  const id = await register(admin, 'orders', { description: 'what was sold', primary_key: ['id'] });
  const ann = await admin.addUser('ann@example.com');
  const at = '/api/catalog/profile/orders';
  for (const table of ['orders', 'nothing']) {
    const refusal = { detail: `Access denied to table '${table}'` };
    const read = await ann.get(`/api/catalog/profile/${table}`);
    const made = await ann.post(`/api/catalog/profile/${table}/refresh`);
    assert.deepEqual([read.status, read.body, made.status, made.body], [403, refusal, 403, refusal]);
  }
  await grant(admin, ann, id);
  assert.deepEqual((await ann.get(at)).body, { detail: "Profile not found for 'orders'" });
  const made = await ann.post(`${at}/refresh`);
  assert.deepEqual([made.status, made.body], [200, { status: 'ok', table: 'orders', columns: 2 }]);
  const { body } = await ann.get(at);
  assert.equal(body.table_id, 'orders');
  assert.equal(body.description, 'what was sold');
  assert.equal(body.primary_key, 'id');
  assert.equal(body.sync_strategy, 'full_refresh');
  assert.equal(body.row_count, 100);
  assert.deepEqual(body.columns.map(({ name, type_category }) => [name, type_category]),
    [['id', 'NUMERIC'], ['customer', 'STRING']]);
  assert.equal(body.columns[1].string_stats.top_values.length, 3);
  assert.match(body.profiled_at, /^\d{4}-\d\d-\d\dT/);
  assert.equal((await admin.post('/api/catalog/profile/nothing/refresh')).body.detail, "No parquet for 'nothing'");
  await server.stop();
  const [row] = await state(folder, 'SELECT table_id FROM table_profiles');
  assert.deepEqual(row, { table_id: 'orders' });
  const audited = await state(folder, "SELECT resource FROM audit_log WHERE action = 'catalog.profile_refresh'");
  assert.deepEqual(audited, [{ resource: 'table:orders' }]);
});

test('a broken file gives an error, and the server lives on', async (t) => {
  const { admin, folder } = await openShop(t, TYPES);
  await admin.post('/api/catalog/profile/orders/refresh');
  truncateSync(published(folder, 'shop', 'orders').file, 40);
  const failed = await admin.post('/api/catalog/profile/orders/refresh');
  assert.equal(failed.status, 500);
  assert.match(failed.body.detail, /^Profile failed: .*orders/);
  assert.equal((await admin.get('/api/v2/schema/orders')).status, 500);
  assert.equal((await admin.get('/api/catalog/profile/orders')).body.row_count, 100);
  assert.equal((await admin.get('/api/v2/schema/typed')).status, 200);
});

// The processes that measure for this server.
function measuring(server) {
  try {
    return execFileSync('pgrep', ['-P', String(server.child.pid), '-f', 'measure-table'], { encoding: 'utf8' })
      .trim().split('\n').map(Number);
  } catch {
    return [];
  }
}

test('few profiles are made at once, and none for a client that left', async (t) => {
  const wide = Array.from({ length: 40 }, (_, i) => `md5((i + ${i})::VARCHAR) AS c${i}`).join();
  const { server, admin } = await openShop(t, { wide: `SELECT ${wide} FROM range(100000) t(i)`, small: 'SELECT 1 AS id' });
  const headers = { authorization: `Bearer ${admin.token}` };
  const leaving = new AbortController();
  const ask = () => fetch(`${server.url}/api/catalog/profile/wide/refresh`, { method: 'POST', headers, signal: leaving.signal });
  const asked = [ask(), ask()].map((answer) => answer.catch(({ name }) => name));
  const children = await until('two measurements', () => {
    const found = measuring(server);
    return found.length === 2 && found;
  });
  for (const pid of children) process.kill(pid, 'SIGSTOP'); // from here they take as long as they are let
  const refused = await admin.post('/api/catalog/profile/small/refresh');
  assert.equal(refused.status, 503);
  leaving.abort();
  assert.deepEqual(await Promise.all(asked), ['AbortError', 'AbortError']);
  await until('their end', () => measuring(server).length === 0);
  await until('room for another', async () => (await admin.post('/api/catalog/profile/small/refresh')).status === 200);
  assert.equal((await admin.get('/api/catalog/profile/wide')).status, 404);
});

test('profiles of the first versions are shown', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(path.join(folder, 'src_data/metadata'), { recursive: true });
  const legacy = path.join(folder, 'src_data/metadata/profiles.json');
  writeFileSync(legacy, JSON.stringify({ version: '1.0', tables: { orders: { table_id: 'orders', row_count: 7 } } }));
  await publish(folder, TYPES);
  const server = await serve(t, folder);
  const admin = await server.bootstrap();
  await untilPublished(admin, ['orders']);
  const at = '/api/catalog/profile/orders';
  assert.deepEqual((await admin.get(at)).body, { table_id: 'orders', row_count: 7 });
  const ann = await admin.addUser('ann@example.com');
  assert.equal((await ann.get(at)).status, 403);
  writeFileSync(legacy, JSON.stringify({ orders: { row_count: 8 } }));
  assert.deepEqual((await admin.get(at)).body, { row_count: 8 });
  writeFileSync(legacy, '{"tables":');
  assert.equal((await admin.get(at)).status, 404);
});

test('the old address of metrics leads to the new one', async (t) => {
  const { server, admin } = await openShop(t, TYPES);
  const moved = await admin.get('/api/catalog/metrics/finance/m.ymlrr.yml');
  assert.deepEqual([moved.status, moved.headers.get('location')], [301, '/api/metrics/finance/mrr']);
  const odd = await admin.get('/api/catalog/metrics/a%3Fb/c%0d%0aSet-Cookie:%20x');
  assert.deepEqual([odd.headers.get('location'), odd.headers.get('set-cookie')],
    ['/api/metrics/a%3Fb/c%0D%0ASet-Cookie%3A%20x', null]);
  assert.equal((await server.client().get('/api/catalog/metrics/finance/mrr')).status, 401);
});
