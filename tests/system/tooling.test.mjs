// The tree's own tools: what is fetched is checked, what is installed can be moved, and the checks of
// the house rules see what they are for.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const TREE = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

// Runs a program to its end: { code, stdout, stderr }.
async function run(program, args, { env = {}, cwd = TREE } = {}) {
  const child = spawn(program, args, {
    cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) child[name].on('data', (data) => { output[name] += data; });
  const [code] = await once(child, 'close');
  return { code, ...output };
}

async function temporaryFolder(t) {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'agnes-tooling-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

// A copy of the scripts with a small tree of its own: files is { path: text }.
async function smallTree(t, files) {
  const folder = await temporaryFolder(t);
  await cp(path.join(TREE, 'script'), path.join(folder, 'script'), { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
  }
  return folder;
}

async function listen(t, handler) {
  const server = http.createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${server.address().port}/`;
}

async function filesLeft(cache) {
  return readdir(path.join(cache, 'agnes')).catch(() => []);
}

test('script/duckdb says what to do when the registry is away', async (t) => {
  const cache = await temporaryFolder(t);
  const env = { XDG_CACHE_HOME: cache, npm_config_registry: 'http://127.0.0.1:9/', npm_config_cache: cache };
  const { code, stdout, stderr } = await run('script/duckdb', [], { env });
  assert.equal(code, 1);
  assert.equal(stdout, '');
  assert.match(stderr, /cannot fetch @duckdb\/node-bindings-linux-\S+: is the npm registry reachable\?.*-Dduckdb=/);
  assert.deepEqual(await filesLeft(cache), []);
});

test('script/duckdb refuses an archive that is not the pinned one', async (t) => {
  const cache = await temporaryFolder(t);
  await mkdir(path.join(cache, 'package'));
  await writeFile(path.join(cache, 'package/libduckdb.so'), 'not what was pinned');
  await writeFile(path.join(cache, 'package/package.json'), '{"name":"x","version":"1.0.0"}');
  await run('tar', ['-czf', 'fake.tgz', 'package'], { cwd: cache });
  const archive = path.join(cache, 'fake.tgz');
  const registry = await listen(t, async (request, response) => {
    if (request.url.endsWith('.tgz')) {
      createReadStream(archive).pipe(response);
      return;
    }
    const name = decodeURIComponent(request.url.slice(1));
    const version = await pinnedVersion();
    response.end(JSON.stringify({
      name,
      'dist-tags': { latest: version },
      versions: { [version]: { name, version, dist: { tarball: `${registry}fake.tgz` } } },
    }));
  });
  const env = { XDG_CACHE_HOME: cache, npm_config_registry: registry, npm_config_cache: path.join(cache, 'npm') };
  const { code, stdout, stderr } = await run('script/duckdb', [], { env });
  assert.equal(code, 1);
  assert.equal(stdout, '');
  assert.match(stderr, /is not what it was: expected sha512-\S+, got sha512-\S+; nothing was installed/);
  assert.deepEqual(await filesLeft(cache), []);
});

// The version that script/duckdb wants on this machine, from the folder that it prints.
async function pinnedVersion() {
  const { stdout } = await run('script/duckdb', []);
  return /duckdb-(.*)-[^-]+$/.exec(stdout.trim())[1];
}

test('an installed tree runs wherever it is moved', async (t) => {
  const folder = await temporaryFolder(t);
  const build = process.env.AGNES_BUILD;
  const install = await run('meson', ['install', '-C', build, '--no-rebuild', '--quiet', '--destdir', folder]);
  assert.equal(install.code, 0, install.stderr);
  await rename(path.join(folder, 'usr/local'), path.join(folder, 'moved'));
  const program = path.join(folder, 'moved/bin/agnesd');
  const { code, stdout } = await run(program, ['--version'], { cwd: '/' });
  assert.equal(code, 0);
  assert.match(stdout, /^agnesd \d/);
  assert.equal((await stat(path.join(folder, 'moved/share/agnes/web/docs/index.html'))).isFile(), true);
  const { stdout: dynamic } = await run('readelf', ['-d', program]);
  for (const [, runPath] of dynamic.matchAll(/R(?:UN)?PATH.*\[(.*)\]/g)) {
    assert.match(runPath, /^\$ORIGIN\/\.\.\/[^:]*\/agnes$/);
  }
});

const FLOORS = '1 base\n2 duck\n';

test('script/lint-floors sees a room that looks up', async (t) => {
  const tree = await smallTree(t, {
    'src/FLOORS': FLOORS,
    'src/base/a.h': '',
    'src/duck/b.h': '#include "base/a.h"\n#include <duckdb.h>\n',
    'src/base/up.c': '#include "duck/b.h"\n',
    'src/base/engine.c': '#include <duckdb.h>\n',
    'src/base/relative.c': '#include "../base/a.h"\n',
    'src/attic/a.c': '',
    'src/attic/b.c': '#include "base/a.h"\n',
  });
  const { code, stdout } = await run('script/lint-floors', [], { cwd: tree });
  assert.equal(code, 1);
  const complaints = stdout.trim().split('\n').map((line) => line.split(':')[0]);
  assert.deepEqual([...new Set(complaints)].sort(),
    ['src/attic/b.c', 'src/base/engine.c', 'src/base/relative.c', 'src/base/up.c']);
});

test('script/lint-names sees what does not belong here, and nothing else', async (t) => {
  const at = '@'; // keeps this file itself clean
  const bad = {
    host: 'https:' + '//db.acme.org/x',
    address: ['10', '1', '2', '3'].join('.'),
    mail: `jan${at}acme.org`,
    path: '/ho' + 'me/jan/x',
    registry: 'registry.npm' + 'js.org',
    private: 'db.co' + 'rp',
  };
  const good = [
    'https://api.example.com/x http://localhost:8000 http://127.0.0.1/ https://duckdb.org/docs',
    '192.0.2.7 169.254.169.254 1.5.6', `jan${at}example.com node-api${at}1.5.6-r.1`, '~/home/x $HOME/x',
  ].join('\n');
  const files = { 'good.md': good, 'tests/package-lock.json': '{}' };
  for (const [name, text] of Object.entries(bad)) files[`${name}.md`] = `${text}\n`;
  const tree = await smallTree(t, files);
  const { code, stdout } = await run('script/lint-names', [], { cwd: tree });
  assert.equal(code, 1);
  const complaints = stdout.trim().split('\n').map((line) => line.split(':')[0]);
  assert.deepEqual([...new Set(complaints)].sort(), Object.keys(bad).map((name) => `${name}.md`).sort(), stdout);
});
