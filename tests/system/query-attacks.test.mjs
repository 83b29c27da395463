// Statements that try to get out, through the guard and past it. Whatever becomes of one: nothing of what its caller
// may not see comes back, nothing outside changes, and the next query on the same worker is right.
// timeout: 1500
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { query, temporaryFolder } from './lib/agnesd.mjs';
import { GUARDED, NEEDS_LIMITS, UNGUARDED, startPool, writeSource } from './lib/queries.mjs';

const ATTACKS = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), 'attacks');
const LIMITS = { milliseconds: 2000, cpu_seconds: 6, limit: 1e6, most_bytes: 50e6 };
// As in the server, what a worker may keep leaves most of its address space to the next query.
const POOL = { memory_mb: 256, temporary_mb: 256, address_space_mb: 1280, kept_mb: 384, workers: 2, workers_a_source: 1 };
const CHECK = 'SELECT count(*), sum(amount)::VARCHAR, max(name) FROM orders JOIN customers ON orders.id % 10 = customers.id';

process.env.AGNES_TEST_TOKEN = 'CANARY-ENVIRONMENT';

function load(file) {
  return JSON.parse(readFileSync(path.join(ATTACKS, `${file}.json`), 'utf8')).map(([expected, attack]) => ({
    expected,
    sql: typeof attack === 'string' ? attack : `${attack.repeat[0]}${attack.repeat[1].repeat(attack.repeat[2])}${attack.repeat[3]}`,
  }));
}

function digest(folder) {
  return readdirSync(folder).sort().map((name) =>
    `${name} ${createHash('sha256').update(readFileSync(path.join(folder, name))).digest('hex')}`);
}

// What an attacker would like to have, and a bystander's source beside the one that is attacked.
async function target(t) {
  const folder = temporaryFolder(t);
  const outside = path.join(folder, 'outside');
  mkdirSync(outside);
  writeFileSync(path.join(outside, 'canary.txt'), 'CANARY-FILE\n');
  writeFileSync(path.join(outside, 'canary.json'), '{"s": "CANARY-JSON"}\n');
  await query(`COPY (SELECT 'CANARY-TABLE' AS s) TO '${outside}/secret.parquet'`);
  await query("CREATE TABLE secret AS SELECT 'CANARY-DATABASE' AS s", path.join(outside, 'secret.duckdb'));
  const source = await writeSource(folder, 'attacked', {
    orders: 'SELECT i AS id, (i * 1.25)::DECIMAL(18,2) AS amount FROM range(2000) t(i)',
    customers: "SELECT i AS id, 'customer ' || i AS name FROM range(10) t(i)",
  });
  const bystander = await writeSource(folder, 'bystander', { other: 'SELECT 1 AS i' });
  const replace = (sql, server) => sql.replaceAll('{canary}', `${outside}/canary.txt`)
    .replaceAll('{json}', `${outside}/canary.json`).replaceAll('{secret}', `${outside}/secret.parquet`)
    .replaceAll('{database}', `${outside}/secret.duckdb`).replaceAll('{outside}', outside)
    .replaceAll('{folder}', source.folder).replaceAll('{server}', server);
  return { folder, outside, source, bystander, replace };
}

function assertClass(expected, sql, { error, text }) {
  const shown = `${sql.slice(0, 200)}: ${JSON.stringify(error ?? text?.slice(0, 200))}`;
  switch (expected) {
    case 'statement':
      assert.equal(error?.code, 'invalid', shown);
      assert.match(error.message, /^Only single SELECT queries are allowed: /, shown);
      break;
    case 'denied':
      assert.equal(error?.code, 'denied', shown);
      assert.match(error.message, /^Access denied to table '/, shown);
      break;
    case 'error':
      assert.equal(error?.code, 'invalid', shown);
      assert.match(error.message, /^Query error: /, shown);
      break;
    case 'limited':
      assert.ok(['timeout', 'too_large', 'failed', 'invalid', 'no_space'].includes(error?.code), shown);
      break;
    case 'too_large':
      assert.equal(error?.code, 'too_large', shown);
      break;
    default:
      assert.equal(expected, 'any');
  }
}

async function attack(t, files, { guarded, ...options }) {
  const { folder, outside, source, bystander, replace } = await target(t);
  const pool = startPool(t, folder, { ...(guarded ? GUARDED : UNGUARDED), ...POOL, ...options, stderr: 'ignore' });
  const plain = guarded ? pool : startPool(t, path.join(folder, 'check'), { ...GUARDED, ...POOL });
  const before = [digest(outside), digest(source.folder)];
  const expected = (await plain.run(source, CHECK)).text;
  assert.match(expected, /customer 9/);
  const check = async (sql) => {
    const answer = await pool.run(source, CHECK, { user: 'another' });
    const right = guarded ? answer.text : answer.text?.replace(/^\{.*?: (\d+), .*?: ([\d.]+), .*?: (.*)\}\n$/s,
      '{"columns":["count_star()","CAST(sum(amount) AS VARCHAR)","max(\\"name\\")"],"rows":[[$1,"$2","$3"]],"row_count":1,"truncated":false}');
    assert.equal(right, expected, `after ${sql.slice(0, 200)}: ${JSON.stringify(answer)}`);
  };
  await check('nothing');
  await pool.run(bystander, 'SELECT * FROM other');
  const worker = async () => (await pool.report()).workers.find(({ tables }) => tables === 1).pid;
  const pid = await worker();
  for (const file of files) {
    for (const { expected: wanted, sql: template } of load(file)) {
      const sql = replace(template, pool.child.pid);
      const answer = await pool.run(source, sql, { ...LIMITS, user: 'attacker' });
      const all = JSON.stringify(answer);
      assert.ok(!all.includes('CANARY'), `${sql.slice(0, 200)}: ${all.slice(0, 1000)}`);
      if (guarded) assertClass(wanted, sql, answer);
      await check(sql);
    }
  }
  assert.deepEqual([digest(outside), digest(source.folder)], before);
  assert.equal(await worker(), pid, 'the worker of another source is untouched');
}

const GETTING_OUT = ['files', 'statements', 'catalog', 'dynamic', 'names', 'side-channels'];

test('there are enough attacks', () => {
  assert.ok([...GETTING_OUT, 'bombs'].flatMap(load).length >= 300);
});

for (const file of [...GETTING_OUT, 'bombs']) {
  const options = file === 'bombs' ? NEEDS_LIMITS : {};
  test(`${file}: refused or limited`, options, (t) => attack(t, [file], { guarded: true }));
  test(`${file}: harmless past the guard`, options, (t) => attack(t, [file], { guarded: false }));
}

for (const landlock of [0, 1, 2]) {
  test(`with Landlock ABI ${landlock}`, (t) => attack(t, GETTING_OUT, { guarded: true, landlock }));
  test(`with Landlock ABI ${landlock}, past the guard`, (t) =>
    attack(t, GETTING_OUT, { guarded: false, landlock }));
}
