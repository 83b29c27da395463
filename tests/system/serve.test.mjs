// agnesd serve: an empty folder becomes a server; sessions begin and end; it stops clean.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { query, temporaryFolder } from './lib/agnesd.mjs';
import { serve } from './lib/server.mjs';

const statePath = (folder) => path.join(folder, 'state/system.duckdb');

test('an empty folder becomes a server that says what comes first', async (t) => {
  const folder = temporaryFolder(t);
  const server = await serve(t, folder);
  assert.match(server.output, /Serving .* on http/);
  const { status, body } = await server.client().get('/api/health');
  assert.equal(status, 200);
  assert.deepEqual(body, { status: 'ok', db_schema: 'ok', current: 20, expected: 20, instance_name: 'AI Data Analyst' });
  assert.equal(statSync(path.join(folder, 'state/.jwt_secret')).mode & 0o777, 0o600);
  const { code } = await server.stop();
  assert.equal(code, 0);
  assert.match(server.output, /^ {2}da setup bootstrap \S+ --server http\S+$/m);
});

test('nobody else on the machine may read what the server writes', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(path.join(folder, 'state'), { mode: 0o755 });
  const server = await serve(t, folder);
  await server.bootstrap();
  const files = readdirSync(folder, { recursive: true }).map((name) => path.join(folder, name))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile());
  assert.ok(files.includes(`${statePath(folder)}.wal`), 'the journal of the state');
  assert.deepEqual(files.filter((file) => statSync(file).mode & 0o077), []);
});

test('the first administrator is made once', async (t) => {
  const server = await serve(t, temporaryFolder(t));
  const client = server.client();
  const short = await client.post('/auth/bootstrap', { email: 'a@example.com', password: 'short' });
  assert.equal(short.status, 400);
  const nobody = await client.post('/auth/bootstrap', { email: 'admin', password: 'correct horse' });
  assert.deepEqual([nobody.status, nobody.body.detail], [400, 'an e-mail address must be such as ann@example.com']);
  const made = await client.post('/auth/bootstrap', { email: 'a@example.com', password: 'correct horse' });
  assert.equal(made.status, 200);
  assert.deepEqual(Object.keys(made.body), ['access_token', 'token_type', 'user_id', 'email', 'role']);
  assert.equal(made.body.role, 'admin');
  const again = await client.post('/auth/bootstrap', { email: 'b@example.com', password: 'correct horse' });
  assert.equal(again.status, 403);
  assert.match(again.body.detail, /password already exists/);
  const detailed = await server.client(made.body.access_token).get('/api/health/detailed');
  assert.equal(detailed.status, 200);
  assert.equal(detailed.body.status, 'healthy');
  assert.equal(detailed.body.services.users.count, 1);
});

test('of many who bootstrap at once, one succeeds', async (t) => {
  const server = await serve(t, temporaryFolder(t));
  const tries = Array.from({ length: 8 }, (_, i) =>
    server.client().post('/auth/bootstrap', { email: `u${i}@example.com`, password: 'correct horse' }));
  const statuses = (await Promise.all(tries)).map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 200).length, 1);
  assert.equal(statuses.filter((status) => status === 403).length, 7);
});

test('from elsewhere, bootstrap needs the code of the console', async (t) => {
  const server = await serve(t, temporaryFolder(t));
  const elsewhere = { headers: { 'x-forwarded-for': '203.0.113.7' } };
  const person = { email: 'a@example.com', password: 'correct horse' };
  const without = await server.client().post('/auth/bootstrap', person, elsewhere);
  assert.equal(without.status, 403);
  const wrong = await server.client().post('/auth/bootstrap', { ...person, code: '0123' }, elsewhere);
  assert.equal(wrong.status, 403);
  const code = /--code ([0-9a-f]+)/.exec(server.output)[1];
  const right = await server.client().post('/auth/bootstrap', { ...person, code }, elsewhere);
  assert.equal(right.status, 200);
});

