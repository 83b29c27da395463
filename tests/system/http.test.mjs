// src/http as clients see it: routing, validation, conditions, ranges, compression, CORS, forms, TLS.
// timeout: 300
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { Validator } from '@seriousme/openapi-schema-validator';
import { bodyOf, connect, request, startDemo, statusOf, talk, until } from './lib/http_demo.mjs';
import { selfSigned } from './lib/tls.mjs';

const run = promisify(execFile);
const md5 = (data) => createHash('md5').update(data).digest('hex');

function folderFor(t) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'agnes-http-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('literals, parameters, rests, methods', async (t) => {
  const { url } = await startDemo(t);
  assert.deepEqual(await (await fetch(`${url}/hello?unknown=1`)).json(), { hello: 'world' });
  assert.deepEqual(await (await fetch(`${url}/things/special`)).json(), { hello: 'world' });
  const thing = await (await fetch(`${url}/things/%C5%BE%20x?n=7`)).json();
  assert.deepEqual(thing.fields, { id: 'ž x', n: 7 });
  const rest = await (await fetch(`${url}/rest/a%2Fb/c/`)).json();
  assert.equal(rest.fields.rest, 'a/b/c/');
  for (const missing of ['/nothing', '/things/', '/hello/', '/things/x/y']) {
    const response = await fetch(url + missing);
    assert.equal(response.status, 404);
    assert.deepEqual(await response.json(), { detail: 'Page not found' });
  }
  const refused = await fetch(`${url}/things/7`, { method: 'POST' });
  assert.equal(refused.status, 405);
  assert.equal(refused.headers.get('allow'), 'GET, DELETE, HEAD');
  assert.deepEqual(await refused.json(), { detail: 'Method Not Allowed' });
  assert.equal((await fetch(`${url}/secret`)).status, 401);
  assert.equal((await fetch(`${url}/secret`, { headers: { Authorization: 'Bearer right' } })).status, 200);
});

test('HEAD answers as GET does, without the body', async (t) => {
  const { url, port } = await startDemo(t);
  const get = await fetch(`${url}/hello`);
  const head = await fetch(`${url}/hello`, { method: 'HEAD' });
  assert.equal(head.status, 200);
  for (const name of ['content-type', 'content-length']) assert.equal(head.headers.get(name), get.headers.get(name));
  for (const target of ['/relay', '/nothing', '/large?size=5000', '/slow?ms=1']) {
    assert.equal(bodyOf(await talk(t, port, request(`HEAD ${target}`))), '', target);
  }
});

test('the fields of a JSON body are checked, converted and completed', async (t) => {
  const { url } = await startDemo(t);
  const post = (body, type = 'application/json') => fetch(`${url}/echo`, {
    method: 'POST', body, headers: type ? { 'Content-Type': type } : {},
  });
  const fine = await post('{"name":"a","count":"5","flag":"yes","unknown":1}');
  assert.deepEqual(await fine.json(), { name: 'a', count: 5, flag: true, ratio: null, tags: null, extra: null });
  assert.equal((await post('{"name":"a"}', 'Application/Problem+JSON; charset=utf-8')).status, 200);

  const wrong = await post('{"count":101,"tags":["a",1],"extra":[]}');
  assert.equal(wrong.status, 422);
  const { detail } = await wrong.json();
  assert.deepEqual(detail.map(({ type, loc }) => [type, ...loc]), [
    ['missing', 'body', 'name'], ['less_than_equal', 'body', 'count'],
    ['string_type', 'body', 'tags', 1], ['dict_type', 'body', 'extra'],
  ]);
  assert.deepEqual(detail[1].ctx, { le: 100 });

  const kinds = async (...args) => (await (await post(...args)).json()).detail[0];
  assert.equal((await kinds('{"name":')).type, 'json_invalid');
  assert.equal((await kinds('[]')).type, 'model_attributes_type');
  assert.equal((await kinds('{"name":"a"}', 'text/plain')).type, 'model_attributes_type');
  assert.deepEqual(await kinds(undefined, null), { type: 'missing', loc: ['body'], msg: 'Field required', input: null });
});

test('who may not call is told before the body is looked at', async (t) => {
  const { url } = await startDemo(t);
  const headers = { 'Content-Type': 'application/json' };
  assert.equal((await fetch(`${url}/secret`, { method: 'POST', headers, body: '{' })).status, 401);
  assert.equal((await fetch(`${url}/secret`, { method: 'POST', headers, body: '{"x":"' + 'y'.repeat(5e6) + '"}' })).status, 401);
  headers.Authorization = 'Bearer right';
  assert.equal((await fetch(`${url}/secret`, { method: 'POST', headers, body: '{' })).status, 422);
});

