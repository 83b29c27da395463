// timeout: 300
// Statements made at random of everything that gives names a meaning: what the guard lets pass binds, so that no name
// reaches DuckDB's catalog, or a file, which the guard took for a common table expression.
import assert from 'node:assert/strict';
import test from 'node:test';
import { temporaryFolder } from './lib/agnesd.mjs';
import { startPool, writeSource } from './lib/queries.mjs';

const STATEMENTS = Number(process.env.AGNES_RANDOM_STATEMENTS ?? 1500);
const SEED = Number(process.env.AGNES_RANDOM_SEED ?? Date.now() % 1e9);

// mulberry32: the same statements for the same seed.
let state = SEED;
function below(n) {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) % n;
}

const pick = (...choices) => choices[below(choices.length)];
const named = () => pick('secret', 'secret', 'orders', 'a', 'r', 'main.secret', 'main.orders', '"SECRET"', '"x.parquet"');
const defined = () => pick('secret', 'a', 'b', 'orders', '"Secret"', '"x.parquet"');

const SHAPES = [
  (q) => `WITH ${defined()} AS (${q()}) SELECT id FROM (${q()})`,
  (q) => `WITH a AS (${q()}), b AS MATERIALIZED (${q()}) SELECT id FROM (${q()})`,
  (q) => `(${q()}) ${pick('UNION', 'UNION ALL', 'EXCEPT', 'INTERSECT')} (${q()})`,
  (q) => `(WITH ${defined()} AS (${q()}) SELECT id FROM (${q()})) UNION ALL BY NAME (${q()})`,
  (q) => `SELECT (SELECT count(*) FROM (${q()})) AS id FROM (${q()})`,
  (q) => `SELECT x.id FROM (${q()}) x ${pick('', 'LEFT', 'SEMI', 'ANTI')} JOIN (${q()}) y ON true`,
  (q) => `SELECT z.id FROM (${q()}) z, LATERAL (${q()}) w`,
  (q) => `WITH RECURSIVE ${defined()}(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM ${named()} WHERE id < 3) SELECT id FROM (${q()})`,
  (q) => `WITH RECURSIVE r(id) USING KEY (id) AS (SELECT 1 UNION SELECT id + 1 FROM recurring.r WHERE id < 0) SELECT id FROM (${q()})`,
  (q) => `SELECT EXISTS (${q()}) AS id`,
  (q) => `SELECT 1 IN (SELECT id FROM (${q()})) AS id FROM ${named()}`,
  (q) => `SELECT list_transform([1], e -> e + 1)[1] AS id, ARRAY(SELECT 1 FROM (${q()})) AS l`,
  (q) => `SELECT id FROM (${q()}) LIMIT (SELECT count(*) FROM (${q()}))`,
  (q) => `SELECT id FROM (${q()}) GROUP BY ALL HAVING id >= (SELECT max(id) FROM (${q()}))`,
];

function statement(depth) {
  if (depth <= 0) return pick('SELECT 1 AS id', `SELECT id FROM ${named()}`);
  return pick(...SHAPES)(() => statement(depth - 1 - below(2)));
}

test('what passes the guard finds each of its names', async (t) => {
  const folder = temporaryFolder(t);
  const source = await writeSource(folder, 'main', { orders: 'SELECT 1 AS id' });
  const pool = startPool(t, folder, { workers: 2 });
  const seen = { ok: 0, denied: 0 };
  for (let i = 0; i < STATEMENTS; i++) {
    const sql = statement(1 + below(4));
    const { error } = await pool.run(source, sql, { limit: 3 });
    const kind = error?.code ?? 'ok';
    seen[kind] = (seen[kind] ?? 0) + 1;
    const shown = `seed ${SEED}: ${sql}: ${error?.message}`;
    assert.ok(['ok', 'denied', 'invalid'].includes(kind), shown);
    if (kind === 'invalid' && !error.message.startsWith('Only single SELECT'))
      assert.doesNotMatch(error.message, /Catalog Error|IO Error|Permission Error|parser error|Parser Error/, shown);
  }
  assert.ok(seen.ok > STATEMENTS / 20 && seen.denied > STATEMENTS / 20, JSON.stringify(seen));
});
