// timeout: 240
// Runs of the synchronisation over a real server: what is due, what comes of it, and what is told of it.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { atEnd, query, temporaryFolder } from './lib/agnesd.mjs';
import { analytics } from './lib/extracts.mjs';
import { listen } from './lib/events.mjs';
import { connector, csv, drop, openSync, phasesOf, publishing, register, runSync, statusOf, tablesOf, untilIdle } from './lib/runs.mjs';
import { serve } from './lib/server.mjs';
import { until } from './lib/shop.mjs';

const manifestOf = async (admin) => (await admin.get('/api/sync/manifest')).body.tables;
const stateOf = (folder, sql) => query(sql, path.join(folder, 'state/system.duckdb'), { access_mode: 'READ_ONLY' });

async function download(client, table) {
  const response = await fetch(`${client.url}/api/data/${table}/download`, { headers: { authorization: `Bearer ${client.token}` } });
  assert.equal(response.status, 200);
  return Buffer.from(await response.arrayBuffer());
}

test('a dropped file becomes a table that others can read, with its statistics, as the stream tells', async (t) => {
  const { folder, admin } = await openSync(t);
  const stream = await listen(t, admin);
  assert.equal(stream.response.headers.get('content-type'), 'text/event-stream');
  const first = await stream.until('picture', () => true);
  assert.deepEqual([first.name, first.data], ['status', { current: null, queued: null, recent: [] }]);
  drop(folder, 'orders.csv', csv(1000));
  assert.deepEqual((await admin.post('/api/sync/trigger')).body, { status: 'triggered', tables: 'all',
    message: 'Data sync started in background. Check /api/sync/status for progress.' });
  const end = await stream.until('end', ({ name, data }) => name === 'run' && data.status !== 'running');
  assert.equal(end.data.status, 'done');
  const phases = stream.events.filter(({ name, data }) => name === 'table' && data.table === 'orders').map(({ data }) => data.phase);
  assert.deepEqual([...new Set(phases)], ['extracting', 'publishing', 'done']);
  const { data } = stream.events.findLast(({ name }) => name === 'table');
  assert.deepEqual([data.run, data.source, data.rows], [end.data.id, 'local', 1000]);
  const { orders } = await manifestOf(admin);
  const bytes = await download(admin, 'orders');
  assert.equal(createHash('md5').update(bytes).digest('hex'), orders.hash);
  assert.deepEqual([bytes.length, 1000, data.bytes], [orders.size_bytes, orders.rows, orders.size_bytes]);
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const rows = await parquetReadObjects({ file, compressors });
  assert.deepEqual([rows.length, rows[7]], [1000, { id: 7n, amount: 14n }]);
  const profile = await until('profile', async () => {
    const answer = await admin.get('/api/catalog/profile/orders');
    return answer.status === 200 && answer.body;
  });
  assert.equal(profile.row_count, 1000);
  const others = await until('database for other tools', () =>
    analytics(folder, 'SELECT sum(amount)::INT AS n FROM orders').catch(() => false));
  assert.deepEqual(others, [{ n: 999000 }]);
});

