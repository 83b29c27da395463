// agnesd rebuild: whatever an extract looks like, every table comes out as one published parquet file.
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { temporaryFolder } from './lib/agnesd.mjs';
import {
  analytics, described, extract, folderOf, index, md5, parquet, plain, published, publishedFiles, rebuild, run, state,
} from './lib/extracts.mjs';

const read = async (file) => {
  const bytes = readFileSync(file);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  return parquetReadObjects({ file: buffer, compressors });
};

// What the reference implementation leaves behind: Keboola with plain files, an inner table and a remote
// one, Jira with monthly shards.
async function referenceLayout(data) {
  await extract(data, 'keboola', (folder) => [
    ...plain(folder, 'orders', 'SELECT i AS id, i * 2 AS amount FROM range(1000) t(i)'),
    ...plain(folder, 'order', "SELECT 'a keyword' AS word"),
    'CREATE TABLE inner_table AS SELECT i AS id FROM range(7) t(i)', described('inner_table'),
    'CREATE VIEW big_orders AS SELECT id FROM orders WHERE amount > 1000', described('big_orders'),
    described('not_there'),
    'CREATE TABLE _remote_attach (alias VARCHAR, extension VARCHAR, url VARCHAR, token_env VARCHAR)',
    "INSERT INTO _remote_attach VALUES ('kbc', 'keboola', 'https://example.com', 'KEBOOLA_STORAGE_TOKEN')",
    described('far_away', 'remote'),
  ]);
  await extract(data, 'jira', (folder) => {
    mkdirSync(path.join(folder, 'data', 'issues'));
    mkdirSync(path.join(folder, 'data', 'comments'));
    return [
      parquet("SELECT 1 AS id, 'old' AS key", `${folder}/data/issues/2024-01.parquet`),
      parquet("SELECT 2 AS id, 'new' AS key, true AS late", `${folder}/data/issues/2024-02.parquet`),
      `CREATE VIEW issues AS SELECT * FROM read_parquet('${folder}/data/issues/*.parquet', ` +
        'union_by_name=true, hive_partitioning=false)',
      described('issues'), described('comments'),
    ];
  });
}

test('a data directory of the reference publishes unchanged', async (t) => {
  const data = temporaryFolder(t);
  await referenceLayout(data);
  const result = await rebuild(data);
  assert.equal(result.code, 0, result.stderr);
  assert.deepEqual(
    await analytics(data, 'SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY ALL'),
    ['big_orders', 'inner_table', 'issues', 'order', 'orders'].map((name) => ({ view_name: name })));
  assert.deepEqual(await analytics(data, 'SELECT count(*)::INT AS n, sum(amount)::INT AS s FROM orders'),
    [{ n: 1000, s: 999000 }]);
  assert.deepEqual(await analytics(data, 'SELECT count(*)::INT AS n FROM big_orders'), [{ n: 499 }]);
  assert.deepEqual(await analytics(data, 'SELECT word FROM "order"'), [{ word: 'a keyword' }]);
  assert.deepEqual(await analytics(data, 'FROM issues ORDER BY id'),
    [{ id: 1, key: 'old', late: null }, { id: 2, key: 'new', late: true }]);
  assert.deepEqual((await read(published(data, 'keboola', 'inner_table').file)).map((row) => Number(row.id)),
    [0, 1, 2, 3, 4, 5, 6]);
  assert.deepEqual(await read(published(data, 'jira', 'issues').file),
    [{ id: 1, key: 'old', late: null }, { id: 2, key: 'new', late: true }]);
});

test('each published table is described by its own file', async (t) => {
  const data = temporaryFolder(t);
  await referenceLayout(data);
  await rebuild(data);
  const rows = await state(data, 'FROM sync_state ORDER BY table_id');
  assert.deepEqual(rows.map((row) => row.table_id), ['big_orders', 'inner_table', 'issues', 'order', 'orders']);
  for (const row of rows) {
    const { file, table } = published(data, row.table_id === 'issues' ? 'jira' : 'keboola', row.table_id);
    assert.equal(row.hash, md5(file));
    assert.equal(table.md5, row.hash);
    assert.equal(Number(row.file_size_bytes), statSync(file).size);
    assert.equal(Number(row.rows), (await read(file)).length);
    assert.equal(row.columns, Object.keys((await read(file))[0]).length);
    assert.equal(row.last_sync, '2024-05-06 07:08:09');
    assert.equal(row.status, 'ok');
  }
  assert.deepEqual(await state(data, 'SELECT count(*)::INT AS n FROM sync_history'), [{ n: 5 }]);
});

