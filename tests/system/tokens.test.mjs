// Personal access tokens and requests for tables.
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { query, temporaryFolder } from './lib/agnesd.mjs';
import { serve } from './lib/server.mjs';

async function start(t, options) {
  const server = await serve(t, temporaryFolder(t), options);
  return { server, admin: await server.bootstrap() };
}

const whoami = '/api/me/effective-access';

test('a token is made by a session, works, is listed and revoked', async (t) => {
  const { server, admin } = await start(t);
  for (const [body, detail] of [
    [{ name: ' ' }, 'name is required'],
    [{ name: 'x', expires_in_days: 0 }, 'expires_in_days must be a positive integer'],
    [{ name: 'x', expires_in_days: 4000 }, 'expires_in_days must not exceed 3650 (10 years)'],
    [{ name: 'x', expires_in_days: 1e30 }, 'expires_in_days must not exceed 3650 (10 years)'],
    [{ name: 'x', expires_in_days: -1e30 }, 'expires_in_days must be a positive integer'],
  ]) {
    const refused = await admin.post('/auth/tokens', body);
    assert.deepEqual([refused.status, refused.body.detail], [400, detail]);
  }
  // Integers have no limit in JSON, which JavaScript cannot write.
  for (const [days, detail] of [['9'.repeat(30), /must not exceed/], [`-${'9'.repeat(400)}`, /must be a positive/]]) {
    const { status, body } = await admin.request('POST', '/auth/tokens',
      { body: `{"name":"x","expires_in_days":${days}}`, headers: { 'content-type': 'application/json' } });
    assert.equal(status, 400);
    assert.match(body.detail, detail);
  }
  const made = await admin.post('/auth/tokens', { name: ' laptop ' });
  assert.equal(made.status, 201);
  assert.deepEqual(Object.keys(made.body), ['id', 'name', 'prefix', 'token', 'expires_at', 'created_at']);
  assert.equal(made.body.name, 'laptop');
  assert.equal(made.body.prefix, made.body.id.slice(0, 8));
  assert.match(made.body.created_at, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\+00:00$/);
  const token = server.client(made.body.token);
  assert.equal((await token.get(whoami)).status, 200);
  assert.deepEqual((await token.post('/auth/tokens', { name: 'y' })).body,
    { detail: 'This endpoint requires an interactive session, not a PAT' });
  const [item] = (await token.get('/auth/tokens')).body;
  assert.deepEqual(Object.keys(item),
    ['id', 'name', 'prefix', 'created_at', 'expires_at', 'last_used_at', 'revoked_at']);
  const ann = await admin.addUser('ann@example.com');
  assert.equal((await ann.get(`/auth/tokens/${item.id}`)).body.detail, 'Token not found');
  assert.equal((await ann.delete(`/auth/tokens/${item.id}`)).status, 404);
  assert.equal((await ann.get('/auth/admin/tokens')).status, 403);
  assert.equal((await token.delete(`/auth/tokens/${item.id}`)).status, 204);
  assert.equal((await token.get(whoami)).body.detail, 'Token revoked');
  const all = (await admin.get('/auth/admin/tokens')).body;
  assert.equal(all[0].user_email, 'admin@example.com');
  assert.notEqual(all[0].revoked_at, null);
});

test('only tokens that can be used count against their limit', async (t) => {
  const folder = temporaryFolder(t);
  const start = async () => {
    const server = await serve(t, folder);
    const login = { email: 'admin@example.com', password: 'correct horse' };
    return { server, admin: server.client((await server.client().post('/auth/token', login)).body.access_token) };
  };
  let server = await serve(t, folder);
  await server.bootstrap();
  await server.stop();
  const insert = (name, expires) => query(`INSERT INTO personal_access_tokens (id, user_id, name, token_hash, prefix, expires_at)
    SELECT '${name}' || i, (SELECT id FROM users WHERE email = 'admin@example.com'), '${name}', 'x', 'x', ${expires}
    FROM range(1000) r(i)`, path.join(folder, 'state/system.duckdb'));
  await insert('ended', `TIMESTAMP '2020-01-01'`);
  let admin;
  ({ server, admin } = await start());
  assert.equal((await admin.post('/auth/tokens', { name: 'one' })).status, 201);
  await server.stop();
  await insert('endless', 'NULL');
  ({ server, admin } = await start());
  assert.equal((await admin.post('/auth/tokens', { name: 'two' })).status, 409);
});

test('uses of a token are noted, and a new address is audited once', async (t) => {
  const { server, admin } = await start(t);
  const { body } = await admin.post('/auth/tokens', { name: 'x', expires_in_days: null });
  assert.equal(body.expires_at, null);
  const token = server.client(body.token);
  for (const from of ['203.0.113.1', '203.0.113.1', '203.0.113.2', '203.0.113.1', '203.0.113.2']) {
    await token.get(whoami, { headers: { 'x-forwarded-for': from } });
  }
  await server.stop();
  const state = path.join(server.dataDir, 'state/system.duckdb');
  const [row] = await query('SELECT last_used_at IS NOT NULL AS used, last_used_ip FROM personal_access_tokens',
    state, { access_mode: 'READ_ONLY' });
  assert.deepEqual(row, { used: true, last_used_ip: '203.0.113.2' });
  const audited = await query(`SELECT params FROM audit_log WHERE action = 'token.first_use_new_ip'`,
    state, { access_mode: 'READ_ONLY' });
  assert.deepEqual(audited.map(({ params }) => JSON.parse(params)),
    [{ ip: '203.0.113.2', previous_ip: '203.0.113.1' }]);
});

