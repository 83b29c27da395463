// src/http against what nobody sends by mistake: broken framing, slow clients, huge everything, clients that leave.
// timeout: 420
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { SANITIZED, bodyOf, connect, cpuTicks, request, startDemo, statusOf, talk, until } from './lib/http_demo.mjs';

const JSON_TYPE = { 'Content-Type': 'application/json' };

function folderFor(t) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'agnes-http-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

// By a connection of its own, which nobody closes while it is idle.
const load = async (t, { port }) => JSON.parse(bodyOf(await talk(t, port, request('GET /load'))));
const isAlive = async ({ url }) => assert.equal((await fetch(`${url}/hello`)).status, 200);

test('two ways to read one message are refused, and the connection closed', async (t) => {
  const demo = await startDemo(t, { IDLE_SECONDS: '2' });
  const body = '{"name":"a"}';
  const post = (lines, after = '') => `POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${lines}\r\n${after}`;
  const smuggled = 'GET /things/smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
  const messages = {
    'both lengths': post('Content-Length: 12\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${smuggled}`),
    'both lengths, other order': post('Transfer-Encoding: chunked\r\nContent-Length: 4\r\n', `0\r\n\r\n${smuggled}`),
    'two differing lengths': post('Content-Length: 12\r\nContent-Length: 0\r\n', body + smuggled),
    'one length twice': post('Content-Length: 12\r\nContent-Length: 12\r\n', body + smuggled),
    'a list of lengths': post('Content-Length: 12, 0\r\n', body + smuggled),
    'a signed length': post('Content-Length: +12\r\n', body + smuggled),
    'a negative length': post('Content-Length: -1\r\n', smuggled),
    'a hexadecimal length': post('Content-Length: 0x10\r\n', smuggled),
    'a length beyond 64 bits': post('Content-Length: 99999999999999999999\r\n', smuggled),
    'no length after the colon': post('Content-Length:\r\n', smuggled),
    'two encodings': post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', `0\r\n\r\n${smuggled}`),
    'an unknown encoding': post('Transfer-Encoding: xchunked\r\n', `0\r\n\r\n${smuggled}`),
    'gzip and chunked': post('Transfer-Encoding: gzip, chunked\r\n', `0\r\n\r\n${smuggled}`),
    'a blank before the colon': post('Content-Length : 12\r\n', body + smuggled),
    'a tab before the colon': post('Transfer-Encoding\t: chunked\r\n', `0\r\n\r\n${smuggled}`),
    'two hosts': `GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n${smuggled}`,
    'no host': `GET /hello HTTP/1.1\r\n\r\n${smuggled}`,
    'a chunk that is no number': post('Transfer-Encoding: chunked\r\n', `zz\r\n${body}\r\n0\r\n\r\n${smuggled}`),
    'a chunk beyond 64 bits': post('Transfer-Encoding: chunked\r\n', `ffffffffffffffffff\r\n${body}\r\n0\r\n\r\n${smuggled}`),
    'a chunk without its end': post('Transfer-Encoding: chunked\r\n', `c\r\n${body}GET\r\n0\r\n\r\n${smuggled}`),
    'chunks in HTTP/1.0': `POST /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
  };
  for (const [name, message] of Object.entries(messages)) {
    const answer = await talk(t, demo.port, message);
    assert.ok([0, 400, 413].includes(statusOf(answer)), `${name}: ${answer}`);
    assert.doesNotMatch(answer, /smuggled/, name);
  }
  await isAlive(demo);
});

test('what is no HTTP is refused or cut', async (t) => {
  const demo = await startDemo(t, { HEADER_SECONDS: '1', IDLE_SECONDS: '1' });
  const messages = ['\0\0\0\0', 'GET\r\n\r\n', 'GET /hello\r\n\r\n', 'GET  HTTP/1.1\r\n\r\n', 'G\xffT / HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET /hello HTTP/9.9\r\nHost: a\r\n\r\n', 'GET /hello HTTP/1.1\nHost: a\n\n\n', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'GET http://[::1 HTTP/1.1\r\nHost: a\r\n\r\n', 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n',
    'TRACE / HTTP/1.1\r\nHost: a\r\n\r\n', '\r\n'.repeat(5000), 'GET /hello HTTP/1.1\r\n: x\r\n\r\n',
    'GET /hello HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n', 'GET /hello HTTP/1.1\r\nHost: a\r\nX\0Y: a\r\n\r\n',
    'GET /hello HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n', 'GET /hello HTTP/1.1\r\nHost: a\r\n folded: x\r\nConnection: close\r\n\r\n'];
  await Promise.all(messages.map(async (message) => {
    const answer = await talk(t, demo.port, message);
    assert.ok([0, 200, 400, 404, 405, 501, 505].includes(statusOf(answer)), `${JSON.stringify(message.slice(0, 60))}: ${answer}`);
  }));
  await isAlive(demo);
});

test('paths with NUL, broken UTF-8 or dots go nowhere else', async (t) => {
  const demo = await startDemo(t);
  for (const target of ['/things/a%00b', '/things/%00', '/things/%ff', '/things/%c3%28', '/things/%ed%a0%80', '/hello%00',
    '/../hello', '/./hello', '/things/../hello', '/%2e%2e/hello', '//hello', `/things/${'x'.repeat(4100)}`]) {
    assert.equal(statusOf(await talk(t, demo.port, request(`GET ${target}`))), 404, target);
  }
  const query = JSON.parse(bodyOf(await talk(t, demo.port, request('GET /things/x?n=1%00'))));
  assert.equal(query.detail[0].type, 'int_parsing');
  await isAlive(demo);
});

test('headers beyond their memory are refused', async (t) => {
  const demo = await startDemo(t);
  const big = 'x'.repeat(1 << 20);
  for (const message of [request('GET /hello', { 'X-Big': big }), request(`GET /${big}`), `GET /hello HTTP/1.1\r\n${'A: b\r\n'.repeat(200_000)}`,
    `${big} / HTTP/1.1\r\nHost: a\r\n\r\n`]) {
    assert.ok([0, 400, 413, 414, 431].includes(statusOf(await talk(t, demo.port, message))));
  }
  await isAlive(demo);
});

test('bodies: chunked ones, limits, nesting', async (t) => {
  const demo = await startDemo(t);
  const chunked = { ...JSON_TYPE, 'Transfer-Encoding': 'chunked' };
  const pieces = '{"name":"abc"}'.match(/.{1,3}/g).map((piece) => `${piece.length};ext=1\r\n${piece}\r\n`).join('');
  const small = await talk(t, demo.port, request('POST /echo', chunked, `${pieces}0\r\nTrailer: x\r\n\r\n`));
  assert.equal(JSON.parse(bodyOf(small)).name, 'abc');

  const text = JSON.stringify({ name: 'x'.repeat(5000) });
  assert.equal(statusOf(await talk(t, demo.port, request('POST /echo', { ...JSON_TYPE, 'Content-Length': text.length }, text))), 413);
  assert.equal(statusOf(await talk(t, demo.port, request('POST /echo', chunked, `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`))), 413);
  // One that asks first is told before it sends anything.
  const asked = await talk(t, demo.port, request('POST /echo', { ...JSON_TYPE, 'Content-Length': 5000, Expect: '100-continue' }));
  assert.equal(statusOf(asked), 413);

  const authorised = { ...JSON_TYPE, Authorization: 'Bearer right' };
  const post = (body) => fetch(`${demo.url}/secret`, { method: 'POST', headers: authorised, body });
  const full = JSON.stringify({ name: 'x' }).padEnd(16 << 20, ' ');
  assert.equal((await post(full)).status, 200);
  assert.equal((await post(`${full} `)).status, 413);
  const deep = await post(`{"name":"a","extra":${'['.repeat(1 << 20)}`);
  assert.equal(deep.status, 422);
  assert.equal((await deep.json()).detail[0].type, 'json_invalid');
  // A large body is not repeated for each of its problems.
  const wrong = await post(`{"tags":[${'1,'.repeat(1 << 20)}1]}`);
  assert.equal(wrong.status, 422);
  assert.ok((await wrong.text()).length < 100_000);
});

test('multipart bodies that are broken or excessive', async (t) => {
  const folder = folderFor(t);
  const demo = await startDemo(t, { TMPDIR: folder });
  const part = (name, content, extra = '') => `--bound\r\nContent-Disposition: form-data; name="${name}"${extra}\r\n\r\n${content}\r\n`;
  const file = part('file', 'content', '; filename="f"');
  const end = '--bound--\r\n';
  const send = (body, type = 'multipart/form-data; boundary=bound') => talk(t, demo.port,
    request('POST /upload', { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) }, body));
  assert.equal(statusOf(await send(file + end)), 200);
  assert.equal(statusOf(await send(file + end, 'multipart/form-data; boundary="bound"')), 200);
  const refused = {
    'cut within a part': file.slice(0, -4),
    'cut before the last boundary': file,
    'too many parts': part('x', 'y').repeat(65) + end,
    'very many parts': part('x', 'y').repeat(200_000) + end,
    'no name': `--bound\r\nContent-Disposition: form-data\r\n\r\nx\r\n${end}`,
    'endless part header': `--bound\r\nContent-Disposition: form-data; name="${'x'.repeat(200_000)}"\r\n\r\nx\r\n${end}`,
  };
  for (const [name, body] of Object.entries(refused)) {
    assert.equal(statusOf(await send(body)), 400, name);
  }
  for (const type of ['multipart/form-data', 'multipart/form-data; boundary=', 'multipart/form-data; boundary="', 'multipart/form-data; boundary=""',
    `multipart/form-data; boundary=${'b'.repeat(500)}`, 'multipart/form-data; boundary="bound', 'multipart/mixed; boundary=bound']) {
    assert.equal(statusOf(await send(file + end, type)), 422, type); // nothing that could be read came
  }
  assert.equal(statusOf(await send('x'.repeat(200_000))), 422);
  // Byte by byte, so that every piece ends somewhere awkward.
  const content = '\r\n--boun\r\n\r--bound';
  const awkward = part('note', '\r\n--\r\r\n') + part('file', content, '; filename="f"') + end;
  const client = await connect(t, demo.port);
  client.socket.setNoDelay(true);
  client.send(request('POST /upload', { 'Content-Type': 'multipart/form-data; boundary=bound', 'Content-Length': awkward.length }));
  for (const byte of awkward) {
    client.send(byte);
    await new Promise(setImmediate);
  }
  await client.ended;
  assert.equal(JSON.parse(bodyOf(client.text())).size, content.length);
  assert.deepEqual(readdirSync(folder), []);
  await isAlive(demo);
});

test('an upload that cannot be kept is refused as the server\'s fault', async (t) => {
  const demo = await startDemo(t, { TMPDIR: path.join(folderFor(t), 'none') });
  const form = new FormData();
  form.append('file', new Blob(['abc']), 'f');
  assert.equal((await fetch(`${demo.url}/upload`, { method: 'POST', body: form })).status, 503);
});

test('slow clients are cut: before a request, in the headers, in a body, between requests', async (t) => {
  const demo = await startDemo(t, { HEADER_SECONDS: '1', IDLE_SECONDS: '2', BODY_SECONDS: '1', SLOWEST_BODY: '100000' });
  const trickle = async (start, piece) => {
    const client = await connect(t, demo.port);
    client.send(start);
    const timer = setInterval(() => client.send(piece), 100);
    await client.ended;
    clearInterval(timer);
    return client.text();
  };
  const body = { 'Content-Length': 1000, Connection: null };
  const texts = await Promise.all([
    trickle('', ''),
    trickle('G', 'E'),
    trickle('GET /hello HTTP/1.1\r\nHost: a\r\n', 'X: y\r\n'),
    trickle(request('POST /echo', { ...JSON_TYPE, ...body }), ' '),
    trickle(request('PUT /raw', { 'Content-Length': 10_000_000 }), 'x'.repeat(1000)),
    trickle(request('POST /upload', { 'Content-Type': 'multipart/form-data; boundary=b', ...body }), '-'),
    trickle(request('POST /nothing', { ...body }), 'x'),
    trickle(request('GET /hello', { Connection: null }), ''),
  ]);
  assert.deepEqual(texts.map(statusOf), [0, 0, 0, 0, 0, 0, 0, 200]);
  // One that keeps the pace may take longer than any of these limits.
  const steady = await connect(t, demo.port);
  steady.send(request('PUT /raw', { 'Content-Length': 1_000_000 }));
  for (let i = 0; i < 20; i++) {
    steady.send('x'.repeat(50_000));
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  await steady.ended;
  assert.equal(JSON.parse(bodyOf(steady.text())).size, 1_000_000);
});

test('a client that takes nothing of its answer is cut', async (t) => {
  const file = path.join(folderFor(t), 'data');
  writeFileSync(file, Buffer.alloc(64 << 20));
  const demo = await startDemo(t, { DEMO_FILE: file, IDLE_SECONDS: '1' });
  for (const target of ['/file/x', '/relay?lines=1000&width=100000']) {
    const client = await connect(t, demo.port);
    client.socket.pause();
    client.send(request(`GET ${target}`));
    await until(async () => (await load(t, demo)).requests > 1);
    await until(async () => (await load(t, demo)).requests === 1);
    client.socket.destroy();
  }
});

test('clients that leave are noticed, and cost nothing', async (t) => {
  const file = path.join(folderFor(t), 'data');
  writeFileSync(file, Buffer.alloc(64 << 20));
  const demo = await startDemo(t, { DEMO_FILE: file });
  const leave = async (target, afterBytes, how) => {
    const client = await connect(t, demo.port);
    client.send(request(`GET ${target}`));
    if (afterBytes) await until(() => client.text().length > afterBytes);
    else await until(async () => (await load(t, demo)).requests > 1);
    client.socket[how]();
    await until(async () => (await load(t, demo)).requests === 1);
  };
  const heard = (text) => until(() => demo.stderr().split(text).length - 1);
  for (const how of ['destroy', 'resetAndDestroy', 'end']) await leave('/slow?ms=1000000', 0, how);
  assert.equal(await heard('slow: the client left'), 3);
  await leave('/wait', 0, 'destroy');
  await heard('wait: told');
  for (const how of ['destroy', 'resetAndDestroy']) await leave('/relay?lines=100000&pause_ms=20', 300, how);
  await until(() => demo.stderr().split('relay: the client left').length === 3);
  await leave('/file/x', 1000, 'destroy');

  // Relays and handlers that wait, and those just left, spin on no core.
  const waiting = await Promise.all(Array.from({ length: 20 }, () => connect(t, demo.port)));
  for (const client of waiting) client.send(request('GET /relay?lines=10000&pause_ms=5000'));
  await until(() => waiting.every((client) => client.text().includes('line 0')));
  const before = cpuTicks(readFileSync(`/proc/${demo.child.pid}/stat`, 'utf8'));
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const ticks = cpuTicks(readFileSync(`/proc/${demo.child.pid}/stat`, 'utf8')) - before;
  assert.ok(ticks < 50, `${ticks} of 200 ticks`);
  for (const client of waiting) client.socket.destroy();
  await isAlive(demo);
});

test('an error behind the first byte is never a complete answer', async (t) => {
  const demo = await startDemo(t);
  const curl = async (...args) => {
    const child = spawn('curl', ['-s', '-o', '/dev/null', ...args], { stdio: 'ignore' });
    return (await once(child, 'close'))[0];
  };
  assert.equal(await curl(`${demo.url}/relay?lines=50`), 0);
  assert.equal(await curl(`${demo.url}/relay?lines=50&fail=1`), 18);
  assert.equal(await curl(`${demo.url}/relay?lines=0&fail=1`), 18);
  await assert.rejects(async () => (await fetch(`${demo.url}/relay?lines=50&fail=1`)).text());
  // Without chunks, which HTTP/1.0 does not have, a reset tells the end from the break.
  assert.equal(await curl('-0', `${demo.url}/relay?lines=50`), 0);
  assert.equal(await curl('-0', `${demo.url}/relay?lines=50&fail=1`), 56);
});

test('200 blocking handlers wait their turn while others are answered at once', async (t) => {
  const demo = await startDemo(t, { BLOCKING_THREADS: '8' });
  const all = Array.from({ length: 200 }, async () => (await (await fetch(`${demo.url}/slow?ms=20`)).json()).gone);
  const order = [];
  const waiting = Promise.all(all).then(() => order.push('blocking'));
  await until(async () => (await load(t, demo)).requests > 100);
  order.push('inline');
  await waiting;
  assert.deepEqual(order, ['inline', 'blocking']);
  assert.deepEqual(await Promise.all(all), Array(200).fill(false));
});

test('requests in one piece are answered in their order', async (t) => {
  const { port } = await startDemo(t);
  const ids = Array.from({ length: 300 }, (_, i) => `r${i}`);
  const targets = ['/hello', '/slow?ms=1', '/large?size=3000', '/relay?lines=5', '/nothing', '/things/x?n=y'];
  const all = ids.map((id, i) => request(`GET ${targets[i % targets.length]}`, { 'X-Request-ID': id, Connection: i < 299 ? null : 'close' }));
  const answer = await talk(t, port, all.join(''));
  assert.deepEqual([...answer.matchAll(/^x-request-id: (.*)\r$/gm)].map(([, id]) => id), ids);
});

test('connections beyond the limit wait, the others go on', async (t) => {
  const demo = await startDemo(t, { CONNECTION_LIMIT: '16', EVENT_THREADS: '1' });
  const held = [];
  for (let i = 0; i < 16; i++) {
    held.push(await connect(t, demo.port));
    held[i].send(request('GET /hello', { Connection: null }));
    await until(() => held[i].text().includes('world'));
  }
  const late = await connect(t, demo.port); // by the kernel, not by the server
  late.send(request('GET /hello'));
  held[0].send(request('GET /hello', { Connection: null }));
  await until(() => held[0].text().split('world').length === 3);
  assert.equal(late.text(), '');
  held[1].socket.destroy();
  await late.ended;
  assert.equal(statusOf(late.text()), 200);
});

test('10,000 open connections', async (t) => {
  const demo = await startDemo(t, { EVENT_THREADS: '2' });
  const wanted = 10_000;
  const sockets = [];
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  const open = () => new Promise((resolve, reject) => {
    // Several source addresses: one alone may not have so many ports.
    const socket = net.connect({ port: demo.port, host: '127.0.0.1', localAddress: `127.0.0.${2 + (sockets.length % 4)}` });
    sockets.push(socket);
    socket.once('error', reject);
    socket.once('connect', () => socket.write(request('GET /hello', { Connection: null })));
    socket.once('data', resolve);
  });
  while (sockets.length < wanted) await Promise.all(Array.from({ length: 200 }, open));
  const { connections } = await load(t, demo);
  assert.ok(connections > wanted, `${connections}`);
  const rss = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${demo.child.pid}/status`, 'utf8'))[1]) / 1024;
  t.diagnostic(`resident memory with 10,000 connections: ${rss.toFixed(0)} MB`);
  if (!SANITIZED) assert.ok(rss <= 250, `${rss} MB`);
});