test('a session ends when its user signs out, and a new one begins at once', async (t) => {
  const server = await serve(t, temporaryFolder(t));
  const admin = await server.bootstrap();
  assert.equal((await admin.get('/api/health/detailed')).status, 200);
  const out = await admin.post('/auth/logout');
  assert.equal(out.status, 200);
  assert.match(out.headers.get('set-cookie'), /^access_token=;.*Max-Age=0/);
  assert.equal((await admin.get('/api/health/detailed')).status, 401);
  const { body } = await server.client().post('/auth/token',
    { email: 'admin@example.com', password: 'correct horse' });
  assert.equal((await server.client(body.access_token).get('/api/health/detailed')).status, 200);
});

test('a link on another site signs nobody out', async (t) => {
  const server = await serve(t, temporaryFolder(t));
  const admin = await server.bootstrap();
  const elsewhere = { headers: { 'sec-fetch-site': 'cross-site' } };
  for (const out of [await admin.get('/auth/logout', elsewhere), await admin.post('/auth/logout', undefined, elsewhere)]) {
    assert.deepEqual([out.status, out.headers.get('set-cookie')], [403, null]);
  }
  assert.equal((await admin.get('/api/health/detailed')).status, 200);
});

test('a deactivated user does not become the first administrator', async (t) => {
  const folder = temporaryFolder(t);
  let server = await serve(t, folder, { env: { SEED_ADMIN_EMAIL: 'seed@example.com' } });
  await server.stop();
  await query(`UPDATE users SET active = FALSE`, path.join(folder, 'state/system.duckdb'));
  server = await serve(t, folder);
  const post = (email) => server.client().post('/auth/bootstrap', { email, password: 'correct horse' });
  const refused = await post('seed@example.com');
  assert.deepEqual([refused.status, refused.body.detail], [403, 'Account deactivated']);
  assert.equal((await post('admin@example.com')).status, 200);
});

test('a password that is too long is refused, whoever it is for', async (t) => {
  const server = await serve(t, temporaryFolder(t));
  const admin = await server.bootstrap();
  const password = 'x'.repeat(1025);
  for (const email of ['admin@example.com', 'nobody@example.com']) {
    const { status, body } = await server.client().post('/auth/token', { email, password });
    assert.deepEqual([status, body.detail[0].type], [422, 'string_too_long'], email);
  }
  const { id, email } = await admin.addUser('ann@example.com');
  assert.equal((await admin.post(`/api/users/${id}/set-password`, { password })).status, 422);
  // What can be set can be used, also where a character takes four bytes.
  const longest = '\u{1f411}'.repeat(1024);
  assert.equal((await admin.post(`/api/users/${id}/set-password`, { password: longest })).status, 204);
  assert.equal((await server.client().post('/auth/token', { email, password: longest })).status, 200);
});

test('who is not signed in sends little', async (t) => {
  const server = await serve(t, temporaryFolder(t));
  await server.bootstrap();
  const person = { email: `${'x'.repeat(70000)}@example.com`, password: 'x' };
  for (const at of ['/auth/token', '/auth/bootstrap', '/auth/password/login', '/auth/password/setup']) {
    assert.equal((await server.client().post(at, { ...person, token: 'x' })).status, 413, at);
  }
});

test('wrong passwords and unknown users look alike, and are limited', async (t) => {
  const server = await serve(t, temporaryFolder(t));
  await server.bootstrap();
  const wrong = await server.client().post('/auth/token', { email: 'admin@example.com', password: 'x' });
  const unknown = await server.client().post('/auth/token', { email: 'nobody@example.com', password: 'x' });
  assert.deepEqual([wrong.status, wrong.body], [unknown.status, unknown.body]);
  const statuses = [];
  for (let i = 0; i < 12; i++) {
    const { status, headers } = await server.client().post('/auth/token',
      { email: 'nobody@example.com', password: 'x' });
    statuses.push(status);
    if (status === 429) assert.ok(Number(headers.get('retry-after')) >= 1);
  }
  assert.ok(statuses.includes(429));
});

