// Users, groups, members and grants over the API: shapes, refusals, the last administrator, races.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { query, temporaryFolder } from './lib/agnesd.mjs';
import { serve } from './lib/server.mjs';

async function start(t) {
  const server = await serve(t, temporaryFolder(t));
  return { server, admin: await server.bootstrap() };
}

const SPACED = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?$/;

test('a user is made, shown, renamed, deactivated, activated and removed', async (t) => {
  const { server, admin } = await start(t);
  const made = await admin.post('/api/users', { email: 'ann@example.com', name: 'Ann', role: 'ignored' });
  assert.equal(made.status, 201);
  assert.deepEqual(Object.keys(made.body), ['id', 'email', 'name', 'role', 'is_admin', 'is_sso_user', 'groups',
    'active', 'created_at', 'deactivated_at', 'invite_url', 'invite_email_sent']);
  assert.match(made.body.created_at, SPACED);
  assert.deepEqual([made.body.groups, made.body.active, made.body.invite_url], [[], true, null]);
  for (const email of ['', ' ', 'ann', '@example.com', 'ann@', 'ann @example.com', 'ann@example.com\n', `${'a'.repeat(320)}@example.com`]) {
    const { status, body } = await admin.post('/api/users', { email, name: 'x' });
    assert.deepEqual([status, body.detail[0].loc, body.detail[0].msg],
      [422, ['body', 'email'], 'Value error, an e-mail address must be such as ann@example.com'], email);
  }
  for (const email of ['dev@localhost', 'Jürgen@bücher.example', 'a@b@example.com']) {
    assert.equal((await admin.post('/api/users', { email, name: 'x' })).body.email, email);
  }
  const again = await admin.post('/api/users', { email: 'ann@example.com', name: 'Ann' });
  assert.deepEqual([again.status, again.body.detail], [409, 'User with this email already exists']);

  const at = `/api/users/${made.body.id}`;
  assert.equal((await admin.post(`${at}/set-password`, { password: 'short' })).status, 400);
  assert.equal((await admin.post(`${at}/set-password`, { password: 'long enough' })).status, 204);
  const login = { email: 'ann@example.com', password: 'long enough' };
  const ann = server.client((await server.client().post('/auth/token', login)).body.access_token);
  assert.equal((await ann.get('/api/me/effective-access')).status, 200);
  assert.equal((await ann.get('/api/users')).body.detail, 'Admin access required');

  const off = await admin.patch(at, { name: 'Anna', active: false });
  assert.deepEqual([off.body.name, off.body.active], ['Anna', false]);
  assert.match(off.body.deactivated_at, SPACED);
  assert.equal((await ann.get('/api/me/effective-access')).body.detail, 'Account deactivated');
  const on = await admin.post(`${at}/activate`);
  assert.deepEqual([on.body.active, on.body.deactivated_at], [true, null]);
  // Who comes back signs in anew.
  assert.equal((await ann.get('/api/me/effective-access')).status, 401);
  assert.equal((await server.client().post('/auth/token', login)).status, 200);

  assert.equal((await admin.delete(at)).status, 204);
  assert.equal((await admin.get(at)).body.detail, 'User not found');
  assert.equal((await admin.delete(at)).status, 404);
});

test('nobody locks the last administrator out, not even two at once', async (t) => {
  const { admin, server } = await start(t);
  const me = (await admin.get('/api/users')).body[0];
  assert.equal((await admin.patch(`/api/users/${me.id}`, { active: false })).body.detail, 'Cannot deactivate yourself');
  assert.equal((await admin.delete(`/api/users/${me.id}`)).body.detail, 'Cannot delete yourself');
  const bob = await admin.addUser('bob@example.com');
  const group = (await admin.get('/api/admin/groups')).body.find(({ name }) => name === 'Admin');
  assert.equal((await admin.post(`/api/admin/groups/${group.id}/members`, { email: bob.email })).status, 201);
  const results = await Promise.all([
    admin.delete(`/api/users/${bob.id}`), bob.delete(`/api/users/${me.id}`),
  ]);
  const statuses = results.map(({ status }) => status).sort();
  assert.ok(statuses[0] === 204 && [401, 403, 404, 409].includes(statuses[1]), String(statuses));
  await server.stop();
  const left = await query(`SELECT count(*)::INT AS n FROM user_group_members m JOIN users u ON u.id = m.user_id
    WHERE m.group_id = '${group.id}'`, path.join(server.dataDir, 'state/system.duckdb'), { access_mode: 'READ_ONLY' });
  assert.deepEqual(left, [{ n: 1 }]);
});

test('an invitation sets the first password once', async (t) => {
  const { admin, server } = await start(t);
  const made = await admin.post('/api/users', { email: 'new@example.com', name: 'New', send_invite: true });
  assert.equal(made.body.invite_email_sent, false);
  const url = new URL(made.body.invite_url);
  assert.equal(url.pathname, '/auth/password/setup');
  assert.equal(url.searchParams.get('email'), 'new@example.com');
  assert.equal(url.searchParams.get('token').length, 43);
  await server.stop();
  const [row] = await query(`SELECT setup_token FROM users WHERE email = 'new@example.com'`,
    path.join(server.dataDir, 'state/system.duckdb'), { access_mode: 'READ_ONLY' });
  assert.match(row.setup_token, /^setup:sha256:[0-9a-f]{64}$/);
});

