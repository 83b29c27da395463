// An extract is foreign input: whatever is in it, it reaches nothing but its own folder and costs no
// table but its own.
import assert from 'node:assert/strict';
import { copyFileSync, linkSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync }
  from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { DuckDBInstance } from '@duckdb/node-api';
import { temporaryFolder } from './lib/agnesd.mjs';
import {
  META, analytics, described, extract, folderOf, index, parquet, plain, published, publishedFiles, rebuild, run,
} from './lib/extracts.mjs';

const SECRET = 'nobody may read this';

// A good source, another good one whose data is nobody else's, and the state.
async function neighbours(data) {
  await extract(data, 'good', (folder) => plain(folder, 'fine', 'SELECT 1 AS one'));
  await extract(data, 'victim', (folder) => plain(folder, 'secrets', `SELECT '${SECRET}' AS secret`));
  assert.equal((await rebuild(data)).code, 0);
}

// The source "evil": one good table, `first`, that was published before, and what the statements add.
async function evil(data, statements) {
  await extract(data, 'evil', (folder) => plain(folder, 'first', 'SELECT 7 AS seven'));
  assert.equal((await rebuild(data)).code, 0);
  const folder = folderOf(data, 'evil');
  const list = typeof statements === 'function' ? statements(folder) : statements;
  await run(list, path.join(folder, 'extract.duckdb'));
}

function nothingLeaked(data) {
  for (const name of publishedFiles(data, 'evil')) {
    const content = readFileSync(path.join(data, 'published', 'evil', name));
    assert.ok(!content.includes(SECRET) && !content.includes('root:'), `${name} holds what is not its own`);
  }
  assert.deepEqual(readdirSync(path.join(data, 'published', 'evil')).filter((name) => name.startsWith('.work')), []);
}

async function neighboursAreFine(data) {
  assert.deepEqual(await analytics(data, 'FROM fine'), [{ one: 1 }]);
  assert.deepEqual(await analytics(data, 'FROM secrets'), [{ secret: SECRET }]);
  nothingLeaked(data);
}

