// agnesd import-json: the JSON files of the first versions arrive in the state, read by another DuckDB.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { agnesd, temporaryFolder } from './lib/agnesd.mjs';
import { readOnly, statePath } from './lib/state.mjs';

const importJson = (folder) => agnesd(['import-json', `--data-dir=${folder}`]);

function write(folder, name, value) {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
}

test('every kind of file is taken over and counted', async (t) => {
  const folder = temporaryFolder(t);
  write(folder, 'src_data/metadata/sync_state.json', { tables: { orders: { rows: 3, hash: 'aa' } } });
  write(folder, 'src_data/metadata/table_registry.json', { tables: [{ id: 'o', name: 'orders' }] });
  write(folder, 'src_data/metadata/profiles.json', { orders: { row_count: 3 } });
  write(folder, 'corporate-memory/knowledge.json', [{ id: 'km_1', title: 'Čistá marže', tags: ['a'] }]);
  write(folder, 'notifications/telegram_users.json', { ann: { chat_id: 7 } });
  write(folder, 'auth/password_users.json', { 'ann@example.com': { name: 'Ann' } });
  const result = await importJson(folder);
  assert.equal(result.code, 0, result.stderr);
  assert.deepEqual(JSON.parse(result.stdout),
    { sync_state: 1, knowledge: 1, telegram: 1, users: 1, table_registry: 1, profiles: 1 });
  const [row] = await readOnly(
    `SELECT s.rows::INT AS rows, r.query_mode, p.profile::VARCHAR AS profile, k.title, k.tags::VARCHAR AS tags,
       l.chat_id::INT AS chat, u.name
     FROM sync_state s JOIN table_registry r ON r.name = s.table_id JOIN table_profiles p USING (table_id)
     CROSS JOIN knowledge_items k CROSS JOIN telegram_links l CROSS JOIN users u`, statePath(folder));
  assert.deepEqual(row, {
    rows: 3, query_mode: 'local', profile: '{"row_count":3}', title: 'Čistá marže', tags: '["a"]', chat: 7, name: 'Ann',
  });
});

test('missing and broken files are named and left out', async (t) => {
  const folder = temporaryFolder(t);
  write(folder, 'corporate-memory/knowledge.json', '[{"id": "km_1",\n  oops');
  write(folder, 'notifications/telegram_users.json', { ann: { chat_id: 7 } });
  const result = await importJson(folder);
  assert.equal(result.code, 0, result.stderr);
  assert.equal(JSON.parse(result.stdout).telegram, 1);
  assert.match(result.stderr, /knowledge\.json:2:/);
  assert.match(result.stderr, /password_users\.json/);
});

test('a state that cannot be opened is an error', async (t) => {
  const folder = temporaryFolder(t);
  write(folder, 'state/system.duckdb', 'this is not a database, not at all');
  const result = await importJson(folder);
  assert.equal(result.code, 1);
  assert.match(result.stderr, /system\.duckdb/);
  assert.equal(result.stdout, '');
});