test('groups: names, members, grants, and their end with all of it', async (t) => {
  const { admin } = await start(t);
  const bob = await admin.addUser('bob@example.com');
  assert.equal((await admin.post('/api/admin/groups', { name: '  ' })).body.detail, 'Group name is required');
  const made = await admin.post('/api/admin/groups', { name: ' analysts ', description: 'who ask' });
  assert.equal(made.status, 201);
  assert.deepEqual(Object.keys(made.body), ['id', 'name', 'description', 'is_system', 'origin', 'created_at',
    'created_by', 'member_count', 'grant_count', 'is_google_managed', 'mapped_email']);
  assert.deepEqual([made.body.name, made.body.origin, made.body.created_by],
    ['analysts', 'custom', 'admin@example.com']);
  assert.match(made.body.id, /^[0-9a-f]{32}$/);
  assert.equal((await admin.post('/api/admin/groups', { name: 'analysts' })).body.detail,
    "Group 'analysts' already exists");

  const at = `/api/admin/groups/${made.body.id}`;
  const member = await admin.post(`${at}/members`, { email: bob.email });
  assert.deepEqual(member.body, { user_id: bob.id, email: bob.email, name: 'bob', active: true, source: 'admin',
    added_at: null, added_by: 'admin@example.com' });
  assert.equal((await admin.post(`${at}/members`, { email: bob.email })).body.detail, 'User already a member');
  assert.equal((await admin.post(`${at}/members`, { email: "o'x@example.com" })).body.detail,
    `User "o'x@example.com" not found`);

  const wanted = { group_id: made.body.id, resource_type: 'table', resource_id: 'orders' };
  const grant = await admin.post('/api/admin/grants', wanted);
  assert.equal(grant.status, 201);
  assert.deepEqual(Object.keys(grant.body), ['id', 'group_id', 'group_name', 'resource_type', 'resource_id',
    'assigned_at', 'assigned_by']);
  assert.equal(grant.body.group_name, 'analysts');
  assert.equal((await admin.post('/api/admin/grants', wanted)).status, 409);
  assert.equal((await admin.post('/api/admin/grants', { ...wanted, resource_type: 'x' })).body.detail,
    "Unknown resource_type 'x'. Known types: ['marketplace_plugin', 'table', 'memory_domain']");
  assert.equal((await admin.post('/api/admin/grants', { ...wanted, group_id: 'none' })).body.detail, 'Group not found');
  const access = { is_admin: false, items: [{ resource_type: 'table', resource_id: 'orders',
    via_groups: [{ group_id: made.body.id, group_name: 'analysts' }] }] };
  assert.deepEqual((await bob.get('/api/me/effective-access')).body, access);
  const second = (await admin.post('/api/admin/groups', { name: 'writers' })).body;
  await admin.post(`/api/admin/groups/${second.id}/members`, { email: bob.email });
  await admin.post('/api/admin/grants', { ...wanted, group_id: second.id });
  access.items[0].via_groups.push({ group_id: second.id, group_name: 'writers' });
  assert.deepEqual((await bob.get('/api/me/effective-access')).body, access);
  assert.deepEqual((await admin.get(`/api/admin/users/${bob.id}/effective-access`)).body, access);

  assert.equal((await admin.delete(`/api/admin/groups/${second.id}`)).status, 204);
  const renamed = await admin.patch(at, { name: 'readers' });
  assert.deepEqual([renamed.body.name, renamed.body.member_count, renamed.body.grant_count], ['readers', 1, 1]);
  assert.equal((await admin.patch(at, { name: 'Admin' })).status, 409);
  assert.equal((await admin.patch(at, { name: '' })).status, 400);
  assert.equal((await admin.delete(at)).status, 204);
  assert.deepEqual((await bob.get('/api/me/effective-access')).body.items, []);
  assert.deepEqual((await admin.get('/api/admin/grants')).body, []);
});

test('system groups stay', async (t) => {
  const { admin } = await start(t);
  const group = (await admin.get('/api/admin/groups')).body.find(({ name }) => name === 'Everyone');
  const at = `/api/admin/groups/${group.id}`;
  assert.equal((await admin.delete(at)).body.detail, 'Cannot delete a system group');
  assert.equal((await admin.patch(at, { name: 'All' })).body.detail, 'System groups cannot be renamed');
  assert.equal((await admin.patch(at, { description: 'all of us' })).body.description, 'all of us');
});

test('200 writers beside readers: no write is lost and no picture is torn', async (t) => {
  const { admin } = await start(t);
  const group = (await admin.post('/api/admin/groups', { name: 'crowd' })).body;
  let reading = true;
  const reader = (async () => {
    while (reading) {
      const [groups, users] = await Promise.all([admin.get('/api/admin/groups'), admin.get('/api/users')]);
      assert.equal(groups.status, 200);
      assert.equal(users.status, 200);
    }
  })();
  const writers = Array.from({ length: 200 }, async (_, i) => {
    const made = i % 2
      ? await admin.post('/api/users', { email: `u${i}@example.com`, name: `U${i}` })
      : await admin.post('/api/admin/grants', { group_id: group.id, resource_type: 'table', resource_id: `t${i}` });
    assert.equal(made.status, 201);
  });
  await Promise.all(writers);
  reading = false;
  await reader;
  assert.equal((await admin.get('/api/users')).body.length, 101);
  assert.equal((await admin.get('/api/admin/grants')).body.length, 100);
  assert.equal((await admin.get(`/api/admin/groups/${group.id}`)).body.grant_count, 100);
});