test('only what is due runs, what is listed runs anyway, and what did not change is told as such', async (t) => {
  const { folder, admin } = await openSync(t, { settings: { local: { auto_register: false } } });
  for (const name of ['often', 'rarely']) drop(folder, `${name}.csv`, csv(5));
  await register(admin, 'often');
  await register(admin, 'rarely', { sync_schedule: 'every 24h' });
  assert.deepEqual(phasesOf(await runSync(admin)), { often: 'done', rarely: 'done' });
  const before = await manifestOf(admin);
  // Not due any more; the other one is looked at and found unchanged.
  assert.deepEqual(phasesOf(await runSync(admin)), { often: 'unchanged' });
  const after = await manifestOf(admin);
  assert.deepEqual(after.rarely, before.rarely);
  assert.ok(after.often.updated > before.often.updated);
  assert.equal(after.often.hash, before.often.hash);
  drop(folder, 'rarely.csv', csv(7));
  assert.deepEqual(phasesOf(await runSync(admin, ['rarely', 'nothing'])), { rarely: 'done' });
  assert.deepEqual((await runSync(admin, ['nothing'])).sources, []);
  assert.deepEqual(phasesOf(await runSync(admin, { tables: ['rarely'] })), { rarely: 'unchanged' });
  assert.equal((await manifestOf(admin)).rarely.rows, 7);
  // A version is an entry of the history; looking at what did not change is none.
  const { entries, count } = (await admin.get('/api/sync/history')).body;
  assert.deepEqual([entries.map(({ table }) => table).sort(), count], [['often', 'rarely', 'rarely'], 3]);
  const rarely = (await admin.get('/api/sync/history?table=rarely&status=ok&source=local')).body.entries;
  assert.deepEqual(rarely.map(({ rows, error }) => [rows, error]), [[7, null], [5, null]]);
  assert.ok(rarely.every(({ duration_ms }) => duration_ms >= 0));
  assert.equal((await admin.get('/api/sync/history?table=rarely&limit=1')).body.count, 1);
  assert.equal((await admin.get(`/api/sync/history?since=${encodeURIComponent(rarely[0].synced_at)}Z`)).body.count, 1);
  assert.equal((await admin.get('/api/sync/history?source=keboola')).body.count, 0);
  assert.equal((await admin.get('/api/sync/history?status=error')).body.count, 0);
  assert.equal((await admin.get('/api/sync/history?since=yesterday')).status, 422);
});

test('bodies of a trigger', async (t) => {
  const { server, admin } = await openSync(t);
  for (const body of [[], {}, null, { tables: [] }, { tables: 'all' }]) {
    const answer = await admin.post('/api/sync/trigger', body);
    assert.deepEqual([answer.status, answer.body.tables], [200, 'all'], JSON.stringify(body));
  }
  assert.deepEqual((await admin.post('/api/sync/trigger', ['a', 'b'])).body.tables, ['a', 'b']);
  for (const body of ['all', 3, [1], [['a']], { tables: 5 }, { tables: [null] }])
    assert.equal((await admin.post('/api/sync/trigger', body)).status, 422, JSON.stringify(body));
  const broken = await admin.request('POST', '/api/sync/trigger', { body: '[', headers: { 'content-type': 'application/json' } });
  assert.equal(broken.status, 422);
  assert.equal((await server.client().post('/api/sync/trigger')).status, 401);
  await untilIdle(admin);
  const { body } = await admin.get('/api/admin/audit?action=sync.trigger');
  assert.equal(body.count, 6);
});

test('a bad table costs the good ones nothing, is named everywhere, and recovers', async (t) => {
  const { folder, admin } = await openSync(t);
  drop(folder, 'good.csv', csv(3));
  drop(folder, 'bad.csv', csv(3));
  await runSync(admin);
  const before = await manifestOf(admin);
  rmSync(path.join(folder, 'inbox/bad.csv'));
  drop(folder, 'good.csv', csv(4));
  const run = await runSync(admin);
  assert.equal(run.status, 'partial');
  assert.deepEqual(phasesOf(run), { bad: 'failed', good: 'done' });
  assert.match(tablesOf(run).bad.error, /bad\.csv/);
  const after = await manifestOf(admin);
  assert.deepEqual([after.bad, after.good.rows], [before.bad, 4]);
  assert.equal((await admin.post('/api/query', { sql: 'SELECT count(*) AS n FROM bad' })).body.rows[0][0], 3);
  const rowOf = async (name) => (await admin.get('/api/admin/registry')).body.tables.find((table) => table.name === name);
  assert.match((await rowOf('bad')).last_sync_error, /bad\.csv/);
  drop(folder, 'bad.csv', csv(9));
  assert.equal((await runSync(admin)).status, 'done');
  assert.equal((await rowOf('bad')).last_sync_error, null);
  assert.equal((await manifestOf(admin)).bad.rows, 9);
});

