// Queries without a server: a folder of tables as a generation has it, and the pool of workers behind its driver.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { atEnd, query } from './agnesd.mjs';

const BUILD = path.resolve(process.env.AGNES_BUILD ?? 'build');
export const GUARDED = { program: path.join(BUILD, 'agnesd'), argv: ['agnesd', 'query-worker'] };
export const UNGUARDED = {
  program: path.join(BUILD, 'tests/system/drivers/unguarded_worker'), argv: ['unguarded_worker'],
};
export const HOSTILE = {
  program: path.join(BUILD, 'tests/system/drivers/hostile_worker'), argv: ['hostile_worker'],
};
// For tests that would use the machine's memory up where the address space has no limit.
export const NEEDS_LIMITS = { skip: process.env.AGNES_SANITIZE ? 'AddressSanitizer needs all of the address space' : false };

// Writes each table, { name: SQL }, into a new folder; what a query's source says.
export async function writeSource(folder, key, tables, edition = '1') {
  const place = path.join(folder, `${key}-${edition}`);
  mkdirSync(place, { recursive: true });
  for (const [name, sql] of Object.entries(tables)) {
    await query(`COPY (${sql}) TO '${path.join(place, `${name}.parquet`)}' (FORMAT parquet)`);
  }
  return { key, edition, folder: place, tables: Object.keys(tables) };
}

// The driver of the pool, as an object: run(), cancel(), report(), retire(), bench(), stop().
export class Pool {
  constructor(folder, options = {}) {
    this.answers = new Map();
    this.last = 0;
    const pool = { ...GUARDED, temporary: path.join(folder, 'workers'), ...options };
    this.child = spawn(path.join(BUILD, 'tests/system/drivers/query_driver'), [], {
      stdio: ['pipe', 'pipe', options.stderr ?? 'inherit'],
    });
    this.ended = new Promise((resolve) => this.child.on('close', (code, signal) => resolve({ code, signal })));
    this.ended.then((end) => {
      for (const { reject } of this.answers.values()) reject(new Error(`the driver ended: ${JSON.stringify(end)}`));
    });
    readline.createInterface({ input: this.child.stdout }).on('line', (line) => {
      const answer = JSON.parse(line);
      this.answers.get(answer.tag).resolve(answer);
      this.answers.delete(answer.tag);
    });
    this.write({ pool });
  }

  write(message) {
    this.child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  ask(message) {
    const tag = ++this.last;
    const answer = new Promise((resolve, reject) => this.answers.set(tag, { resolve, reject }));
    this.write({ tag, ...message });
    return answer;
  }

  run(source, sql, more = {}) {
    return this.ask({ run: { source, sql, ...more } });
  }

  // The rows of a result in JSON; a failure throws its message.
  async rows(source, sql, more = {}) {
    const answer = await this.run(source, sql, more);
    if (answer.error) throw new Error(`${sql}: ${answer.error.message}`);
    return JSON.parse(answer.text).rows;
  }

  bench(source, sql, more) {
    return this.ask({ bench: { source, sql, ...more } });
  }

  cancel(id, user) {
    return this.ask({ cancel: { id, user } });
  }

  report() {
    return this.ask({ report: true });
  }

  // Lets go of a source; its folder is removed with its last user when it says "remove".
  drop(source) {
    return this.ask({ drop: source });
  }

  retire(key, edition) {
    return this.ask({ retire: { key, edition } });
  }

  stop() {
    this.child.stdin.end();
    return this.ended;
  }
}

// A pool that goes when the test ends, and must have ended well.
export function startPool(t, folder, options) {
  const pool = new Pool(folder, options);
  atEnd(t, async () => {
    const end = await pool.stop();
    if (end.code !== 0) throw new Error(`the driver ended with ${JSON.stringify(end)}`);
  });
  return pool;
}
