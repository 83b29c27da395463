// timeout: 300
// The server ends during a run, told to or killed, at any moment: nothing is lost, nothing is half, what was wanted is owed.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { isAlive, query } from './lib/agnesd.mjs';
import { connector, csv, drop, openSync, phasesOf, publishing, register, runSync, statusOf } from './lib/runs.mjs';
import { serve } from './lib/server.mjs';
import { until } from './lib/shop.mjs';

const KILLS = Number(process.env.AGNES_KILLS ?? (process.env.AGNES_SANITIZE ? 6 : 20)); // it is slow there

test('the server is told to end during a run: nothing is left running, and what was wanted is owed', async (t) => {
  const { folder, admin, server, options } = await openSync(t);
  connector(folder, 'slow', `#!/bin/sh\necho $$ > "$DATA_DIR/pid"\n[ -e "$DATA_DIR/go" ] || sleep 1000\n${publishing('slow', 'CREATE TABLE t AS SELECT 1 AS a;')}`);
  await register(admin, 't', { source_type: 'slow', bucket: null, source_table: null, sync_schedule: 'every 24h' });
  writeFileSync(path.join(folder, 'go'), '');
  assert.equal((await runSync(admin)).status, 'done');
  rmSync(path.join(folder, 'go'));
  rmSync(path.join(folder, 'pid'));
  await admin.post('/api/sync/trigger', ['t']);
  const pid = await until('extractor', async () => existsSync(path.join(folder, 'pid')) && Number(readFileSync(path.join(folder, 'pid'), 'utf8')));
  await server.stop();
  assert.ok(!isAlive(pid));
  const again = (await serve(t, folder, options)).client(admin.token);
  const [interrupted] = (await statusOf(again)).recent;
  assert.deepEqual([interrupted.status, phasesOf(interrupted)], ['interrupted', { t: 'waiting' }]);
  const row = (await again.get('/api/admin/registry')).body.tables[0];
  assert.equal(row.last_sync_error, null);
  writeFileSync(path.join(folder, 'go'), '');
  // By its schedule it would be due tomorrow.
  assert.deepEqual(phasesOf(await runSync(again)), { t: 'unchanged' });
  assert.deepEqual((await runSync(again)).sources, []);
});

test('an extractor outlives its killed server, and the next server starts another one: the lock decides', async (t) => {
  const settings = { sync: { attempts: 10, retry_seconds: 1 } };
  const { folder, admin, server, options } = await openSync(t, { settings });
  connector(folder, 'slow', `#!/bin/sh
mkdir "$DATA_DIR/inside" || { touch "$DATA_DIR/overlap"; exit 1; }
trap 'rmdir "$DATA_DIR/inside"; exit 1' TERM
echo >> "$DATA_DIR/tries"
[ -e "$DATA_DIR/go" ] || { sleep 1; while :; do sleep 0.1; done; }
rmdir "$DATA_DIR/inside"
${publishing('slow', 'CREATE TABLE t AS SELECT 1 AS a;')}`);
  await admin.post('/api/sync/trigger');
  await until('extractor', async () => existsSync(path.join(folder, 'tries')));
  await server.stop('SIGKILL');
  writeFileSync(path.join(folder, 'go'), '');
  const again = (await serve(t, folder, options)).client(admin.token);
  assert.equal((await statusOf(again)).recent[0].status, 'interrupted');
  const run = await runSync(again);
  assert.deepEqual([run.status, phasesOf(run)], ['done', { t: 'done' }]);
  assert.ok(!existsSync(path.join(folder, 'overlap')));
});

test(`the server is killed at ${KILLS} random moments of a run: nothing is lost, nothing is half`, async (t) => {
  // What the killed server had started may hold its source for a moment.
  const { folder, admin, server: first, options } = await openSync(t, { settings: { sync: { attempts: 6, retry_seconds: 1 } } });
  const names = ['a', 'b', 'c', 'd'];
  const dropAll = (version) => names.forEach((name) => drop(folder, `${name}.csv`, csv(20000 + version, version)));
  connector(folder, 'shop', `#!/bin/sh\n${publishing('shop', "CREATE TABLE sold AS SELECT count(*) AS n FROM read_csv('$DATA_DIR/inbox/a.csv');").replace("<<'SQL'", '<<SQL')}`);
  dropAll(0);
  const begin = Date.now();
  assert.equal((await runSync(admin)).status, 'done');
  const length = Date.now() - begin;
  let server = first;
  let versions = Object.fromEntries(names.map((name) => [name, 0]));
  for (let kill = 1; kill <= KILLS; kill++) {
    dropAll(kill);
    await server.client(admin.token).post('/api/sync/trigger');
    await new Promise((resolve) => setTimeout(resolve, Math.random() * length));
    await server.stop('SIGKILL');
    server = await serve(t, folder, options);
    versions = await assertWhole(server.client(admin.token), versions, kill);
  }
  const client = server.client(admin.token);
  const last = await runSync(client);
  assert.equal(last.status, 'done', `${JSON.stringify(last)}\n${last.status === 'done' || processes()}`);
  await assertWhole(client, Object.fromEntries(names.map((name) => [name, KILLS])), KILLS);
  assert.ok((await statusOf(client)).recent.some(({ status }) => status === 'interrupted'));
  await server.stop();
  const database = path.join(folder, 'state/system.duckdb');
  assert.deepEqual(await query("SELECT count(*)::INT AS n FROM sync_runs WHERE status = 'running' OR owed IS NOT NULL", database), [{ n: 0 }]);
  assert.deepEqual(readdirSync(path.join(folder, 'extracts/local')).filter((name) => !['.lock', '.marks.json'].includes(name)).sort(), ['data', 'extract.duckdb']);
});

// Who still holds a source.
const processes = () => execFileSync('ps', ['axfo', 'pid,ppid,pgid,etimes,ni,stat,wchan:24,args'], { encoding: 'utf8' });

// Every table is one version, the one before or a newer one, and the file that is handed out is the one that the
// manifest names. Returns the versions.
async function assertWhole(client, atLeast, atMost) {
  const { tables } = (await client.get('/api/sync/manifest')).body;
  const versions = {};
  for (const [name, least] of Object.entries(atLeast)) {
    versions[name] = tables[name].rows - 20000;
    assert.ok(versions[name] >= least && versions[name] <= atMost, `${name}: ${versions[name]} of ${least}..${atMost}`);
    const response = await fetch(`${client.url}/api/data/${name}/download`, { headers: { authorization: `Bearer ${client.token}` } });
    const bytes = Buffer.from(await response.arrayBuffer());
    // The start of the server publishes what the run before it had extracted.
    if (createHash('md5').update(bytes).digest('hex') !== tables[name].hash) return assertWhole(client, atLeast, atMost);
    const sums = (await client.post('/api/query', { sql: `SELECT count(*), sum(amount - id * 2) FROM ${name}` })).body.rows;
    const version = Number(sums[0][0]) - 20000;
    assert.equal(Number(sums[0][1]), version * (20000 + version), `${name}: rows of several versions`);
  }
  return versions;
}
