// `da sync` when the server, the disk, the network or the user gets in its way: the last good file stays, and the next
// sync completes what this one did not.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { atEnd, collect, query, temporaryFolder } from './lib/agnesd.mjs';
import { fill, smallDisk } from './lib/disk.mjs';
import { until } from './lib/shop.mjs';
import { makeParquet, md5, TableServer, Workspace } from './lib/workspace.mjs';

const ONCE = { env: { DA_STREAM_RETRIES: '0' } };

/** A workspace in which version 1 of the tables is, while the server has version 2. */
async function outdated(t, names = ['orders']) {
  const server = await TableServer.start(t, await makeParquet(t, names));
  const workspace = new Workspace(t, server.url);
  assert.equal((await workspace.da(['sync'])).code, 0);
  const old = server.tables;
  server.tables = await makeParquet(t, names, 2);
  server.requests = [];
  return { server, workspace, old };
}

async function assertComplete(workspace, server) {
  const run = await workspace.da(['sync']);
  assert.equal(run.code, 0, run.stderr + run.stdout);
  const names = Object.keys(server.tables).sort();
  assert.deepEqual(workspace.files(), names.map((name) => `${name}.parquet`));
  for (const name of names) assert.equal(md5(workspace.read(name)), md5(server.tables[name]), name);
  assert.deepEqual(await workspace.views(), names);
  for (const name of names) await workspace.rows(`SELECT count(*) FROM "${name}"`);
}

const answer = (status, body, type = 'application/json') => (request, response) => {
  response.writeHead(status, { 'content-type': type }).end(body);
  return true;
};

test('no server: one line, and what is here stays', async (t) => {
  const { server, workspace, old } = await outdated(t);
  await server.stop();
  const run = await workspace.da(['sync']);
  assert.equal(run.code, 1);
  assert.match(run.stderr, /^Failed to fetch manifest: cannot reach http:.*\n$/);
  const quiet = await workspace.da(['sync', '--quiet']);
  assert.deepEqual([quiet.code, quiet.stdout], [1, '']);
  assert.match(quiet.stderr, /^sync: manifest fetch failed: /);
  const json = await workspace.da(['sync', '--json']);
  assert.deepEqual([json.code, json.stdout], [1, '']);
  assert.deepEqual(workspace.read('orders'), old.orders);
});

test('a manifest that is none', async (t) => {
  const { server, workspace, old } = await outdated(t);
  const cases = [
    [answer(200, '<html>Log in</html>', 'text/html'), /text\/html/], [answer(401, '{"detail":"Not authenticated"}'), /401.*Not authenticated/],
    [answer(403, '{"detail":"No"}'), /403.*No/], [answer(500, 'Internal Server Error', 'text/plain'), /500/],
    [answer(302, ''), /302/], [answer(200, '{"tables": []}'), /no manifest/], [answer(200, '[1, 2]'), /no manifest/],
    [answer(200, '{"tables": {'), /JSON/],
    [(request, response) => response.writeHead(200, { 'content-length': 1000 }).write('{"tab') && response.destroy(), /broke off/],
  ];
  for (const [hook, message] of cases) {
    server.onManifest = (request, response) => { hook(request, response); return true; };
    const run = await workspace.da(['sync']);
    assert.equal(run.code, 1, run.stdout);
    assert.match(run.stderr, message);
    assert.match(run.stderr, /^Failed to fetch manifest: /);
    assert.deepEqual(workspace.read('orders'), old.orders);
  }
});

test('an answer that is no file: told, not retried where that is no use, and the old file stays', async (t) => {
  const { server, workspace, old } = await outdated(t);
  const cases = [
    [answer(404, '{"detail":"Table not found"}'), /404.*Table not found/, 1], [answer(403, '{"detail":"No grant"}'), /403.*No grant/, 1],
    [answer(302, ''), /302/, 1], [answer(200, '<html>Log in</html>', 'text/html'), /web page/, 1], [answer(500, 'oh'), /500/, 3],
    [answer(503, ''), /503/, 3],
  ];
  for (const [hook, message, requests] of cases) {
    server.onDownload = hook;
    server.requests = [];
    const run = await workspace.da(['sync'], { env: { DA_STREAM_RETRIES: '2' } });
    assert.equal(run.code, 1);
    assert.match(run.stdout, /^Downloaded: 0 tables\n.*\nErrors: 1\n {2}orders: /);
    assert.match(run.stdout, message);
    assert.equal(server.count('/download'), requests, String(message));
    assert.deepEqual(workspace.read('orders'), old.orders);
    assert.deepEqual(await workspace.rows('SELECT DISTINCT version FROM orders'), [{ version: 1 }]);
  }
  server.onDownload = undefined;
  await assertComplete(workspace, server);
});

