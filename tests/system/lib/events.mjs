// Server-sent events, read by hand: what a browser's EventSource does, with a token.
import { atEnd } from './agnesd.mjs';

// Begins to listen: { events, response, until(what, holds), close(), ended }; `events` grows as they come.
export async function listen(t, client, path = '/api/sync/events') {
  const abort = new AbortController();
  const response = await fetch(client.url + path, { headers: { authorization: `Bearer ${client.token}` }, signal: abort.signal });
  const stream = { response, events: [], comments: 0, close: () => abort.abort() };
  stream.ended = read(stream).catch((error) => { if (error.name !== 'AbortError') throw error; });
  atEnd(t, () => { abort.abort(); return stream.ended; });
  stream.until = (what, holds) => untilEvent(stream, what, holds);
  return stream;
}

async function read(stream) {
  let text = '';
  for await (const chunk of stream.response.body.pipeThrough(new TextDecoderStream())) {
    const parts = (text + chunk).split('\n\n');
    text = parts.pop();
    for (const part of parts) take(stream, part);
  }
}

function take(stream, part) {
  const fields = part.split('\n').map((line) => /^(\w*): ?(.*)$/s.exec(line));
  const value = (name) => fields.filter((field) => field?.[1] === name).map((field) => field[2]).join('\n');
  if (part.startsWith(':')) stream.comments++;
  else stream.events.push({ name: value('event'), data: JSON.parse(value('data')) });
}

// The first event for which `holds` is true, also if it came already.
async function untilEvent(stream, what, holds) {
  for (let i = 0; i < 1200; i++) {
    const found = stream.events.find(holds);
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${what}: waited too long; ${JSON.stringify(stream.events.map(({ name }) => name))}`);
}
