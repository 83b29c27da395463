// Remote tables: a worker that may reach the network, catalogs that it attaches, and only registered tables of them. A
// DuckDB file in the source's own folder stands in for a service.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { query, temporaryFolder } from './lib/agnesd.mjs';
import { described, extract } from './lib/extracts.mjs';
import { startPool, writeSource } from './lib/queries.mjs';
import { serve } from './lib/server.mjs';
import { grant, publish, untilPublished } from './lib/shop.mjs';

async function fixture(t, url = 'crm.duckdb') {
  const folder = temporaryFolder(t);
  const local = await writeSource(folder, 'mixed', { orders: 'SELECT i AS id FROM range(10) t(i)' });
  await query("CREATE SCHEMA web; CREATE TABLE web.visits AS SELECT i AS id, 'v' || i AS v FROM range(5) t(i); CREATE TABLE web.hidden AS SELECT 'CANARY' AS s",
    path.join(local.folder, 'crm.duckdb'));
  const remote = [{ alias: 'crm', extension: 'duckdb', url: path.join(local.folder, url), token: '' }];
  const tables = ['orders', { name: 'visits', remote: ['crm', 'web', 'visits'] }];
  return { folder, local, source: { ...local, tables, remote }, pool: startPool(t, folder, { stderr: 'ignore' }) };
}

test('registered remote tables are read by name or by catalog, joined with local ones', async (t) => {
  const { source, pool } = await fixture(t);
  assert.deepEqual(await pool.rows(source, 'SELECT count(*), max(v) FROM visits JOIN orders USING (id)'), [[5, 'v4']]);
  assert.deepEqual(await pool.rows(source, 'SELECT count(*) FROM crm.web.visits'), [[5]]);
  assert.deepEqual(await pool.rows(source, 'SELECT count(*) FROM CRM."web"."Visits"'), [[5]]);
});

