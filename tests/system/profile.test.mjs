// agnesd profile: what it says of a table beside what DuckDB's Node API computes from the same file.
import assert from 'node:assert/strict';
import { chmodSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { DuckDBInstance } from '@duckdb/node-api';
import { agnesd, query, temporaryFolder } from './lib/agnesd.mjs';
import { extract, parquet, plain, published, rebuild, run, state } from './lib/extracts.mjs';

const profile = (data, ...args) => agnesd(['profile', '--data-dir', data, ...args], { env: { LOG_LEVEL: 'ERROR' } });

async function profiled(data, ...args) {
  const result = await profile(data, ...args, '--json');
  assert.equal(result.code, 0, result.stderr);
  return JSON.parse(result.stdout);
}

const round = (value) => (Number.isFinite(value) ? Math.round(value * 100) / 100 : null);
const share = (part, whole) => (whole > 0 ? round((100 * part) / whole) : 0);
const near = (actual, expected, what) =>
  assert.ok(Math.abs(actual - expected) <= 0.0101, `${what}: ${actual} is not ${expected}`);

function quantile(sorted, q) {
  const at = q * (sorted.length - 1);
  const low = sorted[Math.floor(at)];
  return low + (sorted[Math.ceil(at)] - low) * (at - Math.floor(at));
}

// Statistics of numbers, the long way.
function checkNumbers(stats, values, what) {
  const sorted = [...values].sort((a, b) => a - b);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  near(stats.min, sorted[0], `${what} min`);
  near(stats.max, sorted.at(-1), `${what} max`);
  near(stats.mean, mean, `${what} mean`);
  near(stats.stddev, Math.sqrt(squares / (values.length - 1)), `${what} stddev`);
  for (const [key, q] of [['p5', 0.05], ['p25', 0.25], ['median', 0.5], ['p75', 0.75], ['p95', 0.95]]) {
    near(stats[key], quantile(sorted, q), `${what} ${key}`);
  }
  assert.equal(stats.zeros, values.filter((value) => value === 0).length, `${what} zeros`);
  assert.equal(stats.negative, values.filter((value) => value < 0).length, `${what} negative`);
  assert.equal(stats.zeros_pct, share(stats.zeros, values.length), `${what} zeros_pct`);
  const width = (sorted.at(-1) - sorted[0]) / 15;
  if (width === 0) {
    assert.deepEqual(stats.histogram, { bins: [], counts: [] }, what);
    return;
  }
  const counts = Array(15).fill(0);
  for (const value of values) counts[Math.min(14, Math.floor((value - sorted[0]) / width))] += 1;
  assert.equal(stats.histogram.bins.length, 15, what);
  assert.deepEqual(stats.histogram.counts, counts, `${what} histogram`);
}

function checkText(stats, values, what) {
  const lengths = values.map((value) => [...value].length);
  assert.equal(stats.min_length, Math.min(...lengths), what);
  assert.equal(stats.max_length, Math.max(...lengths), what);
  near(stats.avg_length, lengths.reduce((a, b) => a + b, 0) / lengths.length, `${what} avg_length`);
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const expected = counts.size <= 50
    ? [...counts].map(([value, count]) => ({ value, count, pct: share(count, values.length) }))
      .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1)).slice(0, 10)
    : [];
  assert.deepEqual(stats.top_values, expected, what);
}

function checkDates(stats, values, what) {
  const days = values.map((value) => value.slice(0, 10)).sort();
  const quarters = new Map();
  for (const day of days) {
    const quarter = `${day.slice(0, 4)}-Q${Math.ceil(Number(day.slice(5, 7)) / 3)}`;
    quarters.set(quarter, (quarters.get(quarter) ?? 0) + 1);
  }
  assert.deepEqual(stats, {
    earliest: days[0],
    latest: days.at(-1),
    span_days: (Date.parse(days.at(-1)) - Date.parse(days[0])) / 86400000,
    histogram: { bins: [...quarters.keys()], counts: [...quarters.values()] },
  }, what);
}

