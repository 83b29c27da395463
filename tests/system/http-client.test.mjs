// src/base/http_client.h against real sockets: answers of every kind, and servers that misbehave.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { atEnd, collect, temporaryFolder } from './lib/agnesd.mjs';
import { selfSigned } from './lib/tls.mjs';

const PROGRAM = path.join(process.env.AGNES_BUILD ?? 'build', 'tests/system/drivers/http_call');
const READ_BY_CURL = /^(https?_proxy|all_proxy|no_proxy|ssl_cert_(file|dir))$/i;

function start(calls, env = {}) {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !READ_BY_CURL.test(name)));
  return spawn(PROGRAM, calls.map((call) => JSON.stringify(call)), { env: { ...clean, ...env } });
}

// Makes the calls one after the other with one client; what each gave.
async function callAll(calls, env) {
  const { code, stdout, stderr } = await collect(start(calls, env));
  assert.equal(code, 0, stderr);
  return stdout.trim().split('\n').map((line) => JSON.parse(line));
}

const call = async (wanted, env) => (await callAll([wanted], env))[0];

async function listen(t, server) {
  const sockets = new Set();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}); // clients that give up are what is tested
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(t, () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return server.address().port;
}

const serve = async (t, handle) => `http://127.0.0.1:${await listen(t, http.createServer(handle))}`;

// A server that says the same bytes to whoever connects, then does `after`.
async function say(t, bytes, after = (socket) => socket.end()) {
  const port = await listen(t, net.createServer((socket) => {
    socket.once('data', () => socket.write(bytes, () => after(socket)));
  }));
  return `http://127.0.0.1:${port}`;
}

test('a call brings status, headers and body, and sends what it was given', async (t) => {
  const seen = [];
  const url = await serve(t, (request, response) => {
    const chunks = [];
    request.on('data', (data) => chunks.push(data));
    request.on('end', () => {
      seen.push({ method: request.method, url: request.url, headers: request.headers, body: `${Buffer.concat(chunks)}` });
      response.writeHead(201, { 'content-type': 'application/json', 'X-Twice': ['one', 'two'] });
      response.end('{"fine":true}');
    });
  });
  const replies = await callAll([
    { url: `${url}/a?b=c` },
    { url, method: 'POST', headers: ['Authorization: Bearer abc', 'Content-Type: application/json'], body: '[1]' },
    { url, method: 'POST' },
    { url, method: 'DELETE' },
    { url, method: 'PATCH', headers: ['Content-Type: application/json'], body: '{}' },
  ]);
  for (const reply of replies) {
    assert.equal(reply.status, 201);
    assert.equal(reply.body, '{"fine":true}');
    assert.equal(reply.headers['content-type'], 'application/json');
  }
  assert.deepEqual(seen.map(({ method, body }) => [method, body]),
    [['GET', ''], ['POST', '[1]'], ['POST', ''], ['DELETE', ''], ['PATCH', '{}']]);
  assert.equal(seen[0].url, '/a?b=c');
  assert.equal(seen[0].headers['user-agent'], 'agnes-test/1');
  assert.equal(seen[1].headers.authorization, 'Bearer abc');
  assert.equal(seen[1].headers['content-type'], 'application/json');
  assert.equal(seen[2].headers['content-type'], undefined);
  assert.equal(seen[2].headers['content-length'], '0');
  assert.equal(seen[2].headers.authorization, undefined, 'nothing stays of the call before');
});

test('calls of one client share a connection', async (t) => {
  const server = http.createServer((request, response) => response.end('fine'));
  let connections = 0;
  server.on('connection', () => connections++);
  const url = `http://127.0.0.1:${await listen(t, server)}`;
  const replies = await callAll([{ url }, { url, method: 'HEAD' }, { url, stream: true }]);
  assert.deepEqual(replies.map((reply) => reply.status), [200, 200, 200]);
  assert.equal(connections, 1);
});

test('a redirect is a status: nobody follows it with the token', async (t) => {
  let reached = 0;
  const elsewhere = await serve(t, (request, response) => { reached++; response.end(); });
  const url = await serve(t, (request, response) => {
    response.writeHead(307, { location: `${elsewhere}/` });
    response.end();
  });
  const reply = await call({ url, headers: ['Authorization: Bearer abc'] });
  assert.equal(reply.status, 307);
  assert.equal(reply.headers.location, `${elsewhere}/`);
  assert.equal(reached, 0);
});