test('sources may be named by keywords and reserved catalogs', async (t) => {
  const data = temporaryFolder(t);
  const names = ['order', 'main', 'temp', 'system', 'server', 'memory', 'extract'];
  for (const name of names) await extract(data, name, (folder) => plain(folder, `from_${name}`, 'SELECT 1 AS one'));
  await extract(data, 'not-a-name', (folder) => plain(folder, 'lost', 'SELECT 1 AS one'));
  const result = await rebuild(data);
  assert.equal(result.code, 1);
  assert.match(result.stderr, /not-a-name is ignored: 'not-a-name' cannot name a source/);
  for (const name of names) assert.deepEqual(await analytics(data, `FROM from_${name}`), [{ one: 1 }]);
});

test('a folder that was moved publishes its own files', async (t) => {
  const data = temporaryFolder(t);
  const moved = temporaryFolder(t);
  await referenceLayout(data);
  cpSync(data, moved, { recursive: true });
  writeFileSync(path.join(folderOf(data, 'keboola'), 'data', 'orders.parquet'), 'the old place has other data now');
  // A view over another view still means the old place; such a one has to be extracted again.
  const onlyDerived = /^agnesd rebuild: source 'keboola', table 'big_orders': [^\n]*Cannot access file[^\n]*\n$/;
  assert.match((await rebuild(moved)).stderr, onlyDerived);
  rmSync(data, { recursive: true });
  assert.match((await rebuild(moved, 'keboola')).stderr, onlyDerived);
  assert.deepEqual(await analytics(moved, 'SELECT count(*)::INT AS n FROM orders'), [{ n: 1000 }]);
  assert.deepEqual(await analytics(moved, 'SELECT count(*)::INT AS n FROM issues'), [{ n: 2 }]);
});

test('only what changed is published anew', async (t) => {
  const data = temporaryFolder(t);
  await referenceLayout(data);
  await rebuild(data);
  const before = { orders: published(data, 'keboola', 'orders'), issues: published(data, 'jira', 'issues') };
  const history = async () => (await state(data, 'SELECT count(*)::INT AS n FROM sync_history'))[0].n;
  const again = await rebuild(data);
  assert.match(again.stdout, /keboola: 4 tables, 0 changed, 0 failed/);
  assert.equal(await history(), 5);
  await run([parquet('SELECT 5 AS id, 5 AS amount', `${folderOf(data, 'keboola')}/data/orders.parquet`)]);
  const changed = await rebuild(data);
  // The view over orders is evaluated again, and is another table now.
  assert.match(changed.stdout, /keboola: 4 tables, 2 changed, 0 failed/);
  assert.match(changed.stdout, /jira: 1 tables, 0 changed, 0 failed/);
  assert.equal(await history(), 7);
  assert.equal(published(data, 'jira', 'issues').inode, before.issues.inode);
  assert.notEqual(published(data, 'keboola', 'orders').table.md5, before.orders.table.md5);
  assert.ok(existsSync(before.orders.file), 'the version before stays for those who look at it');
  await run([parquet('SELECT 6 AS id, 6 AS amount', `${folderOf(data, 'keboola')}/data/orders.parquet`)]);
  await rebuild(data);
  assert.ok(!existsSync(before.orders.file), 'older versions go');
});

test('a producer that writes into its file does not reach what is published', async (t) => {
  const data = temporaryFolder(t);
  const folder = await extract(data, 'shop', (at) => plain(at, 'orders', 'SELECT i FROM range(5000) t(i)'));
  await rebuild(data);
  const { file, table } = published(data, 'shop', 'orders');
  writeFileSync(path.join(folder, 'data', 'orders.parquet'), 'half of something');
  assert.equal(md5(file), table.md5);
  const result = await rebuild(data);
  assert.equal(result.code, 1);
  assert.match(result.stderr, /source 'shop', table 'orders': .*parquet/i);
  assert.equal(published(data, 'shop', 'orders').file, file);
  assert.deepEqual(await analytics(data, 'SELECT count(*)::INT AS n FROM orders'), [{ n: 5000 }]);
  assert.deepEqual((await state(data, 'SELECT hash FROM sync_state'))[0].hash, table.md5);
});

