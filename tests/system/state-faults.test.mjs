// What is wrong with a state database or its disk is said clearly, and nothing good is lost.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync, closeSync, copyFileSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync, statSync,
  truncateSync, writeFileSync, writeSync,
} from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { AGNESD, agnesd, temporaryFolder } from './lib/agnesd.mjs';
import { fill, smallDisk } from './lib/disk.mjs';
import { execute, makeState, readOnly, startShell, statePath, StateShell } from './lib/state.mjs';

const NOBODY = 65534;

const fingerprint = (file) => createHash('md5').update(readFileSync(file)).digest('hex');

async function run(command, dataDir, { options = [], ...how } = {}) {
  const result = await agnesd([command, `--data-dir=${dataDir}`, ...options], how);
  assert.equal(result.signal, null, `${command} crashed: ${result.stderr}`);
  return result;
}

async function refuses(command, dataDir, pattern, how) {
  const result = await run(command, dataDir, how);
  assert.equal(result.code, 1, result.stdout);
  assert.match(result.stderr + result.stdout, pattern);
  return result;
}

async function succeeds(command, dataDir, how) {
  const result = await run(command, dataDir, how);
  assert.equal(result.code, 0, result.stderr + result.stdout);
  return result;
}

// A state of the present version with some rows, and a backup of it.
async function stateWithBackup(t, dataDir) {
  const shell = await startShell(t, dataDir);
  const { ok } = await shell.tell("write INSERT INTO users (id, email) SELECT 'u' || i, i || '@example.com' FROM range(5000) t(i)");
  assert.equal(ok, 0);
  assert.equal((await shell.tell('backup')).ok, 0);
  await shell.close();
}

test('a file that is no database is refused and can be restored', async (t) => {
  const folder = temporaryFolder(t);
  await stateWithBackup(t, folder);
  writeFileSync(statePath(folder), 'PK\x03\x04 not what it should be'.repeat(1000));
  const before = fingerprint(statePath(folder));
  await refuses('migrate', folder, /not a valid DuckDB database file.*agnesd check --restore/s);
  await refuses('check', folder, /broken:\n.*not a valid DuckDB database/s);
  assert.equal(fingerprint(statePath(folder)), before);

  const { stdout } = await succeeds('check', folder, { options: ['--restore'] });
  assert.match(stdout, /went back to .*backups\/system-\d{8}T\d{6}Z\.duckdb/);
  const aside = /kept as (.*)/.exec(stdout)[1];
  assert.equal(fingerprint(aside), before);
  assert.match((await succeeds('check', folder)).stdout, /nothing is broken/);
  assert.deepEqual(await readOnly('SELECT count(*)::INTEGER AS n FROM users', statePath(folder)), [{ n: 5000 }]);
});

test('without a backup there is nothing to go back to', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(path.join(folder, 'state'));
  writeFileSync(statePath(folder), 'x'.repeat(100000));
  await refuses('check', folder, /there is no good backup/, { options: ['--restore'] });
  assert.equal(readFileSync(statePath(folder), 'utf8'), 'x'.repeat(100000));
});

test('a sound state is not replaced', async (t) => {
  const folder = temporaryFolder(t);
  await stateWithBackup(t, folder);
  await execute(statePath(folder), "DELETE FROM users WHERE id = 'u1'");
  const { stdout } = await succeeds('check', folder, { options: ['--restore'] });
  assert.match(stdout, /nothing is broken/);
  assert.deepEqual(await readOnly("SELECT * FROM users WHERE id = 'u1'", statePath(folder)), []);
});