test('a refused request leaves its connection usable', async (t) => {
  const { port } = await startDemo(t);
  const body = '{"name":"a"}';
  const answer = await talk(t, port, [
    request('GET /secret', { Connection: null }),
    request('POST /secret', { Connection: null, 'Content-Length': body.length }, body),
    request('DELETE /nothing', { Connection: null, 'Content-Length': 5 }, 'GET /'),
    request('GET /hello'),
  ].join(''));
  assert.deepEqual(answer.match(/HTTP\/1\.1 \d+/g).map((line) => line.slice(-3)), ['401', '401', '404', '200']);
});

test('request ids: made, kept, cleaned, cut', async (t) => {
  const { url, port } = await startDemo(t);
  const idOf = async (given) => (await fetch(`${url}/hello`, given ? { headers: { 'X-Request-ID': given } } : {}))
    .headers.get('x-request-id');
  assert.match(await idOf(), /^[0-9a-f]{12}$/);
  assert.notEqual(await idOf(), await idOf());
  assert.equal(await idOf('given-1234'), 'given-1234');
  assert.equal(await idOf('a'.repeat(200)), 'a'.repeat(64));
  assert.equal(await idOf('a b:c;d'), 'abcd');
  const raw = await talk(t, port, request('GET /nothing', { 'x-request-id': 'one_\ttwo: three', 'X-Request-Id': 'other' }));
  assert.match(raw, /^x-request-id: one_twothree\r$/m);
  assert.match(await idOf('::: :::'), /^[0-9a-f]{12}$/);
});

test('CORS as configured', async (t) => {
  const { url } = await startDemo(t);
  const ask = (origin, options = {}) => fetch(`${url}/hello`, { ...options, headers: { Origin: origin, ...options.headers } });
  const allowed = await ask('http://app.example.com');
  assert.equal(allowed.headers.get('access-control-allow-origin'), 'http://app.example.com');
  assert.equal(allowed.headers.get('access-control-allow-credentials'), 'true');
  assert.equal(allowed.headers.get('vary'), 'Origin');
  const other = await ask('http://app.example.com.example.net');
  assert.equal(other.headers.get('access-control-allow-origin'), null);
  assert.equal(other.headers.get('access-control-allow-credentials'), 'true');
  assert.equal((await fetch(`${url}/hello`)).headers.get('access-control-allow-credentials'), null);

  const preflight = { method: 'OPTIONS', headers: { 'Access-Control-Request-Method': 'PUT', 'Access-Control-Request-Headers': 'x-a, x-b' } };
  const yes = await ask('http://app.example.com', preflight);
  assert.equal(yes.status, 200);
  assert.equal(await yes.text(), 'OK');
  assert.equal(yes.headers.get('access-control-allow-methods'), 'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT');
  assert.equal(yes.headers.get('access-control-allow-headers'), 'x-a, x-b');
  assert.equal(yes.headers.get('access-control-max-age'), '600');
  const no = await ask('http://evil.example', preflight);
  assert.equal(no.status, 400);
  assert.equal(await no.text(), 'Disallowed CORS origin');
  assert.equal(no.headers.get('access-control-allow-origin'), null);
  assert.equal((await fetch(`${url}/hello`, { method: 'OPTIONS' })).status, 405);
});

test('gzip for who takes it, from 1024 bytes, not where it is forbidden', async (t) => {
  const { port } = await startDemo(t);
  const get = (target, accepted) => talk(t, port, request(`GET ${target}`, { 'Accept-Encoding': accepted }));
  for (const target of ['/large?size=1024', '/large-late?size=50000']) {
    const answer = await get(target, 'br, gzip');
    assert.match(answer, /^Content-Encoding: gzip\r$/m);
    assert.match(answer, /^Vary: Accept-Encoding\r$/m);
    assert.match(answer, /^ETag: W\/"large-1"\r$/m); // other bytes than the plain ones
    const size = Number(/size=(\d+)/.exec(target)[1]);
    assert.equal(gunzipSync(Buffer.from(bodyOf(answer), 'latin1')).toString(), 'x'.repeat(size));
  }
  for (const [target, accepted] of [['/large?size=1023', 'gzip'], ['/large?size=5000', null], ['/large?size=5000', 'br'],
    ['/large?size=5000', 'gzip;q=0'], ['/large?size=5000', 'gzip; q=0.000, br'], ['/never/large?size=5000', 'gzip']]) {
    assert.doesNotMatch(await get(target, accepted), /^Content-Encoding/m, `${target} ${accepted}`);
  }
  assert.match(await get('/large?size=5000', 'gzip;q=0.5'), /^Content-Encoding: gzip\r$/m);
  assert.match(await get('/large?size=5000', null), /^Vary: Accept-Encoding\r$/m);
});

