// What the documents say to type exists: commands, their options, the files that are linked.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { spawn } from 'node:child_process';
import { AGNESD, collect } from './lib/agnesd.mjs';

const BUILD = path.resolve(path.dirname(AGNESD));
const ROOT = new URL('../../', import.meta.url).pathname;
const DOCUMENTS = ['README.md', 'CLAUDE.md', 'CONTRIBUTING.md', 'SECURITY.md', 'docs/QUICKSTART.md', 'docs/CONNECTORS.md', 'docs/CONFIGURATION.md',
  'docs/ARCHITECTURE.md', 'docs/BENCHMARKS.md'];

const read = (name) => readFileSync(path.join(ROOT, name), 'utf8');

// Lines of code blocks and pieces of code in the text that begin with one of our programs.
function commandsOf(text) {
  const blocks = [...text.matchAll(/^```(?:sh)?\n([^]*?)^```$/gm)].flatMap(([, block]) => block.split('\n'));
  const pieces = [...text.replace(/^```[^]*?^```$/gm, '').matchAll(/`([^`\n]+)`/g)].map(([, piece]) => piece);
  return [...blocks, ...pieces].map((line) => line.trim().replace(/^\$ /, '')).filter((line) => /^(da|agnesd) \S/.test(line));
}

const pages = new Map();

// The help of a command, or NULL: there is none.
async function help(words) {
  const name = words.join(' ');
  if (!pages.has(name)) {
    const [program, ...rest] = words;
    const child = spawn(path.join(BUILD, program), [...rest, '--help'], { env: { ...process.env, DA_NO_UPDATE_CHECK: '1' } });
    child.stdin.end();
    const { code, stdout } = await collect(child);
    pages.set(name, code === 0 ? stdout : null);
  }
  return pages.get(name);
}

// The help of the longest beginning of the line that is a command of its own.
async function findCommand(line) {
  const words = line.replace(/\s#.*$/, '').split(/\s+/);
  let names = words.slice(0, 1), page = null;
  for (const word of words.slice(1)) {
    if (!/^[a-z][a-z-]*$/.test(word)) break;
    const next = await help([...names, word]);
    if (next === null || next === page) break;
    names = [...names, word];
    page = next;
    if (!/^Commands:$/m.test(next)) break;
  }
  return { names, page };
}

for (const document of DOCUMENTS) {
  test(`${document}: commands and options are there`, async () => {
    for (const line of commandsOf(read(document))) {
      if (/^(da|agnesd) (--version|--help)/.test(line)) continue;
      const { names, page } = await findCommand(line);
      assert.ok(names.length > 1 && page, `no such command: ${line}`);
      for (const [, option] of line.replace(/"[^"]*"|'[^']*'/g, '').matchAll(/\s(--?[a-z][a-z-]*)/g))
        assert.ok(new RegExp(`(^|[\\s,])${option}([\\s,=]|$)`, 'm').test(page), `${names.join(' ')} has no ${option}: ${line}`);
    }
  });
}

test('what the documents link to is there', () => {
  for (const document of [...DOCUMENTS, 'CHANGELOG.md', 'docs/CLI.md']) {
    for (const [, target] of read(document).matchAll(/\]\(([^)#:]+)\)/g))
      assert.ok(existsSync(path.join(ROOT, path.dirname(document), target)), `${document} links to ${target}`);
  }
});
