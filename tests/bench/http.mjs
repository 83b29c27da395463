// The HTTP core beside nginx, one event thread and one worker: CPU time per request of a small constant and of a 304,
// CPU time per GB and throughput of a 100 MB download, resident memory with 10,000 open connections. The server's own
// CPU time is read from /proc; the rounds of the two alternate, so that a busy machine hurts both alike.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cpuSeconds, median, report, residentMegabytes, startNginx } from './lib/servers.mjs';

const run = promisify(execFile);
const BUILD = process.env.AGNES_BUILD ?? 'build';
const DRAIN = fileURLToPath(new URL('http_drain.py', import.meta.url));
const ROUNDS = 9;
const SECONDS = 2; // of a round with small requests
const FILE_BYTES = 100 << 20;
const DOWNLOADS = 32; // of a round
const CONNECTIONS = 10_000;

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

const folder = mkdtempSync(path.join(os.tmpdir(), 'agnes-bench-'));
mkdirSync(path.join(folder, 'files'));
writeFileSync(path.join(folder, 'files/data'), Buffer.alloc(FILE_BYTES, 'some bytes '));
const servers = [];
try {
  const nginx = await startNginx(folder, '{"hello":"world"}');
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
