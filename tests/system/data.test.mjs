// The manifest and downloads: what a caller may read, in versions that can be checked; alike answers
// where there is no grant.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { parquetReadObjects } from 'hyparquet';
import { query, temporaryFolder } from './lib/agnesd.mjs';
import { serve } from './lib/server.mjs';
import { grant, openShop, publish } from './lib/shop.mjs';

const md5 = (bytes) => createHash('md5').update(bytes).digest('hex');

test('a caller sees and downloads what is granted, and nothing else', async (t) => {
  const { server, admin } = await openShop(t);
  const ann = await admin.addUser('ann@example.com');
  assert.deepEqual((await ann.get('/api/sync/manifest')).body.tables, {});
  const given = await grant(admin, ann, 'orders');
  const { body: manifest } = await ann.get('/api/sync/manifest');
  assert.deepEqual(Object.keys(manifest), ['tables', 'assets', 'server_time']);
  assert.deepEqual(Object.keys(manifest.tables), ['orders']);
  const entry = manifest.tables.orders;
  assert.deepEqual(Object.keys(entry), ['hash', 'updated', 'size_bytes', 'rows', 'query_mode', 'source_type']);
  assert.equal(entry.rows, 1000);

  const response = await fetch(`${server.url}/api/data/orders/download`,
    { headers: { authorization: `Bearer ${ann.token}` } });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('etag'), `"${entry.hash}"`);
  assert.equal(response.headers.get('content-disposition'), 'attachment; filename="orders.parquet"');
  const bytes = Buffer.from(await response.arrayBuffer());
  assert.equal(bytes.length, entry.size_bytes);
  assert.equal(md5(bytes), entry.hash);
  const rows = await parquetReadObjects({ file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) });
  assert.equal(rows.length, 1000);

  // A table that is not granted and one that does not exist are the same.
  const refused = await ann.get('/api/data/secrets/download');
  const unknown = await ann.get('/api/data/nothing/download');
  assert.deepEqual([refused.status, refused.body], [403, { detail: 'Access denied to this table' }]);
  assert.deepEqual([unknown.status, unknown.body], [refused.status, refused.body]);
  assert.equal((await admin.get('/api/data/nothing/download')).body.detail, "Table 'nothing' not found");
  for (const bad of ['..%2f..%2fetc%2fpasswd', '.hidden', 'a%00b', 'x'.repeat(200), '-x']) {
    assert.equal((await admin.get(`/api/data/${bad}/download`)).status, 404, bad);
  }
  assert.equal((await server.client().get('/api/data/orders/download')).status, 401);
  assert.equal((await server.client().get(`/api/data/orders/download?token=${ann.token}`)).status, 401);

  await admin.delete(`/api/admin/grants/${given.id}`);
  assert.deepEqual((await ann.get('/api/sync/manifest')).body.tables, {});
  assert.equal((await ann.get('/api/data/orders/download')).status, 403);
});

test('each version of a table that somebody fetches is audited once', async (t) => {
  const { admin } = await openShop(t);
  const ann = await admin.addUser('ann@example.com');
  await grant(admin, ann, 'orders');
  const count = async () => (await admin.get(`/api/admin/audit?action=data.download&user_id=${ann.id}`)).body.count;
  const fetchWith = async (headers, method = 'GET') => (await ann.request(method, '/api/data/orders/download', { headers })).status;
  const etag = `"${(await ann.get('/api/sync/manifest')).body.tables.orders.hash}"`;
  // [headers, status, how many rows of the log it adds]
  for (const [headers, status, added] of [
    [{ range: 'bytes=1-' }, 206, 1], // nearly all of it, and nothing was noted before
    [{ range: 'bytes=100-200' }, 206, 0], [{ range: 'bytes=200-', 'if-range': etag }, 206, 0],
    [{ 'if-none-match': etag }, 304, 0], [{ range: 'bytes=99999999-' }, 416, 0],
    [{ range: 'bytes=0-10' }, 206, 1], [{}, 200, 1], [{ range: 'bytes=5-9', 'if-range': '"other"' }, 200, 1],
    [{ 'if-none-match': '"other"' }, 200, 1],
  ]) {
    const before = await count();
    assert.equal(await fetchWith(headers), status, JSON.stringify(headers));
    assert.equal(await count() - before, added, JSON.stringify(headers));
  }
  const before = await count();
  assert.equal(await fetchWith({}, 'HEAD'), 200);
  assert.equal(await count(), before);
});

test('a manifest names the other files that the server has', async (t) => {
  const folder = temporaryFolder(t);
  const metadata = path.join(folder, 'src_data/metadata');
  mkdirSync(path.join(folder, 'docs/deep'), { recursive: true });
  mkdirSync(metadata, { recursive: true });
  writeFileSync(path.join(metadata, 'profiles.json'), '{"a":1}');
  writeFileSync(path.join(folder, 'docs/deep/page.md'), 'x');
  utimesSync(path.join(folder, 'docs/deep/page.md'), 1700000000, 1700000000);
  const server = await serve(t, folder);
  const admin = await server.bootstrap();
  assert.deepEqual((await admin.get('/api/sync/manifest')).body.assets,
    { docs: { hash: '1700000000' }, profiles: { hash: md5('{"a":1}') } });
});

