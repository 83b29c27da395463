// /docs and /static: files for anybody, and nothing but those.
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { temporaryFolder } from './lib/agnesd.mjs';
import { serve } from './lib/server.mjs';

test('the page about the API is there, and all that it asks for', async (t) => {
  const server = await serve(t, temporaryFolder(t));
  for (const at of ['/docs', '/redoc', '/docs/oauth2-redirect']) {
    const page = await fetch(server.url + at);
    assert.equal(page.status, 200, at);
    assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
    const links = [...(await page.text()).matchAll(/(?:href|src)="(\/[^"]+)"/g)].map(([, link]) => link);
    assert.ok(links.length >= 2);
    for (const link of links) assert.equal((await fetch(server.url + link)).status, 200, link);
  }
  assert.equal((await fetch(`${server.url}/docs`, { method: 'HEAD' })).status, 200);
  assert.equal((await fetch(`${server.url}/docs/none.js`)).status, 404);
});

test('static files come with what caches need, and nothing else comes', async (t) => {
  const folder = temporaryFolder(t);
  const web = path.join(folder, 'web');
  mkdirSync(path.join(web, 'static/css'), { recursive: true });
  writeFileSync(path.join(web, 'static/css/a.css'), 'b{}');
  writeFileSync(path.join(web, 'static/.secret'), 'secret');
  writeFileSync(path.join(web, 'page.html'), 'secret');
  symlinkSync('/etc/passwd', path.join(web, 'static/out'));
  const server = await serve(t, path.join(folder, 'data'), { env: { AGNES_WEB_DIR: web } });
  const file = await fetch(`${server.url}/static/css/a.css`);
  assert.equal(await file.text(), 'b{}');
  assert.equal(file.headers.get('content-type'), 'text/css; charset=utf-8');
  assert.equal(file.headers.get('cache-control'), 'no-cache');
  const headers = { 'if-none-match': file.headers.get('etag') };
  assert.equal((await fetch(`${server.url}/static/css/a.css`, { headers })).status, 304);
  const since = { 'if-modified-since': file.headers.get('last-modified') };
  assert.equal((await fetch(`${server.url}/static/css/a.css`, { headers: since })).status, 304);
  for (const bad of ['none', '', 'css', 'css/', '.secret', 'out', '%2e%2e/page.html', '..%2fpage.html', 'css/%2e%2e/%2e%2e/page.html'])
    assert.equal((await fetch(`${server.url}/static/${bad}`)).status, 404, bad);
  assert.deepEqual((await server.client().get('/static/none')).body, { detail: 'Not Found' });
  assert.equal((await server.client().post('/static/css/a.css')).status, 405);
  // Its folder has no page about the API: the server runs all the same.
  assert.equal((await fetch(`${server.url}/docs`)).status, 404);
  assert.match(server.log, /\/docs stays empty/);
});
