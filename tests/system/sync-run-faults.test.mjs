// timeout: 300
// What may go wrong in a run of the synchronisation: extractors and sources that misbehave, disks that fill, and a
// server that is killed at any moment. The last good version always stays, and the other sources are not held up.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { isAlive, query } from './lib/agnesd.mjs';
import { fill, smallDisk } from './lib/disk.mjs';
import { connector, csv, drop, openSync, phasesOf, publishing, register, runSync, statusOf, tablesOf, untilIdle } from './lib/runs.mjs';
import { serve } from './lib/server.mjs';
import { until } from './lib/shop.mjs';

const KILLS = Number(process.env.AGNES_KILLS ?? 8);

// A connector that works until the file `broken` is there, and then does `wrong`.
const fickle = (folder, name, wrong) => connector(folder, name, `#!/bin/sh
set -e
if [ -e "$DATA_DIR/broken" ]; then
${wrong}
fi
${publishing(name, `CREATE TABLE ${name}_table AS SELECT 1 AS a;`)}`);
const breakIt = (folder) => writeFileSync(path.join(folder, 'broken'), '');
const mendIt = (folder) => rmSync(path.join(folder, 'broken'));
const count = async (admin, table) => Number((await admin.post('/api/query', { sql: `SELECT count(*) AS n FROM ${table}` })).body.rows[0][0]);

// The numbers of the processes below `pid`, with their command lines.
function below(pid) {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    try {
      const parent = Number(/^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))[1]);
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      return parent === pid ? [{ pid: Number(name), command }, ...below(Number(name))] : [];
    } catch {
      return []; // it has ended meanwhile
    }
  });
}

const extractorOf = (server, source) => below(server.child.pid).find(({ command }) => command.startsWith('agnesd extract') && command.endsWith(` ${source}`));
const memoryOf = (pid) => Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;

const wrongs = {
  'never ends': { text: 'sleep 1000', error: /did not end in time/ },
  'ignores being told to end': { text: `trap '' TERM; while :; do sleep 1; done`, error: /did not end in time/ },
  crashes: { text: 'kill -SEGV $$', error: /signal 11/, attempts: 2 },
  'writes garbage': {
    text: `head -c 100000 /dev/urandom; head -c 5000 /dev/urandom > "$DATA_DIR/extracts/$AGNES_SOURCE/extract.duckdb"; exit 0`,
    error: /./,
  },
  'says nonsense': { text: `echo '{"tables_extracted":"many","errors":7}'; echo '[[[[1]'; exit 3`, error: /code 3/ },
  'prints without end': { text: 'yes nonsense', error: /more than \d+ bytes|more than \d+ in all/ },
};

for (const [what, { text, error, attempts }] of Object.entries(wrongs)) {
  test(`an extractor that ${what}`, async (t) => {
    const settings = { sync: { timeout_seconds: 4, attempts: 2, retry_seconds: 0 } };
    const { folder, admin, server } = await openSync(t, { settings });
    fickle(folder, 'odd', text);
    drop(folder, 'good.csv', csv(3));
    assert.deepEqual(phasesOf(await runSync(admin)), { good: 'done', odd_table: 'done' });
    breakIt(folder);
    drop(folder, 'good.csv', csv(4));
    const run = await runSync(admin);
    assert.equal(run.status, 'partial');
    assert.deepEqual(phasesOf(run), { good: 'done', odd_table: 'failed' });
    assert.match(tablesOf(run).odd_table.error, error);
    if (attempts) assert.equal(run.sources.find(({ source }) => source === 'odd').attempts, attempts);
    assert.deepEqual([await count(admin, 'odd_table'), await count(admin, 'good')], [1, 4]);
    assert.ok(!below(server.child.pid).some(({ command }) => /extract|sleep|yes/.test(command)));
    mendIt(folder);
    assert.equal((await runSync(admin)).status, 'done');
  });
}

test('an extractor that prints a gigabyte of log', async (t) => {
  const { folder, admin, server } = await openSync(t);
  fickle(folder, 'odd', 'yes "a line of a log that nobody will ever read" | head -c 1000000000 >&2');
  breakIt(folder);
  const run = await runSync(admin);
  assert.deepEqual(phasesOf(run), { odd_table: 'done' });
  if (!process.env.ASAN_OPTIONS) assert.ok(memoryOf(server.child.pid) < 400, `${memoryOf(server.child.pid)} MB`);
  assert.ok(server.log.length < 1e6);
});

