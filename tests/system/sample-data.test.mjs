// agnesd sample-data: the tables of the invented shop, whole, related and always the same.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { parquetMetadata } from 'hyparquet';
import { agnesd, query, temporaryFolder } from './lib/agnesd.mjs';

const TABLES = {
  customers: 'customer_id,email,first_name,last_name,company,country,city,segment,registration_date,is_active',
  products: 'product_id,sku,name,category,price,cost,weight_kg,is_active,created_at',
  campaigns: 'campaign_id,name,channel,status,budget,spend,impressions,clicks,start_date,end_date,target_segment',
  web_sessions: 'session_id,visitor_id,customer_id,campaign_id,started_at,duration_seconds,pages_viewed,' +
    'device_type,browser,country,landing_page,is_bounce',
  web_leads: 'lead_id,customer_id,email,source,campaign_id,created_at,status,converted_at',
  orders: 'order_id,customer_id,created_at,status,items_total,discount_amount,shipping_amount,total_amount,channel',
  order_items: 'order_item_id,order_id,product_id,quantity,unit_price,discount_percent,line_total',
  payments: 'payment_id,order_id,customer_id,amount,currency,method,status,created_at,completed_at',
  support_tickets: 'ticket_id,customer_id,order_id,category,priority,status,channel,subject,created_at,' +
    'first_response_at,resolved_at,satisfaction_score',
};

async function generate(folder, ...args) {
  const result = await agnesd(['sample-data', folder, ...args]);
  assert.equal(result.code, 0, result.stderr);
  return JSON.parse(readFileSync(path.join(folder, '_manifest.json'), 'utf8'));
}

function digests(folder) {
  return Object.fromEntries(readdirSync(folder).filter((name) => name.endsWith('.csv')).map((name) =>
    [name, createHash('sha256').update(readFileSync(path.join(folder, name))).digest('hex')]));
}

// Queries over the CSV files of a folder, which are views named as the tables.
function over(folder, sql) {
  const views = Object.keys(TABLES).map((name) =>
    `CREATE VIEW ${name} AS FROM read_csv('${folder}/${name}.csv', header = true, delim = ',', quote = '"');`);
  return query(views.join('\n') + sql);
}

test('the files have the columns, row counts and line ends that are promised', async (t) => {
  const folder = temporaryFolder(t);
  const manifest = await generate(folder, '--size', 'small');
  const counts = { customers: 500, products: 100, campaigns: 30, web_sessions: 10000, web_leads: 1000, orders: 2000,
    support_tickets: 500 };
  for (const [table, rows] of Object.entries(counts)) assert.equal(manifest.tables[table], rows, table);
  assert.ok(manifest.tables.order_items > manifest.tables.orders);
  assert.ok(manifest.tables.payments >= manifest.tables.orders);
  assert.deepEqual(manifest.date_range, { start: '2025-03-06', end: '2026-03-01' });
  assert.equal(manifest.seed, 42);
  assert.equal(manifest.total_rows, Object.values(manifest.tables).reduce((a, b) => a + b));
  for (const [table, columns] of Object.entries(TABLES)) {
    const text = readFileSync(path.join(folder, `${table}.csv`), 'utf8');
    assert.equal(text.slice(0, text.indexOf('\n') + 1), `${columns}\r\n`);
    assert.equal(text.split('\r\n').length, manifest.tables[table] + 2, table);
  }
});

test('every reference points to a row that exists', async (t) => {
  const folder = temporaryFolder(t);
  await generate(folder, '--size', 'small', '--seed', '5');
  const references = [
    ['web_sessions', 'customer_id', 'customers'], ['web_sessions', 'campaign_id', 'campaigns'],
    ['web_leads', 'customer_id', 'customers'], ['web_leads', 'campaign_id', 'campaigns'],
    ['orders', 'customer_id', 'customers'], ['order_items', 'order_id', 'orders'],
    ['order_items', 'product_id', 'products'], ['payments', 'order_id', 'orders'],
    ['payments', 'customer_id', 'customers'], ['support_tickets', 'customer_id', 'customers'],
    ['support_tickets', 'order_id', 'orders'],
  ];
  const checks = references.map(([from, column, to]) => `SELECT '${from}.${column}' AS what, ` +
    `count(*) FILTER (p.${column} IS NULL) AS lost, count(*) AS filled ` +
    `FROM ${from} f LEFT JOIN ${to} p USING (${column}) WHERE f.${column} IS NOT NULL`);
  for (const row of await over(folder, checks.join(' UNION ALL '))) {
    assert.equal(row.lost, '0', row.what);
    assert.notEqual(row.filled, '0', row.what);
  }
  const keys = Object.entries(TABLES).map(([table, columns]) => [table, columns.split(',')[0]]);
  const doubles = keys.map(([table, key]) =>
    `SELECT '${table}' AS what, count(*) - count(DISTINCT ${key}) AS doubles FROM ${table}`);
  for (const row of await over(folder, doubles.join(' UNION ALL '))) assert.equal(row.doubles, '0', row.what);
});

