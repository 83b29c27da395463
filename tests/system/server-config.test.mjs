// The configuration over the API: no secret comes out, none is lost, and what changed is told.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { atEnd, temporaryFolder } from './lib/agnesd.mjs';
import { state } from './lib/extracts.mjs';
import { startKeboola } from './lib/keboola.mjs';
import { serve } from './lib/server.mjs';
import { selfSigned } from './lib/tls.mjs';

const AT = '/api/admin/server-config';

async function start(t, fixed, env = {}) {
  const folder = temporaryFolder(t);
  mkdirSync(path.join(folder, 'config'));
  writeFileSync(path.join(folder, 'config/instance.yaml'), fixed ?? `
instance: {name: Shop}
auth: {allowed_domain: example.com}
email: {smtp_host: mail.example.com, smtp_password: hush}
ai: {api_key: "\${AI_KEY}", provider: anthropic}
`);
  const server = await serve(t, folder, { env: { AI_KEY: 'very secret', ...env } });
  return { folder, server, admin: await server.bootstrap(), overlay: path.join(folder, 'state/instance.yaml') };
}

test('sections are shown without their secrets', async (t) => {
  const { admin } = await start(t);
  const { body } = await admin.get(AT);
  assert.deepEqual(Object.keys(body),
    ['sections', 'editable_sections', 'danger_sections', 'secret_key_patterns', 'known_fields']);
  assert.deepEqual(body.editable_sections, ['instance', 'data_source', 'email', 'telegram', 'jira', 'theme', 'server',
    'auth', 'ai', 'openmetadata', 'desktop', 'corporate_memory']);
  assert.deepEqual(body.sections.email, { smtp_host: 'mail.example.com', smtp_password: '***' });
  assert.deepEqual(body.sections.ai, { api_key: '***', provider: 'anthropic' });
  assert.doesNotMatch(JSON.stringify(body), /hush|very secret/);
  assert.deepEqual(Object.keys(body.known_fields), body.editable_sections);
  assert.equal(body.known_fields.data_source.bigquery.fields.max_bytes_per_materialize.default, 10737418240);
});

test('a save that came from a masked answer loses no secret and tells what changed', async (t) => {
  const { admin, overlay } = await start(t);
  const { sections } = (await admin.get(AT)).body;
  sections.email.smtp_host = 'relay.example.com';
  const saved = await admin.post(AT, { sections: { email: sections.email, ai: sections.ai } });
  assert.deepEqual(saved.body, { status: 'ok', restart_required: true, sections_updated: ['ai', 'email'], diff_count: 1 });
  const text = readFileSync(overlay, 'utf8');
  assert.match(text, /relay\.example\.com/);
  assert.doesNotMatch(text, /\*\*\*|hush|very secret/);
  assert.equal(statSync(overlay).mode & 0o777, 0o600);
  assert.equal((await admin.get(AT)).body.sections.email.smtp_password, '***');
  await admin.post(AT, { sections: { email: { smtp_password: 'new secret' } } });
  const audit = (await admin.get('/api/admin/audit?action=instance_config.update')).body.entries;
  assert.deepEqual(audit.map(({ params }) => JSON.parse(params).diff), [
    [{ path: 'email.smtp_password', before: '***', after: '***' }],
    [{ path: 'email.smtp_host', before: 'mail.example.com', after: 'relay.example.com' }],
  ]);
  assert.match(readFileSync(overlay, 'utf8'), /new secret/);
});

test('secrets in lists survive a save that came from a masked answer', async (t) => {
  const { admin, overlay } = await start(t);
  const relays = [{ host: 'a.example.com', password: 'first secret' }, { host: 'b.example.com', password: 'second secret' }];
  await admin.post(AT, { sections: { email: { relays } } });
  const { email } = (await admin.get(AT)).body.sections;
  assert.deepEqual(email.relays.map(({ password }) => password), ['***', '***']);
  const saved = await admin.post(AT, { sections: { email: { ...email, smtp_host: 'relay.example.com' } } });
  assert.equal(saved.body.diff_count, 1);
  assert.match(readFileSync(overlay, 'utf8'), /first secret[^]*second secret/);
  // A list that did change has no place to take the secret from; the mask is none.
  await admin.post(AT, { sections: { email: { relays: email.relays.slice(1) } } });
  assert.doesNotMatch(readFileSync(overlay, 'utf8'), /\*\*\*|first secret|second secret/);
});

