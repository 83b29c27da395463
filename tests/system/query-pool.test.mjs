// The pool of workers: fairness, limits, cancelling, and what happens when workers die.
// timeout: 600
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { link, mkdir } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, temporaryFolder } from './lib/agnesd.mjs';
import { NEEDS_LIMITS, Pool, startPool, writeSource } from './lib/queries.mjs';

const ENDLESS = 'SELECT count(*) FROM range(1000000000000) t(i) WHERE i * i % 7 = 5';
const STORM_SECONDS = Number(process.env.AGNES_STORM_SECONDS ?? 8); // 60 and more before a release

async function fixture(t, more = {}) {
  const folder = temporaryFolder(t);
  const source = await writeSource(folder, 'main', { n: 'SELECT i, i % 10 AS k FROM range(100000) t(i)' });
  return { folder, source, pool: startPool(t, folder, more) };
}

async function until(what, condition) {
  for (let i = 0; i < 1000; i++) {
    if (await condition()) return;
    await sleep(20);
  }
  throw new Error(`never happened: ${what}`);
}

const running = async (pool, id) => (await pool.report()).queries.find((query) => query.id === id)?.state === 'running';
const pids = async (pool) => (await pool.report()).workers.map(({ pid }) => pid);
const resident = (pid) => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;

test('a query is cancelled by its id, by its user or an administrator', async (t) => {
  const { source, pool } = await fixture(t);
  assert.equal((await pool.cancel('nothing')).error.code, 'not_found');
  const query = pool.run(source, ENDLESS, { id: 'q1', user: 'alice' });
  await until('the query runs', () => running(pool, 'q1'));
  assert.equal((await pool.run(source, 'SELECT 1', { id: 'q1', user: 'alice' })).error.code, 'conflict');
  assert.equal((await pool.run(source, 'SELECT 1', { id: 'q1', user: 'bob' })).error, undefined);
  assert.equal((await pool.cancel('q1', 'bob')).error.code, 'not_found');
  const { pid } = (await pool.report()).workers.find(({ state }) => state === 'busy');
  assert.deepEqual((await pool.cancel('q1', 'alice')).cancelled, true);
  assert.equal((await query).error.code, 'cancelled');
  // The worker heard of it in time and serves on.
  assert.deepEqual(await pool.rows(source, 'SELECT count(*) FROM n'), [[100000]]);
  assert.ok((await pids(pool)).includes(pid));
  const other = pool.run(source, ENDLESS, { id: 'q2', user: 'alice' });
  await until('the query runs', () => running(pool, 'q2'));
  await pool.cancel('q2', null);
  assert.equal((await other).error.code, 'cancelled');
});

test('a query that cannot be interrupted is killed', async (t) => {
  const { source, pool } = await fixture(t);
  // Planning hears no interrupt.
  const sql = `SELECT ${'1 AND '.repeat(40000)}1`;
  const answer = await pool.run(source, sql, { milliseconds: 300 });
  assert.equal(answer.error.code, 'timeout', JSON.stringify(answer).slice(0, 300));
  assert.match(answer.error.message, /longer than the 0.3 seconds allowed/);
  assert.deepEqual(await pool.rows(source, 'SELECT count(*) FROM n'), [[100000]]);
});

test('limits on time, CPU and bytes have errors of their own', NEEDS_LIMITS, async (t) => {
  const { source, pool } = await fixture(t);
  const code = async (sql, more) => (await pool.run(source, sql, more)).error;
  assert.equal((await code(ENDLESS, { milliseconds: 400 })).code, 'timeout');
  assert.match((await code(ENDLESS, { cpu_seconds: 1 })).message, /CPU time/);
  const large = await code('FROM n a, n b', { limit: 1e9, most_bytes: 1e6, silent: true });
  assert.equal(large.code, 'too_large');
  assert.match(large.message, /larger than the 1000000 bytes/);
  const memory = await code("SELECT string_agg(repeat('x', 10000), '') FROM n");
  assert.ok(['too_large', 'failed', 'invalid'].includes(memory.code), JSON.stringify(memory));
  // One request for more than there is comes to an end of its own, with advice that can be followed.
  const { message } = await code('SELECT hex(repeat(\'x\', 100000000))');
  assert.match(message, /^Query error: Out of Memory Error: .*; a query may use no more: filter/);
  assert.doesNotMatch(message, /SET |\n/);
  assert.deepEqual(await pool.rows(source, 'SELECT count(*) FROM n'), [[100000]]);
});

