// A process that writes is killed at any moment: what it had committed stays, and every key finds its row.
// timeout: 600
import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { agnesd, temporaryFolder } from './lib/agnesd.mjs';
import { StateShell, statePath } from './lib/state.mjs';

const ROUNDS = process.env.AGNES_SANITIZE ? 10 : 50;
const LONGEST_MS = 400;
const BUSY = ROUNDS / 5; // rounds at least in which something was committed before the kill

// Lets a load run for a while, kills it, and returns the ids that it said were committed.
async function killAfter(folder, round, milliseconds) {
  const shell = new StateShell(folder);
  assert.equal((await shell.next()).ok, 0);
  const committed = [];
  const reading = (async () => { for await (const line of shell.lines) committed.push(line); })();
  shell.child.stdin.write(`load r${round}\n`);
  await pause(milliseconds);
  shell.child.kill('SIGKILL');
  await shell.ended;
  await reading;
  return committed;
}

async function openAndClose(folder) {
  const shell = new StateShell(folder);
  const { message } = await shell.next();
  assert.equal(message, undefined, message);
  await shell.close();
}

// Every single-column key of every table, looked up as a query does, by a DuckDB that is not ours.
async function lookUpEveryKey(file) {
  const instance = await DuckDBInstance.create(file, { access_mode: 'READ_ONLY' });
  const connection = await instance.connect();
  const rows = async (sql) => (await connection.runAndReadAll(sql)).getRowObjectsJson();
  const keys = await rows(`SELECT table_name AS t, constraint_column_names[1] AS k FROM duckdb_constraints()
    WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE') AND len(constraint_column_names) = 1`);
  let found = 0;
  for (const { t, k } of keys) {
    const statement = await connection.prepare(`SELECT count(*)::INTEGER AS n FROM "${t}" WHERE "${k}" = $1`);
    for (const { v } of await rows(`SELECT "${k}"::VARCHAR AS v FROM "${t}"`)) {
      statement.bindVarchar(1, v);
      const [{ n }] = (await statement.runAndReadAll()).getRowObjectsJson();
      assert.equal(n, 1, `${t}.${k} = ${v}`);
      found++;
    }
  }
  const users = new Set((await rows('SELECT id FROM users')).map((row) => row.id));
  const members = await rows(`SELECT user_id, count(*)::INTEGER AS n FROM user_group_members GROUP BY ALL HAVING n <> 2`);
  connection.closeSync();
  instance.closeSync();
  return { found, users, members };
}

test(`after ${ROUNDS} kills every commit is there and every key finds its row`, async (t) => {
  const folder = temporaryFolder(t);
  const committed = [];
  let idle = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const ids = await killAfter(folder, round, Math.random() * LONGEST_MS);
    if (ids.length === 0) idle++;
    committed.push(...ids);
    // Open, close, open: the first replays the journal, the second reads what the first has written.
    await openAndClose(folder);
    const { code, stdout, stderr } = await agnesd(['check', `--data-dir=${folder}`]);
    assert.equal(code, 0, `round ${round}: ${stdout}${stderr}`);
  }
  const { found, users, members } = await lookUpEveryKey(statePath(folder));
  t.diagnostic(`${committed.length} commits, ${found} look-ups, ${idle} rounds without a commit`);
  assert.deepEqual(committed.filter((id) => !users.has(id)), []);
  assert.deepEqual(members, [], 'a transaction is there whole or not at all');
  assert.ok(found > 2 * committed.length);
  assert.ok(idle <= ROUNDS - BUSY, 'the kills came while it was writing');
});
