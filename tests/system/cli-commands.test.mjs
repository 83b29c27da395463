// Every command of da against a live server: what it prints for people, and the keys of its JSON.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { query } from './lib/agnesd.mjs';
import { Person, runs } from './lib/da.mjs';
import { openShop } from './lib/shop.mjs';

const keys = (value) => Object.keys(value).sort();
const lines = (text) => text.trimEnd().split('\n');

// One server for all tests of this file, which use names of their own; it stops when the file ends.
const ends = [];
after(async () => {
  for (const end of ends) await end();
});
let opened;
const shop = () => (opened ??= openShop({ after: (end) => ends.push(end) }));

async function open(t) {
  const { server, admin } = await shop();
  return new Person(t, { server: server.url, token: admin.token });
}

test('whoami says who and where', async (t) => {
  const admin = await open(t);
  assert.match(await admin.ok('auth', 'whoami'), /^Email: admin@example\.com\nServer: http:\/\/127\.0\.0\.1:\d+\n$/);
  assert.equal(await admin.ok('whoami'), await admin.ok('auth', 'whoami'));
});

test('tokens are created, listed and revoked', async (t) => {
  const admin = await open(t);
  const created = await admin.ok('auth', 'token', 'create', '--name', 'ci', '--ttl', '3d');
  const token = /^ {4}(\S+)$/m.exec(created)[1];
  assert.match(created, /^id: {6}\S+\nname: {4}ci\nexpires: \d{4}-/m);
  assert.match(created, new RegExp(`export DA_TOKEN=${token}\n$`));
  const raw = await admin.ok('auth', 'token', 'create', '--name', 'raw', '--ttl', 'never', '--raw');
  assert.match(raw, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  const all = await admin.json('auth', 'token', 'list');
  assert.deepEqual(keys(all[0]),
    ['created_at', 'expires_at', 'id', 'last_used_at', 'name', 'prefix', 'revoked_at']);
  assert.equal(all.find((one) => one.name === 'raw').expires_at, null);
  assert.match(await admin.ok('auth', 'token', 'list'), /^ID {35}NAME {17}PREFIX {5}EXPIRES {14}LAST USED {12}STATUS\n/);
  assert.match(await admin.ok('auth', 'token', 'revoke', 'ci'), /^Revoked token \S+ \(ci\)\n$/);
  const used = await new Person(t, { server: (await shop()).server.url, token }).da(['catalog']);
  assert.equal(used.code, 5);
  assert.match(used.stderr, /^Error: catalog fetch failed: HTTP 401: /);
  assert.match(await admin.ok('auth', 'token', 'list'), / ci .* revoked$/m);
  const unknown = await admin.da(['auth', 'token', 'revoke', 'nothing']);
  assert.deepEqual([unknown.code, unknown.stderr], [1, 'No token matches nothing\n']);
});

test('a name of several active tokens revokes none', async (t) => {
  const admin = await open(t);
  for (let i = 0; i < 2; i++) await admin.ok('auth', 'token', 'create', '--name', 'twice');
  const { code, stderr } = await admin.da(['auth', 'token', 'revoke', 'twice']);
  assert.equal(code, 1);
  const [first, second] = (await admin.json('auth', 'token', 'list')).filter((one) => one.name === 'twice');
  assert.ok(stderr.includes(first.id) && stderr.includes(second.id));
  await admin.ok('auth', 'token', 'revoke', first.id);
  assert.match(await admin.ok('auth', 'token', 'revoke', 'twice'), new RegExp(second.id));
});

test('a lifetime that makes no sense is wrong use', async (t) => {
  const admin = await open(t);
  for (const ttl of ['soon', '3', '3w', '-3d', 'd']) {
    const { code, stderr } = await admin.da(['auth', 'token', 'create', '--name', 'x', `--ttl=${ttl}`]);
    assert.equal(code, 2);
    assert.match(stderr, /Invalid TTL/);
  }
});

test('catalog, schema and describe', async (t) => {
  const admin = await open(t);
  await admin.ok('admin', 'register-table', 'orders', '--source-type', 'local', '--bucket', 'shop');
  const { tables } = await admin.json('catalog');
  assert.deepEqual(keys(tables[0]), ['description', 'fetch_via', 'id', 'name', 'query_mode', 'rough_size_hint',
    'source_type', 'sql_flavor', 'where_examples']);
  assert.match(await admin.ok('catalog', '--refresh'), /^ID {30}SOURCE {6}MODE {6}FLAVOR {6}NAME\norders/);
  const schema = await admin.json('schema', 'orders');
  assert.deepEqual(keys(schema), ['clustered_by', 'columns', 'partition_by', 'source_type', 'sql_flavor', 'table_id',
    'where_dialect_hints']);
  assert.deepEqual(keys(schema.columns[0]), ['description', 'name', 'nullable', 'type']);
  const text = await admin.ok('schema', 'orders');
  assert.match(text, /^Table: orders {2}\(local — use DUCKDB SQL dialect\)\n\nCOLUMN {26}TYPE {13}NULL {3}DESCRIPTION\n/);
  assert.match(text, /^id {30}BIGINT {11}YES$/m);
  const both = JSON.parse(await admin.ok('describe', '--json', 'orders', '-n', '2'));
  assert.deepEqual(keys(both), ['sample', 'schema']);
  assert.deepEqual(both.schema, schema);
  assert.deepEqual(keys(both.sample), ['rows', 'source', 'table_id']);
  assert.equal(both.sample.rows.length, 2);
  assert.match(await admin.ok('describe', 'orders', '-n', '3'),
    /^Table: orders\n\nSchema:\n {2}id {29}BIGINT\n {2}amount .*\n\nSample \(3 rows\):\n *id +amount\n─+\n/);
});

test('exit codes of tables that one may not read', async (t) => {
  const admin = await open(t);
  const { code, stderr, stdout } = await admin.da(['schema', 'nothing/such?']);
  assert.equal(code, 2);
  assert.match(stderr, /^Error: schema fetch failed: HTTP 404: /);
  assert.equal(stdout, '');
  assert.equal((await admin.da(['describe', 'nothing'])).code, 2);
});

const SQL = "SELECT i AS id, 'Zoë, \"x\"' AS name, NULL AS nothing, i * 1.5 AS amount FROM range(2) t(i) ORDER BY 1";

test('remote queries in every format', async (t) => {
  const admin = await open(t);
  const table = lines(await admin.ok('query', '--remote', SQL));
  assert.deepEqual([table[0], table.slice(2)], ['id  name      nothing  amount',
    [' 0  Zoë, "x"  NULL        0.0', ' 1  Zoë, "x"  NULL        1.5']]);
  assert.equal(await admin.ok('query', SQL, '--remote', '--format', 'csv'),
    'id,name,nothing,amount\n0,"Zoë, ""x""",,0.0\n1,"Zoë, ""x""",,1.5\n');
  const json = await admin.ok('query', '-f', 'json', '--remote', '--sql', SQL);
  assert.ok(json.includes('"Zo\\u00eb, \\"x\\""') && json.endsWith('\n]\n'));
  const rows = JSON.parse(json);
  assert.deepEqual(Object.keys(rows[0]), ['id', 'name', 'nothing', 'amount']);
  assert.deepEqual(rows[1], { id: 1, name: 'Zoë, "x"', nothing: null, amount: '1.5' });
  const ndjson = lines(await admin.ok('query', '--remote', '-f', 'ndjson', SQL)).map((line) => JSON.parse(line));
  assert.deepEqual(ndjson, rows);
  const file = path.join(admin.folder, 'out.parquet');
  assert.equal(await admin.ok('query', '--remote', '-f', 'parquet', '-o', file, SQL), '');
  assert.deepEqual((await query(`SELECT count(*)::INT AS n, max(name) AS name FROM '${file}'`)),
    [{ n: 2, name: 'Zoë, "x"' }]);
  const csv = path.join(admin.folder, 'out.csv');
  await admin.ok('query', '--remote', '-f', 'csv', '-o', csv, SQL);
  assert.equal(readFileSync(csv, 'utf8').split('\n').length, 4);
  assert.deepEqual(readdirSync(admin.folder).filter((name) => name.includes('.part')), []);
});

test('where the SQL of a query comes from', async (t) => {
  const admin = await open(t);
  const fromStdin = (input) => admin.da(['query', '--remote', '--stdin', '-f', 'csv'], { input });
  assert.equal((await fromStdin('{"sql":"SELECT 1 AS a"}')).stdout, 'a\n1\n');
  for (const input of ['', 'no json', '[]', '{}', '{"sql":1}']) {
    const { code, stderr } = await fromStdin(input);
    assert.equal(code, 1);
    assert.match(stderr, /^Error: failed to parse stdin JSON: /);
  }
  assert.equal((await admin.da(['query', '--remote'])).code, 1);
  assert.equal((await admin.da(['query', '--remote', 'SELECT 1', '--sql', 'SELECT 1'])).code, 1);
  const wrong = await admin.da(['query', '--remote', 'SELEC']);
  assert.deepEqual([wrong.code, wrong.stdout], [1, '']);
  assert.match(wrong.stderr, /^Query failed: .*SELEC/);
  const cut = await admin.da(['query', '--remote', '--limit', '2', '-f', 'csv', 'SELECT * FROM range(5)']);
  assert.deepEqual([cut.stdout, cut.stderr], ['range\n0\n1\n', '(truncated at 2 rows)\n']);
  assert.equal((await admin.da(['query', '--remote', '-f', 'parquet', SQL])).code, 2);
  const output = path.join(admin.folder, 'none.csv');
  assert.equal((await admin.da(['query', '--remote', '-o', output, 'SELEC'])).code, 1);
  assert.ok(!readdirSync(admin.folder).some((name) => name.startsWith('none.csv')));
});

test('numbers that no program can hold stay as they are', async (t) => {
  const admin = await open(t);
  const sql = 'SELECT 123456789012345678901234567890::HUGEINT AS big, 1 AS a, 2 AS a';
  const json = await admin.ok('query', '--remote', '-f', 'json', sql);
  assert.equal(json, '[\n  {\n    "big": 123456789012345678901234567890,\n    "a": 2\n  }\n]\n');
});

test('status and diagnose', async (t) => {
  const admin = await open(t);
  const status = await admin.json('status');
  assert.ok(['healthy', 'degraded'].includes(status.status));
  assert.ok(status.services.data.tables >= 2);
  assert.match(await admin.ok('status'), /^Status: \w+\n {2}\S+: .*\n/);
  assert.deepEqual(await admin.json('status', '--local'),
    { mode: 'local', tables_synced: 0, last_sync: 'never', tables: {} });
  assert.equal(await admin.ok('status', '--local'),
    'Mode: offline (local data)\nTables synced: 0\nLast sync: never\n');
  const report = await admin.json('diagnose', '--symptom', 'slow', '--component', 'db');
  assert.deepEqual(keys(report), ['checks', 'overall', 'suggested_actions']);
  assert.equal(report.checks[0].name, 'api');
  assert.equal(typeof report.checks[0].latency_ms, 'number');
  assert.equal(report.overall, report.checks.some((check) => check.status === 'warning') ? 'degraded' : 'healthy');
  assert.match(await admin.ok('diagnose'), /^Overall: \w+\n {2}\[ok {5}\] api \([\d.]+ms\)\n/);
  const stranger = new Person(t, { server: (await shop()).server.url });
  const { code, stdout, stderr } = await stranger.da(['status']);
  assert.deepEqual([code, stdout], [0, 'Status: unknown\n']);
  assert.match(stderr, /da auth login/);
});

test('the first steps with a server', async (t) => {
  const admin = await open(t);
  assert.match(await admin.ok('setup', 'test-connection'), /^ {2}Server: reachable\n {2}Health: \w+\n/);
  const report = await admin.json('setup', 'verify');
  assert.deepEqual(keys(report), ['checks', 'overall']);
  assert.deepEqual(report.checks.map((check) => check.name), ['server', 'auth', 'data', 'users', 'web_ui', 'api_docs']);
  for (const check of report.checks) assert.deepEqual(keys(check), ['detail', 'name', 'status']);
  assert.ok(report.checks.slice(1).every((check) => check.status === 'pass'), JSON.stringify(report));
  assert.match(await admin.ok('setup', 'verify'), /^ {2}\[(OK {2}|WARN)\] server: /);
  assert.match(await admin.ok('setup', 'first-sync'), /^ {2}Status: \w+\n/);
  const stranger = new Person(t, { server: (await shop()).server.url });
  assert.equal(await stranger.ok('setup', 'test-connection'),
    '  Server: reachable\nServer is reachable; the detailed check requires auth.\n');
  assert.match((await stranger.da(['setup', 'verify'])).stdout, /^ {2}\[WARN\] server: details need a token\n {2}\[FAIL\] auth: /);
  const again = await admin.da(['setup', 'bootstrap', 'eve@example.com'], { input: 'whatever it is\n' });
  assert.equal(again.code, 0);
  assert.match(again.stdout, /^Bootstrap disabled: /);
});

test('metrics go in and come out', async (t) => {
  const admin = await open(t);
  const folder = path.join(admin.folder, 'exported');
  assert.equal(await admin.ok('metrics', 'import', 'docs/metrics'.replace(/^/, `${process.cwd()}/`)),
    `Imported 10 metric(s) from ${process.cwd()}/docs/metrics\n`);
  const all = await admin.json('metrics', 'list');
  assert.equal(all.length, 10);
  const one = all[0];
  assert.deepEqual(await admin.json('metrics', 'show', one.id), one);
  assert.match(await admin.ok('metrics', 'show', one.id), new RegExp(`^ID: {11}${one.id}\nName: {9}${one.name}\n`));
  assert.ok((await admin.json('metrics', 'list', '--category', one.category))
    .every((metric) => metric.category === one.category));
  assert.deepEqual(await admin.json('metrics', 'list', '--category', 'none'), []);
  assert.equal(await admin.ok('metrics', 'list', '--category', 'none'), 'No metrics found.\n');
  assert.match(await admin.ok('metrics', 'list'), /^\n\[\w+\]\n {2}\w+ +\S/);
  const missing = await admin.da(['metrics', 'show', 'no/such']);
  assert.deepEqual([missing.code, missing.stderr], [1, 'Metric not found: no/such\n']);
  await admin.ok('metrics', 'export', '--dir', folder);
  await admin.ok('metrics', 'import', folder);
  const strip = ({ updated_at, created_at, source, ...rest }) => rest;
  assert.deepEqual((await admin.json('metrics', 'list')).map(strip), all.map(strip));
  const validated = await admin.da(['metrics', 'validate']);
  assert.equal(validated.code, 1);
  assert.match(validated.stdout, /\nTotal: 10 metric\(s\) — \d+ OK, \d+ WARN\n$/);
  writeFileSync(path.join(admin.folder, 'bad.yml'), 'name: x\ncategory: y\nsql: [1\n');
  const bad = await admin.da(['metrics', 'import', path.join(admin.folder, 'bad.yml')]);
  assert.equal(bad.code, 1);
  assert.match(bad.stderr, /^Error: .*bad\.yml:\d+:\d+: /);
  assert.equal((await admin.da(['metrics', 'import', 'nothing.yml'])).code, 1);
});

test('users from their creation to their removal', async (t) => {
  const admin = await open(t);
  assert.match(await admin.ok('admin', 'add-user', 'anna@example.com'), /^Created user: anna@example\.com \(id: \S+\)\n$/);
  const users = await admin.json('admin', 'list-users');
  const anna = users.find((user) => user.email === 'anna@example.com');
  assert.equal(anna.name, 'anna');
  for (const key of ['id', 'email', 'is_admin', 'active']) assert.ok(key in anna);
  const row = new RegExp(`^ {2}anna@example\\.com {15}user {3}active {7}id=${anna.id.slice(0, 8)}$`, 'm');
  assert.match(await admin.ok('admin', 'list-users'), row);
  assert.equal(await admin.ok('admin', 'deactivate', 'anna@example.com'), 'Deactivated anna@example.com\n');
  assert.match(await admin.ok('admin', 'list-users'), /anna.*DEACTIVATED/);
  assert.equal(await admin.ok('admin', 'activate', anna.id), `Activated ${anna.id}\n`);
  assert.match(await admin.ok('admin', 'reset-password', 'anna@example.com'), /^Reset URL: http\S+\nEmail sent: False\n$/);
  const typed = await admin.da(['admin', 'set-password', 'anna@example.com'],
    { input: 'first try at it\nanother one here\nlong and secret\nlong and secret\n' });
  assert.deepEqual([typed.code, typed.stdout], [0, 'Password set for anna@example.com\n']);
  assert.match(typed.stderr, /do not match/);
  assert.ok(!typed.stderr.includes('secret'));
  const login = await new Person(t, { server: (await shop()).server.url })
    .da(['auth', 'login', '--email', 'anna@example.com'], { input: 'long and secret\n' });
  assert.deepEqual([login.code, login.stdout], [0, 'Logged in as anna@example.com\n']);
  const nobody = await admin.da(['admin', 'deactivate', 'nobody@example.com']);
  assert.deepEqual([nobody.code, nobody.stderr], [1, 'User not found: nobody@example.com\n']);
  assert.equal((await admin.da(['admin', 'add-user', 'anna@example.com'])).code, 1);
  assert.equal(await admin.ok('admin', 'remove-user', anna.id), 'User removed.\n');
  const role = await admin.da(['admin', 'set-role', 'anna@example.com', 'admin']);
  assert.equal(role.code, 2);
  assert.match(role.stderr, /removed[^]*group/);
});

test('groups, members and grants', async (t) => {
  const admin = await open(t);
  await admin.ok('admin', 'add-user', 'gus@example.com');
  assert.match(await admin.ok('admin', 'group', 'create', 'Sales', '--description', 'who sells'),
    /^Created group: Sales \(id=\S+\)\n$/);
  const group = (await admin.json('admin', 'group', 'list')).find((one) => one.name === 'Sales');
  for (const key of ['id', 'name', 'description', 'is_system', 'member_count', 'grant_count']) assert.ok(key in group);
  assert.match(await admin.ok('admin', 'group', 'list'),
    /^User groups: \d+\n {2}NAME {22}DESCRIPTION {31}SYSTEM {3}MEMBERS {3}GRANTS\n {2}-+\n/);
  assert.equal(await admin.ok('admin', 'group', 'add-member', 'Sales', 'gus@example.com'), 'Added gus@example.com to Sales\n');
  assert.deepEqual((await admin.json('admin', 'group', 'members', group.id)).map((one) => one.email), ['gus@example.com']);
  assert.match(await admin.ok('admin', 'group', 'members', 'Sales'), /^Members: 1\n[^]*gus@example\.com +gus +admin +True\n$/);
  assert.equal(await admin.ok('admin', 'grant', 'create', 'Sales', 'table', 'orders'), 'Granted Sales: table/orders\n');
  const [given] = await admin.json('admin', 'grant', 'list', '--group', 'Sales', '--type', 'table');
  for (const key of ['id', 'group_name', 'resource_type', 'resource_id', 'assigned_by']) assert.ok(key in given);
  assert.match(await admin.ok('admin', 'grant', 'list'), new RegExp(`Sales +table +orders +admin@example\\.com +${given.id}`));
  const types = await admin.json('admin', 'grant', 'resource-types');
  for (const key of ['display_name', 'id_format', 'key']) assert.ok(key in types[0]);
  assert.match(await admin.ok('admin', 'grant', 'resource-types'), /^ {2}KEY +DISPLAY NAME +ID FORMAT\n {2}-+\n/);
  assert.equal(await admin.ok('admin', 'grant', 'delete', given.id), `Deleted grant ${given.id}\n`);
  assert.equal(await admin.ok('admin', 'group', 'remove-member', 'Sales', 'gus@example.com'),
    'Removed gus@example.com from Sales\n');
  assert.equal(await admin.ok('admin', 'group', 'delete', 'Sales'), 'Deleted group Sales\n');
  const gone = await admin.da(['admin', 'group', 'members', 'Sales']);
  assert.deepEqual([gone.code, gone.stderr], [1, 'Group not found: Sales\n']);
});

test('tables are checked, registered and listed', async (t) => {
  const admin = await open(t);
  const add = (...args) => admin.da(['admin', 'register-table', ...args, '--source-type', 'local']);
  assert.equal((await add('rows_of_mine')).stdout, 'Registered: rows_of_mine\n');
  const again = await add('rows_of_mine');
  assert.deepEqual([again.code, again.stdout], [0, 'Already exists: rows_of_mine\n']);
  assert.match((await add('dry', '--dry-run')).stdout, /^\[DRY RUN\] precheck OK\n {2}name: {9}dry\n {2}source_type: {2}local\n/);
  assert.equal((await add('bad name!')).code, 1);
  assert.equal((await add('m', '--query-mode', 'materialized')).code, 2);
  const missing = await add('m', '--query-mode', 'materialized', '--query', '@nothing.sql');
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /^Error: SQL file not found: /);
  writeFileSync(path.join(admin.workspace, 'q.sql'), 'SELECT 1 AS a\n');
  const made = await add('made', '--query-mode', 'materialized', '--query', '@q.sql', '--sync-schedule', 'every 1h');
  assert.equal(made.code, 0);
  const registry = await admin.json('admin', 'list-tables');
  assert.deepEqual(keys(registry), ['count', 'tables']);
  const row = registry.tables.find((table) => table.name === 'made');
  assert.deepEqual([row.source_query, row.sync_schedule, row.query_mode], ['SELECT 1 AS a', 'every 1h', 'materialized']);
  const text = await admin.ok('admin', 'list-tables');
  assert.match(text, new RegExp(`^Registered tables: ${registry.count}\n`));
  assert.match(text, /^ {2}rows_of_mine {19}src=local {6}mode=local {2}bucket=/m);
});

