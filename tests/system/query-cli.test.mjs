// `da query` and `da explore` over the workspace: values, formats, statements of every kind, and what goes wrong.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import { query } from './lib/agnesd.mjs';
import { run as runDuck } from './lib/extracts.mjs';
import { Workspace } from './lib/workspace.mjs';

const TABLES = [
  "CREATE TABLE orders AS SELECT i AS id, i * 1.5 AS amount, CASE WHEN i % 2 = 0 THEN 'even' END AS kind FROM range(10) t(i)",
  `CREATE TABLE types AS SELECT 170141183460469231731687303715884105727::HUGEINT AS huge, 1.50::DECIMAL(9,2) AS dec, true AS yes,
    DATE '2026-01-31' AS day, TIMESTAMP '2026-01-31 12:00:00.5' AS ts, TIMESTAMPTZ '2026-01-31 12:00:00+00' AS tz, [1, 2] AS list,
    {'a': 'x', 'b': NULL} AS struct, 'NaN'::DOUBLE AS nan, 'Příliš; žluťoučký "kůň"' AS text, NULL::INT AS nothing, 'ab'::BLOB AS bytes,
    0.1::FLOAT AS f`,
];

async function filled(t) {
  const workspace = new Workspace(t, 'http://127.0.0.1:9');
  mkdirSync(workspace.path('user/duckdb'), { recursive: true });
  await runDuck(TABLES, workspace.path('user/duckdb/analytics.duckdb'));
  return workspace;
}

const lines = (run) => run.stdout.split('\n');

test('a table for people: numbers to the right, NULL to be seen', async (t) => {
  const workspace = await filled(t);
  const run = await workspace.da(['query', 'SELECT id, kind FROM orders ORDER BY id LIMIT 3'], { env: { COLUMNS: '40' } });
  assert.equal(run.code, 0, run.stderr);
  const rows = lines(run).filter((line) => /[0-9]/.test(line));
  assert.equal(rows.length, 3);
  assert.match(rows[0], /0.*even/);
  assert.match(rows[1], /1.*NULL/);
});

test('values in JSON are what the reference says', async (t) => {
  const workspace = await filled(t);
  const run = await workspace.da(['query', '--format', 'json', 'FROM types']);
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stdout, /"huge": 170141183460469231731687303715884105727/);
  const [row] = JSON.parse(run.stdout);
  delete row.huge;
  assert.deepEqual(row, { dec: '1.50', yes: true, day: '2026-01-31', ts: '2026-01-31 12:00:00.500000',
    tz: '2026-01-31 12:00:00+00:00', list: [1, 2], struct: { a: 'x', b: null }, nan: null,
    text: 'Příliš; žluťoučký "kůň"', nothing: null, bytes: "b'ab'", f: 0.10000000149011612 });
});

test('CSV quotes what needs it, and writes numbers without end as they are', async (t) => {
  const workspace = await filled(t);
  const run = await workspace.da(['query', '--format', 'csv', 'SELECT 1 AS a, \'x,"y"\' AS b, NULL AS c, true AS d, nan FROM types']);
  assert.equal(run.stdout.replaceAll('\r', ''), 'a,b,c,d,nan\n1,"x,""y""",,True,nan\n');
});

test('each format into a file, read by another program', async (t) => {
  const workspace = await filled(t);
  const readers = { parquet: 'read_parquet', csv: 'read_csv', ndjson: 'read_json', json: 'read_json' };
  for (const [format, reader] of Object.entries(readers)) {
    const file = workspace.path(`it's.${format}`);
    const run = await workspace.da(['query', '--format', format, '--output', file, 'SELECT i AS n FROM range(5000) t(i)']);
    assert.equal(run.code, 0, run.stderr);
    assert.deepEqual(await query(`SELECT count(*)::INT AS n, sum(n)::INT AS s FROM ${reader}('${file.replace("'", "''")}')`),
      [{ n: 5000, s: 12497500 }], format);
    assert.ok(!existsSync(`${file}.part`));
  }
  const limited = workspace.path('few.parquet');
  await workspace.da(['query', '-f', 'parquet', '-o', limited, '--limit', '7', 'FROM range(100)']);
  assert.deepEqual(await query(`SELECT count(*)::INT AS n FROM '${limited}'`), [{ n: 7 }]);
});

test('a file that cannot be written is an error, and leaves the old one', async (t) => {
  const workspace = await filled(t);
  writeFileSync(workspace.path('old.parquet'), 'old');
  const run = await workspace.da(['query', '-f', 'parquet', '-o', 'old.parquet', "SELECT error('no')"]);
  assert.equal(run.code, 1);
  assert.equal(readFileSync(workspace.path('old.parquet'), 'utf8'), 'old');
  const missing = await workspace.da(['query', '-f', 'csv', '-o', 'no/such/folder.csv', 'SELECT 1']);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /^Query error: /);
});

test('statements of every kind, one or several, with comments and semicolons', async (t) => {
  const workspace = await filled(t);
  const cases = {
    'SELECT 1 AS one;': [{ one: 1 }],
    'SELECT 1 AS one -- a comment; with a semicolon': [{ one: 1 }],
    "SELECT ';' AS semi; -- end": [{ semi: ';' }],
    "CREATE TEMP TABLE x AS SELECT 7 AS n; SELECT n, ';' AS s FROM x;": [{ n: 7, s: ';' }],
    'SET threads = 1; SELECT 2 AS two': [{ two: 2 }],
    'FROM orders WHERE id = 1': [{ id: 1, amount: '1.5', kind: null }],
    'VALUES (1)': [{ col0: 1 }],
  };
  for (const [sql, expected] of Object.entries(cases)) {
    const run = await workspace.da(['query', '--format', 'json', sql]);
    assert.equal(run.code, 0, `${sql}: ${run.stderr}`);
    assert.deepEqual(JSON.parse(run.stdout), expected, sql);
  }
  for (const sql of ['DESCRIBE orders', 'SUMMARIZE orders', 'SHOW TABLES', 'EXPLAIN FROM orders', "PRAGMA table_info('orders')"]) {
    const run = await workspace.da(['query', sql]);
    assert.equal(run.code, 0, `${sql}: ${run.stderr}`);
    assert.match(run.stdout, /orders|id/i, sql);
  }
});

