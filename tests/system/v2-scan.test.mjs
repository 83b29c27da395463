// timeout: 300
// /api/v2: samples, scans and their estimates of tables that are published here; predicates, quotas, formats.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import test from 'node:test';
import { tableFromIPC } from 'apache-arrow';
import { parquetReadObjects } from 'hyparquet';
import { query, temporaryFolder } from './lib/agnesd.mjs';
import { serve } from './lib/server.mjs';
import { grant, openShop, publish, until, untilPublished } from './lib/shop.mjs';

const TABLES = {
  orders: `SELECT i AS id, CASE WHEN i % 3 = 0 THEN 'CZ' ELSE 'DE' END AS country_code, (i * 1.5)::DECIMAL(9,2) AS amount,
    DATE '2026-01-01' + (i % 28)::INT AS event_date, 'x' AS "odd name", {'a': i} AS rec, [i, i + 1] AS items, 'select' AS "from"
    FROM range(1000) t(i)`,
  secrets: "SELECT 'CANARY' AS who",
  kinds: `SELECT * FROM (VALUES
    (1::TINYINT, 170141183460469231731687303715884105727::HUGEINT, 1.5::FLOAT, 12.50::DECIMAL(9,2), true, 'čau "x"', DATE '2026-02-03',
     TIMESTAMP '2026-02-03 04:05:06.7', TIMESTAMPTZ '2026-02-03 04:05:06+00', TIME '04:05:06.5', INTERVAL 90 MINUTE, '\\xAA\\xFF'::BLOB,
     [1, NULL], {'k': 'v'}, 'NaN'::DOUBLE),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL))
    t(tiny, huge, float, decimal, flag, text, day, moment, at_zone, clock, span, bytes, list, struct, real)`,
};

async function start(t, options = {}) {
  const { server, admin, folder } = await openShop(t, TABLES, options);
  const ann = await admin.addUser('ann@example.com');
  await grant(admin, ann, 'orders');
  await grant(admin, ann, 'kinds');
  return { server, admin, ann, folder };
}