test('an ETag that the client has is answered with 304', async (t) => {
  const { url } = await startDemo(t);
  const ask = (list) => fetch(`${url}/large?size=2000`, { headers: { 'If-None-Match': list } });
  for (const list of ['"large-1"', 'W/"large-1"', '"x", "large-1"', '*']) {
    const response = await ask(list);
    assert.equal(response.status, 304);
    assert.equal(response.headers.get('etag'), '"large-1"');
    assert.equal(await response.text(), '');
  }
  assert.equal((await ask('"large-2", large-1')).status, 200);
});

test('files: whole, in parts, under conditions', async (t) => {
  const file = path.join(folderFor(t), 'data');
  const content = randomBytes(3_000_000);
  writeFileSync(file, content);
  utimesSync(file, 1700000000, 1700000000);
  const { url } = await startDemo(t, { DEMO_FILE: file });
  const get = (headers = {}, method = 'GET') => fetch(`${url}/file/a.parquet`, { headers, method });
  const whole = await get({ 'Accept-Encoding': 'gzip' });
  assert.equal(md5(Buffer.from(await whole.arrayBuffer())), md5(content));
  assert.equal(whole.headers.get('etag'), '"file-1"');
  assert.equal(whole.headers.get('accept-ranges'), 'bytes');
  assert.equal(whole.headers.get('last-modified'), 'Tue, 14 Nov 2023 22:13:20 GMT');
  assert.equal(whole.headers.get('content-encoding'), null);
  assert.equal(whole.headers.get('content-disposition'), 'attachment; filename="a.parquet"');

  const part = async (range, condition) => {
    const response = await get({ Range: range, ...(condition ? { 'If-Range': condition } : {}) });
    return [response.status, response.headers.get('content-range'), Buffer.from(await response.arrayBuffer())];
  };
  assert.deepEqual(await part('bytes=0-0'), [206, 'bytes 0-0/3000000', content.subarray(0, 1)]);
  assert.deepEqual(await part('bytes=1000000-'), [206, 'bytes 1000000-2999999/3000000', content.subarray(1e6)]);
  assert.deepEqual(await part('bytes=-5'), [206, 'bytes 2999995-2999999/3000000', content.subarray(-5)]);
  assert.deepEqual(await part('bytes=3000000-'), [416, 'bytes */3000000', Buffer.alloc(0)]);
  assert.equal((await part('bytes=0-1,3-4'))[0], 200);
  assert.equal((await part('bytes=9-1'))[0], 200);
  assert.equal((await part('bytes=0-4', '"file-1"'))[0], 206);
  assert.equal((await part('bytes=0-4', 'Tue, 14 Nov 2023 22:13:20 GMT'))[0], 206);
  for (const stale of ['"file-2"', 'W/"file-1"', '*', 'Tue, 14 Nov 2023 22:13:21 GMT']) {
    assert.equal((await part('bytes=0-4', stale))[0], 200, stale);
  }
  assert.equal((await get({ 'If-None-Match': '"file-1"' })).status, 304);
  assert.equal((await get({ 'If-Modified-Since': 'Tue, 14 Nov 2023 22:13:20 GMT' })).status, 304);
  assert.equal((await get({ 'If-None-Match': '"x"', 'If-Modified-Since': 'Tue, 14 Nov 2023 22:13:20 GMT' })).status, 200);
  const head = await get({ Range: 'bytes=0-4' }, 'HEAD');
  assert.deepEqual([head.status, head.headers.get('content-length')], [200, '3000000']);

  const { stdout } = await run('curl', ['-sf', '-r', '100-199', `${url}/file/x`], { encoding: 'buffer' });
  assert.deepEqual(stdout, content.subarray(100, 200));
});

test('a file that shrinks while it is sent breaks the transfer', async (t) => {
  const file = path.join(folderFor(t), 'data');
  writeFileSync(file, Buffer.alloc(64 << 20));
  const { port } = await startDemo(t, { DEMO_FILE: file, IDLE_SECONDS: '2' });
  const client = await connect(t, port);
  client.socket.pause();
  client.send(request('GET /file/x', { Connection: null }));
  await until(() => client.socket.readableLength > 0);
  writeFileSync(file, 'short');
  client.socket.resume();
  await client.ended;
  assert.match(client.text().slice(0, 1000), /^Content-Length: 67108864\r$/m);
  assert.ok(client.text().length < 67108864);
});

