// Runs the tests of one or more build folders, two programs at a time, and counts single tests.
// A program that crashes, hangs, or reports fewer tests than it announced counts as a failed test.
//
//   node tests/run.mjs --build=FOLDER... [--lint] [-- NAME...]
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

const PARALLEL = 2;
const UNIT_SECONDS = 120;
const SYSTEM_SECONDS = 300;
const LINT_SECONDS = 1800;
const SANITIZER_FACTOR = 4; // how much longer everything may take there
const SHOWN_LINES = 80; // of a failed program's log

const { values: options, positionals: names } = parseArgs({
  allowPositionals: true,
  options: { build: { type: 'string', multiple: true, default: [] }, lint: { type: 'boolean' } },
});

const COMMON_ENV = {
  G_SLICE: 'always-malloc', // GLib's own allocator hides leaks
  G_DEBUG: 'fatal-criticals',
  LC_ALL: 'C.UTF-8',
  TZ: 'Europe/Prague', // not UTC, with daylight saving: code that forgets to say UTC shows up
};

function sanitizerEnv(build) {
  const strict = 'halt_on_error=1:abort_on_error=1:disable_coredump=1';
  // 2: cmocka must not replace the handler, else a crash comes without its stack.
  const crashes = ['segv', 'sigbus', 'sigfpe', 'sigill'].map((name) => `handle_${name}=2`).join(':');
  return {
    AGNES_SANITIZE: '1',
    ASAN_OPTIONS: `${strict}:${crashes}:detect_stack_use_after_return=1:strict_string_checks=1:` +
      `check_initialization_order=1:detect_leaks=${leaksAreSeen(build) ? 1 : 0}`,
    UBSAN_OPTIONS: `${strict}:print_stacktrace=1`,
    LSAN_OPTIONS: 'print_suppressions=0',
  };
}

// LeakSanitizer needs ptrace, which containers often deny; it then fails every program.
function leaksAreSeen(build) {
  const env = { ...process.env, ASAN_OPTIONS: 'detect_leaks=1' };
  const probe = spawnSync(path.join(build, 'agnesd'), ['--version'], { env, encoding: 'utf8' });
  const denied = /LeakSanitizer has encountered a fatal error/.test(probe.stderr ?? '');
  if (denied) console.log('This machine denies ptrace: leaks are not looked for.');
  return !denied;
}

function isSanitizer(build) {
  const all = JSON.parse(readFileSync(path.join(build, 'meson-info/intro-buildoptions.json')));
  return all.find((option) => option.name === 'b_sanitize').value !== 'none';
}

function unitJobs(build) {
  const tests = JSON.parse(readFileSync(path.join(build, 'meson-info/intro-tests.json')));
  return tests.map((test) => ({
    name: `unit/${test.name}`,
    argv: test.cmd,
    env: { ...test.env, CMOCKA_MESSAGE_OUTPUT: 'TAP' },
    seconds: UNIT_SECONDS,
    count: countUnit,
  }));
}

// A system test that needs longer says so: a line `// timeout: SECONDS`.
function systemJobs() {
  const files = existsSync('tests/system') ? readdirSync('tests/system') : [];
  return files.filter((file) => file.endsWith('.test.mjs')).map((file) => {
    const source = path.join('tests/system', file);
    const longer = /^\/\/ timeout: (\d+)$/m.exec(readFileSync(source, 'utf8'));
    return {
      name: `system/${file.replace('.test.mjs', '')}`,
      argv: [process.execPath, '--test-reporter=spec', '--test-reporter-destination=stdout',
        '--test-reporter=tap', '--test-reporter-destination=TAP_FILE', source],
      env: {},
      seconds: longer ? Number(longer[1]) : SYSTEM_SECONDS,
      count: countSystem,
    };
  });
}

function jobsOf(build) {
  const sanitizer = isSanitizer(build);
  const env = {
    ...COMMON_ENV,
    ...(sanitizer ? sanitizerEnv(build) : { MALLOC_PERTURB_: '165' }),
    AGNES_BUILD: path.resolve(build),
  };
  const logs = path.join(build, 'test-logs');
  rmSync(logs, { recursive: true, force: true });
  mkdirSync(logs, { recursive: true });
  return [...unitJobs(build), ...systemJobs()].map((job) => ({
    ...job,
    build,
    log: path.join(logs, `${job.name.replace('/', '-')}.log`),
    env: { ...process.env, ...env, ...job.env },
    seconds: job.seconds * (sanitizer ? SANITIZER_FACTOR : 1),
  }));
}

function lintJob() {
  mkdirSync('build/test-logs', { recursive: true });
  return {
    name: 'lint',
    argv: ['script/lint'],
    env: process.env,
    seconds: LINT_SECONDS,
    log: 'build/test-logs/lint.log',
    count: (job, code) => ({ passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 }),
  };
}

