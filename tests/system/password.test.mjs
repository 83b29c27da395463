// Signing in by a password, and setting one through links that work once and for one purpose.
import assert from 'node:assert/strict';
import test from 'node:test';
import { temporaryFolder } from './lib/agnesd.mjs';
import { serve } from './lib/server.mjs';

async function start(t) {
  const server = await serve(t, temporaryFolder(t));
  return { server, admin: await server.bootstrap() };
}

const form = (fields) => ({
  body: new URLSearchParams(fields).toString(), headers: { 'content-type': 'application/x-www-form-urlencoded' },
});
const linkOf = (url) => Object.fromEntries(new URL(url).searchParams);

test('JSON sign-in answers as the interface says', async (t) => {
  const { server, admin } = await start(t);
  const post = (body) => server.client().post('/auth/password/login', body);
  const good = await post({ email: 'admin@example.com', password: 'correct horse' });
  assert.deepEqual(Object.keys(good.body), ['access_token', 'token_type', 'email', 'role']);
  assert.equal((await post({ email: 'admin@example.com', password: 'wrong' })).body.detail, 'Invalid email or password');
  assert.equal((await post({ email: 'nobody@example.com', password: 'wrong' })).body.detail, 'Invalid email or password');
  assert.equal((await post({ email: 'x' })).status, 422);
  const ann = await admin.addUser('ann@example.com');
  await admin.post(`/api/users/${ann.id}/deactivate`);
  assert.equal((await post({ email: ann.email, password: 'analyst password' })).body.detail, 'Account deactivated');
  assert.equal((await post({ email: ann.email, password: 'wrong' })).body.detail, 'Invalid email or password');
});

test('a browser signs in by a form and goes on only to this server', async (t) => {
  const { server } = await start(t);
  const login = (fields, headers = {}) => {
    const { body, headers: type } = form(fields);
    return server.client().request('POST', '/auth/password/login/web', { body, headers: { ...type, ...headers } });
  };
  const person = { email: 'admin@example.com', password: 'correct horse' };
  const good = await login({ ...person, next: '/catalog?x=1' });
  assert.deepEqual([good.status, good.headers.get('location')], [302, '/catalog?x=1']);
  assert.match(good.headers.get('set-cookie'), /^access_token=[^;]+; HttpOnly; Max-Age=86400; Path=\/; SameSite=lax$/);
  const overTls = await login(person, { 'x-forwarded-proto': 'https' });
  assert.match(overTls.headers.get('set-cookie'), /; SameSite=lax; Secure$/);
  const cookie = good.headers.get('set-cookie').split(';')[0];
  const me = await server.client().get('/api/me/effective-access', { headers: { cookie } });
  assert.equal(me.status, 200);
  for (const next of ['//evil.example.com', 'https://evil.example.com', '/\\evil.example.com', '']) {
    assert.equal((await login({ ...person, next })).headers.get('location'), '/dashboard', next);
  }
  assert.equal((await login({ ...person, password: 'x' })).headers.get('location'), '/login/password?error=invalid');
  assert.equal((await login(person, { 'sec-fetch-site': 'cross-site' })).status, 403);
  const page = await server.client().get('/login/password?next=%22%3E%3Cscript%3E&error=invalid');
  assert.match(page.body, /The e-mail or the password is wrong/);
  assert.doesNotMatch(page.body, /<script>/);
  const redirect = await server.client().get('/some/page');
  assert.equal(redirect.status, 404);
});

test('a form of another site is told by its origin, too, also behind a proxy', async (t) => {
  const person = { email: 'admin@example.com', password: 'correct horse' };
  const { body, headers: type } = form(person);
  const forms = ['/auth/password/login/web', '/auth/password/setup/request', '/auth/password/reset'];
  const statusOf = async (server, headers, path = forms[0]) =>
    (await server.client().request('POST', path, { body, headers: { ...type, ...headers } })).status;
  const { server } = await start(t);
  const { host } = new URL(server.url);
  for (const [headers, status] of [
    [{ origin: server.url }, 302], [{ origin: `https://${host}` }, 302], [{}, 302],
    [{ origin: 'http://evil.example.com' }, 403], [{ origin: 'null' }, 403], [{ origin: '' }, 403],
    [{ origin: `http://${host.split(':')[0]}:1` }, 403], [{ origin: `http://${host}.example.com` }, 403],
    [{ origin: `http://evil.example.com@${host}` }, 302], // of that host; browsers send no such thing
    // What the browser itself concludes needs no comparing, in either direction.
    [{ origin: 'http://evil.example.com', 'sec-fetch-site': 'same-origin' }, 302],
    [{ origin: server.url, 'sec-fetch-site': 'same-site' }, 403],
    // Loopback is a trusted proxy: it tells which host the browser asked for.
    [{ origin: 'https://data.example.com', 'x-forwarded-host': 'data.example.com:443' }, 302],
    [{ origin: 'https://data.example.com', 'x-forwarded-host': 'DATA.example.com, inner.example.com' }, 302],
    [{ origin: 'https://data.example.com', 'x-forwarded-host': 'other.example.com' }, 403],
  ]) assert.equal(await statusOf(server, headers), status, JSON.stringify(headers));
  for (const path of forms)
    assert.equal(await statusOf(server, { origin: 'http://evil.example.com' }, path), 403, path);

  const wary = await serve(t, temporaryFolder(t), { env: { FORWARDED_ALLOW_IPS: '192.0.2.1', SERVER_URL: 'https://data.example.com/' } });
  await wary.bootstrap();
  const claimed = { 'x-forwarded-host': 'evil.example.com', origin: 'https://evil.example.com' };
  assert.equal(await statusOf(wary, claimed), 403);
  assert.equal(await statusOf(wary, { origin: 'https://data.example.com' }), 302);
  assert.equal(await statusOf(wary, { origin: wary.url }), 302);
});