test('a provisional answer is not taken for the answer', async (t) => {
  const url = await say(t, 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n' +
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  const reply = await call({ url });
  assert.equal(reply.status, 200);
  assert.equal(reply.headers.link, undefined);
  assert.equal(reply.body, 'ok');
});

test('what is no web address is refused', async () => {
  for (const url of ['file:///etc/passwd', 'ftp://127.0.0.1/', 'localhost', 'http://', '', '/api']) {
    assert.equal((await call({ url })).error, 'INVALID', url);
  }
});

test('unreachable, slow and broken servers are told apart, and no secret is told', async (t) => {
  const closed = await new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
  const silent = await say(t, '', () => {});
  const stalled = await say(t, 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf', () => {});
  const truncated = await say(t, 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
  const chunked = await say(t, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n');
  const reset = await say(t, 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf', (socket) => socket.resetAndDestroy());
  const mute = await say(t, '');
  const cases = [
    [{ url: `http://127.0.0.1:${closed}` }, 'UNAVAILABLE'],
    [{ url: 'http://nowhere.invalid' }, 'UNAVAILABLE'],
    [{ url: silent, idle: 1 }, 'TIMEOUT'],
    [{ url: silent, total: 1 }, 'TIMEOUT'],
    [{ url: stalled, total: 1 }, 'TIMEOUT'],
    [{ url: stalled, idle: 1, stream: true }, 'TIMEOUT'],
    [{ url: truncated }, 'INTERRUPTED'],
    [{ url: truncated, stream: true }, 'INTERRUPTED'],
    [{ url: chunked }, 'INTERRUPTED'],
    [{ url: reset }, 'INTERRUPTED'],
    [{ url: mute }, 'INTERRUPTED'],
  ];
  const given = await Promise.all(cases.map(([wanted]) => {
    const url = wanted.url.replace('//', '//user:hidden@');
    return call({ ...wanted, url: `${url}/path?token=hidden`, headers: ['Authorization: Bearer hidden'] });
  }));
  given.forEach((reply, i) => {
    const [wanted, code] = cases[i];
    assert.equal(reply.error, code, `${JSON.stringify(wanted)}: ${JSON.stringify(reply)}`);
    assert.ok(reply.message.includes(`${wanted.url}/path`), reply.message);
    assert.ok(!reply.message.includes('hidden'), reply.message);
  });
});

test('what does not speak HTTP, or endlessly, is given up', async (t) => {
  const drivel = await say(t, '\0\x01\x02 what?\r\n\r\n');
  assert.equal((await call({ url: drivel })).error, 'INTERRUPTED');
  const headers = `HTTP/1.1 200 OK\r\n${`X-Long: ${'a'.repeat(1000)}\r\n`.repeat(400)}\r\n`;
  assert.equal((await call({ url: await say(t, headers) })).error, 'TOO_LARGE');
});

test('an HTML page of an error comes as it is', async (t) => {
  const url = await serve(t, (request, response) => {
    response.writeHead(502, { 'content-type': 'text/html' });
    response.end('<html>Bad Gateway</html>');
  });
  const [memory, stream] = await callAll([{ url }, { url, stream: true }]);
  assert.equal(memory.status, 502);
  assert.equal(memory.body, '<html>Bad Gateway</html>');
  assert.deepEqual([stream.streamed, stream.body], [0, '<html>Bad Gateway</html>'], 'it is no file');
});

test('a body beyond the limit ends the call, also one that grows only when it is unpacked', async (t) => {
  const packed = gzipSync(Buffer.alloc(8 << 20, 'z'));
  const url = await serve(t, (request, response) => {
    assert.match(request.headers['accept-encoding'], /gzip/);
    const bomb = request.url === '/bomb';
    response.writeHead(200, bomb ? { 'content-encoding': 'gzip' } : {});
    response.end(bomb ? packed : Buffer.alloc(5000));
  });
  assert.ok(packed.length < 20_000);
  const [fits, large, exploded, unpacked] = await callAll([
    { url, longest: 5000 }, { url, longest: 4999 },
    { url: `${url}/bomb`, longest: 1 << 20 }, { url: `${url}/bomb`, longest: 8 << 20 },
  ]);
  assert.equal(fits.size, 5000);
  assert.equal(large.error, 'TOO_LARGE');
  assert.equal(exploded.error, 'TOO_LARGE');
  assert.equal(unpacked.size, 8 << 20);
});

test('compressed data that is broken is no answer', async (t) => {
  const half = gzipSync(Buffer.alloc(100_000, 'abc')).subarray(0, 60);
  const url = await serve(t, (request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': 60 });
    response.end(request.url === '/garbage' ? Buffer.alloc(60, 'x') : half);
  });
  assert.equal((await call({ url: `${url}/garbage` })).error, 'INTERRUPTED');
});

test('a large body is streamed as it is sent, and the receiver may refuse it', async (t) => {
  const block = Buffer.alloc(1 << 20, 'agnes');
  const url = await serve(t, (request, response) => {
    assert.equal(request.headers['accept-encoding'], undefined);
    response.writeHead(206, { etag: '"abc"' });
    pipeline(Readable.from(Array(32).fill(block)), response, () => {}); // one client leaves early
  });
  const md5 = createHash('md5');
  for (let i = 0; i < 32; i++) md5.update(block);
  const whole = await call({ url, stream: true });
  assert.deepEqual([whole.status, whole.streamed, whole.streamed_status], [206, 32 << 20, 206]);
  assert.equal(whole.md5, md5.digest('hex'));
  assert.equal(whole.headers.etag, '"abc"');
  assert.equal(whole.size, 0);
  const refused = await call({ url, stream: true, room: 3 << 20 });
  assert.deepEqual([refused.error, refused.message], ['NO_SPACE', 'the sink is full']);
});

test('a file is sent as a form, again when a kept connection turns out to be dead', async (t) => {
  const file = path.join(temporaryFolder(t), 'file');
  const content = 'first line\n'.repeat(1000);
  writeFileSync(file, content);
  const bodies = [];
  const used = new Set();
  const url = await serve(t, (request, response) => {
    const chunks = [];
    request.on('data', (data) => chunks.push(data));
    request.on('end', () => {
      bodies.push({ type: request.headers['content-type'], text: `${Buffer.concat(chunks)}` });
      if (used.has(request.socket)) request.socket.destroy();
      else response.end('{}');
      used.add(request.socket);
    });
  });
  const replies = await callAll([{ url }, { url, method: 'POST', file }]);
  assert.deepEqual(replies.map(({ status }) => status), [200, 200]);
  assert.equal(bodies.length, 3);
  for (const { type, text } of bodies.slice(1)) {
    assert.match(type, /^multipart\/form-data; boundary=/);
    assert.match(text, /name="file"; filename="notes.txt"\r\nContent-Type: text\/plain\r\n\r\nfirst line/);
    assert.ok(text.includes(content));
  }
  assert.equal((await call({ url, method: 'POST', file: path.dirname(file) })).error, 'INVALID');
});

test('a call is cancelled while it waits, and before it begins', async (t) => {
  let reached = 0;
  const url = await serve(t, (request) => {
    reached++;
    if (request.url === '/wait') child.stdin.write('stop\n');
  });
  const child = start([{ url: `${url}/wait`, cancel: true }, { url, cancel: true }]);
  const { stdout } = await collect(child);
  const codes = stdout.trim().split('\n').map((line) => JSON.parse(line).error);
  assert.deepEqual(codes, ['CANCELLED', 'CANCELLED']);
  assert.equal(reached, 1);
});

test('a private authority is trusted when it is named, and nobody else then', async (t) => {
  const folder = temporaryFolder(t);
  const file = (name) => path.join(folder, name);
  const { key, cert } = selfSigned(folder, 'IP:127.0.0.1', 'good');
  selfSigned(folder, 'IP:127.0.0.1', 'other');
  writeFileSync(file('broken.pem'), 'no certificate\n');
  const server = https.createServer({ key, cert }, (request, response) => response.end('secret'));
  server.on('tlsClientError', () => {});
  const port = await listen(t, server);
  const url = `https://127.0.0.1:${port}`;
  assert.equal((await call({ url }, { SSL_CERT_FILE: file('good.pem') })).body, 'secret');
  for (const env of [{}, { SSL_CERT_FILE: file('other.pem') }, { SSL_CERT_FILE: file('missing.pem') },
    { SSL_CERT_FILE: file('broken.pem') }, { SSL_CERT_DIR: folder }]) {
    const reply = await call({ url }, env);
    assert.equal(reply.error, 'DENIED', JSON.stringify([env, reply]));
    assert.match(reply.message, /SSL_CERT_FILE/);
  }
  execFileSync('openssl', ['rehash', folder], { stdio: 'ignore' });
  assert.equal((await call({ url }, { SSL_CERT_DIR: folder })).body, 'secret');
  const named = await call({ url: `https://localhost:${port}` }, { SSL_CERT_FILE: file('good.pem') });
  assert.equal(named.error, 'DENIED', 'the certificate is for another name');
  assert.notEqual((await call({ url: `http://127.0.0.1:${port}` })).status, 200, 'TLS spoken to as plain text');
});

test('a name that was looked up already is not looked up again', async (t) => {
  const url = await serve(t, (request, response) => response.end(request.headers.host));
  const { port } = new URL(url);
  const named = `http://nowhere.example.com:${port}`;
  // The name leads nowhere, or to a stranger; the address is what counts.
  const found = await call({ url: named, addresses: ['127.0.0.1'] });
  assert.deepEqual([found.status, found.body], [200, `nowhere.example.com:${port}`]);
  const second = await call({ url: named, addresses: ['::1', '127.0.0.1'] });
  assert.equal(second.status, 200, second.message);
  const elsewhere = await call({ url: `http://localhost:${port}`, addresses: ['127.0.0.2'] });
  assert.equal(elsewhere.error, 'UNAVAILABLE', JSON.stringify(elsewhere));
});

test('proxies are taken from the environment', async (t) => {
  const asked = [];
  const proxy = await serve(t, (request, response) => {
    asked.push(request.url);
    response.end('by proxy');
  });
  const direct = await serve(t, (request, response) => response.end('direct'));
  assert.equal((await call({ url: 'http://example.com/a' }, { http_proxy: proxy })).body, 'by proxy');
  assert.equal((await call({ url: direct }, { http_proxy: proxy, no_proxy: '127.0.0.1' })).body, 'direct');
  assert.deepEqual(asked, ['http://example.com/a']);
});
