// What a result looks like in each format, read by programs that are not ours.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { query, temporaryFolder } from './lib/agnesd.mjs';
import { startPool, writeSource } from './lib/queries.mjs';

async function fixture(t, tables) {
  const folder = temporaryFolder(t);
  return { folder, source: await writeSource(folder, 'all', tables), pool: startPool(t, folder) };
}

test('every scalar is written as the API promises, nested values as JSON', async (t) => {
  const { source, pool } = await fixture(t, { one: 'SELECT 1 AS i' });
  const cells = [
    ['NULL', null],
    ['true', true],
    ['(-5)::TINYINT', -5],
    ['170141183460469231731687303715884105727::HUGEINT', 170141183460469231731687303715884105727n],
    ['340282366920938463463374607431768211455::UHUGEINT', 340282366920938463463374607431768211455n],
    ['0.1::FLOAT', 0.10000000149011612],
    ['0.1::DOUBLE', 0.1],
    ["'NaN'::DOUBLE", null],
    ["'-Infinity'::FLOAT", null],
    ["'NaN and \"Infinity\"'", 'NaN and "Infinity"'],
    ["'ž\u{1F600}\\'", 'ž\u{1F600}\\'],
    ["''", ''],
    ['100::DECIMAL(10,2)', '100.00'],
    ['(-0.5)::DECIMAL(38,10)', '-0.5000000000'],
    ["DATE '2026-01-31'", '2026-01-31'],
    ["TIMESTAMP '2026-01-31 10:11:12'", '2026-01-31 10:11:12'],
    ["TIMESTAMP '2026-01-31 10:11:12.5'", '2026-01-31 10:11:12.500000'],
    ["'2026-01-31 10:11:12.123456789'::TIMESTAMP_NS", '2026-01-31 10:11:12.123456'],
    ["'2026-01-31 10:11:12'::TIMESTAMP_S", '2026-01-31 10:11:12'],
    ["'2026-01-31 10:11:12.007'::TIMESTAMP_MS", '2026-01-31 10:11:12.007000'],
    ["TIMESTAMPTZ '2026-01-31 10:11:12.25+02'", '2026-01-31 08:11:12.250000+00:00'],
    ["TIME '10:11:12'", '10:11:12'],
    ["TIME '10:11:12.5'", '10:11:12.500000'],
    ["TIMETZ '10:11:12+02'", '10:11:12+02:00'],
    ["INTERVAL '1 month 3 days 04:05:06.7'", '33 days, 4:05:06.700000'],
    ["INTERVAL '-1 hour'", '-1 day, 23:00:00'],
    ["INTERVAL '5 seconds'", '0:00:05'],
    ["INTERVAL '1 day'", '1 day, 0:00:00'],
    ['NULL::INTERVAL', null],
    ["'b3f1c3a0-0000-4000-8000-000000000001'::UUID", 'b3f1c3a0-0000-4000-8000-000000000001'],
    ["'\\xAB\\x00z'::BLOB", "b'\\xAB\\x00z'"],
    ["'101'::BIT", '101'],
    ["'a'::ENUM('a', 'b')", 'a'],
    ["'{\"k\": [1]}'::JSON", '{"k": [1]}'],
    ['[1, NULL, 3]', [1, null, 3]],
    ["[0.5, 'NaN'::DOUBLE, '-Infinity'::DOUBLE]", [0.5, null, null]],
    ["{'k': 'v', 'n': {'d': DATE '2026-01-31'}}", { k: 'v', n: { d: '2026-01-31' } }],
    ["MAP {'x': 1}", { x: 1 }],
    ['[1, 2]::INTEGER[2]', [1, 2]],
  ];
  const sql = `SELECT ${cells.map(([expression]) => expression).join(', ')} FROM one`;
  const { text, error } = await pool.run(source, sql);
  assert.equal(error, undefined, JSON.stringify(error));
  // JSON.parse() has no integers beyond 53 bits: those are compared as text.
  const big = cells.map(([, value]) => value).filter((value) => typeof value === 'bigint');
  for (const value of big) assert.ok(text.includes(`,${value},`), String(value));
  const [row] = JSON.parse(text).rows;
  cells.forEach(([expression, value], i) => {
    if (typeof value !== 'bigint') assert.deepEqual(row[i], value, expression);
  });
});

