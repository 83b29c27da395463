// Notes about columns on their way to a Keboola project: what is sent, what a stack may say, and that the token stays.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryFolder } from './lib/agnesd.mjs';
import { Person } from './lib/da.mjs';
import { state } from './lib/extracts.mjs';
import { startKeboola } from './lib/keboola.mjs';
import { serve } from './lib/server.mjs';

const TOKEN = '123-of-the-test';
const AT = '/api/admin/metadata/orders';
const TABLE = { name: 'orders', source_type: 'keboola', bucket: 'in.c-crm', source_table: 'orders' };

// A server with a table of Keboola, whose stack is in its environment.
async function start(t, { stack, env, table = TABLE, columns } = {}) {
  const variables = env ?? { KEBOOLA_STACK_URL: stack.url, KEBOOLA_STORAGE_TOKEN: TOKEN };
  const server = await serve(t, temporaryFolder(t), { env: variables });
  const admin = await server.bootstrap();
  const made = await admin.post('/api/admin/register-table', table);
  assert.equal(made.status, 201, JSON.stringify(made.body));
  if (columns) assert.equal((await admin.post(`/api/admin/metadata/${table.name}`, { columns })).status, 200);
  return { server, admin };
}

const described = (...names) => names.map((column_name) => ({ column_name, description: 'x' }));
const entries = (body) => Object.fromEntries(body.metadata.map(({ key, value }) => [key, value]));

test('each column with something to tell is sent, as the project calls it', async (t) => {
  const stack = await startKeboola(t, TOKEN);
  const { server, admin } = await start(t, { stack, columns: [
    { column_name: 'amount', basetype: 'NUMERIC', description: 'net, in EUR' },
    { column_name: 'a/b %?#', description: 'Größe' },
    { column_name: 'id', basetype: 'INTEGER' },
    { column_name: 'unknown', confidence: 'low' },
    { column_name: 'empty', basetype: '', description: '' },
  ] });
  const { status, body } = await admin.post(`${AT}/push`);
  assert.deepEqual([status, body], [200, { status: 'ok', pushed: 3 }]);
  assert.deepEqual(stack.asked.map(({ url }) => url), ['a%2Fb%20%25%3F%23', 'amount', 'id']
    .map((column) => `/v2/storage/tables/in.c-crm.orders/columns/${column}/metadata`));
  assert.ok(stack.asked.every(({ method, token, type, body: sent }) =>
    method === 'POST' && token === TOKEN && type === 'application/json' && sent.provider === 'ai-metadata-enrichment'));
  assert.deepEqual(stack.asked.map(({ body: sent }) => entries(sent)), [{ 'KBC.description': 'Größe' },
    { 'KBC.datatype.basetype': 'NUMERIC', 'KBC.description': 'net, in EUR' }, { 'KBC.datatype.basetype': 'INTEGER' }]);
  await server.stop();
  const [audited] = await state(server.dataDir, "SELECT resource, params FROM audit_log WHERE action = 'column_metadata.push'");
  assert.deepEqual([audited.resource, JSON.parse(audited.params)], ['table:orders', { pushed: 3, failed: 0 }]);
});

test('what cannot be pushed is refused, in this order', async (t) => {
  const stack = await startKeboola(t, TOKEN);
  const { admin } = await start(t, { stack });
  const refused = async (table, status, detail) => {
    const answer = await admin.post(`/api/admin/metadata/${table}/push`);
    assert.deepEqual([answer.status, answer.body.detail], [status, detail]);
  };
  await refused('nothing', 404, 'Table not found: nothing');
  await admin.post('/api/admin/register-table', { name: 'files', source_type: 'local' });
  await refused('files', 400, "Push is only supported for keboola tables (table source_type='local')");
  const none = await admin.post(`${AT}/push`);
  assert.deepEqual([none.status, none.body.status, none.body.pushed, typeof none.body.message], [200, 'ok', 0, 'string']);
  const many = Array.from({ length: 5001 }, (_, i) => `c${i}`);
  await admin.post(AT, { columns: described(...many) });
  assert.equal((await admin.post(`${AT}/push`)).status, 400);
  assert.deepEqual(stack.asked, []);
  const ann = await admin.addUser('ann@example.com');
  assert.equal((await ann.post(`${AT}/push`)).status, 403);
});

test('without address or token, or with wrong ones, nothing is sent', async (t) => {
  const stack = await startKeboola(t, TOKEN);
  const wrong = [
    [{ KEBOOLA_STACK_URL: stack.url }, /KBC_STACK_URL and KBC_STORAGE_TOKEN must be set/],
    [{ KBC_STORAGE_TOKEN: TOKEN }, /KBC_STACK_URL and KBC_STORAGE_TOKEN must be set/],
    [{ KBC_STACK_URL: 'http://example.com', KBC_STORAGE_TOKEN: TOKEN }, /must begin with https/],
    [{ KBC_STACK_URL: `${stack.url}/other?x=1`, KBC_STORAGE_TOKEN: TOKEN }, /an address such as/],
    [{ KBC_STACK_URL: stack.url, KBC_STORAGE_TOKEN: 'x\r\nHost: example.com' }, /the token of Keboola: a token has/],
  ];
  for (const [env, pattern] of wrong) {
    const { server, admin } = await start(t, { env, columns: described('id') });
    const { status, body } = await admin.post(`${AT}/push`);
    assert.equal(status, 500, JSON.stringify(body));
    assert.match(body.detail, pattern);
    await server.stop();
  }
  assert.deepEqual(stack.asked, []);
});

