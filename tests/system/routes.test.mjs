// A walk over the whole table of routes: who may call them, and that none tells of a table without its grant.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { query, temporaryFolder } from './lib/agnesd.mjs';
import { serve } from './lib/server.mjs';
import { grant, publish, untilPublished } from './lib/shop.mjs';

// What clients, scripts and pages of other versions call. A path that disappears breaks one of them.
const REQUIRED = `
  POST /auth/token                          POST /auth/bootstrap
  POST /auth/password/login                 POST /auth/password/login/web
  POST /auth/password/setup                 GET /auth/password/setup
  POST /auth/password/setup/request         POST /auth/password/setup/confirm
  GET /auth/password/reset                  POST /auth/password/reset
  POST /auth/password/reset/confirm         POST /auth/tokens
  GET /auth/tokens                          GET /auth/tokens/{token_id}
  DELETE /auth/tokens/{token_id}            GET /auth/admin/tokens
  DELETE /auth/admin/tokens/{token_id}
  GET /api/users                            POST /api/users
  GET /api/users/{user_id}                  PATCH /api/users/{user_id}
  DELETE /api/users/{user_id}               POST /api/users/{user_id}/reset-password
  POST /api/users/{user_id}/set-password    POST /api/users/{user_id}/deactivate
  POST /api/users/{user_id}/activate
  GET /api/admin/groups                     POST /api/admin/groups
  GET /api/admin/groups/{group_id}          PATCH /api/admin/groups/{group_id}
  DELETE /api/admin/groups/{group_id}       GET /api/admin/groups/{group_id}/members
  POST /api/admin/groups/{group_id}/members
  DELETE /api/admin/groups/{group_id}/members/{user_id}
  GET /api/admin/grants                     POST /api/admin/grants
  DELETE /api/admin/grants/{grant_id}       GET /api/admin/resource-types
  GET /api/admin/access-overview            GET /api/admin/users/{user_id}/memberships
  POST /api/admin/users/{user_id}/memberships
  DELETE /api/admin/users/{user_id}/memberships/{group_id}
  GET /api/admin/users/{user_id}/effective-access
  GET /api/me/effective-access
  GET /api/admin/server-config              POST /api/admin/server-config
  POST /api/admin/configure                 GET /api/admin/registry
  POST /api/admin/register-table            POST /api/admin/register-table/precheck
  GET /api/admin/discover-tables            POST /api/admin/discover-and-register
  PUT /api/admin/registry/{table_id}        DELETE /api/admin/registry/{table_id}
  POST /api/sync/trigger                    GET /api/sync/status
  GET /api/sync/events                      GET /api/sync/history
  GET /api/sync/manifest                    GET /api/sync/settings
  POST /api/sync/settings                   GET /api/sync/table-subscriptions
  POST /api/sync/table-subscriptions        GET /api/settings
  PUT /api/settings/dataset                 GET /api/data/{table_id}/download
  POST /api/query
  GET /api/v2/catalog                       GET /api/v2/schema/{table_id}
  GET /api/v2/sample/{table_id}             POST /api/v2/scan
  POST /api/v2/scan/estimate
  GET /api/catalog/tables                   GET /api/catalog/profile/{table_name}
  POST /api/catalog/profile/{table_name}/refresh
  GET /api/catalog/metrics/{metric_path}
  GET /api/metrics                          GET /api/metrics/{metric_id}
  POST /api/admin/metrics                   POST /api/admin/metrics/import
  DELETE /api/admin/metrics/{metric_id}
  GET /api/admin/metadata/{table_id}        POST /api/admin/metadata/{table_id}
  POST /api/admin/metadata/{table_id}/push
  POST /api/upload/sessions                 POST /api/upload/artifacts
  POST /api/upload/local-md
  GET /api/health                           GET /api/health/detailed
  GET /api/version
  GET /cli/latest                           GET /cli/download
  GET /cli/wheel/{wheel_name}               GET /cli/install.sh
  GET /openapi.json                         GET /docs
  GET /redoc                                GET /static/{path}
  GET /docs/oauth2-redirect
  POST /api/access-requests                 GET /api/access-requests
  POST /api/access-requests/{request_id}/approve
  POST /api/access-requests/{request_id}/refuse
  GET /api/admin/audit
`.trim().split(/\s{2,}/);