test('401 in the middle: the rest is not even asked for', async (t) => {
  const { server, workspace } = await outdated(t, Array.from({ length: 30 }, (_, i) => `t${i}`));
  server.onDownload = answer(401, '{"detail":"Token revoked"}');
  const run = await workspace.da(['sync', '--parallel', '2']);
  assert.equal(run.code, 1);
  assert.match(run.stderr, /Token revoked.*da auth login/);
  assert.ok(server.count('/download') < 30);
});

test('two failures and then success are three requests', async (t) => {
  const { server, workspace } = await outdated(t);
  let left = 2;
  server.onDownload = (request, response) => left-- > 0 && response.socket.destroy();
  const run = await workspace.da(['sync']);
  assert.equal(run.code, 0, run.stdout);
  assert.equal(server.count('/download'), 3);
});

test('a body that breaks off is completed from where it ended', async (t) => {
  const server = await TableServer.start(t, { big: await bigTable(t) });
  const workspace = new Workspace(t, server.url);
  const half = Math.floor(server.tables.big.length / 2);
  let first = true;
  server.onDownload = (request, response) => {
    if (!first) return false;
    first = false;
    response.writeHead(200, { 'content-length': server.tables.big.length, etag: `"${md5(server.tables.big)}"` });
    response.write(server.tables.big.subarray(0, half), () => response.destroy());
    return true;
  };
  const run = await workspace.da(['sync']);
  assert.equal(run.code, 0, run.stdout);
  assert.equal(server.count('/download'), 2);
  const { range } = server.requests.filter((request) => request.url.includes('download'))[1].headers;
  assert.match(range, /^bytes=[1-9]\d*-$/);
  assert.deepEqual(workspace.read('big'), server.tables.big);
});

/** A parquet file of some megabytes that does not compress. */
async function bigTable(t, rows = 200_000) {
  const file = path.join(temporaryFolder(t), 'big.parquet');
  await query(`COPY (SELECT i AS id, md5(i::VARCHAR) AS text FROM range(${rows}) t(i)) TO '${file}'`);
  return readFileSync(file);
}

test('what was broken off is completed by the next sync, unless the server has another version by then', async (t) => {
  const server = await TableServer.start(t, { big: await bigTable(t) });
  const workspace = new Workspace(t, server.url);
  const breakOff = (request, response) => {
    response.writeHead(200, { 'content-length': server.tables.big.length });
    response.write(server.tables.big.subarray(0, 1_000_000), () => response.destroy());
    return true;
  };
  for (const changes of [false, true]) {
    server.onDownload = breakOff;
    const broken = await workspace.da(['sync'], ONCE);
    assert.equal(broken.code, 1);
    assert.match(broken.stdout, /broke off/);
    assert.equal(workspace.files().filter((name) => name.endsWith('.part')).length, 1);
    server.onDownload = undefined;
    if (changes) server.tables.big = await bigTable(t, 150_000);
    server.requests = [];
    await assertComplete(workspace, server);
    assert.equal(Boolean(server.requests.find(({ headers }) => headers.range)), !changes);
    server.tables.big = await bigTable(t, 180_000);
  }
});

test('a part that is longer, or complete, or of other bytes than the file', async (t) => {
  const server = await TableServer.start(t, { big: await bigTable(t) });
  const { big } = server.tables;
  const other = randomBytes(big.length);
  for (const left of [Buffer.concat([big, big]), big, other, other.subarray(0, 100_000), Buffer.alloc(0)]) {
    const workspace = new Workspace(t, server.url);
    mkdirSync(workspace.path('server/parquet'), { recursive: true });
    writeFileSync(workspace.path(`server/parquet/big.parquet.${md5(big)}.part`), left);
    server.requests = [];
    await assertComplete(workspace, server);
    if (left === big) assert.equal(server.count('/download'), 0);
  }
});

