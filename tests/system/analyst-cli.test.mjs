// `da analyst setup` and `status`: a folder becomes a workspace, once, and what somebody wrote there stays.
import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { grant, openShop } from './lib/shop.mjs';
import { makeParquet, TableServer, Workspace } from './lib/workspace.mjs';

const START = 'da sync --quiet 2>/dev/null || true';
const END = 'da sync --upload-only --quiet 2>/dev/null || true';

/** A server that lets one user in. */
async function analystServer(t, tables = ['orders']) {
  const server = await TableServer.start(t, await makeParquet(t, tables));
  server.health = { status: 'ok' };
  server.login = { status: 200, body: { access_token: 'given', email: 'ann@example.com' } };
  server.onOther = (request, response) => {
    let text = '';
    request.on('data', (chunk) => { text += chunk; });
    request.on('end', () => {
      const answers = {
        '/api/health': [200, server.health], '/auth/token': [server.login.status, server.login.body],
        '/api/catalog/tables': [request.headers.authorization ? 200 : 401, { tables: [{ id: 'orders', note: 'ž' }], count: 1 }],
        '/api/metrics': [200, { metrics: [], count: 0 }],
      };
      const [status, body] = answers[request.url] ?? [404, { detail: 'Not found' }];
      if (request.url === '/auth/token') server.credentials = JSON.parse(text);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    return true;
  };
  const workspace = new Workspace(t, server.url, { token: '' });
  const setup = (args = [], options = {}) => workspace.da(['analyst', 'setup', '--server-url', `${server.url}/`, '--workspace', workspace.root, ...args],
    { input: 'ann@example.com\nsecret word\n', ...options });
  return { server, workspace, setup };
}

const settings = (workspace) => JSON.parse(readFileSync(workspace.path('.claude/settings.json'), 'utf8'));

test('from an empty folder to a first query, against a real server', async (t) => {
  const { server, admin } = await openShop(t);
  const analyst = await admin.addUser('ann@example.com', 'a long password');
  await grant(admin, analyst, 'orders');
  const workspace = new Workspace(t, server.url, { token: '' });
  const run = await workspace.da(['analyst', 'setup', '--server-url', server.url], { input: 'ann@example.com\na long password\n' });
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stdout, /Setup complete!\n {2}Instance : .*\n {2}Server {3}: http.*\n {2}Tables {3}: 1 downloaded, 1,000 total rows\n/);
  const query = await workspace.da(['query', '--format', 'json', 'SELECT count(*) AS n FROM orders']);
  assert.deepEqual(JSON.parse(query.stdout), [{ n: 1000 }]);
  const again = await workspace.da(['sync', '--json']);
  assert.deepEqual(JSON.parse(again.stdout).downloaded, [], 'nothing is downloaded twice');
  const status = JSON.parse((await workspace.da(['analyst', 'status', '--json'])).stdout);
  assert.deepEqual({ ...status, last_sync: '' }, { workspace: workspace.root, initialized: true, freshness: 'fresh', parquet_tables: 1, last_sync: '' });
  const token = JSON.parse(readFileSync(path.join(workspace.config, 'token.json'), 'utf8'));
  assert.deepEqual(Object.keys(token), ['access_token', 'email']);
});

test('what it makes', async (t) => {
  const { server, workspace, setup } = await analystServer(t);
  const run = await setup(['--sync-interval', '2 days']);
  assert.equal(run.code, 0, run.stderr);
  assert.deepEqual(server.credentials, { email: 'ann@example.com', password: 'secret word' });
  assert.ok(readFileSync(path.join(workspace.config, 'config.yaml'), 'utf8').includes(server.url));
  for (const folder of ['server/parquet', 'user/duckdb', 'user/artifacts', 'user/sessions', 'data/metadata', '.claude']) {
    assert.ok(lstatSync(workspace.path(folder)).isDirectory(), folder);
  }
  assert.ok(existsSync(workspace.path('data/parquet/orders.parquet')), 'older clients find the tables');
  assert.ok(existsSync(workspace.path('data/duckdb/analytics.duckdb')));
  const text = readFileSync(workspace.path('CLAUDE.md'), 'utf8');
  assert.match(text, /AI Data Analyst/);
  assert.match(text, /127\.0\.0\.1/);
  assert.match(text, /every 2 days/);
  assert.doesNotMatch(text, /\{(instance_name|server_url|sync_interval)\}/);
  for (const part of ['Metrics', 'Data sync', 'Remote queries', 'Corporate memory', 'Folders', 'agnes-data-querying']) assert.ok(text.includes(part), part);
  assert.deepEqual(settings(workspace), { model: 'sonnet', permissions: { allow: ['Read', 'Bash', 'Grep', 'Glob'] },
    hooks: { SessionStart: [{ hooks: [{ type: 'command', command: START }] }], SessionEnd: [{ hooks: [{ type: 'command', command: END }] }] } });
  assert.match(readFileSync(workspace.path('data/metadata/schema.json'), 'utf8'), /"note": "ž"/);
  assert.deepEqual(JSON.parse(readFileSync(workspace.path('data/metadata/metrics.json'), 'utf8')), { metrics: [], count: 0 });
});

test('a second setup needs --force, which leaves notes, data and foreign hooks alone', async (t) => {
  const { server, workspace, setup } = await analystServer(t);
  assert.equal((await setup()).code, 0);
  writeFileSync(workspace.path('.claude/CLAUDE.local.md'), 'my notes');
  const mine = { hooks: [{ type: 'command', command: 'echo mine' }] };
  const mixed = { hooks: [{ type: 'command', command: 'da sync' }, { type: 'command', command: 'echo too' }] };
  const old = { hooks: [{ type: 'command', command: 'da sync' }] };
  writeFileSync(workspace.path('.claude/settings.json'), JSON.stringify({ model: 'x', hooks: { SessionStart: [mine, old, mixed], Stop: [mine] }, z: 1 }));
  server.requests = [];
  const refused = await setup();
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /--force/);
  assert.equal(server.requests.length, 0);
  for (let i = 0; i < 2; i++) assert.equal((await setup(['--force'])).code, 0);
  assert.equal(readFileSync(workspace.path('.claude/CLAUDE.local.md'), 'utf8'), 'my notes');
  assert.deepEqual(settings(workspace), { model: 'x', hooks: { SessionStart: [mine, mixed, { hooks: [{ type: 'command', command: START }] }],
    Stop: [mine], SessionEnd: [{ hooks: [{ type: 'command', command: END }] }] }, z: 1 });
  assert.equal(server.count('/download'), 0);
});

