// agnesd extract local, given what it should never get: nothing is lost without a word, and what was good stays.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { gzipSync } from 'node:zlib';
import { query } from './lib/agnesd.mjs';
import { addFiles, dataFolder, describeTable, extractLocal, leftIn, readTable, rejectsFile } from './lib/local.mjs';

const rowsCsv = (count, from = 0) => Array.from({ length: count }, (_, i) => `${i + from},text ${i + from},${i / 2}\n`).join('');

// Every table fails, its message fits, and the version of before is still there.
async function failAll(folder, rows, pattern, config) {
  const before = await readTable(folder, 'kept');
  const run = await extractLocal(folder, rows, config);
  assert.equal(run.code, 1, run.stdout);
  assert.equal(run.result.errors.length, rows.length);
  for (const { error } of run.result.errors) {
    assert.match(error, pattern);
    assert.ok(error.length < 2100, 'the message is short');
  }
  assert.doesNotMatch(run.stdout, /\/proc\/self\/fd/);
  assert.deepEqual(await readTable(folder, 'kept'), before);
  return run;
}

// A data directory that already has the table "kept".
async function withKept(t, files = {}) {
  const folder = dataFolder(t, { 'kept.csv': 'id\n1\n', ...files });
  const run = await extractLocal(folder, ['kept']);
  assert.equal(run.code, 0, run.stderr);
  return folder;
}

test('a few wrong rows are set aside, counted and told', async (t) => {
  const wrong = ['x1,y,1\n', '7,too,1,many\n', '8,few\n', '9,amount,abc\n'];
  const folder = dataFolder(t, { 'a.csv': `id,text,amount\n${rowsCsv(30000)}${wrong.join('')}${rowsCsv(10, 40000)}` });
  const run = await extractLocal(folder, ['a']);
  assert.equal(run.code, 0, run.stdout);
  const done = run.events.find(({ state }) => state === 'done');
  assert.deepEqual([done.rows, done.rejected], [30010, 4]);
  assert.match(run.stderr, /4 of 30014 rows were set aside/);
  const kept = await query(`SELECT DISTINCT file, line, text FROM '${rejectsFile(folder, 'a')}' ORDER BY line`);
  assert.deepEqual(kept.map(({ file, line, text }) => [file, Number(line), text]),
    wrong.map((text, i) => ['a.csv', 30002 + i, text.trimEnd()]));
  const reasons = await query(`SELECT reason FROM '${rejectsFile(folder, 'a')}' WHERE line = 30005`);
  assert.match(reasons[0].reason, /abc/);
  assert.equal((await readTable(folder, 'a', { columns: 'count(*) AS n', rest: '' }))[0].n, '30010');
  // Mended, there is nothing to keep.
  addFiles(folder, { 'a.csv': `id,text,amount\n${rowsCsv(10)}` });
  assert.equal((await extractLocal(folder, ['a'])).code, 0);
  assert.ok(!existsSync(rejectsFile(folder, 'a')));
});

test('too many wrong rows fail the table, by share or by number', async (t) => {
  const folder = await withKept(t, { 'kept.csv': 'id\n1\n' });
  addFiles(folder, { 'kept.csv': `id,v\n${'1,1\n'.repeat(30000)}${'2,x\n'.repeat(400)}` });
  const run = await failAll(folder, ['kept'], /400 of 30400 rows.*kept\.csv line 30002.*local\.tables\.kept/s);
  assert.match(run.result.errors[0].error, /local\.reject_threshold/);
  assert.equal((await query(`SELECT count(*) AS n FROM '${rejectsFile(folder, 'kept')}'`))[0].n, '400');
  await failAll(folder, ['kept'], /400 of 30400/, { tables: { kept: { max_rejects: 399 } } });
  await failAll(folder, ['kept'], /400 of 30400/, { tables: { kept: { max_rejects: '1.3%' } } });
  const allowed = await extractLocal(folder, ['kept'], { tables: { kept: { max_rejects: 400 } } });
  assert.equal(allowed.code, 0, allowed.stdout);
});

