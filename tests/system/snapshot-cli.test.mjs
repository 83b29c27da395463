// `da fetch`, `da snapshot` and `da disk-info`: snapshots of scans, their sidecars, and what may go wrong with them.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import test from 'node:test';
import { atEnd } from './lib/agnesd.mjs';
import { run as runDuck } from './lib/extracts.mjs';
import { openShop } from './lib/shop.mjs';
import { makeParquet, TableServer, Workspace } from './lib/workspace.mjs';

const KEYS = ['name', 'table_id', 'select', 'where', 'limit', 'order_by', 'fetched_at', 'effective_as_of', 'rows', 'bytes_local',
  'estimated_scan_bytes_at_fetch', 'result_hash_md5'];

/** A server that answers scans with parquet; `scans` are the bodies that it got. */
async function scanServer(t) {
  const files = await makeParquet(t, ['events', 'more'], 1, 1234);
  const server = await TableServer.start(t, {});
  server.scans = [];
  server.body = files.events;
  server.status = 200;
  server.type = 'application/vnd.apache.parquet';
  server.headers = {};
  server.estimate = { table_id: 'events', estimated_scan_bytes: 123456789, estimated_result_rows: null, estimated_result_bytes: 42, bq_cost_estimate_usd: 0.00056 };
  server.onOther = (request, response) => {
    let text = '';
    request.on('data', (chunk) => { text += chunk; });
    request.on('end', () => {
      server.scans.push({ url: request.url, accept: request.headers.accept, body: JSON.parse(text || 'null') });
      const estimating = request.url.endsWith('/estimate');
      const status = estimating ? server.estimateStatus ?? 200 : server.status;
      response.writeHead(status, { 'content-type': estimating || status !== 200 ? 'application/json' : server.type, ...server.headers });
      if (status !== 200) response.end('{"detail": "refused"}');
      else response.end(estimating ? JSON.stringify(server.estimate) : server.body);
    });
    return true;
  };
  return { server, workspace: new Workspace(t, server.url), files };
}

const sidecar = (workspace, name) => JSON.parse(readFileSync(workspace.path(`user/snapshots/${name}.meta.json`), 'utf8'));
const snapshots = (workspace) => {
  const folder = workspace.path('user/snapshots');
  return existsSync(folder) ? readdirSync(folder).filter((name) => name !== '.lock').sort() : [];
};

test('a fetch: the estimate, the request, the file, the sidecar, the view', async (t) => {
  const { server, workspace } = await scanServer(t);
  const run = await workspace.da(['fetch', 'events', '--select', 'id, name,,', '--where', 'id > 5', '--limit', '100', '--order-by', 'id DESC', '--as', 'a_part']);
  assert.equal(run.code, 0, run.stderr);
  assert.equal(run.stdout, `Estimate for events:
  estimated_scan_bytes:       123,456,789 bytes
  estimated_result_rows:                0
  estimated_result_bytes:              42 bytes
  bq_cost_estimate_usd:   $ 0.0006
Fetched 1,234 rows -> a_part
`);
  const request = { table_id: 'events', select: ['id', 'name'], where: 'id > 5', limit: 100, order_by: ['id DESC'] };
  assert.deepEqual(server.scans.map(({ url, body }) => [url, body]), [['/api/v2/scan/estimate', request], ['/api/v2/scan', request]]);
  assert.equal(server.scans[1].accept, 'application/vnd.apache.parquet');
  const meta = sidecar(workspace, 'a_part');
  assert.deepEqual(Object.keys(meta), KEYS);
  const bytes = readFileSync(workspace.path('user/snapshots/a_part.parquet'));
  assert.deepEqual(meta, { name: 'a_part', table_id: 'events', select: ['id', 'name'], where: 'id > 5', limit: 100, order_by: ['id DESC'],
    fetched_at: meta.fetched_at, effective_as_of: meta.fetched_at, rows: 1234, bytes_local: bytes.length,
    estimated_scan_bytes_at_fetch: 123456789, result_hash_md5: createHash('md5').update(bytes.subarray(0, 1_000_000)).digest('hex') });
  assert.match(meta.fetched_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/);
  assert.deepEqual(await workspace.rows('SELECT count(*)::INT AS n FROM a_part'), [{ n: 1234 }]);
  assert.deepEqual(snapshots(workspace), ['a_part.meta.json', 'a_part.parquet']);
});

