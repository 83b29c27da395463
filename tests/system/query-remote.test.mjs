// Remote tables: a worker that may reach the network, catalogs that it attaches, and only registered tables of them. A
// DuckDB file in the source's own folder stands in for a service.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { query, temporaryFolder } from './lib/agnesd.mjs';
import { startPool, writeSource } from './lib/queries.mjs';

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