test('other tables of the catalog are as if they were not there', async (t) => {
  const { source, pool } = await fixture(t);
  for (const name of ['crm.web.hidden', 'crm.web.nothing', 'crm.hidden', 'crm.information_schema.tables', 'web.visits']) {
    const { error } = await pool.run(source, `SELECT * FROM ${name}`);
    assert.match(error.message, name.includes('information') ? /^Only single SELECT/ : /^Access denied to table '/, name);
  }
  const { error } = await pool.run(source, 'SELECT s FROM visits');
  assert.doesNotMatch(error.message, /hidden|CANARY/);
});

test('a catalog that cannot be attached costs its own tables alone', async (t) => {
  const { source, pool } = await fixture(t, 'gone.duckdb');
  assert.deepEqual(await pool.rows(source, 'SELECT count(*) FROM orders'), [[10]]);
  assert.match((await pool.run(source, 'FROM visits')).error.message, /cannot read table 'visits'/);
  // Once it is back, the next query finds it.
  await query('CREATE SCHEMA web; CREATE TABLE web.visits AS SELECT 1 AS id', path.join(source.folder, 'gone.duckdb'));
  assert.deepEqual(await pool.rows(source, 'FROM visits'), [[1]]);
  assert.deepEqual(await pool.rows(source, 'SELECT count(*) FROM orders'), [[10]]);
});

test('a token travels over the socket and shows up nowhere', async (t) => {
  const { source, pool } = await fixture(t);
  const token = 'TOKEN-a8f3';
  const secret = { ...source, key: 'secret', remote: [{ ...source.remote[0], token }] };
  const answer = await pool.run(secret, 'FROM visits');
  assert.ok(!JSON.stringify(answer).includes(token));
  const [{ pid }] = (await pool.report()).workers;
  assert.ok(!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(token));
  assert.ok(!JSON.stringify(await pool.report()).includes(token));
});

test('extensions are looked for where the user of the server has installed them', async (t) => {
  const { ask, ann, server } = await openServer(t, { LOG_LEVEL: 'INFO',
    AGNES_REMOTE_ATTACH_EXTENSIONS: 'duckdb', AGNES_REMOTE_ATTACH_TOKEN_ENVS: 'CRM_TOKEN' });
  await ask(ann, 'FROM visits');
  const place = `${server.dataDir}/.duckdb/extensions/`;
  for (const who of ["the extension 'duckdb' is left out", 'the extension duckdb is not loaded']) {
    assert.ok(server.log.includes(`${who}: IO Error: Extension \\"${place}`), server.log);
  }
});

// A server with a remote source, which is in the folder of none of its workers: what reaches it is refused by its name.
async function openServer(t, env) {
  const folder = temporaryFolder(t);
  const file = path.join(folder, 'crm.duckdb');
  await query('CREATE SCHEMA web; CREATE TABLE web.visits AS SELECT 1 AS id; CREATE TABLE web.hidden AS SELECT 1 AS id', file);
  await publish(folder, { orders: 'SELECT 1 AS id' });
  await extract(folder, 'keboola', [
    `ATTACH '${file}' AS crm (READ_ONLY)`, 'CREATE VIEW visits AS SELECT * FROM crm.web.visits',
    'CREATE TABLE _remote_attach (alias VARCHAR, extension VARCHAR, url VARCHAR, token_env VARCHAR)',
    `INSERT INTO _remote_attach VALUES ('crm', 'duckdb', '${file}', 'CRM_TOKEN')`, described('visits', 'remote'),
  ]);
  const server = await serve(t, folder, { env: { CRM_TOKEN: 'TOKEN-b7e1', ...env } });
  const admin = await server.bootstrap();
  await untilPublished(admin, ['orders']);
  const registered = await admin.post('/api/admin/register-table', { name: 'visits', source_type: 'keboola', query_mode: 'remote', bucket: 'web', source_table: 'visits' });
  assert.ok(registered.status < 300, JSON.stringify(registered.body));
  const users = {};
  for (const [name, tables] of Object.entries({ ann: ['orders', 'visits'], bob: ['orders'] })) {
    users[name] = await admin.addUser(`${name}@example.com`);
    for (const table of tables) await grant(admin, users[name], table);
  }
  const ask = async (user, sql) => (await user.post('/api/query', { sql })).body;
  const workers = async () => (await admin.get('/api/admin/queries')).body.workers.length;
  return { ...users, admin, ask, workers, server };
}

test('a server asks a remote source only for queries that name its tables', async (t) => {
  const { ann, bob, ask, workers } = await openServer(t, {
    AGNES_REMOTE_ATTACH_EXTENSIONS: 'duckdb', AGNES_REMOTE_ATTACH_TOKEN_ENVS: 'CRM_TOKEN' });
  assert.deepEqual((await ask(ann, 'FROM orders')).rows, [[1]]);
  assert.equal(await workers(), 1);
  // The worker with the network has taken the query up, and tried.
  for (const name of ['visits', 'crm.web.visits', '(SELECT 1) JOIN visits ON true']) {
    const { detail } = await ask(ann, `SELECT * FROM ${name}`);
    assert.match(detail, /^Query error: cannot read table 'visits': /);
    assert.doesNotMatch(detail, /TOKEN|crm\.duckdb|hidden/);
  }
  assert.equal(await workers(), 2);
  assert.match((await ask(ann, 'FROM crm.web.hidden')).detail, /^Access denied to table 'crm\.web\.hidden'/);
  // Who may not read it sees no difference to a table that is not there.
  for (const name of ['visits', 'crm.web.visits']) {
    assert.equal((await ask(bob, `FROM ${name}`)).detail.replace(name, 'x'), (await ask(bob, 'FROM nothing')).detail.replace('nothing', 'x'));
  }
});

test('a remote source that the policy does not allow is not asked', async (t) => {
  const { ann, ask } = await openServer(t, {});
  assert.match((await ask(ann, 'FROM visits')).detail, /its source cannot be asked from here/);
  assert.deepEqual((await ask(ann, 'FROM orders')).rows, [[1]]);
});