test('notes about columns', async (t) => {
  const admin = await open(t);
  const file = path.join(admin.workspace, 'proposal.json');
  writeFileSync(file, JSON.stringify({ tables: { orders: { columns: {
    amount: { basetype: 'NUMERIC', description: 'net, in EUR', confidence: 'high' }, id: { basetype: 'INTEGER' } } } } }));
  assert.equal(await admin.ok('admin', 'metadata-show', 'secrets'), 'No column metadata for table: secrets\n');
  assert.match(await admin.ok('admin', 'metadata-apply', file, '--dry-run'),
    /^\[DRY RUN\] Would import 2 column\(s\) from 1 table\(s\):\n {2}orders\.amount: basetype=NUMERIC description=net, in EUR\n/);
  assert.deepEqual((await admin.json('admin', 'metadata-show', 'orders')).columns, []);
  assert.equal(await admin.ok('admin', 'metadata-apply', file), 'Imported 2 column(s) from proposal.\n');
  const { table_id: table, columns } = await admin.json('admin', 'metadata-show', 'orders');
  assert.deepEqual([table, columns.map((column) => [column.column_name, column.basetype, column.confidence])],
    ['orders', [['amount', 'NUMERIC', 'high'], ['id', 'INTEGER', 'high']]]);
  assert.match(await admin.ok('admin', 'metadata-show', 'orders'),
    /^Column metadata for table: orders \(2 columns\)\n {2}COLUMN[^\n]*\n {2}-{80}\n {2}amount {27}NUMERIC {8}high {5}net, in EUR\n/);
  const none = await admin.da(['admin', 'metadata-apply', 'nothing.json']);
  assert.deepEqual([none.code, none.stderr], [1, 'Proposal file not found: nothing.json\n']);
});