test('a truncated file is found out and can be restored', async (t) => {
  const folder = temporaryFolder(t);
  await stateWithBackup(t, folder);
  const whole = path.join(folder, 'whole');
  copyFileSync(statePath(folder), whole);
  const { size } = statSync(whole);
  for (const length of [0, 1, 4095, 12287, 12288, Math.floor(size / 2), size - 262144, size - 1]) {
    copyFileSync(whole, statePath(folder));
    truncateSync(statePath(folder), length);
    await refuses('check', folder, /broken:/);
    await succeeds('check', folder, { options: ['--restore'] });
    await succeeds('check', folder);
  }
  assert.deepEqual(await readOnly('SELECT count(*)::INTEGER AS n FROM users', statePath(folder)), [{ n: 5000 }]);
});

test('an empty file and a lone journal are not taken for a new state', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(path.join(folder, 'state'));
  writeFileSync(statePath(folder), '');
  await refuses('migrate', folder, /is empty; 'agnesd check --restore'/);
  rmSync(statePath(folder));
  writeFileSync(`${statePath(folder)}.wal`, 'journal');
  await refuses('migrate', folder, /is missing, but its journal/);
});

test('damage inside a table is found', async (t) => {
  const folder = temporaryFolder(t);
  await stateWithBackup(t, folder);
  const file = openSync(statePath(folder), 'r+');
  for (let at = 12288 + 4096; at < statSync(statePath(folder)).size; at += 262144) writeSync(file, 'DAMAGE', at);
  closeSync(file);
  await refuses('check', folder, /broken:\n/);
  await succeeds('check', folder, { options: ['--restore'] });
  assert.deepEqual(await readOnly('SELECT count(*)::INTEGER AS n FROM users', statePath(folder)), [{ n: 5000 }]);
});

// A kill after commits, and then an opening that does not touch the table: DuckDB loses the rows from the index.
const KILLED_WRITER = `
  import { DuckDBInstance } from '@duckdb/node-api';
  const connection = await (await DuckDBInstance.create(process.argv[1])).connect();
  for (let i = 0; i < 200; i++) {
    await connection.run(\`INSERT INTO telegram_links VALUES ('killed-\${i}', \${i}, current_timestamp)\`);
  }
  process.kill(process.pid, 'SIGKILL');`;

test('an index that has lost rows is found, and gone after a migration', async (t) => {
  const folder = temporaryFolder(t);
  await makeState(folder, 20, 'CREATE UNIQUE INDEX by_chat ON telegram_links (chat_id, user_id)');
  const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', KILLED_WRITER, path.resolve(statePath(folder))],
    { cwd: import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname) });
  assert.equal(signal, 'SIGKILL');
  for (let i = 0; i < 2; i++) await execute(statePath(folder));
  await refuses('check', folder, /table telegram_links: .*Failed to delete all rows from index. Only deleted 1 out of 201 rows/);
  await succeeds('migrate', folder);
  await succeeds('check', folder);
  assert.equal((await readOnly('SELECT * FROM telegram_links', statePath(folder))).length, 201);
});

test('rows that refer to a group that is gone are found', async (t) => {
  const folder = temporaryFolder(t);
  await makeState(folder, 13); // where nothing kept them from being written
  await refuses('check', folder, /user_group_members: 1 rows refer to groups that are not there/);
});

test('a file of a newer version is refused as it is', async (t) => {
  const folder = temporaryFolder(t);
  await makeState(folder, 20, 'UPDATE schema_version SET version = 99', 'DROP TABLE telegram_links');
  const before = fingerprint(statePath(folder));
  await refuses('migrate', folder, /written by a newer version of the program \(schema 99, this one knows 20\)/);
  assert.equal(fingerprint(statePath(folder)), before);
  assert.deepEqual(readdirSync(path.join(folder, 'state')), ['system.duckdb']);
});

test('the database of something else is refused as it is', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(path.join(folder, 'state'));
  await execute(statePath(folder), 'CREATE TABLE invoices (id INTEGER)');
  await refuses('migrate', folder, /without any table of ours/);
  assert.deepEqual(await readOnly('SELECT table_name FROM duckdb_tables()', statePath(folder)), [{ table_name: 'invoices' }]);
});

// Runs agnesd without the rights of root, which no file mode stops.
const unprivileged = { prefix: ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] };

