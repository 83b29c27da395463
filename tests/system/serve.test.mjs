// agnesd serve: an empty folder becomes a server; sessions begin and end; it stops clean.
import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
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
  assert.deepEqual(body, { status: 'ok', db_schema: 'ok', current: 20, expected: 20 });
  assert.equal(statSync(path.join(folder, 'state/.jwt_secret')).mode & 0o777, 0o600);
  const { code } = await server.stop();
  assert.equal(code, 0);
  assert.match(server.output, /auth\/bootstrap/);
});

test('the first administrator is made once', async (t) => {
  const server = await serve(t, temporaryFolder(t));
  const client = server.client();
  const short = await client.post('/auth/bootstrap', { email: 'a@example.com', password: 'short' });
  assert.equal(short.status, 400);
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
  const code = /"code": "([0-9a-f]+)"/.exec(server.output)[1];
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

test('two servers on one folder: the second says who holds it', async (t) => {
  const folder = temporaryFolder(t);
  const first = await serve(t, folder);
  await assert.rejects(serve(t, folder), (error) => error.message.includes(`${first.child.pid}`));
  assert.ok(existsSync(statePath(folder)));
});
