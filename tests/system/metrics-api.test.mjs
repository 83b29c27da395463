// Metrics over the API: shapes, imports that are all or nothing, refusals.
import assert from 'node:assert/strict';
import test from 'node:test';
import { temporaryFolder } from './lib/agnesd.mjs';
import { state } from './lib/extracts.mjs';
import { serve } from './lib/server.mjs';

async function start(t) {
  const server = await serve(t, temporaryFolder(t));
  return { server, admin: await server.bootstrap() };
}

function importYaml(client, text) {
  const body = new FormData();
  body.set('file', new Blob([text]), 'metrics.yml');
  return client.request('POST', '/api/admin/metrics/import', { body });
}

const MEMBERS = ['id', 'name', 'display_name', 'category', 'description', 'type', 'unit', 'grain', 'table_name',
  'tables', 'expression', 'time_column', 'dimensions', 'filters', 'synonyms', 'notes', 'sql', 'sql_variants',
  'validation', 'source', 'created_at', 'updated_at'];
const MRR = { id: 'finance/mrr', name: 'mrr', display_name: 'MRR', category: 'finance', sql: 'SELECT 1' };

test('a metric is stored, replaced, found and deleted', async (t) => {
  const { server, admin } = await start(t);
  const ann = await admin.addUser('ann@example.com');
  const made = await admin.post('/api/admin/metrics', { ...MRR, tables: ['subs'], sql_variants: { by_plan: 'SELECT "ž"' } });
  assert.equal(made.status, 201);
  assert.deepEqual(Object.keys(made.body), MEMBERS);
  assert.deepEqual([made.body.type, made.body.grain, made.body.source, made.body.tables, made.body.notes],
    ['sum', 'monthly', 'manual', ['subs'], null]);
  assert.deepEqual(JSON.parse(made.body.sql_variants), { by_plan: 'SELECT "ž"' });
  const { body: next } = await admin.post('/api/admin/metrics', { ...MRR, display_name: 'Recurring', unit: 'EUR' });
  assert.deepEqual([next.display_name, next.unit, next.tables, next.sql_variants], ['Recurring', 'EUR', null, null]);
  assert.equal(next.created_at, made.body.created_at);
  assert.notEqual(next.updated_at, made.body.updated_at);
  await admin.post('/api/admin/metrics', { ...MRR, id: 'sales/count', name: 'count', category: 'sales' });
  const all = (await ann.get('/api/metrics')).body;
  assert.deepEqual([all.count, all.metrics.map(({ id }) => id)], [2, ['sales/count', 'finance/mrr']]);
  assert.deepEqual((await ann.get('/api/metrics?category=sales')).body.metrics.map(({ id }) => id), ['sales/count']);
  assert.deepEqual((await ann.get('/api/metrics?category=')).body, { metrics: [], count: 0 });
  assert.deepEqual((await ann.get('/api/metrics/finance/mrr')).body, next);
  assert.deepEqual((await ann.get('/api/metrics/finance%2Fmrr')).body, next);
  const unknown = await ann.get('/api/metrics/finance/none');
  assert.deepEqual([unknown.status, unknown.body.detail], [404, "Metric 'finance/none' not found"]);
  assert.equal((await ann.delete('/api/admin/metrics/finance/mrr')).status, 403);
  assert.deepEqual((await admin.delete('/api/admin/metrics/finance/mrr')).body, { status: 'deleted', id: 'finance/mrr' });
  assert.equal((await admin.delete('/api/admin/metrics/finance/mrr')).status, 404);
  assert.equal((await server.client().get('/api/metrics')).status, 401);
  await server.stop();
  const audited = await state(server.dataDir, "SELECT action FROM audit_log WHERE resource = 'metric:finance/mrr' ORDER BY timestamp");
  assert.deepEqual(audited.map(({ action }) => action), ['metric.save', 'metric.save', 'metric.delete']);
});

test('a metric with a field missing or of the wrong type is refused', async (t) => {
  const { admin } = await start(t);
  const { status, body } = await admin.post('/api/admin/metrics', { id: '', name: 1, tables: 'x', sql_variants: [] });
  assert.equal(status, 422);
  const wrong = Object.fromEntries(body.detail.map(({ loc, type }) => [loc[1], type]));
  assert.deepEqual(wrong, { id: 'string_too_short', name: 'string_type', display_name: 'missing', category: 'missing',
    sql: 'missing', tables: 'list_type', sql_variants: 'dict_type' });
  assert.equal((await admin.get('/api/metrics')).body.count, 0);
});

test('an import takes the whole file or nothing of it', async (t) => {
  const { admin } = await start(t);
  const done = await importYaml(admin, `- name: mrr
  category: finance
  table: subs
  table_name: ignored
  sql: SELECT 1
  sql_by_plan: SELECT 2
  synonyms: recurring
- just text
- {name: count, category: sales, display_name: Count, type: count, dimensions: [a, b]}
`);
  assert.deepEqual([done.status, done.body], [200, { status: 'imported', count: 2 }]);
  const { body: mrr } = await admin.get('/api/metrics/finance/mrr');
  assert.deepEqual([mrr.display_name, mrr.type, mrr.grain, mrr.table_name, mrr.source, mrr.synonyms, JSON.parse(mrr.sql_variants)],
    ['mrr', 'sum', 'monthly', 'subs', 'yaml_import', ['recurring'], { by_plan: 'SELECT 2' }]);
  const { body: count } = await admin.get('/api/metrics/sales/count');
  assert.deepEqual([count.type, count.sql, count.dimensions], ['count', '', ['a', 'b']]);

  const refused = [
    ['', 'Empty YAML file'], ['# nothing\n', 'Empty YAML file'], ['[]', 'Empty YAML file'], ['{}', 'Empty YAML file'],
    ['- {name: new, category: c}\n- {name: other}\n', "Each metric must have 'name' and 'category' fields"],
    ['name: new\n', "Each metric must have 'name' and 'category' fields"],
    ['name: [new\n', /^Invalid YAML: file:\d+:\d+: /],
    ['- {name: new, category: c}\n- {name: other, category: c, notes: {a: b}}\n', /^Invalid YAML: file:2:\d+: 'notes'/],
    ['name: ../../etc/passwd\ncategory: c\n', /^Invalid YAML: /],
    [`a: &a [x, x, x, x, x, x, x, x, x]
b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]
c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]
d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]
e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]
f: [*e, *e, *e, *e, *e, *e, *e, *e, *e]`, null],
  ];
  for (const [text, detail] of refused) {
    const { status, body } = await importYaml(admin, text);
    assert.ok(status === 400 || (detail === null && status === 413), `${text}: ${status}`);
    if (typeof detail === 'string') assert.equal(body.detail, detail, text);
    else if (detail) assert.match(body.detail, detail, text);
  }
  assert.deepEqual((await importYaml(admin, 'a text')).body, { status: 'imported', count: 0 });
  assert.equal((await importYaml(admin, `# ${'x'.repeat(2 * 1024 * 1024)}`)).status, 413);
  assert.equal((await importYaml(admin, `# ${'x'.repeat(1024 * 1024)}`)).status, 413);
  assert.equal((await admin.post('/api/admin/metrics/import')).status, 422);
  assert.equal((await admin.get('/api/metrics')).body.count, 2);
  const ann = await admin.addUser('ann@example.com');
  assert.equal((await importYaml(ann, 'name: new\ncategory: c\n')).status, 403);
});