test('what is refused before the server is asked', async (t) => {
  const { server, workspace } = await scanServer(t);
  for (const name of ['../x', 'a.b', 'a-b', "it's", 'a"b', 'x'.repeat(65), 'new\nline', 'ok\n', '1st']) {
    const run = await workspace.da(['fetch', name]);
    assert.equal(run.code, 2, name);
    assert.match(run.stderr, /not a safe identifier/);
  }
  assert.equal((await workspace.da(['fetch', 'events', '--limit', '0'])).code, 2);
  assert.equal((await workspace.da(['fetch', 'events', '--estimate', '--no-estimate'])).code, 0);
  assert.equal(server.scans.length, 0);
  const estimate = await workspace.da(['fetch', 'events', '--estimate']);
  assert.equal(estimate.code, 0);
  assert.deepEqual([server.scans.length, snapshots(workspace)], [1, []]);
});

test('a snapshot that exists is kept without --force, and nothing is scanned', async (t) => {
  const { server, workspace, files } = await scanServer(t);
  assert.equal((await workspace.da(['fetch', 'events', '--no-estimate'])).code, 0);
  server.scans = [];
  server.body = files.more;
  const again = await workspace.da(['fetch', 'events', '--no-estimate']);
  assert.equal(again.code, 6);
  assert.match(again.stderr, /already exists .*1,234 rows.*--force.*da snapshot refresh events/);
  assert.equal(server.scans.length, 0);
  assert.equal((await workspace.da(['fetch', 'events', '--no-estimate', '--force'])).code, 0);
  assert.deepEqual(await workspace.rows('SELECT DISTINCT name FROM events'), [{ name: 'more' }]);
});

test('each status has its exit code, and leaves nothing', async (t) => {
  const { server, workspace } = await scanServer(t);
  for (const [status, code] of [[400, 2], [401, 7], [403, 8], [404, 8], [429, 3], [500, 5], [502, 5], [422, 9]]) {
    server.status = status;
    server.estimateStatus = 200;
    const run = await workspace.da(['fetch', 'events']);
    assert.equal(run.code, code, String(status));
    assert.match(run.stderr, new RegExp(`Error: fetch failed: HTTP ${status}`));
    server.estimateStatus = status;
    const estimate = await workspace.da(['fetch', 'events']);
    assert.equal(estimate.code, code);
    assert.match(estimate.stderr, new RegExp(`Error: estimate failed: HTTP ${status}`));
    assert.deepEqual(snapshots(workspace), []);
  }
  await server.stop();
  assert.equal((await workspace.da(['fetch', 'events'])).code, 1);
});

test('a server that only knows Arrow, one that breaks off, and one that sends rubbish', async (t) => {
  const { server, workspace } = await scanServer(t);
  server.type = 'application/vnd.apache.arrow.stream';
  const arrow = await workspace.da(['fetch', 'events', '--no-estimate']);
  assert.equal(arrow.code, 1);
  assert.match(arrow.stderr, /sends scans as application\/vnd\.apache\.arrow\.stream only/);
  server.type = 'application/vnd.apache.parquet';
  const previous = server.onOther;
  server.onOther = (request, response) => {
    response.writeHead(200, { 'content-type': server.type, 'content-length': 1_000_000 }).write('PAR1');
    setTimeout(() => response.destroy(), 50);
    return true;
  };
  assert.equal((await workspace.da(['fetch', 'events', '--no-estimate'])).code, 1);
  server.onOther = previous;
  server.body = Buffer.from('PAR1 rubbish PAR1');
  assert.equal((await workspace.da(['fetch', 'events', '--no-estimate'])).code, 1);
  assert.deepEqual(snapshots(workspace), []);
});

test('a result that the server has cut is told', async (t) => {
  const { server, workspace } = await scanServer(t);
  server.headers = { 'X-Agnes-Truncated': 'true' };
  const run = await workspace.da(['fetch', 'events', '--no-estimate']);
  assert.equal(run.code, 0);
  assert.match(run.stderr, /cut the result at its size limit/);
});

