// Shows /openapi.json: every operation with its fields and answers, and a form that calls it.

// element('p', { class: 'x' }, 'text', child): text is only ever set as text.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(key, value);
    else if (value === true) made.setAttribute(key, '');
    else if (value !== false && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function typeOf(schema = {}) {
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' or ');
  if (schema.type === 'array') return `list of ${schema.items ? typeOf(schema.items) : 'anything'}`;
  return schema.contentMediaType ? 'file' : schema.type ?? 'anything';
}

function boundsOf(schema = {}) {
  const inner = schema.anyOf?.[0] ?? schema;
  const parts = [];
  if (inner.minimum !== undefined) parts.push(`${inner.minimum} to ${inner.maximum}`);
  if (inner.maxLength !== undefined) parts.push(`${inner.minLength ?? 0} to ${inner.maxLength} characters`);
  if (schema.default !== undefined) parts.push(`default ${JSON.stringify(schema.default)}`);
  return parts.join(', ');
}

// All fields of an operation, wherever they stand: { name, place, required, schema }.
function fieldsOf(operation) {
  const fields = (operation.parameters ?? []).map((parameter) => ({
    name: parameter.name, place: parameter.in, required: parameter.required, schema: parameter.schema,
  }));
  const [type, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  const place = type === 'application/json' ? 'body' : 'form';
  for (const [name, schema] of Object.entries(content?.schema?.properties ?? {})) {
    fields.push({ name, place, required: content.schema.required?.includes(name) ?? false, schema });
  }
  return { fields, bodyType: type };
}

function fieldTable(fields) {
  if (fields.length === 0) return null;
  const rows = fields.map(({ name, place, required, schema }) => element('tr', {},
    element('td', {}, element('code', {}, name), required ? ' *' : ''),
    element('td', {}, place), element('td', {}, typeOf(schema)),
    element('td', {}, [boundsOf(schema), schema.description].filter(Boolean).join('; '))));
  const titles = ['Field', 'In', 'Type', 'Rules'].map((title) => element('th', {}, title));
  return element('table', {}, element('thead', {}, element('tr', {}, ...titles)), element('tbody', {}, ...rows));
}

function answerTable(responses = {}) {
  const rows = Object.entries(responses).map(([status, answer]) => element('tr', {},
    element('td', {}, element('code', {}, status)), element('td', {}, answer.description)));
  return element('table', {}, element('tbody', {}, ...rows));
}

// What a body looks like, to start from.
function exampleBody(fields) {
  const example = {};
  for (const { name, place, required, schema } of fields) {
    if (place !== 'body') continue;
    if (schema.default !== undefined) example[name] = schema.default;
    else if (required) example[name] = { string: '', integer: 0, number: 0, boolean: false, array: [], object: {} }[schema.type] ?? null;
  }
  return JSON.stringify(example, null, 2);
}

// Reads the form of one call into the arguments of fetch().
function requestOf(method, path, { fields, bodyType }, inputs) {
  const headers = {};
  const query = new URLSearchParams();
  const form = new FormData();
  let target = path;
  for (const { name, place, schema } of fields) {
    const input = inputs.get(name);
    if (!input) continue;
    if (place === 'path') target = target.replace(`{${name}}`, input.value.split('/').map(encodeURIComponent).join('/'));
    else if (place === 'query' && input.value !== '') query.append(name, input.value);
    else if (place === 'form' && schema.contentMediaType && input.files[0]) form.append(name, input.files[0]);
    else if (place === 'form' && input.value !== '') form.append(name, input.value);
  }
  if (String(query)) target += `?${query}`;
  const token = document.getElementById('token').value.trim();
  if (token) headers.Authorization = `Bearer ${token}`;
  const options = { method: method.toUpperCase(), headers, credentials: 'same-origin' };
  if (bodyType === 'multipart/form-data') options.body = form;
  else if (bodyType) {
    headers['Content-Type'] = bodyType;
    options.body = inputs.get('').value;
  }
  return [target, options];
}

const SHOWN_BYTES = 200_000;

async function describeAnswer(response) {
  const type = response.headers.get('Content-Type') ?? '';
  const head = [`${response.status} ${response.statusText}`, ...[...response.headers].map(([name, value]) => `${name}: ${value}`)];
  if (!/json|text|xml|javascript/.test(type)) {
    const size = (await response.arrayBuffer()).byteLength;
    return [...head, '', `${size} bytes`].join('\n');
  }
  let text = await response.text();
  if (type.includes('json')) {
    try {
      text = JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      // shown as it came
    }
  }
  return [...head, '', text.length > SHOWN_BYTES ? `${text.slice(0, SHOWN_BYTES)}\n…` : text].join('\n');
}

function callForm(method, path, operation, description) {
  const inputs = new Map();
  const rows = [];
  for (const { name, place, required, schema } of description.fields) {
    if (place === 'body') continue;
    const type = schema.contentMediaType ? 'file' : /password|token|secret/.test(name) ? 'password' : 'text';
    const input = element('input', { type, required, autocomplete: 'off' });
    inputs.set(name, input);
    rows.push(element('label', {}, `${name} (${place})`, input));
  }
  if (description.bodyType && description.bodyType !== 'multipart/form-data') {
    const area = element('textarea', { spellcheck: 'false', 'aria-label': 'body' });
    area.value = description.bodyType === 'application/json' ? exampleBody(description.fields) : '';
    inputs.set('', area);
    rows.push(element('label', {}, 'body', area));
  }
  const button = element('button', {}, 'Call');
  const answer = element('pre', { hidden: true, tabindex: '0', 'aria-label': 'answer' });
  const call = async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      answer.textContent = await describeAnswer(await fetch(...requestOf(method, path, description, inputs)));
    } catch (error) {
      answer.textContent = `The call failed: ${error.message}`;
    }
    answer.hidden = false;
    button.disabled = false;
  };
  return element('form', { submit: call }, ...rows, button, answer);
}