test('rejects of incremental files stay until the file is read again', async (t) => {
  const wrong = `id,v\n${'1,1\n'.repeat(30000)}1,x\n`;
  const folder = dataFolder(t, { 'log/1.csv': wrong, 'log/2.csv': wrong });
  const row = { name: 'log', sync_strategy: 'incremental' };
  const files = async () => (await query(`SELECT file FROM '${rejectsFile(folder, 'log')}' ORDER BY ALL`)).map(({ file }) => file);
  assert.equal((await extractLocal(folder, [row])).code, 0);
  assert.deepEqual(await files(), ['log/1.csv', 'log/2.csv']);
  addFiles(folder, { 'log/2.csv': 'id,v\n1,1\n', 'log/3.csv': wrong });
  assert.equal((await extractLocal(folder, [row])).code, 0);
  assert.deepEqual(await files(), ['log/1.csv', 'log/3.csv']);
});

test('a quote that is never closed fails, for what it swallowed is unknown', async (t) => {
  const folder = await withKept(t);
  addFiles(folder, { 'kept.csv': `id,text,n\n${rowsCsv(1000)}7,"open,1\n${rowsCsv(100000)}` });
  await failAll(folder, ['kept'], /kept\.csv: lines do not have the same number of columns.*quote/s, { reject_threshold: 1 });
  addFiles(folder, { 'kept.csv': `id,text,n\n${rowsCsv(30000)}7,"open,1\n${rowsCsv(100000)}` });
  await failAll(folder, ['kept'], /a quote is opened and never closed.*line 30002/s, { reject_threshold: 1 });
  addFiles(folder, { 'kept.csv': 'Report of today\n\nid,name\n1,a\n2,b\n' });
  await failAll(folder, ['kept'], /rows could not be read/);
});

test('a NUL byte stays what it is; a file of them is not text', async (t) => {
  const folder = await withKept(t, { 'nul.csv': `id,text\n1,a\0b\n2,${'c'.repeat(100)}\n` });
  assert.equal((await extractLocal(folder, ['nul'])).code, 0);
  assert.deepEqual(await readTable(folder, 'nul', { columns: 'id, hex(text) AS h', rest: 'WHERE id = 1' }), [{ id: '1', h: '610062' }]);
  addFiles(folder, { 'kept.csv': Buffer.from('id,text\n1,one\n2,two\n', 'utf16le') });
  await failAll(folder, ['kept'], /kept\.csv: \d+ of its \d+ bytes are 0.*UTF-16.*encoding/s);
});

test('ten thousand columns', async (t) => {
  const header = Array.from({ length: 10000 }, (_, i) => `c${i}`).join(',');
  const line = Array.from({ length: 10000 }, (_, i) => i).join(',');
  const folder = dataFolder(t, { 'wide.csv': `${header}\n${line}\n${line}\n` });
  assert.equal((await extractLocal(folder, ['wide'])).code, 0);
  assert.deepEqual(await readTable(folder, 'wide', { columns: 'count(*) AS n, max(c9999) AS last', rest: '' }), [{ n: '2', last: '9999' }]);
});

test('a line of 100 MB, early, late or compressed, is told and not dropped', async (t) => {
  const folder = await withKept(t);
  const long = `2,${'x'.repeat(100_000_000)},1\n`;
  const late = `id,text,n\n${rowsCsv(300000)}${long}${rowsCsv(3)}`;
  addFiles(folder, { 'early.csv': `id,text,n\n1,a,1\n${long}3,c,1\n`, 'late.csv': late, 'packed.csv.gz': gzipSync(late, { level: 1 }) });
  await failAll(folder, ['early'], /early\.csv: line 3 is longer than 2000000 bytes/);
  await failAll(folder, ['late', 'packed'], /line 300002 is longer than 2000000 bytes.*local\.max_line_size/s);
  const raised = await extractLocal(folder, ['early', 'late'], { max_line_size: 110000000 });
  assert.equal(raised.code, 0, raised.stdout);
  assert.deepEqual(await readTable(folder, 'late', { columns: 'count(*) AS n, max(length(text)) AS longest', rest: '' }),
    [{ n: '300004', longest: '100000000' }]);
});

