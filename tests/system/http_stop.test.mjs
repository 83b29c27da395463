// src/http ends clean and in time whatever its connections do, and speaks systemd's protocol.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { once } from 'node:events';
import test from 'node:test';
import { DEMO_PROGRAM, bodyOf, connect, request, startDemo, statusOf, talk, until } from './lib/http_demo.mjs';

function folderFor(t) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'agnes-http-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

// One connection in each state that there is, each as many times as asked.
async function everyState(t, demo, times) {
  const open = { Connection: null };
  const messages = {
    silent: '',
    idle: request('GET /hello', open),
    'half a line': 'GET /hel',
    'half a header': 'GET /hello HTTP/1.1\r\nHost: a\r\nX-Ha',
    'half a body': request('PUT /raw', { ...open, 'Content-Length': 1000 }, 'half'),
    'half a chunk': request('PUT /raw', { ...open, 'Transfer-Encoding': 'chunked' }, '10\r\nhalf'),
    'half an upload': request('POST /upload', { ...open, 'Content-Type': 'multipart/form-data; boundary=bound', 'Content-Length': 1000 },
      '--bound\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nhalf'),
    'a body being dropped': request('POST /nothing', { ...open, 'Content-Length': 1000 }, 'half'),
    blocking: request('GET /slow?ms=1000000', open),
    'blocking, with a next request': request('GET /slow?ms=1000000', open) + request('GET /slow?ms=1000000', open),
    'waiting to be told': request('GET /wait', open),
    'relay running': request('GET /relay?lines=100000000', open),
    'relay waiting': request('GET /relay?lines=100000&pause_ms=1000', open),
    'slow reader of a file': request('GET /file/x', open),
    'slow reader of a relay': request('GET /relay?lines=10000&width=100000', open),
    'slow reader of a large body': request('GET /large?size=100000000', open),
  };
  const clients = [];
  for (let i = 0; i < times; i++) {
    for (const [name, message] of Object.entries(messages)) {
      const client = await connect(t, demo.port);
      if (name.startsWith('slow reader')) client.socket.pause();
      client.send(message);
      clients.push({ name, client });
    }
  }
  return clients;
}

const load = async (t, { port }) => JSON.parse(bodyOf(await talk(t, port, request('GET /load'))));
const named = (clients, name) => clients.filter((each) => each.name === name).map((each) => each.client);

test('SIGTERM with connections in every state', async (t) => {
  const file = path.join(folderFor(t), 'data');
  writeFileSync(file, Buffer.alloc(64 << 20));
  for (const drain of ['0', '1']) {
    const demo = await startDemo(t, { DEMO_FILE: file, DRAIN: drain });
    const clients = await everyState(t, demo, 3);
    // 12 states have a request under way, and so has the question.
    await until(async () => (await load(t, demo)).requests === 12 * 3 + 1);
    await until(() => named(clients, 'relay running').every((client) => client.text().length > 1000));
    await demo.stop();
    for (const { client } of clients) client.socket.destroy();
    assert.equal(demo.stderr().split('slow: the client left').length - 1, 6);
    assert.equal(demo.stderr().split('wait: told').length - 1, 3);
    assert.equal(demo.stderr().split('relay: the client left').length - 1, 9);
  }
});

test('SIGTERM while requests pour in', async (t) => {
  for (let round = 0; round < 5; round++) {
    const demo = await startDemo(t, { DRAIN: String(round % 2) });
    let running = true;
    const pour = async (target) => {
      while (running) {
        const client = await connect(t, demo.port).catch(() => null);
        if (!client) return;
        client.send(request(`GET ${target}`, { Connection: null }).repeat(20));
        await Promise.race([client.ended, new Promise((resolve) => setTimeout(resolve, 20))]);
        client.socket.destroy();
      }
    };
    const pouring = ['/hello', '/slow?ms=2', '/relay?lines=20', '/relay?lines=3&pause_ms=2', '/wait', '/large-late?size=100000']
      .map((target) => pour(target).catch(() => {})); // refused once the server is gone
    await new Promise((resolve) => setTimeout(resolve, 300));
    await demo.stop();
    running = false;
    await Promise.all(pouring);
  }
});

test('what is under way is finished within the drain time', async (t) => {
  const demo = await startDemo(t, { DRAIN: '60' });
  const slow = await connect(t, demo.port);
  slow.send(request('GET /slow?ms=700', { Connection: null }));
  const relay = await connect(t, demo.port);
  relay.send(request('GET /relay?lines=30&pause_ms=30', { Connection: null }));
  const idle = await connect(t, demo.port);
  await until(() => relay.text().includes('line 1'));
  await demo.stop();
  assert.equal(statusOf(slow.text()), 200);
  assert.match(slow.text(), /^Connection: close\r$/m);
  assert.match(relay.text(), /line 29\r?\n/);
  assert.match(relay.text(), /0\r\n\r\n$/);
  await idle.ended;
});

