// Profiling the order items of the large sample (11 million rows), by a sample and whole, beside a SUMMARIZE of the whole
// table by a bare DuckDB with as many threads and as much memory. Both are processes of their own that read the file.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROUNDS = 3;
const AGNESD = path.join(process.env.AGNES_BUILD ?? 'build', 'agnesd');
const TESTS = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

function seconds(program, args, options = {}) {
  const start = process.hrtime.bigint();
  const result = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 26, ...options });
  if (result.status !== 0) throw new Error(result.stderr);
  return Number(process.hrtime.bigint() - start) / 1e9;
}

const SUMMARIZE = `
  const { DuckDBInstance } = require('@duckdb/node-api');
  (async () => {
    const instance = await DuckDBInstance.create(':memory:', { threads: '2', memory_limit: '4GB' });
    const connection = await instance.connect();
    await connection.runAndReadAll("SUMMARIZE FROM '" + process.argv[1] + "'");
    connection.closeSync();
    instance.closeSync();
  })();`;

const folder = mkdtempSync(path.join(os.tmpdir(), 'agnes-bench-'));
try {
  seconds(AGNESD, ['sample-data', folder, '--size', 'large', '--format', 'parquet']);
  const file = path.join(folder, 'order_items.parquet');
  const profile = (...args) => seconds(AGNESD, ['profile', file, '--json', '--data-dir', folder, ...args]);
  const times = { summarize: [], sampled: [], exact: [] };
  for (let round = 0; round < ROUNDS; round++) {
    times.summarize.push(seconds(process.execPath, ['-e', SUMMARIZE, file], { cwd: TESTS }));
    times.sampled.push(profile());
    times.exact.push(profile('--exact'));
  }
  const peer = median(times.summarize);
  for (const [kind, target] of [['sampled', 0.5], ['exact', 1.5]]) {
    const ours = median(times[kind]);
    console.log([`profile of 11 million rows, ${kind}, beside SUMMARIZE`, `${ours.toFixed(2)} s`, `${peer.toFixed(2)} s`,
      (ours / peer).toFixed(2), `<= ${target}`, ours / peer <= target ? 'ok' : 'short'].join('\t'));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