test('a reader that is slow does not use up the time of its query', async (t) => {
  const { source, pool } = await fixture(t);
  // More than what lies between the two can hold, and no more: the time is for the reader.
  const answer = await pool.run(source, 'SELECT n.i, n.k FROM n, range(10)',
    { limit: 1e6, format: 'csv', silent: true, milliseconds: 4000, hold: 6000 });
  assert.equal(answer.error, undefined, JSON.stringify(answer.error));
  assert.equal(answer.summary.rows, 1e6);
});

test('a result that nobody reads to its end leaves the worker usable', async (t) => {
  const { source, pool } = await fixture(t, { workers: 1 });
  for (const format of ['json', 'ndjson', 'csv', 'parquet', 'arrow']) {
    for (const limit of [{ limit: 1e9 }, { unlimited: true }]) {
      // Its first bytes come soon, although one batch of it would not fit into any memory.
      const { abandoned } = await pool.run(source, 'FROM n a, n b, n c', { ...limit, format, abandon: true });
      assert.equal(abandoned, true, format);
      assert.deepEqual(await pool.rows(source, 'SELECT count(*) FROM n'), [[100000]], format);
    }
  }
});

test('users take turns, wait in a queue, and are refused when it is full', async (t) => {
  const { source, pool } = await fixture(t, { workers: 2, running_a_user: 1, queued: 3, queued_a_user: 2 });
  const first = pool.run(source, ENDLESS, { id: 'a1', user: 'alice' });
  await until('alice has a worker', () => running(pool, 'a1'));
  const waiting = pool.run(source, 'SELECT 1', { id: 'a2', user: 'alice' });
  const another = pool.run(source, 'SELECT 2', { id: 'a3', user: 'alice' });
  await until('two of hers wait', async () =>
    (await pool.report()).queries.filter(({ state }) => state === 'queued').length === 2);
  const refused = await pool.run(source, 'SELECT 3', { user: 'alice' });
  assert.equal(refused.error.code, 'busy');
  assert.match(refused.error.message, /try again later/);
  // Bob came last and is served at once.
  assert.deepEqual(await pool.rows(source, 'SELECT 4', { user: 'bob' }), [[4]]);
  // What waits can be cancelled too.
  await pool.cancel('a3', 'alice');
  assert.equal((await another).error.code, 'cancelled');
  await pool.cancel('a1', 'alice');
  assert.equal((await first).error.code, 'cancelled');
  assert.equal((await waiting).summary.rows, 1);
});

test('whoever waits too long is told so', async (t) => {
  const { source, pool } = await fixture(t, { workers: 1, queue_seconds: 1 });
  const first = pool.run(source, ENDLESS, { id: 'long' });
  await until('it runs', () => running(pool, 'long'));
  const { error } = await pool.run(source, 'SELECT 1');
  assert.deepEqual([error.code, error.message], ['busy', 'the query waited 1 seconds for its turn; try again later']);
  await pool.cancel('long');
  await first;
});

test('the source that was not used longest gives up its worker', async (t) => {
  const { folder, source, pool } = await fixture(t, { workers: 2 });
  const b = await writeSource(folder, 'b', { n: 'SELECT 2 AS i' });
  const c = await writeSource(folder, 'c', { n: 'SELECT 3 AS i' });
  await pool.rows(source, 'SELECT max(i) FROM n');
  await pool.rows(b, 'FROM n');
  await pool.rows(source, 'SELECT max(i) FROM n');
  const [ofMain, ofB] = (await pool.report()).workers;
  assert.deepEqual(await pool.rows(c, 'FROM n'), [[3]]);
  assert.deepEqual((await pids(pool)).includes(ofMain.pid), true);
  await until('the worker of b is gone', () => !isAlive(ofB.pid));
});