test('runs follow each other: what is asked for meanwhile is one further run', async (t) => {
  const { folder, admin } = await openSync(t);
  connector(folder, 'slow', `#!/bin/sh\nn=$(cat "$DATA_DIR/n" 2>/dev/null || echo 0); echo $((n + 1)) > "$DATA_DIR/n"
[ $n -eq 0 ] && while [ ! -e "$DATA_DIR/go" ]; do sleep 0.05; done
${publishing('slow', "CREATE TABLE counted AS SELECT 1 AS a;")}`);
  await admin.post('/api/sync/trigger');
  await until('running', async () => existsSync(path.join(folder, 'n')));
  for (const body of [['a'], undefined, ['b'], undefined]) await admin.post('/api/sync/trigger', body);
  const { current, queued } = await statusOf(admin);
  assert.deepEqual([current.status, current.sources[0].source, current.sources[0].phase], ['running', 'slow', 'running']);
  assert.deepEqual([queued.all, queued.tables.sort()], [true, ['a', 'b']]);
  writeFileSync(path.join(folder, 'go'), '');
  await untilIdle(admin);
  const { recent } = await statusOf(admin);
  assert.deepEqual(recent.map(phasesOf), [{ counted: 'unchanged' }, { counted: 'done' }]);
  assert.equal(new Set(recent.map(({ id }) => id)).size, 2);
});

// The process that looks for new files in the inbox of `folder`, if there is one now.
const looking = (folder) => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).find((pid) => {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return words.includes('--discover') && words.includes(folder);
  } catch {
    return false; // it has ended meanwhile
  }
});

// Whether the process could be halted before it ended.
async function halt(pid) {
  const state = () => {
    try {
      return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))[1];
    } catch {
      return 'X';
    }
  };
  try {
    process.kill(pid, 'SIGSTOP');
  } catch {
    return false;
  }
  return (await until('the halt', () => /[TZX]/.test(state()) && state())) === 'T';
}

// Starts runs until one is caught, and halted, while it looks for new files.
async function haltRun(t, folder, admin) {
  for (let i = 0; i < 50; i++) {
    drop(folder, `file_${i}.csv`, csv(1));
    await admin.post('/api/sync/trigger');
    for (let status = await statusOf(admin); status.queued; status = await statusOf(admin)) {
      const pid = Number(looking(folder));
      if (!pid) continue;
      if (!(await halt(pid))) continue;
      atEnd(t, () => existsSync(`/proc/${pid}`) && process.kill(pid, 'SIGCONT'));
      return pid;
    }
  }
  return assert.fail('no run was caught');
}

test('who asks before a run has begun with a table is part of it, with the files that came', async (t) => {
  const { folder, admin } = await openSync(t);
  drop(folder, 'listed.csv', csv(1));
  await runSync(admin);
  await admin.put('/api/admin/registry/listed', { sync_schedule: 'every 24h' });
  const pid = await haltRun(t, folder, admin);
  const before = await statusOf(admin);
  drop(folder, 'late.csv', csv(1));
  await admin.post('/api/sync/trigger', ['listed']);
  await admin.post('/api/sync/trigger');
  const { current, queued } = await statusOf(admin);
  assert.deepEqual([current, queued], [null, { all: true, tables: ['listed'] }]);
  process.kill(pid, 'SIGCONT');
  const last = await untilIdle(admin, ({ id }) => id !== before.recent[0].id);
  const { recent } = await statusOf(admin);
  assert.deepEqual([recent[0].id, recent[1].id], [last.id, before.recent[0].id]);
  assert.deepEqual([phasesOf(last).listed, phasesOf(last).late], ['unchanged', 'done']);
});

test('runs are told of after a restart, idle ones once', async (t) => {
  const { folder, admin, server, options } = await openSync(t);
  drop(folder, 'a.csv', csv(1));
  const real = await runSync(admin);
  await admin.put('/api/admin/registry/a', { sync_schedule: 'every 24h' });
  const idle = [await runSync(admin), await runSync(admin), await runSync(admin)];
  assert.deepEqual(idle.map(({ sources, status }) => [sources.length, status]), [[0, 'done'], [0, 'done'], [0, 'done']]);
  await server.stop();
  assert.deepEqual(await stateOf(folder, 'SELECT status, owed FROM sync_runs ORDER BY started_at'),
    [{ status: 'done', owed: null }, { status: 'done', owed: null }]);
  const again = (await serve(t, folder, options)).client(admin.token);
  const { recent } = await statusOf(again);
  assert.deepEqual(recent.map(({ id }) => id), [idle[2].id, real.id]);
  assert.deepEqual(recent[1], real);
});

