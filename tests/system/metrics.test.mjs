// agnesd metrics: definitions from files into the state and back, and the starter pack of docs/metrics.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { DuckDBInstance } from '@duckdb/node-api';
import { agnesd, temporaryFolder } from './lib/agnesd.mjs';
import { state } from './lib/extracts.mjs';

const STARTER = path.resolve('docs/metrics');

const metrics = (data, ...args) => agnesd(['metrics', ...args, '--data-dir', data], { env: { LOG_LEVEL: 'ERROR' } });

function write(folder, files) {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
}

test('every query of the starter pack answers on the sample data', async (t) => {
  const folder = temporaryFolder(t);
  const sample = path.join(folder, 'sample');
  assert.equal((await agnesd(['sample-data', sample, '--format', 'parquet'])).code, 0);
  const imported = await metrics(folder, 'import', STARTER);
  assert.equal(imported.stdout, `Imported 10 metric(s) from ${STARTER}\n`, imported.stderr);
  const rows = JSON.parse((await metrics(folder, 'list', '--json')).stdout);
  assert.equal(rows.length, 10);

  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  t.after(() => { connection.closeSync(); instance.closeSync(); });
  const tables = readdirSync(sample).filter((name) => name.endsWith('.parquet')).map((name) => name.slice(0, -8));
  for (const table of tables) await connection.run(`CREATE VIEW ${table} AS FROM '${sample}/${table}.parquet'`);
  for (const row of rows) {
    for (const used of [row.table_name, ...(row.tables ?? [])]) assert.ok(tables.includes(used), `${row.id}: ${used}`);
    const columns = await connection.runAndReadAll(`DESCRIBE ${row.table_name}`);
    assert.ok(columns.getRows().some(([name]) => name === row.time_column), `${row.id}: ${row.time_column}`);
    const variants = Object.values(JSON.parse(row.sql_variants ?? '{}'));
    for (const sql of [row.sql, ...variants]) {
      const reader = await connection.runAndReadAll(sql);
      const values = reader.getRowObjectsJson().map((answer) => answer[row.name]);
      assert.ok(values.length > 0, `${row.id}: no rows`);
      assert.ok(values.every((value) => value !== undefined), `${row.id}: no column ${row.name}`);
      assert.ok(values.some((value) => Number(value) > 0), `${row.id}: ${values}`);
    }
  }
});

test('the index of the starter pack names each of its files', async (t) => {
  const folder = temporaryFolder(t);
  const index = readFileSync(path.join(STARTER, 'metrics.yml'), 'utf8');
  const listed = [...index.matchAll(/folder: (\w+)\s+metrics: \[([^\]]*)\]/g)]
    .flatMap(([, category, names]) => names.split(', ').map((name) => `${category}/${name}`));
  await metrics(folder, 'import', STARTER);
  const rows = await state(folder, 'SELECT id FROM metric_definitions ORDER BY id');
  assert.deepEqual(listed.sort(), rows.map((row) => row.id));
});

test('an import is all or nothing, and says where it is wrong', async (t) => {
  const folder = temporaryFolder(t);
  const files = path.join(folder, 'files');
  write(files, {
    'a/good.yml': 'name: good\n',
    'b/bad.yml': 'name: fine\n---\nname: other\n',
    'c/bad.yml': '- name: first\n- name: second\n  synonyms: { not: a list }\n',
  });
  assert.equal((await metrics(folder, 'import', path.join(files, 'a'))).code, 0, 'an empty folder is no failure');
  const list = await metrics(folder, 'import', path.join(files, 'c/bad.yml'));
  assert.equal(list.code, 1);
  assert.match(list.stderr, /c\/bad\.yml:3:3: 'synonyms' must be a list/);
  const whole = await metrics(folder, 'import', files);
  assert.equal(whole.code, 1);
  assert.match(whole.stderr, /b\/bad\.yml:2/);
  assert.equal((await metrics(folder, 'list')).stdout, 'No metrics found.\n');
  const absent = await metrics(folder, 'import', path.join(files, 'gone'));
  assert.equal(absent.code, 1);
  assert.match(absent.stderr, /files\/gone/);
});

