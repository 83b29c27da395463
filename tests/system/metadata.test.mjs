// Notes about columns over the API.
import assert from 'node:assert/strict';
import test from 'node:test';
import { state } from './lib/extracts.mjs';
import { grant, openShop } from './lib/shop.mjs';

test('notes are kept, ordered, and shown to who may read the table', async (t) => {
  const { server, admin } = await openShop(t);
  const ann = await admin.addUser('ann@example.com');
  const at = '/api/admin/metadata/orders';
  const saved = await admin.post(at, { columns: [
    { column_name: 'id', basetype: 'INTEGER', description: 'first' },
    { column_name: 'amount', confidence: 'high', other: 1 },
    { column_name: 'id', description: 'the number' },
  ] });
  assert.deepEqual([saved.status, saved.body], [200, { status: 'ok', count: 3 }]);
  const { body } = await admin.get(at);
  assert.deepEqual(Object.keys(body), ['table_id', 'columns']);
  assert.deepEqual(body.columns.map(({ updated_at: time, ...note }) => note), [
    { table_id: 'orders', column_name: 'amount', basetype: null, description: null, confidence: 'high', source: 'manual' },
    { table_id: 'orders', column_name: 'id', basetype: null, description: 'the number', confidence: 'manual', source: 'manual' },
  ]);
  assert.match(body.columns[0].updated_at, /^\d{4}-\d\d-\d\dT/);
  assert.deepEqual((await admin.get('/api/admin/metadata/ORDERS')).body.columns, body.columns);

  // Without the grant there is nothing to see, whatever is asked for.
  assert.deepEqual((await ann.get(at)).body, { table_id: 'orders', columns: [] });
  assert.deepEqual((await ann.get('/api/admin/metadata/nothing')).body, { table_id: 'nothing', columns: [] });
  assert.equal((await ann.post(at, { columns: [] })).status, 403);
  await grant(admin, ann, 'orders');
  assert.deepEqual((await ann.get(at)).body, body);

  // The table need not exist.
  await admin.post('/api/admin/metadata/planned', { columns: [{ column_name: 'x' }] });
  assert.equal((await admin.get('/api/admin/metadata/planned')).body.columns.length, 1);
  assert.deepEqual((await ann.get('/api/admin/metadata/planned')).body.columns, []);
  await server.stop();
  const audited = await state(server.dataDir, "SELECT resource FROM audit_log WHERE action = 'column_metadata.save' ORDER BY timestamp");
  assert.deepEqual(audited.map(({ resource }) => resource), ['table:orders', 'table:planned']);
});

test('notes that are wrong are refused, and none is kept', async (t) => {
  const { admin } = await openShop(t);
  const at = '/api/admin/metadata/orders';
  const wrong = [undefined, {}, { columns: {} }, { columns: [7] }, { columns: [{}] }, { columns: [{ column_name: '' }] },
    { columns: [{ column_name: 'fine' }, { column_name: 'x', basetype: 7 }] },
    { columns: [{ column_name: 'x', confidence: null }] }];
  for (const body of wrong) assert.equal((await admin.post(at, body)).status, 422, JSON.stringify(body));
  assert.deepEqual((await admin.get(at)).body.columns, []);
});