test('the pages let a browser tell where their forms come from', async (t) => {
  const { server } = await start(t);
  const page = await server.client().get('/login/password');
  // With no-referrer a browser sends the origin null, which no other site may get away with.
  assert.equal(page.headers.get('referrer-policy'), 'same-origin');
  assert.doesNotMatch(page.body, /no-referrer/);
});

test('an invitation works once, for its user and purpose', async (t) => {
  const { server, admin } = await start(t);
  const { body } = await admin.post('/api/users', { email: 'new@example.com', name: 'N', send_invite: true });
  const link = linkOf(body.invite_url);
  const page = await server.client().get(`/auth/password/setup?email=new%40example.com&token=${link.token}`);
  assert.match(page.body, /Set Up Your Account/);
  assert.equal(page.headers.get('cache-control'), 'no-store');
  const confirm = (fields) => server.client().request('POST', '/auth/password/setup/confirm', form(fields));
  const wanted = { ...link, password: 'brand new word', confirm_password: 'brand new word', name: ' Nora ' };
  assert.match((await confirm({ ...wanted, confirm_password: 'other' })).body, /Passwords do not match/);
  assert.match((await confirm({ ...wanted, password: 'short', confirm_password: 'short' })).body, /at least 8/);
  assert.match((await confirm({ ...wanted, token: 'x' })).body, /Invalid/);
  assert.match((await confirm({ ...wanted, email: 'admin@example.com' })).body, /Invalid/);
  const reset = await server.client().request('POST', '/auth/password/reset/confirm', form(wanted));
  assert.match(reset.body, /Invalid or expired reset link/);

  const both = await Promise.all([confirm(wanted), confirm(wanted)]);
  assert.deepEqual(both.map(({ status }) => status).sort(), [200, 302]);
  const user = (await admin.get(`/api/users/${body.id}`)).body;
  assert.equal(user.name, 'Nora');
  const login = await server.client().post('/auth/token', { email: 'new@example.com', password: 'brand new word' });
  assert.equal(login.status, 200);
});

test('a reset ends the sessions from before', async (t) => {
  const { server, admin } = await start(t);
  const ann = await admin.addUser('ann@example.com');
  const { body } = await admin.post(`/api/users/${ann.id}/reset-password`);
  assert.deepEqual(Object.keys(body), ['reset_url', 'email_sent']);
  const link = linkOf(body.reset_url);
  const done = await server.client().request('POST', '/auth/password/reset/confirm',
    form({ ...link, password: 'another word', confirm_password: 'another word' }));
  assert.deepEqual([done.status, done.headers.get('location')], [302, '/login/password?msg=password_reset']);
  assert.equal((await ann.get('/api/me/effective-access')).status, 401);
  const cookie = done.headers.get('set-cookie').split(';')[0];
  assert.equal((await server.client().get('/api/me/effective-access', { headers: { cookie } })).status, 200);
});

test('setting up by JSON', async (t) => {
  const { server, admin } = await start(t);
  const { body } = await admin.post('/api/users', { email: 'new@example.com', name: 'N', send_invite: true });
  const { token } = linkOf(body.invite_url);
  const setup = (fields) => server.client().post('/auth/password/setup', { email: 'new@example.com', ...fields });
  assert.equal((await setup({ token: 'x', password: 'long enough' })).body.detail, 'Invalid setup token');
  assert.equal((await setup({ token, password: 'short' })).body.detail, 'Password must be at least 8 characters');
  const done = await setup({ token, password: 'long enough' });
  assert.deepEqual(Object.keys(done.body), ['access_token', 'token_type', 'message']);
  assert.equal((await server.client(done.body.access_token).get('/api/me/effective-access')).status, 200);
  assert.equal((await setup({ token, password: 'once more!' })).status, 400);
});

test('that an account is deactivated is told only to who holds its token', async (t) => {
  const { server, admin } = await start(t);
  const { body } = await admin.post('/api/users', { email: 'gone@example.com', name: 'G', send_invite: true });
  const { token } = linkOf(body.invite_url);
  assert.equal((await admin.post(`/api/users/${body.id}/deactivate`)).status, 200);
  const setup = async (email, given) => {
    const answer = await server.client().post('/auth/password/setup', { email, token: given, password: 'long enough' });
    return [answer.status, answer.body];
  };
  const wrong = [400, { detail: 'Invalid setup token' }];
  assert.deepEqual(await setup('gone@example.com', 'x'), wrong);
  assert.deepEqual(await setup('nobody@example.com', token), wrong);
  assert.deepEqual(await setup('gone@example.com', token), [403, { detail: 'Account deactivated' }]);
});

test('asking for a link looks the same for everybody', async (t) => {
  const { server } = await start(t);
  const ask = (email) => server.client().request('POST', '/auth/password/reset', form({ email }));
  const [known, unknown] = [await ask('admin@example.com'), await ask('nobody@example.com')];
  assert.match(known.body, /Check your email/);
  assert.deepEqual([known.status, known.body], [unknown.status, unknown.body]);
});