test('a server that knows nothing of ranges, and one that answers with the wrong part', async (t) => {
  const server = await TableServer.start(t, { big: await bigTable(t) });
  const { big } = server.tables;
  const hooks = [
    (request, response) => { response.writeHead(200, { 'content-length': big.length }).end(big); return true; },
    (request, response) => request.headers.range !== undefined && Boolean(response.writeHead(206, {
      'content-length': big.length - 7, 'content-range': `bytes 7-${big.length - 1}/${big.length}` }).end(big.subarray(7))),
    (request, response) => request.headers.range !== undefined && Boolean(response.writeHead(416).end()),
  ];
  for (const [i, hook] of hooks.entries()) {
    const workspace = new Workspace(t, server.url);
    mkdirSync(workspace.path('server/parquet'), { recursive: true });
    writeFileSync(workspace.path(`server/parquet/big.parquet.${md5(big)}.part`), big.subarray(0, 5000));
    server.onDownload = hook;
    await workspace.da(['sync'], { env: { DA_STREAM_RETRIES: '1' } });
    assert.ok(!existsSync(workspace.parquet('big')) || workspace.read('big').equals(big), String(i));
    server.onDownload = undefined;
    await assertComplete(workspace, server);
  }
});

test('a wrong MD5, a wrong size: the old file, its view and the state stay', async (t) => {
  const { server, workspace, old } = await outdated(t);
  const good = server.tables.orders;
  const database = workspace.path('user/duckdb/analytics.duckdb');
  const before = statSync(database).mtimeMs;
  const bad = Buffer.from(good);
  bad[20] ^= 1;
  for (const [body, message] of [[bad, /hash mismatch: expected [0-9a-f]{12}…, got [0-9a-f]{12}…/],
    [good.subarray(0, good.length - 3), /sends \d+ bytes, the manifest says \d+/], [Buffer.concat([good, good]), /bytes/]]) {
    server.onDownload = (request, response) => Boolean(response.writeHead(200, { 'content-length': body.length }).end(body));
    const run = await workspace.da(['sync']);
    assert.equal(run.code, 1);
    assert.match(run.stdout, message);
    assert.deepEqual(workspace.read('orders'), old.orders);
    assert.deepEqual(workspace.files(), ['orders.parquet'], 'nothing wrong is left to go on from');
    assert.equal(workspace.state().tables.orders.hash, md5(old.orders));
  }
  server.onDownload = (request, response) => Boolean(response.writeHead(200, { 'transfer-encoding': 'chunked' }).end(Buffer.concat([good, good])));
  assert.match((await workspace.da(['sync'])).stdout, /more than the \d+ bytes/);
  assert.equal(statSync(database).mtimeMs, before, 'the database was not opened');
  server.onDownload = undefined;
  await assertComplete(workspace, server);
});

test('without a hash, what is no parquet is refused', async (t) => {
  const server = await TableServer.start(t, { orders: Buffer.from('{"error": "nothing of parquet"}') });
  server.entries.orders = { hash: '' };
  const workspace = new Workspace(t, server.url);
  const run = await workspace.da(['sync']);
  assert.equal(run.code, 1);
  assert.match(run.stdout, /PAR1/);
  assert.deepEqual(workspace.files(), []);
});

test('a table that the server replaces during the sync is fetched in its new version', async (t) => {
  const { server, workspace } = await outdated(t, ['orders', 'customers', 'gone']);
  delete server.tables.gone;
  const newest = await makeParquet(t, ['orders'], 3);
  server.onDownload = (request, response, name) => {
    if (name === 'orders') Object.assign(server.tables, newest);
    return false;
  };
  const download = server.download.bind(server);
  server.download = (request, response, bytes) =>
    download(request, response, request.url.includes('orders') ? newest.orders : bytes);
  const run = await workspace.da(['sync', '--prune']);
  assert.equal(run.code, 0, run.stdout);
  assert.deepEqual(workspace.read('orders'), newest.orders);
  assert.match(run.stderr, /^Removed 1 tables .*:\n {2}- gone\n/);
  assert.deepEqual(await workspace.views(), ['customers', 'orders']);
  const shared = JSON.parse(readFileSync(path.join(workspace.config, 'sync_state.json'), 'utf8'));
  assert.deepEqual(Object.keys(shared.tables).sort(), ['customers', 'orders']);
  assert.deepEqual(await workspace.rows('SELECT DISTINCT version FROM orders'), [{ version: 3 }]);
});