test('a JSON result has columns, rows, a count and says what was cut', async (t) => {
  const { source, pool } = await fixture(t, { n: 'SELECT i FROM range(2500) t(i)' });
  const shape = async (sql, limit) => JSON.parse((await pool.run(source, sql, { limit })).text);
  const cut = await shape('SELECT i, i FROM n ORDER BY i;', 2000);
  assert.deepEqual(cut.columns, ['i', 'i']);
  assert.equal(cut.rows.length, 2000);
  assert.deepEqual(cut.rows[1999], [1999, 1999]);
  assert.deepEqual([cut.row_count, cut.truncated], [2000, true]);
  const whole = await shape('FROM n', 2500);
  assert.deepEqual([whole.row_count, whole.truncated, whole.rows.length], [2500, false, 2500]);
  assert.deepEqual(await shape('FROM n WHERE false', 10), { columns: ['i'], rows: [], row_count: 0, truncated: false });
  assert.deepEqual(await shape('FROM n', 0), { columns: ['i'], rows: [], row_count: 0, truncated: true });
  for (const sql of ['FROM n', 'FROM n WHERE false']) {
    assert.deepEqual(await shape(sql, -1), { columns: ['i'], rows: [], row_count: 0, truncated: true });
  }
  for (const format of ['csv', 'ndjson', 'parquet', 'arrow']) {
    const { summary, error } = await pool.run(source, 'FROM n', { format, limit: -1, silent: true });
    assert.deepEqual([error, summary?.rows, summary?.truncated], [undefined, 0, true], format);
  }
  assert.match((await pool.run(source, 'FROM n', { limit: -2 })).error.message, /^Query error: the limit must not be negative, and is -2/);
});

test('DESCRIBE, SUMMARIZE, VALUES, PIVOT and comments work in every format', async (t) => {
  const { folder, source, pool } = await fixture(t, { n: 'SELECT i, i % 2 AS k FROM range(10) t(i)' });
  const statements = ['DESCRIBE n', 'SUMMARIZE n', "VALUES (1, 'a;b'); -- the end", 'PIVOT n ON k IN (0, 1) USING sum(i)',
    'WITH x AS (FROM n) FROM x -- not ; the end', '/* ; */ TABLE n;;', 'FROM n ORDER BY i DESC LIMIT 3'];
  for (const sql of statements) {
    const json = await pool.rows(source, sql);
    for (const format of ['ndjson', 'csv', 'parquet']) {
      const to = path.join(folder, `out.${format}`);
      const answer = await pool.run(source, sql, { format, to });
      assert.equal(answer.error, undefined, `${format} ${sql}: ${JSON.stringify(answer.error)}`);
      const reader = { ndjson: 'read_ndjson', csv: 'read_csv', parquet: 'read_parquet' }[format];
      const [{ n }] = await query(`SELECT count(*)::INT AS n FROM ${reader}('${to}'${format === 'csv' ? ', header = true' : ''})`);
      assert.equal(n, json.length, `${format} ${sql}`);
    }
  }
  assert.deepEqual(await pool.rows(source, statements.at(-1)), [[9, 1], [8, 0], [7, 1]]);
});

test('CSV, NDJSON and Parquet carry the same rows', async (t) => {
  const { folder, source, pool } = await fixture(t, {
    m: `SELECT i, i::DECIMAL(18,2) / 4 AS amount, 'text "' || i || '", ž' AS name, DATE '2026-01-01' + i::INT AS day,
        CASE WHEN i % 3 = 0 THEN NULL ELSE i / 7 END AS d FROM range(20000) t(i)`,
  });
  const files = {};
  for (const format of ['csv', 'ndjson', 'parquet']) {
    files[format] = path.join(folder, `m.${format}`);
    const { summary } = await pool.run(source, 'FROM m ORDER BY i', { format, limit: 15000, to: files[format] });
    assert.equal(summary.rows, 15000);
    assert.equal(summary.truncated, true);
  }
  const [{ n, total }] = await query(`SELECT count(*)::INT AS n, sum(i)::INT AS total FROM '${files.parquet}'`);
  assert.deepEqual([n, total], [15000, (14999 * 15000) / 2]);
  for (const other of [`read_csv('${files.csv}')`, `(SELECT * REPLACE (amount::DOUBLE AS amount) FROM read_ndjson('${files.ndjson}'))`]) {
    const same = await query(`SELECT count(*)::INT AS n FROM '${files.parquet}' p JOIN ${other} o USING (i)
      WHERE p.name = o.name AND p.day = o.day AND p.amount::DOUBLE = o.amount::DOUBLE AND p.d IS NOT DISTINCT FROM o.d`);
    assert.deepEqual(same, [{ n: 15000 }], other);
  }
  assert.equal(readFileSync(files.csv, 'utf8').split('\n')[0], 'i,amount,name,day,d');
});