function cannotDropPrivileges() {
  if (process.getuid() !== 0) return false;
  const [program, ...args] = unprivileged.prefix;
  const { status } = spawnSync(program, [...args, path.resolve(AGNESD), '--version']);
  return status === 0 ? false : 'agnesd cannot be run as another user here';
}

test('without the right to write, nothing is done', { skip: cannotDropPrivileges() }, async (t) => {
  const folder = temporaryFolder(t);
  const how = process.getuid() === 0 ? unprivileged : {};
  await makeState(folder, 5);
  for (const name of ['', 'state']) chmodSync(path.join(folder, name), 0o755);
  chmodSync(statePath(folder), 0o444);
  await refuses('migrate', folder, /cannot open .*Permission denied/, how);
  await refuses('check', folder, /cannot open .*Permission denied/, how);

  // The file may be written, but no copy can be put beside it.
  chmodSync(statePath(folder), 0o666);
  chmodSync(path.join(folder, 'state'), 0o555);
  await refuses('migrate', folder, /Permission denied/, how);
  chmodSync(path.join(folder, 'state'), 0o755);
  assert.deepEqual(await readOnly('SELECT version FROM schema_version', statePath(folder)), [{ version: 5 }]);

  const fresh = path.join(folder, 'fresh');
  mkdirSync(fresh, 0o555);
  await refuses('migrate', fresh, /cannot make folder .*Permission denied/, how);
});

test('without a copy there is no migration', async (t) => {
  const folder = temporaryFolder(t);
  await makeState(folder, 7);
  mkdirSync(`${statePath(folder)}.pre-migrate`);
  await refuses('migrate', folder, /must be changed, but no copy of it can be kept/);
  assert.deepEqual(await readOnly('SELECT version FROM schema_version', statePath(folder)), [{ version: 7 }]);
  assert.deepEqual(await readOnly("SELECT * FROM duckdb_tables() WHERE table_name = 'user_groups'", statePath(folder)), []);
});

test('a migration that fails is taken up where it stopped', async (t) => {
  const folder = temporaryFolder(t);
  await makeState(folder, 10, 'ALTER TABLE table_registry RENAME TO old',
    'CREATE TABLE table_registry AS SELECT * FROM old', 'DROP TABLE old',
    "INSERT INTO table_registry (id, name) VALUES ('orders', 'again')");
  const { stderr } = await refuses('migrate', folder, /migration to version 19 .* failed: .*table_registry.*duplicate key/is);
  assert.match(stderr, /as it was, it is kept as .*pre-migrate-v10-/);
  assert.deepEqual(await readOnly('SELECT version FROM schema_version', statePath(folder)), [{ version: 18 }]);
  assert.deepEqual(await readOnly("SELECT table_name FROM duckdb_tables() WHERE table_name LIKE '%before%'", statePath(folder)), []);
  await execute(statePath(folder), "DELETE FROM table_registry WHERE name = 'again'");
  assert.match((await succeeds('migrate', folder)).stdout, /version 18 -> 20/);
  assert.equal((await readOnly('SELECT * FROM users', statePath(folder))).length, 6);
});

test('who has the state open is named, and keeps it', async (t) => {
  const folder = temporaryFolder(t);
  await stateWithBackup(t, folder);
  const shell = await startShell(t, folder);
  const held = new RegExp(`in use by process ${shell.child.pid}; stop it first, or .*'da diagnose'`);
  await refuses('migrate', folder, held);
  await refuses('check', folder, held);
  await refuses('check', folder, held, { options: ['--restore'] });
  const other = new StateShell(folder);
  const { code, message } = await other.next();
  assert.equal(code, 'BUSY');
  assert.match(message, new RegExp(`in use by process ${shell.child.pid}`));
  await other.close();
  // A backup opens and closes files of its own: the lock must outlive that.
  assert.equal((await shell.tell('backup')).ok, 0);
  await refuses('migrate', folder, held);
  assert.equal((await shell.tell('read SELECT count(*) FROM users')).ok, 5000);
  await shell.close();
  await succeeds('migrate', folder);
});