test('a server that is slow is waited for, one that says nothing any more is not', async (t) => {
  const { server, workspace } = await outdated(t);
  const bytes = server.tables.orders;
  server.onDownload = (request, response) => {
    response.writeHead(200, { 'content-length': bytes.length });
    let at = 0;
    const timer = setInterval(() => {
      response.write(bytes.subarray(at, at + 100));
      at += 100;
      if (at >= bytes.length) { clearInterval(timer); response.end(); }
    }, 20);
    return true;
  };
  assert.equal((await workspace.da(['sync'])).code, 0);
  server.tables = await makeParquet(t, ['orders'], 3);
  server.onDownload = (request, response) => response.writeHead(200, { 'content-length': bytes.length }).write('PAR1');
  const stalled = await workspace.da(['sync'], { env: { DA_STREAM_RETRIES: '0', DA_STREAM_TIMEOUT: '1' } });
  assert.equal(stalled.code, 1);
  assert.match(stalled.stdout, /no answer in time/);
});

test('hostile names in the manifest write nothing outside, and do not stop the others', async (t) => {
  const server = await TableServer.start(t, await makeParquet(t, ['orders']));
  const bytes = server.tables.orders;
  const hostile = ['../escape', '..', '.', '/etc/passwd', 'a/b', 'a\\b', 'x"; DROP VIEW orders; --', "it's", 'new\nline', 'x'.repeat(300), '',
    '-rf', '\u001b[31mred', 'ünï'];
  for (const name of hostile) server.entries[name] = { hash: md5(bytes), size_bytes: bytes.length, rows: 3, query_mode: 'local' };
  const workspace = new Workspace(t, server.url);
  const run = await workspace.da(['sync']);
  assert.equal(run.code, 1);
  assert.match(run.stdout, new RegExp(`^Downloaded: 1 tables\\n.*\\nErrors: ${hostile.length}\\n`));
  assert.equal(run.stdout.split('unsafe table name').length - 1, hostile.length);
  assert.doesNotMatch(run.stdout, /\u001b/);
  assert.deepEqual(workspace.files(), ['orders.parquet']);
  assert.deepEqual(readdirSync(workspace.root).sort(), ['server', 'user']);
  assert.equal(server.count('/download'), 1);
});

test('state files that make no sense are told of, kept aside, and nothing is downloaded twice', async (t) => {
  for (const text of ['{', 'null', '{"tables": 3}', '\0\0\0', '{"tables": {"orders": {"hash": 5}}}', '']) {
    const { server, workspace } = await outdated(t);
    await assertComplete(workspace, server);
    writeFileSync(workspace.path('server/sync_state.json'), text);
    writeFileSync(path.join(workspace.config, 'sync_state.json'), text);
    writeFileSync(workspace.path('server/manifest.json'), text);
    server.requests = [];
    const run = await workspace.da(['sync']);
    assert.equal(run.code, 0, run.stderr);
    assert.equal(server.count('/download'), 0, text);
    if (!text.includes('hash')) assert.match(run.stderr, /Warning: server\/sync_state\.json is broken/);
    if (!text.includes('hash')) assert.equal(readFileSync(workspace.path('server/sync_state.json.broken'), 'utf8'), text);
    await assertComplete(workspace, server);
  }
});