test('what a worker remembers of a statement changes no answer', async (t) => {
  const { folder, source, pool } = await fixture(t, { workers: 1 });
  // More than it remembers, twice, and with other limits and formats.
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 70; i++) {
      const sql = `SELECT i AS "c${i}", i + ${i} FROM n WHERE i < 3 ORDER BY i`;
      const answer = await pool.run(source, sql, { limit: 1 + round });
      assert.deepEqual(JSON.parse(answer.text), { columns: [`c${i}`, `(i + ${i})`], rows: [[0, i], [1, i + 1]].slice(0, 1 + round),
        row_count: 1 + round, truncated: true });
      assert.deepEqual(answer.summary.columns, [[`c${i}`, 'BIGINT'], [`(i + ${i})`, 'BIGINT']]);
    }
  }
  const sql = 'SELECT i, k FROM n WHERE i < 2 ORDER BY i';
  for (let round = 0; round < 2; round++) {
    assert.equal((await pool.run(source, sql, { format: 'csv' })).text, 'i,k\n0,0\n1,1\n');
    assert.equal((await pool.run(source, sql, { format: 'ndjson' })).text, '{"i":0,"k":0}\n{"i":1,"k":1}\n');
  }
  // What fails is not remembered; what fails while it runs fails again.
  for (let round = 0; round < 2; round++) {
    assert.match((await pool.run(source, 'SELECT nothing FROM n')).error.message, /"nothing" not found/);
    assert.equal((await pool.run(source, 'FROM secrets')).error.code, 'denied');
    assert.match((await pool.run(source, "SELECT error('no ' || max(i)) FROM n")).error.message, /no 99999/);
  }
  const next = await writeSource(folder, 'main', { n: "SELECT 'x' AS i, 5 AS k" }, '2');
  assert.equal((await pool.run(next, sql.replace('< 2', "= 'x'"), { format: 'csv' })).text, 'i,k\nx,5\n');
});

test('another edition has workers of its own; the old ones finish and go', async (t) => {
  const { folder, source, pool } = await fixture(t);
  await pool.rows(source, 'SELECT 1');
  const [old] = await pids(pool);
  const long = pool.run(source, 'FROM n, range(50)', { id: 'old', limit: 1e9, format: 'csv', silent: true, hold: 500 });
  await until('it runs', () => running(pool, 'old'));
  const next = await writeSource(folder, 'main', { n: 'SELECT 7 AS i' }, '2');
  await pool.retire('main', '2');
  assert.deepEqual(await pool.rows(next, 'FROM n'), [[7]]);
  assert.equal((await long).summary.rows, 5000000);
  await until('the old worker is gone', () => !isAlive(old));
  assert.deepEqual((await pool.report()).workers.map(({ edition }) => edition), ['2']);
});

test('a pool that ends cancels what runs and what waits', async (t) => {
  const folder = temporaryFolder(t);
  const source = await writeSource(folder, 'main', { n: 'SELECT i, i % 10 AS k FROM range(100000) t(i)' });
  const pool = new Pool(folder, { workers: 1 });
  // One whose result has begun, and goes on to compute.
  const begun = pool.run(source, 'SELECT i, md5(i::VARCHAR) FROM range(10000000000) t(i) WHERE i < 100000 OR sqrt(i) < 0',
    { id: 'begun', format: 'csv', limit: 1e9, silent: true });
  await until('it runs', () => running(pool, 'begun'));
  const waiting = pool.run(source, 'SELECT 1', { id: 'waiting' });
  await until('another waits', async () => (await pool.report()).queries.length === 2);
  pool.write({ end: true });
  assert.deepEqual([(await begun).error.code, (await waiting).error.code], ['cancelled', 'cancelled']);
  assert.deepEqual(await pool.ended, { code: 0, signal: null });
});

