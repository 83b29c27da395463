// Connectors in other languages: the example of docs/CONNECTORS.md as it stands there, and what a program may do wrong.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { AGNESD, agnesd, collect, isAlive, temporaryFolder } from './lib/agnesd.mjs';
import { meta, readTable } from './lib/local.mjs';

const DOCUMENT = readFileSync(new URL('../../docs/CONNECTORS.md', import.meta.url), 'utf8');
const RESULT = '{"tables_extracted":0,"tables_failed":0,"errors":[]}';

// A data directory and a folder of connectors with one program in it.
function withConnector(t, name, text, file = 'extractor') {
  const folder = temporaryFolder(t);
  const connectors = path.join(folder, 'connectors');
  mkdirSync(path.join(connectors, name), { recursive: true });
  writeFileSync(path.join(connectors, name, file), text);
  if (file === 'extractor') chmodSync(path.join(connectors, name, file), 0o755);
  return { folder, env: { CONNECTORS_DIR: connectors, DATA_DIR: folder } };
}

const publish = (source, sql) => `"$AGNESD" extract-write ${source} <<'SQL'\n${sql}\nSQL\n`;
const extract = (name, { env }, input = '', rest = {}) => agnesd(['extract', name], { env, input, ...rest });
const lastLine = ({ stdout }) => JSON.parse(stdout.trim().split('\n').at(-1));

test('the example of the document runs as it stands there', async (t) => {
  const [, example] = /It is\s*\n`connectors\/custom\/disks\/extractor`:\s*```sh\n(.*?)```/s.exec(DOCUMENT);
  const place = withConnector(t, 'disks', example);
  const run = await extract('disks', place);
  assert.equal(run.code, 0, run.stderr);
  assert.deepEqual(lastLine(run), { tables_extracted: 1, tables_failed: 0, errors: [] });
  const [row] = await meta(place.folder, 'disks');
  assert.deepEqual([row.table_name, row.description, row.query_mode], ['disks', 'File systems of the server', 'local']);
  // Not that of '/': in a chroot df does not list it.
  const mine = spawnSync('df', ['-kP'], { encoding: 'utf8' }).stdout.split('\n')[1].split(/ +/);
  const rows = await readTable(place.folder, 'disks', { source: 'disks', rest: `WHERE mounted_on = '${mine[5]}'` });
  assert.equal(Number(rows[0].size_bytes), Number(mine[1]) * 1024);
  // The second run, with nothing new, and the walkthrough of the local connector.
  assert.equal((await extract('disks', place)).code, 0);
  const [, walk] = /```sh\n(agnesd sample-data.*?)```/s.exec(DOCUMENT);
  const shell = spawn('sh', ['-euc', walk], { env: { ...process.env, ...place.env, PATH: `${path.dirname(path.resolve(AGNESD))}:${process.env.PATH}` } });
  shell.stdin.end();
  const walked = await collect(shell);
  assert.equal(walked.code, 0, walked.stderr);
  assert.equal(lastLine(walked).tables_extracted, 9);
});

test('the program is told rows, settings and what it may know, and no more', async (t) => {
  const place = withConnector(t, 'echo', `#!/bin/sh\ncat > "$DATA_DIR/request.json"\nenv > "$DATA_DIR/env.txt"\n${publish('echo', 'CREATE TABLE t AS SELECT 1 AS a;')}`);
  const request = { rows: [{ name: 'a', bucket: 'b' }, { name: 'm', query_mode: 'materialized' }], config: { environment: ['MY_TOKEN'], url: 'https://example.com' } };
  place.env.MY_TOKEN = 'granted';
  place.env.SESSION_SECRET = 'not granted';
  const run = await extract('echo', place, JSON.stringify(request));
  assert.equal(run.code, 0, run.stderr);
  assert.deepEqual(JSON.parse(readFileSync(path.join(place.folder, 'request.json'))), { rows: request.rows.slice(0, 1), config: request.config });
  const environment = readFileSync(path.join(place.folder, 'env.txt'), 'utf8');
  assert.match(environment, /^MY_TOKEN=granted$/m);
  assert.match(environment, /^AGNES_SOURCE=echo$/m);
  assert.doesNotMatch(environment, /not granted/);
  for (const name of environment.match(/^[A-Za-z_]+(?==)/gm))
    assert.match(name, /^(PATH|HOME|LANG|LC_ALL|TZ|TMPDIR|DATA_DIR|AGNESD|AGNES_SOURCE|MY_TOKEN|PWD|OLDPWD|SHLVL|_|(https?|no)_proxy|(HTTPS?|NO)_PROXY|SSL_CERT_(FILE|DIR))$/);
});