test('two syncs at once: the second waits, then finds everything', async (t) => {
  const server = await TableServer.start(t, await makeParquet(t, ['a', 'b', 'c', 'd']));
  const workspace = new Workspace(t, server.url);
  server.onDownload = (request, response, name) => { setTimeout(() => server.download(request, response, server.tables[name]), 300); return true; };
  const runs = await Promise.all(Array.from({ length: 3 }, () => workspace.da(['sync'])));
  for (const run of runs) assert.equal(run.code, 0, run.stderr);
  assert.equal(server.count('/download'), 4);
  assert.equal(runs.filter((run) => /waiting for it to end/.test(run.stderr)).length, 2);
  await assertComplete(workspace, server);
});

test('Ctrl-C keeps what is there, and the next sync goes on from it', async (t) => {
  const server = await TableServer.start(t, { small: (await makeParquet(t, ['small'])).small, big: await bigTable(t) });
  const workspace = new Workspace(t, server.url);
  server.onDownload = (request, response, name) => {
    if (name !== 'big') return false;
    response.writeHead(200, { 'content-length': server.tables.big.length });
    response.write(server.tables.big.subarray(0, 2_000_000));
    return true;
  };
  const child = workspace.spawn(['sync']);
  const ended = collect(child);
  await until('a part', () => workspace.files().some((name) => name.endsWith('.part') &&
    statSync(workspace.path('server/parquet', name)).size >= 1_000_000) && existsSync(workspace.parquet('small')));
  child.kill('SIGINT');
  const { code, stderr } = await ended;
  assert.equal(code, 130);
  assert.match(stderr, /Interrupted/);
  assert.deepEqual(Object.keys(workspace.state().tables), ['small']);
  server.onDownload = undefined;
  server.requests = [];
  await assertComplete(workspace, server);
  assert.match(server.requests.find(({ url }) => url.includes('download')).headers.range, /^bytes=[1-9]/);
});

test('killed at any moment, the next sync makes it whole', async (t) => {
  const names = Array.from({ length: 12 }, (_, i) => `t${i}`);
  const server = await TableServer.start(t, await makeParquet(t, names, 1, 20_000));
  const workspace = new Workspace(t, server.url);
  server.onDownload = (request, response, name) => { setTimeout(() => server.download(request, response, server.tables[name]), 5); return true; };
  const rounds = Number(process.env.AGNES_STORM ?? 12);
  for (let round = 0; round < rounds; round++) {
    server.tables = await makeParquet(t, names, round, 20_000 + round);
    const child = workspace.spawn(['sync', '--parallel', '3'], { stdio: 'ignore' });
    const ended = new Promise((resolve) => child.on('close', resolve));
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 250));
    child.kill(round % 3 === 0 ? 'SIGTERM' : 'SIGKILL');
    await ended;
    for (const file of workspace.files().filter((name) => name.endsWith('.parquet'))) {
      const bytes = readFileSync(workspace.path('server/parquet', file));
      assert.equal(bytes.subarray(-4).toString(), 'PAR1', 'a file is whole or not there');
    }
    if (round % 4 === 3) await assertComplete(workspace, server);
  }
  await assertComplete(workspace, server);
});

test('a database that somebody holds open: the files are here, and the next sync makes the views', async (t) => {
  const { server, workspace } = await outdated(t);
  const holder = spawn(process.execPath, ['-e', `
    const { DuckDBInstance } = require('@duckdb/node-api');
    DuckDBInstance.create(process.argv[1]).then((db) => { console.log('open'); setInterval(() => db, 1000); });`,
  workspace.path('user/duckdb/analytics.duckdb')], { cwd: path.resolve('tests'), stdio: ['ignore', 'pipe', 'inherit'] });
  atEnd(t, () => holder.kill('SIGKILL'));
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  const run = await workspace.da(['sync']);
  assert.equal(run.code, 1);
  assert.match(run.stderr, /Warning: cannot update the views: .*; the next sync tries again/);
  assert.deepEqual(workspace.read('orders'), server.tables.orders);
  const gone = new Promise((resolve) => holder.on('close', resolve));
  holder.kill('SIGKILL');
  await gone;
  server.requests = [];
  await assertComplete(workspace, server);
  assert.equal(server.count('/download'), 0);
  assert.deepEqual(await workspace.rows('SELECT DISTINCT version FROM orders'), [{ version: 2 }]);
});

