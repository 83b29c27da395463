// State databases of every age, made and read by a DuckDB that has nothing to do with ours.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { DuckDBInstance } from '@duckdb/node-api';
import { atEnd, query } from './agnesd.mjs';

const FIXTURES = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname),
  '../../fixtures/state');

export const statePath = (dataDir) => path.join(dataDir, 'state/system.duckdb');

// Runs statements in a database file, which is made if it is missing.
export async function execute(file, ...statements) {
  const instance = await DuckDBInstance.create(file);
  const connection = await instance.connect();
  try {
    await connection.run("SET TimeZone = 'UTC'");
    for (const sql of statements) await connection.run(sql);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

// The state of `version` in dataDir, by the layers of tests/fixtures/state/; then more SQL.
export async function makeState(dataDir, version, ...more) {
  mkdirSync(path.join(dataDir, 'state'), { recursive: true });
  const layers = [];
  for (let i = 1; i <= version; i++) {
    layers.push(readFileSync(path.join(FIXTURES, `v${String(i).padStart(2, '0')}.sql`), 'utf8'));
  }
  await execute(statePath(dataDir), ...layers, ...more);
}

export const readOnly = (sql, file) => query(sql, file, { access_mode: 'READ_ONLY' });

// Tables, columns and keys, in an order that does not depend on history.
export async function shapeOf(file) {
  const columns = await readOnly(
    `SELECT table_name || '.' || column_name || ' ' || data_type || coalesce(' ' || column_default, '') AS text
     FROM duckdb_columns() WHERE NOT internal ORDER BY text`, file);
  const keys = await readOnly(
    `SELECT table_name || ': ' || constraint_text AS text FROM duckdb_constraints()
     WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY') ORDER BY text`, file);
  return [...columns, ...keys].map((row) => row.text);
}

// The driver state_shell over a state: tell() a command, get its answer.
export class StateShell {
  constructor(dataDir) {
    const program = path.join(process.env.AGNES_BUILD ?? 'build', 'tests/system/drivers/state_shell');
    this.child = spawn(program, [dataDir], { stdio: ['pipe', 'pipe', 'ignore'] });
    this.child.stdin.on('error', () => {});
    this.ended = new Promise((resolve) => { this.child.on('close', resolve); });
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  async next() {
    const { value, done } = await this.lines.next();
    if (done) throw new Error('state_shell ended');
    const [, word, result, message] = /^(ok|error) (\S+) ?(.*)$/.exec(value);
    return word === 'ok' ? { ok: Number(result) } : { code: result, message };
  }

  tell(command) {
    this.child.stdin.write(`${command}\n`);
    return this.next();
  }

  async close() {
    this.child.stdin.end();
    await this.ended;
  }
}

// A running one, which goes with the test.
export async function startShell(t, dataDir) {
  const shell = new StateShell(dataDir);
  atEnd(t, () => shell.child.kill('SIGKILL'));
  const opened = await shell.next();
  if (opened.code !== undefined) throw new Error(opened.message);
  return shell;
}
