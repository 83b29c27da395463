// Hundreds of legitimate queries give the same as plain DuckDB gives: the guard lets them pass, and nothing that is put
// around them changes a value.
// timeout: 900
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { FAMILIES, TABLES } from './lib/analytics.mjs';
import { NEEDS_LIMITS, Pool, writeSource } from './lib/queries.mjs';

// Rows of texts, null for NULL, as DuckDB writes CSV.
function parseCsv(text) {
  const rows = [];
  let row = [];
  for (let i = 0; i < text.length;) {
    let value;
    if (text[i] === '"') {
      value = '';
      for (i++; text[i] !== '"' || text[i + 1] === '"'; i++) {
        if (text[i] === '"') i++;
        value += text[i];
      }
      i++;
    } else {
      let end = i;
      while (text[end] !== ',' && text[end] !== '\n') end++;
      value = end > i ? text.slice(i, end) : null;
      i = end;
    }
    row.push(value);
    if (text[i++] === '\n') {
      rows.push(row);
      row = [];
    }
  }
  return rows;
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'agnes-test-'));
let source;
let pool;
let plain;

before(async () => {
  source = await writeSource(folder, 'analytics', TABLES);
  pool = new Pool(folder, { memory_mb: 200, temporary_mb: 4096, address_space_mb: 3072 });
  plain = await (await DuckDBInstance.create()).connect();
  await plain.run("SET TimeZone = 'UTC'");
  for (const table of source.tables) await plain.run(`CREATE VIEW ${table} AS FROM '${source.folder}/${table}.parquet'`);
});

test.after(async () => {
  if (pool) assert.equal((await pool.stop()).code, 0);
  rmSync(folder, { recursive: true, force: true });
});

async function expectedRows(sql) {
  const reader = await plain.runAndReadAll(sql);
  const count = reader.columnCount;
  if (count === 0) return [];
  const names = Array.from({ length: count }, (_, i) => `c${i}`);
  const texts = await plain.runAndReadAll(`SELECT ${names.map((name) => `${name}::VARCHAR`).join(', ')} FROM (${sql}\n) q(${names.join(', ')})`);
  return texts.getRows();
}

test('there are at least 300 queries', () => {
  assert.ok(Object.values(FAMILIES).flat().length >= 300, String(Object.values(FAMILIES).flat().length));
});

for (const [family, statements] of Object.entries(FAMILIES)) {
  test(`${family}: ${statements.length} queries`, family === 'spilling' ? NEEDS_LIMITS : {}, async () => {
    for (const sql of statements) {
      const answer = await pool.run(source, sql, { format: 'csv', unlimited: true, milliseconds: 240000, cpu_seconds: 600 });
      assert.equal(answer.error, undefined, `${sql}: ${answer.error?.message}`);
      const [, ...rows] = parseCsv(answer.text);
      const expected = await expectedRows(sql);
      assert.equal(rows.length, answer.summary.rows);
      // Rows that tie may come in any order.
      const sorted = (list) => list.map((row) => JSON.stringify(row)).sort();
      assert.deepEqual(sorted(rows), sorted(expected), sql);
      if (/ORDER BY ALL$/.test(sql)) assert.deepEqual(rows, expected, sql);
    }
  });
}