// Everything of one column, from its values as text.
function checkColumn(column, cells) {
  const filled = cells.filter((cell) => cell !== null);
  const distinct = new Set(filled);
  assert.equal(column.null_count, cells.length - filled.length, column.name);
  assert.equal(column.completeness_pct, share(filled.length, cells.length), column.name);
  assert.equal(column.unique_count, distinct.size, column.name);
  assert.equal(column.unique_pct, share(distinct.size, filled.length), column.name);
  assert.equal(column.sample_values.length, Math.min(5, distinct.size), column.name);
  for (const value of column.sample_values) assert.ok(distinct.has(value), `${column.name}: ${value}`);
  if (filled.length === 0) return;
  if (column.type_category === 'NUMERIC') checkNumbers(column.numeric_stats, filled.map(Number), column.name);
  else if (column.type_category === 'STRING') checkText(column.string_stats, filled, column.name);
  else checkDates(column.date_stats, filled, column.name);
}

async function checkFile(data, file) {
  const seen = await profiled(data, file);
  const columns = await query(`SELECT column_name AS name, column_type AS type FROM (DESCRIBE FROM '${file}')`);
  assert.deepEqual(seen.columns.map(({ name, type }) => ({ name, type })), columns);
  const rows = await query(`SELECT ${columns.map(({ name }) => `"${name}"::VARCHAR AS "${name}"`)} FROM '${file}'`);
  for (const column of seen.columns) checkColumn(column, rows.map((row) => row[column.name]));
  const missing = seen.columns.reduce((sum, column) => sum + column.null_count, 0);
  const complete = seen.columns.reduce((sum, column) => sum + column.completeness_pct, 0) / columns.length;
  assert.equal(seen.row_count, rows.length);
  assert.equal(seen.column_count, columns.length);
  assert.equal(seen.missing_cells, missing);
  assert.equal(seen.missing_cells_pct, share(missing, rows.length * columns.length));
  near(seen.avg_completeness, complete, 'avg_completeness');
  assert.equal(seen.file_size_mb, round(statSync(file).size / 1048576));
  assert.deepEqual(seen.sample_rows, rows.slice(0, 5));
}

test('the profiles of the sample tables say what is in the files', async (t) => {
  const folder = temporaryFolder(t);
  assert.equal((await agnesd(['sample-data', folder, '--size', 'xs', '--format', 'parquet'])).code, 0);
  for (const table of ['customers', 'products', 'campaigns', 'web_sessions', 'orders', 'support_tickets', 'payments']) {
    await checkFile(folder, path.join(folder, `${table}.parquet`));
  }
});

test('numbers are written as short as they are', async (t) => {
  const folder = temporaryFolder(t);
  const file = path.join(folder, 'n.parquet');
  await run([parquet("SELECT unnest([0.1, 0.2, 12.37])::DECIMAL(9, 2) AS d, unnest([0.1, 0.7, 3])::FLOAT AS f", file)]);
  const { stdout } = await profile(folder, file, '--json');
  assert.doesNotMatch(stdout, /\d\.\d{3}/);
  assert.match(stdout, /"min":0\.1,"max":12\.37,/);
});

test('a published table is profiled and stored, with what the registry and the metrics know', async (t) => {
  const data = temporaryFolder(t);
  await extract(data, 'shop', (folder) =>
    plain(folder, 'orders', "SELECT i % 90 AS id, i % 3 AS shop, DATE '2024-01-01' AS day FROM range(100) t(i)"));
  assert.equal((await rebuild(data)).code, 0);
  await run([`INSERT INTO table_registry (id, name, source_type, description, primary_key, sync_strategy)
    VALUES ('x.orders', 'orders', 'local', 'What was sold', '["id","shop"]', 'incremental')`],
  path.join(data, 'state/system.duckdb'));
  writeFileSync(path.join(data, 'm.yml'), '{name: sold, category: sales, tables: [orders]}');
  assert.equal((await agnesd(['metrics', 'import', path.join(data, 'm.yml'), '--data-dir', data])).code, 0);
  const seen = await profiled(data, 'ORDERS');
  assert.equal(seen.table_id, 'orders');
  assert.equal(seen.description, 'What was sold');
  assert.equal(seen.primary_key, 'id,shop');
  assert.equal(seen.sync_strategy, 'incremental');
  assert.equal(seen.duplicate_rows, 10);
  assert.deepEqual(seen.columns.map((column) => column.is_primary_key), [true, true, false]);
  assert.deepEqual(seen.used_by_metrics, [{ name: 'sold', file: 'sales/sold.yml' }]);
  const [stored] = await state(data, 'SELECT table_id, profile, profiled_at IS NOT NULL AS timed FROM table_profiles');
  assert.equal(stored.table_id, 'orders');
  assert.equal(stored.timed, true);
  assert.deepEqual(JSON.parse(stored.profile), seen);
});