// Everything that answers without a signed-in user. One more is a decision: it is made here.
const ANONYMOUS = new Set(`
  POST /auth/token                          POST /auth/bootstrap
  POST /auth/logout                         GET /auth/logout
  POST /auth/password/login                 POST /auth/password/login/web
  POST /auth/password/setup                 GET /auth/password/setup
  POST /auth/password/setup/request         POST /auth/password/setup/confirm
  GET /auth/password/reset                  POST /auth/password/reset
  POST /auth/password/reset/confirm         GET /login
  GET /login/password
  GET /api/health                           GET /api/health/ready
  GET /api/version
  GET /cli/latest                           GET /cli/download
  GET /cli/wheel/{wheel_name}               GET /cli/install.sh
  GET /openapi.json                         GET /docs
  GET /docs/{path}                          GET /redoc
  GET /docs/oauth2-redirect
  GET /static/{path}                        GET /metrics
`.trim().split(/\s{2,}/)); // monitoring.access says who may read the last

const ADMIN = 'Caller: a member of the group Admin.';

async function operations(server) {
  const { body } = await server.client().get('/openapi.json');
  return Object.entries(body.paths).flatMap(([at, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method: method.toUpperCase(), path: at, ...operation })));
}

const nameOf = ({ method, path: at }) => `${method} ${at}`;
const isAnonymous = (operation) => !operation.security;

// A call of an operation; `value` gives what stands for a parameter.
function call(client, operation, value = () => 'x', json = {}) {
  const at = operation.path.replaceAll(/{(\w+)}/g, (_, name) => encodeURIComponent(value(name)));
  const takesJson = operation.requestBody?.content?.['application/json'];
  return client.request(operation.method, at, takesJson ? { json } : {});
}

test('the description is valid and names every path that others rely on', async (t) => {
  const server = await serve(t, temporaryFolder(t));
  const { body } = await server.client().get('/openapi.json');
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(body));
  assert.ok(valid, JSON.stringify(errors, null, 1));
  assert.equal(body.openapi, '3.1.0');
  assert.deepEqual([body.info.title, body.info.description],
    ['AI Data Analyst', 'Data distribution platform for AI analytical systems']);
  const all = await operations(server);
  const names = new Set(all.map(nameOf));
  assert.deepEqual(REQUIRED.filter((name) => !names.has(name)), []);
  for (const operation of all) {
    assert.ok(operation.summary, nameOf(operation));
    assert.equal(operation.tags.length, 1, nameOf(operation));
  }
});

test('without a token there is nothing but what is meant for anybody', async (t) => {
  const server = await serve(t, temporaryFolder(t));
  await server.bootstrap();
  const all = await operations(server);
  assert.deepEqual(all.filter(isAnonymous).map(nameOf).filter((name) => !ANONYMOUS.has(name)), []);
  for (const operation of all.filter((each) => !isAnonymous(each))) {
    for (const client of [server.client(), server.client('wrong')]) {
      const { status, body } = await call(client, operation);
      assert.equal(status, 401, nameOf(operation));
      assert.equal(typeof body.detail, 'string', nameOf(operation));
    }
  }
});

test('what is for administrators is for nobody else', async (t) => {
  const server = await serve(t, temporaryFolder(t));
  const admin = await server.bootstrap();
  const ann = await admin.addUser('ann@example.com');
  const forAdmins = (await operations(server)).filter(({ description }) => description === ADMIN);
  assert.ok(forAdmins.length >= 30, String(forAdmins.length));
  // What stands under /api/admin is for administrators; the one exception shows only what may be read.
  const exceptions = (await operations(server)).filter(({ path: at, description }) =>
    at.startsWith('/api/admin/') && description !== ADMIN);
  assert.deepEqual(exceptions.map(nameOf), ['GET /api/admin/metadata/{table_id}']);
  for (const operation of forAdmins) {
    const { status, body } = await call(ann, operation);
    assert.deepEqual([status, body], [403, { detail: 'Admin access required' }], nameOf(operation));
  }
});

// --- tables without a grant ---

// Pairs of one length: a table that is there (by its name, its id, in other letters) and one that is not.
const PAIRS = [['secret_table', 'absent_table'], ['SECRET_TABLE', 'ABSENT_TABLE'], ['in.c-crm.company', 'in.c-crm.nothing'],
  ['company', 'nothing']];
const TABLE_PARAMETERS = ['table_id', 'table_name'];

