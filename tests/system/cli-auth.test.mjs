// Signing in with da, and the files that it keeps: what is in them, who may read them, what breaks them.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import YAML from 'yaml';
import { temporaryFolder } from './lib/agnesd.mjs';
import { Person } from './lib/da.mjs';
import { serve } from './lib/server.mjs';

const PASSWORD = 'correct horse';
const EMAIL = 'admin@example.com';
const mode = (file) => (statSync(file).mode & 0o777).toString(8);
const claims = (object) => `e30.${Buffer.from(JSON.stringify(object)).toString('base64url')}.sig`;

async function open(t) {
  const server = await serve(t, temporaryFolder(t));
  const admin = await server.bootstrap(EMAIL, PASSWORD);
  return { server, token: admin.token, person: new Person(t) };
}

test('the first administrator is made and signed in', async (t) => {
  const server = await serve(t, temporaryFolder(t));
  const person = new Person(t);
  assert.match(await person.ok('setup', 'init', '--server', `${server.url}/`), /^Server: http\S+[^/]\nConfig saved to /);
  assert.deepEqual(YAML.parse(person.read('config.yaml')), { server: server.url });
  const { code, stdout, stderr } = await person.da(['setup', 'bootstrap', 'eva@example.com'], { input: `${PASSWORD}\n` });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^Admin user created: eva@example\.com\n/);
  assert.ok(!(stdout + stderr).includes(PASSWORD));
  assert.match(await person.ok('whoami'), /eva@example\.com/);
  assert.match(await person.ok('admin', 'list-users'), /eva@example\.com +admin/);
});

test('signing in keeps token and server, for nobody else to read', async (t) => {
  const { server, person } = await open(t);
  const { code, stdout, stderr } = await person.da(['auth', 'login', '--server', server.url],
    { input: `\n\n${EMAIL}\n${PASSWORD}\n` });
  assert.deepEqual([code, stdout], [0, `Logged in as ${EMAIL}\n`]);
  assert.ok(!stderr.includes(PASSWORD));
  const token = JSON.parse(person.read('token.json'));
  assert.deepEqual(Object.keys(token), ['access_token', 'email']);
  assert.equal(token.email, EMAIL);
  assert.match(person.read('token.json'), /^\{\n {2}"access_token": "[^"]+",\n {2}"email": "[^"]+"\n\}$/);
  assert.deepEqual(YAML.parse(person.read('config.yaml')), { server: server.url });
  assert.deepEqual([mode(path.join(person.config, 'token.json')), mode(person.config)], ['600', '700']);
  assert.deepEqual(readdirSync(person.config).sort(), ['config.yaml', 'token.json']);
  assert.match(await person.ok('catalog'), /^ID/);
  assert.equal(await person.ok('auth', 'logout'), 'Logged out.\n');
  assert.equal(await person.ok('logout'), 'Logged out.\n');
  const gone = await person.da(['auth', 'whoami']);
  assert.deepEqual([gone.code, gone.stdout], [1, 'Not logged in. Run: da auth login\n']);
});

test('a refused password changes nothing', async (t) => {
  const { server, person } = await open(t);
  const { code, stderr } = await person.da(['auth', 'login', '--server', server.url, '--email', EMAIL], { input: 'wrong\n' });
  assert.equal(code, 1);
  assert.match(stderr, /Login failed: \S/);
  assert.ok(!existsSync(path.join(person.config, 'token.json')) && !existsSync(path.join(person.config, 'config.yaml')));
  const ended = await person.da(['auth', 'login', '--server', server.url], { input: '' });
  assert.equal(ended.code, 1);
  assert.match(ended.stderr, /Aborted\./);
});

test('a password from a variable is not asked for', async (t) => {
  const { server, person } = await open(t);
  const { code } = await person.da(['auth', 'login', '--server', server.url, '--email', EMAIL], { env: { DA_PASSWORD: PASSWORD } });
  assert.equal(code, 0);
});

test('other settings in config.yaml stay', async (t) => {
  const { server, person } = await open(t);
  person.write('config.yaml', 'zoo: [1, two]\nserver: http://old.example.com\nalpha: "yes"\n');
  await person.da(['auth', 'login', '--server', server.url, '--email', EMAIL], { input: `${PASSWORD}\n` });
  const config = YAML.parse(person.read('config.yaml'));
  assert.deepEqual(Object.entries(config), [['alpha', 'yes'], ['server', server.url], ['zoo', [1, 'two']]]);
});

