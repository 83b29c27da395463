// agnesd migrate: a state of every older version arrives at the present one with its rows.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import test from 'node:test';
import { agnesd, temporaryFolder } from './lib/agnesd.mjs';
import { execute, makeState, readOnly, shapeOf, statePath } from './lib/state.mjs';

const CURRENT = 20;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

async function migrate(dataDir, env = {}) {
  const result = await agnesd(['migrate', `--data-dir=${dataDir}`], { env });
  assert.equal(result.code, 0, result.stderr);
  return result;
}

async function migrated(t, version, { more = [], env = {} } = {}) {
  const folder = temporaryFolder(t);
  await makeState(folder, version, ...more);
  const result = await migrate(folder, env);
  return { folder, result, read: (sql) => readOnly(sql, statePath(folder)) };
}

const lines = (rows) => rows.map((row) => Object.values(row).join('|'));

// user|group|source|added_by of all memberships.
const memberships = async (read) => lines(await read(
  `SELECT m.user_id, g.name, m.source, coalesce(m.added_by, '-')
   FROM user_group_members m LEFT JOIN user_groups g ON g.id = m.group_id ORDER BY ALL`));

const USERS = ['u-alice', 'u-bob', 'u-carol', 'u-dave', 'u-erin', 'u-frank'];
const SEEDED = 'system_seed|system:v13-backfill';
const everyone = (source = () => SEEDED) => USERS.map((user) => `${user}|Everyone|${source(user)}`);

function expectedMemberships(version) {
  if (version <= 8) return [`u-alice|Admin|${SEEDED}`, ...everyone()];
  if (version <= 11) return [`u-alice|Admin|${SEEDED}`, `u-carol|Admin|${SEEDED}`, ...everyone()];
  if (version === 12) {
    const google = 'google_sync|system:v13-backfill';
    return [
      `u-alice|Admin|${SEEDED}`, `u-carol|Admin|${SEEDED}`, `u-frank|Admin|${google}`,
      `u-alice|Finance|${google}`, ...everyone((user) => (user === 'u-alice' ? google : SEEDED)),
    ];
  }
  return [
    `u-alice|Admin|${SEEDED}`, 'u-bob|Admin|system_seed|app.main:seed_admin', 'u-carol|Admin|system_seed|-',
    'u-dave|Admin|system_seed|app.auth.scheduler_token:ensure_scheduler_user', 'u-erin|Admin|admin|u-alice',
    `u-alice|Everyone|${SEEDED}`, 'u-bob|Everyone|google_sync|system:v13-backfill',
    'u-alice|Marketing|google_sync|system:google-sync', 'u-bob|Finance|admin|u-alice',
  ];
}

async function checkAccess(version, read) {
  assert.deepEqual(await memberships(read), expectedMemberships(version).sort());
  const grants = await read(
    `SELECT id, group_id, resource_type, resource_id, assigned_at::VARCHAR AS at, assigned_by
     FROM resource_grants ORDER BY id`);
  if (version >= 13) {
    assert.deepEqual(lines(grants), ['gr-1|grp-fin|table|orders|2024-09-07 00:00:00|u-alice']);
  } else if (version >= 11) {
    const [{ id, ...grant }, ...others] = grants;
    assert.match(id, UUID);
    assert.equal(Object.values(grant).join('|'),
      'grp-fin|marketplace_plugin|tools/charts|2024-08-04 00:00:00|u-alice');
    assert.deepEqual(others, []);
  } else {
    assert.deepEqual(grants, []);
  }
}