test('materialized tables and others of a connector in another language', async (t) => {
  const { folder, admin } = await openSync(t);
  connector(folder, 'shop', `#!/bin/sh
request=$(cat)
case "$request" in *'"query_mode":"materialized"'*)
  sql=$(printf %s "$request" | sed 's/.*"source_query":"\\([^"]*\\)".*/\\1/')
  "$AGNESD" extract-write shop <<SQL
CREATE TABLE monthly AS $sql;
SQL
  ;;
*) ${publishing('shop', 'CREATE TABLE sold AS SELECT 2 AS a;')} ;; esac\n`);
  await register(admin, 'sold', { source_type: 'shop', bucket: null, source_table: null });
  await register(admin, 'monthly', { source_type: 'shop', bucket: null, source_table: null, query_mode: 'materialized', source_query: 'SELECT 40 + 2 AS answer' });
  const run = await runSync(admin);
  assert.equal(run.status, 'done', JSON.stringify(run));
  assert.deepEqual(phasesOf(run), { monthly: 'done', sold: 'done' });
  assert.equal((await admin.post('/api/query', { sql: 'SELECT answer FROM monthly' })).body.rows[0][0], 42);
  assert.equal((await manifestOf(admin)).monthly.query_mode, 'materialized');
  // Queries run hourly unless they say otherwise; a failing one keeps its last version.
  assert.deepEqual(phasesOf(await runSync(admin)), { sold: 'unchanged' });
  const changed = await admin.put('/api/admin/registry/monthly', { query_mode: 'materialized', source_query: 'SELECT nonsense' });
  assert.equal(changed.status, 200, JSON.stringify(changed.body));
  const failed = await runSync(admin, ['monthly']);
  assert.deepEqual([failed.status, phasesOf(failed)], ['failed', { monthly: 'failed' }]);
  assert.match(tablesOf(failed).monthly.error, /nonsense/);
  assert.equal((await admin.post('/api/query', { sql: 'SELECT answer FROM monthly' })).body.rows[0][0], 42);
});

test('sources that there is no connector for', async (t) => {
  const { folder, admin } = await openSync(t);
  await register(admin, 'pushed', { source_type: 'jira', bucket: null, source_table: null });
  await register(admin, 'asked', { source_type: 'local', bucket: null, source_table: null, query_mode: 'materialized', source_query: 'SELECT 1' });
  assert.equal((await admin.post('/api/admin/register-table', { name: 'x', source_type: 'unheard' })).status, 422);
  const run = await runSync(admin);
  assert.deepEqual(phasesOf(run), { asked: 'failed' });
  assert.match(tablesOf(run).asked.error, /materialized path not supported for source_type='local'/);
  const listed = await runSync(admin, ['pushed']);
  assert.match(tablesOf(listed).pushed.error, /no connector for source_type='jira'/);
  assert.ok(!existsSync(path.join(folder, 'extracts/jira')));
});

test('new files become tables, but not those that are read already, nor against the wish', async (t) => {
  const { folder, admin } = await openSync(t);
  drop(folder, 'a-b.csv', csv(1));
  drop(folder, 'part1.csv', csv(1));
  drop(folder, 'part2.csv', csv(1));
  drop(folder, 'notes.pdf', 'x');
  await register(admin, 'parts', { source_table: 'part*.csv' });
  assert.deepEqual(phasesOf(await runSync(admin)), { a_b: 'done', parts: 'done' });
  const { tables } = (await admin.get('/api/admin/registry')).body;
  const found = tables.find(({ name }) => name === 'a_b');
  assert.deepEqual([found.registered_by, found.source_table, found.bucket], ['auto-discovery', 'a-b.csv', 'inbox']);
  // Somebody else may read it only when it is granted.
  const ann = await admin.addUser('ann@example.com');
  assert.deepEqual(await manifestOf(ann), {});
  // Who removes a table means it, as long as the folder is as it was.
  await until('the folder to be old', async () => Date.now() - Date.parse(found.registered_at + 'Z') > 2500);
  await runSync(admin);
  await admin.delete('/api/admin/registry/a_b');
  assert.deepEqual(phasesOf(await runSync(admin)), { parts: 'unchanged' });
});

