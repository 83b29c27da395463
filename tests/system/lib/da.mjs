// The client program as a process, with a configuration of its own.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { collect, temporaryFolder } from './agnesd.mjs';

export const DA = path.resolve(process.env.AGNES_BUILD ?? 'build', 'da');

const KEPT = ['PATH', 'HOME', 'LC_ALL', 'TZ', 'ASAN_OPTIONS', 'UBSAN_OPTIONS', 'LSAN_OPTIONS', 'G_SLICE', 'G_DEBUG'];

/** The arguments of every run of this process, for a test that asks whether anything was left out. */
export const runs = [];

/** A person at a machine: a folder of settings, a workspace, and `da`. */
export class Person {
  constructor(t, { server, token } = {}) {
    this.folder = temporaryFolder(t);
    this.config = path.join(this.folder, 'config');
    this.workspace = path.join(this.folder, 'workspace');
    mkdirSync(this.workspace);
    this.env = {
      ...Object.fromEntries(KEPT.filter((name) => process.env[name]).map((name) => [name, process.env[name]])),
      DA_CONFIG_DIR: this.config,
      DA_LOCAL_DIR: this.workspace,
      DA_NO_UPDATE_CHECK: '1',
      ...(server ? { DA_SERVER: server } : {}),
      ...(token ? { DA_TOKEN: token } : {}),
    };
  }

  /** Runs da to its end: { code, signal, stdout, stderr }. */
  da(args, { input = '', env = {}, cwd = this.workspace } = {}) {
    runs.push(args);
    const child = spawn(DA, args, { env: { ...this.env, ...env }, cwd });
    child.stdin.on('error', () => {}); // it may end before it has read everything
    child.stdin.end(input);
    return collect(child);
  }

  /** The same where success is expected: its standard output. */
  async ok(...args) {
    const { code, stdout, stderr } = await this.da(args);
    if (code !== 0) throw new Error(`da ${args.join(' ')}: exit ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  /** The same for --json: the value. */
  async json(...args) {
    return JSON.parse(await this.ok(...args, '--json'));
  }

  /** A file of the settings as text. */
  read(name) {
    return readFileSync(path.join(this.config, name), 'utf8');
  }

  write(name, text) {
    mkdirSync(this.config, { recursive: true });
    writeFileSync(path.join(this.config, name), text);
  }
}
