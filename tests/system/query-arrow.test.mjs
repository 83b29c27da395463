// Arrow results as apache-arrow reads them, beside what DuckDB says of the same query.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { DataType, tableFromIPC } from 'apache-arrow';
import { temporaryFolder } from './lib/agnesd.mjs';
import { startPool, writeSource } from './lib/queries.mjs';

async function fixture(t) {
  const folder = temporaryFolder(t);
  const source = await writeSource(folder, 'all', {
    many: `SELECT i, i::TINYINT AS i8, i::USMALLINT AS u16, i::INTEGER AS i32, i::UBIGINT AS u64, i / 7 AS d,
      (i / 4)::FLOAT AS f, i % 2 = 0 AS b, 'text ž ' || i AS s, DATE '2026-01-01' + (i % 400)::INT AS day,
      TIMESTAMP '2026-01-01' + INTERVAL (i) MINUTE AS at, (i * 1.25)::DECIMAL(18,2) AS amount,
      CASE WHEN i % 3 = 0 THEN NULL ELSE i END AS n, [i, NULL, i + 1] AS l, {'a': i, 'b': 'x' || i} AS st,
      CASE WHEN i % 5 = 0 THEN NULL WHEN i % 2 = 0 THEN '' ELSE repeat('y', (i % 20)::INT) END AS v
      FROM range(-100, 5000) t(i) WHERE i BETWEEN 0 AND 127 OR true AND i >= 0 AND i < 100`,
  });
  const pool = startPool(t, folder);
  const read = async (sql, more = {}) => {
    const to = path.join(folder, 'result.arrows');
    const answer = await pool.run(source, sql, { format: 'arrow', to, limit: 1e9, ...more });
    assert.equal(answer.error, undefined, `${sql}: ${JSON.stringify(answer.error)}`);
    return { bytes: readFileSync(to), summary: answer.summary };
  };
  return { folder, source, pool, read };
}

const plain = (value) => JSON.parse(JSON.stringify(value, (key, inner) => typeof inner === 'bigint' ? Number(inner) : inner));

test('every type reads as it should', async (t) => {
  const { read } = await fixture(t);
  const columns = [
    ['(-5)::TINYINT', -5], ['250::UTINYINT', 250], ['(-300)::SMALLINT', -300], ['60000::USMALLINT', 60000],
    ['(-70000)::INTEGER', -70000], ['4000000000::UINTEGER', 4000000000], ['(-5000000000)::BIGINT', -5000000000],
    ['18446744073709551615::UBIGINT', 18446744073709551615n], ['0.5::FLOAT', 0.5], ['0.1::DOUBLE', 0.1],
    ['true', true], ["'ž\u{1F600}'", 'ž\u{1F600}'], ["''", ''], ['NULL::VARCHAR', null], ['NULL::INTEGER', null],
    ["DATE '2026-01-31'", Date.UTC(2026, 0, 31)],
    ["TIMESTAMP '2026-01-31 10:11:12.25'", Date.UTC(2026, 0, 31, 10, 11, 12, 250)],
    ["TIMESTAMPTZ '2026-01-31 10:11:12+02'", Date.UTC(2026, 0, 31, 8, 11, 12)],
    ["'2026-01-31 10:11:12'::TIMESTAMP_S", Date.UTC(2026, 0, 31, 10, 11, 12)],
    ["'2026-01-31 10:11:12.5'::TIMESTAMP_MS", Date.UTC(2026, 0, 31, 10, 11, 12, 500)],
    ["'2026-01-31 10:11:12.5'::TIMESTAMP_NS", Date.UTC(2026, 0, 31, 10, 11, 12, 500)],
    ["TIME '00:00:01.5'", 1500000],
    ["'b'::ENUM('a', 'b')", 'b'], ["'a'::ENUM('a', 'b')", 'a'], ['NULL::ENUM(\'q\')', null],
    ["'x1'::BLOB", [120, 49]],
    ['[1, NULL, 3]::INTEGER[]', [1, null, 3]], ['[]::VARCHAR[]', []], ["[['a'], [], NULL]", [['a'], [], null]],
    ['[1, 2]::INTEGER[2]', [1, 2]],
    ["{'a': 1::INTEGER, 'b': {'c': 'x'}}", { a: 1, b: { c: 'x' } }],
    ["MAP {'x': 1::INTEGER, 'y': 2::INTEGER}", { x: 1, y: 2 }],
    ["[{'e': 'v'::ENUM('u', 'v')}]", [{ e: 'v' }]],
    ["'{\"k\": 1}'::JSON", '{"k": 1}'],
    ["'b3f1c3a0-0000-4000-8000-000000000001'::UUID", 'b3f1c3a0-0000-4000-8000-000000000001'],
  ];
  const { bytes } = await read(`SELECT ${columns.map(([sql], i) => `${sql} AS c${i}`).join(', ')}`);
  const table = tableFromIPC(bytes);
  assert.equal(table.numRows, 1);
  columns.forEach(([sql, expected], i) => {
    let value = table.getChild(`c${i}`).get(0);
    if (value !== null && typeof value === 'object') {
      value = value instanceof Uint8Array || ArrayBuffer.isView(value) ? [...value] : value.toJSON();
    }
    if (typeof expected === 'bigint') assert.equal(value, expected, sql);
    else assert.deepEqual(plain(value), expected, sql);
  });
});