// The Arrow stream of a scan as a table, or the refusal.
async function scan(client, fields, query = '', headers = {}) {
  const response = await fetch(`${client.url}/api/v2/scan${query}`, {
    method: 'POST', body: JSON.stringify({ table_id: 'orders', ...fields }),
    headers: { authorization: `Bearer ${client.token}`, 'content-type': 'application/json', ...headers },
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const type = response.headers.get('content-type');
  if (type === 'application/vnd.apache.arrow.stream') return { status: response.status, headers: response.headers, table: tableFromIPC(bytes), bytes };
  const text = new TextDecoder().decode(bytes);
  return { status: response.status, headers: response.headers, bytes, text, body: type?.includes('json') ? JSON.parse(text) : undefined };
}

const column = (table, name) => [...table.getChild(name)].map((value) => (typeof value === 'bigint' ? Number(value) : value));
const refusal = ({ status, body }) => [status, body?.detail];

test('a scan gives the columns and rows that it names, as an Arrow stream', async (t) => {
  const { ann } = await start(t);
  const all = await scan(ann, {});
  assert.equal(all.status, 200);
  assert.equal(all.headers.get('content-encoding'), null);
  assert.equal(all.headers.get('x-agnes-truncated'), null);
  assert.deepEqual([all.table.numRows, all.table.schema.fields.map(({ name }) => name)],
    [1000, ['id', 'country_code', 'amount', 'event_date', 'odd name', 'rec', 'items', 'from']]);
  const some = await scan(ann, { select: ['ID', 'country_code'], where: "country_code = 'CZ' AND id > 10", limit: 3, order_by: ['id DESC'] });
  assert.deepEqual([column(some.table, 'id'), column(some.table, 'country_code')], [[999, 996, 993], ['CZ', 'CZ', 'CZ']]);
  assert.deepEqual(some.table.schema.fields.map(({ name }) => name), ['id', 'country_code']);
  // Members that are null are as if they were not there; an empty list and an empty text, too.
  for (const fields of [{ select: null, where: null, limit: null, order_by: null }, { select: [], where: '', order_by: [] }])
    assert.equal((await scan(ann, fields)).table.numRows, 1000);
  const none = await scan(ann, { where: 'id < 0' });
  assert.deepEqual([none.table.numRows, none.table.schema.fields.length], [0, 8]);
  const odd = await scan(ann, { select: ['odd name', 'from', 'id'], order_by: ['odd name', ' from asc', 'id desc'], limit: 1 });
  assert.deepEqual([column(odd.table, 'id'), column(odd.table, 'from')], [[999], ['select']]);
});

test('a scan comes in the other formats, too', async (t) => {
  const { ann } = await start(t);
  const fields = { select: ['id', 'amount'], where: 'id < 3', order_by: ['id'] };
  const file = await scan(ann, fields, '?format=parquet');
  const rows = await parquetReadObjects({ file: file.bytes.buffer });
  assert.deepEqual(rows.map(({ id }) => Number(id)), [0, 1, 2]);
  assert.equal((await scan(ann, fields, '?format=csv')).text, 'id,amount\n0,0.00\n1,1.50\n2,3.00\n');
  assert.deepEqual((await scan(ann, fields, '', { accept: 'application/json' })).body,
    { columns: ['id', 'amount'], rows: [[0, '0.00'], [1, '1.50'], [2, '3.00']], row_count: 3, truncated: false });
  assert.equal((await scan(ann, fields, '?format=xml')).status, 400);
});

test('fields that are wrong are told in a text', async (t) => {
  const { ann, admin } = await start(t);
  const wrong = async (fields) => {
    const { status, body } = await ann.post('/api/v2/scan', fields);
    const estimate = await ann.post('/api/v2/scan/estimate', fields);
    assert.deepEqual([status, estimate.status, estimate.body], [400, 400, body], JSON.stringify(fields));
    return body.detail;
  };
  assert.match(await wrong({}), /^1 validation error for ScanRequest\ntable_id\n {2}Field required/);
  assert.match(await wrong({ table_id: 'orders', limit: 0 }), /\nlimit\n {2}Input should be greater than or equal to 1/);
  assert.match(await wrong({ table_id: 5, select: 'id', where: [], order_by: [1], limit: 'x' }),
    /^5 validation errors for ScanRequest\ntable_id\n.*\nselect\n.*\nwhere\n.*\nlimit\n.*\norder_by\.0\n/);
  assert.equal((await ann.post('/api/v2/scan', [1])).status, 422);
  assert.deepEqual(refusal(await ann.post('/api/v2/scan', { table_id: 'orders', limit: 10000001 })),
    [400, 'limit 10000001 exceeds max 10000000']);
  // Only the scan itself has that limit.
  assert.equal((await ann.post('/api/v2/scan/estimate', { table_id: 'orders', limit: 10000001 })).status, 200);
  for (const [fields, detail] of [
    [{ select: ['id', 'no such'] }, "invalid column name: 'no such'"],
    [{ select: ['"id"'] }, `invalid column name: '"id"'`],
    [{ select: ['nope', 'id', 'neither'] }, "unknown columns: ['nope', 'neither']"],
    [{ order_by: ['nope'] }, "unknown order_by column: 'nope'"],
    [{ order_by: ['nope DESC'] }, "unknown order_by column: 'nope DESC'"],
    [{ order_by: ['id sideways'] }, "invalid order_by entry: 'id sideways'"],
    [{ order_by: [''] }, "invalid order_by entry: ''"],
    [{ order_by: ['id; DROP TABLE orders'] }, "invalid order_by entry: 'id; DROP TABLE orders'"],
    [{ order_by: ['1 DESC'] }, "invalid order_by entry: '1 DESC'"],
  ]) {
    assert.deepEqual(refusal(await scan(ann, fields)), [400, detail]);
    assert.deepEqual(refusal(await ann.post('/api/v2/scan/estimate', { table_id: 'orders', ...fields })), [400, detail]);
  }
  // The predicate comes first, then the columns, then the order.
  assert.equal((await scan(ann, { where: 'nope = 1', select: ['nope'], order_by: ['nope'] })).body.detail.kind, 'unknown_column');
  assert.match((await scan(ann, { select: ['nope'], order_by: ['nope'] })).body.detail, /^unknown columns/);
  assert.equal((await scan(admin, { table_id: 'nothing', where: '((' })).status, 404);
});

const ACCEPTED = [
  'amount BETWEEN GREATEST(0, 10) AND LEAST(100, 200)', 'EXTRACT(YEAR FROM event_date) = 2026', "orders.country_code = 'CZ'",
  "ORDERS.COUNTRY_CODE = 'CZ'", "country_code = 'CZ' --", "country_code = 'CZ' -- OR TRUE", "/* a */ country_code /* b /* c */ */ = 'CZ'",
  "country_code = 'CZ';", 'id IN (1, 2) OR id IS NULL', 'event_date > CURRENT_DATE - INTERVAL 30 DAY', "id::VARCHAR LIKE '1%'",
  "country_code SIMILAR TO 'C[ZS]'", "UPPER(country_code) || 'x' = 'CZx'", 'CASE WHEN id > 5 THEN TRUE ELSE FALSE END',
  "rec['a'] = 5", 'items[1] = 5', '(id, country_code) IN ((1, \'DE\'))', 'NOT (id % 2 = 0)', "event_date = DATE '2026-01-03'",
  'IF(id > 5, TRUE, FALSE)', 'COALESCE(id, 0) = NULLIF(id, 3)', "\"from\" = 'select'", "\"odd name\" = 'x'", "country_code = 'it''s -- /*'",
  'current_timestamp > event_date', "regexp_matches(country_code, 'C.')", 'ABS(-id) = 1 AND SQRT(id) = 1', "country_code = $$C;Z$$",
  'date_trunc(\'month\', event_date) = event_date', 'id NOT IN (1)', "event_date::TIMESTAMP AT TIME ZONE 'UTC' > TIMESTAMPTZ '2020-01-01'",
];

const REFUSED = [
  [' ', 'parse_error'], ['-- nothing', 'parse_error'], ['SELECT * FROM', 'parse_error'], ['id = ', 'parse_error'], ["country_code = 'CZ", 'parse_error'],
  ['id = 1 /* x', 'parse_error'], ['"id = 1', 'parse_error'], ['$$x = 1', 'parse_error'], ['id = ?', 'parse_error'], ['id = $1', 'parse_error'],
  ['id = $name', 'parse_error'], ['id = 1 LIMIT 5', 'parse_error'], ['id = 1 ORDER BY id', 'parse_error'], ['id = 1 GROUP BY id', 'parse_error'],
  ['id = 1 HAVING id = 1', 'parse_error'], ['id = 1 QUALIFY id = 1', 'parse_error'], ['id = 1 USING SAMPLE 10%', 'parse_error'],
  ['id = 1 WINDOW w AS (ORDER BY id)', 'parse_error'], ['id = 1) OR (1 = 1', 'parse_error'], ['id = 1) --', 'parse_error'], ['id = 1 JOIN x ON TRUE', 'parse_error'],
  ['amount = 1; DROP TABLE x', 'multi_statement'], ['1 = 1; SELECT 1', 'multi_statement'], ['1 = 1; /* x */ DELETE FROM orders', 'multi_statement'],
  ['1 = 1 UNION ALL SELECT 1', 'disallowed_node'], ['1 = 1 EXCEPT SELECT 1', 'disallowed_node'], ['COLUMNS(*) = 1', 'disallowed_node'], ['#1 = 1', 'disallowed_node'],
  ['id IN (SELECT 1)', 'nested_select'], ['EXISTS (SELECT 1 FROM secrets)', 'nested_select'], ['(SELECT TRUE)', 'nested_select'],
  ['id = (FROM secrets)', 'nested_select'], ['id = ANY (SELECT 1)', 'nested_select'],
  ['other_table.id = 1', 'cross_table_reference'], ['rec.a = 1', 'cross_table_reference'], ['main.orders.id = 1', 'cross_table_reference'],
  ['other.x = pg_sleep(1)', 'cross_table_reference'],
  ['SUM(id) > 1', 'unknown_function', { function: 'SUM' }], ['count(*) > 1', 'unknown_function', { function: 'COUNT' }],
  ["EXTERNAL_QUERY('x') = 1", 'unknown_function', { function: 'EXTERNAL_QUERY' }], ['SESSION_USER() = 1', 'unknown_function', { function: 'SESSION_USER' }],
  ["read_text('/etc/passwd') = 'x'", 'unknown_function', { function: 'READ_TEXT' }], ["getenv('HOME') = 'x'", 'unknown_function', { function: 'GETENV' }],
  ['[1] = items', 'unknown_function', { function: 'ARRAY' }], ["{'a': 1} = rec", 'unknown_function', { function: 'STRUCT' }],
  ['UNNEST(items) = 1', 'unknown_function', { function: 'UNNEST' }], ['row_number() OVER () = 1', 'unknown_function', { function: 'ROW_NUMBER' }],
  ["country_code COLLATE nocase = 'x'", 'unknown_function', { function: 'COLLATE' }], ["rec -> '$.a' = 1", 'unknown_function', { function: 'JSON_EXTRACT' }],
  ["evil.upper(country_code) = 'x'", 'unknown_function', { function: 'UPPER' }], ["repeat('x', 1000000000) = 'x'", 'unknown_function', { function: 'REPEAT' }],
  ['nope(nothing) = 1', 'unknown_function', { function: 'NOPE' }], ["STRFTIME(event_date, '%Y') = 'x'", 'unknown_function', { function: 'STRFTIME' }],
  ['nothing = 1', 'unknown_column', { column: 'nothing' }], ['orders.nothing = 1', 'unknown_column', { column: 'nothing' }],
  ['rowid = 1', 'unknown_column', { column: 'rowid' }], ['file_row_number = 1', 'unknown_column', { column: 'file_row_number' }], ['current_user = 1', 'unknown_column', { column: 'current_user' }],
];

test('predicates are expressions over the columns of the table, and nothing else', async (t) => {
  const { ann } = await start(t);
  const check = (where) => ann.post('/api/v2/scan/estimate', { table_id: 'orders', where });
  for (const where of ACCEPTED) {
    const { status, body } = await check(where);
    assert.deepEqual([status, body.estimated_scan_bytes, body.estimated_result_rows, body.bq_cost_estimate_usd], [200, 0, null, 0], `${where}: ${JSON.stringify(body)}`);
    assert.equal((await scan(ann, { where })).status, 200, where);
  }
  for (const [where, kind, details = {}] of REFUSED) {
    const { status, body } = await check(where);
    assert.deepEqual([status, body.detail], [400, { error: 'validator_rejected', kind, details }], where);
    assert.deepEqual(refusal(await scan(ann, { where })), [400, { error: 'validator_rejected', kind, details }], where);
  }
  // What is known and does not work here is told as DuckDB tells it.
  for (const where of ["REGEXP_CONTAINS(country_code, 'C')", "country_code > 5 + INTERVAL 1 DAY", "FORMAT_DATE('%Y', event_date) = '2026'"]) {
    const { status, body } = await check(where);
    assert.equal(status, 400, where);
    assert.match(body.detail, /^Query error: /, where);
  }
  assert.match((await scan(ann, { where: "id = 'no number'" })).body.detail, /^Query error: .*Conversion/);
  assert.equal((await scan(ann, { where: `id = ${'1 + '.repeat(80000)}1` })).status, 413);
  // A comment at the end takes nothing of what follows away.
  assert.equal((await scan(ann, { where: "country_code = 'CZ' --", limit: 2 })).table.numRows, 2);
});

// The attacks on queries: as a predicate, as a column, as an order.
test('what attacks queries gets nowhere in a scan', async (t) => {
  const { server, ann, folder } = await start(t);
  writeFileSync(path.join(folder, 'canary.txt'), 'CANARY');
  const attacks = ['files', 'statements', 'catalog', 'dynamic', 'names', 'side-channels'].flatMap((name) =>
    JSON.parse(readFileSync(path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), 'attacks', `${name}.json`), 'utf8')))
    .map(([, sql]) => sql).filter((sql) => typeof sql === 'string')
    .map((sql) => sql.replaceAll(/\{(canary|json|secret|database)\}/g, path.join(folder, 'canary.txt')).replaceAll('{outside}', folder));
  assert.ok(attacks.length > 200, String(attacks.length));
  const send = async (fields) => {
    const answer = await scan(ann, fields, '?format=csv');
    assert.ok([200, 400, 413].includes(answer.status), `${JSON.stringify(fields)}: ${answer.status} ${answer.text}`);
    assert.doesNotMatch(answer.text, /CANARY/, JSON.stringify(fields));
    return answer.status;
  };
  for (const sql of attacks) {
    const shapes = [{ where: sql }, { where: `id = (${sql})` }, { where: `id = 1; ${sql}` }, { where: `id = 1) UNION ALL (${sql}` }];
    // A few of them are plain expressions or comments: these give rows of this table.
    for (const fields of shapes) await send({ ...fields, select: ['id'], limit: 1 });
    assert.equal(await send({ select: [sql] }), 400, sql);
    assert.equal(await send({ order_by: [sql] }), 400, sql);
  }
  assert.equal((await scan(ann, { limit: 1 })).table.numRows, 1);
  assert.equal(server.child.exitCode, null);
});