test('a record of many lines that is too long is a reject, one too long to see whole a failure', async (t) => {
  const folder = await withKept(t);
  const record = (lines) => `id,text,n\n${rowsCsv(30000)}7,"${`${'several lines '.repeat(20)}\n`.repeat(lines)}",1\n${rowsCsv(100)}`;
  addFiles(folder, { 'some.csv': record(10000), 'kept.csv': record(130000) });
  const run = await extractLocal(folder, ['some']);
  assert.equal(run.code, 0, run.stdout);
  assert.equal(run.events.find(({ state }) => state === 'done').rejected, 1);
  await failAll(folder, ['kept'], /rows could not be read/);
});

test('nothing in the file, only white space, only a header', async (t) => {
  const folder = await withKept(t, { 'header.csv': 'id,name\n', 'half.csv': 'id,name' });
  addFiles(folder, { 'kept.csv': '' });
  await failAll(folder, ['kept'], /kept\.csv has nothing in it/);
  addFiles(folder, { 'kept.csv': '\n \r\n\n' });
  await failAll(folder, ['kept'], /kept\.csv has nothing in it/);
  assert.equal((await extractLocal(folder, ['header', 'half'])).code, 0);
  for (const table of ['header', 'half']) {
    assert.deepEqual(Object.keys(await describeTable(folder, table)), ['id', 'name']);
    assert.deepEqual(await readTable(folder, table), []);
  }
  // Beside others, an empty file does not matter.
  addFiles(folder, { 'several/1.csv': 'id\n1\n', 'several/2.csv': '' });
  assert.equal((await extractLocal(folder, ['several'])).code, 0);
  assert.deepEqual(await readTable(folder, 'several'), [{ id: '1' }]);
});

test('text of another encoding than it is said to be', async (t) => {
  const text = execFileSync('iconv', ['-t', 'WINDOWS-1250'], { input: `id,name\n${'1,žluť\n'.repeat(100)}` });
  const folder = await withKept(t);
  addFiles(folder, { 'kept.csv': text });
  await failAll(folder, ['kept'], /100 of 100 rows.*encoding/s);
  await failAll(folder, ['kept'], /no encoding 'martian'/, { tables: { kept: { encoding: 'martian' } } });
  // Bytes that the encoding does not have: the row is rejected, the others are read.
  addFiles(folder, { 'odd.csv': Buffer.concat([Buffer.from('id,name\n1,a\n2,'), Buffer.from([0x81]), Buffer.from('\n3,c\n')]) });
  const run = await extractLocal(folder, ['odd'], { tables: { odd: { encoding: 'WINDOWS-1250', max_rejects: 1 } } });
  assert.equal(run.code, 0, run.stdout);
  assert.deepEqual((await readTable(folder, 'odd')).map(({ id }) => id), ['1', '3']);
  assert.equal((await query(`SELECT line FROM '${rejectsFile(folder, 'odd')}'`))[0].line, '3');
});

test('JSON that changes its types is widened, lines that are not JSON are set aside', async (t) => {
  const many = Array.from({ length: 30000 }, (_, i) => `{"a":${i},"b":{"c":1}}\n`).join('');
  const folder = await withKept(t, {
    'types.ndjson': `${many}{"a":"text","b":[1,2]}\n{"a":null,"b":7,"d":true}\n`,
    'broken.ndjson': `${many}{"a":\n\nnot json\n{"a":5,"b":{"c":2}}\n`,
    'types.gz.ndjson.gz': gzipSync('{"a":1}\n'),
  });
  assert.equal((await extractLocal(folder, [{ name: 'types', source_table: 'types.ndjson' }])).code, 0);
  assert.deepEqual(await readTable(folder, 'types', { columns: 'a::VARCHAR AS a, b::VARCHAR AS b, d', rest: 'OFFSET 30000' }),
    [{ a: '"text"', b: '[1,2]', d: null }, { a: null, b: '7', d: true }]);
  const run = await extractLocal(folder, ['broken']);
  assert.equal(run.code, 0, run.stdout);
  assert.deepEqual((await query(`SELECT file, line, text FROM '${rejectsFile(folder, 'broken')}' ORDER BY line`)),
    [{ file: 'broken.ndjson', line: '30001', text: '{"a":' }, { file: 'broken.ndjson', line: '30003', text: 'not json' }]);
  assert.equal((await readTable(folder, 'broken', { columns: 'count(*) AS n', rest: '' }))[0].n, '30001');
  await failAll(folder, [{ name: 'broken' }], /2 of 30003 rows/, { reject_threshold: 0 });
  addFiles(folder, { 'array.json': '[{"a":1},{"a":', 'scalar.ndjson': '1\n' });
  await failAll(folder, ['array'], /array\.json/);
});

