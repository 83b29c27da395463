// The registry of tables: what may be registered, in which words the rest is refused.
import assert from 'node:assert/strict';
import test from 'node:test';
import { temporaryFolder } from './lib/agnesd.mjs';
import { serve } from './lib/server.mjs';

async function start(t, options) {
  const server = await serve(t, temporaryFolder(t), options);
  return { server, admin: await server.bootstrap() };
}

const REGISTER = '/api/admin/register-table';

test('a table is registered, listed, changed and removed', async (t) => {
  const { admin } = await start(t);
  const made = await admin.post(REGISTER, { name: ' Order Lines ', source_type: 'local', bucket: 'shop',
    primary_key: 'id', sync_schedule: 'every 2h', description: 'lines' });
  assert.deepEqual([made.status, made.body], [201, { id: 'order_lines', name: 'Order Lines', status: 'registered' }]);
  const { body } = await admin.get('/api/admin/registry');
  assert.equal(body.count, 1);
  const row = body.tables[0];
  assert.deepEqual(Object.keys(row).sort(), ['bucket', 'description', 'folder', 'id', 'last_sync_error', 'name',
    'primary_key', 'profile_after_sync', 'query_mode', 'registered_at', 'registered_by', 'source_query',
    'source_table', 'source_type', 'sync_schedule', 'sync_strategy']);
  assert.deepEqual(row.primary_key, ['id']);
  assert.equal(row.registered_by, 'admin@example.com');
  assert.match(row.registered_at, /^\d{4}-\d\d-\d\dT/);

  assert.equal((await admin.post(REGISTER, { name: 'Order Lines' })).body.detail, "Table 'order_lines' already registered");
  await admin.post(REGISTER, { name: 'other' });
  const changed = await admin.put('/api/admin/registry/order_lines',
    { description: 'all lines', primary_key: ['id', 'line'], sync_schedule: 'daily 06:00,18:00' });
  assert.deepEqual(changed.body, { id: 'order_lines', updated: ['primary_key', 'description', 'sync_schedule'] });
  assert.equal((await admin.put('/api/admin/registry/order_lines', { name: 'other' })).status, 409);
  assert.equal((await admin.put('/api/admin/registry/nothing', { description: 'x' })).body.detail, 'Table not found');
  assert.equal((await admin.delete('/api/admin/registry/order_lines')).status, 204);
  assert.equal((await admin.delete('/api/admin/registry/order_lines')).status, 404);
});

test('what cannot be registered is refused in the words of the interface', async (t) => {
  const { admin, server } = await start(t);
  const refused = async (body, status, pattern) => {
    const { status: got, body: answer } = await admin.post(REGISTER, body);
    assert.equal(got, status, JSON.stringify(answer));
    assert.match(JSON.stringify(answer.detail), pattern);
  };
  await refused({ name: '  ' }, 422, /Table name cannot be empty/);
  await refused({}, 422, /Field required/);
  await refused({ name: 'a', source_type: 'oracle' }, 422, /source_type must be one of .* got 'oracle'/);
  await refused({ name: 'a', source_type: 'oracle', query_mode: 'materialized' }, 422, /source_type must be one of/);
  await admin.post(REGISTER, { name: 'taken' });
  await refused({ name: 'taken', source_type: 'oracle' }, 422, /source_type must be one of/);
  await refused({ name: 'a', query_mode: 'odd' }, 422, /query_mode must be/);
  await refused({ name: 'a', sync_schedule: 'every 0m' }, 422, /sync_schedule must be/);
  await refused({ name: 'a', sync_schedule: 'daily 25:00' }, 422, /sync_schedule must be/);
  await refused({ name: 'a', query_mode: 'materialized' }, 422, /requires a non-empty source_query/);
  await refused({ name: 'a', source_query: 'SELECT 1' }, 422, /only valid when query_mode='materialized'/);
  await refused({ name: 'a', query_mode: 'materialized', source_query: 'SELECT `x`' }, 422, /backtick/);
  await refused({ name: '../../etc/passwd' }, 400, /must begin with/);
  await refused({ name: "a'b" }, 400, /must begin with/);
  await refused({ name: 'a', source_type: 'bigquery' }, 422, /'bucket' \(BQ dataset\) is required/);
  await refused({ name: 'a', source_type: 'bigquery', bucket: 'd', source_table: 'ev*' }, 400, /wildcard/);
  await refused({ name: 'a b', source_type: 'bigquery', bucket: 'd', source_table: 't' }, 400, /view name/);
  await refused({ name: 'a', source_type: 'bigquery', bucket: 'd', source_table: 't' }, 400, /project/);
  const ann = await admin.addUser('ann@example.com');
  assert.equal((await ann.post(REGISTER, { name: 'x' })).status, 403);
  assert.equal((await server.client().post(REGISTER, { name: 'x' })).status, 401);
});

