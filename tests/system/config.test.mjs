// agnesd config: what is in force, what is wrong and where, and that no secret comes out of it.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { agnesd, temporaryFolder } from './lib/agnesd.mjs';

const REQUIRED = 'instance: {name: Shop}\nauth: {allowed_domain: example.com}\n';

// A folder with the given files; run() is agnesd config in it.
function installation(t, { fixed, overlay, saved } = {}) {
  const folder = temporaryFolder(t);
  const config = path.join(folder, 'config');
  const state = path.join(folder, 'data', 'state');
  mkdirSync(config, { recursive: true });
  mkdirSync(state, { recursive: true });
  const files = {
    fixed: path.join(config, 'instance.yaml'),
    overlay: path.join(state, 'instance.yaml'),
    saved: path.join(state, '.env_overlay'),
  };
  for (const [name, text] of Object.entries({ fixed, overlay, saved })) {
    if (text !== undefined) writeFileSync(files[name], text);
  }
  const run = (option, env = {}) => agnesd(['config', option], {
    env: { CONFIG_DIR: config, DATA_DIR: path.join(folder, 'data'), DATA_SOURCE: '', DEBUG: '', ...env },
  });
  return { ...files, run };
}

// What --check reports, with the files' folders left out; [] if the configuration is good.
async function problems(place, env) {
  const { code, stdout, stderr } = await place.run('--check', env);
  assert.equal(stderr, '');
  if (stdout === 'The configuration is good.\n') {
    assert.equal(code, 0);
    return [];
  }
  assert.equal(code, 1);
  return stdout.trimEnd().split('\n').map((line) =>
    line.replace(path.dirname(place.fixed), 'config').replace(path.dirname(place.overlay), 'state'));
}

async function value(place, name, env) {
  const { stdout } = await place.run('--show', env);
  const line = stdout.split('\n').find((each) => each.startsWith(`${name} = `));
  const [, text, origin] = / = (.*)  \((.*)\)$/.exec(line);
  return { text, origin };
}

test('no file at all is normal', async (t) => {
  const place = installation(t);
  assert.deepEqual(await problems(place), []);
  assert.deepEqual(await value(place, 'instance.name'), { text: 'AI Data Analyst', origin: 'default' });
});

test('the overlay goes over the static file, the environment over both', async (t) => {
  const place = installation(t, {
    fixed: `${REQUIRED}state: {backup_count: 3}\nlocal: {reject_threshold: 0.1}\ndata_source: {type: local}\n`,
    overlay: 'state: {backup_count: 4}\ndata_source: {type: keboola}\n',
  });
  assert.deepEqual(await problems(place), []);
  assert.deepEqual(await value(place, 'state.backup_count'), { text: '4', origin: 'overlay' });
  assert.deepEqual(await value(place, 'local.reject_threshold'), { text: '0.1', origin: 'static file' });
  assert.deepEqual(await value(place, 'data_source.type'), { text: 'keboola', origin: 'overlay' });
  assert.deepEqual(await value(place, 'data_source.type', { DATA_SOURCE: 'bigquery' }),
    { text: 'bigquery', origin: 'environment' });
});

test('null means the default', async (t) => {
  const place = installation(t, { fixed: `${REQUIRED}state: {backup_count: 3}\n`, overlay: 'state: {backup_count: ~}\n' });
  assert.deepEqual(await problems(place), []);
  assert.deepEqual(await value(place, 'state.backup_count'), { text: '7', origin: 'default' });
});

test('unknown keys come with file, line, column and what was probably meant', async (t) => {
  const place = installation(t, {
    fixed: `${REQUIRED}state:\n  backup_cuont: 3\n`,
    overlay: 'profilr: {}\nnothing_like_this: 1\n',
  });
  assert.deepEqual(await problems(place), [
    'warning: config/instance.yaml:4:3: state.backup_cuont is not a known key; did you mean state.backup_count?',
    'warning: state/instance.yaml:1:1: profilr is not a known key; did you mean profiler?',
    "warning: state/instance.yaml:2:1: nothing_like_this is not a known key; 'agnesd config --list' shows them",
  ]);
});