test('an extractor that is killed is started again', async (t) => {
  const { folder, admin, server } = await openSync(t, { settings: { sync: { retry_seconds: 0 } } });
  fickle(folder, 'odd', 'echo >> "$DATA_DIR/tries"; [ $(wc -l < "$DATA_DIR/tries") -gt 1 ] || sleep 1000');
  breakIt(folder);
  await admin.post('/api/sync/trigger');
  await until('extractor', async () => existsSync(path.join(folder, 'tries')));
  process.kill(extractorOf(server, 'odd').pid, 'SIGKILL');
  const run = await untilIdle(admin);
  assert.deepEqual([run.status, phasesOf(run)], ['done', { odd_table: 'done' }]);
  assert.ok(run.sources[0].attempts >= 2);
});

test('a source that vanishes half-way', async (t) => {
  const { folder, admin } = await openSync(t);
  connector(folder, 'shop', `#!/bin/sh
${publishing('shop', "CREATE TABLE a AS SELECT range AS i FROM range(10);")}
[ -e "$DATA_DIR/broken" ] || { ${publishing('shop', 'CREATE TABLE b AS SELECT 1 AS i;')} exit 0; }
echo '{"event":"table","table":"b","state":"failed","error":"the source went away"}'
echo '{"tables_extracted":1,"tables_failed":1,"errors":[{"table":"b","error":"the source went away"}]}'
exit 2\n`);
  for (const name of ['a', 'b']) await register(admin, name, { source_type: 'shop', bucket: null, source_table: null });
  assert.deepEqual(phasesOf(await runSync(admin)), { a: 'done', b: 'done' });
  breakIt(folder);
  const run = await runSync(admin);
  assert.deepEqual([run.status, phasesOf(run)], ['partial', { a: 'unchanged', b: 'failed' }]);
  assert.equal(tablesOf(run).b.error, 'the source went away');
  assert.equal(await count(admin, 'b'), 1);
  // The whole folder of the inbox, too.
  drop(folder, 'local.csv', csv(2));
  await runSync(admin);
  rmSync(path.join(folder, 'inbox'), { recursive: true });
  assert.equal(phasesOf(await runSync(admin)).local, 'failed');
  assert.equal(await count(admin, 'local'), 2);
});

test('an extractor that fills the disk', async (t) => {
  const disk = smallDisk(t, 64);
  if (!disk) return t.skip('no file system can be mounted here');
  const { folder, admin } = await openSync(t, { folder: disk });
  fickle(folder, 'odd', publishing('odd', 'CREATE TABLE odd_table AS SELECT uuid()::VARCHAR || uuid()::VARCHAR AS a FROM range(2000000);'));
  const first = await runSync(admin);
  assert.deepEqual(phasesOf(first), { odd_table: 'done' }, JSON.stringify(first));
  breakIt(folder);
  const run = await runSync(admin);
  assert.deepEqual(phasesOf(run), { odd_table: 'failed' });
  assert.match(tablesOf(run).odd_table.error, /[Nn]o space|could not write|exited with code/);
  assert.equal(await count(admin, 'odd_table'), 1);
  const release = fill(folder, 100000);
  const full = await runSync(admin);
  assert.equal(phasesOf(full).odd_table, 'failed');
  release();
  mendIt(folder);
  assert.equal((await runSync(admin)).status, 'done');
});

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
  assert.equal(last.status, 'done', JSON.stringify(last));
  await assertWhole(client, Object.fromEntries(names.map((name) => [name, KILLS])), KILLS);
  assert.ok((await statusOf(client)).recent.some(({ status }) => status === 'interrupted'));
  await server.stop();
  const database = path.join(folder, 'state/system.duckdb');
  assert.deepEqual(await query("SELECT count(*)::INT AS n FROM sync_runs WHERE status = 'running' OR owed IS NOT NULL", database), [{ n: 0 }]);
  assert.deepEqual(readdirSync(path.join(folder, 'extracts/local')).filter((name) => !['.lock', '.marks.json'].includes(name)).sort(), ['data', 'extract.duckdb']);
});

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