test('parquet and archives that are cut, empty or something else', async (t) => {
  const folder = await withKept(t);
  await query(`COPY (SELECT i, hash(i)::VARCHAR AS text FROM range(100000) t(i)) TO '${folder}/inbox/whole.parquet' (FORMAT parquet)`);
  const whole = readFileSync(path.join(folder, 'inbox/whole.parquet'));
  const packed = gzipSync(rowsCsv(100000));
  await query(`COPY (SELECT i FROM range(100000) t(i)) TO '${folder}/inbox/z.csv.zst' (FORMAT csv, COMPRESSION zstd)`);
  const zst = readFileSync(path.join(folder, 'inbox/z.csv.zst'));
  rmSync(path.join(folder, 'inbox/z.csv.zst'));
  const damaged = Buffer.from(whole);
  damaged.fill(0xff, 1000, 200000);
  addFiles(folder, {
    'half.parquet': whole.subarray(0, whole.length / 2), 'none.parquet': '', 'text.parquet': 'id,name\n1,a\n',
    'damaged.parquet': damaged, 'g.csv.gz': packed.subarray(0, packed.length / 2), 'notgz.csv.gz': 'id\n1\n',
    'z.csv.zst': zst.subarray(0, zst.length / 2),
  });
  for (const name of ['half', 'none', 'text', 'damaged', 'g', 'notgz', 'z']) {
    const run = await failAll(folder, [name], new RegExp(`${name}\\.`));
    assert.notEqual(run.stderr, '');
  }
});

test('what is no regular file, or too many of them', async (t) => {
  const folder = await withKept(t);
  const inbox = path.join(folder, 'inbox');
  spawnSync('mkfifo', [path.join(inbox, 'fifo.csv')]);
  addFiles(folder, { 'odd.xyz': 'id\n1\n', 'many/1.csv': 'id\n1\n', 'many/2.csv': 'id\n2\n', 'many/3.csv': 'id\n3\n', 'two.csv': 'id\n', 'two.json': '[]' });
  mkdirSync(path.join(inbox, `nested/${Array.from({ length: 20 }, () => 'd').join('/')}`), { recursive: true });
  mkdirSync(path.join(inbox, 'hollow'));
  await failAll(folder, ['fifo'], /fifo\.csv is not a regular file/);
  await failAll(folder, [{ name: 'odd', source_table: 'odd.xyz' }], /suffix/);
  await failAll(folder, ['many'], /more than 2 files.*local\.max_files/s, { max_files: 2 });
  await failAll(folder, ['two'], /both two\.csv and two\.json/);
  await failAll(folder, ['nested'], /nested more than/);
  await failAll(folder, ['hollow', 'missing', { name: 'm', source_table: 'none*.csv' }], /no file in .* matches/);
  await failAll(folder, [{ name: 'm', bucket: 'elsewhere' }], /elsewhere.*local\.roots \(inbox\)/s);
});