test('a sample gives rows as JSON', async (t) => {
  const { ann, admin } = await start(t);
  const { status, body } = await ann.get('/api/v2/sample/kinds');
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(body, {
    table_id: 'kinds', source: '',
    rows: [
      { tiny: 1, huge: 1.7014118346046923e38, float: 1.5, decimal: 12.5, flag: true, text: 'čau "x"', day: '2026-02-03T00:00:00',
        moment: '2026-02-03T04:05:06.700000', at_zone: '2026-02-03T04:05:06+00:00', clock: '04:05:06.500000', span: 5400, bytes: 'qv8=',
        list: [1, null], struct: { k: 'v' }, real: null },
      Object.fromEntries(['tiny', 'huge', 'float', 'decimal', 'flag', 'text', 'day', 'moment', 'at_zone', 'clock', 'span', 'bytes',
        'list', 'struct', 'real'].map((name) => [name, null])),
    ],
  });
  assert.equal((await ann.get('/api/v2/sample/orders')).body.rows.length, 5);
  assert.equal((await ann.get('/api/v2/sample/orders?n=100')).body.rows.length, 100);
  for (const n of ['0', '101', 'x']) assert.equal((await ann.get(`/api/v2/sample/orders?n=${n}`)).status, 422);
  assert.deepEqual(refusal(await ann.get('/api/v2/sample/secrets')), [403, 'not authorized for this table']);
  assert.deepEqual(refusal(await ann.get('/api/v2/sample/nothing')), [403, 'not authorized for this table']);
  assert.deepEqual(refusal(await admin.get('/api/v2/sample/nothing')), [404, "table 'nothing' not found"]);
  assert.equal((await admin.get('/api/v2/sample/secrets')).body.rows[0].who, 'CANARY');
});

