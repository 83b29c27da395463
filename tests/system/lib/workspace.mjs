// A workspace of an analyst, `da` at work in it, and a server of tables that can be told to misbehave.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { atEnd, collect, query, temporaryFolder } from './agnesd.mjs';

const DA = path.resolve(process.env.AGNES_BUILD ?? 'build', 'da');

export const md5 = (bytes) => createHash('md5').update(bytes).digest('hex');

/** A folder to work in, with settings of its own. `folder`: on another disk, say. */
export class Workspace {
  constructor(t, url, { folder, token = 'a token' } = {}) {
    const base = temporaryFolder(t);
    this.root = folder ?? path.join(base, 'work');
    this.config = path.join(base, 'config');
    this.url = url;
    this.token = token;
    mkdirSync(this.root, { recursive: true });
  }

  environment(more = {}) {
    return {
      ...process.env, DA_CONFIG_DIR: this.config, DA_LOCAL_DIR: this.root, DA_SERVER: this.url, DA_TOKEN: this.token,
      DA_NO_UPDATE_CHECK: '1', NO_PROXY: '*', ...more,
    };
  }

  spawn(args, { env, stdio = ['pipe', 'pipe', 'pipe'] } = {}) {
    return spawn(DA, args, { env: this.environment(env), cwd: this.root, stdio });
  }

  /** Runs da to its end: { code, signal, stdout, stderr }. */
  da(args, { input = '', ...options } = {}) {
    const child = this.spawn(args, options);
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    return collect(child);
  }

  path(...below) {
    return path.join(this.root, ...below);
  }

  parquet(name) {
    return this.path('server/parquet', `${name}.parquet`);
  }

  read(name) {
    return readFileSync(this.parquet(name));
  }

  /** The names of what is in server/parquet. */
  files() {
    const folder = this.path('server/parquet');
    return existsSync(folder) ? readdirSync(folder).sort() : [];
  }

  state() {
    return JSON.parse(readFileSync(this.path('server/sync_state.json'), 'utf8'));
  }

  /** Rows of the workspace's database, as another program sees it. */
  rows(sql) {
    return query(sql, this.path('user/duckdb/analytics.duckdb'), { access_mode: 'READ_ONLY' });
  }

  async views() {
    const rows = await this.rows('SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY 1');
    return rows.map((row) => row.view_name);
  }
}

/** Small parquet files, one for each name; their content is the name and the version. */
export async function makeParquet(t, names, version = 1, rows = 3) {
  const folder = temporaryFolder(t);
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const files = {};
  for (const name of names) {
    const file = path.join(folder, `${name}.parquet`);
    await connection.run(`COPY (SELECT i AS id, '${name}' AS name, ${version} AS version FROM range(${rows}) t(i)) TO '${file}'`);
    files[name] = readFileSync(file);
  }
  connection.closeSync();
  instance.closeSync();
  return files;
}

const send = (response, status, body, headers = {}) => {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  response.writeHead(status, { 'content-type': Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json',
    'content-length': bytes.length, ...headers });
  response.end(bytes);
};

/**
 * A server that speaks just what a client needs of it. `tables`: name -> bytes. The hooks `onManifest` and `onDownload`
 * may answer in another way: they get (request, response, name) and say true when they did.
 */
export class TableServer {
  constructor(tables = {}) {
    this.tables = tables;
    this.entries = {}; // name -> what the manifest says instead, or besides
    this.requests = [];
    this.server = http.createServer((request, response) => this.handle(request, response));
  }

  static async start(t, tables) {
    const made = new TableServer(tables);
    await new Promise((resolve) => made.server.listen(0, '127.0.0.1', resolve));
    made.url = `http://127.0.0.1:${made.server.address().port}`;
    atEnd(t, () => made.stop());
    return made;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }

  manifest() {
    const tables = {};
    for (const [name, bytes] of Object.entries(this.tables)) {
      tables[name] = { hash: md5(bytes), updated: null, size_bytes: bytes.length, rows: 3, query_mode: 'local', source_type: '',
        ...this.entries[name] };
    }
    for (const [name, entry] of Object.entries(this.entries)) tables[name] ??= entry;
    return { tables, assets: {}, server_time: '2026-01-01T00:00:00+00:00' };
  }

  /** How often something was asked for. */
  count(what) {
    return this.requests.filter((request) => request.url.includes(what)).length;
  }

  handle(request, response) {
    this.requests.push({ url: request.url, headers: request.headers });
    const { pathname } = new URL(request.url, 'http://localhost');
    if (pathname === '/api/sync/manifest') {
      if (this.onManifest?.(request, response)) return;
      const body = this.manifest();
      const etag = `"${md5(JSON.stringify(body.tables))}"`;
      if (request.headers['if-none-match'] === etag) send(response, 304, '', { etag });
      else send(response, 200, body, { etag });
      return;
    }
    const name = /^\/api\/data\/(.+)\/download$/.exec(pathname)?.[1];
    const bytes = name && this.tables[decodeURIComponent(name)];
    if (!bytes) {
      if (!this.onOther?.(request, response)) send(response, 404, { detail: 'Not found' });
      return;
    }
    if (!this.onDownload?.(request, response, name)) this.download(request, response, bytes);
  }

  /** As a good server does, with parts. */
  download(request, response, bytes) {
    const etag = `"${md5(bytes)}"`;
    const from = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
    if (from !== undefined && request.headers['if-range'] === etag && Number(from) < bytes.length) {
      const first = Number(from);
      send(response, 206, bytes.subarray(first), { etag, 'content-range': `bytes ${first}-${bytes.length - 1}/${bytes.length}` });
    } else {
      send(response, 200, bytes, { etag });
    }
  }
}
