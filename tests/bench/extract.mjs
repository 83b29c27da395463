// The large sample from CSV to parquet: agnesd extract local, with its checks, MD5 and fsync, beside the bare COPY
// statements in one process with the same memory limit and, as extractors have it, niceness.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, mkdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const BUILD = process.env.AGNES_BUILD ?? 'build';
const AGNESD = path.join(BUILD, 'agnesd');
const BARE = path.join(BUILD, 'tests/bench/bare_copy');
const ROUNDS = 3;
const LIMIT = '2000000000B'; // the default of extract.memory_limit
const SAMPLE_MILLISECONDS = 20;

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

// How long a program runs and the most memory that it has had, in seconds and MB.
function measure(program, args, input) {
  return new Promise((resolve, reject) => {
    const start = process.hrtime.bigint();
    const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'inherit'] });
    let peak = 0;
    const timer = setInterval(() => {
      try {
        peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? peak);
      } catch {
        // it has just ended
      }
    }, SAMPLE_MILLISECONDS);
    child.stdin.end(input);
    child.on('error', reject);
    child.on('exit', (code) => {
      clearInterval(timer);
      if (code !== 0) reject(new Error(`${program} exited with ${code}`));
      else resolve({ seconds: Number(process.hrtime.bigint() - start) / 1e9, megabytes: peak / 1024 });
    });
  });
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'agnes-bench-'));
const inbox = path.join(folder, 'inbox');
try {
  const built = spawnSync('ninja', ['-C', BUILD, 'tests/bench/bare_copy'], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (built.status !== 0) throw new Error('bare_copy could not be built');
  const sample = spawnSync(AGNESD, ['sample-data', inbox, '--size', 'large'], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (sample.status !== 0) throw new Error('there is no sample data');
  const tables = readdirSync(inbox).filter((name) => name.endsWith('.csv')).map((name) => name.slice(0, -4));
  const bare = path.join(folder, 'bare');
  mkdirSync(bare);
  const pairs = tables.flatMap((name) => [path.join(inbox, `${name}.csv`), path.join(bare, `${name}.parquet`)]);
  const rows = JSON.stringify(tables.map((name) => ({ name })));
  const results = { ours: [], peer: [] };
  for (let round = 0; round < ROUNDS; round++) {
    results.peer.push(await measure('nice', ['-n', '10', BARE, LIMIT, path.join(folder, 'spill'), ...pairs], ''));
    // What did not change is not read again.
    rmSync(path.join(folder, 'extracts'), { recursive: true, force: true });
    results.ours.push(await measure(AGNESD, ['extract', 'local', '--data-dir', folder], rows));
  }
  const line = (name, key, unit, target) => {
    const [ours, peer] = [results.ours, results.peer].map((list) => median(list.map((result) => result[key])));
    const ratio = ours / peer;
    console.log([name, `${ours.toFixed(1)} ${unit}`, `${peer.toFixed(1)} ${unit}`, ratio.toFixed(2), `<= ${target}`,
      ratio <= target ? 'ok' : 'short'].join('\t'));
  };
  line('CSV to parquet, large sample', 'seconds', 's', 1.15);
  line('CSV to parquet, peak memory', 'megabytes', 'MB', 1.2);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
