// A small disk of its own, to be filled.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { atEnd } from './agnesd.mjs';

/** A file system of so many megabytes, or null where that cannot be had. */
export function smallDisk(t, megabytes) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'agnes-test-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'agnes-test', folder]);
  atEnd(t, () => {
    if (status === 0) spawnSync('umount', ['-l', folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  return status === 0 ? folder : null;
}

/** Fills the disk up to `left` bytes; returns how to undo it. */
export function fill(folder, left = 0) {
  const filler = path.join(folder, 'filler');
  const [free] = /(\d+)\s*$/.exec(execFileSync('df', ['--output=avail', '-B1', folder], { encoding: 'utf8' })).slice(1);
  spawnSync('fallocate', ['-l', String(Math.max(Number(free) - left, 1)), filler]);
  if (left === 0) spawnSync('dd', ['if=/dev/zero', `of=${filler}.rest`, 'bs=1k']);
  return () => { for (const name of [filler, `${filler}.rest`]) rmSync(name, { force: true }); };
}
