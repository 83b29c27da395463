// SIGKILL of agnesd extract local at any moment: every table reads as before or after, never in between.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { AGNESD, agnesd, collect } from './lib/agnesd.mjs';
import { addFiles, dataFolder, extractLocal, leftIn, readTable } from './lib/local.mjs';

const KILLS = 10;
const FILES = 4;
const ROWS = 20000;

// Version v of the source: FILES files, each with rows of one month, all of version v.
function version(v) {
  return Object.fromEntries(Array.from({ length: FILES }, (_, f) => [`t/${f}.csv`,
    `day,v,text\n${Array.from({ length: ROWS }, (_, i) => `2026-0${f + 1}-0${1 + (i % 9)},${v},text ${i} of ${f}\n`).join('')}`]));
}

// What a reader that knows nothing of us sees: one version, whole.
async function assertWhole(folder, allowed) {
  const rows = await readTable(folder, 't', { columns: 'v, count(*) AS n, count(DISTINCT month(day)) AS months', rest: 'GROUP BY v' });
  assert.equal(rows.length, 1, `a mixture: ${JSON.stringify(rows)}`);
  assert.deepEqual([Number(rows[0].n), Number(rows[0].months)], [FILES * ROWS, FILES]);
  assert.ok(allowed.includes(Number(rows[0].v)), `version ${rows[0].v}`);
  return Number(rows[0].v);
}

function start(folder, input) {
  const child = spawn(AGNESD, ['extract', 'local', '--data-dir', folder], { detached: true });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return child;
}

for (const strategy of ['full_refresh', 'incremental', 'partitioned']) {
  test(`${strategy}, killed ${KILLS} times`, async (t) => {
    const folder = dataFolder(t, version(0));
    const rows = [{ name: 't', sync_strategy: strategy }];
    const config = { tables: { t: { partition_by: 'day' } } };
    const input = JSON.stringify({ rows, config });
    const first = Date.now();
    assert.equal((await extractLocal(folder, rows, config)).code, 0);
    const length = Date.now() - first;
    let current = await assertWhole(folder, [0]);
    let killed = 0;
    for (let kill = 1; kill <= KILLS; kill++) {
      addFiles(folder, version(kill));
      const child = start(folder, input);
      const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), Math.random() * length);
      const { signal } = await collect(child);
      clearTimeout(timer);
      killed += signal === 'SIGKILL' ? 1 : 0;
      current = await assertWhole(folder, [current, kill]);
    }
    t.diagnostic(`${killed} of ${KILLS} were killed before they ended`);
    assert.equal((await extractLocal(folder, rows, config)).code, 0);
    await assertWhole(folder, [KILLS]);
    assert.deepEqual(leftIn(folder), ['.lock', 'data', 'extract.duckdb']);
    const data = readdirSync(path.join(folder, 'extracts/local/data'));
    assert.deepEqual(data, [strategy === 'full_refresh' ? 't.parquet' : 't']);
  });
}

test('SIGTERM ends a run soon, with its reason, and leaves the last version', async (t) => {
  const folder = dataFolder(t, version(1));
  assert.equal((await extractLocal(folder, ['t'])).code, 0);
  // 200 tables, of which some are done by the time of the signal: none of them is published.
  addFiles(folder, version(2));
  const child = start(folder, JSON.stringify(Array.from({ length: 200 }, (_, i) => ({ name: `t${i}`, source_table: 't' }))));
  child.stdout.once('data', () => child.kill('SIGTERM'));
  const { code, stdout } = await collect(child);
  assert.equal(code, 1);
  assert.match(stdout, /was cancelled/);
  const result = JSON.parse(stdout.trim().split('\n').at(-1));
  assert.deepEqual([result.tables_extracted, result.tables_failed], [0, 200]);
  await assertWhole(folder, [1]);
});

test('a run whose parent is gone ends by itself', async (t) => {
  const folder = dataFolder(t, version(1));
  const input = JSON.stringify(Array.from({ length: 300 }, (_, i) => ({ name: `t${i}`, source_table: 't' })));
  const child = start(folder, input);
  await new Promise((resolve) => { child.stdout.once('data', resolve); });
  child.stdout.destroy();
  const { code } = await new Promise((resolve) => { child.on('exit', (status) => resolve({ code: status })); });
  assert.equal(code, 1);
});

test('what one run left behind when it was killed, the next removes', async (t) => {
  const folder = dataFolder(t, { ...version(1), 'utf16.csv': Buffer.from('\ufeffid\n1\n', 'utf16le') });
  const child = start(folder, JSON.stringify(Array.from({ length: 50 }, (_, i) => ({ name: `t${i}`, source_table: 't' }))));
  child.stdout.once('data', () => child.kill('SIGKILL'));
  await collect(child);
  assert.ok(readdirSync(path.join(folder, 'extracts/local')).includes('.stage'));
  const run = await agnesd(['extract', 'local', '--data-dir', folder], { input: '[{"name": "utf16"}]' });
  assert.equal(run.code, 0, run.stderr);
  assert.deepEqual(leftIn(folder), ['.lock', 'data', 'extract.duckdb']);
});
