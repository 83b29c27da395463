// The whole chain: sample data arrives in an inbox, is extracted and published, and other programs read it.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { agnesd, query } from './lib/agnesd.mjs';
import { analytics, index, published, rebuild } from './lib/extracts.mjs';
import { dataFolder, extractLocal } from './lib/local.mjs';

const arrayBuffer = (file) => {
  const bytes = readFileSync(file);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
};

test('sample data goes from the inbox to a database that opens alone', async (t) => {
  const data = dataFolder(t);
  const inbox = path.join(data, 'inbox');
  const sample = await agnesd(['sample-data', inbox, '--size', 'medium']);
  assert.equal(sample.code, 0, sample.stderr);
  const { tables } = JSON.parse(readFileSync(path.join(inbox, '_manifest.json'), 'utf8'));
  const names = Object.keys(tables).sort();
  const found = await agnesd(['extract', 'local', '--discover', '--data-dir', data]);
  const extracted = await extractLocal(data, JSON.parse(found.stdout));
  assert.equal(extracted.code, 0, extracted.stderr);
  const result = await rebuild(data);
  assert.equal(result.code, 0, result.stderr);
  assert.equal(result.stdout, `local: ${names.length} tables, ${names.length} changed, 0 failed\n`);

  const views = await analytics(data, 'SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY ALL');
  assert.deepEqual(views.map((row) => row.view_name), names);
  for (const name of names) {
    // Hashing every row makes the reader decode every value.
    const [row] = await analytics(data, `SELECT count(*) AS n, bit_xor(hash(t)) AS h FROM "${name}" t`);
    assert.equal(Number(row.n), tables[name], name);
    assert.ok(row.h, name);
    const { file } = published(data, 'local', name);
    assert.equal(Number(parquetMetadata(arrayBuffer(file)).num_rows), tables[name], name);
  }

  const { file } = published(data, 'local', 'orders');
  const rows = await parquetReadObjects({ file: arrayBuffer(file), compressors });
  assert.equal(rows.length, tables.orders);
  const [differing] = await query(`SELECT count(*) AS n FROM (
    (FROM '${file}' EXCEPT ALL FROM '${inbox}/orders.csv') UNION ALL
    (FROM '${inbox}/orders.csv' EXCEPT ALL FROM '${file}'))`);
  assert.equal(differing.n, '0');
});

test('what changes in the inbox changes that table alone, all the way', async (t) => {
  const data = dataFolder(t, { 'a.csv': 'id\n1\n2\n', 'b.csv': 'id\n3\n' });
  assert.equal((await extractLocal(data, ['a', 'b'])).code, 0);
  assert.equal((await rebuild(data)).code, 0);
  const before = index(data, 'local').tables;
  writeFileSync(path.join(data, 'inbox/b.csv'), 'id\n3\n4\n5\n');
  assert.equal((await extractLocal(data, ['a', 'b'])).code, 0);
  assert.match((await rebuild(data)).stdout, /^local: 2 tables, 1 changed, 0 failed$/m);
  const after = index(data, 'local').tables;
  const md5 = (tables, name) => tables.find((table) => table.name === name).md5;
  assert.equal(md5(after, 'a'), md5(before, 'a'));
  assert.notEqual(md5(after, 'b'), md5(before, 'b'));
  assert.deepEqual(await analytics(data, 'SELECT count(*)::INT AS n FROM b'), [{ n: 3 }]);
});
