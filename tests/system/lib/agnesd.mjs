// What system tests share: a folder of their own, agnesd as a process, DuckDB as an independent reader.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';

export const AGNESD = path.join(process.env.AGNES_BUILD ?? 'build', 'agnesd');

const endings = new WeakMap();

// Does `end` when the test ends, the last that was asked for first: a server stops before its folder
// goes. The hooks of `t.after` run the other way round, and after the first that fails no more run.
export function atEnd(t, end) {
  if (!endings.has(t)) {
    const all = [];
    endings.set(t, all);
    t.after(async () => {
      const failures = [];
      while (all.length > 0) await Promise.resolve().then(all.pop()).catch((error) => failures.push(error));
      if (failures.length > 0) throw failures[0];
    });
  }
  endings.get(t).push(end);
}

// A new folder that goes when the test ends.
export function temporaryFolder(t) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'agnes-test-'));
  atEnd(t, () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
  return folder;
}

// Collects the output of a child until it ends.
export function collect(child) {
  return new Promise((resolve, reject) => {
    const result = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text) => { result.stdout += text; });
    child.stderr.setEncoding('utf8').on('data', (text) => { result.stderr += text; });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ ...result, code, signal }));
  });
}

// Runs agnesd to its end: { code, signal, stdout, stderr }. `prefix` runs it by another program.
export function agnesd(args, { input = '', env = {}, prefix = [] } = {}) {
  const [program, ...rest] = [...prefix, AGNESD, ...args];
  const child = spawn(program, rest, { env: { ...process.env, ...env } });
  child.stdin.on('error', () => {}); // it may end before it has read everything
  child.stdin.end(input);
  return collect(child);
}

// A process that ended stays as a zombie where nobody takes in orphans, as in many containers.
export function isAlive(pid) {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

// The rows of a query in a DuckDB that has nothing to do with ours.
export async function query(sql, database = ':memory:', options = {}) {
  const instance = await DuckDBInstance.create(database, options);
  const connection = await instance.connect();
  try {
    const reader = await connection.runAndReadAll(sql);
    return reader.getRowObjectsJson();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
