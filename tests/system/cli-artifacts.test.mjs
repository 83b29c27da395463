// The client programs that the server hands out, and the script that installs them.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import test from 'node:test';
import { collect, temporaryFolder } from './lib/agnesd.mjs';
import { serve } from './lib/server.mjs';

const ARCH = execFileSync('uname', ['-m'], { encoding: 'utf8' }).trim();
const OTHER = ARCH === 'x86_64' ? 'aarch64' : 'x86_64';

// An archive of the shape that the release makes, with a program that says what it is.
function makeArchive(folder, version, arch = ARCH) {
  const top = `da-${version}`;
  const tree = path.join(folder, `tree-${version}-${arch}`);
  mkdirSync(path.join(tree, top, 'bin'), { recursive: true });
  const program = path.join(tree, top, 'bin/da');
  writeFileSync(program, `#!/bin/sh\necho "da ${version}"\n`);
  chmodSync(program, 0o755);
  const dist = path.join(folder, 'dist');
  mkdirSync(dist, { recursive: true });
  const file = path.join(dist, `da-${version}-linux-${arch}.tar.gz`);
  execFileSync('tar', ['-czf', file, '-C', tree, top]);
  return { file, name: path.basename(file), dist };
}

const start = (t, folder, env = {}) =>
  serve(t, path.join(folder, 'data'), { env: { AGNES_CLI_DIST_DIR: path.join(folder, 'dist'), ...env } });
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

// fetch() does not let a Host header be chosen.
function getWithHost(server, host, target = '/cli/install.sh') {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(server.url);
    http.get({ hostname, port, path: target, headers: { host } }, async (response) => {
      let body = '';
      for await (const chunk of response) body += chunk;
      resolve({ status: response.statusCode, body });
    }).on('error', reject);
  });
}

test('the newest version counts, by its numbers, for each machine', async (t) => {
  const folder = temporaryFolder(t);
  makeArchive(folder, '0.9.0');
  makeArchive(folder, '0.10.0rc1');
  const newest = makeArchive(folder, '0.10.0');
  const other = makeArchive(folder, '0.8.0', OTHER);
  for (const odd of ['da-1.0.tar.gz', 'da-9.9-linux-x86_64.zip', 'other-9.9-linux-x86_64.tar.gz', 'da-$(id)-linux-x86_64.tar.gz'])
    writeFileSync(path.join(newest.dist, odd), 'x');
  const server = await start(t, folder);
  const { body } = await server.client().get('/cli/latest');
  assert.deepEqual(Object.keys(body), ['version', 'wheel_filename', 'download_url_path', 'archives']);
  // For clients in Python there is nothing.
  assert.deepEqual([body.version, body.wheel_filename, body.download_url_path], [null, null, null]);
  const expected = [[ARCH, '0.10.0', newest], [OTHER, '0.8.0', other]].map(([arch, version, { name, file }]) =>
    ({ arch, version, filename: name, sha256: sha256(readFileSync(file)), download_url_path: `/cli/wheel/${name}` }));
  assert.deepEqual(body.archives, expected.sort((a, b) => (a.arch < b.arch ? -1 : 1)));

  const bytes = readFileSync(newest.file);
  for (const at of ['/cli/download', `/cli/download?arch=${ARCH}`, `/cli/wheel/${newest.name}`]) {
    const response = await fetch(server.url + at, { headers: { 'accept-encoding': 'gzip' } });
    assert.equal(response.status, 200, at);
    assert.equal(response.headers.get('content-type'), 'application/octet-stream');
    assert.equal(response.headers.get('content-disposition'), `attachment; filename="${newest.name}"`);
    assert.equal(response.headers.get('etag'), `"${sha256(bytes)}"`);
    assert.deepEqual(Buffer.from(await response.arrayBuffer()), bytes);
  }
  const elsewhere = await fetch(`${server.url}/cli/download?arch=${OTHER}`);
  assert.equal(sha256(Buffer.from(await elsewhere.arrayBuffer())), sha256(readFileSync(other.file)));
  assert.equal((await server.client().get('/cli/download?arch=vax')).status, 404);

  // A new one needs no restart.
  const next = makeArchive(folder, '0.11');
  assert.equal((await server.client().get('/cli/latest')).body.archives.find(({ arch }) => arch === ARCH).version, '0.11');
  for (const name of [newest.name, 'agnes.whl', '..%2fdata%2fstate%2fsystem.duckdb', `.%2f${next.name}`, '']) {
    const { status } = await server.client().get(`/cli/wheel/${name}`);
    assert.equal(status, 404, name);
  }
  assert.deepEqual((await server.client().get('/cli/wheel/other.whl')).body, { detail: 'Wheel not found' });
  assert.equal((await server.client().get('/cli/agnes.whl')).status, 404);
});