// Operations that take a table in their body: what to send.
const BODIES = {
  'POST /api/query': (table) => ({ sql: `SELECT * FROM "${table}"` }),
  'POST /api/v2/scan': (table) => ({ table_id: table }),
  'POST /api/v2/scan/estimate': (table) => ({ table_id: table }),
  'POST /api/access-requests': (table) => ({ table, reason: 'to know' }),
  'POST /api/sync/settings': (table) => ({ datasets: { [table]: true } }),
  'POST /api/sync/table-subscriptions': (table) => ({ tables: { [table]: true } }),
  'PUT /api/settings/dataset': (table) => ({ dataset: table, enabled: true }),
};
const BODY_FIELDS = ['table', 'tables', 'table_id', 'table_name', 'dataset', 'datasets', 'sql', 'resource_id', 'name', 'names'];

// What differs between any two calls, and the name itself.
function comparable({ status, headers, body }, table) {
  const text = JSON.stringify(body)
    .replaceAll(table, 'TABLE')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'ID')
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?/g, 'TIME');
  const varying = ['date', 'x-request-id', 'x-query-id', 'content-length'];
  const kept = [...headers].filter(([name]) => !varying.includes(name))
    .map(([name, value]) => [name, value.replaceAll(table, 'TABLE')]);
  return { status, headers: Object.fromEntries(kept), body: text };
}

async function openGuardedShop(t) {
  const folder = temporaryFolder(t);
  await publish(folder, { secret_table: "SELECT 'nobody' AS who", company: 'SELECT 1 AS id', open_table: 'SELECT 1 AS id' });
  const first = await serve(t, folder);
  await first.bootstrap();
  await first.stop();
  await query(`INSERT INTO table_registry (id, name, source_type) VALUES ('in.c-crm.company', 'company', 'keboola')`,
    path.join(folder, 'state/system.duckdb'));
  const server = await serve(t, folder);
  const { body } = await server.client().post('/auth/token', { email: 'admin@example.com', password: 'correct horse' });
  const admin = server.client(body.access_token);
  await untilPublished(admin, ['secret_table', 'company']);
  await admin.post('/api/admin/register-table', { name: 'secret_table', description: 'of nobody' });
  for (const table of ['secret_table', 'company']) {
    assert.equal((await admin.post(`/api/catalog/profile/${table}/refresh`)).status, 200);
    await admin.post(`/api/admin/metadata/${table}`, { columns: [{ column_name: 'who', description: 'x' }] });
  }
  const ann = await admin.addUser('ann@example.com');
  await grant(admin, ann, 'open_table');
  return { server, admin, ann };
}

test('a table without a grant answers like one that does not exist, everywhere', async (t) => {
  const { server, admin, ann } = await openGuardedShop(t);
  const all = (await operations(server)).filter((each) => !isAnonymous(each) && each.description !== ADMIN);
  const byPath = all.filter(({ parameters }) => parameters.some(({ name, in: place }) =>
    place === 'path' && TABLE_PARAMETERS.includes(name)));
  assert.ok(byPath.length >= 5, byPath.map(nameOf).join());
  const byBody = all.filter(({ requestBody }) => {
    const properties = requestBody?.content?.['application/json']?.schema?.properties ?? {};
    return BODY_FIELDS.some((field) => field in properties);
  });
  // Whoever adds an operation that takes a table says here what it is sent.
  assert.deepEqual(byBody.map(nameOf).filter((name) => !BODIES[name] && name !== 'POST /auth/tokens'), []);
  const sent = byBody.map(nameOf).filter((name) => BODIES[name]);
  for (const operation of [...byPath, ...byBody.filter((each) => sent.includes(nameOf(each)))]) {
    for (const [there, absent] of PAIRS) {
      const send = (client, table) => call(client, operation, () => table, BODIES[nameOf(operation)]?.(table));
      const refused = comparable(await send(ann, there), there);
      const unknown = comparable(await send(ann, absent), absent);
      assert.deepEqual(refused, unknown, `${nameOf(operation)} ${there}`);
      assert.ok(refused.status < 500, `${nameOf(operation)} ${there}: ${refused.status}`);
    }
  }
  // The comparison means something only where an administrator would see the table.
  for (const operation of byPath.filter(({ method }) => method === 'GET')) {
    const { status } = await call(admin, operation, () => 'secret_table');
    assert.equal(status, 200, nameOf(operation));
  }
});

test('lists name no table without a grant', async (t) => {
  const { server, ann } = await openGuardedShop(t);
  const lists = (await operations(server)).filter(({ method, path: at, security, description }) =>
    method === 'GET' && security && description !== ADMIN && !at.includes('{'));
  assert.ok(lists.length >= 8, lists.map(nameOf).join());
  for (const operation of lists) {
    const { body } = await call(ann, operation);
    assert.doesNotMatch(JSON.stringify(body), /secret_table|company/, nameOf(operation));
  }
});