test('a snapshot never takes the name of a synced table or of one of the user', async (t) => {
  const { server, workspace } = await scanServer(t);
  Object.assign(server.tables, await makeParquet(t, ['orders']));
  assert.equal((await workspace.da(['sync'])).code, 0);
  await runDuck(['CREATE TABLE mine AS SELECT 1 AS one'], workspace.path('user/duckdb/analytics.duckdb'));
  server.scans = [];
  for (const name of ['orders', 'ORDERS', 'mine']) {
    const run = await workspace.da(['fetch', 'events', '--no-estimate', '--as', name]);
    assert.equal(run.code, 2, run.stderr);
    assert.match(run.stderr, /--as/);
  }
  assert.equal(server.scans.length, 0);
  assert.deepEqual(snapshots(workspace), []);
});

test('snapshots live through a sync, and come back after an older client has dropped their views', async (t) => {
  const { server, workspace } = await scanServer(t);
  await workspace.da(['fetch', 'events', '--no-estimate']);
  await runDuck(['DROP VIEW events'], workspace.path('user/duckdb/analytics.duckdb'));
  Object.assign(server.tables, await makeParquet(t, ['orders']));
  assert.equal((await workspace.da(['sync'])).code, 0);
  assert.deepEqual(await workspace.views(), ['events', 'orders']);
});

test('refresh: all five members, another condition, and what it tells', async (t) => {
  const { server, workspace, files } = await scanServer(t);
  await workspace.da(['fetch', 'events', '--where', 'id > 1']);
  server.scans = [];
  server.body = (await makeParquet(t, ['events'], 2, 1000)).events;
  await runDuck(['DROP VIEW events'], workspace.path('user/duckdb/analytics.duckdb'));
  const run = await workspace.da(['snapshot', 'refresh', 'events', '--where', 'id > 2']);
  assert.equal(run.code, 0, run.stderr);
  assert.deepEqual(server.scans.map(({ body }) => body), [{ table_id: 'events', select: null, where: 'id > 2', limit: null, order_by: null }]);
  assert.match(run.stdout, /^Refreshed events\n {2}rows: {16}1,234 {2}-> {7}1,000 {2}\(-234\)\n {2}bytes_local: {4}.* {2}-> .*\n {2}effective_as_of:.*\n {2}identical: {6}no\n$/);
  const meta = sidecar(workspace, 'events');
  assert.deepEqual([meta.where, meta.rows, meta.estimated_scan_bytes_at_fetch], ['id > 2', 1000, 123456789]);
  assert.deepEqual(await workspace.rows('SELECT count(*)::INT AS n FROM events'), [{ n: 1000 }]);
  const same = await workspace.da(['snapshot', 'refresh', 'events']);
  assert.match(same.stdout, /identical: {6}yes/);
  for (const [status, code] of [[500, 5], [403, 8], [404, 2]]) {
    server.status = status;
    assert.equal((await workspace.da(['snapshot', 'refresh', 'events'])).code, code);
  }
  assert.equal(sidecar(workspace, 'events').rows, 1000, 'the last good one stays');
  assert.ok(files);
});

test('names that there are not, or that are not names', async (t) => {
  const { workspace } = await scanServer(t);
  mkdirSync(workspace.path('user/snapshots'), { recursive: true });
  writeFileSync(workspace.path('user/victim.meta.json'), '{}');
  for (const name of ['nobody', '../victim', 'a"b', '']) {
    for (const verb of ['drop', 'refresh']) {
      const run = await workspace.da(['snapshot', verb, name]);
      assert.equal(run.code, 2, `${verb} ${name}`);
      assert.match(run.stderr, /not found/);
    }
  }
  assert.ok(existsSync(workspace.path('user/victim.meta.json')));
});