test('a table without a grant is refused like one that does not exist', async (t) => {
  const { ann, admin } = await start(t);
  for (const table_id of ['secrets', 'nothing']) {
    assert.deepEqual(refusal(await ann.post('/api/v2/scan', { table_id })), [403, 'not authorized']);
    assert.deepEqual(refusal(await ann.post('/api/v2/scan/estimate', { table_id })), [403, 'not authorized for this table']);
  }
  assert.deepEqual(refusal(await admin.post('/api/v2/scan', { table_id: 'nothing' })), [404, 'table not found']);
  assert.deepEqual(refusal(await admin.post('/api/v2/scan/estimate', { table_id: 'nothing' })), [404, 'table nothing not found']);
  // The field that is wrong is told before, and the same to everybody.
  assert.equal((await ann.post('/api/v2/scan', { table_id: 'secrets', limit: 0 })).status, 400);
});

test('tables that only BigQuery has cannot be scanned yet', async (t) => {
  const folder = temporaryFolder(t);
  await publish(folder, { company: 'SELECT 1 AS id, 2 AS other' });
  const first = await serve(t, folder);
  await first.bootstrap();
  await first.stop();
  await query(`INSERT INTO table_registry (id, name, source_type, bucket, source_table, query_mode) VALUES
    ('web.events', 'events', 'bigquery', 'web', 'events', 'remote'), ('in.c-crm.company', 'company', 'bigquery', '', '', 'materialized')`,
    path.join(folder, 'state/system.duckdb'));
  const server = await serve(t, folder);
  const { body } = await server.client().post('/auth/token', { email: 'admin@example.com', password: 'correct horse' });
  const admin = server.client(body.access_token);
  await untilPublished(admin, ['company']);
  for (const answer of [await admin.get('/api/v2/sample/web.events'), await admin.post('/api/v2/scan', { table_id: 'web.events' }),
    await admin.post('/api/v2/scan/estimate', { table_id: 'web.events' }), await admin.get('/api/v2/schema/web.events')]) {
    assert.equal(answer.status, 500);
    assert.deepEqual([answer.body.detail.error, typeof answer.body.detail.message, typeof answer.body.detail.details.hint],
      ['not_configured', 'string', 'string']);
  }
  // One that has a file here is read from it, by its id or its name, and may be qualified with its id.
  const answer = await scan(admin, { table_id: 'in.c-crm.company', where: '"in.c-crm.company".id = 1' });
  assert.deepEqual([answer.status, answer.table?.numRows], [200, 1]);
  assert.equal((await scan(admin, { table_id: 'company' })).table.numRows, 1);
  assert.equal((await admin.get('/api/v2/sample/in.c-crm.company')).body.source, 'bigquery');
});

