// timeout: 300
// The server when its disk is full, while data is published under its readers, and on the data directory of
// an existing installation.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { temporaryFolder } from './lib/agnesd.mjs';
import { fill, smallDisk } from './lib/disk.mjs';
import { serve } from './lib/server.mjs';
import { grant, openShop, publish, until, untilPublished } from './lib/shop.mjs';
import { makeState } from './lib/state.mjs';

const md5 = (bytes) => createHash('md5').update(bytes).digest('hex');

async function download(server, token, table) {
  const response = await fetch(`${server.url}/api/data/${table}/download`, { headers: { authorization: `Bearer ${token}` } });
  const bytes = Buffer.from(await response.arrayBuffer());
  return { status: response.status, etag: response.headers.get('etag'), md5: md5(bytes) };
}

test('a full disk stops writes with 503; reads and downloads go on, and writes again when there is space', async (t) => {
  const folder = smallDisk(t, 96);
  if (!folder) return t.skip('no small file system can be mounted here');
  await publish(folder, { orders: 'SELECT i AS id FROM range(1000) t(i)' });
  const server = await serve(t, folder);
  const admin = await server.bootstrap();
  await untilPublished(admin, ['orders']);
  const empty = fill(folder);
  const statuses = new Set();
  for (let i = 0; i < 40; i++) {
    const { status } = await admin.post('/api/users', { email: `u${i}@example.com`, name: 'x'.repeat(100000) });
    statuses.add(status);
    assert.equal((await admin.get('/api/sync/manifest')).status, 200);
  }
  assert.ok(statuses.has(503), [...statuses].join());
  assert.ok([...statuses].every((status) => status === 201 || status === 503), [...statuses].join());
  assert.equal((await download(server, admin.token, 'orders')).status, 200);
  assert.equal((await admin.get('/api/health')).status, 200);
  empty();
  await until('writes', async () =>
    (await admin.post('/api/users', { email: 'late@example.com', name: 'Late' })).status === 201);
  const { body } = await admin.get('/api/users');
  assert.ok(body.some(({ email }) => email === 'late@example.com'));
  assert.equal((await server.stop()).code, 0);
});

test('a download during publications is one version, whole, and matches its ETag', async (t) => {
  const { server, admin, folder } = await openShop(t, { orders: 'SELECT i AS id, 0 AS version FROM range(200000) t(i)' });
  let publishing = true;
  const seen = new Set();
  const reader = async () => {
    while (publishing) {
      const got = await download(server, admin.token, 'orders');
      assert.equal(got.status, 200);
      assert.equal(got.etag, `"${got.md5}"`);
      seen.add(got.etag);
    }
  };
  const readers = [reader(), reader(), reader()];
  for (let version = 1; version <= 5; version++) {
    const before = (await admin.get('/api/sync/manifest')).body.tables.orders.hash;
    rmSync(path.join(folder, 'extracts/shop'), { recursive: true });
    await publish(folder, { orders: `SELECT i AS id, ${version} AS version FROM range(200000) t(i)` });
    // A registration makes the server look at the extracts again.
    await admin.post('/api/admin/register-table', { name: `wake_${version}` });
    await until('the new version', async () =>
      (await admin.get('/api/sync/manifest')).body.tables.orders.hash !== before);
  }
  publishing = false;
  await Promise.all(readers);
  assert.ok(seen.size >= 2, `${seen.size} versions were seen`);
});

// Made by the argon2 program of Debian, with the parameters of the interface.
const HASH = '$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$AyPv8F8T/3kZtYE11uPYUbsWQT1SAtyZFHmnE5vYrKk';

test('the data directory of an existing installation serves as it is', async (t) => {
  const folder = temporaryFolder(t);
  await makeState(folder, 20,
    `INSERT INTO users (id, email, name, password_hash, active) VALUES
       ('u-boss', 'boss@example.com', 'Boss', '${HASH}', TRUE), ('u-ann', 'ann@example.com', 'Ann', '${HASH}', TRUE)`,
    `INSERT INTO user_groups (id, name, is_system, created_by) VALUES ('g-sales', 'sales', FALSE, 'boss@example.com')`,
    `INSERT INTO user_group_members (user_id, group_id, source)
       SELECT 'u-boss', id, 'system_seed' FROM user_groups WHERE name = 'Admin'`,
    `INSERT INTO user_group_members (user_id, group_id, source) VALUES ('u-ann', 'g-sales', 'admin')`,
    `INSERT INTO table_registry (id, name, source_type) VALUES ('in_c-crm_orders', 'orders', 'keboola')`,
    `INSERT INTO resource_grants (id, group_id, resource_type, resource_id) VALUES ('r-1', 'g-sales', 'table', 'in_c-crm_orders')`,
    // What the reference stores in place of the MD5.
    `INSERT OR REPLACE INTO sync_state (table_id, rows, hash) VALUES ('orders', 3, '0123456789ab')`);
  await publish(folder, { orders: 'SELECT i AS id FROM range(3) t(i)' }, 'keboola');
  const server = await serve(t, folder);
  const login = async (email) =>
    (await server.client().post('/auth/token', { email, password: 'reference password' })).body;
  assert.equal((await login('boss@example.com')).role, 'admin');
  const ann = server.client((await login('ann@example.com')).access_token);
  await until('publication', async () => (await ann.get('/api/sync/manifest')).body.tables.orders?.hash?.length === 32);
  const { orders } = (await ann.get('/api/sync/manifest')).body.tables;
  const got = await download(server, ann.token, 'orders');
  assert.deepEqual([got.status, got.md5], [200, orders.hash]);
  assert.equal(orders.source_type, 'keboola');
  const answer = await ann.post('/api/query', { sql: 'SELECT count(*) FROM orders' });
  assert.deepEqual(answer.body.rows, [[3]]);
});

test('a revoked grant stops a download and a query that begin after it', async (t) => {
  const { server, admin } = await openShop(t);
  const ann = await admin.addUser('ann@example.com');
  const given = await grant(admin, ann, 'orders');
  assert.equal((await download(server, ann.token, 'orders')).status, 200);
  await admin.delete(`/api/admin/grants/${given.id}`);
  assert.equal((await download(server, ann.token, 'orders')).status, 403);
  assert.notEqual((await ann.post('/api/query', { sql: 'FROM orders' })).status, 200);
});