test('both names of the variables count, and a pair stays together', async (t) => {
  const stack = await startKeboola(t, TOKEN);
  const gone = 'http://127.0.0.1:1';
  const environments = [
    { KBC_STACK_URL: `${stack.url}/`, KBC_STORAGE_TOKEN: TOKEN },
    { KBC_STACK_URL: stack.url, KBC_STORAGE_TOKEN: TOKEN, KEBOOLA_STACK_URL: gone, KEBOOLA_STORAGE_TOKEN: 'other' },
    { KBC_STACK_URL: gone, KEBOOLA_STACK_URL: stack.url, KEBOOLA_STORAGE_TOKEN: TOKEN },
    { KBC_STACK_URL: stack.url, KEBOOLA_STORAGE_TOKEN: TOKEN },
  ];
  for (const env of environments) {
    const { server, admin } = await start(t, { env, columns: described('id') });
    assert.deepEqual((await admin.post(`${AT}/push`)).body, { status: 'ok', pushed: 1 }, JSON.stringify(env));
    await server.stop();
  }
});

test('a setting names the variable of the token, but none that holds another secret', async (t) => {
  const stack = await startKeboola(t, TOKEN);
  const env = { MY_TOKEN: TOKEN, JWT_SECRET_KEY: 'a-key-of-the-server-with-more-than-32-letters', KEBOOLA_STACK_URL: stack.url };
  const { admin, server } = await start(t, { env, columns: described('id') });
  const name = (token_env) => admin.post('/api/admin/server-config', { sections: { data_source: { keboola: { token_env } } } });
  for (const variable of ['JWT_SECRET_KEY', 'MY_TOKEN']) {
    assert.equal((await name(variable)).status, 200);
    assert.equal((await admin.post(`${AT}/push`)).status, 500, variable);
  }
  assert.deepEqual(stack.asked, []);
  await server.stop();
  const allowed = await start(t, { env: { ...env, AGNES_REMOTE_ATTACH_TOKEN_ENVS: 'MY_TOKEN' }, columns: described('id') });
  await allowed.admin.post('/api/admin/server-config', { sections: { data_source: { keboola: { token_env: 'MY_TOKEN' } } } });
  assert.equal((await allowed.admin.post(`${AT}/push`)).body.pushed, 1);
});

test('tables are called as the project calls them, also by rows of earlier versions', async (t) => {
  const stack = await startKeboola(t, TOKEN);
  const { admin } = await start(t, { stack });
  const rows = [
    [{ bucket: 'c-crm', source_table: 'company', description: 'Auto-discovered from Keboola: in.c-crm.company' }, 'in.c-crm.company'],
    [{ bucket: 'in.c-crm', source_table: 'in.c-crm.company', description: '' }, 'in.c-crm.company'],
    [{ bucket: 'in.c-crm', source_table: 'odd name/..', description: 'Auto-discovered from Keboola: in.c-x.y' }, 'in.c-crm.odd%20name%2F..'],
    [{ bucket: '', source_table: 'in.c-crm.deals', description: '' }, 'in.c-crm.deals'],
    [{ bucket: '', source_table: '', description: '' }, 'orders'],
  ];
  await admin.post(AT, { columns: described('id') });
  for (const [change, id] of rows) {
    assert.equal((await admin.put('/api/admin/registry/orders', change)).status, 200);
    assert.equal((await admin.post(`${AT}/push`)).body.pushed, 1, id);
    assert.equal(stack.asked.at(-1).url, `/v2/storage/tables/${id}/columns/id/metadata`);
  }
  await admin.put('/api/admin/registry/orders', { bucket: '', source_table: '..' });
  const { body } = await admin.post(`${AT}/push`);
  assert.deepEqual(body, { status: 'ok', pushed: 0, errors: ['id: no table has that name'] });
  assert.equal(stack.asked.length, rows.length);
});

