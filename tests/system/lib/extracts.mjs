// Extracts as other tools make them: written by DuckDB's own Node API, never by our code.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { agnesd, query } from './agnesd.mjs';

export const META = `CREATE TABLE _meta (table_name VARCHAR NOT NULL, description VARCHAR, rows BIGINT,
  size_bytes BIGINT, extracted_at TIMESTAMP, query_mode VARCHAR DEFAULT 'local')`;

// The _meta row of a table.
export const described = (name, mode = 'local') =>
  `INSERT INTO _meta VALUES ('${name}', 'about ${name}', 1, 1, TIMESTAMP '2024-05-06 07:08:09', '${mode}')`;

export const parquet = (select, file) => `COPY (${select}) TO '${file}' (FORMAT parquet)`;

// A database in `file` (":memory:" for none) on which the statements run one after the other.
export async function run(statements, file = ':memory:') {
  const instance = await DuckDBInstance.create(file);
  const connection = await instance.connect();
  try {
    for (const statement of statements) await connection.run(statement);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

export const folderOf = (data, source) => path.join(data, 'extracts', source);

// extracts/<source>/ with an extract.duckdb in which _meta exists; `statements` is a list or makes one.
export async function extract(data, source, statements) {
  const folder = folderOf(data, source);
  mkdirSync(path.join(folder, 'data'), { recursive: true });
  const list = typeof statements === 'function' ? statements(folder) : statements;
  await run([META, ...list], path.join(folder, 'extract.duckdb'));
  return folder;
}

// The most common table: one parquet file with a view over it.
export const plain = (folder, name, select) => [
  parquet(select, `${folder}/data/${name}.parquet`),
  `CREATE VIEW "${name}" AS SELECT * FROM read_parquet('${folder}/data/${name}.parquet')`,
  described(name),
];

export const rebuild = (data, ...args) =>
  agnesd(['rebuild', '--data-dir', data, ...args], { env: { LOG_LEVEL: 'ERROR' } });

export const analytics = (data, sql) =>
  query(sql, path.join(data, 'analytics', 'server.duckdb'), { access_mode: 'READ_ONLY' });

export const state = (data, sql) =>
  query(sql, path.join(data, 'state', 'system.duckdb'), { access_mode: 'READ_ONLY' });

export const md5 = (file) => createHash('md5').update(readFileSync(file)).digest('hex');

export const index = (data, source) =>
  JSON.parse(readFileSync(path.join(data, 'published', source, 'index.json'), 'utf8'));

// The published file of a table: { file, inode, table }.
export function published(data, source, name) {
  const table = index(data, source).tables.find((entry) => entry.name === name);
  if (!table) return undefined;
  const file = path.join(data, 'published', source, table.file);
  return { file, inode: statSync(file).ino, table };
}

// Names of the parquet files in published/<source>/.
export function publishedFiles(data, source) {
  const folder = path.join(data, 'published', source);
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.parquet')).sort() : [];
}
