// agnesd init: asked at a terminal and told by options; what it writes, and what it refuses. And .env, as agnesd reads it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { parse } from 'yaml';
import { AGNESD, collect, temporaryFolder } from './lib/agnesd.mjs';
import { startKeboola } from './lib/keboola.mjs';

const PROGRAM = path.resolve(AGNESD);
const VARIABLES = { KEBOOLA_STORAGE_TOKEN: '', DATA_DIR: '', CONFIG_DIR: '', DATA_SOURCE: '', LOG_LEVEL: '', NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' };

function run(folder, args, env = {}) {
  const child = spawn(PROGRAM, args, { cwd: folder, env: { ...process.env, ...VARIABLES, ...env } });
  child.stdin.end();
  return collect(child);
}

const init = (folder, args = [], env = {}) => run(folder, ['init', ...args], env);
const read = (folder, name) => readFileSync(path.join(folder, name), 'utf8');
const settings = (folder) => parse(read(folder, 'config/instance.yaml'));

// The program at a pseudo-terminal: `answers` are pairs of the prompt to wait for and the line to type.
async function atTerminal(folder, answers, args = []) {
  const child = spawn('script', ['-qec', `'${PROGRAM}' init ${args.join(' ')}`, '/dev/null'],
    { cwd: folder, env: { ...process.env, ...VARIABLES, TERM: 'dumb' } });
  const left = [...answers];
  let seen = '';
  child.stdout.on('data', (data) => {
    seen += data;
    if (left.length === 0 || !left[0][0].test(seen)) return;
    const [, line] = left.shift();
    seen = '';
    if (line === null) child.stdin.end();
    else child.stdin.write(`${line}\n`);
  });
  const result = await collect(child);
  assert.deepEqual(left, [], result.stdout);
  return result;
}

test('defaults are enough for files of this machine', async (t) => {
  const folder = temporaryFolder(t);
  const done = await init(folder, ['--defaults']);
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /data\/inbox/);
  assert.deepEqual(settings(folder), { config_version: 1, instance: { name: 'Company Data' }, auth: { allowed_domain: [] },
    data_source: { type: 'local' }, local: { roots: ['inbox'] } });
  assert.equal(statSync(path.join(folder, '.env')).mode & 0o777, 0o600);
  assert.match(read(folder, '.env'), /^SCHEDULER_API_TOKEN=[0-9a-f]{64}$/m);
  assert.doesNotMatch(read(folder, '.env'), /DATA_DIR/);
  assert.ok(existsSync(path.join(folder, 'data/inbox')));
  const check = await run(folder, ['config', '--check']);
  assert.equal(check.code, 0, check.stdout);
});

test('options answer, and every wrong answer is refused before anything is written', async (t) => {
  const folder = temporaryFolder(t);
  const key = path.join(folder, 'my key.json');
  writeFileSync(key, JSON.stringify({ type: 'service_account', client_email: 'a@example.com', private_key: 'secret-key' }));
  writeFileSync(path.join(folder, 'other.json'), '{"type": "other"}');
  const wrong = [
    [['--name', ' ', '--source', 'oracle'], /--source: local, keboola or bigquery/],
    [['--name', ''], /--name: there must be something/],
    [['--name', 'x'.repeat(101)], /--name: at most 100/],
    [['--name', 'a\u0007b'], /--name: control characters/],
    [['--domain', 'me@example.com'], /--domain: 'me@example.com' is no mail domain/],
    [['--domain', 'example.com,localhost'], /--domain: 'localhost'/],
    [['--folder', '/nonexistent/agnes'], /--folder: there is no folder/],
    [['--folder', key], /--folder: .* is no folder/],
    [['--source', 'keboola'], /--keboola-url: there must be something/],
    [['--source', 'keboola', '--keboola-url', 'http://example.com'], /--keboola-url: .* https/],
    [['--source', 'keboola', '--keboola-url', 'https://u:p@example.com'], /--keboola-url: an address/],
    [['--source', 'keboola', '--keboola-url', 'https://example.com'], /--keboola-token-file: there must be something/],
    [['--source', 'keboola', '--keboola-url', 'https://example.com', '--keboola-token-file', '/nonexistent/agnes'], /nonexistent/],
    [['--source', 'bigquery'], /--bigquery-project: there must be something/],
    [['--source', 'bigquery', '--bigquery-project', 'My Project'], /--bigquery-project: the id of a project/],
    [['--source', 'bigquery', '--bigquery-project', 'example-project', '--bigquery-location', 'the moon'], /--bigquery-location/],
    [['--source', 'bigquery', '--bigquery-project', 'example-project', '--google-credentials', 'my key.json'], /absolute path/],
    [['--source', 'bigquery', '--bigquery-project', 'example-project', '--google-credentials', path.join(folder, 'other.json')], /type is 'other'/],
  ];
  for (const [args, pattern] of wrong) {
    const refused = await init(folder, args);
    assert.equal(refused.code, 1, `${args}: ${refused.stdout}`);
    assert.match(refused.stderr, pattern);
  }
  assert.ok(!existsSync(path.join(folder, '.env')) && !existsSync(path.join(folder, 'config')));

  const done = await init(folder, ['--name', "Zoë's: #1", '--domain', 'example.com, example.org', '--source', 'bigquery', '--bigquery-project',
    'example-project', '--google-credentials', key, '--data-dir', 'my data']);
  assert.equal(done.code, 0, done.stderr);
  assert.deepEqual(settings(folder), { config_version: 1, instance: { name: "Zoë's: #1" }, auth: { allowed_domain: ['example.com', 'example.org'] },
    data_source: { type: 'bigquery', bigquery: { project: 'example-project', location: 'us' } } });
  const shown = (await run(folder, ['config', '--show'])).stdout;
  assert.match(shown, /^data_source.type = bigquery/m);
  // DATA_DIR comes from .env, and the state goes there.
  assert.equal((await run(folder, ['migrate'])).code, 0);
  assert.ok(existsSync(path.join(folder, 'my data/state/system.duckdb')));
});