test('list, drop and prune', async (t) => {
  const { workspace } = await scanServer(t);
  assert.equal((await workspace.da(['snapshot', 'list'])).stdout, '(no snapshots)\n');
  for (const name of ['b', 'a', 'c']) await workspace.da(['fetch', 'events', '--no-estimate', '--as', name]);
  writeFileSync(workspace.path('user/snapshots/broken.meta.json'), '{"name": "broken"}');
  const old = { ...sidecar(workspace, 'c'), fetched_at: '2020-01-01T00:00:00Z' };
  writeFileSync(workspace.path('user/snapshots/c.meta.json'), JSON.stringify(old));
  assert.deepEqual(JSON.parse((await workspace.da(['snapshot', 'list', '--json'])).stdout).map(({ name }) => name), ['a', 'b', 'c']);
  const text = await workspace.da(['snapshot', 'list']);
  assert.match(text.stdout, /^NAME {34}ROWS {8}SIZE {9}AGE {2}TABLE {27}WHERE\na {36}1,234 /);
  assert.match(text.stdout, /c .* \d{4}d {2}events/);

  assert.equal((await workspace.da(['snapshot', 'drop', 'a'])).stdout, 'Dropped a\n');
  assert.deepEqual(await workspace.views(), ['b', 'c']);
  const dry = await workspace.da(['snapshot', 'prune', '--older-than', '1d', '--dry-run']);
  assert.match(dry.stdout, /^would drop: c {2}\(.*, 2020-01-01T00:00:00Z\)\n$/);
  assert.equal((await workspace.da(['snapshot', 'prune', '--older-than', '1d', '--larger-than', '1g'])).stdout, '(no matches)\n');
  for (const args of [['--older-than', 'soon'], ['--larger-than', 'big'], ['--older-than', '5'], ['--larger-than', '-1']]) {
    assert.equal((await workspace.da(['snapshot', 'prune', ...args])).code, 2, args.join(' '));
  }
  assert.equal((await workspace.da(['snapshot', 'prune', '--older-than', '1d', '--larger-than', '0.1k'])).stdout, 'dropped: c\n');
  assert.equal((await workspace.da(['snapshot', 'prune'])).stdout, 'dropped: b\n');
  assert.deepEqual(await workspace.views(), []);
});

test('the lock is the one that other clients take', async (t) => {
  const { workspace } = await scanServer(t);
  await workspace.da(['fetch', 'events', '--no-estimate']);
  const holder = spawn('flock', ['--exclusive', workspace.path('user/snapshots/.lock'), 'sh', '-c', 'echo held; read line'], { stdio: ['pipe', 'pipe', 'inherit'] });
  atEnd(t, () => holder.kill('SIGKILL'));
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  let done = false;
  const dropping = workspace.da(['snapshot', 'drop', 'events']).then((run) => { done = true; return run; });
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.equal(done, false);
  assert.ok(existsSync(workspace.path('user/snapshots/events.parquet')));
  holder.stdin.end('\n');
  assert.equal((await dropping).code, 0);
});

test('disk-info', async (t) => {
  const { workspace } = await scanServer(t);
  const empty = await workspace.da(['disk-info']);
  assert.match(empty.stdout, /^Snapshots dir: {4}.*user\/snapshots\nUsed by Agnes: {4}0\.0 B across 0 snapshots\nFree disk: {8}[\d.]+ [KMGT]?B\nConfigured cap: {3}10 GB/);
  await workspace.da(['fetch', 'events', '--no-estimate']);
  const json = await workspace.da(['disk-info', '--json'], { env: { AGNES_SNAPSHOT_QUOTA_GB: '3' } });
  assert.equal(json.stdout.split('\n').length, 2);
  const info = JSON.parse(json.stdout);
  assert.deepEqual(Object.keys(info), ['snapshots_dir', 'used_bytes', 'snapshot_count', 'free_bytes', 'quota_gb']);
  assert.deepEqual([info.snapshot_count, info.quota_gb], [1, 3]);
  const size = ['events.parquet', 'events.meta.json'].reduce((sum, name) => sum + statSync(workspace.path('user/snapshots', name)).size, 0);
  assert.equal(info.used_bytes, size);
});

test('a real server: fetch, query, refresh, and what it refuses', async (t) => {
  const { server, admin } = await openShop(t);
  await admin.post('/api/admin/register-table', { name: 'orders', source_type: 'shop', query_mode: 'local' });
  const workspace = new Workspace(t, server.url, { token: admin.token });
  const run = await workspace.da(['fetch', 'orders', '--select', 'amount,id', '--where', 'id >= 990', '--order-by', 'id DESC', '--limit', '3', '--as', 'last']);
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stdout, /Fetched 3 rows -> last\n$/);
  const query = await workspace.da(['query', '--format', 'json', 'SELECT id FROM last']);
  assert.deepEqual(JSON.parse(query.stdout), [{ id: 999 }, { id: 998 }, { id: 997 }]);
  const refresh = await workspace.da(['snapshot', 'refresh', 'last', '--where', 'id < 2']);
  assert.match(refresh.stdout, /rows: {20}3 {2}-> {11}2 {2}\(-1\)/);
  assert.equal((await workspace.da(['fetch', 'orders', '--where', 'nobody = 1', '--as', 'x'])).code, 2);
  assert.equal((await workspace.da(['fetch', 'nobody'])).code, 8);
});
