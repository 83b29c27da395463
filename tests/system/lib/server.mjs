// A real agnesd on a data directory of its own, and a client that speaks to it.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { AGNESD, atEnd } from './agnesd.mjs';

/**
 * Starts `agnesd serve` (or another `command` that serves) on a free port and waits until it serves. It is stopped
 * at the end of the test.
 * `env` is added to an environment without any variable that configures a server.
 */
export async function serve(t, dataDir, { env = {}, args = [], command = 'serve' } = {}) {
  const child = spawn(AGNESD, [command, '--host', '127.0.0.1', '--port', '0', '--data-dir', dataDir, ...args], {
    env: { PATH: process.env.PATH, HOME: dataDir, CONFIG_DIR: path.join(dataDir, 'config'), ...sanitizers(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const server = new Server(child, dataDir);
  atEnd(t, () => server.stop());
  await server.ready;
  return server;
}

// What of the environment a program needs that was built with sanitizers.
export function sanitizers() {
  const names = ['ASAN_OPTIONS', 'UBSAN_OPTIONS', 'LSAN_OPTIONS', 'G_SLICE'];
  return Object.fromEntries(names.filter((name) => process.env[name]).map((name) => [name, process.env[name]]));
}

export class Server {
  constructor(child, dataDir) {
    this.child = child;
    this.dataDir = dataDir;
    this.output = '';
    this.log = '';
    this.ended = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
    child.stderr.setEncoding('utf8').on('data', (text) => (this.log += text));
    this.ready = new Promise((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        this.output += `${line}\n`;
        const found = /^Serving .* on (https?:\/\/localhost:\d+)$/.exec(line);
        if (found) {
          this.url = found[1].replace('localhost', '127.0.0.1');
          resolve();
        }
      });
      this.ended.then(({ code, signal }) => reject(new Error(`agnesd ended (${code ?? signal}): ${this.log}`)));
    });
  }

  /** Asks it to end and waits; says how it ended. */
  async stop(signal = 'SIGTERM') {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    return this.ended;
  }

  /** A client with the given token, or without one. */
  client(token) {
    return new Client(this.url, token);
  }

  /** Makes the first administrator and returns a client that is signed in as such. */
  async bootstrap(email = 'admin@example.com', password = 'correct horse') {
    const { status, body } = await this.client().post('/auth/bootstrap', { email, password });
    if (status !== 200) throw new Error(`bootstrap: ${status} ${JSON.stringify(body)}`);
    return this.client(body.access_token);
  }
}

export class Client {
  constructor(url, token) {
    this.url = url;
    this.token = token;
  }

  /** { status, headers, body }: the body is parsed when it is JSON, else text. */
  async request(method, path, { json, body, headers = {} } = {}) {
    const response = await fetch(this.url + path, {
      method,
      redirect: 'manual',
      headers: {
        ...(this.token ? { authorization: `Bearer ${this.token}` } : {}),
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: json === undefined ? body : JSON.stringify(json),
    });
    const text = await response.text();
    const isJson = (response.headers.get('content-type') ?? '').includes('json');
    return { status: response.status, headers: response.headers, body: isJson && text ? JSON.parse(text) : text };
  }

  get(path, options) {
    return this.request('GET', path, options);
  }

  post(path, json, options) {
    return this.request('POST', path, { json, ...options });
  }

  put(path, json, options) {
    return this.request('PUT', path, { json, ...options });
  }

  patch(path, json, options) {
    return this.request('PATCH', path, { json, ...options });
  }

  delete(path, options) {
    return this.request('DELETE', path, options);
  }

  /** Makes a user with a password and returns a client that is signed in as that user. */
  async addUser(email, password = 'analyst password') {
    const made = await this.post('/api/users', { email, name: email.split('@')[0] });
    if (made.status !== 201) throw new Error(`user: ${made.status} ${JSON.stringify(made.body)}`);
    await this.post(`/api/users/${made.body.id}/set-password`, { password });
    const { body } = await new Client(this.url).post('/auth/token', { email, password });
    return Object.assign(new Client(this.url, body.access_token), { id: made.body.id, email });
  }
}
