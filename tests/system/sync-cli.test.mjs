// `da sync` against a real server and against one that is told what to offer: what is downloaded, kept and removed.
import assert from 'node:assert/strict';
import {
  existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync,
} from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { run as runDuck } from './lib/extracts.mjs';
import { csv, drop, openSync, runSync } from './lib/runs.mjs';
import { serve } from './lib/server.mjs';
import { grant, openShop, publish, until } from './lib/shop.mjs';
import { makeParquet, md5, TableServer, Workspace } from './lib/workspace.mjs';

async function synced(t, names = ['orders', 'customers']) {
  const server = await TableServer.start(t, await makeParquet(t, names));
  const workspace = new Workspace(t, server.url);
  const run = await workspace.da(['sync']);
  assert.equal(run.code, 0, run.stderr);
  return { server, workspace, run };
}

test('a real server: what is granted is downloaded, then nothing, then what changed', async (t) => {
  const { server, admin, folder } = await openShop(t);
  const analyst = await admin.addUser('ann@example.com');
  const workspace = new Workspace(t, server.url, { token: analyst.token });
  const none = await workspace.da(['sync']);
  assert.deepEqual([none.code, none.stderr], [0, 'The server lists no tables that you may read; an administrator grants them.\n']);
  await grant(admin, analyst, 'orders');

  const first = await workspace.da(['sync', '--json']);
  assert.equal(first.code, 0, first.stderr);
  assert.deepEqual(JSON.parse(first.stdout), { downloaded: ['orders'], skipped: [], skipped_remote: [], errors: [] });
  assert.deepEqual(workspace.files(), ['orders.parquet']);
  assert.deepEqual(await workspace.rows('SELECT count(*)::INT AS n, sum(amount)::INT AS s FROM orders'), [{ n: 1000, s: 749250 }]);

  const second = await workspace.da(['sync']);
  assert.equal(second.stdout, 'Downloaded: 0 tables\nSkipped (unchanged): 1\n');

  await server.stop();
  rmSync(path.join(folder, 'extracts/shop/extract.duckdb'));
  await publish(folder, { orders: 'SELECT i AS id, i * 2 AS amount, i AS more FROM range(10) t(i)' });
  workspace.url = (await serve(t, folder)).url;
  await until('the new version', async () => {
    const dry = await workspace.da(['sync', '--dry-run', '--json']);
    return JSON.parse(dry.stdout).would_download.length > 0;
  });
  const third = await workspace.da(['sync', '--json']);
  assert.deepEqual(JSON.parse(third.stdout).downloaded, ['orders']);
  assert.deepEqual(await workspace.rows('SELECT count(*)::INT AS n, sum(more)::INT AS s FROM orders'), [{ n: 10, s: 45 }]);
  assert.deepEqual(await workspace.rows("SELECT column_name AS name FROM duckdb_columns() WHERE table_name = 'orders' ORDER BY column_index"),
    [{ name: 'id' }, { name: 'amount' }, { name: 'more' }]);
});

test('a table that the server itself could never fetch is told, and is no failure', async (t) => {
  const { folder, server, admin } = await openSync(t);
  drop(folder, 'good.csv', csv(3));
  drop(folder, 'hollow.csv', '');
  assert.equal((await runSync(admin)).status, 'partial');
  const workspace = new Workspace(t, server.url, { token: admin.token });
  const run = await workspace.da(['sync']);
  assert.deepEqual([run.code, run.stdout, run.stderr],
    [0, 'Downloaded: 1 tables\nSkipped (unchanged): 0\n', 'The server has no data of 1 tables yet: hollow\n']);
  const quiet = await workspace.da(['sync', '--quiet']);
  assert.deepEqual([quiet.code, quiet.stdout, quiet.stderr], [0, '', '']);
  drop(folder, 'hollow.csv', csv(2));
  await runSync(admin);
  assert.match((await workspace.da(['sync'])).stdout, /^Downloaded: 1 tables\n/);
  assert.deepEqual(workspace.files(), ['good.parquet', 'hollow.parquet']);
});

test('the files of the reference client are written as it reads them', async (t) => {
  const { server, workspace } = await synced(t);
  const shared = JSON.parse(readFileSync(path.join(workspace.config, 'sync_state.json'), 'utf8'));
  assert.deepEqual(shared.tables.orders, { hash: md5(server.tables.orders), rows: 3, size_bytes: server.tables.orders.length });
  assert.match(shared.last_sync, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/);
  for (const file of ['server/sync_state.json', 'server/parquet/orders.parquet']) {
    assert.equal(statSync(workspace.path(file)).mode & 0o777, 0o600, file);
  }
  assert.equal(statSync(workspace.path('server')).mode & 0o777, 0o700);
});