// What is not a constant differs from row to row: i is from 0 to 4999, and each third value is NULL.
const CSV_COLUMNS = [
  'i', '(i - 2500)::HUGEINT * 68056473384187692692674921486353642', 'i::UHUGEINT', '(i % 100)::TINYINT', '(i % 100)::UTINYINT', '(-i)::SMALLINT',
  'i::USMALLINT', 'i::UINTEGER', 'i::UBIGINT', '(i * 1e15)::BIGNUM', 'i % 2 = 0', '(i / 7)::FLOAT', 'i / 7', 'exp(i - 2500)', '-1 / (i % 5)::DOUBLE',
  "['NaN', 'Infinity', '-Infinity', '-0'][1 + i % 4]::DOUBLE", '(i - 2500)::DECIMAL(4)', '(i / 8)::DECIMAL(9,3)', '(i / 5000)::DECIMAL(4,4)', '((i - 2500) / 3)::DECIMAL(18,2)',
  '((i - 2500) * 1e20)::DECIMAL(38,10)', "DATE '1900-01-01' + i::INT * 30", "['infinity', '-infinity', '0044-03-15 (BC)', '294247-01-10'][1 + i % 4]::DATE",
  "TIMESTAMP '2026-01-01' + INTERVAL (i * 1001) MILLISECOND", "['infinity', '-infinity', '0044-03-15 (BC) 10:11:12.1'][1 + i % 3]::TIMESTAMP",
  "(TIMESTAMP '2026-01-01' + INTERVAL (i) SECOND)::TIMESTAMP_S", "(TIMESTAMP '2026-01-01' + INTERVAL (i) MILLISECOND)::TIMESTAMP_MS",
  "('2026-01-01 00:00:00.' || lpad(i::VARCHAR, 9, '0'))::TIMESTAMP_NS", "TIMESTAMPTZ '2026-01-01 10:00:00+02' + INTERVAL (i * 1001) MILLISECOND",
  "TIME '10:11:12' + INTERVAL (i) MILLISECOND", "['10:11:12+02', '23:59:59.5-15:59'][1 + i % 2]::TIMETZ", 'INTERVAL (i) MONTH + INTERVAL (i * 1001) MILLISECOND',
  "('b3f1c3a0-0000-4000-8000-' || lpad(i::VARCHAR, 12, '0'))::UUID", "('\\xAB\\x00,' || i)::BLOB", "['101', '0'][1 + i % 2]::BIT",
  "['a,b', 'a\"b', '', 'plain'][1 + i % 4]::ENUM('a,b', 'a\"b', '', 'plain')", "('{\"k\": [' || i || ', null]}')::JSON", "'null'::JSON",
  '[i, NULL, 3]', "[i::DECIMAL(9,2)]", '[]', "['', 'a,b', 'it''s', NULL]", "{'k': 'v \"' || i || '\"', 'n': {'d': DATE '2026-01-31'}}",
  "MAP {'x': i}", "union_value(num := i)", "CASE i % 5 WHEN 0 THEN '' WHEN 1 THEN 'NULL' WHEN 2 THEN '\"' WHEN 3 THEN ',' END",
  "'a' || chr((i % 256)::INT) || 'b'", "chr((i % 256)::INT)", "repeat('\"', (i % 20)::INT)", "repeat('long, ž\u{1F600} ', (i % 50)::INT)", "'plain ' || i", "' # \t;\\'",
];