test('wrong types are errors, and everything else stays in force', async (t) => {
  const place = installation(t, {
    fixed: `${REQUIRED}state:\n  backup_count: many\n  backup_interval_hours: 5\n` +
      'extract: {memory_limit: 2 bananas}\nlocal: {roots: {a: 1}, reject_threshold: 7}\n' +
      'data_source: {type: oracle}\nprofiler: 5\n',
  });
  assert.deepEqual(await problems(place), [
    'error: config/instance.yaml:4:3: state.backup_count must be a whole number',
    'error: config/instance.yaml:6:11: extract.memory_limit must be a size such as 512MB or 2GiB',
    'error: config/instance.yaml:7:9: local.roots must be a list',
    'error: config/instance.yaml:7:24: local.reject_threshold must be between 0 and 1',
    'error: config/instance.yaml:8:15: data_source.type must be one of keboola, bigquery, local',
    'error: config/instance.yaml:9:1: profiler must be a section with keys',
  ]);
  assert.deepEqual(await value(place, 'state.backup_interval_hours'), { text: '5', origin: 'static file' });
  assert.deepEqual(await value(place, 'instance.name'), { text: 'Shop', origin: 'static file' });
});

test('a required key that is missing is reported where its section stands', async (t) => {
  const place = installation(t, { fixed: 'instance: {name: Shop}\n\nauth:\n' });
  const [line, ...more] = await problems(place);
  assert.match(line, /^warning: config\/instance\.yaml:3:1: auth\.allowed_domain is required and not set: /);
  assert.deepEqual(more, []);
});

test('variables are put in, also in the overlay, and those not set are named', async (t) => {
  const place = installation(t, {
    fixed: `${REQUIRED}state:\n  backup_count: \${COUNT}\n`,
    overlay: 'instance:\n  name: ${FIRST} and ${SECOND}\n',
  });
  assert.deepEqual(await problems(place, { FIRST: 'a: b', SECOND: '#', COUNT: '5' }), []);
  assert.equal((await value(place, 'instance.name', { FIRST: 'a: b', SECOND: '#' })).text, 'a: b and #');
  assert.equal((await value(place, 'state.backup_count', { COUNT: '5' })).text, '5');
  assert.deepEqual(await problems(place, { FIRST: '', SECOND: '#' }), [
    'warning: config/instance.yaml:4:3: state.backup_count is empty: the environment variable COUNT is not set',
  ]);
  assert.deepEqual(await problems(place, { COUNT: '1', SECOND: '#' }), [
    'warning: state/instance.yaml:2:3: instance.name is empty: the environment variable FIRST is not set',
  ]);
});

test('saved secrets stand behind the environment', async (t) => {
  const place = installation(t, { overlay: 'instance: {name: "${NAME}"}\n', saved: '# saved\nNAME = kept\nDATA_SOURCE=keboola\n' });
  assert.deepEqual(await problems(place), []);
  assert.equal((await value(place, 'instance.name')).text, 'kept');
  assert.equal((await value(place, 'instance.name', { NAME: '' })).text, 'kept');
  assert.equal((await value(place, 'data_source.type')).text, 'keboola');
  assert.equal((await value(place, 'instance.name', { NAME: 'outer' })).text, 'outer');
  const [conflict] = await problems(place, { NAME: 'outer' });
  assert.match(conflict, /^warning: state\/\.env_overlay:2: NAME is left out/);
});