test('only what changed is downloaded, and only its view is touched', async (t) => {
  const { server, workspace } = await synced(t);
  await runDuck(["CREATE VIEW mine AS SELECT 42 AS answer", 'CREATE TABLE notes AS SELECT 1 AS n',
    "COMMENT ON VIEW customers IS 'untouched'"], workspace.path('user/duckdb/analytics.duckdb'));
  Object.assign(server.tables, await makeParquet(t, ['orders'], 2));
  server.requests = [];
  const run = await workspace.da(['sync', '--json']);
  assert.deepEqual(JSON.parse(run.stdout).downloaded, ['orders']);
  assert.equal(server.count('/download'), 1);
  assert.deepEqual(await workspace.rows('SELECT DISTINCT version FROM orders'), [{ version: 2 }]);
  assert.deepEqual(await workspace.rows('SELECT answer FROM mine'), [{ answer: 42 }]);
  assert.deepEqual(await workspace.rows('SELECT n FROM notes'), [{ n: 1 }]);
  assert.deepEqual(await workspace.rows("SELECT comment FROM duckdb_views() WHERE view_name = 'customers'"), [{ comment: 'untouched' }]);
});

test('with nothing new the manifest is not even sent, and the database is not opened', async (t) => {
  const { server, workspace } = await synced(t);
  const database = workspace.path('user/duckdb/analytics.duckdb');
  const before = statSync(database).mtimeMs;
  server.requests = [];
  const run = await workspace.da(['sync']);
  assert.equal(run.stdout, 'Downloaded: 0 tables\nSkipped (unchanged): 2\n');
  const asked = server.requests.filter((request) => request.url.includes('manifest'));
  assert.equal(asked.length, 1);
  assert.ok(asked[0].headers['if-none-match']);
  assert.equal(statSync(database).mtimeMs, before);
});

test('a file that was deleted or changed is downloaded again', async (t) => {
  const { server, workspace } = await synced(t);
  writeFileSync(workspace.parquet('orders'), Buffer.from('PAR1 not what it was PAR1'));
  rmSync(workspace.parquet('customers'));
  const run = await workspace.da(['sync', '--json']);
  assert.deepEqual(JSON.parse(run.stdout).downloaded.sort(), ['customers', 'orders']);
  assert.deepEqual(workspace.read('orders'), server.tables.orders);
});

test('a second workspace of the same user has its own state', async (t) => {
  const { server, workspace } = await synced(t);
  const other = new Workspace(t, server.url);
  other.config = workspace.config;
  const run = await other.da(['sync', '--json']);
  assert.deepEqual(JSON.parse(run.stdout).downloaded.sort(), ['customers', 'orders']);
});

test('a workspace that has moved gets its views anew', async (t) => {
  const { workspace } = await synced(t);
  const moved = `${workspace.root}-moved`;
  renameSync(workspace.root, moved);
  workspace.root = moved;
  const run = await workspace.da(['sync']);
  assert.equal(run.code, 0, run.stderr);
  assert.deepEqual(await workspace.rows('SELECT count(*)::INT AS n FROM orders'), [{ n: 3 }]);
});

test('tables that are not listed any more are reported, and removed by --prune', async (t) => {
  const { server, workspace } = await synced(t, ['a', 'b', 'c']);
  delete server.tables.a;
  const told = await workspace.da(['sync']);
  assert.equal(told.code, 0);
  assert.match(told.stderr, /1 tables are here that the server does not list/);
  assert.deepEqual(workspace.files(), ['a.parquet', 'b.parquet', 'c.parquet']);
  const dry = await workspace.da(['sync', '--prune', '--dry-run']);
  assert.equal(dry.code, 0);
  assert.ok(existsSync(workspace.parquet('a')));
  const pruned = await workspace.da(['sync', '--prune']);
  assert.equal(pruned.code, 0, pruned.stderr);
  assert.deepEqual(workspace.files(), ['b.parquet', 'c.parquet']);
  assert.deepEqual(await workspace.views(), ['b', 'c']);
  assert.deepEqual(Object.keys(workspace.state().tables).sort(), ['b', 'c']);
});

