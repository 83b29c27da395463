// What the source has: listed and registered by the server, or said why not.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { temporaryFolder } from './lib/agnesd.mjs';
import { serve } from './lib/server.mjs';

const LIST = '/api/admin/discover-tables';
const REGISTER = '/api/admin/discover-and-register';

test('local files are listed, registered once, and nothing else', async (t) => {
  const folder = temporaryFolder(t);
  const inbox = path.join(folder, 'inbox');
  mkdirSync(path.join(inbox, 'events'), { recursive: true });
  for (const name of ['Orders.csv', '2026 sales.tsv', 'orders.json', 'readme.pdf', '.hidden.csv', 'events/a.csv'])
    writeFileSync(path.join(inbox, name), 'a\n1\n');
  symlinkSync('/etc/passwd', path.join(inbox, 'passwd.csv'));
  const server = await serve(t, folder);
  const admin = await server.bootstrap();

  const listed = await admin.get(`${LIST}?source=keboola&bucket=x`);
  assert.equal(listed.status, 200, JSON.stringify(listed.body));
  assert.equal(listed.body.source, 'local');
  assert.equal(listed.body.count, 4);
  assert.deepEqual(listed.body.tables.map(({ id, name, source_table: table }) => [id, name, table]), [
    ['_2026_sales', '_2026_sales', '2026 sales.tsv'], ['orders', 'Orders', 'Orders.csv'], ['events', 'events', 'events'], ['orders', 'orders', 'orders.json']]);
  assert.deepEqual([...new Set(listed.body.tables.map(({ bucket_id: id, bucket_name: name }) => `${id} ${name}`))], ['inbox inbox']);

  await admin.post('/api/admin/register-table', { name: 'events', source_type: 'local', bucket: 'mine' });
  const { status, body } = await admin.post(REGISTER);
  assert.equal(status, 200, JSON.stringify(body));
  // The second of one name is passed over, and so is what an administrator registered.
  assert.deepEqual(body, { registered: 2, skipped: 2, errors: 0, tables: ['_2026_sales', 'orders'], source: 'local' });
  assert.deepEqual((await admin.post(REGISTER)).body, { registered: 0, skipped: 4, errors: 0, tables: [], source: 'local' });
  const rows = (await admin.get('/api/admin/registry')).body.tables;
  const orders = rows.find(({ id }) => id === 'orders');
  assert.deepEqual([orders.name, orders.source_type, orders.bucket, orders.source_table, orders.query_mode, orders.sync_strategy, orders.registered_by],
    ['Orders', 'local', 'inbox', 'Orders.csv', 'local', 'full_refresh', 'admin@example.com']);
  assert.equal(rows.find(({ id }) => id === 'events').bucket, 'mine');

});

test('a folder that is not there is told by its name, and hides no other', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(path.join(folder, 'config'));
  writeFileSync(path.join(folder, 'config/instance.yaml'), `local: {roots: [inbox, ${folder}/more], auto_register: false}\n`);
  const server = await serve(t, folder);
  const admin = await server.bootstrap();
  rmSync(path.join(folder, 'inbox'), { recursive: true }); // which the server made
  assert.deepEqual([(await admin.get(LIST)).status, (await admin.get(LIST)).body], [200, { tables: [], count: 0, source: 'local',
    error: "There is no folder 'inbox', 'more' yet: make what local.roots names, and put files into it" }]);
  assert.deepEqual((await admin.post(REGISTER)).body, { registered: 0, skipped: 0, errors: 0, tables: [], source: 'local' });
  mkdirSync(path.join(folder, 'more'));
  writeFileSync(path.join(folder, 'more/orders.csv'), 'a\n1\n');
  const { body } = await admin.get(LIST);
  assert.deepEqual([body.count, body.tables[0].bucket, body.error], [1, 'more', undefined]);
  // What cannot be opened is a failure, and the answer does not tell where it stands.
  symlinkSync('inbox', path.join(folder, 'inbox'));
  const broken = await admin.get(LIST);
  assert.equal(broken.status, 500);
  assert.match(broken.body.detail, /^Discovery failed: .*cannot open the folder 'inbox'/);
  assert.ok(!broken.body.detail.includes(folder), broken.body.detail);
});

test('a source that is not configured says so', async (t) => {
  for (const [env, listed, registered] of [
    [{ DATA_SOURCE: 'keboola' }, [500, 'Discovery failed: Keboola is not configured: data_source.keboola.stack_url is missing'],
      [500, 'Discovery and registration failed: Keboola is not configured: data_source.keboola.stack_url is missing']],
    [{ DATA_SOURCE: 'keboola', KEBOOLA_STACK_URL: 'https://example.com' }, [500, 'Discovery failed: Keboola is not configured: the variable KEBOOLA_STORAGE_TOKEN is missing'],
      [500, 'Discovery and registration failed: Keboola is not configured: the variable KEBOOLA_STORAGE_TOKEN is missing']],
    [{ DATA_SOURCE: 'bigquery' }, [500, { error: 'BigQuery is not configured: data_source.bigquery.project is missing', kind: 'not_configured', details: {} }],
      [200, undefined]],
  ]) {
    const server = await serve(t, temporaryFolder(t), { env });
    const admin = await server.bootstrap();
    for (const [answer, expected] of [[await admin.get(LIST), listed], [await admin.post(REGISTER), registered]])
      assert.deepEqual([answer.status, answer.body.detail], expected);
    if (env.DATA_SOURCE === 'bigquery')
      assert.deepEqual((await admin.post(REGISTER)).body, { registered: 0, skipped: 0, errors: 0, tables: [], source: 'bigquery' });
  }
});