test('a worker that was killed costs only the query that ran in it', async (t) => {
  const { source, pool } = await fixture(t, { workers: 2 });
  const doomed = pool.run(source, ENDLESS, { id: 'doomed' });
  const other = pool.run(source, 'FROM n, range(20)', { id: 'other', limit: 1e9, format: 'csv', silent: true, hold: 500 });
  await until('both run', async () => await running(pool, 'doomed') && await running(pool, 'other'));
  // Which of the two runs what: the one that computes has used more CPU.
  const cpu = (pid) => Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')[11]);
  await sleep(500);
  const [busy] = (await pids(pool)).sort((a, b) => cpu(b) - cpu(a));
  process.kill(busy, 'SIGKILL');
  const { error } = await doomed;
  assert.equal(error.code, 'failed');
  assert.match(error.message, /the process that ran the query was killed by signal 9/);
  assert.equal((await other).summary.rows, 2000000);
  // One that dies while it is idle costs nothing.
  for (const pid of await pids(pool)) process.kill(pid, 'SIGKILL');
  assert.deepEqual(await pool.rows(source, 'SELECT count(*) FROM n'), [[100000]]);
});

// The processes that the driver has started, by their parent in /proc.
const children = (parent) => readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).map(Number).filter((pid) => {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')[1]) === parent;
  } catch {
    return false; // it has just ended
  }
});

test('a worker waits in reserve for the next source', async (t) => {
  const { folder, source, pool } = await fixture(t);
  const b = await writeSource(folder, 'b', { n: 'SELECT 2 AS i' });
  let edition = 1;
  // It need not be ready yet; then a source starts one of its own.
  const takesTheReserve = async (each) => {
    const taken = await pids(pool);
    const reserve = children(pool.child.pid).filter((pid) => !taken.includes(pid));
    await pool.rows({ ...each, edition: `${++edition}` }, 'SELECT max(i) FROM n');
    return reserve.length === 1 && (await pids(pool)).includes(reserve[0]);
  };
  for (const each of [source, b, b]) await until('the one in reserve is taken', () => takesTheReserve(each));
  // One that was killed meanwhile is not missed.
  const taken = await pids(pool);
  const reserve = () => children(pool.child.pid).filter((pid) => !taken.includes(pid));
  await until('one is in reserve', () => reserve().length === 1);
  const [doomed] = reserve();
  process.kill(doomed, 'SIGKILL');
  assert.deepEqual(await pool.rows({ ...b, edition: 'last' }, 'FROM n'), [[2]]);
});

test('a worker that keeps too much address space after a query is replaced', NEEDS_LIMITS, async (t) => {
  const patient = await fixture(t, { workers: 1 });
  const [first] = await (async () => { await patient.pool.rows(patient.source, 'FROM n LIMIT 1'); return pids(patient.pool); })();
  for (let i = 0; i < 3; i++) await patient.pool.rows(patient.source, 'SELECT k, count(*) FROM n GROUP BY k');
  assert.deepEqual(await pids(patient.pool), [first]);
  // The heap of a thread is more than a megabyte, but which queries need a new one is chance.
  const { source, pool } = await fixture(t, { workers: 1, kept_mb: 1 });
  let worker;
  await until('it is gone', async () => {
    const rows = await pool.rows(source, 'SELECT k, len(list(i ORDER BY i)) FROM n, range(20) GROUP BY k');
    assert.equal(rows.length, 10);
    const now = await pids(pool);
    worker ??= now[0];
    return !now.includes(worker);
  });
  assert.deepEqual(await pool.rows(source, 'SELECT count(*) FROM n'), [[100000]]);
});