test('a server that lists nothing any more, or less than half, takes no data away without --force', async (t) => {
  const { server, workspace } = await synced(t, ['a', 'b', 'c', 'd']);
  const all = server.tables;
  for (const left of [{}, { a: all.a }]) {
    server.tables = left;
    for (const args of [['sync'], ['sync', '--quiet'], ['sync', '--prune']]) {
      const run = await workspace.da(args);
      assert.equal(run.code, args.includes('--prune') ? 1 : 0, run.stderr);
      assert.equal(workspace.files().length, 4);
      assert.deepEqual(await workspace.views(), ['a', 'b', 'c', 'd']);
    }
  }
  const refused = await workspace.da(['sync', '--prune']);
  assert.match(refused.stderr, /Not pruned: the server lists 1 tables, and 3 that are here/);
  const forced = await workspace.da(['sync', '--prune', '--force']);
  assert.equal(forced.code, 0, forced.stderr);
  assert.deepEqual(workspace.files(), ['a.parquet']);
});

test('remote tables are skipped, and named', async (t) => {
  const server = await TableServer.start(t, await makeParquet(t, ['orders']));
  for (const name of ['r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7']) server.entries[name] = { query_mode: 'remote', hash: '' };
  const workspace = new Workspace(t, server.url);
  const run = await workspace.da(['sync']);
  assert.match(run.stderr, /^Skipping 7 remote-mode tables: r1, r2, r3, r4, r5 \(\+2 more\)$/m);
  assert.equal(run.stdout, 'Downloaded: 1 tables\nSkipped (unchanged): 0\nSkipped (remote-mode): 7\n');
});

test('--table, --docs-only and a table that nobody knows', async (t) => {
  const server = await TableServer.start(t, await makeParquet(t, ['orders', 'customers']));
  const workspace = new Workspace(t, server.url);
  const none = await workspace.da(['sync', '--docs-only']);
  assert.equal(none.stdout, 'Downloaded: 0 tables\nSkipped (unchanged): 2\n');
  const unknown = await workspace.da(['sync', '--table', 'nobody']);
  assert.equal(unknown.code, 0);
  assert.match(unknown.stderr, /does not list a table 'nobody'/);
  const one = await workspace.da(['sync', '--table', 'orders']);
  assert.equal(one.stdout, 'Downloaded: 1 tables\nSkipped (unchanged): 1\n');
  assert.deepEqual(workspace.files(), ['orders.parquet']);
});

test('a dry run says what it would do, in each of its forms, and does nothing', async (t) => {
  const server = await TableServer.start(t, await makeParquet(t, ['orders']));
  server.entries.far = { query_mode: 'remote', hash: '' };
  server.entries.orders = { size_bytes: 2048, hash: 'f'.repeat(32) };
  const workspace = new Workspace(t, server.url);
  const text = await workspace.da(['sync', '--dry-run']);
  assert.equal(text.stdout, 'Dry run — would download 1 tables (2.0 KiB)\nSkipped (unchanged): 1\n  orders  rows=3  size=2.0 KiB\n');
  const json = await workspace.da(['sync', '--dry-run', '--json']);
  assert.deepEqual(JSON.parse(json.stdout), {
    dry_run: true, would_download: [{ table: 'orders', rows: 3, size_bytes: 2048 }],
    summary: { tables_total: 2, tables_to_download: 1, tables_skipped_unchanged: 1, bytes_total: 2048 },
  });
  const quiet = await workspace.da(['sync', '--dry-run', '--quiet']);
  assert.equal(quiet.stdout, '');
  assert.equal(quiet.stderr, 'sync (dry-run): would download 1 tables, skip 1 remote-mode\n');
  const both = await workspace.da(['sync', '--dry-run', '--quiet', '--json']);
  assert.deepEqual(JSON.parse(both.stdout), { dry_run: true, would_download: ['orders'], skipped_remote: ['far'] });
  assert.deepEqual(readdirSync(workspace.root), []);
});

test('--quiet says nothing on standard output, and one line on standard error', async (t) => {
  const server = await TableServer.start(t, await makeParquet(t, ['orders']));
  const workspace = new Workspace(t, server.url);
  const first = await workspace.da(['sync', '--quiet']);
  assert.deepEqual([first.code, first.stdout, first.stderr], [0, '', 'sync: 1 tables, 0 errors\n']);
  const second = await workspace.da(['sync', '--quiet']);
  assert.deepEqual([second.code, second.stdout, second.stderr], [0, '', '']);
});

test('a token that is no MD5, and none, are what servers of old say: then parquet is looked for', async (t) => {
  const server = await TableServer.start(t, await makeParquet(t, ['orders', 'customers']));
  server.entries.orders = { hash: 'abcdef123456' };
  server.entries.customers = { hash: null };
  const workspace = new Workspace(t, server.url);
  assert.equal((await workspace.da(['sync'])).code, 0);
  server.requests = [];
  const again = await workspace.da(['sync']);
  assert.equal(again.code, 0);
  assert.equal(server.count('/api/data/orders'), 0, 'the token is the same');
  assert.equal(server.count('/api/data/customers'), 1, 'nothing tells whether it is the same');
  server.entries.orders.hash = '654321fedcba';
  assert.deepEqual(JSON.parse((await workspace.da(['sync', '--json'])).stdout).downloaded.includes('orders'), true);
});

