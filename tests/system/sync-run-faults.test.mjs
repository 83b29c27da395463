// timeout: 300
// What may go wrong in a run of the synchronisation: extractors and sources that misbehave, and disks that fill. The last
// good version always stays, and the other sources are not held up.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { fill, smallDisk } from './lib/disk.mjs';
import { connector, csv, drop, openSync, phasesOf, publishing, register, runSync, tablesOf, untilIdle } from './lib/runs.mjs';
import { until } from './lib/shop.mjs';

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
  'never ends': { text: 'sleep 1000', error: /did not end in time/, seconds: 3 },
  'ignores being told to end': { text: `trap '' TERM; while :; do sleep 1; done`, error: /did not end in time/, seconds: 3 },
  crashes: { text: 'kill -KILL $$', error: /signal 9/, attempts: 2 },
  'writes garbage': {
    text: `head -c 100000 /dev/urandom; head -c 5000 /dev/urandom > "$DATA_DIR/extracts/$AGNES_SOURCE/extract.duckdb"; exit 0`,
    error: /./,
  },
  'says nonsense': { text: `echo '{"tables_extracted":"many","errors":7}'; echo '[[[[1]'; exit 3`, error: /code 3/ },
  'prints without end': { text: 'yes nonsense', error: /more than \d+ bytes|more than \d+ in all/ },
};

for (const [what, { text, error, attempts, seconds = 120 }] of Object.entries(wrongs)) {
  test(`an extractor that ${what}`, async (t) => {
    const settings = { sync: { timeout_seconds: seconds, attempts: 2, retry_seconds: 0 } };
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