test('without a client the server says so', async (t) => {
  const folder = temporaryFolder(t);
  const server = await start(t, folder);
  assert.deepEqual((await server.client().get('/cli/latest')).body,
    { version: null, wheel_filename: null, download_url_path: null, archives: [] });
  const missing = await server.client().get('/cli/download');
  assert.equal(missing.status, 404);
  assert.match(missing.body.detail, /AGNES_CLI_DIST_DIR/);
  const script = await server.client().get('/cli/install.sh');
  const result = await runScript(folder, script.body);
  assert.equal(result.code, 1);
  assert.match(result.stderr, /has no client for Linux on/);
});

function runScript(folder, script, env = {}) {
  const home = path.join(folder, 'home');
  mkdirSync(home, { recursive: true });
  const child = spawn('bash', ['-s'], { env: { PATH: process.env.PATH, HOME: home, ...env } });
  child.stdin.end(script);
  return collect(child);
}

test('the script installs the client, keeps what is configured, and does so again', async (t) => {
  const folder = temporaryFolder(t);
  makeArchive(folder, '1.0');
  const server = await start(t, folder);
  const response = await fetch(`${server.url}/cli/install.sh`);
  assert.equal(response.headers.get('content-type'), 'text/plain; charset=utf-8');
  const script = await response.text();
  execFileSync('bash', ['-n'], { input: script });
  assert.ok(script.includes(`SERVER='${server.url}'`));
  const config = path.join(folder, 'home/.config/da/config.yaml');
  mkdirSync(path.dirname(config), { recursive: true });
  writeFileSync(config, 'server: http://old.example.com\nother: kept\n');
  const first = await runScript(folder, script);
  assert.equal(first.code, 0, first.stderr);
  for (const word of ['da auth login', 'DA_TOKEN', 'da auth whoami', 'da auth token create', 'not in PATH']) assert.ok(first.stdout.includes(word), word);
  assert.equal(readFileSync(config, 'utf8'), `server: ${server.url}\nother: kept\n`);
  const da = path.join(folder, 'home/.local/bin/da');
  assert.equal(execFileSync(da, { encoding: 'utf8' }), 'da 1.0\n');
  assert.equal(readlinkSync(path.join(folder, 'home/.local/bin/agnes')), readlinkSync(da));

  makeArchive(folder, '1.1');
  const newer = await (await fetch(`${server.url}/cli/install.sh`)).text();
  const bin = path.join(folder, 'home/.local/bin');
  const second = await runScript(folder, newer, { PATH: `${bin}:${process.env.PATH}`, DA_CONFIG_DIR: path.join(folder, 'elsewhere') });
  assert.equal(second.code, 0, second.stderr);
  assert.doesNotMatch(second.stdout, /not in PATH/);
  assert.equal(execFileSync(da, { encoding: 'utf8' }), 'da 1.1\n');
  assert.equal(readFileSync(path.join(folder, 'elsewhere/config.yaml'), 'utf8'), `server: ${server.url}\n`);

  // The archive that comes is not the one that was announced.
  const wrong = await runScript(folder, newer.replace(/SHA256='[0-9a-f]{64}'/, `SHA256='${'0'.repeat(64)}'`));
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /not what .* announced/);
  assert.equal(execFileSync(da, { encoding: 'utf8' }), 'da 1.1\n');
});

test('nothing but an address gets into the script', async (t) => {
  const folder = temporaryFolder(t);
  makeArchive(folder, '1.0');
  const server = await start(t, folder, { AGNES_VERSION: '1.0; rm -rf /' });
  for (const host of ['data.example.com', 'my_host:8000', '[::1]:8000', 'localhost']) {
    const { status, body } = await getWithHost(server, host);
    assert.equal(status, 200, host);
    assert.ok(body.includes(`SERVER='http://${host}'`), host);
    assert.match(body, /# From Agnes dev\.\n/);
    execFileSync('bash', ['-n'], { input: body });
  }
  for (const host of ['a;id', 'a$(id)', "a'b", 'a b', 'a?b', 'a`id`', 'a/b', 'ftp://a', 'a"', 'a\\', 'user@a']) {
    const { status, body } = await getWithHost(server, host);
    assert.equal(status, 400, host);
    assert.ok(body.includes('Unexpected server URL format') || body.includes('Malformed'), body);
  }
  const outside = await start(t, path.join(folder, 'second'), { SERVER_URL: 'https://example.com/agnes/' });
  assert.ok((await getWithHost(outside, 'a;id')).body.includes("SERVER='https://example.com/agnes'"));
  const hostile = await start(t, path.join(folder, 'third'), { SERVER_URL: 'https://example.com/$(id)' });
  assert.equal((await getWithHost(hostile, 'localhost')).status, 400);
});

test('what is no file is not handed out', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(path.join(folder, 'dist'), { recursive: true });
  const name = `da-1.0-linux-${ARCH}.tar.gz`;
  symlinkSync('/dev/zero', path.join(folder, 'dist', name));
  const server = await start(t, folder);
  const { body } = await server.client().get('/cli/latest');
  assert.equal(body.archives[0].sha256, null);
  assert.equal((await server.client().get(`/cli/wheel/${name}`)).status, 404);
});