test('its events and its result are passed on, its chatter is not', async (t) => {
  const event = '{"event":"table","table":"a","state":"failed","error":"no"}';
  const result = '{"tables_extracted":1,"tables_failed":1,"errors":[{"table":"a","error":"no"}]}';
  const place = withConnector(t, 'talk', `#!/bin/sh\n${publish('talk', 'CREATE TABLE b AS SELECT 1 AS a;')}echo chatter\necho '{"x":1}'\necho '${event}'\necho '${result}'\nexit 2\n`);
  const run = await extract('talk', place, '[{"name": "a"}, {"name": "b"}]');
  assert.equal(run.code, 2);
  assert.deepEqual(run.stdout.trim().split('\n'), [event, result]);
});

test('python3 runs an extractor.py', { skip: spawnSync('python3', ['--version']).status !== 0 }, async (t) => {
  const text = `import os, subprocess\nsubprocess.run([os.environ['AGNESD'], 'extract-write', 'py'], input=b'CREATE TABLE t AS SELECT 42 AS a', check=True)\n`;
  const place = withConnector(t, 'py', text, 'extractor.py');
  const run = await extract('py', place);
  assert.equal(run.code, 0, run.stderr);
  assert.deepEqual(await readTable(place.folder, 't', { source: 'py' }), [{ a: 42 }]);
});

test('a program that fails, says nothing, or leaves nothing', async (t) => {
  for (const [text, pattern] of [
    ['echo "the token has expired" >&2\nexit 3', /exited with code 3: the token has expired/],
    ['kill -9 $$', /killed by signal 9/],
    ['exit 0', /wrote no extract\.duckdb/],
    ['head -c 100000 /dev/zero | tr "\\0" e >&2; echo END >&2; exit 1', /e{100,1999}\nEND$|eEND$/],
  ]) {
    const run = await extract('bad', withConnector(t, 'bad', `#!/bin/sh\n${text}\n`), '[{"name": "a"}]');
    assert.equal(run.code, 1, run.stdout);
    const result = lastLine(run);
    assert.equal(result.tables_failed, 1);
    assert.match(result.errors[0].error, pattern);
    assert.ok(result.errors[0].error.length < 2200);
  }
  assert.equal((await extract('bad', withConnector(t, 'bad', '#!/bin/sh\nexit 3\n'))).code, 1, 'also without rows');
});

test('a program that never ends is killed with all that it started', async (t) => {
  const place = withConnector(t, 'slow', '#!/bin/sh\nsleep 1000 &\necho $! > "$DATA_DIR/pid"\nwait\n');
  const run = await extract('slow', place, '{"rows": [], "config": {"timeout_seconds": 1}}');
  assert.equal(run.code, 1);
  assert.match(run.stderr, /did not end in time.*connectors\.slow\.timeout_seconds/);
  const pid = readFileSync(path.join(place.folder, 'pid'), 'utf8').trim();
  assert.ok(!isAlive(pid), 'its child still runs');
});

test('a program that ends but leaves a child behind does not hold the run up', async (t) => {
  const place = withConnector(t, 'left', `#!/bin/sh\nsleep 1000 &\necho $! > "$DATA_DIR/pid"\n${publish('left', 'CREATE TABLE t AS SELECT 1 AS a;')}`);
  assert.equal((await extract('left', place)).code, 0);
  const pid = readFileSync(path.join(place.folder, 'pid'), 'utf8').trim();
  assert.ok(!isAlive(pid), 'its child still runs');
});

test('output without end is stopped', async (t) => {
  for (const flood of ['yes', 'head -c 1000000 /dev/zero | tr "\\0" x', 'cat /dev/zero']) {
    const run = await extract('flood', withConnector(t, 'flood', `#!/bin/sh\n${flood}\n`));
    assert.equal(run.code, 1);
    assert.match(run.stderr, /printed a line of more than/);
  }
});

test('a program that complains without end is neither kept nor waited for', async (t) => {
  const endless = await extract('loud', withConnector(t, 'loud', '#!/bin/sh\nfor each in 1 2 3 4 5 6; do yes >&2 & done\nwait\n'), '{"rows": [], "config": {"timeout_seconds": 1}}');
  assert.equal(endless.code, 1);
  assert.match(endless.stderr, /did not end in time/);
  assert.ok(endless.stderr.length < 10_000);
  const place = withConnector(t, 'loud', `#!/bin/sh\nhead -c 1000000000 /dev/zero >&2\n${publish('loud', 'CREATE TABLE t AS SELECT 1 AS a;')}`);
  const ending = await extract('loud', place);
  assert.equal(ending.code, 0, ending.stderr.slice(0, 500));
  assert.ok(ending.stderr.length < 10_000);
  assert.ok(Number(spawnSync('du', ['-sk', place.folder], { encoding: 'utf8' }).stdout.split('\t')[0]) < 10_000);
});