test('what cannot be saved is refused, and nothing is written', async (t) => {
  const { admin, overlay } = await start(t);
  const refused = async (body, status, pattern) => {
    const answer = await admin.post(AT, body);
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    assert.match(JSON.stringify(answer.body.detail), pattern);
  };
  await refused({}, 422, /sections cannot be empty/);
  await refused({ sections: { email: 'x' } }, 422, /must be an object/);
  await refused({ sections: { b: {}, a: {} } }, 400, /unknown section\(s\): a, b\. Editable: instance, data_source/);
  await refused({ sections: { auth: {}, server: {} } }, 400, /section\(s\) auth, server require confirm_danger=true/);
  const keboola = (stack_url) => ({ sections: { data_source: { keboola: { stack_url } } } });
  await refused(keboola('https://127.0.0.1/'), 400, /private or reserved/);
  await refused(keboola(`https://[::ffff:${'10.0.0.0'}]/`), 400, /private or reserved/);
  await refused(keboola(`https://${'100.64.0.0'}/`), 400, /private or reserved/);
  await refused(keboola('https://localhost/'), 400, /private or reserved/);
  await refused(keboola('https:///x'), 400, /missing hostname|not a valid URL/);
  await refused(keboola('ftp://example.com'), 400, /https/);
  await refused({ sections: { data_source: { type: 'oracle' } } }, 400, /data_source\.type/);
  assert.throws(() => statSync(overlay));
  const confirmed = await admin.post(AT, { sections: { auth: { allowed_domain: 'example.org' } }, confirm_danger: true });
  assert.equal(confirmed.status, 200);
});

test('a corrupt overlay is not overwritten', async (t) => {
  const { admin, overlay } = await start(t);
  mkdirSync(path.dirname(overlay), { recursive: true });
  writeFileSync(overlay, 'a: [1,\n');
  const answer = await admin.post(AT, { sections: { instance: { name: 'X' } } });
  assert.equal(answer.status, 500);
  assert.match(answer.body.detail, /refusing to overwrite corrupt overlay at .* fix it by hand/);
  assert.equal(readFileSync(overlay, 'utf8'), 'a: [1,\n');
});

// A value for each field that the description offers, by its kind.
const SAMPLES = { string: 'x', secret: 'x', bool: true, int: 3, float: 0.5, array: ['x'], map: { x: 1 } };
function sample(fields) {
  const entries = Object.entries(fields).map(([name, field]) => [name,
    field.kind === 'object' ? sample(field.fields) : field.kind === 'select' ? field.options[0] : field.default ?? SAMPLES[field.kind]]);
  return Object.fromEntries(entries);
}

test('nothing that the description offers is unknown when it is saved', async (t) => {
  const { server, admin } = await start(t);
  const { known_fields: known, sections: before } = (await admin.get(AT)).body;
  const sections = Object.fromEntries(Object.entries(known).map(([name, fields]) => [name, sample(fields)]));
  delete sections.data_source.keboola.stack_url; // its host would be looked up
  // What the page shows it sends back as well.
  for (const [name, fields] of Object.entries(before)) sections[name] = { ...fields, ...sections[name] };
  const answer = await admin.post(AT, { sections, confirm_danger: true });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  assert.equal((await admin.get(AT)).body.sections.desktop.jwt_issuer, 'data-analyst');
  await server.stop();
  assert.doesNotMatch(server.log, /not a known key/);
});

test('a save waits for one of another process', async (t) => {
  const { admin, folder } = await start(t);
  mkdirSync(path.join(folder, 'state'), { recursive: true });
  const holder = spawn('flock', [path.join(folder, 'state/.instance.yaml.lock'), '-c', 'echo held; read -r line'], { stdio: ['pipe', 'pipe', 'inherit'] });
  atEnd(t, () => holder.kill());
  await once(holder.stdout, 'data');
  let saved = false;
  const save = admin.post(AT, { sections: { theme: { a: '1' } } }).then((answer) => { saved = true; return answer; });
  // None of these takes less time than the save would without the lock.
  for (let i = 0; i < 20; i++) await admin.get('/api/admin/registry');
  assert.equal(saved, false);
  holder.stdin.end('\n');
  assert.equal((await save).status, 200);
});

test('of many who save at once, none loses another’s change', async (t) => {
  const { admin } = await start(t);
  await Promise.all(Array.from({ length: 12 }, (_, i) =>
    admin.post(AT, { sections: { theme: { [`--color-${i}`]: `#00000${i % 10}` } } })));
  assert.equal(Object.keys((await admin.get(AT)).body.sections.theme).length, 12);
});

test('the set-up page chooses the source', async (t) => {
  const { admin } = await start(t);
  const configure = (body) => admin.post('/api/admin/configure', body);
  assert.equal((await configure({ data_source: 'oracle' })).body.detail,
    "data_source must be 'keboola', 'bigquery', or 'local'");
  assert.equal((await configure({ data_source: 'bigquery' })).body.detail,
    'bigquery_project is required for BigQuery data source');
  assert.equal((await configure({ data_source: 'keboola' })).status, 400);
  const done = await configure({ data_source: 'local', instance_name: 'Example' });
  assert.deepEqual(done.body, { status: 'ok', data_source: 'local', connection: 'local' });
  const { sections } = (await admin.get(AT)).body;
  assert.deepEqual([sections.instance.name, sections.data_source.type], ['Example', 'local']);
  assert.equal((await admin.get('/api/health')).body.instance_name, 'Example');
});

