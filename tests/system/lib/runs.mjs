// Runs of the synchronisation, as an administrator starts them and watches them.
import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from './agnesd.mjs';
import { serve } from './server.mjs';
import { until } from './shop.mjs';

// A server whose inbox and connectors belong to the test; `settings` is its instance.yaml as an object.
export async function openSync(t, { settings = {}, env = {}, folder = temporaryFolder(t) } = {}) {
  for (const name of ['inbox', 'config', 'connectors']) mkdirSync(path.join(folder, name));
  writeFileSync(path.join(folder, 'config', 'instance.yaml'), JSON.stringify({ sync: { retry_seconds: 0 }, ...settings }));
  const options = { env: { CONNECTORS_DIR: path.join(folder, 'connectors'), ...env } };
  const server = await serve(t, folder, options);
  const admin = await server.bootstrap();
  return { folder, options, server, admin };
}

// Puts a file into the inbox as one should: whole, by a rename.
export function drop(folder, name, text) {
  writeFileSync(path.join(folder, `.${name}`), text);
  renameSync(path.join(folder, `.${name}`), path.join(folder, 'inbox', name));
}

export const csv = (rows, seed = 0) => `id,amount\n${Array.from({ length: rows }, (_, i) => `${i},${i * 2 + seed}`).join('\n')}\n`;

// A connector in another language; `text` is a script.
export function connector(folder, name, text, { file = 'extractor' } = {}) {
  mkdirSync(path.join(folder, 'connectors', name), { recursive: true });
  const target = path.join(folder, 'connectors', name, file);
  writeFileSync(target, text);
  chmodSync(target, 0o755);
}

// What makes a table in such a script.
export const publishing = (source, sql) => `"$AGNESD" extract-write ${source} <<'SQL'\n${sql}\nSQL\n`;

export async function register(admin, name, fields = {}) {
  const { status, body } = await admin.post('/api/admin/register-table',
    { name, source_type: 'local', bucket: 'inbox', source_table: `${name}.csv`, ...fields });
  if (status !== 201) throw new Error(`register: ${status} ${JSON.stringify(body)}`);
  return body;
}

export const statusOf = async (admin) => (await admin.get('/api/sync/status')).body;

// Asks for a run and waits for its end: the run as the status tells of it.
export async function runSync(admin, ids) {
  const before = new Set((await statusOf(admin)).recent.map((run) => run.id));
  const { status, body } = await admin.post('/api/sync/trigger', ids);
  if (status !== 200) throw new Error(`trigger: ${status} ${JSON.stringify(body)}`);
  return untilIdle(admin, (run) => !before.has(run.id));
}

// Waits until nothing runs or waits: the newest run for which `holds` is true.
export const untilIdle = (admin, holds = () => true) => until('end of the run', async () => {
  const { current, queued, recent } = await statusOf(admin);
  return !current && !queued && recent.find(holds);
});

export const tablesOf = (run) => Object.fromEntries(run.sources.flatMap((source) => source.tables.map((table) => [table.table, table])));
export const phasesOf = (run) => Object.fromEntries(Object.values(tablesOf(run)).map(({ table, phase }) => [table, phase]));
