// What benchmarks of servers share: nginx as the peer, CPU time and memory of a process, one line a measure.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';

const TICKS = 100; // a second, in /proc

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

export function cpuSeconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

export const residentMegabytes = (pid) => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;

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
// `rules` are directives of the server beside those for /constant and /file/.
export async function startNginx(folder, constant, rules = '') {
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ');
  writeFileSync(path.join(folder, 'nginx.conf'), `
${process.getuid() === 0 ? 'user root;' : ''} worker_processes 1; daemon off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 16384; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; keepalive_timeout 75s;
  default_type application/json; ${temporary}
  server {
    listen 127.0.0.1:${port}; ${rules}
    location = /constant { if ($http_if_none_match) { return 304; } return 200 '${constant}'; }
    location /file/ { alias ${folder}/files/; default_type application/octet-stream; }
  }
}
`);
  const child = spawn('nginx', ['-p', folder, '-c', path.join(folder, 'nginx.conf')], { stdio: 'ignore' });
  await reachable(port);
  const pid = Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim());
  return { child, port, pid };
}

export function report(measure, ours, peer, unit, digits, limit, more = false) {
  const ratio = ours / peer;
  const fine = more ? ratio >= limit : ratio <= limit;
  console.log([measure, `${ours.toFixed(digits)} ${unit}`, `${peer.toFixed(digits)} ${unit}`, ratio.toFixed(2),
    `${more ? '>=' : '<='} ${limit}`, fine ? 'ok' : 'short'].join('\t'));
}