test('a manifest that the client has is not sent again', async (t) => {
  const { admin } = await openShop(t);
  const first = await admin.get('/api/sync/manifest');
  const etag = first.headers.get('etag');
  assert.equal((await admin.get('/api/sync/manifest', { headers: { 'if-none-match': etag } })).status, 304);
  const ann = await admin.addUser('ann@example.com');
  const other = await ann.get('/api/sync/manifest', { headers: { 'if-none-match': etag } });
  assert.equal(other.status, 200);
  assert.notEqual(other.headers.get('etag'), etag);
});

test('a download is conditional and in parts', async (t) => {
  const { server, admin } = await openShop(t);
  const url = `${server.url}/api/data/orders/download`;
  const headers = { authorization: `Bearer ${admin.token}` };
  const whole = await fetch(url, { headers });
  const etag = whole.headers.get('etag');
  const bytes = Buffer.from(await whole.arrayBuffer());
  assert.equal((await fetch(url, { headers: { ...headers, 'if-none-match': etag } })).status, 304);
  const part = await fetch(url, { headers: { ...headers, range: 'bytes=4-99', 'if-range': etag } });
  assert.equal(part.status, 206);
  assert.equal(part.headers.get('content-range'), `bytes 4-99/${bytes.length}`);
  assert.deepEqual(Buffer.from(await part.arrayBuffer()), bytes.subarray(4, 100));
  const changed = await fetch(url, { headers: { ...headers, range: 'bytes=4-99', 'if-range': '"other"' } });
  assert.equal(changed.status, 200);
  await changed.arrayBuffer();
  assert.equal((await fetch(url, { headers: { ...headers, range: `bytes=${bytes.length}-` } })).status, 416);
  const head = await fetch(url, { method: 'HEAD', headers });
  assert.equal(head.headers.get('content-length'), String(bytes.length));
});

test('names and ids lead to one table', async (t) => {
  const folder = temporaryFolder(t);
  await publish(folder, { company: 'SELECT 1 AS id' }, 'keboola');
  let server = await serve(t, folder);
  await server.bootstrap();
  await server.stop();
  await query(`INSERT INTO table_registry (id, name, source_type) VALUES ('in_c-crm_company', 'company', 'keboola')`,
    path.join(folder, 'state/system.duckdb'));
  server = await serve(t, folder);
  const { body } = await server.client().post('/auth/token', { email: 'admin@example.com', password: 'correct horse' });
  const admin = server.client(body.access_token);
  const ann = await admin.addUser('ann@example.com');
  await grant(admin, ann, 'in_c-crm_company');
  const { tables } = (await ann.get('/api/sync/manifest')).body;
  assert.equal(tables.company.source_type, 'keboola');
  for (const name of ['company', 'in_c-crm_company', 'COMPANY']) {
    assert.equal((await ann.get(`/api/data/${name}/download`)).status, 200, name);
  }
});

test('what a user wants is kept, where it may be read', async (t) => {
  const { admin } = await openShop(t);
  const ann = await admin.addUser('ann@example.com');
  await grant(admin, ann, 'orders');
  const set = await ann.post('/api/sync/settings', { datasets: { orders: true, secrets: true, nothing: true } });
  assert.deepEqual(set.body, { updated: { orders: { enabled: true }, secrets: { error: 'no permission' },
    nothing: { error: 'no permission' } } });
  const { body } = await ann.get('/api/sync/settings');
  assert.deepEqual(body.enabled_datasets, ['orders']);
  assert.deepEqual(Object.keys(body.settings[0]),
    ['user_id', 'dataset', 'enabled', 'table_mode', 'tables', 'updated_at']);
  assert.equal((await ann.post('/api/sync/settings', { datasets: { orders: 7 } })).status, 422);
  assert.equal((await ann.put('/api/settings/dataset', { dataset: 'secrets', enabled: true })).body.detail,
    "No access to dataset 'secrets'");
  assert.deepEqual((await ann.put('/api/settings/dataset', { dataset: 'orders', enabled: false })).body,
    { dataset: 'orders', enabled: false });
  const names = Object.fromEntries(Array.from({ length: 50000 }, (_, i) => [`name ${i}`, true]));
  assert.deepEqual((await ann.post('/api/sync/table-subscriptions', { tables: { ...names, secrets: true, orders: true } })).body,
    { table_mode: 'all', updated: 1 });
  assert.equal((await ann.get('/api/sync/table-subscriptions')).body.subscriptions.length, 1);
});