test('names of files and targets of redirects cannot forge headers', async (t) => {
  const file = path.join(folderFor(t), 'data');
  writeFileSync(file, 'x');
  const { port } = await startDemo(t, { DEMO_FILE: file });
  const disposition = async (name) => {
    const answer = await talk(t, port, request(`GET /file/${encodeURIComponent(name)}`));
    assert.equal(statusOf(answer), 200);
    assert.doesNotMatch(answer, /^Set-Cookie/im);
    return /^Content-Disposition: (.*)\r$/m.exec(answer)[1];
  };
  assert.equal(await disposition('a\r\nSet-Cookie: x=1'), 'attachment; filename="aSet-Cookie: x=1"');
  assert.equal(await disposition('a"; filename="b'), 'attachment; filename="a_; filename=_b"; filename*=UTF-8\'\'a%22%3B%20filename%3D%22b');
  assert.equal(await disposition('žluť.csv'), 'attachment; filename="__lu__.csv"; filename*=UTF-8\'\'%C5%BElu%C5%A5.csv');
  const moved = await talk(t, port, request(`GET /move?to=${encodeURIComponent('/a\r\nSet-Cookie: x=1\\')}`));
  assert.match(moved, /^Location: \/a%0D%0ASet-Cookie:%20x=1%5C\r$/m);
  assert.doesNotMatch(moved, /^Set-Cookie/im);
});

test('pages carry the headers that browsers obey', async (t) => {
  const { url } = await startDemo(t);
  const page = await fetch(`${url}/page`);
  assert.match(page.headers.get('content-security-policy'), /default-src 'self'.*frame-ancestors 'none'/);
  assert.equal(page.headers.get('x-frame-options'), 'DENY');
  assert.equal(page.headers.get('referrer-policy'), 'same-origin');
  assert.equal(page.headers.get('x-content-type-options'), 'nosniff');
  assert.equal((await fetch(`${url}/hello`)).headers.get('content-security-policy'), null);
});

test('static files: inside the folder, with types and conditions', async (t) => {
  const outside = folderFor(t);
  const folder = folderFor(t);
  writeFileSync(path.join(outside, 'secret'), 'secret');
  writeFileSync(path.join(folder, 'a.css'), 'a{}');
  writeFileSync(path.join(folder, '.hidden'), 'secret');
  symlinkSync(path.join(outside, 'secret'), path.join(folder, 'link'));
  symlinkSync('a.css', path.join(folder, 'inner.css'));
  execFileSync('mkfifo', [path.join(folder, 'pipe')]);
  const { url, port } = await startDemo(t, { DEMO_STATIC: folder });
  const style = await fetch(`${url}/docs/a.css`);
  assert.equal(style.headers.get('content-type'), 'text/css; charset=utf-8');
  assert.equal(await style.text(), 'a{}');
  const again = (headers) => fetch(`${url}/docs/a.css`, { headers });
  assert.equal((await again({ 'If-None-Match': style.headers.get('etag') })).status, 304);
  assert.equal((await again({ 'If-Modified-Since': style.headers.get('last-modified') })).status, 304);
  assert.equal((await fetch(`${url}/docs/inner.css`)).status, 200);
  for (const target of ['', '.', './', '..', '../a.css', 'x/../../a.css', '%2e%2e/a.css', '..%2fa.css', '/etc/passwd',
    '%2Fetc%2Fpasswd', 'link', 'pipe', '.hidden', 'a.css/', 'a.css%00.js', 'none.css', 'x'.repeat(3000)]) {
    const answer = await talk(t, port, request(`GET /docs/${target}`));
    assert.equal(statusOf(answer), 404, target);
    assert.doesNotMatch(answer, /secret|root:/);
  }
});

test('forms: urlencoded and multipart, with files of any content', async (t) => {
  const folder = folderFor(t);
  const { url } = await startDemo(t, { TMPDIR: folder });
  const contents = [randomBytes(50 << 20), Buffer.from('\r\n\r\n--\r\n'), Buffer.from('\r'), Buffer.alloc(0)];
  for (const content of contents) {
    for (const target of ['/upload', '/quick-upload']) {
      const form = new FormData();
      form.append('note', 'žluť');
      form.append('file', new Blob([content]), '../../etc/passwd');
      const response = await fetch(url + target, { method: 'POST', body: form });
      assert.deepEqual(await response.json(), { filename: '../../etc/passwd', size: content.length, md5: md5(content) });
    }
  }
  const file = path.join(folder, 'small');
  writeFileSync(file, 'abc');
  const { stdout } = await run('curl', ['-sf', '-F', 'file=@' + file, `${url}/upload`]);
  assert.equal(JSON.parse(stdout).md5, md5('abc'));
  const missing = await fetch(`${url}/upload`, { method: 'POST', body: new URLSearchParams({ note: 'x', file: 'text' }) });
  assert.equal(missing.status, 422);
  assert.deepEqual((await missing.json()).detail, [{ type: 'missing', loc: ['body', 'file'], msg: 'Field required', input: null }]);
  assert.deepEqual(readdirSync(folder), ['small']); // nothing is left behind
});