test('files that are no YAML, too large or traps are refused', async (t) => {
  const laughs = ['a0: &a0 [lol, lol]', ...Array.from({ length: 60 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`)];
  const texts = {
    'a: [\n': 'error: config/instance.yaml:2:1: while parsing a flow node: did not find expected node content',
    'a: 1\nb: 2\na: 3\n': "error: config/instance.yaml:3:1: key 'a' stands twice in its mapping",
    '- a\n': 'error: config/instance.yaml:1:1: must be a map of sections (name: value)',
    'a: 1\n---\nb: 2\n': 'error: config/instance.yaml:2:1: only one document is allowed in a file',
    'a: \0\n': 'error: config/instance.yaml:1:4: a NUL character',
    'a:\n\tb: 1\n': 'error: config/instance.yaml:2:1: while scanning for the next token: nothing begins with this ' +
      'character: indent with spaces, quote text',
    [laughs.join('\n')]: 'error: config/instance.yaml:14:18: aliases make the document too large',
    [`a: ${'['.repeat(100000)}`]: 'error: config/instance.yaml:1:67: nested deeper than 64',
    [`a: ${'x'.repeat(10 * 1024 * 1024)}`]: 'error: config/instance.yaml is larger than the 1048576 bytes allowed',
    ['k: v\n'.repeat(2 * 1024 * 1024)]: 'error: config/instance.yaml is larger than the 1048576 bytes allowed',
  };
  const place = installation(t, { overlay: 'state: {backup_count: 2}\n' });
  for (const [text, expected] of Object.entries(texts)) {
    writeFileSync(place.fixed, text);
    assert.deepEqual(await problems(place), [expected]);
    assert.equal((await value(place, 'state.backup_count')).text, '2');
  }
  writeFileSync(place.fixed, Buffer.from([0x61, 0x3a, 0x20, 0xff]));
  assert.deepEqual(await problems(place), ['error: config/instance.yaml:1:4: not UTF-8']);
});

test('a corrupt overlay is an error, and the static file stays in force', async (t) => {
  const place = installation(t, { fixed: `${REQUIRED}state: {backup_count: 3}\n`, overlay: '{{{\n' });
  const [line, ...more] = await problems(place);
  assert.match(line, /^error: state\/instance\.yaml:\d+:\d+: /);
  assert.deepEqual(more, []);
  assert.equal((await value(place, 'state.backup_count')).text, '3');
  assert.equal((await place.run('--show')).code, 1);
});

test('a file that may not be read is an error', async (t) => {
  const place = installation(t, { fixed: REQUIRED });
  mkdirSync(place.overlay);
  assert.deepEqual(await problems(place), ['error: state/instance.yaml is not a regular file']);
  const cycle = installation(t);
  symlinkSync('instance.yaml', cycle.fixed);
  const [line] = await problems(cycle);
  assert.match(line, /^error: cannot open config\/instance\.yaml: /);
  if (process.getuid() === 0) return; // root may read everything
  const closed = installation(t, { fixed: REQUIRED });
  chmodSync(closed.fixed, 0);
  assert.match((await problems(closed))[0], /^error: cannot open config\/instance\.yaml: Permission denied/);
});

test('no secret comes out, neither by --show nor in a message', async (t) => {
  const secret = 'hunter2-hunter2';
  const env = { MY_TOKEN: secret, DB_PASSWORD: secret, DATA_SOURCE: secret };
  const place = installation(t, {
    fixed: `instance: {name: "\${MY_TOKEN}"}\nauth: {allowed_domain: ["\${MY_TOKEN}"], webapp_secret_key: ${secret}}\n` +
      `connectors: {password: ${secret}, deep: {x: "\${DB_PASSWORD}"}, api_keys: [${secret}]}\n` +
      `state: {backup_count: "\${MY_TOKEN}", backup_interval_hours: ${secret}}\n` +
      `jira: {api_token: ${secret}}\ntelegram_: {bot_token: ${secret}}\nrebuild: ${secret}\n`,
    overlay: `ai: {api_key: ${secret}}\nlocal: {roots: {${secret.length}: ${secret}}}\n`,
    saved: `MY_TOKEN=${secret}-saved\nANOTHER SECRET ${secret}\n`,
  });
  for (const option of ['--show', '--check']) {
    const { stdout, stderr } = await place.run(option, env);
    assert.doesNotMatch(stdout + stderr, /hunter2/);
    assert.match(stdout, /state\.backup_count|backup_count/);
  }
  assert.equal((await value(place, 'instance.name', env)).text, '***');
  assert.equal((await value(place, 'auth.allowed_domain', env)).text, '***');
  assert.equal((await value(place, 'connectors', env)).text, '{"password":"***","deep":{"x":"***"},"api_keys":"***"}');
  writeFileSync(place.fixed, `auth:\n  password: ${secret}: ${secret}\n`);
  writeFileSync(place.overlay, `token: "${secret}\n`);
  const { stdout } = await place.run('--check', env);
  assert.match(stdout, /error: .*\n.*error: /s);
  assert.doesNotMatch(stdout, /hunter2/);
});

test('a file written for earlier versions gives no false alarm', async (t) => {
  const place = installation(t, { fixed: readFileSync('tests/system/data/instance.yaml', 'utf8') });
  const env = Object.fromEntries(['WEBAPP_SECRET_KEY', 'GOOGLE_CLIENT_ID', 'GOOGLE_CLIENT_SECRET',
    'KEBOOLA_STORAGE_TOKEN', 'BIGQUERY_PROJECT', 'BIGQUERY_LOCATION', 'OPENMETADATA_TOKEN', 'SMTP_HOST', 'SMTP_USER',
    'SMTP_PASSWORD', 'DESKTOP_JWT_SECRET', 'TELEGRAM_BOT_TOKEN', 'JIRA_API_TOKEN', 'JIRA_WEBHOOK_SECRET',
    'JIRA_SLA_API_TOKEN', 'ANTHROPIC_API_KEY'].map((name) => [name, `value-of-${name}`]));
  assert.deepEqual(await problems(place, env), []);
  assert.equal((await value(place, 'data_source.type', env)).text, 'keboola');
  assert.equal((await value(place, 'auth.allowed_domain', env)).text, 'example.com, example.org');
});

test('--list names every key with its type, default, variable and meaning', async () => {
  const { code, stdout } = await agnesd(['config', '--list']);
  assert.equal(code, 0);
  assert.match(stdout, /^state\.backup_count +int +7 +- +\S.*$/m);
  assert.match(stdout, /^data_source\.type +keboola\|bigquery\|local +local +DATA_SOURCE +\S.*$/m);
  assert.match(stdout, /^- +text +\.\/data +DATA_DIR +\S.*$/m);
});

test('the example files are those that --example prints, and good', async (t) => {
  const files = { yaml: 'config/instance.yaml.example', env: 'config/.env.template' };
  for (const [kind, file] of Object.entries(files)) {
    const { code, stdout } = await agnesd(['config', `--example=${kind}`]);
    assert.equal(code, 0);
    assert.equal(readFileSync(file, 'utf8'), stdout, `${file} is out of date: agnesd config --example=${kind} > ${file}`);
  }
  const example = readFileSync(files.yaml, 'utf8');
  assert.deepEqual(await problems(installation(t, { fixed: example })), []);
  // Everything that is commented out, too: the lines that read as YAML once the mark is gone.
  const full = example.replace(/^( *)# ( *[\w-]+:.*)$/gm, '$1$2');
  assert.deepEqual(await problems(installation(t, { fixed: full })), []);
  const template = readFileSync(files.env, 'utf8');
  const { stdout } = await agnesd(['config', '--list']);
  const variables = stdout.trimEnd().split('\n').map((line) => line.split(/ {2,}/)[3]).filter((name) => name !== '-');
  assert.ok(variables.length >= 5);
  for (const name of variables) assert.match(template, new RegExp(`^# ${name}=`, 'm'));
});

test('wrong use of the command is said to be', async () => {
  for (const args of [[], ['--list', '--show'], ['--example=json'], ['--list', 'x'], ['--nothing']]) {
    const { code, stdout, stderr } = await agnesd(['config', ...args]);
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /^agnesd config: /);
  }
});

test('nothing is written by looking', async (t) => {
  const place = installation(t, { fixed: REQUIRED });
  for (const option of ['--show', '--check', '--list']) await place.run(option);
  assert.ok(!existsSync(place.overlay) && !existsSync(place.saved));
});
