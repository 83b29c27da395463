// What da does when the server is down, slow, broken, or something else altogether; and at its terminal.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { atEnd, collect } from './lib/agnesd.mjs';
import { DA, Person } from './lib/da.mjs';

const TOKEN = `e30.${Buffer.from('{"email":"x@example.com"}').toString('base64url')}.secret-signature`;

/** A server that answers by the function, remembers the requests, and a person who is signed in to it. */
async function fake(t, answer) {
  const requests = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text) => (body += text));
    request.on('end', () => {
      requests.push({ method: request.method, url: request.url, headers: request.headers, body });
      answer(request, response, body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(t, () => {
    server.closeAllConnections?.();
    server.close();
  });
  const url = `http://127.0.0.1:${server.address().port}`;
  return { url, requests, person: new Person(t, { server: url, token: TOKEN }) };
}

const send = (response, status, body, type = 'application/json') => {
  response.writeHead(status, { 'content-type': type });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
};

// A command of each kind, and how it exits when the server refuses with 401, 403 and 500.
const COMMANDS = [
  { line: 'catalog', exits: [5, 5, 5], start: /^Error: catalog fetch failed: HTTP \d+: / },
  { line: 'schema orders', exits: [2, 8, 5], start: /^Error: schema fetch failed: HTTP \d+: / },
  { line: 'describe orders', exits: [2, 8, 5], start: /^Error: describe failed: HTTP \d+: / },
  { line: 'query --remote SELECT', exits: [1, 1, 1], start: /^Query failed: / },
  { line: 'auth token list', exits: [1, 1, 1], start: /^Failed: / },
  { line: 'admin list-users', exits: [1, 1, 1], start: /^Failed: / },
  { line: 'admin deactivate x@example.com', exits: [1, 1, 1], start: /^Could not list users: / },
  { line: 'admin group delete Sales', exits: [1, 1, 1], start: /^Could not list groups: / },
  { line: 'metrics list', exits: [1, 1, 1], start: /^Failed: / },
];

test('refusals have their exit codes, and their reasons on one line', async (t) => {
  let status;
  const { person } = await fake(t, (_, response) => send(response, status, { detail: 'the reason' }));
  for (const [i, code] of [401, 403, 500].entries()) {
    status = code;
    for (const { line, exits, start } of COMMANDS) {
      const { code: exit, stdout, stderr } = await person.da(line.split(' '));
      assert.equal(exit, exits[i], `${line}: ${status}`);
      assert.equal(stdout, '');
      assert.match(stderr, start);
      assert.match(stderr, /: the reason\n/);
      assert.equal(/^Hint: sign in/m.test(stderr), status === 401);
    }
  }
});

test('a server that is down is one line', async (t) => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  const person = new Person(t, { server: `http://127.0.0.1:${port}`, token: TOKEN });
  for (const { line } of COMMANDS) {
    const { code, stdout, stderr } = await person.da(line.split(' '));
    assert.deepEqual([code, stdout], [1, ''], line);
    assert.match(stderr, /^Error: [^\n]*127\.0\.0\.1[^\n]*\n$/);
  }
  const status = await person.da(['status']);
  assert.deepEqual([status.code, status.stdout], [1, 'Use --local for offline status.\n']);
  assert.match(status.stderr, /^Cannot reach server: /);
  const diagnose = await person.da(['diagnose', '--json']);
  assert.equal(diagnose.code, 0);
  const report = JSON.parse(diagnose.stdout);
  assert.deepEqual([report.overall, report.checks[0].name, report.checks[0].status, report.suggested_actions.length],
    ['unhealthy', 'api', 'error', 1]);
  const verify = await person.da(['setup', 'verify', '--json']);
  assert.deepEqual([verify.code, JSON.parse(verify.stdout).overall], [0, 'fail']);
  assert.equal((await person.da(['setup', 'verify'])).code, 1);
  const bootstrap = await person.da(['setup', 'bootstrap', 'a@example.com', '--password', 'x']);
  assert.equal(bootstrap.code, 1);
  assert.match(bootstrap.stderr, /^Connection error: /);
  assert.match((await person.da(['setup', 'test-connection'])).stderr, /^ {2}FAILED: [^\n]*\n$/);
  assert.match((await person.da(['setup', 'first-sync'])).stderr, /^ {2}Error: [^\n]*\n$/);
});

test('a page of HTML is no answer', async (t) => {
  const page = '<html>\n<body>\u001b[31mSign in</body></html>';
  let status = 200;
  const { person } = await fake(t, (_, response) => send(response, status, page, 'text/html'));
  for (const { line } of COMMANDS) {
    const { code, stdout, stderr } = await person.da(line.split(' '));
    assert.deepEqual([code, stdout], [1, ''], line);
    assert.match(stderr, /^Error: [^\n]*text\/html[^\n]*\n$/);
  }
  status = 502;
  for (const { line } of COMMANDS) {
    const { code, stderr } = await person.da(line.split(' '));
    assert.notEqual(code, 0);
    assert.match(stderr, /: <html> <body>.\[31mSign in<\/body><\/html>\n$/);
    assert.ok(!stderr.includes('\u001b'));
  }
});

test('an answer that breaks off is a failure', async (t) => {
  const { person } = await fake(t, (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
    response.write('{"tables": [{"id": "a"}');
    setTimeout(() => response.destroy(), 20);
  });
  for (const { line } of COMMANDS) {
    const { code, stdout, stderr } = await person.da(line.split(' '));
    assert.deepEqual([code, stdout], [1, ''], line);
    assert.match(stderr, /^Error: [^\n]+\n$/);
  }
});

test('a server that says nothing is given up', async (t) => {
  const { person } = await fake(t, () => {});
  const { code, stdout, stderr } = await person.da(['catalog'], { env: { DA_TIMEOUT: '1' } });
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /^Error: [^\n]+\n$/);
});

test('a slow server is waited for', async (t) => {
  const { person } = await fake(t, (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const text = '{"tables": [], "server_time": "now"}';
    let i = 0;
    const timer = setInterval(() => {
      response.write(text[i++]);
      if (i === text.length) {
        clearInterval(timer);
        response.end();
      }
    }, 50);
  });
  assert.deepEqual((await person.json('catalog')).tables, []);
});

test('a redirect is not followed, and gets no token', async (t) => {
  const other = await fake(t, (_, response) => send(response, 200, { tables: [] }));
  const { person } = await fake(t, (_, response) => {
    response.writeHead(302, { location: `${other.url}/api/v2/catalog` });
    response.end();
  });
  const { code, stderr } = await person.da(['catalog']);
  assert.equal(code, 5);
  assert.match(stderr, /HTTP 302/);
  assert.deepEqual(other.requests, []);
});

test('requests carry the token, escaped paths and compact JSON', async (t) => {
  const { requests, person, url } = await fake(t, (request, response) => {
    if (request.url.startsWith('/agnes/api/users')) send(response, 201, { id: '1', email: 'é@example.com' });
    else send(response, 404, { detail: 'no' });
  });
  person.env.DA_SERVER = `${url}/agnes/`;
  await person.da(['schema', 'a/b?c#d']);
  await person.da(['metrics', 'show', 'revenue/m r']);
  await person.da(['admin', 'add-user', 'é@example.com']);
  assert.deepEqual(requests.map((request) => [request.method, request.url, request.headers.authorization]), [
    ['GET', '/agnes/api/v2/schema/a%2Fb%3Fc%23d', `Bearer ${TOKEN}`],
    ['GET', '/agnes/api/metrics/revenue/m%20r', `Bearer ${TOKEN}`],
    ['POST', '/agnes/api/users', `Bearer ${TOKEN}`],
  ]);
  assert.equal(requests[2].body, '{"email":"é@example.com","name":"é"}');
  assert.equal(requests[2].headers['content-type'], 'application/json');
});

test('a login sends no empty password and no old token', async (t) => {
  const { requests, person } = await fake(t, (_, response) =>
    send(response, 401, { detail: 'This account uses External Authentication' }));
  const { code, stderr } = await person.da(['auth', 'login', '--email', 'a@example.com'], { input: '\n' });
  assert.equal(code, 1);
  assert.match(stderr, /\/tokens[^]*DA_TOKEN/);
  assert.deepEqual([requests[0].body, requests[0].headers.authorization], ['{"email":"a@example.com"}', undefined]);
});

test('the first administrator may need the code that the server printed', async (t) => {
  const { person, requests } = await fake(t, (_, response) => send(response, 403, { detail: 'no code' }));
  for (const args of [[], ['--code', '54a3']]) await person.da(['setup', 'bootstrap', 'x@example.com', '--password', 'secret', ...args]);
  const sent = { email: 'x@example.com', name: 'x', password: 'secret' };
  assert.deepEqual(requests.map(({ body }) => JSON.parse(body)), [sent, { ...sent, code: '54a3' }]);
});

test('a local table is registered without a query and a schedule', async (t) => {
  let status = 201;
  const { requests, person } = await fake(t, (_, response) => send(response, status, { detail: 'there' }));
  await person.ok('admin', 'register-table', 'orders');
  assert.deepEqual(JSON.parse(requests[0].body), { name: 'orders', source_type: 'keboola', bucket: '', source_table: 'orders',
    query_mode: 'local', description: '' });
  status = 202;
  assert.equal(await person.ok('admin', 'register-table', 'orders'), 'Registered (materializing in background): orders\n');
  status = 409;
  assert.equal(await person.ok('admin', 'register-table', 'orders'), 'Already exists: orders\n');
});

test('tables that are stale or fail are named, with the reason where it is told', async (t) => {
  const data = { status: 'warning', tables: 3, total_rows: 7, stale_tables: ['old', 'older'], failing: 1,
    failing_tables: [{ table: 'bad', error: 'no file fits\nbad.csv' }] };
  const { person } = await fake(t, (request, response) => send(response, 200,
    request.url === '/api/health' ? { status: 'ok' } : { status: 'degraded', services: { data } }));
  assert.equal(await person.ok('status'), 'Status: degraded\n  data: warning (3 tables, 7 rows) [stale: old, older] [failing: bad]\n');
  const report = await person.json('diagnose');
  assert.equal(report.overall, 'degraded');
  assert.match(report.suggested_actions.join('\n'),
    /^Table 'old' is stale: .*\nTable 'older' is stale: .*\nTable 'bad' fails: no file fits bad\.csv$/);
});

test('a Keboola project is registered table by table', async (t) => {
  const statuses = { one: 201, two: 202, three: 409, four: 400 };
  const { requests, person, url } = await fake(t, (request, response, body) => {
    if (request.url.startsWith('/v2/storage/tables')) {
      send(response, 200, Object.keys(statuses).map((name, i) => ({ id: `in.${name}`, name, rowsCount: i * 1000,
        bucket: { id: 'in.c-main' } })));
    } else send(response, statuses[JSON.parse(body).name], { detail: 'not so' });
  });
  const command = ['admin', 'discover-and-register', '--url', url, '--token', 'source-token'];
  const dry = await person.da([...command, '--dry-run', '--json']);
  assert.deepEqual(JSON.parse(dry.stdout)[1], { id: 'in.two', name: 'two', bucket: 'in.c-main', rows: 1000 });
  assert.equal(requests[0].headers['x-storageapi-token'], 'source-token');
  assert.equal(requests[0].headers.authorization, undefined);
  assert.equal(requests.length, 1);
  const { code, stdout, stderr } = await person.da(command);
  assert.equal(code, 0);
  assert.equal(stdout, '  ✓ one\n  ✓ two (materializing in background)\n  ✗ four: not so\n' +
    '\nDone: 2 registered, 1 already existed, 1 errors\n');
  assert.match(stderr, /^Discovering tables from http\S+\.\.\.\nFound 4 tables\n$/);
  assert.equal((await person.da(['admin', 'discover-and-register'])).code, 1);
});

test('describe joins schema and sample, and keeps numbers', async (t) => {
  const sample = '{"table_id":"o","rows":[{"id":1,"big":12345678901234567890123,"s":"Zoë"},{"id":2}],"source":"local"}';
  const { requests, person } = await fake(t, (request, response) =>
    (request.url.includes('/sample/') ? send(response, 200, sample)
      : send(response, 200, { table_id: 'o', columns: [{ name: 'id', type: 'BIGINT', nullable: false }] })));
  const json = await person.ok('describe', 'o', '-n', '2', '--json');
  assert.ok(json.includes('"big": 12345678901234567890123,'));
  assert.deepEqual(Object.keys(JSON.parse(json)), ['schema', 'sample']);
  assert.equal(requests[1].url, '/api/v2/sample/o?n=2');
  assert.equal(await person.ok('describe', 'o'),
    `Table: o\n\nSchema:\n  id${' '.repeat(29)}BIGINT\n\nSample (2 rows):\n` +
    `id                      big  s\n${'─'.repeat(33)}\n 1  12345678901234567890123  Zoë\n 2                     NULL  NULL\n`);
});

test('metrics may come in a bare list', async (t) => {
  const { person } = await fake(t, (_, response) => send(response, 200, [{ id: 'a/b', name: 'b', unit: '%' }]));
  assert.deepEqual(await person.json('metrics', 'list'), [{ id: 'a/b', name: 'b', unit: '%' }]);
  assert.match(await person.ok('metrics', 'list'), /^\n\[uncategorized\]\n {2}b {30} \(%\)\n$/);
});

// --- updates ---

const latest = (version) => (request, response) => (request.url === '/cli/latest'
  ? send(response, 200, { version, wheel_filename: 'x.whl', download_url_path: '/cli/wheel/x.whl' })
  : send(response, 200, { tables: [] }));
const checks = { DA_NO_UPDATE_CHECK: '' };

test('a newer version is told once it is known, and asked for once a day', async (t) => {
  const { requests, person } = await fake(t, latest('99.1.0'));
  const run = () => person.da(['catalog'], { env: checks });
  for (let i = 0; i < 2; i++) {
    assert.match((await run()).stderr, /^\[update\] da [\d.]+ is out of date — latest on this server is 99\.1\.0\.\n$/);
  }
  const asked = () => requests.filter((request) => request.url === '/cli/latest');
  assert.equal(asked().length, 1);
  assert.equal(asked()[0].headers.authorization, undefined);
  const memory = JSON.parse(person.read('update_check.json'));
  assert.deepEqual(Object.keys(memory), ['installed', 'server_url', 'latest', 'download_url', 'checked_at']);
  const remember = async (change) => {
    person.write('update_check.json', JSON.stringify({ ...memory, ...change }));
    const before = asked().length;
    const { stderr } = await run();
    return { again: asked().length > before, stderr };
  };
  assert.deepEqual(await remember({ latest: '0.0.1' }), { again: false, stderr: '' });
  assert.deepEqual(await remember({ latest: null }), { again: false, stderr: '' });
  const yesterday = Date.now() / 1000 - 86401;
  assert.equal((await remember({ checked_at: yesterday })).again, true);
  assert.equal((await remember({ latest: null, checked_at: Date.now() / 1000 - 301 })).again, true);
  assert.equal((await remember({ installed: '0.0.0' })).again, true);
  assert.equal((await remember({ server_url: 'http://other.example.com' })).again, true);
  person.write('update_check.json', 'broken');
  assert.match((await run()).stderr, /^\[update\]/);
});

test('our own server names the archive of this machine', async (t) => {
  const { url, person } = await fake(t, (request, response) => (request.url === '/cli/latest'
    ? send(response, 200, { version: null, archives: ['x86_64', 'aarch64'].map((arch) => ({ arch, version: '98.0' })) })
    : send(response, 200, { tables: [] })));
  const { stderr } = await person.da(['catalog'], { env: checks });
  assert.match(stderr, new RegExp(`is 98\\.0\\. Upgrade: curl -fsSL ${url}/cli/install\\.sh \\| bash\n$`));
});

test('what fails while looking for updates is silent', async (t) => {
  for (const answer of [latest(null), latest('nonsense'), latest('0.0.1'),
    (request, response) => (request.url === '/cli/latest' ? send(response, 500, 'x') : send(response, 200, { tables: [] })),
    (request, response) => (request.url === '/cli/latest' ? response.destroy() : send(response, 200, { tables: [] })),
    (request, response) => (request.url === '/cli/latest' ? send(response, 200, '[1') : send(response, 200, { tables: [] }))]) {
    const { person } = await fake(t, answer);
    assert.deepEqual(await person.da(['catalog', '--json'], { env: checks }),
      { code: 0, signal: null, stdout: '{\n  "tables": []\n}\n', stderr: '' });
  }
});

test('no updates are looked for where it is forbidden or useless', async (t) => {
  const { requests, person } = await fake(t, latest('99.0'));
  for (const value of ['1', 'TRUE', 'yes']) await person.da(['catalog'], { env: { DA_NO_UPDATE_CHECK: value } });
  for (const line of ['--version', '--help', 'catalog --help', 'catalog --nope', 'skills list']) {
    await person.da(line.split(' '), { env: checks });
  }
  assert.deepEqual(requests.filter((request) => request.url === '/cli/latest'), []);
});

// --- the terminal ---

test('a reader that goes away ends da silently', async (t) => {
  const rows = Array.from({ length: 100000 }, (_, i) => [i, 'x'.repeat(20)]);
  const { person } = await fake(t, (_, response) => send(response, 200, { columns: ['a', 'b'], rows }));
  for (const format of ['table', 'csv', 'json', 'ndjson']) {
    const child = spawn(DA, ['query', '--remote', '-f', format, 'SELECT'], { env: person.env, stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = collect(child);
    child.stdout.once('data', () => child.stdout.destroy());
    const { code, stderr } = await ended;
    assert.deepEqual([code, stderr], [1, ''], format);
  }
});

test('a full disk is told', async (t) => {
  const { person } = await fake(t, (_, response) => send(response, 200, { tables: [] }));
  const child = spawn('sh', ['-c', 'exec "$0" catalog --json >/dev/full', DA], { env: person.env });
  const { code, stderr } = await collect(child);
  assert.equal(code, 1);
  assert.match(stderr, /^Error: cannot write to standard output: No space left on device\n$/);
});

test('without a standard output nothing else takes its place', async (t) => {
  const { person, requests } = await fake(t, (_, response) => send(response, 200, { tables: [] }));
  for (const line of ['catalog --json', 'catalog']) {
    const child = spawn('sh', ['-c', `exec "$0" ${line} <&- >&-`, DA], { env: person.env });
    const { code, stderr } = await collect(child);
    assert.deepEqual([code, stderr], [1, 'Error: cannot write to standard output: Bad file descriptor\n']);
  }
  assert.equal(requests.length, 2);
});

test('Ctrl-C ends it with 130', async (t) => {
  const { person, requests } = await fake(t, () => {});
  const child = spawn(DA, ['catalog'], { env: person.env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = collect(child);
  while (requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  child.kill('SIGINT');
  const { code, signal, stdout, stderr } = await ended;
  assert.deepEqual([code, signal, stdout, stderr], [130, null, '', '']);
});

// Runs da at a terminal of so many columns, by script(1): what the terminal shows. After `prompt` is
// shown, `answer` is typed.
async function atTerminal(person, columns, line, env = {}, { prompt, answer } = {}) {
  const command = `stty cols ${columns} rows 24; exec '${DA}' ${line}`;
  const child = spawn('script', ['-qec', command, '/dev/null'], { env: { ...person.env, TERM: 'xterm', ...env } });
  let seen = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    seen += text;
    if (prompt && seen.includes(prompt)) {
      child.stdin.write(answer);
      prompt = null;
    }
  });
  const { code } = await collect(child);
  return { code, shown: seen.split('\r\n').slice(0, -1) };
}

const width = (text) => [...text.replace(/\u001b\[[\d;]*m/g, '')]
  .reduce((sum, char) => sum + (/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uff00-\uff60]/.test(char) ? 2 : 1), 0);

test('tables and help fit forty columns', async (t) => {
  const wide = '日本語の長い名前がここにあります、とても長い名前です';
  const { person } = await fake(t, (request, response) => (request.url === '/api/query'
    ? send(response, 200, { columns: ['id', 'name', 'note'], rows: [[1, wide, 'many words that do not fit here'], [2, null, 'x']] })
    : send(response, 200, { tables: [{ id: 'a_table_with_a_long_name', source_type: 'local', query_mode: 'local',
      sql_flavor: 'duckdb', name: 'another long name of a table' }] })));
  for (const line of ["query --remote 'SELECT'", 'catalog', '--help', 'query --help']) {
    const { code, shown } = await atTerminal(person, 40, line, { NO_COLOR: '1' });
    assert.equal(code, 0);
    assert.ok(shown.length > 3);
    for (const text of shown.filter((one) => !/^ {2}da /.test(one))) assert.ok(width(text) <= 40, `${line}: ${text}`);
  }
});

test('colours only at a terminal, and not with NO_COLOR', async (t) => {
  const { person } = await fake(t, (_, response) => send(response, 200, { columns: ['a'], rows: [[null]] }));
  const line = "query --remote 'SELECT'";
  const coloured = (await atTerminal(person, 80, line)).shown.join('\n');
  assert.ok(coloured.includes('\u001b[2mNULL'), coloured);
  assert.ok(!(await atTerminal(person, 80, line, { NO_COLOR: '1' })).shown.join('').includes('\u001b'));
  assert.ok(!(await atTerminal(person, 80, line, { TERM: 'dumb' })).shown.join('').includes('\u001b'));
  assert.ok(!(await person.ok('query', '--remote', 'SELECT')).includes('\u001b'));
});

test('a password does not show at a terminal', async (t) => {
  const { person } = await fake(t, (_, response) => send(response, 200, { access_token: TOKEN, email: 'x@example.com' }));
  const { code, shown } = await atTerminal(person, 80, 'auth login --email x@example.com', {},
    { prompt: 'Password: ', answer: 'hidden words\n' });
  assert.equal(code, 0);
  assert.deepEqual(shown, ['Password: ', 'Logged in as x@example.com']);
});

// --- the program itself ---

test('usage, help and version', async (t) => {
  const person = new Person(t);
  const run = async (...args) => person.da(args);
  assert.match((await run('--version')).stdout, /^da \d+\.\d+\.\d+\n$/);
  assert.equal((await run('--version', 'bogus')).code, 0);
  const bare = await run();
  assert.equal(bare.code, 2);
  assert.match(bare.stdout, /AI Data Analyst CLI/);
  for (const group of ['auth', 'auth token', 'admin', 'admin group', 'admin grant', 'admin break-glass', 'metrics', 'setup',
    'server', 'skills']) {
    const alone = await run(...group.split(' '));
    assert.deepEqual([alone.code, alone.stdout], [2, '']);
    assert.match(alone.stderr, /Error: Missing command\.\n$/);
    const help = await run(...group.split(' '), '--help');
    assert.deepEqual([help.code, help.stderr], [0, '']);
  }
  const wrong = await run('catlog');
  assert.deepEqual([wrong.code, wrong.stdout], [2, '']);
  assert.match(wrong.stderr, /Did you mean 'catalog'\?\n$/);
  assert.match((await run('metrics', '--help')).stdout, /list[^]*show[^]*import/);
});

test('docs/CLI.md is what the program says', async (t) => {
  const { stdout } = await new Person(t).da(['manual']);
  assert.equal(readFileSync(new URL('../../docs/CLI.md', import.meta.url), 'utf8'), stdout, 'run: da manual > docs/CLI.md');
});

// What bash proposes for the last word of a line.
async function complete(person, words) {
  const script = `source <('${DA}' completion bash); COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); ` +
    `COMP_CWORD=${words.length - 1}; _da 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await collect(spawn('bash', ['-c', script], { env: person.env, cwd: person.workspace }));
  return stdout.split('\n').filter(Boolean).sort();
}

test('bash completes commands, options, values and files', async (t) => {
  const person = new Person(t);
  writeFileSync(path.join(person.workspace, 'metrics.yml'), '');
  mkdirSync(path.join(person.workspace, 'metrics'));
  assert.deepEqual(await complete(person, ['da', 'cat']), ['catalog']);
  assert.deepEqual(await complete(person, ['da', 'auth', 'token', '']), ['--help', 'create', 'list', 'revoke']
    .filter((word) => word !== '--help'));
  assert.deepEqual(await complete(person, ['da', 'catalog', '--']), ['--help', '--json', '--refresh']);
  assert.deepEqual(await complete(person, ['da', '--json', 'auth', 'token', 'revoke', 'x', '--h']), ['--help']);
  assert.deepEqual(await complete(person, ['da', 'metrics', 'import', 'met']), ['metrics', 'metrics.yml']);
  assert.deepEqual(await complete(person, ['da', 'auth', 'login', '--email', '']), []);
  assert.deepEqual(await complete(person, ['da', 'query', '-f', '']), ['csv', 'json', 'ndjson', 'parquet', 'table']);
  assert.deepEqual(await complete(person, ['da', 'query', '--format', '=', 'p']), ['parquet']);
  assert.ok(!(await complete(person, ['da', ''])).includes('manual'));
});

test('zsh reads its completion', async (t) => {
  const person = new Person(t);
  const { stdout } = await person.da(['completion', 'zsh']);
  assert.match(stdout, /^#compdef da agnes\n/);
  const { code } = await collect(spawn('bash', ['-c', 'command -v zsh >/dev/null']));
  if (code !== 0) return t.diagnostic('there is no zsh here');
  const file = path.join(person.folder, '_da');
  writeFileSync(file, stdout);
  assert.deepEqual(await collect(spawn('zsh', ['-n', file])), { code: 0, signal: null, stdout: '', stderr: '' });
});

test('da server runs Docker and Kamal with arguments that no shell reads', async (t) => {
  const person = new Person(t);
  const bin = path.join(person.folder, 'bin');
  mkdirSync(bin);
  for (const name of ['docker', 'kamal']) {
    writeFileSync(path.join(bin, name), `#!/bin/sh\necho ${name} "$@"\nexit \${FAKE_EXIT:-0}\n`, { mode: 0o755 });
  }
  const run = (line, env = {}) => person.da(line.split(' '), { env: { PATH: `${bin}:${process.env.PATH}`, ...env } });
  const expected = {
    'server status': 'docker compose ps\n',
    'server logs': 'docker compose logs app --tail 100\n',
    'server logs -f --tail 5 web --since 1h': 'docker compose logs web --tail 5 --follow --since 1h\n',
    'server restart': 'docker compose restart app\nRestarted app\n',
    'server restart a;reboot': 'docker compose restart a;reboot\nRestarted a;reboot\n',
    'server deploy': 'kamal deploy\n',
    'server deploy --staging': 'kamal deploy -d staging\n',
    'server rollback': 'kamal rollback\n',
  };
  for (const [line, stdout] of Object.entries(expected)) assert.equal((await run(line)).stdout, stdout);
  const backup = (await run('server backup --output saved')).stdout;
  assert.match(backup, /^docker compose cp app:\/data\/state\/ (saved\/backup_\d{8}_\d{6})\/state\/\nBackup saved to \1\n$/);
  assert.equal((await run('server status', { FAKE_EXIT: '7' })).code, 7);
  const failed = await run('server backup', { FAKE_EXIT: '3' });
  assert.deepEqual([failed.code, failed.stdout.includes('saved')], [3, false]);
  assert.equal((await run('server logs -- --help')).code, 2);
  const none = await person.da(['server', 'status'], { env: { PATH: '/nonexistent' } });
  assert.deepEqual([none.code, none.stdout], [1, '']);
  assert.match(none.stderr, /^Error: cannot run docker: /);
});