// A token as the reference makes it, with the instance's own secret.
function sign(dataDir, claims) {
  const secret = readFileSync(path.join(dataDir, 'state/.jwt_secret'), 'utf8').trim();
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

test('sessions and tokens made by the reference work, and flawed ones do not', async (t) => {
  const folder = temporaryFolder(t);
  let server = await serve(t, folder);
  const admin = await server.bootstrap();
  const { id } = (await admin.get('/api/users')).body[0];
  const now = Math.floor(Date.now() / 1000);
  const pat = sign(folder, { sub: id, email: 'admin@example.com', typ: 'pat', iat: now,
    jti: '11111111-1111-4111-8111-111111111111', exp: now + 3600 });
  await server.stop();
  const hash = createHash('sha256').update(pat).digest('hex');
  await query(`INSERT INTO personal_access_tokens (id, user_id, name, token_hash, prefix)
    VALUES ('11111111-1111-4111-8111-111111111111', '${id}', 'old', '${hash}', '11111111')`,
  path.join(folder, 'state/system.duckdb'));
  server = await serve(t, folder);
  const status = async (token) => (await server.client(token).get(whoami)).status;
  assert.equal(await status(pat), 200);
  assert.equal(await status(sign(folder, { sub: id, email: 'x', typ: 'session', iat: now, jti: 'a', exp: now + 9 })), 200);
  assert.equal(await status(sign(folder, { sub: id, role: 'admin' })), 200);
  // The same id in another token text is not the token that was made.
  const other = sign(folder, { sub: id, typ: 'pat', iat: now, jti: '11111111-1111-4111-8111-111111111111' });
  assert.equal((await server.client(other).get(whoami)).body.detail, 'Token mismatch');
  const unknown = sign(folder, { sub: id, typ: 'pat', iat: now, jti: '22222222-2222-4222-8222-222222222222' });
  assert.equal((await server.client(unknown).get(whoami)).body.detail, 'Token unknown');
  assert.equal((await server.client(sign(folder, { sub: 'nobody' })).get(whoami)).body.detail, 'User not found');
  assert.equal(await status(sign(folder, { sub: id, exp: now - 1 })), 401);
  const [head, body, tail] = pat.split('.');
  const none = Buffer.from('{"alg":"none"}').toString('base64url');
  for (const bad of [`${none}.${body}.`, `${none}.${body}.${tail}`, `${head}.${body}.`, `${head}.${body}`, 'x', `${pat}x`]) {
    assert.equal((await server.client(bad).get(whoami)).body.detail, 'Invalid or expired token', bad);
  }
});

test('a table is asked for without learning whether it exists; a decision opens it', async (t) => {
  const { server, admin } = await start(t);
  const ann = await admin.addUser('ann@example.com');
  const real = await ann.post('/api/access-requests', { table: 'orders', reason: 'the report' });
  const invented = await ann.post('/api/access-requests', { table: 'nothing' });
  assert.deepEqual([real.status, invented.status], [201, 201]);
  assert.deepEqual(Object.keys(real.body), Object.keys(invented.body));
  assert.equal((await ann.post('/api/access-requests', { table: 'orders' })).status, 409);
  assert.equal((await ann.get('/api/access-requests?all=true')).status, 403);
  assert.equal((await ann.get('/api/access-requests')).body.count, 2);

  const { body } = await admin.get('/api/access-requests?all=true&status=pending');
  assert.deepEqual(body.requests.map(({ table, user_email }) => [table, user_email]),
    [['nothing', 'ann@example.com'], ['orders', 'ann@example.com']]);
  const at = `/api/access-requests/${invented.body.id}`;
  const group = (await admin.post('/api/admin/groups', { name: 'readers' })).body;
  assert.equal((await admin.post(`${at}/approve`, { group_id: group.id })).status, 409);
  assert.equal((await ann.post(`${at}/refuse`, { answer: 'x' })).status, 403);
  const refused = await admin.post(`${at}/refuse`, { answer: 'there is no such table' });
  assert.deepEqual([refused.status, refused.body.status], [200, 'refused']);
  assert.equal((await admin.post(`${at}/refuse`, { answer: 'again' })).status, 409);
  const mine = (await ann.get('/api/access-requests')).body.requests.find(({ table }) => table === 'nothing');
  assert.deepEqual([mine.status, mine.answer], ['refused', 'there is no such table']);
  assert.equal((await admin.post('/api/access-requests/none/refuse', { answer: 'x' })).status, 404);
  const audit = (await admin.get('/api/admin/audit?action=access_request.created')).body;
  assert.equal(audit.count, 2);
  assert.equal((await ann.get('/api/admin/audit')).status, 403);
  await server.stop();
});

test('an approval grants the table through a group', async (t) => {
  const folder = temporaryFolder(t);
  let server = await serve(t, folder);
  await server.bootstrap();
  await server.stop();
  await query(`INSERT INTO table_registry (id, name) VALUES ('orders', 'orders')`, path.join(folder, 'state/system.duckdb'));
  server = await serve(t, folder);
  const { body } = await server.client().post('/auth/token', { email: 'admin@example.com', password: 'correct horse' });
  const admin = server.client(body.access_token);
  const ann = await admin.addUser('ann@example.com');
  const { id } = (await ann.post('/api/access-requests', { table: 'Orders' })).body;
  const group = (await admin.post('/api/admin/groups', { name: 'readers' })).body;
  const everything = (await admin.get('/api/admin/groups')).body.find(({ name }) => name === 'Admin');
  const slip = await admin.post(`/api/access-requests/${id}/approve`, { group_id: everything.id });
  assert.equal(slip.status, 409);
  assert.deepEqual((await ann.get(whoami)).body, { is_admin: false, items: [] });
  const approved = await admin.post(`/api/access-requests/${id}/approve`, { group_id: group.id, answer: 'welcome' });
  assert.deepEqual([approved.status, approved.body.status, approved.body.table_id], [200, 'approved', 'orders']);
  assert.deepEqual((await ann.get(whoami)).body.items.map(({ resource_id }) => resource_id), ['orders']);
  const again = await admin.post(`/api/access-requests/${id}/approve`, { group_id: group.id });
  assert.deepEqual([again.status, again.body.detail], [409, 'the request was approved already']);

  // What was decided stays decided, also when the grant is taken away again; the user may ask anew.
  const [grant] = (await admin.get('/api/admin/grants')).body;
  assert.equal((await admin.delete(`/api/admin/grants/${grant.id}`)).status, 204);
  for (const [what, body] of [['approve', { group_id: group.id }], ['refuse', { answer: 'x' }]]) {
    const { status, body: { detail } } = await admin.post(`/api/access-requests/${id}/${what}`, body);
    assert.deepEqual([status, detail], [409, 'the request was approved already']);
  }
  assert.deepEqual((await ann.get(whoami)).body.items, []);
  const anew = (await ann.post('/api/access-requests', { table: 'orders' })).body;
  assert.equal((await admin.post(`/api/access-requests/${anew.id}/approve`, { group_id: group.id })).status, 200);
  assert.deepEqual((await ann.get(whoami)).body.items.map(({ resource_id }) => resource_id), ['orders']);

  const audited = async (action) => (await admin.get(`/api/admin/audit?action=${action}`)).body.entries;
  const made = await audited('resource_grant.created');
  const [last] = (await admin.get('/api/admin/grants')).body;
  assert.deepEqual(made.map(({ params }) => JSON.parse(params)), Array(2).fill({ group_id: group.id, resource_type: 'table', resource_id: 'orders' }));
  assert.deepEqual(made.map(({ resource }) => resource).sort(), [`grant:${grant.id}`, `grant:${last.id}`].sort());
  assert.deepEqual((await audited('user_group.member_added')).map(({ resource, params }) => [resource, JSON.parse(params)]),
    [[`group:${group.id}`, { user_email: 'ann@example.com' }]]);

  // What the group may use already needs no second grant.
  const bob = await admin.addUser('bob@example.com');
  const asked = (await bob.post('/api/access-requests', { table: 'orders' })).body;
  assert.equal((await admin.post(`/api/access-requests/${asked.id}/approve`, { group_id: group.id })).status, 200);
  assert.deepEqual((await bob.get(whoami)).body.items.map(({ resource_id }) => resource_id), ['orders']);
  assert.equal((await audited('resource_grant.created')).length, 2);
});

test('of an approval and a refusal at the same moment one counts, and a refusal leaves nothing open', async (t) => {
  const { server, admin } = await start(t);
  const ann = await admin.addUser('ann@example.com');
  const rounds = 12;
  const group = (await admin.post('/api/admin/groups', { name: 'readers' })).body;
  for (let i = 0; i < rounds; i++) {
    const table = `table_${i}`;
    assert.equal((await admin.post('/api/admin/register-table', { name: table, source_type: 'local' })).status, 201);
    const { id } = (await ann.post('/api/access-requests', { table })).body;
    const at = `/api/access-requests/${id}`;
    const calls = [() => admin.post(`${at}/approve`, { group_id: group.id }), () => admin.post(`${at}/refuse`, { answer: 'no' })];
    const answers = await Promise.all((i % 2 ? calls.reverse() : calls).map((call) => call()));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409]);
    const { status } = (await ann.get('/api/access-requests')).body.requests.find((each) => each.id === id);
    const grants = (await admin.get(`/api/admin/grants?group_id=${group.id}`)).body.filter(({ resource_id }) => resource_id === table);
    assert.equal(grants.length, status === 'approved' ? 1 : 0, `${table} was ${status}`);
  }
  await server.stop();
});
