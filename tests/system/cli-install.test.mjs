// What `meson install` gives: programs that run, and find their parts, wherever the tree is moved to.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { collect, temporaryFolder } from './lib/agnesd.mjs';

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
