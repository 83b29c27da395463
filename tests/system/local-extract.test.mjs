// agnesd extract local: formats, compressions, encodings, overrides and the three strategies.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { gzipSync } from 'node:zlib';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { agnesd, query } from './lib/agnesd.mjs';
import { addFiles, dataFolder, describeTable, extractLocal, meta, readTable } from './lib/local.mjs';

const arrayBuffer = (file) => {
  const bytes = readFileSync(file);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
};
const parquetFile = (folder, table) => path.join(folder, `extracts/local/data/${table}.parquet`);

async function succeed(folder, rows, config) {
  const run = await extractLocal(folder, rows, config);
  assert.equal(run.code, 0, `${run.stderr}\n${run.stdout}`);
  assert.deepEqual(run.result.errors, []);
  return run;
}

test('full_refresh leaves a table alone whose files are as they were', async (t) => {
  const folder = dataFolder(t, { 'a.csv': 'id\n1\n', 'b.csv': 'id\n1\n' });
  const stateOf = async (rows, config) => (await succeed(folder, rows, config)).events.filter(({ state }) => state && state !== 'started').map(({ table, state }) => `${table} ${state}`);
  // Files that changed a moment ago are not believed.
  const untilKnown = async () => {
    for (let i = 0; i < 100; i++) {
      if ((await stateOf(['a', 'b'])).every((each) => each.endsWith('unchanged'))) return;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    assert.fail('never unchanged');
  };
  await untilKnown();
  addFiles(folder, { 'b.csv': 'id\n2\n' });
  assert.deepEqual(await stateOf(['a', 'b']), ['a unchanged', 'b done']);
  assert.deepEqual([await readTable(folder, 'a'), await readTable(folder, 'b')], [[{ id: '1' }], [{ id: '2' }]]);
  await untilKnown();
  // Read in another way, described otherwise, made by another hand, or gone: made again.
  assert.deepEqual(await stateOf(['a'], { tables: { a: { header: true } } }), ['a done']);
  await untilKnown();
  assert.deepEqual(await stateOf([{ name: 'a', description: 'other' }]), ['a done']);
  await untilKnown();
  rmSync(parquetFile(folder, 'a'));
  assert.deepEqual(await stateOf(['a', 'b']), ['a done', 'b unchanged']);
  assert.deepEqual(await readTable(folder, 'a'), [{ id: '1' }]);
});

test('the sample data arrives whole, described and readable by others', async (t) => {
  const folder = dataFolder(t);
  const sample = await agnesd(['sample-data', path.join(folder, 'inbox'), '--size', 'small']);
  assert.equal(sample.code, 0, sample.stderr);
  const { tables } = JSON.parse(readFileSync(path.join(folder, 'inbox/_manifest.json'), 'utf8'));
  const found = await agnesd(['extract', 'local', '--discover', '--data-dir', folder]);
  const rows = JSON.parse(found.stdout);
  assert.deepEqual(rows.map(({ name }) => name), Object.keys(tables).sort());
  const run = await succeed(folder, rows);
  assert.deepEqual(run.result, { tables_extracted: 9, tables_failed: 0, errors: [] });
  for (const { table_name: name, rows: count, size_bytes: size, query_mode: mode } of await meta(folder)) {
    assert.equal(Number(count), tables[name]);
    assert.equal(Number(size), statSync(parquetFile(folder, name)).size);
    assert.equal(mode, 'local');
    assert.equal(Number(parquetMetadata(arrayBuffer(parquetFile(folder, name))).num_rows), tables[name]);
  }
  const [differing] = await query(`SELECT count(*) AS n FROM (
    FROM '${parquetFile(folder, 'orders')}' EXCEPT ALL FROM '${folder}/inbox/orders.csv')`);
  assert.equal(differing.n, '0');
  const states = run.events.filter(({ event }) => event === 'table').map(({ table, state }) => `${table} ${state}`);
  assert.deepEqual(states, rows.flatMap(({ name }) => [`${name} started`, `${name} done`]));
});

test('the noted MD5 is that of the file', async (t) => {
  const folder = dataFolder(t, { 'a.csv': 'id\n1\n2\n' });
  await succeed(folder, ['a']);
  const [sums] = await query('FROM _checksums', path.join(folder, 'extracts/local/extract.duckdb'));
  const md5 = createHash('md5').update(readFileSync(parquetFile(folder, 'a'))).digest('hex');
  assert.ok(Object.values(sums).includes(md5), JSON.stringify(sums));
});

test('every format, plain, gzip and zstd, is the same table', async (t) => {
  const csv = 'id,name\n1,one\n2,"two, too"\n';
  const tsv = 'id\tname\n1\tone\n2\ttwo, too\n';
  const ndjson = '{"id":1,"name":"one"}\n{"id":2,"name":"two, too"}\n';
  const json = JSON.stringify([{ id: 1, name: 'one' }, { id: 2, name: 'two, too' }]);
  const files = {
    'c.csv': csv, 'cg.csv.gz': gzipSync(csv), 't.tsv': tsv, 'tg.tsv.gz': gzipSync(tsv), 'n.ndjson': ndjson,
    'l.jsonl': ndjson, 'ng.ndjson.gz': gzipSync(ndjson), 'j.json': json, 'jg.json.gz': gzipSync(json),
    'cgg.csv.gz': Buffer.concat([gzipSync(csv.slice(0, 12)), gzipSync(csv.slice(12))]),
  };
  const folder = dataFolder(t, files);
  const written = { 'p.parquet': 'parquet', 'cz.csv.zst': 'csv, COMPRESSION zstd', 'nz.ndjson.zst': 'json, COMPRESSION zstd' };
  for (const [name, format] of Object.entries(written))
    await query(`COPY (SELECT 1::BIGINT AS id, 'one' AS name UNION ALL SELECT 2, 'two, too')
      TO '${folder}/inbox/${name}' (FORMAT ${format})`);
  const tables = [...Object.keys(files), ...Object.keys(written)].map((name) => name.split('.')[0]);
  await succeed(folder, tables);
  for (const table of tables) {
    assert.deepEqual(await readTable(folder, table), [{ id: '1', name: 'one' }, { id: '2', name: 'two, too' }], table);
    const rows = await parquetReadObjects({ file: arrayBuffer(parquetFile(folder, table)), compressors });
    assert.deepEqual(rows, [{ id: 1n, name: 'one' }, { id: 2n, name: 'two, too' }], table);
  }
});

test('any encoding that iconv knows, UTF-16 also by its mark alone', async (t) => {
  const text = 'id,name\n1,žluťoučký\n2,"kůň, €"\n';
  const encode = (encoding, from = text) => execFileSync('iconv', ['-f', 'UTF-8', '-t', encoding], { input: from, maxBuffer: 1e8 });
  const folder = dataFolder(t, {
    'east.csv': encode('WINDOWS-1250'), 'eastz.csv.gz': gzipSync(encode('WINDOWS-1250')),
    'marked.csv': encode('UTF-16'), 'big.csv': Buffer.concat([Buffer.from([0xfe, 0xff]), encode('UTF-16BE')]),
    'bare.csv': encode('UTF-16LE'), 'utf8.csv': `\ufeff${text}`, 'ebcdic.csv': encode('IBM1047', 'id,name\n1,a\n'),
    // Characters cut by every step of the conversion.
    'long.csv': encode('UTF-16', `id,name\n${'1,žluťoučký\n'.repeat(100000)}`),
  });
  const tables = {
    east: { encoding: 'windows-1250' }, eastz: { encoding: 'CP1250' }, bare: { encoding: 'UTF-16LE' },
    ebcdic: { encoding: 'IBM1047' },
  };
  await succeed(folder, ['east', 'eastz', 'marked', 'big', 'bare', 'utf8', 'ebcdic', 'long'], { tables });
  for (const table of ['east', 'eastz', 'marked', 'big', 'bare', 'utf8'])
    assert.deepEqual(await readTable(folder, table), [{ id: '1', name: 'žluťoučký' }, { id: '2', name: 'kůň, €' }], table);
  assert.deepEqual(await readTable(folder, 'ebcdic'), [{ id: '1', name: 'a' }]);
  assert.deepEqual(await readTable(folder, 'long', { columns: 'DISTINCT name', rest: '' }), [{ name: 'žluťoučký' }]);
  assert.equal((await meta(folder)).find((row) => row.table_name === 'long').rows, '100000');
});

test('overrides: delimiter, header, types, dates, decimal comma, nulls, lines to skip', async (t) => {
  const folder = dataFolder(t, {
    'de.csv': 'Bericht\n\nnr;tag;betrag\n007;31.12.2025;1.5\n008;01.02.2026;n/a\n'.replace('1.5', '1234,50'),
    'bare.csv': '1,2\n3,4\n', 'quoted.csv': "a,b\n'x,y',2\n", 'data.txt': 'a\n1\n',
    'typed.ndjson': '{"id":"7","n":1}\n',
  });
  await succeed(folder, ['de', 'bare', 'quoted', { name: 'odd', source_table: 'data.txt' }, 'typed'], {
    tables: {
      de: { delimiter: ';', skip: 2, types: { nr: 'VARCHAR' }, date_format: '%d.%m.%Y', decimal_comma: true, null: ['n/a'] },
      bare: { header: false },
      quoted: { quote: "'" },
      typed: { types: { id: 'INTEGER', n: 'DECIMAL(10, 2)' } },
    },
  });
  assert.deepEqual(await describeTable(folder, 'de'), { nr: 'VARCHAR', tag: 'DATE', betrag: 'DOUBLE' });
  assert.deepEqual(await readTable(folder, 'de'),
    [{ nr: '007', tag: '2025-12-31', betrag: 1234.5 }, { nr: '008', tag: '2026-02-01', betrag: null }]);
  assert.deepEqual(await readTable(folder, 'bare'), [{ column0: '1', column1: '2' }, { column0: '3', column1: '4' }]);
  assert.deepEqual(await readTable(folder, 'quoted'), [{ a: 'x,y', b: '2' }]);
  assert.deepEqual(await describeTable(folder, 'typed'), { id: 'INTEGER', n: 'DECIMAL(10,2)' });
});

test('quotes count although the sample that is sniffed has none', async (t) => {
  const lines = Array.from({ length: 30000 }, (_, i) => `${i},text${i}`);
  const folder = dataFolder(t, { 'a.csv': `id,text\n${lines.join('\n')}\n30000,"a, ""b"" and\nc"\n` });
  await succeed(folder, ['a']);
  assert.deepEqual(await readTable(folder, 'a', { rest: 'WHERE id = 30000' }), [{ id: '30000', text: 'a, "b" and\nc' }]);
});

test('no line is passed over because it looks like a comment, and a single column stays one', async (t) => {
  const folder = dataFolder(t, { 'hash.csv': 'id,name\n1,a\n#2,b\n3,c\n', 'one.csv': 'name\na\nb\n' });
  await succeed(folder, ['hash', 'one']);
  assert.deepEqual((await readTable(folder, 'hash')).map(({ id }) => id), ['#2', '1', '3']);
  assert.deepEqual(await readTable(folder, 'one'), [{ name: 'a' }, { name: 'b' }]);
});

test('one file, a pattern, or a folder with folders in it', async (t) => {
  const folder = dataFolder(t, {
    'y/2025/01.csv': 'id\n1\n', 'y/2025/02.csv': 'id\n2\n', 'y/2026/01.csv': 'id\n3\n', 'y/readme.md': 'no data',
    'y/.hidden.csv': 'id\n9\n',
  });
  await succeed(folder, [
    { name: 'one', bucket: 'inbox', source_table: 'y/2025/02.csv' },
    { name: 'some', bucket: 'inbox/y', source_table: '20*/01.csv' },
    { name: 'y' },
    { name: 'years', source_table: 'y/2025' },
  ]);
  const ids = async (table) => (await readTable(folder, table)).map(({ id }) => Number(id));
  assert.deepEqual(await ids('one'), [2]);
  assert.deepEqual(await ids('some'), [1, 3]);
  assert.deepEqual(await ids('y'), [1, 2, 3]);
  assert.deepEqual(await ids('years'), [1, 2]);
});

test('tables that a run does not name stay, and so does one that fails', async (t) => {
  const folder = dataFolder(t, { 'a.csv': 'id\n1\n', 'b.csv': 'id\n2\n' });
  await succeed(folder, ['a', 'b']);
  addFiles(folder, { 'a.csv': 'id\n10\n', 'b.csv': '' });
  const run = await extractLocal(folder, ['a', 'b']);
  assert.equal(run.code, 2);
  assert.deepEqual(run.result.tables_extracted, 1);
  assert.deepEqual(await readTable(folder, 'a'), [{ id: '10' }]);
  assert.deepEqual(await readTable(folder, 'b'), [{ id: '2' }]);
  await succeed(folder, ['a']);
  assert.deepEqual((await meta(folder)).map(({ table_name: name }) => name), ['a', 'b']);
});

test('the exit code says how many tables failed; rows without a usable name fail', async (t) => {
  const folder = dataFolder(t, { 'a.csv': 'id\n1\n' });
  const code = async (...rows) => (await extractLocal(folder, rows)).code;
  assert.equal(await code(), 0);
  assert.equal(await code('a'), 0);
  assert.equal(await code('none'), 1);
  assert.equal(await code('a', 'none'), 2);
  assert.equal(await code({ name: 'm', query_mode: 'materialized' }), 0);
  assert.equal(await code({ name: 'r', query_mode: 'remote' }), 1);
  const bad = await extractLocal(folder, ['a', 'bad-name', { id: 'x' }]);
  assert.equal(bad.code, 2);
  assert.deepEqual([bad.result.tables_extracted, bad.result.tables_failed], [1, 2]);
  assert.match(bad.result.errors[0].error, /unsafe identifier/);
  for (const input of ['{', '{"rows": 7}', '[1]', '{"rows": [], "config": {"rots": 1}}', '{"rows": [], "config": []}']) {
    const run = await agnesd(['extract', 'local', '--data-dir', folder], { input });
    assert.equal(run.code, 1, input);
    assert.notEqual(run.stderr, '');
  }
  assert.equal((await agnesd(['extract', 'nosuch', '--data-dir', folder])).code, 1);
});

test('materialized rows of a source that cannot: an error that says so', async (t) => {
  const folder = dataFolder(t);
  const input = JSON.stringify([{ name: 'm', query_mode: 'materialized', source_query: 'SELECT 1' }]);
  const run = await agnesd(['extract', 'local', '--materialize', '--data-dir', folder], { input });
  assert.equal(run.code, 1);
  assert.match(run.stdout, /materialized path not supported for source_type='local'/);
});

test('incremental reads new and changed files alone, and keeps the rows of those that went', async (t) => {
  const folder = dataFolder(t, { 'log/1.csv': 'id,v\n1,a\n', 'log/2.csv': 'id,v\n2,b\n' });
  const row = { name: 'log', sync_strategy: 'incremental' };
  const ids = async () => (await readTable(folder, 'log')).map(({ id, v }) => `${id}${v}`);
  await succeed(folder, [row]);
  assert.deepEqual(await ids(), ['1a', '2b']);
  const again = await succeed(folder, [row]);
  assert.equal(again.events.at(-1).state, 'unchanged');
  rmSync(path.join(folder, 'inbox/log/1.csv'));
  addFiles(folder, { 'log/2.csv': 'id,v\n2,bb\n', 'log/3.csv.gz': gzipSync('id,v\n3,c\n') });
  await succeed(folder, [row]);
  assert.deepEqual(await ids(), ['1a', '2bb', '3c']);
  // Read otherwise: what is still there is read again.
  await succeed(folder, [row], { tables: { log: { types: { id: 'INTEGER' } } } });
  assert.deepEqual(await ids(), ['1a', '2bb', '3c']);
  // Other columns in a new file are united by name.
  addFiles(folder, { 'log/4.csv': 'v,id,extra\nd,4,x\n' });
  await succeed(folder, [row]);
  assert.deepEqual(await readTable(folder, 'log', { rest: 'WHERE id = 4' }), [{ id: '4', v: 'd', extra: 'x' }]);
});

test('the parts that did not change are not written again', async (t) => {
  const folder = dataFolder(t, { 'log/1.csv': 'id\n1\n', 'log/2.csv': 'id\n2\n' });
  const row = { name: 'log', sync_strategy: 'incremental' };
  const parts = () => {
    const data = path.join(folder, 'extracts/local/data/log');
    return readdirSync(data).map((name) => `${name} ${statSync(path.join(data, name)).ino}`);
  };
  await succeed(folder, [row]);
  const before = parts();
  addFiles(folder, { 'log/3.csv': 'id\n3\n' });
  await succeed(folder, [row]);
  assert.equal(parts().filter((part) => before.includes(part)).length, 2);
  assert.equal(parts().length, 3);
});

test('partitioned replaces the months that the files hold', async (t) => {
  const folder = dataFolder(t, { 'sales.csv': 'day,n\n2026-01-05,1\n2026-01-06,2\n2026-02-01,3\n,4\n' });
  const row = { name: 'sales', sync_strategy: 'partitioned' };
  const config = { tables: { sales: { partition_by: 'day' } } };
  const values = async () => (await readTable(folder, 'sales', { rest: 'ORDER BY n' })).map(({ n }) => Number(n));
  await succeed(folder, [row], config);
  assert.deepEqual(await values(), [1, 2, 3, 4]);
  assert.deepEqual(Object.keys((await readTable(folder, 'sales'))[0]), ['day', 'n']);
  addFiles(folder, { 'sales.csv': 'day,n\n2026-02-03,30\n2026-03-01,40\n' });
  await succeed(folder, [row], config);
  assert.deepEqual(await values(), [1, 2, 4, 30, 40]);
  const run = await extractLocal(folder, [row]);
  assert.equal(run.code, 1);
  assert.match(run.result.errors[0].error, /partition_by/);
});

test('a change of strategy starts anew and leaves nothing behind', async (t) => {
  const folder = dataFolder(t, { 'm/1.csv': 'day,n\n2026-01-05,1\n', 'm/2.csv': 'day,n\n2026-02-05,2\n' });
  const config = { tables: { m: { partition_by: 'day' } } };
  for (const strategy of ['full_refresh', 'incremental', 'partitioned', 'incremental', 'full_refresh']) {
    await succeed(folder, [{ name: 'm', sync_strategy: strategy }], config);
    assert.deepEqual((await readTable(folder, 'm')).map(({ n }) => Number(n)), [1, 2], strategy);
  }
  assert.deepEqual(readdirSync(path.join(folder, 'extracts/local/data')).sort(), ['m.parquet']);
});

test('roots are the only way in', async (t) => {
  const folder = dataFolder(t, { 'a.csv': 'id\n1\n', 'deep/b.csv': 'id\n2\n' });
  addFiles(folder, { '../secret.csv': 'id\n666\n', '../other/c.csv': 'id\n3\n' });
  const inbox = path.join(folder, 'inbox');
  symlinkSync(path.join(folder, 'secret.csv'), path.join(inbox, 'absolute.csv'));
  symlinkSync('../secret.csv', path.join(inbox, 'relative.csv'));
  symlinkSync('..', path.join(inbox, 'up'));
  symlinkSync('/proc/self/root', path.join(inbox, 'magic'));
  symlinkSync('deep/b.csv', path.join(inbox, 'inside.csv'));
  const refused = [
    { name: 'absolute' }, { name: 'relative' }, { name: 'a1', source_table: '../secret.csv' },
    { name: 'a2', source_table: 'up/secret.csv' }, { name: 'a3', source_table: 'deep/../../secret.csv' },
    { name: 'a4', source_table: 'u*/secret.csv' }, { name: 'a5', bucket: 'inbox/..', source_table: 'secret.csv' },
    { name: 'a6', bucket: '..', source_table: 'secret.csv' }, { name: 'a7', bucket: 'other', source_table: 'c.csv' },
    { name: 'a8', source_table: path.join(folder, 'secret.csv') }, { name: 'a9', source_table: `magic${folder}/secret.csv` },
  ];
  const run = await extractLocal(folder, [...refused, { name: 'inside' }]);
  assert.equal(run.code, 2, run.stdout);
  assert.deepEqual(run.result.errors.map(({ table }) => table), refused.map(({ name }) => name));
  assert.deepEqual((await meta(folder)).map(({ table_name: name }) => name), ['inside']);
  assert.deepEqual(await readTable(folder, 'inside'), [{ id: '2' }]);
  await succeed(folder, [{ name: 'c', bucket: 'other' }], { roots: ['inbox', path.join(folder, 'other')] });
  const clash = await extractLocal(folder, ['a'], { roots: ['inbox', '/nowhere/inbox'] });
  assert.match(clash.result.errors[0].error, /local\.roots/);
});

test('a folder that is swapped for a symlink while it is read lets nothing out', async (t) => {
  const folder = dataFolder(t, { 'real/x.csv': 'id\n1\n' });
  addFiles(folder, { '../secret/x.csv': 'id\n666\n' });
  const at = (name) => path.join(folder, 'inbox', name);
  symlinkSync('../secret', at('fake'));
  renameSync(at('real'), at('d'));
  let going = true;
  const swapping = (async () => {
    while (going) {
      renameSync(at('d'), at('real'));
      renameSync(at('fake'), at('d'));
      await new Promise((resolve) => { setImmediate(resolve); });
      renameSync(at('d'), at('fake'));
      renameSync(at('real'), at('d'));
      await new Promise((resolve) => { setImmediate(resolve); });
    }
  })();
  const rows = Array.from({ length: 200 }, (_, i) => ({ name: `t${i}`, source_table: 'd/x.csv' }));
  const run = await extractLocal(folder, rows);
  going = false;
  await swapping;
  for (const { table_name: name } of run.result.tables_extracted ? await meta(folder) : [])
    assert.deepEqual(await readTable(folder, name), [{ id: '1' }]);
});

test('test says whether the roots can be read', async (t) => {
  const folder = dataFolder(t);
  const missing = await agnesd(['extract', 'local', '--test', '--data-dir', folder]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /inbox/);
  mkdirSync(path.join(folder, 'inbox'));
  assert.equal((await agnesd(['extract', 'local', '--test', '--data-dir', folder])).code, 0);
});