test('a limit, names that repeat, and nothing at all', async (t) => {
  const workspace = await filled(t);
  const limited = await workspace.da(['query', '--format', 'csv', '--limit', '3', 'SELECT id FROM orders ORDER BY id DESC']);
  assert.equal(limited.stdout.replaceAll('\r', ''), 'id\n9\n8\n7\n');
  const twice = await workspace.da(['query', '--format', 'csv', 'SELECT 1 AS a, 2 AS a']);
  assert.match(twice.stdout, /1,2/);
  const none = await workspace.da(['query', '--format', 'json', 'FROM orders WHERE false']);
  assert.deepEqual(JSON.parse(none.stdout), []);
});

test('what is wrong with a query is told in its own words', async (t) => {
  const workspace = await filled(t);
  for (const [sql, message] of [['SELEC 1', /syntax error/], ['FROM nobody', /nobody/], ["SELECT error('broken at run time')", /broken at run time/],
    ['INSERT INTO orders VALUES (1, 1, NULL)', /read-only/], ['', /statement/], ['-- nothing', /statement/]]) {
    const run = await workspace.da(['query', '--sql', sql]);
    assert.equal(run.code, 1, sql);
    assert.match(run.stderr, message);
    assert.equal(run.stdout, '', sql);
    assert.doesNotMatch(run.stderr, /json_array/);
  }
});

test('without a database: what to do', async (t) => {
  const workspace = new Workspace(t, 'http://127.0.0.1:9');
  for (const args of [['query', 'SELECT 1'], ['explore', 'orders']]) {
    const run = await workspace.da(args);
    assert.deepEqual([run.code, run.stdout, run.stderr], [1, '', 'Local DuckDB not found. Run: da sync\n']);
  }
});

test('the database of a workspace that an older client set up is found', async (t) => {
  const workspace = new Workspace(t, 'http://127.0.0.1:9');
  mkdirSync(workspace.path('data/duckdb'), { recursive: true });
  await runDuck(['CREATE TABLE old AS SELECT 3 AS n'], workspace.path('data/duckdb/analytics.duckdb'));
  assert.deepEqual(JSON.parse((await workspace.da(['query', '-f', 'json', 'FROM old'])).stdout), [{ n: 3 }]);
});

test('explore: as text, as JSON, odd names, and names that there are not', async (t) => {
  const workspace = await filled(t);
  await runDuck(['CREATE VIEW "odd ""name""" AS SELECT 1 AS "c d"'], workspace.path('user/duckdb/analytics.duckdb'));
  const text = await workspace.da(['explore', 'orders']);
  assert.equal(text.code, 0, text.stderr);
  assert.match(text.stdout, /^Table: orders\nRows: 10\nColumns \(3\):\n {2}id {29}BIGINT\n/);
  assert.match(text.stdout, /\nSample \(5 rows\):\n/);
  const json = JSON.parse((await workspace.da(['explore', 'orders', '--json'])).stdout);
  assert.deepEqual(Object.keys(json), ['table', 'row_count', 'columns', 'sample_rows']);
  assert.equal(json.row_count, 10);
  assert.deepEqual(json.columns[0], { name: 'id', type: 'BIGINT', nullable: 'YES' });
  assert.deepEqual(json.sample_rows[1], { id: 1, amount: '1.5', kind: null });
  const odd = JSON.parse((await workspace.da(['explore', '--json', 'odd "name"'])).stdout);
  assert.deepEqual(odd.sample_rows, [{ 'c d': 1 }]);
  const missing = await workspace.da(['explore', 'nobody']);
  assert.equal(missing.code, 1);
  assert.equal(missing.stderr, "Table 'nobody' not found. Available:\n");
  assert.equal(missing.stdout, '  odd "name"\n  orders\n  types\n');
});

// Columns of a terminal: those of East Asian characters are two.
const widthOf = (line) => [...line].reduce((sum, letter) => sum + (/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uff00-\uff60]/.test(letter) ? 2 : 1), 0);

test('a wide table of wide characters fits a terminal of 40 columns, and loses nothing', async (t) => {
  const workspace = await filled(t);
  const text = '日本語のとても長い文章がここにあります';
  const run = await workspace.da(['query', `SELECT 12345 AS number, '${text}' AS text, 'žluťoučký kůň' AS czech, NULL AS nothing`], { env: { COLUMNS: '40' } });
  assert.equal(run.code, 0, run.stderr);
  for (const line of lines(run)) assert.ok(widthOf(line) <= 40, `${widthOf(line)}: ${line}`);
  const shown = new Set([...run.stdout]);
  for (const letter of text) assert.ok(shown.has(letter), letter);
});

test('nothing that a value holds steers the terminal', async (t) => {
  const workspace = await filled(t);
  const run = await workspace.da(['query', "SELECT chr(27) || '[31mred' || chr(7) AS evil"]);
  assert.equal(run.code, 0, run.stderr);
  assert.doesNotMatch(run.stdout, /[\u001b\u0007]/);
});
