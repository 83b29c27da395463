// A server with published tables, and what tests about them do again and again.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { extract, plain } from './extracts.mjs';
import { temporaryFolder } from './agnesd.mjs';
import { serve } from './server.mjs';

export const TABLES = {
  orders: 'SELECT i AS id, i * 1.5 AS amount FROM range(1000) t(i)',
  secrets: "SELECT 'nobody' AS who",
};

/** An extract as any connector makes it, each table from a SELECT. */
export const publish = (dataDir, tables, source = 'shop') =>
  extract(dataDir, source, (folder) =>
    Object.entries(tables).flatMap(([name, select]) => plain(folder, name, select)));

/** Waits until `holds` gives something true, and returns that; two minutes, for a machine may be busy. */
export async function until(what, holds) {
  for (let i = 0; i < 2400; i++) {
    const found = await holds();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${what}: waited too long`);
}

export async function untilPublished(admin, names) {
  await until('publication', async () => {
    const { tables } = (await admin.get('/api/sync/manifest')).body;
    return names.every((name) => tables[name]);
  });
}

/** A server whose tables are published, and its administrator; `config` is YAML that its instance.yaml gets. */
export async function openShop(t, tables = TABLES, { config, ...options } = {}) {
  const folder = temporaryFolder(t);
  if (config) {
    mkdirSync(path.join(folder, 'config'));
    writeFileSync(path.join(folder, 'config/instance.yaml'), config);
  }
  await publish(folder, tables);
  const server = await serve(t, folder, options);
  const admin = await server.bootstrap();
  await untilPublished(admin, Object.keys(tables));
  return { server, admin, folder };
}

/** Lets the user read the table, through a group of their own. */
export async function grant(admin, user, table) {
  const group = (await admin.post('/api/admin/groups', { name: `${table} for ${user.email}` })).body;
  await admin.post(`/api/admin/groups/${group.id}/members`, { email: user.email });
  const { body } = await admin.post('/api/admin/grants',
    { group_id: group.id, resource_type: 'table', resource_id: table });
  return body;
}
