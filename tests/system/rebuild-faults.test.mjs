// agnesd rebuild when the machine misbehaves: killed, run twice, out of disk, its files damaged.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { AGNESD, agnesd, collect, temporaryFolder } from './lib/agnesd.mjs';
import {
  analytics, described, extract, folderOf, index, md5, parquet, plain, published, publishedFiles, rebuild, run, state,
} from './lib/extracts.mjs';
import { serve } from './lib/server.mjs';

const TABLES = 12;
const names = Array.from({ length: TABLES }, (_, i) => `t${i}`);
const check = (data, ...args) => agnesd(['check', '--data-dir', data, ...args], { env: { LOG_LEVEL: 'ERROR' } });

// Every table of the source holds its version in each row; a third is a single file, a third several, a third inside.
const version = (folder, name, i, v) => {
  if (i % 3 === 0) return [parquet(`SELECT ${v} AS version, i FROM range(3000) r(i)`, `${folder}/data/${name}.parquet`)];
  if (i % 3 === 2) return [`CREATE OR REPLACE TABLE ${name} AS SELECT ${v} AS version, i FROM range(3000) r(i)`];
  return [1, 2].map((part) =>
    parquet(`SELECT ${v} AS version, i FROM range(1500) r(i)`, `${folder}/data/${name}/${part}.parquet`));
};

const view = (folder, name, i) => {
  if (i % 3 === 0) return [`CREATE VIEW ${name} AS SELECT * FROM read_parquet('${folder}/data/${name}.parquet')`];
  if (i % 3 === 2) return [];
  return [`CREATE VIEW ${name} AS SELECT * FROM read_parquet('${folder}/data/${name}/*.parquet', union_by_name=true)`];
};

const make = (data) => extract(data, 'shop', (folder) => names.flatMap((name, i) => {
  mkdirSync(path.join(folder, 'data', name), { recursive: true });
  return [...version(folder, name, i, 1), ...view(folder, name, i), described(name)];
}));

const change = (data, v) => run(names.flatMap((name, i) => version(folderOf(data, 'shop'), name, i, v)),
  path.join(folderOf(data, 'shop'), 'extract.duckdb'));

test('killed at any moment, every table reads as before or after', async (t) => {
  const data = temporaryFolder(t);
  await make(data);
  assert.equal((await rebuild(data)).code, 0);
  for (let round = 0, v = 2; round < 20; round++, v++) {
    await change(data, v);
    const child = spawn(AGNESD, ['rebuild', '--data-dir', data], { env: { ...process.env, LOG_LEVEL: 'ERROR' } });
    const ended = collect(child);
    await new Promise((resolve) => { setTimeout(resolve, Math.random() * 200); });
    child.kill('SIGKILL');
    await ended;
    for (const name of names) {
      const [row] = await analytics(data, `SELECT min(version) AS low, max(version) AS high, count(*)::INT AS n FROM ${name}`);
      assert.equal(row.low, row.high, `round ${round}: ${name} is a mixture`);
      assert.equal(row.n, 3000);
      const { file, table } = published(data, 'shop', name);
      assert.equal(md5(file), table.md5);
    }
    const checked = await check(data, '--deep');
    assert.equal(checked.code, 0, `round ${round}: ${checked.stdout}${checked.stderr}`);
    const after = await rebuild(data);
    assert.equal(after.code, 0, after.stderr);
    const rows = await state(data, 'SELECT table_id, hash FROM sync_state ORDER BY table_id');
    assert.deepEqual(rows, [...names].sort().map((name) => ({ table_id: name, hash: published(data, 'shop', name).table.md5 })));
    assert.deepEqual(await analytics(data, 'SELECT min(version) AS v FROM t0'), [{ v }]);
    assert.deepEqual(readdirSync(path.join(data, 'published', 'shop')).filter((name) => name.startsWith('.')), []);
  }
});

