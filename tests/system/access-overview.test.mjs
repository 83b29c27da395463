// What the page about access works from.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { run } from './lib/extracts.mjs';
import { temporaryFolder } from './lib/agnesd.mjs';
import { serve } from './lib/server.mjs';

test('the overview has groups, grants and all that can be granted, in order', async (t) => {
  const folder = temporaryFolder(t);
  const first = await serve(t, folder);
  await first.bootstrap();
  await first.stop();
  await run([`INSERT INTO table_registry (id, name, bucket, source_type, query_mode, description) VALUES
      ('in_z', 'zebra', 'in.b', 'keboola', 'local', 'striped'), ('in_a', 'ant', 'in.b', NULL, 'remote', NULL),
      ('out', 'other', 'a.b', NULL, 'local', NULL), ('none', 'loose', '', NULL, 'local', NULL),
      ('null', 'looser', NULL, NULL, 'local', NULL)`,
    `INSERT INTO marketplace_registry (id, name, url, registered_at) VALUES
      ('later', 'A later one', 'https://example.com/l', TIMESTAMP '2026-01-02'),
      ('sooner', 'Sooner', 'https://example.com/s', TIMESTAMP '2026-01-01')`,
    `INSERT INTO marketplace_plugins (marketplace_id, name, version, source_type) VALUES
      ('sooner', 'tool', '1.0', 'path'), ('sooner', 'axe', NULL, 'git')`],
  path.join(folder, 'state/system.duckdb'));
  const server = await serve(t, folder);
  const { body: token } = await server.client().post('/auth/token', { email: 'admin@example.com', password: 'correct horse' });
  const admin = server.client(token.access_token);
  const { body: group } = await admin.post('/api/admin/groups', { name: 'analysts' });
  const { body: grant } = await admin.post('/api/admin/grants',
    { group_id: group.id, resource_type: 'table', resource_id: 'in_z' });
  const { status, body } = await admin.get('/api/admin/access-overview');
  assert.equal(status, 200);
  assert.deepEqual(Object.keys(body), ['groups', 'grants', 'resources']);
  assert.deepEqual(body.groups.map(({ name, member_count: members, grant_count: grants }) => [name, members, grants]),
    [['Admin', 1, 0], ['Everyone', 0, 0], ['analysts', 0, 1]]);
  assert.deepEqual(body.groups[2], { id: group.id, name: 'analysts', description: null, is_system: false,
    created_by: 'admin@example.com', origin: 'custom', is_google_managed: false, mapped_email: null,
    member_count: 0, grant_count: 1 });
  assert.deepEqual(body.grants, [{ id: grant.id, group_id: group.id, resource_type: 'table', resource_id: 'in_z' }]);

  const [plugins, tables, domains] = body.resources;
  assert.deepEqual([plugins, tables, domains].map(({ type_key: key, type_display: display }) => [key, display]), [
    ['marketplace_plugin', 'Marketplace plugins'], ['table', 'Tables'], ['memory_domain', 'Memory domains']]);
  assert.deepEqual(plugins.blocks, [
    { id: 'sooner', name: 'Sooner', items: [
      { resource_id: 'sooner/axe', name: 'axe', version: null, category: null, description: null, source_type: 'git' },
      { resource_id: 'sooner/tool', name: 'tool', version: '1.0', category: null, description: null, source_type: 'path' }] },
    { id: 'later', name: 'A later one', items: [] }]);
  assert.deepEqual(tables.blocks.map(({ id, name, items }) => [id, name, items.map((item) => item.resource_id)]), [
    ['a.b', 'a.b', ['out']], ['in.b', 'in.b', ['in_a', 'in_z']], ['(no bucket)', '(no bucket)', ['none', 'null']]]);
  assert.deepEqual(tables.blocks[1].items[1],
    { resource_id: 'in_z', name: 'zebra', category: 'local', source_type: 'keboola', description: 'striped' });
  assert.deepEqual(domains.blocks.map(({ id, name }) => [id, name]), [['memory_domains', 'Memory domains']]);
  assert.deepEqual(domains.blocks[0].items.map((item) => item.resource_id),
    ['finance', 'engineering', 'product', 'data', 'operations', 'infrastructure']);
  const ann = await admin.addUser('ann@example.com');
  assert.equal((await ann.get('/api/admin/access-overview')).status, 403);
});
