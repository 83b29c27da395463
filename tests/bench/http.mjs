// The HTTP core beside nginx, one event thread and one worker: CPU time per request of a small constant and of a 304,
// CPU time per GB and throughput of a 100 MB download, resident memory with 10,000 open connections. The server's own
// CPU time is read from /proc; the rounds of the two alternate, so that a busy machine hurts both alike.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const BUILD = process.env.AGNES_BUILD ?? 'build';
const DRAIN = fileURLToPath(new URL('http_drain.py', import.meta.url));
const ROUNDS = 9;
const SECONDS = 2; // of a round with small requests
const FILE_BYTES = 100 << 20;
const DOWNLOADS = 32; // of a round
const CONNECTIONS = 10_000;
const TICKS = 100; // a second, in /proc

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

function cpuSeconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

const residentMegabytes = (pid) => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

async function reachable(port) {
  for (;;) {
    const socket = net.connect(port, '127.0.0.1');
    const fine = await new Promise((resolve) => socket.on('connect', () => resolve(true)).on('error', () => resolve(false)));
    socket.destroy();
    if (fine) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

// Never another nginx: this one has its own configuration, folder and port, and one worker.
async function startNginx(folder) {
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ');
  writeFileSync(path.join(folder, 'nginx.conf'), `
${process.getuid() === 0 ? 'user root;' : ''} worker_processes 1; daemon off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 16384; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; keepalive_timeout 75s;
  default_type application/json; ${temporary}
  server {
    listen 127.0.0.1:${port};
    location = /constant { if ($http_if_none_match) { return 304; } return 200 '{"hello":"world"}'; }
    location /file/ { alias ${folder}/files/; default_type application/octet-stream; }
  }
}
`);
  const child = spawn('nginx', ['-p', folder, '-c', path.join(folder, 'nginx.conf')], { stdio: 'ignore' });
  await reachable(port);
  const pid = Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim());
  return { child, port, pid };
}

async function startOurs(folder) {
  const env = { ...process.env, EVENT_THREADS: '1', DEMO_FILE: path.join(folder, 'files/data') };
  const child = spawn(path.join(BUILD, 'tests/system/drivers/http_demo'), [], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  const [port] = await once(readline.createInterface({ input: child.stdout }), 'line');
  return { child, port: Number(port), pid: child.pid };
}

// One round with wrk: CPU microseconds a request.
async function requests(server, headers) {
  const before = cpuSeconds(server.pid);
  const { stdout } = await run('wrk', ['-t1', '-c32', `-d${SECONDS}s`, ...headers, `http://127.0.0.1:${server.port}/constant`]);
  const count = Number(/(\d+) requests in/.exec(stdout)[1]);
  return (cpuSeconds(server.pid) - before) / count * 1e6;
}

// One round of downloads: { cpu: seconds a GB, speed: GB a second }.
async function downloads(server, connections) {
  const before = cpuSeconds(server.pid);
  const count = Math.max(DOWNLOADS, connections);
  const { stdout } = await run('python3', [DRAIN, server.port, '/file/data', connections, count].map(String));
  const gigabytes = count * FILE_BYTES / 1e9;
  return { cpu: (cpuSeconds(server.pid) - before) / gigabytes, speed: gigabytes / Number(stdout) };
}

async function memoryWithConnections(server) {
  const sockets = [];
  const open = () => new Promise((resolve, reject) => {
    const socket = net.connect({ port: server.port, host: '127.0.0.1', localAddress: `127.0.0.${2 + (sockets.length % 4)}` });
    sockets.push(socket);
    socket.once('error', reject).once('data', resolve);
    socket.once('connect', () => socket.write('GET /constant HTTP/1.1\r\nHost: localhost\r\n\r\n'));
  });
  while (sockets.length < CONNECTIONS) await Promise.all(Array.from({ length: 100 }, open));
  const size = residentMegabytes(server.pid);
  sockets.forEach((socket) => socket.destroy());
  return size;
}

// The medians of alternating rounds.
async function compare(ours, nginx, measure) {
  const rounds = { ours: [], nginx: [] };
  for (let i = 0; i < ROUNDS; i++) {
    rounds.nginx.push(await measure(nginx));
    rounds.ours.push(await measure(ours));
  }
  return rounds;
}

function report(measure, ours, peer, unit, digits, limit, more = false) {
  const ratio = ours / peer;
  const fine = more ? ratio >= limit : ratio <= limit;
  console.log([measure, `${ours.toFixed(digits)} ${unit}`, `${peer.toFixed(digits)} ${unit}`, ratio.toFixed(2),
    `${more ? '>=' : '<='} ${limit}`, fine ? 'ok' : 'short'].join('\t'));
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'agnes-bench-'));
mkdirSync(path.join(folder, 'files'));
writeFileSync(path.join(folder, 'files/data'), Buffer.alloc(FILE_BYTES, 'some bytes '));
const servers = [];
try {
  const nginx = await startNginx(folder);
  servers.push(nginx);
  const ours = await startOurs(folder);
  servers.push(ours);
  for (const [name, headers] of [['small constant', []], ['304', ['-H', 'If-None-Match: "constant-1"']]]) {
    const rounds = await compare(ours, nginx, (server) => requests(server, headers));
    report(`HTTP: CPU time per request, ${name}`, median(rounds.ours), median(rounds.nginx), 'us', 2, 1.15);
  }
  for (const connections of [1, 64]) {
    const rounds = await compare(ours, nginx, (server) => downloads(server, connections));
    const of = (who, what) => median(rounds[who].map((each) => each[what]));
    const name = `100 MB download, ${connections} connection${connections > 1 ? 's' : ''}`;
    report(`HTTP: CPU time per GB, ${name}`, of('ours', 'cpu') * 1000, of('nginx', 'cpu') * 1000, 'ms', 0, 1.1);
    report(`HTTP: throughput, ${name}`, of('ours', 'speed'), of('nginx', 'speed'), 'GB/s', 2, 0.9, true);
  }
  const memory = [await memoryWithConnections(ours), await memoryWithConnections(nginx)];
  console.log(['HTTP: resident memory with 10,000 open connections', `${memory[0].toFixed(0)} MB`, `${memory[1].toFixed(0)} MB`,
    (memory[0] / memory[1]).toFixed(2), '<= 250 MB', memory[0] <= 250 ? 'ok' : 'short'].join('\t'));
} finally {
  for (const { child } of servers) child.kill('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
}
