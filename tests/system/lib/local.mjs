// What the tests of the local connector share.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { agnesd, query, temporaryFolder } from './agnesd.mjs';

// A data directory with files in its inbox, which go by their path: { 'orders.csv': 'id\n1\n' }.
export function dataFolder(t, files = {}) {
  const folder = temporaryFolder(t);
  addFiles(folder, files);
  return folder;
}

export function addFiles(folder, files) {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, 'inbox', name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}

// Rows by their name alone stand for the file of that name.
export function rowsOf(...rows) {
  return rows.map((row) => (typeof row === 'string' ? { name: row } : row));
}

// Runs agnesd extract local; beside code and texts: the last line as result, the others as events.
export async function extractLocal(folder, rows, config, options = {}) {
  const input = JSON.stringify({ rows: rowsOf(...rows), ...(config ? { config } : {}) });
  const run = await agnesd(['extract', 'local', '--data-dir', folder], { input, ...options });
  const lines = run.stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  return { ...run, result: lines.pop(), events: lines };
}

export const extractFile = (folder, source = 'local') => path.join(folder, 'extracts', source, 'extract.duckdb');
export const rejectsFile = (folder, table) => path.join(folder, `extracts/local/data/.rejects/${table}.parquet`);

// The rows of a table as an independent DuckDB sees them through extract.duckdb alone.
export function readTable(folder, table, { columns = '*', rest = 'ORDER BY ALL', source = 'local' } = {}) {
  return query(`SELECT ${columns} FROM "${table}" ${rest}`, extractFile(folder, source), { access_mode: 'READ_ONLY' });
}

export function describeTable(folder, table) {
  return query(`SELECT column_name AS name, column_type AS type FROM (DESCRIBE "${table}")`, extractFile(folder),
    { access_mode: 'READ_ONLY' }).then((rows) => Object.fromEntries(rows.map(({ name, type }) => [name, type])));
}

export const meta = (folder, source = 'local') =>
  query('FROM _meta ORDER BY table_name', extractFile(folder, source), { access_mode: 'READ_ONLY' });

// What a run leaves in the source's folder, but for what it remembers of the files that it read.
export const leftIn = (folder) =>
  readdirSync(path.join(folder, 'extracts/local')).filter((name) => name !== '.marks.json').sort();
