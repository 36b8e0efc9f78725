// The script of the page of `cert-renewer report`. All text is set by textContent, as names may contain any characters.
const { at, rows, states, comings } = JSON.parse(document.getElementById('data').textContent);
const byId = (id) => document.getElementById(id);
const rowsOfPage = 100;

// What the table shows. The part of the address after # has the same fields, so that a link shows the same.
const initial = { search: '', state: '', cause: '', profile: '', comes: '', by: 'urgency', down: false, page: 0 };
const view = { ...initial };

const collator = new Intl.Collator('en', { numeric: true });
const known = (field) => [...new Set(rows.map((row) => row[field] ?? ''))].filter((value) => value !== '');
const present = known('state');
const options = {
  state: states.filter((state) => present.includes(state)),
  cause: known('cause').sort(collator.compare),
  profile: known('profile').sort(collator.compare),
  comes: Object.keys(comings),
};
const filters = ['search', ...Object.keys(options)];
const unfiltered = Object.fromEntries(filters.map((name) => [name, '']));

function make(name, attributes = {}, text = undefined) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

const numeral = (number) => number.toLocaleString('en-US');
const certificates = (number) => `${numeral(number)} ${number === 1 ? 'certificate' : 'certificates'}`;

// ---- The address ------------------------------------------------------------------------------

function readAddress() {
  const fields = new URLSearchParams(location.hash.slice(1));
  const read = (name, allowed) => (allowed.includes(fields.get(name)) ? fields.get(name) : '');
  Object.assign(view, initial, {
    ...Object.fromEntries(Object.entries(options).map(([name, values]) => [name, read(name, values)])),
    search: fields.get('search') ?? '',
    by: read('by', Object.keys(orders)) || initial.by,
    down: fields.get('down') === '1',
    page: Math.max(0, (Number.parseInt(fields.get('page') ?? '1', 10) || 1) - 1),
  });
}

function writeAddress() {
  const fields = new URLSearchParams();
  for (const name of [...filters, 'by']) {
    if (view[name] !== initial[name]) fields.set(name, view[name]);
  }
  if (view.down) fields.set('down', '1');
  if (view.page > 0) fields.set('page', view.page + 1);
  try {
    history.replaceState(null, '', `#${fields}`);
  } catch {
    // A page without an address of its own, as in a frame of a build server, has no link to keep.
  }
}

// ---- The table --------------------------------------------------------------------------------

const byTime = (field) => (a, b) =>
  (a[field].at ?? Number.NEGATIVE_INFINITY) - (b[field].at ?? Number.NEGATIVE_INFINITY) || 0;
const orders = {
  urgency: (a, b) => a.rank - b.rank,
  name: (a, b) => collator.compare(a.name, b.name),
  profile: (a, b) => collator.compare(a.profile, b.profile),
  state: (a, b) => states.indexOf(a.state) - states.indexOf(b.state),
  cause: (a, b) => Number(!a.cause) - Number(!b.cause) || collator.compare(a.cause ?? '', b.cause ?? ''),
  expires: byTime('expires'),
  renews: byTime('renews'),
};

function wanted() {
  const search = view.search.toLowerCase();
  const is = (field, row) => view[field] === '' || row[field] === view[field];
  const found = rows.filter(
    (row) =>
      is('state', row) &&
      is('cause', row) &&
      is('profile', row) &&
      (view.comes === '' || row.comes?.includes(view.comes)) &&
      (search === '' || row.name.toLowerCase().includes(search)),
  );
  const order = orders[view.by];
  return found.sort((a, b) => (view.down ? order(b, a) : order(a, b)) || a.rank - b.rank);
}

function show() {
  const found = wanted();
  const pages = Math.max(1, Math.ceil(found.length / rowsOfPage));
  view.page = Math.min(view.page, pages - 1);
  const first = view.page * rowsOfPage;
  byId('rows').replaceChildren(...found.slice(first, first + rowsOfPage).map(line));
  byId('page').textContent = `Page ${view.page + 1} of ${pages}`;
  byId('previous').disabled = view.page === 0;
  byId('next').disabled = view.page === pages - 1;
  const isFiltered = filters.some((name) => view[name] !== '');
  byId('found').textContent = isFiltered
    ? `${numeral(found.length)} of ${certificates(rows.length)}`
    : certificates(rows.length);
  byId('clear').disabled = !isFiltered;
  for (const name of filters) {
    if (byId(name).value !== view[name]) byId(name).value = view[name];
  }
  for (const heading of document.querySelectorAll('th[data-by]')) {
    const isIt = heading.dataset.by === view.by;
    if (isIt) heading.setAttribute('aria-sort', view.down ? 'descending' : 'ascending');
    else heading.removeAttribute('aria-sort');
    heading.querySelector('span').textContent = isIt ? (view.down ? ' ▼' : ' ▲') : '';
  }
  for (const button of document.querySelectorAll('button[data-filter]')) {
    button.setAttribute('aria-pressed', String(button.value === view[button.dataset.filter]));
  }
}