test('rebuilds at the same time follow each other', async (t) => {
  const data = temporaryFolder(t);
  await make(data);
  const results = await Promise.all([1, 2, 3].map(() => rebuild(data)));
  for (const result of results) assert.equal(result.code, 0, result.stderr);
  assert.equal(results.filter((result) => /12 changed/.test(result.stdout)).length, 1);
  assert.equal((await check(data, '--deep')).code, 0);
  assert.deepEqual(await state(data, 'SELECT count(*)::INT AS n FROM sync_history'), [{ n: TABLES }]);
});

test('while somebody holds the state, a rebuild says so', async (t) => {
  const data = temporaryFolder(t);
  await make(data);
  await rebuild(data);
  const holder = spawn(process.execPath, ['-e', `
    const { DuckDBInstance } = require('@duckdb/node-api');
    DuckDBInstance.create(process.argv[1]).then(() => { console.log('held'); setInterval(() => {}, 1000); });`,
  path.join(data, 'state', 'system.duckdb')],
  { cwd: path.dirname(new URL(import.meta.url).pathname), stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => holder.kill('SIGKILL'));
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  const result = await rebuild(data);
  assert.equal(result.code, 1);
  assert.match(result.stderr, new RegExp(`${holder.pid}.*da sync`, 's'));
});

// A file system of `kilobytes`, or null without the right to mount one.
function smallDisk(t, kilobytes) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'agnes-disk-'));
  t.after(() => {
    spawnSync('umount', ['-l', folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', folder]).status === 0 ? folder : null;
}

test('a full disk leaves what was published, and the next rebuild goes on', async (t) => {
  const data = smallDisk(t, 48 * 1024);
  if (!data) return t.skip('may not mount a file system');
  const folder = await extract(data, 'shop', (at) => plain(at, 'orders', 'SELECT 1 AS version'));
  assert.equal((await rebuild(data)).code, 0);
  const before = published(data, 'shop', 'orders');
  // What follows needs as much again for the copy that is published.
  await run([parquet('SELECT 2 AS version, random() AS noise FROM range(1000000)', `${folder}/data/orders.parquet`)]);
  const full = path.join(data, 'full');
  writeFileSync(full, '');
  try {
    for (;;) appendFileSync(full, Buffer.alloc(64 * 1024));
  } catch (error) {
    assert.equal(error.code, 'ENOSPC');
  }
  const result = await rebuild(data);
  assert.equal(result.code, 1);
  assert.match(result.stderr, /No space left on device/);
  assert.equal(published(data, 'shop', 'orders').file, before.file);
  assert.deepEqual(await analytics(data, 'FROM orders'), [{ version: 1 }]);
  rmSync(full);
  const later = await rebuild(data);
  assert.equal(later.code, 0, later.stderr);
  assert.deepEqual(await analytics(data, 'SELECT count(*)::INT AS n, min(version) AS v FROM orders'),
    [{ n: 1000000, v: 2 }]);
  const checked = await check(data, '--deep');
  assert.equal(checked.code, 0, checked.stdout + checked.stderr);
});

test('a source that changes while it is read is read again', async (t) => {
  const data = temporaryFolder(t);
  const folder = await extract(data, 'shop', (at) => {
    mkdirSync(path.join(at, 'data', 'parts'));
    return [parquet('SELECT 0 AS version', `${at}/data/parts/1.parquet`), parquet('SELECT 0 AS version', `${at}/data/parts/2.parquet`),
      `CREATE VIEW parts AS SELECT * FROM read_parquet('${at}/data/parts/*.parquet', union_by_name=true)`, described('parts')];
  });
  let stop = false;
  const writer = (async () => {
    for (let v = 1; !stop; v++)
      await run([1, 2].map((part) => parquet(`SELECT ${v} AS version FROM range(1000)`, `${folder}/data/parts/${part}.parquet`)));
  })();
  for (let i = 0; i < 10; i++) await rebuild(data);
  stop = true;
  await writer;
  const settled = await rebuild(data);
  assert.equal(settled.code, 0, settled.stderr);
  assert.deepEqual(await analytics(data, 'SELECT count(DISTINCT version)::INT AS v, count(*)::INT AS n FROM parts'),
    [{ v: 1, n: 2000 }]);
  assert.equal((await check(data, '--deep')).code, 0);
});

test('check finds a published file that is damaged, cut, missing or another', async (t) => {
  const data = temporaryFolder(t);
  await make(data);
  await rebuild(data);
  const sound = await check(data, '--deep');
  assert.equal(sound.code, 0, sound.stdout);
  assert.match(sound.stdout, /tables: 1 sources, 12 tables, every value read, nothing is broken/);
  const { file } = published(data, 'shop', 't0');
  const bytes = readFileSync(file);
  const damage = async (content, option, expected) => {
    rmSync(file);
    if (content) writeFileSync(file, content);
    const result = await check(data, ...option);
    assert.equal(result.code, 1);
    assert.match(result.stdout, expected);
  };
  await damage(bytes.subarray(0, bytes.length / 2), [], /table 't0' .*parquet/);
  await damage(Buffer.concat([bytes, bytes]), [], /table 't0' .*size/);
  const turned = Buffer.from(bytes);
  turned[40] ^= 0xff;
  await damage(turned, ['--deep'], /table 't0' .*content/);
  await damage(null, [], /source 'shop' is to be published again/);
  writeFileSync(file, bytes);
  assert.equal((await check(data, '--deep')).code, 0);
});

test('a damaged index is made anew from the extract', async (t) => {
  const data = temporaryFolder(t);
  await make(data);
  await rebuild(data);
  const before = index(data, 'shop');
  for (const text of ['{', '{}', '[]', '{"version":99}']) {
    writeFileSync(path.join(data, 'published', 'shop', 'index.json'), text);
    assert.equal((await rebuild(data)).code, 0);
    assert.deepEqual(index(data, 'shop').tables.map((table) => table.md5), before.tables.map((table) => table.md5));
  }
  rmSync(path.join(data, 'published'), { recursive: true });
  assert.equal((await rebuild(data)).code, 0);
  assert.equal(publishedFiles(data, 'shop').length, TABLES);
  assert.ok(existsSync(published(data, 'shop', 't0').file));
});

test('a state that was lost is filled again from what is published', async (t) => {
  const data = temporaryFolder(t);
  await make(data);
  await rebuild(data);
  rmSync(path.join(data, 'state'), { recursive: true });
  assert.equal((await rebuild(data)).code, 0);
  assert.deepEqual(await state(data, 'SELECT count(*)::INT AS n FROM sync_state'), [{ n: TABLES }]);
  assert.deepEqual(await state(data, 'SELECT count(*)::INT AS n FROM view_ownership'), [{ n: TABLES }]);
});

async function failsAndKeeps(data, source, what) {
  const result = await rebuild(data);
  assert.equal(result.code, 1);
  assert.match(result.stderr, new RegExp(`source '${source}': [^\n]*${what}`));
  assert.deepEqual(await analytics(data, 'FROM orders'), [{ one: 1 }]);
  assert.equal(publishedFiles(data, source).length, 1);
}

test('a source goes with its folder alone, not with a file or a disk that is away', async (t) => {
  const data = temporaryFolder(t);
  const folder = await extract(data, 'shop', (at) => plain(at, 'orders', 'SELECT 1 AS one'));
  const file = path.join(folder, 'extract.duckdb');
  assert.equal((await rebuild(data)).code, 0);
  renameSync(file, `${file}.away`);
  await failsAndKeeps(data, 'shop', 'extracts/shop/extract.duckdb');
  symlinkSync('extract.duckdb', file); // cannot be followed, for anybody
  await failsAndKeeps(data, 'shop', 'extracts/shop/extract.duckdb');
  rmSync(file);
  renameSync(`${file}.away`, file);
  assert.equal((await rebuild(data)).code, 0);
  renameSync(path.join(data, 'extracts'), path.join(data, 'unmounted'));
  await failsAndKeeps(data, 'shop', 'extracts: ');
  renameSync(path.join(data, 'unmounted'), path.join(data, 'extracts'));
  assert.equal((await rebuild(data)).code, 0);
  rmSync(folder, { recursive: true });
  assert.equal((await rebuild(data)).code, 0);
  assert.deepEqual(publishedFiles(data, 'shop'), []);
});

test('a server that died between publishing and the database for other tools writes it at its next start', async (t) => {
  const data = temporaryFolder(t);
  const tools = path.join(data, 'analytics');
  const folder = await extract(data, 'shop', (at) => plain(at, 'orders', 'SELECT 1 AS one'));
  assert.equal((await rebuild(data)).code, 0);
  cpSync(tools, path.join(data, 'before'), { recursive: true });
  await run([parquet('SELECT 2 AS one', `${folder}/data/orders.parquet`)]);
  assert.equal((await rebuild(data)).code, 0);
  // What such a death leaves: the new edition is published and recorded, the file is of the one before.
  rmSync(tools, { recursive: true });
  renameSync(path.join(data, 'before'), tools);
  assert.deepEqual(await analytics(data, 'FROM orders'), [{ one: 1 }]);
  await serve(t, data);
  const wanted = published(data, 'shop', 'orders').file;
  const shown = async () => (await analytics(data, 'SELECT sql FROM duckdb_views() WHERE NOT internal'))[0].sql;
  for (let i = 0; i < 600 && !(await shown()).includes(wanted); i++)
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  assert.ok((await shown()).includes(wanted));
  assert.deepEqual(await analytics(data, 'FROM orders'), [{ one: 2 }]);
});

test('a table that changes as often as it is read keeps its last version', async (t) => {
  const data = temporaryFolder(t);
  const folder = await extract(data, 'shop', (at) => [
    ...plain(at, 'orders', 'SELECT 1 AS one'),
    'CREATE VIEW derived AS SELECT one + 1 AS two FROM orders', described('derived'),
  ]);
  assert.equal((await rebuild(data)).code, 0);
  await run([parquet('SELECT 10 AS one', `${folder}/data/orders.parquet`)]);
  let count = 0;
  const noise = setInterval(() => writeFileSync(path.join(folder, 'data', 'noise'), 'x'.repeat(++count)), 2);
  const restless = await rebuild(data);
  clearInterval(noise);
  assert.equal(restless.code, 1);
  assert.match(restless.stderr, /^agnesd rebuild: source 'shop', table 'derived': the extract was changed while[^\n]*\n$/);
  assert.deepEqual(await analytics(data, 'FROM derived'), [{ two: 2 }]);
  assert.deepEqual(await analytics(data, 'FROM orders'), [{ one: 10 }]);
  assert.equal((await rebuild(data)).code, 0);
  assert.deepEqual(await analytics(data, 'FROM derived'), [{ two: 11 }]);
});

test('a source of many damaged tables costs no other source its views', async (t) => {
  const data = temporaryFolder(t);
  const many = Array.from({ length: 300 }, (_, i) => `m${i}`);
  await extract(data, 'many', many.flatMap((name) => [`CREATE TABLE ${name} AS SELECT 1 AS one`, described(name)]));
  await extract(data, 'shop', (at) => plain(at, 'orders', 'SELECT 1 AS one'));
  assert.equal((await rebuild(data)).code, 0);
  for (const name of publishedFiles(data, 'many')) {
    const file = path.join(data, 'published', 'many', name);
    writeFileSync(file, 'x'.repeat(readFileSync(file).length));
  }
  const result = await agnesd(['rebuild', '--data-dir', data], { env: { LOG_LEVEL: 'WARNING' } });
  assert.equal(result.code, 0, result.stderr);
  assert.match(result.stderr, /source 'many': 10 of its tables are left out, and with them those that follow/);
  assert.deepEqual(await analytics(data, 'SELECT view_name FROM duckdb_views() WHERE NOT internal'), [{ view_name: 'orders' }]);
  assert.deepEqual(await analytics(data, 'FROM orders'), [{ one: 1 }]);
});