test('a program ends with the extraction that is killed, before another may begin', async (t) => {
  const mine = '"$DATA_DIR/pids"';
  const place = withConnector(t, 'orphan', `#!/bin/sh
trap "" TERM
if [ -e ${mine} ]; then
  while read -r pid; do kill -0 "$pid" 2>/dev/null && echo "$pid" >> "$DATA_DIR/alive"; done < ${mine}
  ${publish('orphan', 'CREATE TABLE t AS SELECT 1 AS a;')}  exit 0
fi
sleep 1000 &
echo $! > ${mine}
setsid sh -c 'trap "" TERM; echo $$ >> ${mine}; setsid sleep 1000 & echo $! >> ${mine}; wait' &
while [ "$(wc -l < ${mine})" -lt 3 ]; do sleep 0.05; done
echo $$ >> ${mine}
echo '{"event":"progress"}'
wait
`);
  const child = spawn(AGNESD, ['extract', 'orphan'], { env: { ...process.env, ...place.env } });
  child.stdin.end();
  child.stdout.once('data', () => child.kill('SIGKILL'));
  assert.equal((await collect(child)).signal, 'SIGKILL');
  let next;
  for (let left = 300; left > 0; left--) {
    next = await extract('orphan', place);
    if (!/another extract of source/.test(next.stderr)) break;
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
  assert.equal(next.code, 0, next.stderr);
  assert.equal(readFileSync(path.join(place.folder, 'pids'), 'utf8').trim().split('\n').length, 4);
  assert.ok(!existsSync(path.join(place.folder, 'alive')), 'some of it still runs');
});

test('SIGTERM reaches the program', async (t) => {
  const place = withConnector(t, 'wait', '#!/bin/sh\ntrap "touch \\"$DATA_DIR/asked\\"; exit 1" TERM\necho \'{"event":"progress"}\'\nwhile :; do sleep 0.1; done\n');
  const child = spawn(AGNESD, ['extract', 'wait'], { env: { ...process.env, ...place.env } });
  child.stdin.end();
  child.stdout.once('data', () => child.kill('SIGTERM'));
  const { code } = await collect(child);
  assert.equal(code, 1);
  assert.ok(existsSync(path.join(place.folder, 'asked')));
});

test('one run of a source at a time', async (t) => {
  const place = withConnector(t, 'once', `#!/bin/sh\necho '{"event":"progress"}'\nwhile [ ! -e "$DATA_DIR/go" ]; do sleep 0.1; done\n${publish('once', 'CREATE TABLE t AS SELECT 1 AS a;')}`);
  const child = spawn(AGNESD, ['extract', 'once'], { env: { ...process.env, ...place.env } });
  child.stdin.end();
  const first = collect(child);
  await new Promise((resolve) => { child.stdout.once('data', resolve); });
  const second = await extract('once', place);
  assert.equal(second.code, 1);
  assert.match(second.stderr, /another extract of source 'once' is running/);
  writeFileSync(path.join(place.folder, 'go'), '');
  assert.equal((await first).code, 0);
});

test('names and settings that are none', async (t) => {
  const place = withConnector(t, 'good', `#!/bin/sh\necho '${RESULT}'\n`);
  for (const name of ['../good', 'no/thing', 'bad-name', '', 'missing']) assert.equal((await extract(name, place)).code, 1, name);
  writeFileSync(path.join(place.env.CONNECTORS_DIR, 'plain'), '');
  assert.match((await extract('plain', place)).stderr, /there is no source 'plain'/);
  for (const config of ['{"timeout_seconds": 0}', '{"timeout_seconds": "long"}', '{"environment": ["lower"]}', '{"environment": [7]}', '7']) {
    const run = await extract('good', place, `{"rows": [], "config": ${config}}`);
    assert.equal(run.code, 1, config);
    assert.match(run.stderr, /connectors\.good/);
  }
});

test('extract-write: all or nothing, comments, --drop, and tables that stay', async (t) => {
  const folder = temporaryFolder(t);
  const write = (sql, ...args) => agnesd(['extract-write', 'src', '--data-dir', folder, ...args], { input: sql });
  assert.equal((await write('CREATE TABLE a AS SELECT 1 AS x; CREATE VIEW b AS SELECT x + 1 AS y FROM a; COMMENT ON VIEW b IS \'the second\';')).code, 0);
  assert.deepEqual((await meta(folder, 'src')).map(({ table_name: name, description, rows }) => [name, description, rows]), [['a', '', '1'], ['b', 'the second', '1']]);
  const broken = await write('CREATE TABLE a AS SELECT 2 AS x; CREATE VIEW c AS SELECT 1/\'x\' AS y;');
  assert.equal(broken.code, 1);
  assert.deepEqual(await readTable(folder, 'a', { source: 'src' }), [{ x: 1 }]);
  for (const [sql, pattern] of [['SELEC', /syntax error/], ['SELECT 1', /makes no view or table/], ['CREATE TABLE "a b" AS SELECT 1', /cannot name a table/], ['', /makes no view or table/]]) {
    const run = await write(sql);
    assert.equal(run.code, 1);
    assert.match(run.stderr, pattern);
  }
  assert.equal((await write('CREATE TABLE c AS SELECT 3 AS z', '--drop', 'a')).code, 0);
  assert.deepEqual((await meta(folder, 'src')).map(({ table_name: name }) => name), ['b', 'c']);
  assert.ok(!existsSync(path.join(folder, 'extracts/src/data/a.parquet')));
});