test('while another process holds the state, the profile is shown and not stored', async (t) => {
  const data = temporaryFolder(t);
  await extract(data, 'shop', (folder) => plain(folder, 'orders', 'SELECT i AS id FROM range(10) t(i)'));
  assert.equal((await rebuild(data)).code, 0);
  const holder = await DuckDBInstance.create(path.join(data, 'state/system.duckdb'));
  let result;
  try {
    result = await profile(data, 'orders');
  } finally {
    holder.closeSync();
  }
  assert.equal(result.code, 0, result.stderr);
  assert.match(result.stdout, /^orders: 10 rows, 1 columns, 100\.00% complete, 0 duplicates\n/);
  assert.match(result.stderr, /not stored/);
  assert.deepEqual(await state(data, 'SELECT count(*)::INT AS n FROM table_profiles'), [{ n: 0 }]);
});

test('a large table is sampled as configured, and whole with --exact', async (t) => {
  const folder = temporaryFolder(t);
  const file = path.join(folder, 'big.parquet');
  await run([parquet("SELECT i AS id, 'k' || (i % 5) AS k FROM range(20000) t(i)", file)]);
  writeFileSync(path.join(folder, 'instance.yaml'), 'profiler:\n  sample_size: 1000\n  histogram_bins: 4\n');
  const env = { CONFIG_DIR: folder, LOG_LEVEL: 'ERROR' };
  const measure = async (...args) => JSON.parse(
    (await agnesd(['profile', file, '--json', '--data-dir', folder, ...args], { env })).stdout);
  const sampled = await measure();
  assert.deepEqual([sampled.sampled, sampled.row_count, sampled.columns[0].unique_count], [true, 20000, 1000]);
  assert.equal(sampled.columns[0].numeric_stats.histogram.counts.length, 4);
  assert.equal(sampled.columns[1].unique_count, 5);
  assert.deepEqual((await measure()).columns[0].numeric_stats, sampled.columns[0].numeric_stats, 'the same rows again');
  const whole = await measure('--exact');
  assert.deepEqual([whole.sampled, whole.columns[0].unique_count], [false, 20000]);
  assert.deepEqual(whole.columns[0].numeric_stats.histogram.counts, [5000, 5000, 5000, 5000]);
});

test('what cannot be profiled is said, and nothing is stored', async (t) => {
  const data = temporaryFolder(t);
  await extract(data, 'shop', (folder) => plain(folder, 'orders', 'SELECT i AS id, random() AS r FROM range(9999) t(i)'));
  assert.equal((await rebuild(data)).code, 0);
  const absent = await profile(data, 'nobody');
  assert.equal(absent.code, 1);
  assert.match(absent.stderr, /no table 'nobody' is published/);
  assert.equal((await profile(data, "or'ders")).code, 2);
  assert.equal((await profile(data, '/nonexistent/x.parquet')).code, 1);
  const { file } = published(data, 'shop', 'orders');
  chmodSync(file, 0o600);
  truncateSync(file, Math.floor(statSync(file).size / 2));
  const broken = await profile(data, 'orders');
  assert.equal(broken.code, 1);
  assert.match(broken.stderr, /orders/);
  assert.deepEqual(await state(data, 'SELECT count(*)::INT AS n FROM table_profiles'), [{ n: 0 }]);
});