async function checkGroups(version, read) {
  const groups = await read('SELECT * FROM user_groups ORDER BY name');
  const system = groups.filter((group) => group.is_system);
  assert.deepEqual(system.map((group) => group.name), ['Admin', 'Everyone']);
  const [admin, all] = system;
  assert.equal(admin.description, 'System: full access to all data and admin actions');
  assert.equal(admin.created_by, 'system:seed');
  if (version < 13) assert.match(admin.id, UUID);
  // One that was there before keeps its id and its text.
  assert.equal(all.description, version >= 11 ? 'All of us' :
    'System: default group every user is implicitly a member of');
  if (version >= 11) assert.equal(all.id, 'grp-all');
  const others = groups.filter((group) => !group.is_system).map((group) => group.name);
  assert.deepEqual(others, version >= 13 ? ['Finance', 'Marketing'] : version >= 11 ? ['Finance'] : []);
}

async function checkUsers(version, read) {
  const off = version >= 5;
  assert.deepEqual(lines(await read(
    `SELECT id, email, coalesce(name, '-'), coalesce(password_hash, '-'), active::VARCHAR,
       coalesce(deactivated_by, '-'), coalesce(created_at::VARCHAR, '-') FROM users ORDER BY id`)), [
    'u-alice|alice@example.com|Alice|$argon2id$v=19$alice|true|-|2024-01-02 03:04:05.678',
    'u-bob|bob@example.com|Bob|-|true|-|2024-01-03 00:00:00',
    'u-carol|carol@example.com|Žofie|-|true|-|2024-01-04 00:00:00',
    'u-dave|dave@example.com|-|-|true|-|-',
    `u-erin|erin@example.com|Erin|-|${!off}|${off ? 'u-alice' : '-'}|2024-01-06 00:00:00`,
    'u-frank|frank@example.com|Frank|-|true|-|2024-01-07 00:00:00',
  ]);
}

async function checkRegistry(version, read) {
  const rows = lines(await read(
    `SELECT id, name, coalesce(folder, '-'), coalesce(sync_strategy, '-'), coalesce(primary_key, '-'),
       coalesce(source_type, '-'), query_mode, coalesce(sync_schedule, '-'), profile_after_sync::VARCHAR,
       coalesce(source_query, '-'), coalesce(registered_at::VARCHAR, '-') FROM table_registry ORDER BY id`));
  assert.deepEqual(rows, [
    ...(version >= 2 ? ['events|events|-|full_refresh|-|bigquery|remote|every 6h|false|-|2024-04-01 00:00:00'] : []),
    'in_c-crm_customers|customers|crm|-|-|-|local|-|true|-|-',
    ...(version >= 20 ? ['monthly|monthly|-|full_refresh|-|-|materialized|-|true|SELECT 1|2024-10-01 00:00:00'] : []),
    'orders|orders|sales|full_refresh|["id"]|-|local|-|true|-|2024-03-10 00:00:00',
  ]);
}