test('a column that fails fails alone, is told in one line, and nothing shows the token', async (t) => {
  const say = (status, text, headers) => (request, response) => response.writeHead(status, headers).end(text);
  const stack = await startKeboola(t, TOKEN, { columns: {
    echo: (request, response) => response.writeHead(400).end(`no: ${JSON.stringify(request.headers)}`),
    long: say(500, `${'é'.repeat(190)}${TOKEN}${'x'.repeat(1000)}`),
    lines: say(404, 'first\r\nsecond\u0007\n'),
    binary: say(418, Buffer.from([0xff, 0xfe, 0x41])),
    moved: (request, response) => response.writeHead(307, { location: `${stack.url}/elsewhere` }).end(),
    accepted: say(202, 'later'),
    huge: (request, response) => response.writeHead(400).end(Buffer.alloc(4 << 20, 'x')),
    cut: (request, response) => request.socket.destroy(),
  } });
  const names = ['accepted', 'binary', 'cut', 'echo', 'fine', 'huge', 'lines', 'long', 'moved'];
  const { server, admin } = await start(t, { stack, columns: [...described(...names), ...described('..', '.')] });
  const { status, body } = await admin.post(`${AT}/push`);
  assert.deepEqual([status, body.status, body.pushed], [200, 'ok', 1]);
  const errors = Object.fromEntries(body.errors.map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]));
  assert.deepEqual(Object.keys(errors).sort(), ['.', '..', ...names.filter((name) => name !== 'fine')].sort());
  assert.equal(errors.accepted, '202 later');
  assert.equal(errors.binary, '418 \ufffd\ufffdA');
  assert.equal(errors.lines, '404 first  second');
  assert.match(errors.echo, /^400 no: .*"x-storageapi-token":"\*\*\*"/);
  assert.equal(errors.long, `500 ${'é'.repeat(190)}***xxxxxxx`);
  assert.match(errors.moved, /^307/);
  assert.match(errors['..'], /no column has that name/);
  for (const name of ['huge', 'cut']) assert.ok(errors[name].length <= 240, errors[name]);
  assert.ok(!stack.asked.some(({ url }) => url === '/elsewhere'), 'a redirect was followed');
  await server.stop();
  const audited = await state(server.dataDir, 'SELECT * FROM audit_log');
  assert.ok(audited.some(({ action }) => action === 'column_metadata.push'));
  for (const text of [JSON.stringify(body), server.log, server.output, JSON.stringify(audited)]) assert.ok(!text.includes(TOKEN));
});

test('a wrong token is told for each column; a stack that is away is not asked for all of them', async (t) => {
  const stack = await startKeboola(t, 'another-token');
  const columns = described('a', 'b', 'c', 'd', 'e', 'f');
  const first = await start(t, { stack, columns });
  const refused = (await first.admin.post(`${AT}/push`)).body;
  assert.deepEqual([refused.pushed, stack.asked.length], [0, 6]);
  assert.ok(refused.errors.every((line) => /^[a-f]: 401 \{"error":"Invalid access token"\}$/.test(line)), refused.errors.join());
  const second = await start(t, { env: { KEBOOLA_STACK_URL: 'http://127.0.0.1:1', KEBOOLA_STORAGE_TOKEN: TOKEN }, columns });
  const { errors } = (await second.admin.post(`${AT}/push`)).body;
  assert.equal(errors.filter((line) => /cannot reach http:\/\/127\.0\.0\.1:1\//.test(line)).length, 3, errors.join('\n'));
  assert.deepEqual(errors.slice(3), ['d', 'e', 'f'].map((name) => `${name}: not sent, because Keboola does not answer`));
});

test('other requests are answered while a stack keeps silent, and the server ends all the same', async (t) => {
  let reached;
  const waiting = new Promise((resolve) => { reached = resolve; });
  const stack = await startKeboola(t, TOKEN, { columns: { a: () => reached() } });
  const { server, admin } = await start(t, { stack, columns: described('a', 'b') });
  const pushed = admin.post(`${AT}/push`);
  await waiting;
  assert.equal((await admin.get('/api/admin/registry')).status, 200);
  const ended = server.stop();
  const { status, body } = await pushed;
  assert.deepEqual([status, body.pushed, body.errors.length], [200, 0, 2]);
  assert.match(body.errors[0], /^a: the call of .* was cancelled$/);
  assert.equal(body.errors[1], 'b: not sent, because the server is stopping');
  assert.deepEqual(await ended, { code: 0, signal: null });
});

test('da admin metadata-apply pushes what it imported', async (t) => {
  const stack = await startKeboola(t, TOKEN, { columns: { bad: (request, response) => response.writeHead(400).end('no such column') } });
  const { server, admin } = await start(t, { stack });
  const person = new Person(t, { server: server.url, token: admin.token });
  person.write('notes.json', JSON.stringify({ tables: {
    orders: { columns: { id: { description: 'the number' }, bad: { basetype: 'STRING' } } },
    nothing: { columns: { x: { description: 'y' } } } } }));
  const done = await person.da(['admin', 'metadata-apply', `${person.config}/notes.json`, '--push-to-source']);
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /^Imported 3 column\(s\) from proposal\.\nPushed metadata for orders to source\.\n$/);
  assert.match(done.stderr, /^Failed to push orders: bad: 400 no such column\nFailed to push nothing: .*Table not found: nothing\n$/);
  assert.deepEqual(stack.asked.map(({ url }) => url.split('/').at(-2)), ['bad', 'id']);
});