test('skills are listed and shown by their names alone', async (t) => {
  const admin = await open(t);
  const names = lines(await admin.ok('skills', 'list')).map((line) => line.trim().split(/ +/)[0]);
  assert.deepEqual(names, ['agnes-data-querying', 'agnes-table-registration', 'connectors', 'corporate-memory', 'deploy',
    'notifications', 'security', 'setup', 'troubleshoot']);
  for (const name of names) assert.ok((await admin.ok('skills', 'show', name)).length > 500);
  assert.match(await admin.ok('skills', 'show', 'setup'), /^## Prerequisites$/m);
  for (const name of ['nothing', '../README', 'setup.md', '/etc/passwd', '']) {
    const { code, stdout, stderr } = await admin.da(['skills', 'show', name]);
    assert.deepEqual([code, stdout, stderr], [1, '', `Skill '${name}' not found. Run: da skills list\n`]);
  }
});

test('what an analyst may not do is refused', async (t) => {
  const { server, admin } = await shop();
  const user = await admin.addUser('ann@example.com');
  const analyst = new Person(t, { server: server.url, token: user.token });
  for (const command of ['admin list-users', 'admin list-tables', 'admin group list', 'metrics validate', 'setup first-sync']) {
    const { code, stdout, stderr } = await analyst.da(command.split(' '));
    assert.equal(code, 1, command);
    assert.ok((stdout + stderr).length > 0);
  }
  const { code, stderr } = await analyst.da(['schema', 'secrets']);
  const absent = await analyst.da(['schema', 'no_such_table']);
  assert.deepEqual([code, stderr.replace('secrets', 'T')], [absent.code, absent.stderr.replace('no_such_table', 'T')]);
  assert.deepEqual((await analyst.json('catalog')).tables, []);
});

// Those of other files: signing in (cli-auth), the workspace (sync-cli, snapshot-cli), Docker and
// sources elsewhere (cli-faults).
const ELSEWHERE = /^(auth (login|logout|import-token)|setup (init|bootstrap)|completion|server .*|admin discover-and-register|admin break-glass .*|sync|explore|fetch|disk-info|snapshot .*|analyst .*)$/;

test('no command was left out', async (t) => {
  const manual = await (await open(t)).ok('manual');
  const all = [...manual.matchAll(/^### `da (.*)`$/gm)].map((found) => found[1]);
  assert.ok(all.length > 50);
  const done = (command) => runs.some((args) => `${args.join(' ')} `.startsWith(`${command} `));
  assert.deepEqual(all.filter((command) => !ELSEWHERE.test(command) && !done(command)), []);
  // And each that can print JSON did.
  const sections = manual.split(/^### /m).slice(1).filter((text) => text.includes('| `--json` |'));
  const json = sections.map((text) => /^`da (.*)`/.exec(text)[1]).filter((command) => !ELSEWHERE.test(command));
  assert.ok(json.length > 15);
  const printed = (command) => runs.some((args) => `${args.join(' ')} `.startsWith(`${command} `) && args.includes('--json'));
  assert.deepEqual(json.filter((command) => !printed(command)), []);
});

test('skills and templates name only commands and options that there are', async (t) => {
  const manual = await (await open(t)).ok('manual');
  const sections = new Map(manual.split(/^###? /m).slice(1).flatMap((text) => {
    const name = /^`da (.*?)`/.exec(text)?.[1];
    return name ? [[name, text]] : [];
  }));
  const texts = ['skills', 'templates'].flatMap((folder) => readdirSync(folder).map((name) => path.join(folder, name)))
    .filter((file) => file.endsWith('.md')).map((file) => [file, readFileSync(file, 'utf8')]);
  let count = 0;
  for (const [file, text] of texts) {
    const lines = [...text.matchAll(/^ {4}(?:\w+=\$\()?(da .*)$/gm), ...text.matchAll(/`(da [^`]*)`/g)].map((found) => found[1]);
    for (const line of lines.map((one) => one.split(/ +(?:#|&&|\|)/)[0])) {
      const words = line.split(/\s+/).slice(1);
      let length = Math.min(3, words.length);
      while (length > 0 && !sections.has(words.slice(0, length).join(' '))) length -= 1;
      const isProgram = words[0]?.startsWith('--');
      assert.ok(length > 0 || isProgram, `${file}: ${line}`);
      if (isProgram) continue;
      const section = sections.get(words.slice(0, length).join(' '));
      for (const option of line.replace(/"[^"]*"/g, '').match(/--[a-z-]+/g) ?? [])
        assert.ok(option === '--help' || section.includes(`\`${option}`) || section.includes(`, ${option}`), `${file}: ${line}: ${option}`);
      count += 1;
    }
  }
  assert.ok(count > 80, `${count}`);
});