test('a name belongs to the source that had it first', async (t) => {
  const data = temporaryFolder(t);
  await extract(data, 'beta', (folder) => plain(folder, 'Customers', "SELECT 'beta' AS source"));
  await rebuild(data);
  await extract(data, 'alpha', (folder) => [
    ...plain(folder, 'customers', "SELECT 'alpha' AS source"), ...plain(folder, 'other', 'SELECT 1 AS one')]);
  const result = await rebuild(data);
  assert.equal(result.code, 1);
  assert.match(result.stderr, /table 'customers' of source 'alpha' is not shown: the name belongs to source 'beta'/);
  assert.deepEqual(await analytics(data, 'FROM customers'), [{ source: 'beta' }]);
  assert.deepEqual(await analytics(data, 'FROM other'), [{ one: 1 }]);
  assert.deepEqual(await state(data, 'SELECT view_name, source_name FROM view_ownership ORDER BY ALL'),
    [{ view_name: 'Customers', source_name: 'beta' }, { view_name: 'other', source_name: 'alpha' }]);
  // An owner that cannot be read keeps its names; one that is gone gives them back.
  renameSync(path.join(folderOf(data, 'beta'), 'extract.duckdb'), path.join(folderOf(data, 'beta'), 'kept'));
  writeFileSync(path.join(folderOf(data, 'beta'), 'extract.duckdb'), 'broken'.repeat(5000));
  await rebuild(data);
  assert.deepEqual(await analytics(data, 'FROM customers'), [{ source: 'beta' }]);
  rmSync(folderOf(data, 'beta'), { recursive: true });
  const freed = await rebuild(data);
  assert.equal(freed.code, 0, freed.stderr);
  assert.deepEqual(await analytics(data, 'FROM customers'), [{ source: 'alpha' }]);
  assert.deepEqual(publishedFiles(data, 'beta'), []);
});

test('results of registered queries are tables like any other', async (t) => {
  const data = temporaryFolder(t);
  await rebuild(data);
  await run(["INSERT INTO table_registry (id, name, source_type, query_mode) VALUES " +
    "('totals_id', 'Totals', 'bigquery', 'materialized')"], path.join(data, 'state', 'system.duckdb'));
  const folder = folderOf(data, 'bigquery');
  mkdirSync(path.join(folder, 'data'), { recursive: true });
  await run([parquet('SELECT 42 AS total', `${folder}/data/Totals.parquet`),
    parquet('SELECT 42 AS total', `${folder}/data/not_registered.parquet`)]);
  const result = await rebuild(data);
  assert.equal(result.code, 0, result.stderr);
  assert.deepEqual(await analytics(data, 'FROM Totals'), [{ total: 42 }]);
  assert.deepEqual(index(data, 'bigquery').tables.map((table) => table.name), ['Totals']);
  assert.deepEqual(await state(data, 'SELECT table_id, hash FROM sync_state'),
    [{ table_id: 'Totals', hash: md5(path.join(folder, 'data', 'Totals.parquet')) }]);
});

test('a rebuild of one source reads it again and leaves the others', async (t) => {
  const data = temporaryFolder(t);
  await extract(data, 'one', (folder) => plain(folder, 'a', 'SELECT 1 AS i'));
  await extract(data, 'two', (folder) => plain(folder, 'b', 'SELECT 1 AS i'));
  const first = await rebuild(data, 'one');
  assert.equal(first.stdout, 'one: 1 tables, 1 changed, 0 failed\n');
  assert.deepEqual(publishedFiles(data, 'two'), []);
  const missing = await rebuild(data, 'three');
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /there is no source 'three'/);
  assert.equal((await rebuild(data, '../one')).code, 2);
  await rebuild(data);
  assert.equal(publishedFiles(data, 'two').length, 1);
  assert.deepEqual(publishedFiles(data, 'one').length, 1);
});

test('an empty data directory gives an empty database', async (t) => {
  const data = temporaryFolder(t);
  const result = await rebuild(data);
  assert.equal(result.code, 0, result.stderr);
  assert.deepEqual(await analytics(data, 'SELECT view_name FROM duckdb_views() WHERE NOT internal'), []);
});

test('a write-ahead log beside the extract is read with it', async (t) => {
  const data = temporaryFolder(t);
  const folder = await extract(data, 'jira', []);
  // What a producer that died leaves: the commits are in the log alone.
  const live = path.join(temporaryFolder(t), 'live.duckdb');
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(live);
  const connection = await instance.connect();
  for (const sql of ['CREATE TABLE _meta (table_name VARCHAR, rows INTEGER, size_bytes VARCHAR, query_mode VARCHAR)',
    'CHECKPOINT', "INSERT INTO _meta VALUES ('late', 1, 'many', NULL)", 'CREATE TABLE late AS SELECT 3 AS i'])
    await connection.run(sql);
  cpSync(live, path.join(folder, 'extract.duckdb'));
  cpSync(`${live}.wal`, path.join(folder, 'extract.duckdb.wal'));
  connection.closeSync();
  instance.closeSync();
  const result = await rebuild(data);
  assert.equal(result.code, 0, result.stderr);
  assert.deepEqual(await analytics(data, 'FROM late'), [{ i: 3 }]);
});