test('importing again replaces, keeps the time of creation and drops nothing else', async (t) => {
  const folder = temporaryFolder(t);
  const files = path.join(folder, 'files');
  write(files, { 'a/x.yml': 'name: x\nunit: old\nsql: SELECT 1\n', 'a/y.yml': 'name: y\n' });
  await metrics(folder, 'import', files);
  const before = await state(folder, 'SELECT id, created_at FROM metric_definitions ORDER BY id');
  write(files, { 'a/x.yml': 'name: x\ntable: orders\n' });
  await metrics(folder, 'import', path.join(files, 'a/x.yml'));
  const after = await state(folder,
    'SELECT id, created_at, unit, sql, table_name, source, updated_at > created_at AS touched ' +
    'FROM metric_definitions ORDER BY id');
  assert.deepEqual(after.map(({ id, created_at }) => ({ id, created_at })), before);
  assert.deepEqual({ ...after[0], created_at: 0 },
    { id: 'a/x', created_at: 0, unit: null, sql: '', table_name: 'orders', source: 'yaml_import', touched: true });
});

test('list, show and validate say what is stored', async (t) => {
  const folder = temporaryFolder(t);
  write(folder, {
    'files/b/x.yml': 'name: x\ndisplay_name: The X\nunit: EUR\ntable: orders\nsql: SELECT 1\nsynonyms: [a, b]\n',
    'files/a/Tržby.yml': 'name: Tržby\n',
  });
  await metrics(folder, 'import', path.join(folder, 'files'));
  assert.equal((await metrics(folder, 'list')).stdout,
    `\n[a]\n  ${'Tržby'.padEnd(30)} Tržby\n\n[b]\n  ${'x'.padEnd(30)} The X (EUR)\n`);
  assert.equal((await metrics(folder, 'list', '--category', 'b')).stdout, `\n[b]\n  ${'x'.padEnd(30)} The X (EUR)\n`);
  assert.equal((await metrics(folder, 'show', 'b/x')).stdout,
    'ID:           b/x\nName:         x\nDisplay Name: The X\nCategory:     b\nType:         sum\n' +
    'Unit:         EUR\nGrain:        monthly\nTable:        orders\nSQL:\n  SELECT 1\nSynonyms:     a, b\n');
  assert.equal(JSON.parse((await metrics(folder, 'show', 'b/x', '--json')).stdout).display_name, 'The X');
  const unknown = await metrics(folder, 'show', 'b/gone');
  assert.equal(unknown.code, 1);
  assert.equal(unknown.stdout, '');
  const validated = await metrics(folder, 'validate');
  assert.equal(validated.code, 1);
  assert.match(validated.stdout, / {2}WARN x {30}table=orders \(not registered\)\n/);
  assert.match(validated.stdout, / {2}OK {3}Tržby {26}\(no table reference\)\n/);
  assert.match(validated.stdout, /\nTotal: 2 metric\(s\) — 1 OK, 1 WARN\n$/);
  for (const wrong of [['import'], ['list', 'x'], ['frobnicate'], ['show', 'a', 'b']]) {
    assert.equal((await metrics(folder, ...wrong)).code, 2, wrong.join(' '));
  }
});

test('what is exported can be imported again', async (t) => {
  const folder = temporaryFolder(t);
  const again = path.join(folder, 'again');
  const exported = path.join(folder, 'exported');
  await metrics(folder, 'import', STARTER);
  assert.equal((await metrics(folder, 'export', exported)).stdout, `Exported 10 metric(s) to ${exported}\n`);
  assert.equal((await metrics(again, 'import', exported)).code, 0);
  const all = 'SELECT * EXCLUDE (created_at, updated_at) FROM metric_definitions ORDER BY id';
  assert.deepEqual(await state(again, all), await state(folder, all));
});

test('while another process holds the state, the command says so', async (t) => {
  const folder = temporaryFolder(t);
  await metrics(folder, 'import', STARTER);
  const holder = await DuckDBInstance.create(path.join(folder, 'state/system.duckdb'));
  t.after(() => holder.closeSync());
  const refused = await metrics(folder, 'list');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /da metrics/);
});