test('the description is valid OpenAPI 3.1 and tells of every route', async (t) => {
  const { url } = await startDemo(t);
  const description = await (await fetch(`${url}/openapi.json`)).json();
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(description));
  assert.ok(valid, JSON.stringify(errors, null, 1));
  assert.equal(validator.version, '3.1');
  assert.equal(description.openapi, '3.1.0');
  assert.deepEqual(Object.keys(description.paths['/things/{id}']), ['get', 'delete']);
  assert.ok(description.paths['/rest/{rest}'].get.parameters[0].required);
  const body = description.paths['/echo'].post.requestBody.content['application/json'].schema;
  assert.deepEqual(body.required, ['name']);
  assert.deepEqual(body.properties.count, { type: 'integer', minimum: 1, maximum: 100, default: 3 });
  const ids = Object.values(description.paths).flatMap((item) => Object.values(item).map((each) => each.operationId));
  assert.equal(new Set(ids).size, ids.length);
});

test('only trusted proxies are believed', async (t) => {
  const ask = async ({ url }, headers) => (await fetch(`${url}/things/x`, { headers })).json();
  const forged = { 'X-Forwarded-For': '203.0.113.9', 'X-Forwarded-Proto': 'https' };
  const nobody = await ask(await startDemo(t), forged);
  assert.deepEqual([nobody.address, nobody.secure], ['127.0.0.1', false]);
  const elsewhere = await ask(await startDemo(t, { TRUSTED: '192.0.2.0/24' }), forged);
  assert.equal(elsewhere.address, '127.0.0.1');

  const near = await startDemo(t, { TRUSTED: '127.0.0.0/8,192.0.2.0/24' });
  const one = await ask(near, forged);
  assert.deepEqual([one.address, one.secure], ['203.0.113.9', true]);
  // What stands before the last address that is not a proxy the client made up.
  assert.equal((await ask(near, { 'X-Forwarded-For': '198.51.100.1, 203.0.113.9, 192.0.2.7' })).address, '203.0.113.9');
  assert.equal((await ask(near, { 'X-Forwarded-For': 'unknown, 192.0.2.7' })).address, '192.0.2.7');
  assert.equal((await ask(near, { 'X-Forwarded-For': 'rubbish' })).address, '127.0.0.1');
  const twice = await talk(t, near.port, 'GET /things/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n' +
    'X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n');
  assert.equal(JSON.parse(bodyOf(twice)).address, '203.0.113.9');
  const all = await startDemo(t, { TRUSTED: '*' });
  assert.equal((await ask(all, { 'X-Forwarded-For': '203.0.113.9, 198.51.100.1' })).address, '203.0.113.9');
  await assert.rejects(startDemo(t, { TRUSTED: 'proxy.example.com' }), /neither an address nor a network/);
});

test('TLS with a certificate of one\'s own', async (t) => {
  const folder = folderFor(t);
  const { key, cert: certificate } = selfSigned(folder, 'DNS:localhost');
  const file = path.join(folder, 'data');
  writeFileSync(file, randomBytes(1_000_000));
  const { port } = await startDemo(t, { DEMO_FILE: file, TLS_CERTIFICATE: certificate, TLS_KEY: key });
  const get = (target) => new Promise((resolve, reject) => {
    https.get({ host: 'localhost', family: 4, port, path: target, ca: certificate }, (response) => {
      const chunks = [];
      response.on('data', (data) => chunks.push(data)).on('end', () => resolve(Buffer.concat(chunks))).on('error', reject);
    }).on('error', reject);
  });
  assert.equal(JSON.parse(await get('/things/x')).secure, true);
  assert.equal(md5(await get('/file/x')), md5(readFileSync(file)));
  assert.equal((await get('/relay?lines=2000')).toString().split('\n').length, 2001);
  await assert.rejects(get('/relay?lines=20&fail=1'));
  assert.deepEqual(JSON.parse(await get('/slow?ms=30')), { gone: false });
  await assert.rejects(startDemo(t, { TLS_CERTIFICATE: 'x', TLS_KEY: 'y' }), /certificate and key/);
});