test('of many who register one name, one succeeds', async (t) => {
  const { admin } = await start(t);
  const statuses = (await Promise.all(Array.from({ length: 10 }, () => admin.post(REGISTER, { name: 'once' }))))
    .map(({ status }) => status).sort();
  assert.deepEqual(statuses, [201, ...Array(9).fill(409)]);
});

test('an update keeps what it does not name, and the rules hold for the whole', async (t) => {
  const { admin } = await start(t);
  await admin.post(REGISTER, { name: 'report', query_mode: 'materialized', source_query: 'SELECT 1' });
  const at = '/api/admin/registry/report';
  assert.equal((await admin.put(at, { query_mode: 'materialized', source_query: ' ' })).status, 422);
  const quoted = await admin.put(at, { query_mode: 'materialized', source_query: 'SELECT `x`' });
  assert.equal(quoted.status, 422);
  assert.match(String(quoted.body.detail), /^source_query must not hold a backtick/);
  assert.equal((await admin.put(at, { source_query: 'SELECT 2' })).status, 422);
  assert.equal((await admin.put(at, { query_mode: 'materialized', sync_schedule: 'every 1h' })).status, 200);
  let [row] = (await admin.get('/api/admin/registry')).body.tables;
  assert.deepEqual([row.source_query, row.sync_schedule], ['SELECT 1', 'every 1h']);
  assert.equal((await admin.put(at, { query_mode: 'local' })).status, 200);
  [row] = (await admin.get('/api/admin/registry')).body.tables;
  assert.equal(row.source_query, null);
});

test('of changes at once none is lost, and none brings a removed table back', async (t) => {
  const { admin } = await start(t);
  const fields = ['description', 'bucket', 'source_table', 'sync_schedule'];
  for (let round = 0; round < 5; round++) {
    await admin.post(REGISTER, { name: 'shared' });
    const at = '/api/admin/registry/shared';
    const value = (field) => (field === 'sync_schedule' ? `every ${round + 1}h` : `${field} ${round}`);
    await Promise.all(fields.map((field) => admin.put(at, { [field]: value(field) })));
    const [row] = (await admin.get('/api/admin/registry')).body.tables;
    assert.deepEqual(fields.map((field) => row[field]), fields.map(value));
    await Promise.all([admin.delete(at), ...fields.map((field) => admin.put(at, { [field]: value(field) }))]);
    assert.equal((await admin.get('/api/admin/registry')).body.count, 0);
  }
});

test('the audit of a change has what was given, and nothing else', async (t) => {
  const { admin } = await start(t);
  await admin.post(REGISTER, { name: 'orders' });
  await admin.put('/api/admin/registry/orders', { sync_strategy: 'incremental', description: 'd', bucket: null });
  const [entry] = (await admin.get('/api/admin/audit?action=update_table')).body.entries;
  assert.deepEqual(JSON.parse(entry.params),
    { description: 'd', sync_strategy: 'incremental', updated_fields: ['description', 'sync_strategy'] });
});
