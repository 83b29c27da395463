// Uploads: where they land, what they may be called, how large they may be.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, readFileSync, readdirSync, statSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import test from 'node:test';
import { collect, temporaryFolder } from './lib/agnesd.mjs';
import { state } from './lib/extracts.mjs';
import { serve } from './lib/server.mjs';
import { until } from './lib/shop.mjs';

const LIMIT = 50 * 1024 * 1024;

async function start(t) {
  const folder = temporaryFolder(t);
  const server = await serve(t, folder);
  const admin = await server.bootstrap();
  return { server, admin, ann: await admin.addUser('ann@example.com'), folder };
}

function send(client, kind, content, name) {
  const body = new FormData();
  body.set('file', new Blob([content]), name);
  return client.request('POST', `/api/upload/${kind}`, { body });
}

test('files land in the folder of their user, whole, and for nobody else to read', async (t) => {
  const { ann, folder, server } = await start(t);
  for (const [kind, place] of [['sessions', 'user_sessions'], ['artifacts', 'user_artifacts']]) {
    const { status, body } = await send(ann, kind, 'a line\n', 'one.jsonl');
    assert.deepEqual([status, body], [200, { status: 'ok', filename: 'one.jsonl', size: 7 }]);
    const file = path.join(folder, place, ann.id, 'one.jsonl');
    assert.equal(readFileSync(file, 'utf8'), 'a line\n');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(statSync(path.dirname(file)).mode & 0o777, 0o700);
    assert.equal((await send(ann, kind, '', 'one.jsonl')).body.size, 0);
    assert.equal(statSync(file).size, 0);
    assert.deepEqual(readdirSync(path.dirname(file)), ['one.jsonl']);
  }
  assert.equal((await send(server.client(), 'sessions', 'x', 'x')).status, 401);
  assert.equal((await ann.post('/api/upload/sessions', { file: 'x' })).status, 422);
  const noName = new FormData();
  noName.set('file', 'text');
  assert.equal((await ann.request('POST', '/api/upload/sessions', { body: noName })).status, 422);
  await server.stop();
  const audited = await state(folder, "SELECT action, params FROM audit_log WHERE action LIKE 'upload.%' ORDER BY timestamp LIMIT 1");
  assert.deepEqual(audited.map(({ action, params }) => [action, JSON.parse(params)]),
    [['upload.session', { filename: 'one.jsonl', size: 7 }]]);
});

test('a name never leads out of the folder', async (t) => {
  const { ann, folder } = await start(t);
  const own = path.join(folder, 'user_artifacts', ann.id);
  const names = { '../../etc/passwd': 'passwd', '/etc/shadow': 'shadow', 'a/b/c.txt': 'c.txt', 'dir/': 'dir',
    'žluťoučký kůň.md': 'žluťoučký kůň.md', "a'b;c.txt": "a'b;c.txt" };
  for (const [given, stored] of Object.entries(names)) {
    const { body } = await send(ann, 'artifacts', given, given);
    assert.equal(body.filename, stored, given);
    assert.equal(readFileSync(path.join(own, stored), 'utf8'), given);
  }
  for (const given of ['..', '.hidden', 'x/..', '/']) {
    const { body } = await send(ann, 'artifacts', 'x', given);
    assert.match(body.filename, /^upload_[0-9a-f]{8}$/, given);
  }
  const long = (await send(ann, 'artifacts', 'x', `${'ž'.repeat(300)}.jsonl`)).body.filename;
  assert.ok(Buffer.byteLength(long) <= 240 && long.endsWith('ž.jsonl'), long);
  assert.ok(existsSync(path.join(own, long)));
  assert.equal(existsSync(path.join(folder, 'etc')), false);
  // What node would escape, as an attacker sends it.
  for (const name of ['a\tb', 'a\x01b', 'a\x7fb']) {
    const body = Buffer.from(`--BB\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n\r\nx\r\n--BB--\r\n`);
    const { status } = await ann.request('POST', '/api/upload/artifacts',
      { body, headers: { 'content-type': 'multipart/form-data; boundary=BB' } });
    assert.equal(status, 400, JSON.stringify(name));
  }
});