test('CSV is byte for byte what COPY writes', async (t) => {
  const { folder, source, pool } = await fixture(t, { n: 'SELECT i FROM range(5000) t(i)' });
  const file = path.join(folder, 'copied.csv');
  const columns = CSV_COLUMNS.map((sql, c) => `CASE WHEN (i + ${c}) % 3 > 0 THEN ${sql} END AS "${['c', 'a,b', 'q""', '#', 'two\nlines', ' c '][c % 6]}${c}"`);
  const statements = [`SELECT ${columns.join(', ')} FROM n ORDER BY i`, 'SELECT CASE WHEN i % 3 > 0 THEN \'\' END AS a FROM n ORDER BY i',
    'SELECT [i, i]::BIGINT[2] AS pair, i::VARIANT AS any FROM n ORDER BY i', 'SELECT i FROM n WHERE i < 0', 'DESCRIBE n', "FROM (VALUES ('x', 1)) t(\"\"\"\", b)"];
  for (const sql of statements) {
    const setup = `SET TimeZone = 'UTC'; CREATE VIEW n AS FROM '${path.join(source.folder, 'n.parquet')}'`;
    await query(`${setup}; COPY (${sql.startsWith('DESCRIBE') ? `FROM (${sql})` : sql}) TO '${file}' (FORMAT csv)`);
    const copied = readFileSync(file);
    for (const more of [{ limit: 5000 }, { limit: 1e6 }, { unlimited: true }]) {
      const to = path.join(folder, 'ours.csv');
      const answer = await pool.run(source, sql, { format: 'csv', to, ...more });
      assert.equal(answer.error, undefined, JSON.stringify(answer.error));
      const ours = readFileSync(to);
      const at = ours.findIndex((byte, i) => byte !== copied[i]);
      assert.ok(ours.equals(copied), `${sql.slice(0, 60)}: from byte ${at}: ${ours.subarray(Math.max(0, at - 80), at + 40)} instead of ${copied.subarray(Math.max(0, at - 80), at + 40)}`);
    }
  }
});

test('repeated names differ where an object needs it', async (t) => {
  const { source, pool } = await fixture(t, { one: 'SELECT 1 AS i' });
  const { text } = await pool.run(source, 'SELECT 1 AS a, 2 AS a, 3 AS a_1, 4 AS "q""x" FROM one', { format: 'ndjson' });
  assert.deepEqual(JSON.parse(text), { a: 1, a_1: 2, a_1_1: 3, 'q"x': 4 });
});

test('errors come in the words of the statement, without paths of the server', async (t) => {
  const { folder, source, pool } = await fixture(t, { n: 'SELECT i, i::VARCHAR AS s FROM range(100000) t(i)' });
  const failure = async (sql, more) => (await pool.run(source, sql, more)).error;
  const missing = await failure('SELECT nope FROM n');
  assert.equal(missing.code, 'invalid');
  assert.match(missing.message, /^Query error: Binder Error: Referenced column "nope" not found/);
  assert.match(missing.message, /LINE 1: SELECT nope FROM n\n {15}\^/);
  const late = await failure('SELECT (CASE WHEN i = 90000 THEN \'x\' ELSE s END)::INT FROM n', { limit: 100000 });
  assert.match(late.message, /Query error: Conversion Error: Could not convert string 'x' to INT32/);
  assert.doesNotMatch(late.message, /json_array|FROM \(/);
  for (const format of ['csv', 'parquet', 'ndjson']) {
    const error = await failure("SELECT error('stop here') FROM n", { format });
    assert.match(error.message, /^Query error: Invalid Input Error: stop here/, format);
  }
  const broken = { ...source, key: 'broken', tables: ['n', 'gone'] };
  const gone = await failure('FROM gone', { source: broken });
  assert.match(gone.message, /cannot read table 'gone'/);
  assert.doesNotMatch(gone.message, new RegExp(folder));
});

test('an error after the first bytes is told as one', async (t) => {
  const { source, pool } = await fixture(t, { n: 'SELECT i FROM range(3000000) t(i)' });
  const sql = "SELECT CASE WHEN i < 2900000 THEN i ELSE error('late') END AS i FROM n";
  for (const format of ['json', 'ndjson', 'csv']) {
    const answer = await pool.run(source, sql, { format, limit: 1e9, silent: true });
    assert.ok(answer.begun && answer.bytes > 0, format);
    assert.match(answer.error.message, /late/, format);
  }
  assert.deepEqual(await pool.rows(source, 'SELECT count(*) FROM n'), [[3000000]]);
});