const startConfigured = (t, scan, tables = TABLES) => openShop(t, tables, { config: `api: {scan: {${scan}}}\n` });

test('results end at the limit on their bytes, and say so', async (t) => {
  const { admin } = await startConfigured(t, 'max_result_bytes: 200000',
    { big: "SELECT i, md5(i::VARCHAR) AS text FROM range(100000) t(i)" });
  const answer = await scan(admin, { table_id: 'big' });
  assert.equal(answer.status, 200);
  assert.ok(answer.table.numRows > 1000 && answer.table.numRows < 100000 && answer.bytes.length <= 200000, `${answer.table.numRows} ${answer.bytes.length}`);
  assert.deepEqual(column(answer.table, 'i'), Array.from({ length: answer.table.numRows }, (_, i) => i));
  const text = await scan(admin, { table_id: 'big' }, '?format=csv');
  assert.match(text.text, /\n\d+,[0-9a-f]{32}\n$/);
  assert.ok(text.bytes.length >= 200000 && text.bytes.length < 201000, String(text.bytes.length));
  // Where it is not known before the header, it comes after the body.
  const trailers = await new Promise((resolve, reject) => {
    const request = http.request(`${admin.url}/api/v2/scan`, { method: 'POST',
      headers: { authorization: `Bearer ${admin.token}`, 'content-type': 'application/json' } }, (response) => {
      assert.equal(response.headers.trailer, 'X-Agnes-Truncated');
      response.resume().on('end', () => resolve(response.trailers)).on('error', reject);
    });
    request.on('error', reject).end(JSON.stringify({ table_id: 'big' }));
  });
  assert.deepEqual({ ...trailers }, { 'x-agnes-truncated': 'true' });
  assert.equal((await scan(admin, { table_id: 'big', limit: 10 })).headers.get('x-agnes-truncated'), null);
});