test('a worker has an empty environment, no foreign descriptors, and ends with its server', async (t) => {
  const folder = temporaryFolder(t);
  const source = await writeSource(folder, 'main', { n: 'SELECT 1 AS i' });
  const pool = new Pool(folder, {});
  t.after(() => pool.child.kill('SIGKILL'));
  await pool.rows(source, 'FROM n');
  const [pid] = await pids(pool);
  if (process.getuid() === 0) {
    assert.equal(readFileSync(`/proc/${pid}/environ`, 'utf8'), '');
    const open = Object.fromEntries(readdirSync(`/proc/${pid}/fd`).map((fd) => [fd, readlinkSync(`/proc/${pid}/fd/${fd}`)]));
    delete open[2]; // the log, wherever the test's own output goes
    assert.deepEqual(Object.values(open).filter((to) => to.startsWith('/') && !to.startsWith('/dev/') && !to.startsWith(folder)), []);
    assert.equal(Object.values(open).filter((to) => to.startsWith('socket:')).length, 1);
  }
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  assert.match(status, /^NoNewPrivs:\s1$/m);
  assert.match(status, /^Seccomp:\s2$/m);
  process.kill(pool.child.pid, 'SIGKILL');
  await pool.ended;
  await until('the worker is gone', () => !isAlive(pid));
});

test('what does not fit into memory goes to a folder that goes with the worker', NEEDS_LIMITS, async (t) => {
  const { folder, source, pool } = await fixture(t, { memory_mb: 128, address_space_mb: 2048, workers: 1 });
  const sql = "SELECT count(*), max(s) FROM (SELECT n.i || '-' || r.range || repeat('x', 50) AS s FROM n, range(40) r ORDER BY s DESC OFFSET 1)";
  const query = pool.run(source, sql, { milliseconds: 120000, cpu_seconds: 300 });
  const workers = path.join(folder, 'workers');
  let spilled = false;
  let done = false;
  query.then(() => { done = true; });
  while (!done) {
    for (const worker of existsSync(workers) ? readdirSync(workers) : []) {
      spilled ||= readdirSync(path.join(workers, worker)).length > 0;
    }
    await sleep(10);
  }
  const answer = await query;
  assert.equal(answer.error, undefined, JSON.stringify(answer.error));
  assert.equal(JSON.parse(answer.text).rows[0][0], 3999999);
  assert.ok(spilled, 'the sort used the disk');
  for (const pid of await pids(pool)) process.kill(pid, 'SIGKILL');
  await pool.rows(source, 'SELECT 1');
  await until('only the worker and the one in reserve have folders', () => readdirSync(workers).length === 2);
});

test('a thousand tables cost nothing until they are named', async (t) => {
  const { folder, source, pool } = await fixture(t);
  const wide = { key: 'wide', edition: '1', folder: path.join(folder, 'wide'), tables: [] };
  await mkdir(wide.folder);
  for (let i = 0; i < 1000; i++) {
    wide.tables.push(`table_${i}`);
    await link(path.join(source.folder, 'n.parquet'), path.join(wide.folder, `table_${i}.parquet`));
  }
  assert.deepEqual(await pool.rows(wide, 'SELECT count(*) FROM Table_7 JOIN table_999 USING (i)'), [[100000]]);
  assert.equal((await pool.run(wide, 'FROM table_1000')).error.code, 'denied');
});

test('the memory of the server stays flat, however much streams and however many ask', NEEDS_LIMITS, async (t) => {
  const { source, pool } = await fixture(t, { workers: 3, memory_mb: 256 });
  await pool.rows(source, 'SELECT 1');
  const before = resident(pool.child.pid);
  const stream = await pool.run(source, "SELECT n.i, repeat('x', 200) AS s FROM n, range(100)",
    { limit: 1e9, format: 'csv', silent: true, milliseconds: 300000, cpu_seconds: 600 });
  assert.ok(stream.bytes > 2e9, JSON.stringify(stream));
  const heavy = await Promise.all(Array.from({ length: 50 }, (_, i) => pool.run(source,
    'SELECT a.k, count(DISTINCT a.i * b.i) FROM n a JOIN n b USING (k) WHERE a.i < 4000 AND b.i < 400 GROUP BY ALL',
    { user: `u${i % 5}`, milliseconds: 60000 })));
  for (const answer of heavy) {
    assert.ok(answer.summary?.rows === 10 || ['busy', 'too_large', 'timeout', 'failed'].includes(answer.error?.code),
      JSON.stringify(answer).slice(0, 300));
  }
  assert.ok(resident(pool.child.pid) - before < 48e6, `${before} to ${resident(pool.child.pid)}`);
});