test('settings that cannot be merged are left alone, with a warning', async (t) => {
  const { workspace, setup } = await analystServer(t);
  mkdirSync(workspace.path('.claude'));
  for (const [text, message] of [['{ not json', /not valid JSON/], ['[]', /no place for hooks/], ['{"hooks": {"SessionStart": 3}}', /no place for hooks/]]) {
    writeFileSync(workspace.path('.claude/settings.json'), text);
    const run = await setup(['--force']);
    assert.equal(run.code, 0, run.stderr);
    assert.match(run.stderr, message);
    assert.match(run.stdout, /Hooks {4}: not installed/);
    assert.equal(readFileSync(workspace.path('.claude/settings.json'), 'utf8'), text);
  }
});

test('a server that is not there, does not let in, or lets in only halfway', async (t) => {
  const { server, workspace, setup } = await analystServer(t);
  for (const [status, body, message] of [[401, { detail: 'x' }, /Authentication failed: invalid credentials/],
    [403, {}, /Authentication failed: account disabled or forbidden/], [500, {}, /Authentication failed: HTTP 500/],
    [200, {}, /Authentication failed: .*access_token/]]) {
    server.login = { status, body };
    const run = await setup();
    assert.equal(run.code, 1);
    assert.match(run.stderr, message);
    assert.ok(!existsSync(workspace.path('CLAUDE.md')));
  }
  assert.match((await setup([], { input: '' })).stderr, /Authentication failed: /);
  await server.stop();
  const gone = await setup();
  assert.equal(gone.code, 1);
  assert.match(gone.stderr, /^Cannot reach http:/m);
  const odd = await workspace.da(['analyst', 'setup', '--server-url', 'ftp://example.com']);
  assert.equal(odd.code, 1);
});

test('a token that the server takes saves the questions', async (t) => {
  const { server, setup } = await analystServer(t);
  const run = await setup([], { input: '', env: { DA_TOKEN: 'from the environment' } });
  assert.equal(run.code, 0, run.stderr);
  assert.equal(server.credentials, undefined);
  const download = server.requests.find(({ url }) => url.includes('/download'));
  assert.equal(download.headers.authorization, 'Bearer from the environment');
});

test('a table that fails is told, and the workspace is usable', async (t) => {
  const { server, workspace, setup } = await analystServer(t, ['orders', 'broken']);
  server.entries.broken = { hash: 'f'.repeat(32) };
  const run = await setup();
  assert.equal(run.code, 0);
  assert.match(run.stderr, /Warning: could not download broken: hash mismatch/);
  assert.deepEqual(await workspace.views(), ['orders']);
});

test('status of what is no workspace, and of one that is stale', async (t) => {
  const { workspace, setup } = await analystServer(t);
  const status = async () => JSON.parse((await workspace.da(['analyst', 'status', '--workspace', workspace.root, '--json'])).stdout);
  assert.deepEqual(await status(), { workspace: workspace.root, initialized: false, freshness: 'missing', parquet_tables: 0, last_sync: 'never' });
  await setup();
  for (const [time, freshness] of [['2020-01-01T00:00:00+00:00', 'stale'], ['2020-01-01T00:00:00', 'missing'], ['soon', 'missing']]) {
    writeFileSync(workspace.path('data/metadata/last_sync.json'), JSON.stringify({ synced_at: time }));
    assert.equal((await status()).freshness, freshness, time);
  }
  const text = await workspace.da(['analyst', 'status']);
  assert.match(text.stdout, /^Workspace : .*\nInitialized: yes\nData freshness: missing\nParquet tables: 1\nLast sync: soon\n\nRun 'da sync'/);
  await workspace.da(['sync']);
  assert.equal((await status()).freshness, 'fresh');
  const local = JSON.parse((await workspace.da(['status', '--local', '--json'])).stdout);
  assert.deepEqual([local.mode, local.tables_synced, Object.keys(local.tables)], ['local', 1, ['orders']]);
});