test('what is there is not overwritten, or kept under another name', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(path.join(folder, 'config'));
  writeFileSync(path.join(folder, '.env'), 'MINE=1\n', { mode: 0o600 });
  for (const name of ['.env', 'config/instance.yaml']) {
    const refused = await init(folder, ['--defaults']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, new RegExp(`${name.replace('.', '\\.')} is there already; --force`));
    writeFileSync(path.join(folder, 'config/instance.yaml'), 'instance: {name: Old}\n');
  }
  assert.equal(read(folder, '.env'), 'MINE=1\n');
  assert.equal((await init(folder, ['--defaults', '--force'])).code, 0);
  assert.equal(read(folder, '.env.old'), 'MINE=1\n');
  assert.equal(read(folder, 'config/instance.yaml.old'), 'instance: {name: Old}\n');
  assert.equal(settings(folder).instance.name, 'Company Data');
});

test('a token is tried out and never shown', async (t) => {
  const stack = await startKeboola(t, '123-good');
  const folder = temporaryFolder(t);
  const args = ['--source', 'keboola', '--keboola-url', stack.url];
  const refused = await init(folder, args, { KEBOOLA_STORAGE_TOKEN: '123-wrong' });
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /--keboola-token-file: .* does not accept the token \(status 401\)/);
  assert.ok(!existsSync(path.join(folder, '.env')));
  const file = path.join(folder, 'token');
  writeFileSync(file, '123-good\n');
  const done = await init(folder, [...args, '--keboola-token-file', file]);
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stderr, /opens the project 'Shop'/);
  assert.deepEqual(stack.asked.map(({ url, token }) => [url, token]),
    [['/v2/storage/tokens/verify', '123-wrong'], ['/v2/storage/tokens/verify', '123-good']]);
  for (const { stdout, stderr } of [refused, done]) assert.doesNotMatch(stdout + stderr, /123-/);
  assert.match(read(folder, '.env'), /^KEBOOLA_STORAGE_TOKEN='123-good'$/m);
  assert.doesNotMatch(read(folder, 'config/instance.yaml'), /123-good/);
  assert.deepEqual(settings(folder).data_source, { type: 'keboola', keboola: { stack_url: stack.url, token_env: 'KEBOOLA_STORAGE_TOKEN' } });

  const nobody = await init(temporaryFolder(t), ['--source', 'keboola', '--keboola-url', 'http://127.0.0.1:1'], { KEBOOLA_STORAGE_TOKEN: 'x' });
  assert.equal(nobody.code, 1);
  assert.match(nobody.stderr, /--keboola-url: .*--no-check/);
  assert.equal((await init(temporaryFolder(t), ['--source', 'keboola', '--keboola-url', 'http://127.0.0.1:1', '--no-check'],
    { KEBOOLA_STORAGE_TOKEN: 'x' })).code, 0);
});

test('at a terminal it asks, asks again, and hides what is secret', async (t) => {
  const stack = await startKeboola(t, '456-good');
  const folder = temporaryFolder(t);
  const { code, stdout } = await atTerminal(folder, [
    [/Name of this installation \[Company Data\]: $/, 'My Shop'],
    [/Mail domain of your company: $/, '@example.com'],
    [/is no mail domain[^]*Mail domain of your company: $/, 'example.com'],
    [/keboola or bigquery \[local\]: $/, 'excel'],
    [/keboola or bigquery \[local\]: $/, 'keboola'],
    [/Address of your Keboola stack: $/, stack.url],
    [/Storage token: $/, '456-wrong'],
    [/does not accept the token[^]*Storage token: $/, '456-good'],
  ]);
  assert.equal(code, 0, stdout);
  assert.match(stdout, /opens the project 'Shop'/);
  assert.doesNotMatch(stdout, /456-/);
  assert.equal(settings(folder).instance.name, 'My Shop');
  assert.equal(settings(folder).auth.allowed_domain, 'example.com');
  assert.match(read(folder, '.env'), /456-good/);
});

test('nobody to ask, or nobody who answers', async (t) => {
  const folder = temporaryFolder(t);
  const alone = await init(folder);
  assert.equal(alone.code, 1);
  assert.match(alone.stderr, /no terminal to ask at.*--defaults/);
  const left = await atTerminal(folder, [[/Name of this installation/, null]]);
  assert.equal(left.code, 1, left.stdout);
  assert.deepEqual([existsSync(path.join(folder, '.env')), existsSync(path.join(folder, 'config'))], [false, false]);
});

test('.env stands behind the environment, and is left out if others may write it', async (t) => {
  const folder = temporaryFolder(t);
  const file = path.join(folder, '.env');
  writeFileSync(file, 'DATA_SOURCE="keboola"\nno variable\n', { mode: 0o600 });
  const shown = async (env) => (await run(folder, ['config', '--show'], env));
  const first = await shown();
  assert.match(first.stdout, /^data_source.type = keboola {2}\(environment\)/m);
  assert.match(first.stderr, /\.env:2: the line is left out/);
  assert.match((await shown({ DATA_SOURCE: 'bigquery' })).stdout, /^data_source.type = bigquery/m);
  chmodSync(file, 0o622);
  const open = await shown();
  assert.match(open.stdout, /^data_source.type = local/m);
  assert.match(open.stderr, /\.env is not read: others may write to it/);
});