function cell(name, title, ...content) {
  const td = make('td', { role: 'cell', class: name, 'data-title': title });
  td.append(...content);
  return td;
}

function line(row) {
  const tr = make('tr', { role: 'row' });
  const state = [make('span', { class: `state ${row.tone}` }, row.state)];
  if (row.also) state.push(make('span', { class: 'soft' }, `, ${row.also}`));
  const cause = row.cause ? [make('b', { title: row.means }, row.cause)] : [];
  if (row.message) cause.push(make('span', { class: 'soft' }, `${row.cause ? ' ' : ''}${row.message}`));
  tr.append(
    make('th', { scope: 'row', role: 'rowheader', class: 'name' }, row.name),
    cell('profile', 'Profile', row.profile),
    cell('state', 'State', ...state),
    cell('cause', 'Cause', ...cause),
    cell('expires', 'Expires', ...time(row.expires)),
    cell('renews', 'Renews', ...time(row.renews)),
    cell('next', 'Next', ...command(row)),
  );
  return tr;
}

function time({ iso, text }) {
  if (iso === undefined) return [make('span', { class: 'soft' }, text)];
  const absolute = `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
  return [make('time', { datetime: iso, title: absolute }, text), make('span', { class: 'absolute' }, ` ${absolute}`)];
}

function command({ next, to }) {
  if (next === undefined) return [];
  const both = make('div', { class: 'command' });
  both.append(
    make('button', { type: 'button', class: 'copy', 'aria-label': `Copy ${next} (to ${to})` }, 'Copy'),
    make('code', { title: `To ${to}` }, next),
  );
  return [both];
}

// ---- Copying ----------------------------------------------------------------------------------

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without the permission, or in a frame: the old way, which needs a selected field.
    const field = make('textarea', { class: 'visually-hidden', 'aria-hidden': 'true' });
    field.value = text;
    document.body.append(field);
    field.select();
    const isCopied = document.execCommand('copy');
    field.remove();
    return isCopied;
  }
}

async function copyFrom(button) {
  const code = button.nextElementSibling;
  const isCopied = await copy(code.textContent);
  button.focus();
  if (!isCopied) getSelection().selectAllChildren(code);
  say(isCopied ? 'Copied' : 'Not copied: the command is selected, copy it with the keyboard');
  button.textContent = isCopied ? 'Copied' : 'Selected';
  setTimeout(() => {
    button.textContent = 'Copy';
  }, 2000);
}

/** A screen reader reads the same text again only if it was empty between. */
function say(text) {
  byId('said').textContent = '';
  setTimeout(() => {
    byId('said').textContent = text;
  }, 50);
}

// ---- Controls ---------------------------------------------------------------------------------

function change(fields) {
  Object.assign(view, { page: 0 }, fields);
  show();
  writeAddress();
}

function filterBy({ dataset, value }) {
  const { filter } = dataset;
  // A count is of all certificates, so the click shows as many rows as it says. A second click shows all again.
  change({ ...unfiltered, [filter]: view[filter] === value ? '' : value });
  if (view[filter] !== '') byId('certificates').scrollIntoView();
}

function tellAge() {
  const hours = Math.floor((Date.now() - at) / 3_600_000);
  if (hours < 1) return;
  const age = hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
  byId('age').textContent = `That was ${age} ago: times here are relative to then.`;
}

function begin() {
  for (const [name, values] of Object.entries(options)) {
    for (const value of values) byId(name).append(make('option', { value }, name === 'comes' ? comings[value] : value));
    byId(name).addEventListener('change', ({ target }) => change({ [name]: target.value }));
  }
  for (const button of document.querySelectorAll('button[data-filter]')) {
    button.addEventListener('click', () => filterBy(button));
  }
  byId('search').addEventListener('input', ({ target }) => change({ search: target.value }));
  byId('clear').addEventListener('click', () => {
    change(unfiltered);
    byId('search').focus();
  });
  byId('previous').addEventListener('click', () => turn(view.page - 1));
  byId('next').addEventListener('click', () => turn(view.page + 1));
  byId('rows').addEventListener('click', ({ target }) => {
    if (target.classList.contains('copy')) void copyFrom(target);
  });
  for (const heading of document.querySelectorAll('th[data-by]')) {
    const { by } = heading.dataset;
    heading.querySelector('button').addEventListener('click', () => {
      change({ by, down: view.by === by && !view.down });
    });
  }
  document.querySelector('.skip').addEventListener('click', (event) => {
    // The address keeps the view.
    event.preventDefault();
    byId('certificates').focus();
  });
  addEventListener('hashchange', () => {
    readAddress();
    show();
  });
  tellAge();
  readAddress();
  show();
}

/** The rest of the table begins at its top. The button that turned the page may be disabled now, and would lose the focus. */
function turn(page) {
  change({ page });
  byId('certificates').focus();
  byId('certificates').scrollIntoView();
}

begin();