test('killing a random worker every second loses only what ran in it', async (t) => {
  const { source, pool } = await fixture(t, { workers: 3 });
  const end = Date.now() + STORM_SECONDS * 1000;
  let killed = 0;
  let right = 0;
  const lost = [];
  const killer = (async () => {
    while (Date.now() < end) {
      const [victim] = (await pids(pool)).sort(() => Math.random() - 0.5);
      if (victim) {
        process.kill(victim, 'SIGKILL');
        killed++;
      }
      await sleep(1000);
    }
  })();
  const client = async (number) => {
    while (Date.now() < end) {
      const answer = await pool.run(source, 'SELECT k, count(*), sum(i)::BIGINT FROM n GROUP BY k ORDER BY k', { user: `u${number}` });
      if (answer.error) lost.push(answer.error);
      else {
        const { rows } = JSON.parse(answer.text);
        assert.deepEqual(rows.map(([k, count, sum]) => [k, count, sum]), Array.from({ length: 10 }, (_, k) => [k, 10000, 499950000 + k * 10000]));
        right++;
      }
    }
  };
  await Promise.all([killer, ...Array.from({ length: 6 }, (_, i) => client(i))]);
  assert.ok(right > 0, `${right} queries`);
  assert.ok(lost.length <= killed, `${lost.length} lost of ${killed} killed`);
  for (const error of lost) assert.match(error.message, /was killed by signal 9|cannot start/, JSON.stringify(error));
});

test('editions that are published while queries run never mix and never fail', async (t) => {
  const folder = temporaryFolder(t);
  const pool = startPool(t, folder, { workers: 4 });
  const publish = (edition) => writeSource(folder, 'live', {
    a: `SELECT ${edition} AS edition, i FROM range(20000) t(i)`, b: `SELECT ${edition} AS edition, i FROM range(20000) t(i)`,
  }, String(edition)).then((source) => ({ ...source, remove: true }));
  let current = await publish(1);
  const end = Date.now() + STORM_SECONDS * 1000;
  const publisher = (async () => {
    for (let edition = 2; Date.now() < end; edition++) {
      const next = await publish(edition);
      const old = current;
      current = next;
      await pool.retire('live', String(edition));
      await pool.drop(old);
    }
  })();
  let right = 0;
  const client = async () => {
    while (Date.now() < end) {
      const source = current;
      const answer = await pool.run(source, `SELECT count(*), min(a.edition), max(a.edition), min(b.edition), max(b.edition),
        (SELECT max(edition) FROM a), (SELECT min(edition) FROM b) FROM a JOIN b USING (i)`);
      // It was dropped before it was asked for: a server looks again.
      if (answer.error?.code === 'dropped') continue;
      assert.equal(answer.error, undefined, JSON.stringify(answer.error));
      const [row] = JSON.parse(answer.text).rows;
      assert.deepEqual(row, [20000, ...Array(6).fill(Number(source.edition))]);
      right++;
    }
  };
  await Promise.all([publisher, client(), client(), client()]);
  assert.ok(right > 0 && Number(current.edition) > 2, `${right} queries, ${current.edition} editions`);
  await until('only the last folder is left', () =>
    readdirSync(folder).filter((name) => name.startsWith('live-')).length === 1);
});

test('what a server that was killed left behind is removed', async (t) => {
  const folder = temporaryFolder(t);
  const source = await writeSource(folder, 'main', { n: 'SELECT 1 AS i' });
  const first = new Pool(folder, {});
  await first.rows(source, 'FROM n');
  process.kill(first.child.pid, 'SIGKILL');
  await first.ended;
  const left = readdirSync(path.join(folder, 'workers'));
  assert.ok(left.length >= 1);
  const second = startPool(t, folder);
  await second.report();
  assert.deepEqual(readdirSync(path.join(folder, 'workers')).filter((name) => left.includes(name)), []);
  rmSync(path.join(folder, 'workers'), { recursive: true });
});
