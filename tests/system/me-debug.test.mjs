// /me/debug: there only where it is wanted, for the caller alone, without a secret and without an effect.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { temporaryFolder } from './lib/agnesd.mjs';
import { serve } from './lib/server.mjs';
import { execute, statePath } from './lib/state.mjs';

const PAGE = '/me/debug';
const REFETCH = '/me/debug/refetch-groups';

test('it is not there unless it is switched on', async (t) => {
  const server = await serve(t, temporaryFolder(t), { env: { AGNES_DEBUG_AUTH: '0' } });
  const admin = await server.bootstrap();
  for (const client of [admin, server.client()])
    assert.deepEqual([(await client.get(PAGE)).status, (await client.post(REFETCH)).status], [404, 404]);
  assert.doesNotMatch(JSON.stringify((await admin.get('/openapi.json')).body), /me\/debug/);
});

test('a user sees how the browser is signed in, and no secret', async (t) => {
  const server = await serve(t, temporaryFolder(t), { env: { AGNES_DEBUG_AUTH: 'yes', AGNES_GOOGLE_GROUP_PREFIX: ' Grp_ ' } });
  const admin = await server.bootstrap();
  const anonymous = server.client();
  const page = await anonymous.get(PAGE);
  assert.deepEqual([page.status, page.headers.get('location')], [302, '/login?next=%2Fme%2Fdebug']);
  assert.equal((await anonymous.post(REFETCH)).status, 401);

  const ann = await admin.addUser('ann@example.com');
  for (const name of ['first', 'second']) {
    const group = (await admin.post('/api/admin/groups', { name })).body;
    await admin.post(`/api/admin/groups/${group.id}/members`, { email: ann.email });
    await admin.post('/api/admin/grants', { group_id: group.id, resource_type: 'table', resource_id: 'orders' });
  }
  const { status, headers, body } = await ann.get(PAGE, { headers: { cookie: `access_token=${ann.token}` } });
  assert.deepEqual([status, headers.get('cache-control')], [200, 'no-store']);
  const claims = JSON.parse(Buffer.from(ann.token.split('.')[1], 'base64url'));
  const { sub, email, typ, iat, exp, jti } = claims;
  assert.deepEqual(body.session, { claims: { sub, email, typ, iat, exp, jti },
    fingerprint: createHash('sha256').update(ann.token).digest('hex').slice(0, 12) });
  assert.deepEqual([body.title, body.user.email, body.user.is_admin, body.user.active], ['Auth debug', 'ann@example.com', false, true]);
  assert.deepEqual(body.memberships.map(({ group_name }) => group_name), ['first', 'second']);
  assert.deepEqual(body.grants, [{ resource_type: 'table', resource_id: 'orders', group_name: 'first' }]);
  assert.deepEqual(body.google_sync, { memberships: 0, latest: null, prefix: 'grp_' });
  const text = JSON.stringify(body);
  assert.ok(!text.includes(ann.token) && !text.includes('argon2'), text);
  // A token in a header is no session of a browser; neither is one that is not ours.
  assert.equal((await ann.get(PAGE)).body.session, null);
  assert.equal((await ann.get(PAGE, { headers: { cookie: 'access_token=x.y.z' } })).body.session, null);
});

test('what Google would change is told, and nothing is changed', async (t) => {
  const folder = temporaryFolder(t);
  const env = { AGNES_DEBUG_AUTH: '1', AGNES_GOOGLE_GROUP_PREFIX: 'grp_', AGNES_GROUP_ADMIN_EMAIL: 'Grp_admins@example.com',
    GOOGLE_ADMIN_SDK_MOCK_GROUPS: ' GRP_sales@example.com, other@example.com ,, grp_new@example.com,grp_NEW@example.com, grp_admins@example.com' };
  const first = await serve(t, folder);
  const { id } = await (await first.bootstrap()).addUser('ann@example.com');
  await first.stop();
  await execute(statePath(folder),
    `INSERT INTO user_groups (id, name, created_by) VALUES ('s', 'grp_sales@example.com', 'system:google-sync'), ('o', 'grp_old@example.com', 'system:google-sync')`,
    `INSERT INTO user_group_members (user_id, group_id, source) VALUES ('${id}', 's', 'google_sync'), ('${id}', 'o', 'google_sync')`);
  const signIn = async (server) => server.client((await server.client().post('/auth/token',
    { email: 'ann@example.com', password: 'analyst password' })).body.access_token);
  const server = await serve(t, folder, { env });
  const ann = await signIn(server);
  const before = (await ann.get(PAGE)).body;
  const { status, body } = await ann.post(REFETCH);
  assert.equal(status, 200);
  assert.deepEqual(body, { soft_failed: false, prefix: 'grp_',
    fetched: ['GRP_sales@example.com', 'other@example.com', 'grp_new@example.com', 'grp_NEW@example.com', 'grp_admins@example.com'],
    fetched_relevant: ['grp_admins@example.com', 'grp_new@example.com', 'grp_sales@example.com'],
    current_names: ['grp_old@example.com', 'grp_sales@example.com'], current_external_ids: [],
    would_add: ['grp_admins@example.com', 'grp_new@example.com'], would_remove: ['grp_old@example.com'], applied: false });
  const after = (await ann.get(PAGE)).body;
  assert.deepEqual([after.memberships, after.google_sync], [before.memberships, before.google_sync]);
  assert.equal(after.google_sync.memberships, 2);
  await server.stop();

  // Nothing fetched may be a failure: it takes nobody out of a group.
  for (const [more, failed] of [[{ GOOGLE_ADMIN_SDK_MOCK_GROUPS: '' }, false], [{ GOOGLE_ADMIN_SDK_SUBJECT: 'admin@example.com' }, true]]) {
    const silent = await serve(t, folder, { env: { AGNES_DEBUG_AUTH: '1', ...more } });
    const { body: answer } = await (await signIn(silent)).post(REFETCH);
    assert.deepEqual([answer.soft_failed, answer.fetched, answer.would_add, answer.would_remove, answer.prefix], [failed, [], [], [], null]);
    await silent.stop();
  }
});