// A failure that no single test reported.
function missing(counts, problem) {
  return { ...counts, failed: counts.failed + 1, problem };
}

// cmocka prints a plan and a line for each test; a program may run several groups.
function countUnit(job, code) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  let planned = 0;
  for (const line of readFileSync(job.log, 'utf8').split('\n')) {
    const plan = /^1\.\.(\d+)$/.exec(line);
    if (plan) planned += Number(plan[1]);
    else if (/^(not )?ok \d+ # SKIP/.test(line)) counts.skipped++;
    else if (/^not ok \d+ - /.test(line)) counts.failed++;
    else if (/^ok \d+ - /.test(line)) counts.passed++;
  }
  const seen = counts.passed + counts.failed + counts.skipped;
  if (seen < planned || seen === 0) return missing(counts, `reported ${seen} of ${planned} tests`);
  if (code !== 0 && counts.failed === 0) return missing(counts, `ended with status ${code}`);
  return counts;
}

function countSystem(job, code) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const tap = existsSync(job.tap) ? readFileSync(job.tap, 'utf8') : '';
  const total = (what) => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(tap)?.[1] ?? 0);
  counts.passed = total('pass');
  counts.failed = total('fail') + total('cancelled');
  counts.skipped = total('skipped') + total('todo');
  const seen = counts.passed + counts.failed + counts.skipped;
  if (seen === 0) return missing(counts, 'reported no tests');
  if (code !== 0 && counts.failed === 0) return missing(counts, `ended with status ${code}`);
  return counts;
}

const running = new Set();

// The program leads its own process group, so that whatever it started ends with it.
function endGroup(child) {
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // nobody left in it
  }
}

function run(job) {
  return new Promise((resolve) => {
    job.tap = job.log.replace(/\.log$/, '.tap');
    const [program, ...args] = job.argv.map((arg) => arg.replace('TAP_FILE', job.tap));
    const log = openSync(job.log, 'w');
    const child = spawn(program, args, { env: job.env, detached: true, stdio: ['ignore', log, log] });
    let problem = null;
    const timer = setTimeout(() => {
      problem = `did not end within ${job.seconds} s`;
      endGroup(child);
    }, job.seconds * 1000);
    const finish = (code) => {
      clearTimeout(timer);
      running.delete(child);
      if (child.pid) endGroup(child);
      closeSync(log);
      const counts = job.count(job, code);
      resolve({ job, ...counts, problem: problem ?? counts.problem });
    };
    running.add(child);
    child.on('error', (error) => {
      problem = `could not be started: ${error.message}`;
      finish(-1);
    });
    child.on('exit', (code, signal) => {
      if (signal && !problem) problem = `died of ${signal}`;
      finish(code ?? -1);
    });
  });
}

function report({ job, problem, passed, failed, skipped }) {
  const label = job.build ? `${job.name} (${job.build})` : job.name;
  const parts = [`${passed} passed`];
  if (failed) parts.push(`${failed} failed`);
  if (skipped) parts.push(`${skipped} skipped`);
  console.log(`${failed ? 'FAIL' : 'ok  '}  ${label}: ${parts.join(', ')}`);
  if (!failed) return;
  if (problem) console.log(`      it ${problem}`);
  // A unit program's log is mostly lines of tests that passed.
  const lines = readFileSync(job.log, 'utf8').trimEnd().split('\n').filter((line) => !/^ok \d/.test(line));
  if (lines.length > SHOWN_LINES) console.log(`      ... ${lines.length - SHOWN_LINES} lines more in ${job.log}`);
  for (const line of lines.slice(-SHOWN_LINES)) console.log(`      ${line}`);
}

async function runAll(jobs) {
  const totals = { passed: 0, failed: 0, skipped: 0 };
  const queue = [...jobs];
  const worker = async () => {
    for (let job = queue.shift(); job; job = queue.shift()) {
      const result = await run(job);
      report(result);
      for (const key of Object.keys(totals)) totals[key] += result[key];
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return totals;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    for (const child of running) endGroup(child);
    console.log('interrupted');
    process.exit(1);
  });
}

const wanted = (job) => names.length === 0 || names.some((name) => job.name.includes(name));
const jobs = options.build.flatMap(jobsOf);
if (options.lint) jobs.push(lintJob());
const totals = await runAll(jobs.filter(wanted));
const ran = totals.passed + totals.failed;
if (ran === 0) console.log('No test ran.');
if (totals.skipped) console.log(`${totals.skipped} skipped`);
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = totals.failed > 0 || ran === 0 ? 1 : 0;