test('a result that was cut early says so in its header', async (t) => {
  const { admin } = await startConfigured(t, 'max_result_bytes: 30000',
    { big: "SELECT i, md5(i::VARCHAR) AS text FROM range(100000) t(i)" });
  const { headers, text } = await scan(admin, { table_id: 'big' }, '?format=csv');
  assert.equal(headers.get('x-agnes-truncated'), 'true');
  assert.ok(text.length >= 30000 && text.length < 31000, String(text.length));
  assert.equal((await scan(admin, { table_id: 'big' }, '?format=parquet')).status, 413);
});

test('a user has a number of bytes a day, which a restart does not give anew', async (t) => {
  const { server, admin, folder } = await startConfigured(t, 'max_daily_bytes_per_user: 20000');
  const ann = await admin.addUser('ann@example.com');
  await grant(admin, ann, 'orders');
  assert.equal((await scan(ann, { limit: 1 })).status, 200);
  const { bytes } = await scan(ann, { select: ['id', 'country_code'] });
  assert.ok(bytes.length > 10000, String(bytes.length));
  await until('the quota is used up', async () => (await scan(ann, { select: ['id', 'country_code'] })).status === 429);
  const check = async (client) => {
    const { status, headers, body } = await client.post('/api/v2/scan', { table_id: 'orders' });
    assert.equal(status, 429, JSON.stringify(body));
    const { detail } = body;
    assert.deepEqual([detail.error, detail.kind, detail.limit], ['quota_exceeded', 'daily_bytes', 20000]);
    assert.ok(detail.current >= 20000 && detail.retry_after_seconds > 0 && detail.retry_after_seconds <= 86400, JSON.stringify(detail));
    assert.equal(headers.get('retry-after'), String(detail.retry_after_seconds));
  };
  await check(ann);
  // What is wrong with a scan is told before; samples, estimates and other users are not charged.
  assert.equal((await scan(ann, { where: 'nope = 1' })).status, 400);
  assert.equal((await ann.get('/api/v2/sample/orders')).status, 200);
  assert.equal((await ann.post('/api/v2/scan/estimate', { table_id: 'orders' })).status, 200);
  assert.equal((await scan(admin, { limit: 1 })).status, 200);
  await server.stop();
  const second = await serve(t, folder);
  await check(second.client(ann.token));
  await second.stop();
  // Yesterday's bytes count no more.
  await query("UPDATE scan_usage SET day = '2020-01-01'", path.join(folder, 'state/system.duckdb'));
  const third = await serve(t, folder);
  assert.equal((await scan(third.client(ann.token), { limit: 1 })).status, 200);
});

