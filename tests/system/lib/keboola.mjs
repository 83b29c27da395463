// A Keboola stack of the test: real HTTP, one project, and what it was asked.
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { atEnd } from './agnesd.mjs';

function answer(response, status, body, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

/**
 * A stack whose project knows one token. `columns` are functions (request, response) that answer for notes about the
 * columns of these names; every other note is taken. With `tls`, { key, cert }, it speaks HTTPS.
 */
export async function startKeboola(t, token, { columns = {}, tls } = {}) {
  const asked = [];
  const handle = (request, response, body) => {
    asked.push({ method: request.method, url: request.url, token: request.headers['x-storageapi-token'],
      type: request.headers['content-type'], body: body ? JSON.parse(body) : undefined });
    if (request.headers['x-storageapi-token'] !== token) return answer(response, 401, { error: 'Invalid access token' });
    if (request.url === '/v2/storage/tokens/verify') return answer(response, 200, { owner: { id: 7, name: 'Shop' } });
    const column = /^\/v2\/storage\/tables\/[^/]+\/columns\/([^/]+)\/metadata$/.exec(request.url)?.[1];
    if (!column || request.method !== 'POST') return answer(response, 404, { error: 'Not found' });
    const special = columns[decodeURIComponent(column)];
    return special ? special(request, response) : answer(response, 201, []);
  };
  const listener = (request, response) => {
    let body = '';
    request.on('data', (data) => { body += data; });
    request.on('end', () => handle(request, response, body));
  };
  const server = tls ? https.createServer(tls, listener) : http.createServer(listener);
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(t, () => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address();
  return { url: `${tls ? 'https://localhost' : 'http://127.0.0.1'}:${port}`, port, asked };
}