test('what is old is let go of', async (t) => {
  const { folder, admin, server, options } = await openSync(t, { settings: { retention: { history_days: 10, runs_days: 1, audit_days: 5 } } });
  drop(folder, 'a.csv', csv(1));
  await runSync(admin);
  drop(folder, 'a.csv', csv(2));
  await runSync(admin);
  await server.stop();
  const database = path.join(folder, 'state/system.duckdb');
  for (const statement of ["UPDATE sync_history SET synced_at = synced_at - INTERVAL 20 DAY",
    "UPDATE audit_log SET timestamp = timestamp - INTERVAL 6 DAY WHERE action = 'sync.trigger'",
    "UPDATE sync_runs SET finished_at = finished_at - INTERVAL 2 DAY"])
    await query(statement, database);
  const files = () => readdirSync(path.join(folder, 'published/local')).filter((name) => name.endsWith('.parquet'));
  assert.equal(files().length, 2);
  const again = await serve(t, folder, options);
  const client = again.client(admin.token);
  await until('cleaning', async () => (await client.get('/api/admin/audit?action=sync.trigger')).body.count === 0);
  assert.match(again.log, /were removed/);
  // The newest entry of a table stays, however old.
  const { entries } = (await client.get('/api/sync/history')).body;
  assert.deepEqual(entries.map(({ rows }) => rows), [2]);
  assert.ok((await client.get('/api/admin/audit')).body.count > 0);
  await again.stop();
  assert.deepEqual(await stateOf(folder, 'SELECT count(*)::INT AS n FROM sync_runs'), [{ n: 0 }]);
});

// Clock ticks that the server's threads of that name have computed.
function ticksOf(server, name) {
  const folder = `/proc/${server.child.pid}/task`;
  const stats = readdirSync(folder).map((id) => readFileSync(`${folder}/${id}/stat`, 'utf8'));
  return stats.filter((stat) => stat.includes(`(${name})`))
    .reduce((sum, stat) => sum + stat.split(') ')[1].split(' ').slice(11, 13).reduce((a, b) => a + Number(b), 0), 0);
}

test('who listens: limits, leaving, and the end of the server', async (t) => {
  const { folder, admin, server } = await openSync(t);
  const streams = await Promise.all(Array.from({ length: 64 }, () => listen(t, admin)));
  await Promise.all(streams.map((stream) => stream.until('picture', () => true)));
  const refused = await listen(t, admin);
  assert.equal(refused.response.status, 503);
  await refused.ended.catch(() => {});
  for (const stream of streams.slice(1)) stream.close();
  const another = await until('a free place', async () => {
    const stream = await listen(t, admin);
    return stream.response.status === 200 && stream;
  });
  // Who left is not asked again and again until there is something to write.
  assert.ok(ticksOf(server, 'events') < 100, `${ticksOf(server, 'events')} ticks`);
  drop(folder, 'a.csv', csv(1));
  await admin.post('/api/sync/trigger');
  for (const stream of [streams[0], another])
    await stream.until('end', ({ name, data }) => name === 'run' && data.status === 'done');
  const ann = await admin.addUser('ann@example.com');
  assert.equal((await ann.get('/api/sync/events')).status, 403);
  // The end of a stream is an end, and does not hold up the server's.
  const begin = Date.now();
  const stopped = server.stop();
  await Promise.all([streams[0].ended, another.ended]);
  await stopped;
  t.diagnostic(`stopped in ${Date.now() - begin} ms`);
  assert.doesNotMatch(server.log, /CRITICAL/);
});