// A stack that the server trusts, and a server that may call it although it is on this machine.
async function startBesideKeboola(t, token, env = {}) {
  const tls = selfSigned(temporaryFolder(t), 'DNS:localhost');
  const stack = await startKeboola(t, token, { tls });
  const started = await start(t, undefined, { SSL_CERT_FILE: tls.files.cert, AGNES_PRIVATE_HOSTS: 'localhost', ...env });
  const configure = (body) => started.admin.post('/api/admin/configure', { data_source: 'keboola', ...body });
  return { stack, configure, ...started, variables: path.join(started.folder, 'state/.env_overlay') };
}

test('a Keboola project is tried out before it is taken, and its token is shown nowhere', async (t) => {
  const token = '123-of-the-test';
  const { stack, configure, admin, server, folder, overlay, variables } = await startBesideKeboola(t, token);
  const refused = async (body, pattern) => {
    const answer = await configure(body);
    assert.equal(answer.status, 400, JSON.stringify(answer.body));
    assert.match(answer.body.detail, pattern);
    assert.doesNotMatch(answer.body.detail, /123-/);
  };
  await refused({ keboola_url: stack.url }, /^keboola_token and keboola_url are required for Keboola data source$/);
  const failed = /^Keboola connection failed\. Check your token and URL\. /;
  await refused({ keboola_url: stack.url, keboola_token: '123-wrong' }, failed);
  await refused({ keboola_url: stack.url, keboola_token: '123-x\nHOME=/' }, failed);
  await refused({ keboola_url: 'https://localhost:1', keboola_token: token }, failed);
  await refused({ keboola_url: `${stack.url}/elsewhere`, keboola_token: token }, failed);
  await refused({ keboola_url: `https://127.0.0.1:${stack.port}`, keboola_token: token }, /private or reserved/);
  await refused({ keboola_url: stack.url.replace('https', 'http'), keboola_token: token }, /must start with https/);
  assert.deepEqual(stack.asked.map(({ url }) => url), ['/v2/storage/tokens/verify']);
  for (const file of [overlay, variables]) assert.throws(() => statSync(file));

  mkdirSync(path.join(folder, 'state'), { recursive: true });
  writeFileSync(variables, '# mine\nOTHER=1\nKEBOOLA_STORAGE_TOKEN=old\n', { mode: 0o644 });
  const done = await configure({ keboola_url: stack.url, keboola_token: token });
  assert.deepEqual(done.body, { status: 'ok', data_source: 'keboola', connection: 'verified' });
  assert.equal(readFileSync(variables, 'utf8'),
    `# mine\nOTHER=1\nKEBOOLA_STACK_URL=${stack.url}\nKEBOOLA_STORAGE_TOKEN=${token}\n`);
  assert.equal(statSync(variables).mode & 0o777, 0o600);
  const { sections } = (await admin.get(AT)).body;
  assert.deepEqual(sections.data_source, { type: 'keboola', keboola: { stack_url: stack.url, token_env: '***' } });
  assert.match(readFileSync(overlay, 'utf8'), /token_env: KEBOOLA_STORAGE_TOKEN/);

  // In force at once: notes go to that project.
  await admin.post('/api/admin/register-table', { name: 'orders', source_type: 'keboola', bucket: 'in.c-crm', source_table: 'orders' });
  await admin.post('/api/admin/metadata/orders', { columns: [{ column_name: 'id', description: 'x' }] });
  assert.deepEqual((await admin.post('/api/admin/metadata/orders/push')).body, { status: 'ok', pushed: 1 });
  await server.stop();
  const audited = await state(server.dataDir, 'SELECT * FROM audit_log');
  assert.ok(audited.some(({ action }) => action === 'instance_config.configure'));
  for (const text of [server.log, server.output, JSON.stringify(audited), readFileSync(overlay, 'utf8')]) assert.doesNotMatch(text, /123-/);
});

test('what the environment would hide is not saved', async (t) => {
  const token = '123-of-the-test';
  const { stack, configure, overlay, variables } = await startBesideKeboola(t, token, { KEBOOLA_STORAGE_TOKEN: 'another' });
  const answer = await configure({ keboola_url: stack.url, keboola_token: token });
  assert.equal(answer.status, 409);
  assert.match(answer.body.detail, /sets KEBOOLA_STORAGE_TOKEN, which goes before/);
  for (const file of [overlay, variables]) assert.throws(() => statSync(file));
});