test('what an older client has downloaded into its own folders is used', async (t) => {
  const tables = await makeParquet(t, ['orders', 'customers', 'old']);
  const server = await TableServer.start(t, tables);
  const workspace = new Workspace(t, server.url);
  mkdirSync(workspace.path('data/parquet'), { recursive: true });
  mkdirSync(workspace.path('server/parquet'), { recursive: true });
  writeFileSync(workspace.path('data/parquet/orders.parquet'), tables.orders);
  writeFileSync(workspace.path('data/parquet/old.parquet'), (await makeParquet(t, ['old'], 7)).old);
  writeFileSync(workspace.parquet('customers'), tables.customers);
  const run = await workspace.da(['sync', '--json']);
  assert.deepEqual(JSON.parse(run.stdout).downloaded, ['old']);
  for (const [name, bytes] of Object.entries(tables)) assert.deepEqual(workspace.read(name), bytes);
  assert.deepEqual(await workspace.views(), ['customers', 'old', 'orders']);
});

test('a table or view of the user keeps its name', async (t) => {
  const server = await TableServer.start(t, await makeParquet(t, ['mine', 'yours', 'ours']));
  const workspace = new Workspace(t, server.url);
  mkdirSync(workspace.path('user/duckdb'), { recursive: true });
  await runDuck(['CREATE TABLE mine AS SELECT 1 AS one', 'CREATE VIEW yours AS SELECT 2 AS two'],
    workspace.path('user/duckdb/analytics.duckdb'));
  const run = await workspace.da(['sync']);
  assert.equal(run.code, 0, run.stderr);
  assert.deepEqual(await workspace.rows('SELECT one, two FROM mine, yours'), [{ one: 1, two: 2 }]);
  assert.match(run.stderr, /stay hidden:\n {2}- mine\n {2}- yours\n/);
});

test('of two names that differ in case only, one has the view, and the other is told', async (t) => {
  const server = await TableServer.start(t, await makeParquet(t, ['orders', 'Orders']));
  const workspace = new Workspace(t, server.url);
  const run = await workspace.da(['sync']);
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stderr, /stay hidden:\n {2}- orders\n$/);
  assert.deepEqual(workspace.files(), ['Orders.parquet', 'orders.parquet']);
  assert.deepEqual(await workspace.rows('SELECT DISTINCT name FROM orders'), [{ name: 'Orders' }]);
});

test('garbage among the files is told and harms no view', async (t) => {
  const server = await TableServer.start(t, await makeParquet(t, ['orders']));
  const workspace = new Workspace(t, server.url);
  mkdirSync(workspace.path('server/parquet'), { recursive: true });
  writeFileSync(workspace.parquet('broken'), 'not parquet');
  writeFileSync(workspace.parquet('worse'), 'PAR1 nearly parquet PAR1');
  const run = await workspace.da(['sync']);
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stderr, /skipped 2 broken parquet file\(s\) during view rebuild:\n {2}- broken\.parquet\n {2}- worse\.parquet/);
  assert.deepEqual(await workspace.views(), ['orders']);
});

test('a workspace with quotes and spaces in its path', async (t) => {
  const server = await TableServer.start(t, await makeParquet(t, ['orders', 'with-dash.and.dot']));
  const base = new Workspace(t, server.url);
  const workspace = new Workspace(t, server.url, { folder: path.join(base.root, `it's a "place" — ž`) });
  const run = await workspace.da(['sync']);
  assert.equal(run.code, 0, run.stderr);
  assert.deepEqual(await workspace.rows('SELECT count(*)::INT AS n FROM "with-dash.and.dot"'), [{ n: 3 }]);
});

test('a symlink that leads out of the workspace is not followed', async (t) => {
  const server = await TableServer.start(t, await makeParquet(t, ['orders']));
  const workspace = new Workspace(t, server.url);
  const elsewhere = new Workspace(t, server.url).root;
  mkdirSync(workspace.path('server'));
  symlinkSync(elsewhere, workspace.path('server/parquet'));
  const run = await workspace.da(['sync']);
  assert.equal(run.code, 1);
  assert.match(run.stderr, /leads out of the folder/);
  assert.deepEqual(readdirSync(elsewhere), []);
});