test('a user has a number of scans at a time', async (t) => {
  const { admin } = await startConfigured(t, 'max_concurrent_per_user: 1',
    { big: "SELECT i, repeat(md5(i::VARCHAR), 10) AS text FROM range(100000) t(i)" });
  const bob = await admin.addUser('bob@example.com');
  await grant(admin, bob, 'big');
  const abort = new AbortController();
  // A reader that reads nothing keeps its scan running.
  const running = await fetch(`${bob.url}/api/v2/scan`, { method: 'POST', signal: abort.signal, body: JSON.stringify({ table_id: 'big' }),
    headers: { authorization: `Bearer ${bob.token}`, 'content-type': 'application/json' } });
  assert.equal(running.status, 200);
  const { status, headers, body } = await bob.post('/api/v2/scan', { table_id: 'big', limit: 1 });
  assert.deepEqual([status, body.detail], [429, { error: 'quota_exceeded', kind: 'concurrent_scans', current: 1, limit: 1, retry_after_seconds: 0 }]);
  assert.ok(headers.get('retry-after'));
  assert.equal((await scan(admin, { table_id: 'big', limit: 1 })).status, 200);
  abort.abort();
  await until('the scan has ended', async () => (await scan(bob, { table_id: 'big', limit: 1 })).status === 200);
  // A scan that is refused counts no more either.
  for (let i = 0; i < 3; i++) assert.equal((await scan(bob, { table_id: 'big', where: 'nope = 1' })).status, 400);
  assert.equal((await scan(bob, { table_id: 'big', limit: 1 })).status, 200);
});

test('scans are audited', async (t) => {
  const { ann, admin } = await start(t);
  await scan(ann, { select: ['id'], limit: 7 });
  await scan(ann, { where: 'nope = 1' });
  const entries = await until('both are written', async () => {
    const { body } = await admin.get('/api/admin/audit?action=scan');
    return body.entries.length === 2 && body.entries;
  });
  const done = entries.find(({ result }) => result === 'ok');
  assert.deepEqual([done.resource, JSON.parse(done.params).rows], ['orders', 7]);
  assert.ok(entries.some(({ result }) => result === 'refused'));
});
