// agnesd check: what is broken in extracts/ and analytics/ is told, and what is whole is not.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { agnesd, temporaryFolder } from './lib/agnesd.mjs';
import { extract, parquet, plain, published, rebuild, run } from './lib/extracts.mjs';

const check = (data) => agnesd(['check', '--data-dir', data], { env: { LOG_LEVEL: 'ERROR' } });

async function shop(t) {
  const data = temporaryFolder(t);
  const folder = await extract(data, 'shop', (at) => plain(at, 'orders', 'SELECT 1 AS one'));
  mkdirSync(path.join(folder, 'data', '.rejects'));
  const rejects = path.join(folder, 'data', '.rejects', 'orders.parquet');
  await run([parquet("SELECT 'line' AS text", rejects)]);
  assert.equal((await rebuild(data)).code, 0);
  const sound = await check(data);
  assert.equal(sound.code, 0, sound.stdout + sound.stderr);
  assert.match(sound.stdout, /^extracts: 1 sources, nothing is broken$/m);
  assert.match(sound.stdout, /^analytics: every view bound, nothing is broken$/m);
  return { data, folder, rejects };
}

async function finds(data, message) {
  const { code, stdout, stderr } = await check(data);
  assert.equal(code, 1, stdout + stderr);
  assert.match(stdout, message);
}

test('an extract that does not open is told', async (t) => {
  const { data, folder } = await shop(t);
  truncateSync(path.join(folder, 'extract.duckdb'), 5000);
  await finds(data, /^ {2}source 'shop', extract\.duckdb: /m);
});

test('half files and unreadable rejects are told', async (t) => {
  const { data, folder, rejects } = await shop(t);
  writeFileSync(path.join(folder, 'extract.duckdb.tmp'), 'half');
  await finds(data, /extract\.duckdb\.tmp is half a file; extract source 'shop' again/);
  rmSync(path.join(folder, 'extract.duckdb.tmp'));
  truncateSync(rejects, 20);
  await finds(data, /source 'shop', [^\n]*\.rejects\/orders\.parquet: /);
});

test('views that do not bind and a database that does not open are told', async (t) => {
  const { data } = await shop(t);
  const file = path.join(data, 'analytics', 'server.duckdb');
  await run(["CREATE VIEW stale AS SELECT * FROM read_parquet('" + published(data, 'shop', 'orders').file + "')",
    'CREATE TABLE gone (i INT)', 'CREATE VIEW lost AS SELECT * FROM gone', 'DROP TABLE gone'], file);
  await finds(data, /^ {2}view 'lost': /m);
  truncateSync(file, 5000);
  await finds(data, /^ {2}server\.duckdb: /m);
  rmSync(file);
  await finds(data, /server\.duckdb is not there; run 'agnesd rebuild'/);
});
