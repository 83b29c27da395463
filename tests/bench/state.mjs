// The state database: migration of an old one, opening, look-ups.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { AGNESD } from '../system/lib/agnesd.mjs';
import { execute, makeState, statePath } from '../system/lib/state.mjs';

const MIGRATIONS = 5;
const folder = mkdtempSync(path.join(os.tmpdir(), 'agnes-bench-'));

const report = (measure, ours, peer, ratio, target, good) =>
  console.log([measure, ours, peer, ratio, target, good ? 'ok' : 'short'].join('\t'));
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

function bench(what, dataDir) {
  const program = path.join(process.env.AGNES_BUILD, 'tests/bench/state_bench');
  const output = execFileSync(program, [what, dataDir], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return output.trim().split(' ').map(Number);
}

// A file of version 1 with a history, migrated by a process of its own; the peer copies it twice, as it does.
async function migration() {
  const old = path.join(folder, 'old');
  await makeState(old, 1, `INSERT INTO sync_history SELECT uuid()::VARCHAR, 't' || i % 1000,
    TIMESTAMP '2024-01-01' + to_minutes(i), i, 10, 'ok', NULL FROM range(100000) t(i)`);
  const ours = [];
  const peer = [];
  for (let i = 0; i < MIGRATIONS; i++) {
    const dataDir = path.join(folder, `migration-${i}`);
    mkdirSync(path.join(dataDir, 'state'), { recursive: true });
    copyFileSync(statePath(old), statePath(dataDir));
    let start = performance.now();
    execFileSync(AGNESD, ['migrate', `--data-dir=${dataDir}`], { stdio: 'ignore' });
    ours.push(performance.now() - start);
    start = performance.now();
    for (const copy of ['a', 'b']) copyFileSync(statePath(old), path.join(dataDir, copy));
    peer.push(performance.now() - start);
    rmSync(dataDir, { recursive: true });
  }
  const taken = median(ours);
  report('state: migrate version 1 with 100,000 rows of history', `${(taken / 1000).toFixed(2)} s`,
    `${(median(peer) / 1000).toFixed(2)} s (two copies)`, '-', '<= 2 s', taken <= 2000);
}

async function present() {
  const dataDir = path.join(folder, 'present');
  execFileSync(AGNESD, ['migrate', `--data-dir=${dataDir}`], { stdio: 'ignore' });
  await execute(statePath(dataDir),
    `INSERT INTO users (id, email, name) SELECT 'user-' || i, i || '@example.com', 'User ' || i FROM range(10000) t(i)`,
    `INSERT INTO user_group_members (user_id, group_id, source)
     SELECT u.id, g.id, 'admin' FROM users u, user_groups g WHERE g.name = 'Everyone'`,
    `INSERT INTO table_registry (id, name, source_type) SELECT 't' || i, 't' || i, 'local' FROM range(1000) t(i)`,
    `INSERT INTO sync_state (table_id, rows, hash) SELECT 't' || i, i, md5(i::VARCHAR) FROM range(1000) t(i)`);
  return dataDir;
}

try {
  await migration();
  const dataDir = await present();
  const [opened, bareOpened] = bench('open', dataDir);
  report('state: open with 10,000 users and 1,000 tables', `${opened} ms`, `${bareOpened} ms (duckdb_open)`,
    (opened / bareOpened).toFixed(2), '<= 60 ms', opened <= 60);
  const [found, bareFound] = bench('lookup', dataDir);
  report('state: prepared look-up through src/duck', `${found} us`, `${bareFound} us (C API)`,
    (found / bareFound).toFixed(3), '<= 1.2', found / bareFound <= 1.2);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