test('a full disk is told, and takes no good file away', async (t) => {
  const disk = smallDisk(t, 24);
  if (!disk) return t.skip('no file system can be mounted here');
  const server = await TableServer.start(t, await makeParquet(t, ['small']));
  const workspace = new Workspace(t, server.url, { folder: disk });
  assert.equal((await workspace.da(['sync'])).code, 0);
  server.tables.big = await bigTable(t, 400_000);
  const free = fill(disk, 2_000_000);
  const run = await workspace.da(['sync']);
  assert.equal(run.code, 1);
  assert.match(run.stderr, /No space left on device/);
  assert.deepEqual(workspace.files(), ['small.parquet']);
  assert.deepEqual(await workspace.rows('SELECT count(*)::INT AS n FROM small'), [{ n: 3 }]);
  free();
  await assertComplete(workspace, server);
});

test('a workspace that cannot be written is an error before anything is asked for', async (t) => {
  const disk = smallDisk(t, 4);
  if (!disk) return t.skip('no file system can be mounted here');
  const server = await TableServer.start(t, await makeParquet(t, ['orders']));
  const workspace = new Workspace(t, server.url, { folder: disk });
  assert.equal((await workspace.da(['sync'])).code, 0);
  server.tables = await makeParquet(t, ['orders'], 2);
  server.requests = [];
  assert.equal(spawnSync('mount', ['-o', 'remount,ro', disk]).status, 0);
  const run = await workspace.da(['sync']);
  spawnSync('mount', ['-o', 'remount,rw', disk]);
  assert.equal(run.code, 1);
  assert.match(run.stderr, /^Error: cannot lock the workspace .*: it cannot be written to\n$/);
  assert.equal(server.requests.length, 0);
  const dry = await workspace.da(['sync', '--dry-run']);
  assert.equal(dry.code, 0);
});

/** Runs da in a terminal of so many columns; what it shows, both streams in one. */
async function inTerminal(workspace, args, columns) {
  const da = path.resolve(process.env.AGNES_BUILD ?? 'build', 'da');
  const command = `stty cols ${columns} rows 24; exec ${da} ${args.join(' ')}`;
  const child = spawn('script', ['-qec', command, '/dev/null'], { cwd: workspace.root, env: workspace.environment({ TERM: 'xterm', SHELL: '/bin/sh' }) });
  return collect(child);
}

test('progress is shown on a terminal only, and fits one of 40 columns', async (t) => {
  const server = await TableServer.start(t, { a_table_with_a_long_name_that_needs_to_be_cut: await bigTable(t), b: await bigTable(t, 1000) });
  server.onDownload = (request, response, name) => {
    const bytes = server.tables[name];
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, 1000));
    setTimeout(() => response.end(bytes.subarray(1000)), 600);
    return true;
  };
  const workspace = new Workspace(t, server.url);
  const shown = await inTerminal(workspace, ['sync'], 40);
  assert.equal(shown.code, 0, shown.stdout);
  assert.match(shown.stdout, /a_table_with_a/);
  assert.match(shown.stdout, /0\/2 {2}\d+%/);
  assert.match(shown.stdout, /Downloaded: 2 tables/);
  for (const line of shown.stdout.split(/\r?\n/)) assert.ok(line.replace(/\x1b\[\d*[A-Za-z]/g, '').replace(/\r/g, '').length <= 40, line);
  const other = new Workspace(t, server.url);
  const plain = await other.da(['sync']);
  assert.deepEqual([plain.code, plain.stderr], [0, '']);
  const third = new Workspace(t, server.url);
  const quiet = await inTerminal(third, ['sync', '--quiet'], 40);
  assert.equal(quiet.stdout.replaceAll('\r', ''), 'sync: 2 tables, 0 errors\n');
});