const NOISE = "INSERT INTO audit_log (id, action, resource) SELECT gen_random_uuid()::VARCHAR, 'noise', " +
  "md5(random()::VARCHAR) || md5(random()::VARCHAR) || md5(random()::VARCHAR) FROM range";
const COUNT = "read SELECT count(*) FROM audit_log WHERE action = 'noise'";

test('a full disk stops writes, not reads, and all goes on when there is space', async (t) => {
  const folder = smallDisk(t, 32);
  if (!folder) return t.skip('no small file system can be mounted here');
  const shell = await startShell(t, folder);
  assert.equal((await shell.tell(`write ${NOISE}(1000)`)).ok, 0);
  const empty = fill(folder);
  for (let i = 0; i < 3; i++) {
    const { code, message } = await shell.tell(`write ${NOISE}(10)`);
    assert.equal(code, 'NO_SPACE');
    assert.match(message, /KiB are free on its file system, \d+ are needed; free some space/);
    assert.equal((await shell.tell(COUNT)).ok, 1000);
  }
  assert.equal((await shell.tell('backup')).code, 'NO_SPACE');
  empty();
  assert.equal((await shell.tell(`write ${NOISE}(10)`)).ok, 0);
  assert.equal((await shell.tell(COUNT)).ok, 1010);
  assert.equal((await shell.tell('backup')).ok, 0);
  await shell.close();
  await succeeds('check', folder);
});

test('a write that is too large for the disk is undone', async (t) => {
  const folder = smallDisk(t, 32);
  if (!folder) return t.skip('no small file system can be mounted here');
  const shell = await startShell(t, folder);
  assert.equal((await shell.tell(`write ${NOISE}(1000)`)).ok, 0);
  const empty = fill(folder, 6 * 1024 * 1024);
  const { code } = await shell.tell(`write ${NOISE}(200000)`);
  assert.ok(code === 'NO_SPACE' || code === 'FATAL', `code ${code}`);
  assert.equal((await shell.tell(COUNT)).ok, 1000);
  await shell.close();
  empty();
  await succeeds('check', folder);
});

test('a checkpoint that meets a full disk loses nothing', async (t) => {
  const folder = smallDisk(t, 32);
  if (!folder) return t.skip('no small file system can be mounted here');
  const shell = await startShell(t, folder);
  assert.equal((await shell.tell(`write ${NOISE}(1000)`)).ok, 0);
  // What fits into the journal, but not into the journal and the database.
  const empty = fill(folder, 6 * 1024 * 1024);
  const { code } = await shell.tell(`write ${NOISE}(30000); CHECKPOINT`);
  assert.equal(code, 'FATAL');
  assert.equal((await shell.tell(COUNT)).ok, 31000);
  assert.equal((await shell.tell(`write ${NOISE}(10)`)).code, 'NO_SPACE');
  assert.equal((await shell.tell(COUNT)).ok, 31000);
  empty();
  assert.equal((await shell.tell(`write ${NOISE}(10); CHECKPOINT`)).ok, 0);
  assert.equal((await shell.tell(COUNT)).ok, 31010);
  await shell.close();
  await succeeds('check', folder);
});

test('a state is opened on a full disk for reading, but not migrated', async (t) => {
  const folder = smallDisk(t, 64);
  if (!folder) return t.skip('no small file system can be mounted here');
  const old = path.join(folder, 'old');
  await makeState(old, 6);
  const shell = await startShell(t, folder);
  await shell.close();
  const empty = fill(folder);
  const again = await startShell(t, folder);
  assert.equal((await again.tell('read SELECT count(*) FROM user_groups')).ok, 2);
  await again.close();
  await refuses('migrate', old, /no copy of it can be kept: .*free some space/);
  empty();
  assert.match((await succeeds('migrate', old)).stdout, /version 6 -> 20/);
});