// A view that must not be evaluated; `why` is what the operator is told.
const hostileViews = {
  'over a system file': { view: () => "SELECT * FROM read_text('/etc/passwd')", why: /Cannot access file/ },
  'over a system file as CSV': {
    view: () => "SELECT * FROM read_csv('/etc/passwd', header = false)", why: /Cannot access file/ },
  'over the parquet of another source': {
    view: (data) => `SELECT * FROM read_parquet('${folderOf(data, 'victim')}/data/secrets.parquet')`,
    why: /its view reads .*victim.*, which is outside of the source's own folder/ },
  'over the parquet of another source, with more to it': {
    view: (data) => `SELECT * FROM read_parquet('${folderOf(data, 'victim')}/data/secrets.parquet') WHERE true`,
    why: /Cannot access file/ },
  'over the published parquet of another source': {
    view: (data) => `SELECT * FROM read_parquet('${data}/published/victim/*.parquet') LIMIT 10`,
    why: /Cannot access file|No files found/ },
  'out by way of dots': {
    view: (data) => `SELECT * FROM read_parquet('${folderOf(data, 'evil')}/../victim/data/secrets.parquet')`,
    why: /outside of the source's own folder/ },
  'out by way of dots, with more to it': {
    view: (data) => `SELECT * FROM read_parquet('${folderOf(data, 'evil')}/../victim/data/secrets.parquet') LIMIT 1`,
    why: /Cannot access file/ },
  'over the state': { view: (data) => `SELECT * FROM read_blob('${data}/state/system.duckdb')`, why: /Cannot access file/ },
  'over everything that matches': { view: () => "SELECT * FROM glob('/etc/*')", why: /Cannot access file/ },
  'over this process': { view: () => "SELECT * FROM read_text('/proc/self/environ')", why: /Cannot access file/ },
};

for (const landlock of [undefined, 2, 0]) {
  const suffix = landlock === undefined ? '' : ` (Landlock ABI ${landlock})`;
  const options = landlock === undefined ? [] : [`--newest-landlock=${landlock}`];

  test(`no view reaches beyond its own folder${suffix}`, async (t) => {
    const data = temporaryFolder(t);
    await neighbours(data);
    const views = Object.values(hostileViews);
    // DuckDB binds a view when it is made, so the same view is first made over something harmless.
    await evil(data, views.flatMap(({ view }, i) => [`CREATE VIEW v${i} AS ${view(data)}`, described(`v${i}`)]));
    const result = await rebuild(data, ...options);
    assert.equal(result.code, 1);
    Object.entries(hostileViews).forEach(([what, { why }], i) => {
      const line = result.stderr.split('\n').find((text) => text.includes(`source 'evil', table 'v${i}'`));
      assert.ok(line, `the view ${what} was published`);
      assert.match(line, why, what);
    });
    assert.deepEqual(index(data, 'evil').tables.map((table) => table.name), ['first']);
    assert.deepEqual(await analytics(data, 'FROM first'), [{ seven: 7 }]);
    await neighboursAreFine(data);
  });

  test(`no symlink leads out of a source's folder${suffix}`, async (t) => {
    const data = temporaryFolder(t);
    await neighbours(data);
    await evil(data, (folder) => [...plain(folder, 'leak', "SELECT 'x' AS secret"),
      `CREATE VIEW leak2 AS SELECT secret FROM read_parquet('${folder}/data/leak.parquet')`, described('leak2')]);
    const file = path.join(folderOf(data, 'evil'), 'data', 'leak.parquet');
    rmSync(file);
    symlinkSync(path.join(folderOf(data, 'victim'), 'data', 'secrets.parquet'), file);
    const result = await rebuild(data, ...options);
    assert.equal(result.code, 1);
    assert.match(result.stderr, /source 'evil': .*leak\.parquet is a symlink that leads out of the source's folder/);
    assert.deepEqual(await analytics(data, 'FROM first'), [{ seven: 7 }]);
    await neighboursAreFine(data);
  });
}

test('a symlink within the folder is followed', async (t) => {
  const data = temporaryFolder(t);
  const folder = await extract(data, 'shop', (at) => plain(at, 'orders', 'SELECT 1 AS i'));
  const file = path.join(folder, 'data', 'orders.parquet');
  await run([parquet('SELECT 2 AS i', `${folder}/data/orders-v2.parquet`)]);
  rmSync(file);
  symlinkSync('orders-v2.parquet', file);
  const result = await rebuild(data);
  assert.equal(result.code, 0, result.stderr);
  assert.deepEqual(await analytics(data, 'FROM orders'), [{ i: 2 }]);
  assert.equal(published(data, 'shop', 'orders').table.rows, 1);
});

test('a link out of the folder shows that the test above can fail', async (t) => {
  const data = temporaryFolder(t);
  await neighbours(data);
  await evil(data, (folder) => plain(folder, 'leak', "SELECT 'x' AS secret"));
  const file = path.join(folderOf(data, 'evil'), 'data', 'leak.parquet');
  rmSync(file);
  // A hard link is the file itself: whoever can make one could read it, and nothing tells them apart.
  linkSync(path.join(folderOf(data, 'victim'), 'data', 'secrets.parquet'), file);
  await rebuild(data);
  assert.throws(() => nothingLeaked(data));
});

// Breaks the extract of a source that was published before.
async function broken(t, breakIt) {
  const data = temporaryFolder(t);
  await neighbours(data);
  await evil(data, []);
  const before = published(data, 'evil', 'first');
  await breakIt(folderOf(data, 'evil'), data);
  const result = await rebuild(data, '--timeout=20', '--memory=256');
  assert.equal(result.code, 1, result.stdout);
  assert.match(result.stderr, /source 'evil'/);
  assert.equal(published(data, 'evil', 'first').file, before.file);
  assert.deepEqual(await analytics(data, 'FROM first'), [{ seven: 7 }]);
  await neighboursAreFine(data);
  return { data, result };
}

test('a truncated extract keeps its last version', async (t) => {
  const { data, result } = await broken(t, (folder) => truncateSync(path.join(folder, 'extract.duckdb'), 20000));
  assert.match(result.stderr, /source 'evil': .*extract\.duckdb/);
  // It is told again, and not read again, until somebody asks for it or the extract changes.
  const again = await rebuild(data);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /source 'evil': /);
});

test('garbage, an empty file and a folder are no extracts', async (t) => {
  for (const [, breakIt] of Object.entries({
    garbage: (file) => writeFileSync(file, 'x'.repeat(100000)),
    empty: (file) => writeFileSync(file, ''),
    folder: (file) => { rmSync(file); mkdirSync(file); },
  })) await broken(t, (folder) => breakIt(path.join(folder, 'extract.duckdb')));
});

test('a parquet file cut in half keeps the table of the last version, and the others go on', async (t) => {
  const { data, result } = await broken(t, async (folder) => {
    await run(plain(folder, 'second', 'SELECT 2 AS two'), path.join(folder, 'extract.duckdb'));
    truncateSync(path.join(folder, 'data', 'first.parquet'), 100);
  });
  assert.match(result.stderr, /source 'evil', table 'first': .*parquet/i);
  assert.deepEqual(await analytics(data, 'FROM second'), [{ two: 2 }]);
});

test('a million rows in _meta are refused', async (t) => {
  const { result } = await broken(t, (folder) => run(
    ["INSERT INTO _meta SELECT 't' || i, '', 1, 1, now()::TIMESTAMP, 'local' FROM range(1000000) r(i)"],
    path.join(folder, 'extract.duckdb')));
  assert.match(result.stderr, /describes more than 10000 tables/);
});

test('_meta may be missing, lack a column, be a view or never end', async (t) => {
  const replace = (...statements) => (folder) =>
    run(['DROP TABLE _meta', ...statements], path.join(folder, 'extract.duckdb'));
  const missing = await broken(t, replace());
  assert.match(missing.result.stderr, /source 'evil': extract\.duckdb has no table _meta/);
  const lacking = await broken(t, replace('CREATE TABLE _meta (table_name VARCHAR, rows BIGINT, query_mode VARCHAR)'));
  assert.match(lacking.result.stderr, /no column size_bytes/);
  const stolen = await broken(t, replace("CREATE VIEW _meta AS SELECT content AS table_name, 1 AS rows, " +
    "1 AS size_bytes, 'local' AS query_mode FROM read_text('/etc/passwd')"));
  assert.match(stolen.result.stderr, /Cannot access file/);
  const endless = await broken(t, replace("CREATE VIEW _meta AS SELECT 't' AS table_name, 1 AS rows, 1 AS size_bytes, " +
    "'local' AS query_mode FROM range(1000000000000) a, range(1000000000000) b WHERE a.range + b.range < 0"));
  assert.match(endless.result.stderr, /did not finish in time/);
});

test('wrong types and hostile names are taken for what they are', async (t) => {
  const data = temporaryFolder(t);
  const folder = path.join(data, 'extracts', 'odd');
  mkdirSync(path.join(folder, 'data'), { recursive: true });
  const names = ['a"b', "a'b", 'a b', '../x', 'č', '', 'x'.repeat(65), 'good\n', '1x', 'DROP TABLE x; --'];
  const quoted = (name) => `'${name.replaceAll("'", "''")}'`;
  await run([
    'CREATE TABLE _meta (table_name VARCHAR, description STRUCT(a INTEGER), rows VARCHAR, size_bytes DATE, ' +
      'extracted_at VARCHAR, query_mode VARCHAR)',
    ...names.map((name) => `INSERT INTO _meta VALUES (${quoted(name)}, {'a': 1}, 'many', NULL, 'yesterday', 'LOCAL')`),
    "INSERT INTO _meta VALUES (NULL, NULL, NULL, NULL, NULL, NULL)",
    "INSERT INTO _meta VALUES ('good', {'a': 1}, 'many', DATE '2024-01-01', '2024-01-01 12:00:00+02', NULL)",
    "INSERT INTO _meta VALUES ('GOOD', {'a': 1}, 'many', DATE '2024-01-01', 'x', NULL)",
    'CREATE TABLE good AS SELECT 5 AS five',
    ...names.filter((name) => name !== '').map((name) => `CREATE TABLE "${name.replaceAll('"', '""')}" AS SELECT 1 AS i`),
    'CREATE TABLE _remote_attach (alias INTEGER)', 'INSERT INTO _remote_attach VALUES (1)',
    'CREATE TABLE _checksums (table_name BLOB, md5 INTEGER)',
  ], path.join(folder, 'extract.duckdb'));
  const result = await rebuild(data);
  assert.equal(result.code, 0, result.stderr);
  assert.deepEqual(index(data, 'odd').tables.map((table) => table.name), ['good']);
  assert.deepEqual(await analytics(data, 'FROM good'), [{ five: 5 }]);
  assert.equal(index(data, 'odd').tables[0].extracted_at, Date.UTC(2024, 0, 1, 12) * 1000);
});

test('views in a circle are told', async (t) => {
  const { result } = await broken(t, (folder) => run(
    ['CREATE VIEW a AS SELECT 1 AS i', 'CREATE VIEW b AS SELECT * FROM a', 'CREATE OR REPLACE VIEW a AS SELECT * FROM b',
      described('a'), described('b')], path.join(folder, 'extract.duckdb')));
  assert.match(result.stderr, /table 'a': .*recursi/);
  assert.match(result.stderr, /table 'b': .*recursi/);
});

test('a view that never ends is stopped', async (t) => {
  const { result } = await broken(t, (folder) => run(
    ['CREATE VIEW endless AS SELECT count(*) AS n FROM range(1000000000000) a, range(1000000) b WHERE a.range + b.range < 0',
      described('endless')], path.join(folder, 'extract.duckdb')));
  assert.match(result.stderr, /did not finish in time/);
});

test('a row of two gigabytes does not take the server along', async (t) => {
  const { result } = await broken(t, (folder) => run(
    ["CREATE VIEW huge AS SELECT repeat('x', 2000000000) AS cell", described('huge')],
    path.join(folder, 'extract.duckdb')));
  assert.match(result.stderr, /Out of Memory|memory|allocat|reader/i);
});

test('a checksum that lies about a file is not believed', async (t) => {
  const data = temporaryFolder(t);
  await extract(data, 'shop', (folder) => [...plain(folder, 'orders', 'SELECT 1 AS i'),
    'CREATE TABLE _checksums (table_name VARCHAR, md5 VARCHAR, size_bytes BIGINT, inode BIGINT, mtime_ns BIGINT)',
    "INSERT INTO _checksums VALUES ('orders', '00000000000000000000000000000000', 1, 1, 1)"]);
  assert.equal((await rebuild(data)).code, 0);
  assert.notEqual(published(data, 'shop', 'orders').table.md5, '0'.repeat(32));
});

test('a checksum that is none is refused with the whole answer', async (t) => {
  const data = temporaryFolder(t);
  const folder = await extract(data, 'shop', (at) => plain(at, 'orders', 'SELECT 1 AS i'));
  const { statSync } = await import('node:fs');
  const stat = statSync(path.join(folder, 'data', 'orders.parquet'), { bigint: true });
  await run(['CREATE TABLE _checksums (table_name VARCHAR, md5 VARCHAR, size_bytes BIGINT, inode BIGINT, mtime_ns BIGINT)',
    `INSERT INTO _checksums VALUES ('orders', '../../../evil', ${stat.size}, ${stat.ino}, ${stat.mtimeNs})`],
  path.join(folder, 'extract.duckdb'));
  const result = await rebuild(data);
  assert.equal(result.code, 1);
  assert.match(result.stderr, /its reader answered what it must not/);
  assert.deepEqual(publishedFiles(data, 'shop'), []);
});

test('an extract of an older DuckDB storage version is read', async (t) => {
  const data = temporaryFolder(t);
  const folder = path.join(data, 'extracts', 'old');
  mkdirSync(path.join(folder, 'data'), { recursive: true });
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  for (const sql of [`ATTACH '${folder}/extract.duckdb' AS old (STORAGE_VERSION 'v0.10.2')`, 'USE old', META,
    'CREATE TABLE t AS SELECT 9 AS nine', described('t'), 'USE memory', 'DETACH old']) await connection.run(sql);
  connection.closeSync();
  instance.closeSync();
  assert.equal((await rebuild(data)).code, 0);
  assert.deepEqual(await analytics(data, 'FROM t'), [{ nine: 9 }]);
});

test('an extract that another process writes to is left for later', async (t) => {
  const data = temporaryFolder(t);
  const folder = await extract(data, 'busy', (at) => plain(at, 'orders', 'SELECT 1 AS i'));
  const { spawn } = await import('node:child_process');
  const holder = spawn(process.execPath, ['-e', `
    const { DuckDBInstance } = require('@duckdb/node-api');
    DuckDBInstance.create(process.argv[1]).then((i) => i.connect()).then((c) => c.run('CREATE TABLE x AS SELECT 1'))
      .then(() => { console.log('held'); setInterval(() => {}, 1000); });`, path.join(folder, 'extract.duckdb')],
  { cwd: import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => holder.kill('SIGKILL'));
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  const busy = await rebuild(data);
  assert.equal(busy.code, 1);
  assert.match(busy.stderr, /source 'busy': .*lock/i);
  holder.kill('SIGKILL');
  await new Promise((resolve) => holder.once('exit', resolve));
  const later = await rebuild(data);
  assert.equal(later.code, 0, later.stderr);
  assert.deepEqual(await analytics(data, 'FROM orders'), [{ i: 1 }]);
});