test('the seeded administrator and what was audited are in the state', async (t) => {
  const folder = temporaryFolder(t);
  const server = await serve(t, folder, {
    env: {
      SEED_ADMIN_EMAIL: 'seed@example.com', SEED_ADMIN_PASSWORD: 'seeded password',
      SCHEDULER_API_TOKEN: 'a scheduler secret of 32 characters or more',
    },
  });
  const login = { email: 'seed@example.com', password: 'seeded password' };
  assert.equal((await server.client().post('/auth/token', login)).body.role, 'admin');
  const scheduler = server.client('a scheduler secret of 32 characters or more');
  assert.equal((await scheduler.get('/api/health/detailed')).status, 200);
  await server.stop();
  const members = await query(
    `SELECT u.email, m.source, m.added_by FROM user_group_members m JOIN users u ON u.id = m.user_id
     ORDER BY u.email`, statePath(folder), { access_mode: 'READ_ONLY' });
  assert.deepEqual(members, [
    { email: 'scheduler@system.local', source: 'system_seed',
      added_by: 'app.auth.scheduler_token:ensure_scheduler_user' },
    { email: 'seed@example.com', source: 'system_seed', added_by: 'app.main:seed_admin' },
  ]);
  const audited = await query('SELECT action FROM audit_log', statePath(folder), { access_mode: 'READ_ONLY' });
  assert.deepEqual(audited, [{ action: 'token_created' }]);
});

test('a secret of the scheduler that is too short makes no account', async (t) => {
  const folder = temporaryFolder(t);
  const server = await serve(t, folder, { env: { SCHEDULER_API_TOKEN: 'too short' } });
  assert.equal((await server.client('too short').get('/api/health/detailed')).status, 401);
  await server.stop();
  assert.match(server.log, /SCHEDULER_API_TOKEN is shorter than 32 characters/);
  assert.deepEqual(await query('SELECT email FROM users', statePath(folder), { access_mode: 'READ_ONLY' }), []);
});

test('in development mode everybody is the developer, and that is not to be overlooked', async (t) => {
  const env = { LOCAL_DEV_MODE: 'Yes', LOCAL_DEV_USER_EMAIL: 'dev@example.com',
    LOCAL_DEV_GROUPS: '[{"id": "a@example.com", "name": "A"}, {"name": "nameless"}, 7, {"id": "b@example.com", "extra": 1}]' };
  const server = await serve(t, temporaryFolder(t), { env });
  for (const client of [server.client(), server.client('nonsense')]) {
    assert.deepEqual((await client.get('/api/users')).body.map(({ email, is_admin }) => [email, is_admin]), [['dev@example.com', true]]);
  }
  await server.stop();
  assert.match(server.log, /LOCAL_DEV_MODE is on: whoever sends a request is dev@example\.com/);
  assert.match(server.log, /item 1 has no id[^]*item 2 has no id/);
  assert.match(server.log, /its groups: A \(a@example\.com\), b@example\.com \(b@example\.com\)/);

  // Without that user, the mode opens nothing.
  const other = await serve(t, temporaryFolder(t), { env: { ...env, SEED_ADMIN_EMAIL: 'seed@example.com', LOCAL_DEV_GROUPS: '{}' } });
  assert.equal((await other.client().get('/api/users')).status, 401);
  await other.stop();
  assert.match(other.log, /LOCAL_DEV_MODE has no effect: there is no user dev@example\.com/);
  assert.match(other.log, /LOCAL_DEV_GROUPS is no JSON list/);
});

test('two servers on one folder: the second says who holds it', async (t) => {
  const folder = temporaryFolder(t);
  const first = await serve(t, folder);
  await assert.rejects(serve(t, folder), (error) => error.message.includes(`${first.child.pid}`));
  assert.ok(existsSync(statePath(folder)));
});