test('after the drain time no handler is begun, and none is abandoned', async (t) => {
  const demo = await startDemo(t, { DRAIN: '0' });
  const stubborn = await connect(t, demo.port);
  stubborn.send(request('GET /stubborn?ms=2000', { Connection: null }));
  const clients = [];
  for (const target of ['/slow?ms=1000000', '/wait', '/relay?lines=10&pause_ms=1000']) {
    const client = await connect(t, demo.port);
    client.send(request('GET /hello', { Connection: null }));
    await until(() => client.text().includes('world'));
    clients.push({ client, target });
  }
  await until(async () => (await load(t, demo)).requests === 2);
  const stopped = demo.stop();
  await until(() => connect(t, demo.port).then(() => false, () => true));
  for (const { client, target } of clients) client.send(request(`GET ${target}`, { Connection: null }));
  await Promise.all(clients.map(({ client }) => client.ended));
  for (const { client } of clients.slice(0, 2)) assert.match(client.text(), /HTTP\/1\.1 503 /);
  assert.doesNotMatch(clients[2].client.text(), /0\r\n\r\n$/); // cut, and not as if it were whole
  await Promise.all([stopped, stubborn.ended]);
  assert.equal(stubborn.text().slice(0, 12), 'HTTP/1.1 204');
});

test('a stopping server accepts nobody', async (t) => {
  const demo = await startDemo(t, { DRAIN: '60' });
  const slow = await connect(t, demo.port);
  slow.send(request('GET /slow?ms=1500', { Connection: null }));
  await until(async () => (await load(t, demo)).requests === 2);
  const stopped = demo.stop();
  await until(async () => {
    const late = net.connect(demo.port, '127.0.0.1');
    const accepted = await new Promise((resolve) => {
      late.on('connect', () => resolve(true)).on('error', () => resolve(false));
    });
    late.destroy();
    return !accepted;
  });
  assert.equal(slow.text(), ''); // it still works on this one
  await stopped;
  assert.equal(statusOf(slow.text()), 200);
});

// Node passes descriptors from 3 on, as systemd does; $LISTEN_PID has to be the pid after exec.
const AS_SERVICE = 'export LISTEN_PID=$$; exec "$0"';

test('a listening socket is taken from systemd', async (t) => {
  const listener = net.createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  t.after(() => listener.close());
  const { port } = listener.address();
  const demo = await startDemo(t, { LISTEN_FDS: '1' }, { program: 'sh', args: ['-c', AS_SERVICE, DEMO_PROGRAM], fds: [listener._handle] });
  assert.equal(demo.port, port);
  listener.close(); // ours; the server's copy goes on
  assert.equal(statusOf(await talk(t, port, request('GET /hello'))), 200);
});

test('what systemd passes must be one listening socket, and for this process', async (t) => {
  const idle = net.createServer().listen(0, '127.0.0.1');
  await once(idle, 'listening');
  t.after(() => idle.close());
  const service = (env, fd) => startDemo(t, env, { program: 'sh', args: ['-c', AS_SERVICE, DEMO_PROGRAM], fds: [fd] });
  await assert.rejects(service({ LISTEN_FDS: '2' }, idle._handle), /2 descriptors; one listening/);
  await assert.rejects(service({ LISTEN_FDS: '1' }, 'ignore'), /one listening stream socket/);
  for (const env of [{ LISTEN_FDS: '1', LISTEN_PID: '1' }, { LISTEN_PID: '1' }, { LISTEN_FDS: 'x', LISTEN_PID: 'y' }]) {
    const own = await startDemo(t, env);
    assert.equal((await fetch(`${own.url}/hello`)).status, 200);
  }
});

test('systemd is told when the server is ready and when it stops', async (t) => {
  const socket = path.join(folderFor(t), 'notify');
  // Node has no datagrams on Unix sockets.
  const listener = spawn('python3', ['-u', '-c', 'import socket, sys\n' +
    's = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\ns.bind(sys.argv[1])\nprint("bound")\n' +
    'while True: print(s.recv(4096).decode())', socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => listener.kill());
  const lines = [];
  readline.createInterface({ input: listener.stdout }).on('line', (line) => lines.push(line));
  await until(() => lines.length === 1);
  const demo = await startDemo(t, { NOTIFY_SOCKET: socket });
  await until(() => lines.length === 2);
  await demo.stop();
  await until(() => lines.length === 3);
  assert.deepEqual(lines.slice(1), ['READY=1', 'STOPPING=1']);
  await assert.rejects(startDemo(t, { NOTIFY_SOCKET: path.join(socket, 'none') }), /cannot tell systemd READY=1/);
  await assert.rejects(startDemo(t, { NOTIFY_SOCKET: 'relative' }), /neither a path nor an abstract name/);
});