test('decimals, intervals, unions and huge integers keep their bits', async (t) => {
  const { read } = await fixture(t);
  const { bytes } = await read(`SELECT (-123.45)::DECIMAL(18,2) AS d, 170141183460469231731687303715884105727::HUGEINT AS h,
    1.5::DECIMAL(38,10) AS wide, INTERVAL '14 months 3 days 1 second' AS i, NULL AS nothing,
    union_value(k := 'x')::UNION(n INTEGER, k VARCHAR) AS u`);
  const table = tableFromIPC(bytes);
  const decimal = (name) => {
    const words = new BigUint64Array(table.getChild(name).get(0).slice().buffer);
    return BigInt.asIntN(128, (words[1] << 64n) | words[0]);
  };
  assert.equal(decimal('d'), -12345n);
  assert.equal(decimal('h'), 170141183460469231731687303715884105727n);
  assert.equal(decimal('wide'), 15000000000n);
  assert.deepEqual([table.getChild('d').type.precision, table.getChild('d').type.scale], [18, 2]);
  assert.ok(DataType.isInterval(table.getChild('i').type));
  assert.equal(table.getChild('nothing').get(0), null);
  assert.ok(DataType.isUnion(table.getChild('u').type));
  assert.equal(table.getChild('u').get(0), 'x');
});

test('many batches carry all rows, with NULLs and nested values in place', async (t) => {
  const { source, pool, read } = await fixture(t);
  const sql = `SELECT a.i * 100 + b.i AS k, CASE WHEN a.i % 2 = 0 THEN b.s END AS s, b.l, b.st, b.v, b.n, b.b,
    (CASE b.i % 3 WHEN 0 THEN 'low' WHEN 1 THEN 'mid' END)::ENUM('low', 'mid', 'high') AS e FROM many a, many b ORDER BY ALL`;
  const { bytes, summary } = await read(sql);
  const table = tableFromIPC(bytes);
  assert.equal(table.numRows, summary.rows);
  assert.ok(table.batches.length > 1, 'more than one batch');
  const expected = await pool.rows(source, sql, { limit: 1e9 });
  assert.equal(expected.length, table.numRows);
  let i = 0;
  for (const row of table) {
    if (i % 97 === 0) {
      const cells = Object.values(row.toJSON()).map((value) => plain(value?.toJSON ? value.toJSON() : value));
      assert.deepEqual(cells, expected[i], `row ${i}`);
    }
    i++;
  }
});

test('no rows are a schema, and limits cut at rows and bytes', async (t) => {
  const { read } = await fixture(t);
  const empty = tableFromIPC((await read('FROM many WHERE false')).bytes);
  assert.equal(empty.numRows, 0);
  assert.equal(empty.schema.fields.length, 16);
  const some = await read('FROM many ORDER BY i', { limit: 10 });
  assert.equal(tableFromIPC(some.bytes).numRows, 10);
  assert.equal(some.summary.truncated, true);
  const cut = await read('SELECT a.* FROM many a, many b, many c', { cut_bytes: 2e6 });
  assert.equal(cut.summary.truncated, true);
  assert.ok(cut.bytes.length <= 2e6 && cut.bytes.length > 1e6, String(cut.bytes.length));
  assert.equal(tableFromIPC(cut.bytes).numRows, cut.summary.rows);
});