test('a token is imported once the server takes it', async (t) => {
  const { server, token, person } = await open(t);
  const args = ['auth', 'import-token', '--server', `${server.url}/`, '--token'];
  const { stdout, code } = await person.da([...args, token]);
  assert.deepEqual([code, stdout], [0, `Imported token for ${EMAIL}.\n`]);
  const kept = person.read('token.json');
  assert.deepEqual(JSON.parse(kept), { access_token: token, email: EMAIL });
  const forged = await person.da([...args, claims({ email: 'x@example.com' })]);
  assert.equal(forged.code, 1);
  assert.match(forged.stderr, /^Token rejected by server \(http/);
  assert.equal(person.read('token.json'), kept);
  const skipped = await person.da([...args, '-', '--skip-verify', '--email', 'y@example.com'],
    { input: `${claims({ email: 'x@example.com' })}\n` });
  assert.equal(skipped.stdout, 'Imported token for y@example.com.\n');
});

test('a token that says too little is refused', async (t) => {
  const person = new Person(t);
  const keep = (token, ...more) => person.da(['auth', 'import-token', '--token', token, '--skip-verify', ...more]);
  const server = ['--server', 'http://data.example.com'];
  assert.match((await keep(claims({}))).stderr, /^No server configured\./);
  const nameless = await keep(claims({}), ...server);
  assert.equal(nameless.code, 1);
  assert.match(nameless.stderr, /missing the 'email' claim/);
  assert.ok(!existsSync(path.join(person.config, 'config.yaml')));
  const odd = await keep('nonsense', ...server);
  assert.match(odd.stderr, /^Could not decode token as JWT: /);
  assert.ok(!odd.stderr.includes('nonsense'));
  assert.equal((await keep(claims({}), ...server, '--email', 'z@example.com')).code, 0);
  assert.match((await keep(claims({}), '--server', 'ftp://x')).stderr, /not the address of a server/);
});

test('a kept token wins over the variable, and says so', async (t) => {
  const { server, token, person } = await open(t);
  person.write('token.json', JSON.stringify({ access_token: token, email: EMAIL }));
  const env = { DA_SERVER: server.url, DA_TOKEN: claims({ email: 'other@example.com' }) };
  const { code, stdout, stderr } = await person.da(['whoami'], { env });
  assert.equal(code, 0);
  assert.match(stdout, /admin@example/);
  assert.match(stderr, /^Hint: DA_TOKEN is not used/);
  person.write('token.json', '{"access_token": null, "role": "admin"}');
  assert.equal((await person.da(['whoami'], { env })).code, 1);
});

test('DA_SERVER wins over the file; an empty one does not count', async (t) => {
  const person = new Person(t, { token: claims({ email: 'x@example.com' }) });
  person.write('config.yaml', 'server: http://file.example.com/agnes/\n');
  const whoami = async (env) => /Server: (.*)/.exec((await person.da(['whoami'], { env })).stdout)[1];
  assert.equal(await whoami({}), 'http://file.example.com/agnes');
  assert.equal(await whoami({ DA_SERVER: '' }), 'http://file.example.com/agnes');
  assert.equal(await whoami({ DA_SERVER: 'http://env.example.com' }), 'http://env.example.com');
});

test('broken files are one line each', async (t) => {
  const person = new Person(t, { server: 'http://127.0.0.1:1' });
  const fails = async (file, text) => {
    person.write(file, text);
    const { code, stdout, stderr } = await person.da(['whoami']);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, new RegExp(`^Error: [^\n]*${file}[^\n]*\n$`));
    person.write(file, '');
  };
  await fails('token.json', '{"access_token": ');
  await fails('token.json', '[]');
  person.write('token.json', '{}');
  await fails('config.yaml', 'server: [');
  await fails('config.yaml', '- a list');
  person.write('token.json', 'broken');
  assert.equal((await person.da(['auth', 'logout'])).code, 0);
});

test('a folder that cannot be written is told', { skip: process.getuid() === 0 && 'root may write everywhere' }, async (t) => {
  const { server, person } = await open(t);
  mkdirSync(person.config);
  chmodSync(person.config, 0o500);
  const { code, stderr } = await person.da(['auth', 'login', '--server', server.url, '--email', EMAIL], { input: `${PASSWORD}\n` });
  assert.equal(code, 1);
  assert.match(stderr, /Error: .*token\.json/);
});

test('a place that is no folder is told', async (t) => {
  const { server, person } = await open(t);
  writeFileSync(person.config, '');
  const { code, stderr } = await person.da(['auth', 'login', '--server', server.url, '--email', EMAIL], { input: `${PASSWORD}\n` });
  assert.equal(code, 1);
  assert.match(stderr, /Error: [^\n]+\n$/);
});

test('break-glass makes an administrator of a stopped server', async (t) => {
  const folder = temporaryFolder(t);
  const server = await serve(t, folder);
  const admin = await server.bootstrap(EMAIL, PASSWORD);
  await admin.addUser('inactive@example.com');
  const person = new Person(t);
  const grant = (args, options) => person.da(['admin', 'break-glass', 'grant-admin', ...args],
    { ...options, env: { DATA_DIR: folder } });
  const busy = await grant(['new@example.com', '--yes']);
  assert.equal(busy.code, 1);
  assert.match(busy.stderr, /^Error: stop the server first: /);
  await server.stop();
  const declined = await grant(['new@example.com'], { input: 'maybe\nno\n' });
  assert.equal(declined.code, 1);
  assert.match(declined.stderr, /break-glass\)\? \[y\/N\]: [^]*Aborted\.\n$/);
  const made = await grant(['new@example.com'], { input: 'Y\n' });
  assert.equal(made.code, 0, made.stderr);
  assert.match(made.stdout, /^Created user new@example\.com \(id=.{8}\)\nGranted Admin to new@example\.com\. Audit/);
  assert.match((await grant(['-y', 'new@example.com'])).stdout, /already/);
  assert.equal((await grant(['--yes', 'no-address'])).code, 2);
  const again = await serve(t, folder);
  const { body } = await again.client().post('/auth/token', { email: EMAIL, password: PASSWORD });
  const list = await new Person(t, { server: again.url, token: body.access_token }).json('admin', 'group', 'members', 'Admin');
  const member = list.find((one) => one.email === 'new@example.com');
  assert.equal(member.source, 'cli_break_glass');
  const audit = await again.client(body.access_token).get('/api/admin/audit');
  assert.ok(JSON.stringify(audit.body).includes('break_glass.grant_admin'));
  const empty = await person.da(['admin', 'break-glass', 'grant-admin', 'a@example.com', '-y'], { env: { DATA_DIR: person.folder } });
  assert.equal(empty.code, 1);
  assert.deepEqual(readdirSync(person.folder).sort(), ['workspace']);
});
