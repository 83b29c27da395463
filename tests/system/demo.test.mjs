// script/demo: every step holds, the second time too, it ends when told to, and does not succeed when a step fails.
// timeout: 240
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { AGNESD, atEnd, collect, query, temporaryFolder } from './lib/agnesd.mjs';

const BUILD = path.resolve(path.dirname(AGNESD));
const DEMO = new URL('../../script/demo', import.meta.url).pathname;

function start(folder, args = [], build = BUILD) {
  return spawn(DEMO, ['--size', 'xs', '--dir', path.join(folder, 'demo'), ...args],
    { env: { ...process.env, AGNES_BUILD: build, HOME: folder }, stdio: ['ignore', 'pipe', 'pipe'] });
}

const demo = (folder, args, build) => collect(start(folder, args, build));

// Everything there is to know when something went wrong.
function explain(folder, { stdout, stderr }) {
  const log = path.join(folder, 'demo/server.log');
  return [stdout, stderr, existsSync(log) ? readFileSync(log, 'utf8') : ''].join('\n--\n');
}

test('the demonstration holds, and starts where the last one left off', async (t) => {
  const folder = temporaryFolder(t);
  const first = await demo(folder, ['--once']);
  assert.equal(first.code, 0, explain(folder, first));
  for (const expected of [/^Admin user created/m, /^ *payments +src=local/m, /^Granted Analysts: table\/orders$/m,
    /^Downloaded: 4 tables$/m, /Electronics/, /payments/, /^Every step held\./m])
    assert.match(first.stdout, expected);
  assert.equal(statSync(path.join(folder, 'demo/passwords')).mode & 0o777, 0o600);

  // What the analyst has is what the sample says, read by another DuckDB; and it is not what was not granted.
  const workspace = path.join(folder, 'demo/workspace/server/parquet');
  const [{ n: synced }] = await query(`SELECT count(*) AS n FROM read_parquet('${workspace}/order_items.parquet')`);
  const [{ n: made }] = await query(`SELECT count(*) AS n FROM read_csv('${folder}/demo/data/inbox/order_items.csv')`);
  assert.equal(synced, made);
  assert.ok(!existsSync(path.join(workspace, 'payments.parquet')));

  const second = await demo(folder, ['--once']);
  assert.equal(second.code, 0, explain(folder, second));
  assert.match(second.stdout, /^It is there\.$/m);
  assert.doesNotMatch(second.stdout, /Admin user created|Registered tables|Granted/);
  assert.match(second.stdout, /^Downloaded: 0 tables$/m);
  assert.match(second.stdout, /Electronics/);
});

test('it serves until it is told to end, and one at a time', async (t) => {
  const folder = temporaryFolder(t);
  const child = start(folder);
  const ended = collect(child);
  atEnd(t, () => child.kill('SIGKILL'));
  let seen = '';
  await Promise.race([ended, new Promise((resolve) => {
    child.stdout.on('data', (data) => { if (/until you press Ctrl-C/.test((seen += data))) resolve(); });
  })]);
  assert.match(seen, /It works\. Go on with[^]*\/docs[^]*ana@example\.com, password [0-9a-f]{24}/);
  const [, url] = /^Serving on (http\S+)$/m.exec(seen) ?? assert.fail(seen);
  assert.equal((await fetch(`${url.replace('localhost', '127.0.0.1')}/api/health`)).status, 200);
  const other = await demo(folder, ['--once']);
  assert.equal(other.code, 1);
  assert.match(other.stderr, /another script\/demo is running/);
  child.kill('SIGINT');
  child.kill('SIGTERM'); // a shell without a terminal may ignore the first
  await ended;
  await assert.rejects(fetch(`${url.replace('localhost', '127.0.0.1')}/api/health`));
});

test('a step that fails fails all, and what was half done is begun anew', async (t) => {
  const folder = temporaryFolder(t);
  const build = temporaryFolder(t);
  symlinkSync(path.join(BUILD, 'agnesd'), path.join(build, 'agnesd'));
  const fake = (condition, action) => {
    writeFileSync(path.join(build, 'da'), `#!/bin/sh\ncase "$*" in ${condition}) ${action};; esac\nexec '${BUILD}/da' "$@"\n`);
    chmodSync(path.join(build, 'da'), 0o755);
  };
  fake('*"grant create"*', 'exit 1');
  const halfDone = await demo(folder, ['--once'], build);
  assert.equal(halfDone.code, 1, explain(folder, halfDone));
  fake('*--remote*', 'echo 5; exit 0');
  const open = await demo(folder, ['--once'], build);
  assert.equal(open.code, 1, explain(folder, open));
  assert.match(open.stdout, /^Admin user created/m);
  assert.match(open.stderr, /may read what was not granted: 5/);
  fake('*--remote*', 'echo "no server" >&2; exit 1');
  const other = await demo(folder, ['--once'], build);
  assert.equal(other.code, 1, explain(folder, other));
  assert.match(other.stderr, /refused for another reason/);
  assert.match(readFileSync(path.join(folder, 'demo/server.log'), 'utf8'), /Serving/);
  assert.equal((await demo(folder, ['--once', '--size'])).code, 1);
});