test('overrides that are none are refused, never guessed', async (t) => {
  const folder = await withKept(t);
  for (const [override, pattern] of [
    [{ delimeter: ';' }, /no 'delimeter'/], [{ header: 'yes' }, /header must be true or false/], [{ types: { id: 7 } }, /only text/],
    [{ types: { id: 'INTEGER) FROM x --' } }, /no type of DuckDB/], [{ format: 'xls' }, /no format 'xls'/],
    [{ max_rejects: 'many' }, /max_rejects must be/], [{ types: { nosuch: 'INTEGER' } }, /nosuch/], ['text', /must be a map/],
  ])
    await failAll(folder, ['kept'], pattern, { tables: { kept: override } });
});

test('files that differ in columns, format or compression', async (t) => {
  const folder = await withKept(t, { 'd/1.csv': 'id,a\n1,x\n', 'd/2.csv': 'b,id,c\ny,2,3\n', 'f/1.csv': 'id\n1\n', 'f/2.json': '[{"id":2}]' });
  await failAll(folder, ['f'], /f\/1\.csv and f\/2\.json are not of one format/);
  const run = await extractLocal(folder, ['d'], { tables: { d: { union_by_name: true } } });
  assert.equal(run.code, 0, run.stdout);
  assert.deepEqual(await readTable(folder, 'd', { rest: 'ORDER BY id' }),
    [{ id: '1', a: 'x', b: null, c: null }, { id: '2', a: null, b: 'y', c: '3' }]);
  await failAll(folder, ['d'], /d\/2\.csv/);
});

test('a file that is written to while it is read', async (t) => {
  const folder = await withKept(t);
  const file = path.join(folder, 'inbox/kept.csv');
  writeFileSync(file, `id,text,n\n${rowsCsv(500000)}`);
  const timer = setInterval(() => appendFileSync(file, rowsCsv(1)), 1);
  try {
    await failAll(folder, ['kept'], /kept\.csv changed while it was read/);
  } finally {
    clearInterval(timer);
  }
  assert.equal((await extractLocal(folder, ['kept'])).code, 0);
});

test('a disk that is full', async (t) => {
  const disk = mkdtempSync(path.join(os.tmpdir(), 'agnes-test-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'agnes-test', disk]);
  t.after(() => {
    if (status === 0) spawnSync('umount', ['-l', disk]);
    rmSync(disk, { recursive: true, force: true });
  });
  if (status !== 0) return t.skip('no file system can be mounted here');
  const folder = await withKept(t);
  const config = { roots: [path.join(folder, 'inbox')] };
  assert.equal((await extractLocal(disk, ['kept'], config)).code, 0);
  const noise = Array.from({ length: 300000 }, (_, i) => `${i},${Math.random()}${Math.random()}\n`).join('');
  addFiles(folder, { 'kept.csv': `id,text\n${noise}`, 'utf16.csv': Buffer.from(`\ufeffid,text\n${noise}`, 'utf16le') });
  for (const strategy of ['full_refresh', 'incremental'])
    await failAll(disk, [{ name: 'kept', sync_strategy: strategy }], /[Nn]o space/, config);
  await failAll(disk, ['utf16'], /cannot write the copy of utf16\.csv.*No space/s, config);
  assert.deepEqual(leftIn(disk), ['.lock', 'data', 'extract.duckdb']);
  addFiles(folder, { 'kept.csv': 'id\n2\n' });
  assert.equal((await extractLocal(disk, ['kept'], config)).code, 0);
  assert.deepEqual(await readTable(disk, 'kept'), [{ id: '2' }]);
});

test('two extractors of one source: the second says that it must wait', async (t) => {
  const folder = await withKept(t);
  writeFileSync(path.join(folder, 'inbox/kept.csv'), `id,text,n\n${rowsCsv(300000)}`);
  const runs = await Promise.all([extractLocal(folder, ['kept']), extractLocal(folder, ['kept']), extractLocal(folder, ['kept'])]);
  const failed = runs.filter(({ code }) => code !== 0);
  assert.ok(failed.length < 3);
  for (const { code, stderr } of failed) {
    assert.equal(code, 1);
    assert.match(stderr, /another extract of source 'local' is running/);
  }
  assert.equal((await readTable(folder, 'kept', { columns: 'count(*) AS n', rest: '' }))[0].n, '300000');
});
