// The demo server of tests/system/drivers as a process, and raw sockets to talk to it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import readline from 'node:readline';
import { atEnd } from './agnesd.mjs';

const PROGRAM = path.join(process.env.AGNES_BUILD ?? 'build', 'tests/system/drivers/http_demo');
export const SANITIZED = process.env.AGNES_SANITIZE === '1';

// Starts a server that ends with the test. Its end is checked: a crash, a leak or a stop that does
// not come fails the test. { port, url, child, stderr(), stop() }
export async function startDemo(t, env = {}, options = {}) {
  const child = spawn(options.program ?? PROGRAM, options.args ?? [], {
    env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe', ...(options.fds ?? [])],
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (data) => { output[name] += data; });
  }
  const ended = once(child, 'close');
  const demo = { child, stdout: () => output.stdout, stderr: () => output.stderr };
  demo.stop = async () => {
    child.kill('SIGTERM');
    const [code, signal] = await ended;
    if (code !== 0 || !output.stdout.endsWith('stopped\n')) {
      throw new Error(`the server ended with ${code ?? signal}: ${output.stderr}`);
    }
  };
  atEnd(t, async () => {
    if (child.exitCode === null && child.signalCode === null) await demo.stop();
  });
  const first = await Promise.race([
    once(readline.createInterface({ input: child.stdout }), 'line').then(([line]) => line),
    ended.then(() => null),
  ]);
  if (first === null) throw new Error(`the server did not start: ${output.stderr}`);
  demo.port = Number(first);
  demo.url = `http://127.0.0.1:${demo.port}`;
  return demo;
}

export const DEMO_PROGRAM = PROGRAM;

// Waits until `condition` gives something true; the test's own time limit is the only one.
export async function until(condition) {
  for (;;) {
    const value = await condition();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// A socket that collects what it receives: { socket, text(), ended, send(data) }
export async function connect(t, port) {
  const socket = net.connect(port, '127.0.0.1');
  atEnd(t, () => socket.destroy());
  const chunks = [];
  socket.on('data', (data) => chunks.push(data));
  socket.on('error', () => {}); // a reset is one way to be refused
  const ended = new Promise((resolve) => { socket.on('close', resolve); });
  await once(socket, 'connect');
  return {
    socket,
    ended,
    text: () => Buffer.concat(chunks).toString('latin1'),
    send: (data) => socket.write(data, 'latin1'),
  };
}

// Sends the bytes and reads until the server closes.
export async function talk(t, port, data) {
  const connection = await connect(t, port);
  connection.send(data);
  await connection.ended;
  return connection.text();
}

// "GET /x" → a whole request that asks for the connection to be closed.
export function request(line, headers = {}, body = '') {
  const all = { Host: 'localhost', Connection: 'close', ...headers };
  const lines = Object.entries(all).filter(([, value]) => value !== null).map(([name, value]) => `${name}: ${value}`);
  return `${line} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`;
}

export const statusOf = (answer) => Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0);
export const bodyOf = (answer) => answer.slice(answer.indexOf('\r\n\r\n') + 4);

// User and system CPU time of a process, in clock ticks.
export function cpuTicks(stat) {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
