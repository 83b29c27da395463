// timeout: 300
// A worker that an attacker has taken over says whatever it likes: the server gets over it in bounded time, without
// holding what it is sent, and serves the next query by another worker.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import test, { describe } from 'node:test';
import { temporaryFolder } from './lib/agnesd.mjs';
import { HOSTILE, startPool } from './lib/queries.mjs';

const LIMITS = { milliseconds: 1500, most_bytes: 20e6, silent: true };
const NO_ANSWER = /^Query error: the process that ran the query gave no proper answer: /;
const GONE = /^Query error: the process that ran the query was killed|^Query error: the process that ran the query ended/;

// What each deed of the worker looks like to the caller of the query.
const DEEDS = {
  'send garbage': ['failed', NO_ANSWER],
  'announce gigabytes': ['failed', NO_ANSWER],
  'announce and wait': ['failed', NO_ANSWER],
  drip: ['failed', NO_ANSWER],
  'leave in the middle': ['failed', GONE],
  nest: ['failed', NO_ANSWER],
  flood: ['too_large', /larger than the 20000000 bytes/],
  'close the pipe': ['timeout', /longer than the 1.5 seconds/],
  'hang up': ['failed', GONE],
  mute: ['timeout', /longer than the 1.5 seconds/],
  'answer with a list': ['failed', /makes no sense/],
  'answer with nothing': ['failed', /makes no sense/],
  'fail wrongly': ['failed', /gave no reason/],
  'fail with a list': ['failed', /gave no reason/],
};
// These are answers, or look like one for as long as this query runs.
const ANSWERS = ['answer well', 'answer with wrong types', 'answer with a number', 'answer twice', 'answer and flood',
  'answer and stop reading'];

function fixture(t) {
  const folder = temporaryFolder(t);
  const pool = startPool(t, folder, { ...HOSTILE, workers: 1, stderr: 'ignore' });
  return { folder, pool, source: { key: 'main', edition: '1', folder, tables: [] } };
}

const resident = (pid) => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
const descriptors = (pid) => readdirSync(`/proc/${pid}/fd`).length;
const cpuSeconds = (pid) => {
  const [user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ').slice(11, 13);
  return (Number(user) + Number(system)) / 100;
};

describe('a worker that does this fails its query alone', { concurrency: 4 }, () => {
  for (const [deed, [code, message]] of Object.entries(DEEDS)) {
    test(deed, async (t) => {
      const { pool, source } = fixture(t);
      const { error } = await pool.run(source, deed, LIMITS);
      assert.equal(error?.code, code, JSON.stringify(error));
      assert.match(error.message, message);
      assert.equal((await pool.run(source, 'answer well', LIMITS)).error, undefined);
    });
  }
});

describe('a worker that does this meets whoever comes next, but not for ever', { concurrency: 4 }, () => {
  for (const deed of ANSWERS) {
    test(deed, async (t) => {
      const { pool, source } = fixture(t);
      await pool.run(source, deed, LIMITS);
      let answer;
      for (let i = 0; i < 3 && !answer?.summary; i++) answer = await pool.run(source, 'answer well', LIMITS);
      assert.equal(answer.error, undefined, JSON.stringify(answer));
      assert.equal((await pool.report()).queries.length, 0);
    });
  }

  test('a worker that stops listening has not begun the next query, which another takes', async (t) => {
    const { pool, source } = fixture(t);
    await pool.run(source, 'answer and stop reading', LIMITS);
    // More than the socket holds.
    const answer = await pool.run(source, `answer well${' '.repeat(250 * 1024)}`, LIMITS);
    assert.equal(answer.summary?.rows, 1, JSON.stringify(answer));
  });
});

test('waiting for a worker that has closed its pipe costs nothing', async (t) => {
  const { pool, source } = fixture(t);
  await pool.run(source, 'answer well', LIMITS);
  const before = cpuSeconds(pool.child.pid);
  await pool.run(source, 'close the pipe', { ...LIMITS, milliseconds: 4000 });
  assert.ok(cpuSeconds(pool.child.pid) - before < 2, `${cpuSeconds(pool.child.pid) - before} seconds`);
});

test('neither memory nor descriptors nor folders are left of them', async (t) => {
  const { folder, pool, source } = fixture(t);
  await pool.run(source, 'answer well', LIMITS);
  const before = [resident(pool.child.pid), descriptors(pool.child.pid)];
  for (let i = 0; i < 5; i++) {
    for (const deed of ['announce gigabytes', 'nest', 'flood', 'leave in the middle', 'answer and flood']) {
      await pool.run(source, deed, LIMITS);
    }
  }
  const after = [resident(pool.child.pid), descriptors(pool.child.pid)];
  assert.ok(after[0] - before[0] < 32e6 || process.env.AGNES_SANITIZE, `${before[0]} to ${after[0]} bytes`);
  assert.ok(after[1] - before[1] < 10, `${before[1]} to ${after[1]} descriptors`);
  assert.ok(readdirSync(path.join(folder, 'workers')).length <= 2);
});