test('50 MiB are taken and one byte more is not', async (t) => {
  const { ann, folder } = await start(t);
  const content = Buffer.alloc(LIMIT + 1, 'x');
  const taken = await send(ann, 'artifacts', content.subarray(0, LIMIT), 'large');
  assert.deepEqual([taken.status, taken.body.size], [200, LIMIT]);
  const refused = await send(ann, 'artifacts', content, 'larger');
  assert.deepEqual([refused.status, refused.body], [413, { detail: 'File too large (max 50MB)' }]);
  const file = path.join(folder, 'huge');
  const fd = openSync(file, 'w');
  ftruncateSync(fd, 300 * 1024 * 1024);
  closeSync(fd);
  // curl asks first whether it may send that much.
  const { stdout } = await collect(spawn('curl', ['-s', '-o', '/dev/null', '-w', '%{http_code} %{size_upload}',
    '-H', `Authorization: Bearer ${ann.token}`, '-F', `file=@${file}`, `${ann.url}/api/upload/artifacts`]));
  assert.match(stdout, /^413 /);
  assert.ok(Number(stdout.split(' ')[1]) < 10 * 1024 * 1024, stdout);
  assert.deepEqual(readdirSync(path.join(folder, 'user_artifacts', ann.id)), ['large']);
});

test('a user cannot fill the disk', async (t) => {
  const { ann, admin, folder } = await start(t);
  const own = path.join(folder, 'user_sessions', ann.id);
  mkdirSync(own, { recursive: true });
  const fd = openSync(path.join(own, 'old.jsonl'), 'w');
  ftruncateSync(fd, 10 * 1024 ** 3 - 5);
  closeSync(fd);
  assert.equal((await send(ann, 'sessions', '12345', 'fits')).status, 200);
  const refused = await send(ann, 'sessions', 'x', 'more');
  assert.equal(refused.status, 413);
  assert.match(refused.body.detail, /administrator/);
  assert.equal((await send(admin, 'sessions', 'x', 'more')).status, 200);
  assert.equal((await send(ann, 'artifacts', 'x', 'more')).status, 200);
});

test('a client that leaves half-way leaves nothing behind', async (t) => {
  const { ann, folder } = await start(t);
  const { hostname, port } = new URL(ann.url);
  const socket = net.connect(Number(port), hostname);
  socket.write(`POST /api/upload/artifacts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ann.token}\r\n`
    + 'Content-Type: multipart/form-data; boundary=BB\r\nContent-Length: 100000\r\n\r\n'
    + '--BB\r\nContent-Disposition: form-data; name="file"; filename="half"\r\n\r\nxxx');
  await new Promise((resolve) => setTimeout(resolve, 100));
  socket.destroy();
  assert.equal((await send(ann, 'artifacts', 'x', 'whole')).status, 200);
  assert.deepEqual(readdirSync(path.join(folder, 'user_artifacts', ann.id)), ['whole']);
});

test('two who send the same name at once leave one of the two files', async (t) => {
  const { ann, folder } = await start(t);
  const contents = Array.from({ length: 8 }, (_, i) => String(i).repeat(100_000));
  const statuses = await Promise.all(contents.map((content) => send(ann, 'artifacts', content, 'same')));
  assert.ok(statuses.every(({ status }) => status === 200));
  const own = path.join(folder, 'user_artifacts', ann.id);
  await until('temporary files', () => readdirSync(own).length === 1);
  assert.ok(contents.includes(readFileSync(path.join(own, 'same'), 'utf8')));
});

test('notes for agents are kept by a hash of the address, and counted in characters', async (t) => {
  const { ann, folder } = await start(t);
  const content = '# Poznámky ž 🦆\n';
  const { status, body } = await ann.post('/api/upload/local-md', { content });
  assert.deepEqual([status, body], [200, { status: 'ok', user: 'ann@example.com', size: [...content].length }]);
  const name = createHash('sha256').update('ann@example.com').digest('hex').slice(0, 24);
  const file = path.join(folder, 'user_local_md', `${name}.md`);
  assert.equal(readFileSync(file, 'utf8'), content);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal((await ann.post('/api/upload/local-md', { content: '' })).body.size, 0);
  assert.equal(statSync(file).size, 0);
  assert.equal((await ann.post('/api/upload/local-md', { content: 7 })).status, 422);
  assert.equal((await ann.post('/api/upload/local-md', {})).status, 422);
  assert.equal((await ann.post('/api/upload/local-md', { content: 'x'.repeat(5 * 1024 * 1024) })).status, 413);
});
