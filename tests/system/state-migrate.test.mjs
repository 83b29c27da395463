// agnesd migrate: a state of every older version arrives at the present one with its rows.
// timeout: 600
import assert from 'node:assert/strict';
import { cpSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
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
    assert.match(name, new RegExp(`^system\\.duckdb\\.pre-migrate(-v${version}-\\d{8})?$`));
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

// Rules of step 18 that depend on which Google groups are named.
const GOOGLE_RULES = [
  ['', '', [...expectedMemberships(13)]],
  ['all@example.com', '', expectedMemberships(13).filter((row) => row !== `u-alice|Everyone|${SEEDED}`)],
  ['', 'admins@example.com', expectedMemberships(13).filter((row) => row !== `u-alice|Admin|${SEEDED}`)],
];
for (const [everyoneGroup, adminGroup, expected] of GOOGLE_RULES) {
  test(`seeded members with Everyone from "${everyoneGroup}" and Admin from "${adminGroup}"`, async (t) => {
    const env = { AGNES_GROUP_EVERYONE_EMAIL: everyoneGroup, AGNES_GROUP_ADMIN_EMAIL: adminGroup };
    const { read } = await migrated(t, 17, { env });
    assert.deepEqual(await memberships(read), [...expected].sort());
  });
}

test('a thin file gets every table and column that it lacks', async (t) => {
  const folder = temporaryFolder(t);
  await makeState(folder, 0,
    'CREATE TABLE schema_version (version INTEGER)', 'INSERT INTO schema_version VALUES (1)',
    'CREATE TABLE users (id VARCHAR PRIMARY KEY, email VARCHAR UNIQUE NOT NULL)',
    "INSERT INTO users VALUES ('u1', 'a@example.com')");
  await migrate(folder);
  const fresh = temporaryFolder(t);
  await migrate(fresh);
  assert.deepEqual(await shapeOf(statePath(folder)), await shapeOf(statePath(fresh)));
  const [user] = await readOnly('SELECT * FROM users', statePath(folder));
  assert.equal(user.active, true);
  assert.equal(user.created_at, null, 'when the user was made is not known');
});

test('columns, keys and types that a table lacks are mended, its rows kept', async (t) => {
  const { folder, read } = await migrated(t, 13, { more: [
    'DROP TABLE sync_state', 'CREATE TABLE sync_state (table_id VARCHAR, rows INTEGER)',
    "INSERT INTO sync_state VALUES ('orders', 7)",
    'DROP TABLE telegram_links', 'CREATE TABLE telegram_links (user_id VARCHAR PRIMARY KEY, chat_id VARCHAR NOT NULL)',
    "INSERT INTO telegram_links VALUES ('u-bob', '9007199254740993')",
    'DROP TABLE view_ownership', 'CREATE TABLE view_ownership (id INTEGER, owner VARCHAR)',
    "INSERT INTO view_ownership VALUES (1, 'shop')",
  ] });
  const fresh = temporaryFolder(t);
  await migrate(fresh);
  assert.deepEqual(await shapeOf(statePath(folder)), await shapeOf(statePath(fresh)));
  assert.deepEqual(lines(await read('SELECT table_id, rows, status FROM sync_state')), ['orders|7|ok']);
  assert.deepEqual(lines(await read('SELECT chat_id::VARCHAR FROM telegram_links')), ['9007199254740993']);
  assert.deepEqual(await read('SELECT * FROM view_ownership'), [], 'a cache is filled again by the program');
});

test('a file of this version is mended too, after a copy', async (t) => {
  const { folder, result, read } = await migrated(t, 20, { more: [
    'ALTER TABLE knowledge_votes DROP COLUMN voted_at', 'DROP TABLE audit_log',
    'ALTER TABLE users ADD COLUMN nickname VARCHAR', "UPDATE users SET nickname = 'Ali' WHERE id = 'u-alice'",
  ] });
  assert.match(result.stdout, /version 20, mended\nthe file as it was: .*pre-migrate-v20-/);
  assert.deepEqual(lines(await read('SELECT item_id, vote, voted_at FROM knowledge_votes')), ['k-1|1|']);
  assert.deepEqual(await read('SELECT * FROM audit_log'), []);
  assert.deepEqual(lines(await read("SELECT nickname FROM users WHERE id = 'u-alice'")), ['Ali'], 'unknown columns stay');
  assert.match((await migrate(folder)).stdout, /nothing to do/);
});

test('the version of a file that does not say it is told by its tables', async (t) => {
  for (const version of [1, 2, 5, 9, 12, 13, 16, 18, 20]) {
    for (const damage of ['DELETE FROM schema_version', 'DROP TABLE schema_version']) {
      const { result, read } = await migrated(t, version, { more: [damage] });
      assert.match(result.stderr, new RegExp(`by its tables it is ${version}\\b`));
      assert.deepEqual(await memberships(read), expectedMemberships(version).sort());
      assert.deepEqual(lines(await read('SELECT version FROM schema_version')), ['20']);
      assert.equal((await read('SELECT * FROM duckdb_columns() WHERE column_name = \'role\'')).length, 0);
    }
  }
});

test('several version rows count as the highest', async (t) => {
  const { result, read } = await migrated(t, 8, { more: ['INSERT INTO schema_version (version) VALUES (3), (1)'] });
  assert.match(result.stdout, /version 8 -> 20/);
  assert.ok((await read('SELECT version FROM schema_version')).every((row) => row.version === 20));
});

test('a role that is no core one is named when it is lost', async (t) => {
  const { result } = await migrated(t, 9);
  assert.match(result.stderr, /role finance\.reader has no successor; 1 users/);
});

test('values in users.groups that are not JSON do not stop the migration', async (t) => {
  const { read } = await migrated(t, 12, { more: [
    'ALTER TABLE users ADD COLUMN later VARCHAR',
    'DROP TABLE user_role_grants',
    'ALTER TABLE users DROP COLUMN groups', 'ALTER TABLE users ADD COLUMN groups VARCHAR',
    `UPDATE users SET groups = '["Finance"' WHERE id = 'u-bob'`,
    `UPDATE users SET groups = '["Finance"]' WHERE id = 'u-carol'`,
  ] });
  assert.deepEqual((await memberships(read)).filter((row) => row.includes('Finance')),
    ['u-carol|Finance|google_sync|system:v13-backfill']);
});

test('seeded groups come back, and are marked as the system\'s', async (t) => {
  const { folder, read } = await migrated(t, 20, { more: [
    "DELETE FROM user_group_members WHERE group_id = 'grp-adm'", "DELETE FROM user_groups WHERE id = 'grp-adm'",
    "UPDATE user_groups SET is_system = NULL WHERE id = 'grp-all'",
  ] });
  const [admin, all] = await read("SELECT * FROM user_groups WHERE is_system ORDER BY name");
  assert.equal(admin.name, 'Admin');
  assert.match(admin.id, UUID);
  assert.equal(all.id, 'grp-all');
  await execute(statePath(folder), "CREATE INDEX of_old_times ON users (name)");
  await migrate(folder);
  assert.deepEqual(await read('SELECT * FROM duckdb_indexes()'), []);
});

test('a migration that fails at every start keeps one copy of the day', async (t) => {
  const folder = temporaryFolder(t);
  await makeState(folder, 19, 'CREATE VIEW sync_state_before_rebuild AS SELECT 1',
    'ALTER TABLE sync_state ALTER rows TYPE VARCHAR');
  for (let i = 0; i < 3; i++) {
    const { code, stderr } = await agnesd(['migrate', `--data-dir=${folder}`]);
    assert.equal(code, 1);
    assert.match(stderr, /cannot rebuild the table sync_state/);
  }
  const names = readdirSync(`${folder}/state`).filter((name) => /pre-migrate-v/.test(name));
  assert.deepEqual(names.map((name) => name.replace(/.*-(v\d+)-.*/, '$1')).sort(), ['v19', 'v20']);
});

// Cut off after each time that something was made durable, and then started again.
const CUT = path.resolve(process.env.AGNES_BUILD ?? 'build', 'tests/system/drivers/kill_at_sync.so');
for (const version of [9, 13]) {
  test(`a migration from ${version} that is cut off anywhere is finished by the next`,
    { skip: process.env.AGNES_SANITIZE ? 'nothing can be preloaded there' : false }, async (t) => {
      const folder = temporaryFolder(t);
      const original = path.join(folder, 'original');
      await makeState(original, version, 'ALTER TABLE sync_state ALTER rows TYPE HUGEINT',
        'DROP TABLE telegram_links', 'CREATE TABLE telegram_links (user_id VARCHAR, chat_id BIGINT)');
      let cuts = 0;
      for (;; cuts++) {
        const dataDir = path.join(folder, `cut-${cuts + 1}`);
        cpSync(original, dataDir, { recursive: true });
        const env = { LD_PRELOAD: CUT, KILL_AT_SYNC: String(cuts + 1) };
        const { signal } = await agnesd(['migrate', `--data-dir=${dataDir}`], { env });
        if (signal !== 'SIGKILL') break;
        await migrate(dataDir);
        const read = (sql) => readOnly(sql, statePath(dataDir));
        await checkUsers(version, read);
        await checkGroups(version, read);
        await checkAccess(version, read);
        await checkRegistry(version, read);
        assert.deepEqual(lines(await read('SELECT table_id, rows FROM sync_state ORDER BY ALL')),
          ['customers|', 'orders|5000000000']);
        rmSync(dataDir, { recursive: true });
      }
      assert.ok(cuts > 10, `only ${cuts} cuts`);
    });
}