function operationView(method, path, operation) {
  const description = fieldsOf(operation);
  const body = element('div');
  const view = element('details', { id: operation.operationId },
    element('summary', {}, element('code', { class: `method method-${method}` }, method.toUpperCase()),
      element('code', {}, path), element('span', { class: 'summary' }, operation.summary ?? '')), body);
  // Made when it is opened: there are some hundreds of them.
  const open = () => {
    if (!view.open || body.hasChildNodes()) return;
    body.append(...[
      operation.description ? element('p', {}, operation.description) : null,
      fieldTable(description.fields),
      element('h3', {}, 'Answers'), answerTable(operation.responses),
      element('h3', {}, 'Try it'), callForm(method, path, operation, description),
    ].filter(Boolean));
  };
  view.addEventListener('toggle', open);
  view.dataset.text = `${method} ${path} ${operation.summary ?? ''} ${operation.description ?? ''}`.toLowerCase();
  return view;
}

function show(description) {
  document.title = description.info.title;
  document.getElementById('title').textContent = `${description.info.title} ${description.info.version}`;
  document.getElementById('description').textContent = description.info.description ?? '';
  const groups = new Map();
  for (const [path, item] of Object.entries(description.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      const tag = operation.tags?.[0] ?? 'other';
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operationView(method, path, operation));
    }
  }
  const sections = [...groups].map(([tag, views]) => element('section', {}, element('h2', {}, tag), ...views));
  document.getElementById('operations').replaceChildren(...sections);
}

function filter(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  for (const section of document.querySelectorAll('section')) {
    let shown = 0;
    for (const view of section.querySelectorAll('details')) {
      view.hidden = !words.every((word) => view.dataset.text.includes(word));
      if (!view.hidden) shown++;
    }
    section.hidden = shown === 0;
  }
}

async function start() {
  const operations = document.getElementById('operations');
  try {
    const response = await fetch('/openapi.json');
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    show(await response.json());
    document.getElementById(location.hash.slice(1))?.setAttribute('open', '');
  } catch (error) {
    const problem = document.getElementById('problem');
    problem.textContent = `The description of the API could not be read: ${error.message}`;
    problem.hidden = false;
  }
  operations.setAttribute('aria-busy', 'false');
}

document.getElementById('session').addEventListener('submit', (event) => event.preventDefault());
document.getElementById('filter').addEventListener('input', (event) => filter(event.target.value));
await start();
