// What `meson install` gives, and what a server hands out: programs that run, and find their parts,
// wherever the tree is moved to.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readlinkSync, renameSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { collect, temporaryFolder } from './lib/agnesd.mjs';
import { serve } from './lib/server.mjs';

const BUILD = path.resolve(process.env.AGNES_BUILD ?? 'build');

async function run(program, args, env = {}) {
  return collect(spawn(program, args, { env: { ...process.env, DA_NO_UPDATE_CHECK: '1', ...env } }));
}

// The folder that holds bin/, libexec/ and the rest: the prefix, below where it was installed to.
function findPrefix(folder) {
  const inside = readdirSync(folder);
  return inside.includes('bin') ? folder : findPrefix(path.join(folder, inside[0]));
}

test('the installed client runs wherever it is moved to', async (t) => {
  const folder = temporaryFolder(t);
  const installed = await run('meson', ['install', '-C', BUILD, '--no-rebuild', '--quiet', '--destdir', path.join(folder, 'first')]);
  assert.equal(installed.code, 0, installed.stderr + installed.stdout);
  const prefix = path.join(folder, 'moved');
  renameSync(findPrefix(path.join(folder, 'first')), prefix);
  const env = { DA_CONFIG_DIR: path.join(folder, 'config'), DA_LOCAL_DIR: folder };
  for (const name of ['da', 'agnes']) {
    const program = path.join(prefix, 'bin', name);
    assert.match((await run(program, ['--version'], env)).stdout, /^da \d/);
    const skills = await run(program, ['skills', 'list'], env);
    assert.deepEqual([skills.code, skills.stderr], [0, '']);
    assert.match(skills.stdout, /^ {2}setup /m);
    const query = await run(program, ['query', 'SELECT 1'], env); // in da-engine, with DuckDB
    assert.equal(query.code, 1);
    assert.match(query.stderr, /^Local DuckDB not found\. Run: da sync\n$/);
  }
  for (const file of ['bash-completion/completions/da', 'bash-completion/completions/agnes', 'zsh/site-functions/_da',
    'agnes/skills/troubleshoot.md']) {
    assert.ok(existsSync(path.join(prefix, 'share', file)), file);
  }
  assert.match((await run(path.join(prefix, 'bin/agnesd'), ['--version'])).stdout, /\d+\.\d+/);
});

test('the packed client is handed out, installed by the script, and up to date', async (t) => {
  const folder = temporaryFolder(t);
  const dist = path.join(folder, 'dist');
  const packed = await run('script/package-cli', [dist], { AGNES_BUILD: BUILD });
  assert.equal(packed.code, 0, packed.stderr);
  assert.match(packed.stdout, /\/da-[\d.]+-linux-\w+\.tar\.gz\n$/);
  const server = await serve(t, path.join(folder, 'data'), { env: { AGNES_CLI_DIST_DIR: dist } });
  const home = path.join(folder, 'home');
  mkdirSync(home);
  const env = { HOME: home, DA_CONFIG_DIR: path.join(home, '.config/da') };
  const script = `curl -fsSL ${server.url}/cli/install.sh | bash`;
  const installed = await run('bash', ['-c', `set -o pipefail; ${script}`], env);
  assert.equal(installed.code, 0, installed.stderr);
  const da = path.join(home, '.local/bin/agnes');
  assert.match(readlinkSync(da), /\/bin\/da$/);
  const version = await run(da, ['--version'], env);
  assert.ok(packed.stdout.includes(`/da-${version.stdout.trim().split(' ')[1]}-linux-`));
  const whoami = await run(da, ['auth', 'whoami'], { ...env, DA_NO_UPDATE_CHECK: '', DA_TOKEN: 'x.e30.y' });
  assert.deepEqual([whoami.code, whoami.stdout, whoami.stderr], [0, `Email: unknown\nServer: ${server.url}\n`, '']);
  assert.match((await run(da, ['skills', 'show', 'setup'], env)).stdout, /Prerequisites/);
  assert.match((await run(da, ['query', 'SELECT 1'], { ...env, DA_LOCAL_DIR: home })).stderr, /^Local DuckDB not found/);
});