test('amounts add up and events come in order', async (t) => {
  const folder = temporaryFolder(t);
  await generate(folder, '--size', 'small');
  const [wrong] = await over(folder, `SELECT
    (SELECT count(*) FROM orders JOIN (SELECT order_id, sum(line_total) AS lines FROM order_items GROUP BY ALL)
      USING (order_id) WHERE abs(lines - items_total) > 0.001) AS items,
    (SELECT count(*) FROM orders WHERE abs(items_total - discount_amount + shipping_amount - total_amount) > 0.001)
      AS totals,
    (SELECT count(*) FROM order_items JOIN products USING (product_id) WHERE unit_price <> price) AS prices,
    (SELECT count(*) FROM orders o JOIN payments p USING (order_id) WHERE amount <> total_amount
      OR p.customer_id <> o.customer_id OR p.created_at < o.created_at) AS payments,
    (SELECT count(*) FROM orders JOIN customers USING (customer_id) WHERE created_at < registration_date) AS early,
    (SELECT count(*) FROM web_sessions JOIN campaigns USING (campaign_id)
      WHERE started_at::DATE NOT BETWEEN start_date AND end_date) AS campaigns,
    (SELECT count(*) FROM support_tickets t JOIN orders o USING (order_id) WHERE t.customer_id <> o.customer_id
      OR t.created_at < o.created_at OR resolved_at < first_response_at) AS tickets,
    (SELECT count(*) FROM customers WHERE (segment = 'b2c') <> (company IS NULL)) AS companies`);
  for (const [what, count] of Object.entries(wrong)) assert.equal(count, '0', what);
});

test('shares are near what they should be, and trade has its seasons', async (t) => {
  const folder = temporaryFolder(t);
  await generate(folder, '--size', 'medium');
  const [share] = await over(folder, `SELECT
    (SELECT avg((segment = 'b2c')::INT) FROM customers) AS b2c, (SELECT avg(is_active) FROM customers) AS active,
    (SELECT avg((status = 'delivered')::INT) FROM orders) AS delivered,
    (SELECT avg((customer_id IS NOT NULL)::INT) FROM web_sessions) AS known,
    (SELECT avg(is_bounce) FROM web_sessions) AS bounce,
    (SELECT avg((order_id IS NOT NULL)::INT) FROM support_tickets) AS about_order,
    (SELECT avg((browser = 'Chrome')::INT) FROM web_sessions) AS chrome,
    (SELECT count(*) FILTER (month(started_at) = 12) / count(*) FILTER (month(started_at) = 2) FROM web_sessions)
      AS season,
    (SELECT sum(n) FILTER (place <= 500) / sum(n) FROM (SELECT count(*) AS n, row_number() OVER (ORDER BY n DESC)
      AS place FROM orders GROUP BY customer_id)) AS pareto`);
  const near = (what, wanted, tolerance) => assert.ok(Math.abs(share[what] - wanted) <= tolerance,
    `${what} is ${share[what]}, not ${wanted}`);
  near('b2c', 0.60, 0.03);
  near('active', 0.85, 0.03);
  near('delivered', 0.58, 0.02);
  near('known', 0.40, 0.02);
  near('bounce', 0.35, 0.02);
  near('about_order', 0.60, 0.03);
  near('chrome', 0.64, 0.02);
  near('season', 1.5 / 0.75, 0.5);
  near('pareto', 0.60, 0.15); // the best tenth of the customers
});

test('a seed gives the same bytes on one core and on all, another seed gives others', async (t) => {
  const folder = temporaryFolder(t);
  const [one, all, other] = ['one', 'all', 'other'].map((name) => path.join(folder, name));
  const result = await agnesd(['sample-data', one, '--size', 'medium', '--seed', '7'], { prefix: ['taskset', '-c', '0'] });
  assert.equal(result.code, 0, result.stderr);
  await generate(all, '--size', 'medium', '--seed', '7');
  await generate(other, '--size', 'medium', '--seed', '8');
  assert.deepEqual(digests(one), digests(all));
  const [first, second] = [digests(all), digests(other)];
  for (const name of Object.keys(first)) assert.notEqual(first[name], second[name], name);
});

test('parquet holds the same rows with the types that the CSV suggests', async (t) => {
  const folder = temporaryFolder(t);
  const manifest = await generate(folder, '--size', 'xs', '--format', 'both');
  for (const table of Object.keys(TABLES)) {
    const file = path.join(folder, 'parquet', `${table}.parquet`);
    const bytes = readFileSync(file);
    const metadata = parquetMetadata(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    assert.equal(Number(metadata.num_rows), manifest.tables[table], table);
    assert.equal(metadata.row_groups[0].columns[0].meta_data.codec, 'ZSTD');
    const [{ differing }] = await query(`SELECT count(*) AS differing FROM (
      (FROM '${file}' EXCEPT ALL FROM '${folder}/${table}.csv') UNION ALL
      (FROM '${folder}/${table}.csv' EXCEPT ALL FROM '${file}'))`);
    assert.equal(differing, '0', table);
  }
  const types = await query(`SELECT column_name AS name, column_type AS type FROM (DESCRIBE FROM
    '${folder}/parquet/orders.parquet')`);
  assert.equal(types.find(({ name }) => name === 'created_at').type, 'TIMESTAMP');
  assert.equal(types.find(({ name }) => name === 'total_amount').type, 'DOUBLE');
  const alone = path.join(folder, 'alone');
  await generate(alone, '--size', 'xs', '--format', 'parquet');
  assert.ok(existsSync(path.join(alone, 'orders.parquet')));
  assert.ok(!existsSync(path.join(alone, 'orders.csv')));
});

test('what it cannot do it says, with the exit code for it', async (t) => {
  const folder = temporaryFolder(t);
  for (const args of [['--size', 'huge'], ['--format', 'xml'], ['--seed', 'x']]) {
    const result = await agnesd(['sample-data', folder, ...args]);
    assert.equal(result.code, 2, args.join(' '));
    assert.match(result.stderr, new RegExp(args[1]));
  }
  const result = await agnesd(['sample-data', '/proc/nowhere', '--size', 'xs']);
  assert.equal(result.code, 1);
  assert.match(result.stderr, /\/proc\/nowhere/);
  const sizes = await agnesd(['sample-data', '--list-sizes']);
  assert.match(sizes.stdout, /large/);
});