test('corporate memory becomes rules, and what is not in it goes', async (t) => {
  const server = await TableServer.start(t, await makeParquet(t, ['orders']));
  const workspace = new Workspace(t, server.url);
  mkdirSync(workspace.path('.claude/rules'), { recursive: true });
  writeFileSync(workspace.path('.claude/rules/km_old.md'), 'old');
  writeFileSync(workspace.path('.claude/rules/mine.md'), 'mine');
  let bundle = { mandatory: [{ id: 'r1', title: 'Rule', content: 'Do it.', domain: 'sales', category: null }, { id: '../../../etc/passwd', title: 'x', content: 'y' },
    { id: 'approved', content: 'collides' }], approved: [{ id: 'a', title: 'First', content: 'One.' }, { id: 'b', title: '', content: null }] };
  server.onOther = (request, response) => {
    if (!request.url.startsWith('/api/memory/bundle')) return false;
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(bundle));
    return true;
  };
  const run = await workspace.da(['sync']);
  assert.equal(run.code, 0);
  assert.match(run.stderr, /Skipping mandatory item with unsafe id: \.\.\/\.\.\/\.\.\/etc\/passwd/);
  const rules = () => readdirSync(workspace.path('.claude/rules')).sort();
  assert.deepEqual(rules(), ['km_approved.md', 'km_r1.md', 'mine.md']);
  assert.equal(readFileSync(workspace.path('.claude/rules/km_r1.md'), 'utf8'), '# Rule\n_Domain: sales_\n\nDo it.');
  assert.equal(readFileSync(workspace.path('.claude/rules/km_approved.md'), 'utf8'),
    '# Approved Corporate Knowledge\n\n## First\n\nOne.\n\n## Untitled\n\n\n');
  bundle = { mandatory: [], approved: [] };
  await workspace.da(['sync']);
  assert.deepEqual(rules(), ['mine.md']);
  server.onOther = answer(500, 'no');
  const failed = await workspace.da(['sync']);
  assert.equal(failed.code, 0);
  assert.match(failed.stderr, /Corporate memory bundle unavailable \(skipping\): /);
});

test('--upload-only sends what is new, once, and says what failed', async (t) => {
  const server = await TableServer.start(t, {});
  const bodies = [];
  let status = 200;
  server.onOther = (request, response) => {
    let text = '';
    request.on('data', (chunk) => { text += chunk; });
    request.on('end', () => { bodies.push({ url: request.url, type: request.headers['content-type'], text }); response.writeHead(status).end('{}'); });
    return true;
  };
  const workspace = new Workspace(t, server.url);
  mkdirSync(workspace.path('user/sessions'), { recursive: true });
  mkdirSync(workspace.path('.claude'));
  writeFileSync(workspace.path('user/sessions/b.jsonl'), '{"b": 1}\n');
  writeFileSync(workspace.path('user/sessions/a.jsonl'), '{"a": 1}\n');
  writeFileSync(workspace.path('user/sessions/other.txt'), 'no');
  writeFileSync(workspace.path('.claude/CLAUDE.local.md'), '# Mine — ž\n');
  const dry = JSON.parse((await workspace.da(['sync', '--upload-only', '--dry-run', '--json'])).stdout);
  assert.deepEqual(dry.summary, { sessions_count: 2, local_md_present: true });
  assert.deepEqual(dry.would_upload.sessions, ['a', 'b'].map((name) => workspace.path(`user/sessions/${name}.jsonl`)));
  assert.equal(bodies.length, 0);
  status = 500;
  const failed = await workspace.da(['sync', '--upload-only']);
  assert.equal(failed.code, 0);
  assert.match(failed.stderr, /a\.jsonl was not uploaded/);
  status = 200;
  bodies.length = 0;
  assert.deepEqual(JSON.parse((await workspace.da(['sync', '--upload-only', '--json'])).stdout), { sessions: 2, local_md: true });
  assert.match(bodies[0].type, /^multipart\/form-data/);
  assert.match(bodies[0].text, /name="file"; filename="a\.jsonl"[^]*application\/octet-stream[^]*\{"a": 1\}/);
  assert.deepEqual(JSON.parse(bodies[2].text), { content: '# Mine — ž\n' });
  bodies.length = 0;
  assert.equal((await workspace.da(['sync', '--upload-only'])).stdout, 'Uploaded 0 sessions\n');
  writeFileSync(workspace.path('user/sessions/a.jsonl'), '{"a": 1}\n{"a": 2}\n');
  assert.equal((await workspace.da(['sync', '--upload-only'])).stdout, 'Uploaded 1 sessions\n');
  assert.equal(bodies.length, 1);
});