async function checkTheRest(version, read) {
  const one = async (sql) => lines(await read(sql));
  assert.deepEqual(await one('SELECT * FROM sync_state ORDER BY table_id'), [
    'customers|||||||error|source is down',
    'orders|2024-02-01 10:00:00|5000000000|1234|5678|7|d41d8cd98f00b204e9800998ecf8427e|ok|',
  ]);
  assert.deepEqual(await one('SELECT count(*), sum(rows), min(id), max(synced_at)::VARCHAR FROM sync_history'),
    ['50|1225|h-0|2024-02-01 00:49:00']);
  assert.deepEqual(await one('SELECT * FROM user_sync_settings'), ['u-bob|sales|true|all|["orders"]|2024-03-01 00:00:00']);
  assert.deepEqual(await one(
    `SELECT id, title, tags, source_type, sensitivity, is_personal::VARCHAR FROM knowledge_items ORDER BY id`), [
    'k-1|MRR|["finance"]|claude_local_md|internal|false',
    ...(version >= 15 ? ['k-2|Churn||session_transcript|internal|true'] : []),
  ]);
  assert.deepEqual(await one('SELECT * FROM knowledge_votes'), ['k-1|u-carol|1|2024-03-04 00:00:00']);
  assert.deepEqual(await one('SELECT * FROM audit_log'), ['a-1|2024-03-05 00:00:00|u-alice|login||{"ip":"127.0.0.1"}|ok|3']);
  assert.deepEqual(await one('SELECT * FROM telegram_links'), ['u-bob|9007199254740993|2024-03-06 00:00:00']);
  assert.deepEqual(await one('SELECT * FROM pending_codes'), ['123456|42|2024-03-07 00:00:00']);
  assert.deepEqual(await one('SELECT id, name, owner, source FROM script_registry'), ['s-1|nightly|u-alice|print(1)']);
  assert.deepEqual(await one('SELECT * FROM table_profiles'), ['orders|{"row_count":5}|2024-03-09 00:00:00']);
  const since = async (first, sql, rows) => assert.deepEqual(await one(sql), version >= first ? rows : []);
  await since(4, "SELECT id, sql, array_to_string(tables, ',') FROM metric_definitions", ['finance/mrr|SELECT 1|orders,customers']);
  await since(4, 'SELECT table_id, column_name, confidence FROM column_metadata', ['orders|id|manual']);
  await since(6, `SELECT id, token_hash, coalesce(last_used_ip, '-') FROM personal_access_tokens`,
    [`t-1|abc|${version >= 7 ? '127.0.0.1' : '-'}`]);
  await since(10, 'SELECT view_name, source_name FROM view_ownership', ['orders|shop']);
  await since(11, 'SELECT id, url FROM marketplace_registry', ['tools|https://git.example.com/tools.git']);
  await since(11, 'SELECT marketplace_id, name FROM marketplace_plugins', ['tools|charts']);
  await since(15, 'SELECT id, item_b_id FROM knowledge_contradictions', ['kc_1|k-2']);
  await since(15, 'SELECT session_file, items_extracted FROM session_extraction_state', ['a.jsonl|0']);
  await since(16, 'SELECT id, user_quote FROM verification_evidence', ['ev_1|yes, exactly']);
  await since(17, 'SELECT item_a_id, score FROM knowledge_item_relations', ['k-1|0.5']);
}

async function checkCopies(version, folder) {
  const names = readdirSync(`${folder}/state`).filter((name) => name.includes('pre-migrate'));
  if (version === CURRENT) {
    assert.deepEqual(names, []);
    return;
  }
  assert.equal(names.length, 2, names.join());
  for (const name of names) {
    assert.match(name, new RegExp(`^system\\.duckdb\\.pre-migrate(-v${version}-\\d{8}T\\d{6}Z)?$`));
    const [{ v }] = await readOnly('SELECT max(version) AS v FROM schema_version', `${folder}/state/${name}`);
    assert.equal(v, version);
  }
  const tables = await readOnly("SELECT table_name FROM duckdb_tables() WHERE table_name = 'user_group_members'",
    `${folder}/state/system.duckdb.pre-migrate`);
  assert.equal(tables.length, version >= 13 ? 1 : 0, 'the copy was taken before anything changed');
}

for (let version = 1; version <= CURRENT; version++) {
  test(`version ${version} arrives with its rows`, async (t) => {
    const fresh = temporaryFolder(t);
    await migrate(fresh);
    const { folder, result, read } = await migrated(t, version);
    assert.match(result.stdout, version < CURRENT ? new RegExp(`version ${version} -> 20`) : /nothing to do/);
    assert.deepEqual(lines(await read('SELECT version FROM schema_version')), ['20']);
    const want = await shapeOf(statePath(fresh));
    assert.deepEqual(await shapeOf(statePath(folder)), want);
    assert.deepEqual(await read('SELECT * FROM duckdb_indexes()'), []);
    await checkUsers(version, read);
    await checkGroups(version, read);
    await checkAccess(version, read);
    await checkRegistry(version, read);
    await checkTheRest(version, read);
    await checkCopies(version, folder);
    assert.match((await migrate(folder)).stdout, /nothing to do/);
  });
}
