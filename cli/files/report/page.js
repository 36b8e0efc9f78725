// The script of the page of `cert-renewer report`. All text is set by textContent, as names may contain any characters.
const { at, rows, states } = JSON.parse(document.getElementById('data').textContent);
const byId = (id) => document.getElementById(id);
const rowsOfPage = 100;
const day = 86_400_000;
const hour = 3_600_000;

const view = { state: '', profile: '', search: '', by: 'urgency', down: false, page: 0 };

// ---- Words ------------------------------------------------------------------------------------

function make(name, attributes = {}, text = undefined) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

const clock = new Intl.DateTimeFormat('en-GB', {
  dateStyle: 'medium',
  timeStyle: 'short',
  timeZone: 'UTC',
});
const time = (instant) => `${clock.format(instant)} UTC`;

function distance(instant) {
  if (instant === null) return '';
  const left = Math.abs(instant - at);
  const [size, unit] = left >= 2 * day ? [day, 'd'] : left >= 2 * hour ? [hour, 'h'] : [60_000, 'min'];
  const amount = `${Math.floor(left / size)} ${unit}`;
  return instant >= at ? `in ${amount}` : `${amount} ago`;
}

// ---- Timeline ---------------------------------------------------------------------------------

/** Counts for bars of equal length: at most 32 bars from now to the last expiry or 90 days, and one bar on each side for the rest. */
function timeline() {
  const times = rows.flatMap((row) => [row.notAfter, row.renewAt]).filter((instant) => instant !== null);
  const last = times.reduce((most, instant) => Math.max(most, instant), at + hour);
  const reach = Math.min(last - at, 90 * day);
  const sizes = [hour, 3 * hour, 6 * hour, 12 * hour, day, 2 * day, 3 * day];
  const size = sizes.find((each) => reach / each <= 32) ?? 3 * day;
  const bars = Math.max(1, Math.ceil(reach / size));
  const index = (instant) => (instant < at ? 0 : Math.min(bars + 1, 1 + Math.floor((instant - at) / size)));
  const found = Array.from({ length: bars + 2 }, () => ({ expiry: 0, renewal: 0 }));
  for (const row of rows) {
    if (row.notAfter !== null) found[index(row.notAfter)].expiry += 1;
    if (row.renewAt !== null) found[index(row.renewAt)].renewal += 1;
  }
  const label = (i) => (i === 0 ? 'before now' : i === bars + 1 ? 'later' : time(at + (i - 1) * size));
  return found.map((counts, i) => ({ ...counts, label: label(i) }));
}

function svg(name, attributes, text = undefined) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

function drawTimeline() {
  const bars = timeline();
  const most = bars.reduce((highest, { expiry, renewal }) => Math.max(highest, expiry, renewal), 1);
  const [width, height, foot] = [1000, 170, 20];
  const step = width / bars.length;
  const chart = svg('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-labelledby': 'chart-title' });
  chart.append(
    svg('title', { id: 'chart-title' }, 'Expiries and renewals over time; the table below has the same numbers'),
  );
  const ground = height - foot;
  for (const [i, { expiry, renewal, label }] of bars.entries()) {
    for (const [kind, count, side] of [
      ['renewal', renewal, 0],
      ['expiry', expiry, 1],
    ]) {
      const tall = (count / most) * (ground - 10);
      const bar = svg('rect', {
        class: kind,
        x: i * step + 2 + (side * (step - 4)) / 2,
        y: ground - tall,
        width: (step - 4) / 2,
        height: tall,
      });
      bar.append(svg('title', {}, `${label}: ${count} ${kind === 'expiry' ? 'expire' : 'to be renewed'}`));
      chart.append(bar);
    }
  }
  chart.append(svg('line', { class: 'axis', x1: 0, x2: width, y1: ground, y2: ground }));
  for (const i of [0, 1, Math.floor(bars.length / 2), bars.length - 1]) {
    const anchor = i === 0 ? 'start' : i === bars.length - 1 ? 'end' : 'middle';
    const x = i === 0 ? 0 : i === bars.length - 1 ? width : (i + 0.5) * step;
    if (i !== 1 || bars.length < 4)
      chart.append(svg('text', { x, y: height - 5, 'text-anchor': anchor }, bars[i].label));
  }
  byId('chart').append(chart);
  for (const { label, renewal, expiry } of bars) {
    const line = make('tr');
    line.append(make('th', { scope: 'row' }, label), make('td', {}, renewal), make('td', {}, expiry));
    byId('numbers').append(line);
  }
}

// ---- Table ------------------------------------------------------------------------------------

const collator = new Intl.Collator('en', { numeric: true });
const number = (value) => (value === null ? Number.NEGATIVE_INFINITY : value);
const orders = {
  urgency: (a, b) => a.rank - b.rank,
  name: (a, b) => collator.compare(a.name, b.name),
  profile: (a, b) => collator.compare(a.profile, b.profile),
  state: (a, b) => states.indexOf(a.state) - states.indexOf(b.state),
  expires: (a, b) => number(a.notAfter) - number(b.notAfter),
  renews: (a, b) => number(a.renewAt) - number(b.renewAt),
};

function wanted() {
  const search = view.search.toLowerCase();
  const found = rows.filter(
    (row) =>
      (view.state === '' || row.states.includes(view.state)) &&
      (view.profile === '' || row.profile === view.profile) &&
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
  byId('found').textContent = `${found.length} of ${rows.length} certificates`;
  for (const heading of document.querySelectorAll('th[data-by]')) {
    const isIt = heading.dataset.by === view.by;
    if (isIt) heading.setAttribute('aria-sort', view.down ? 'descending' : 'ascending');
    else heading.removeAttribute('aria-sort');
    heading.querySelector('span').textContent = isIt ? (view.down ? ' ▼' : ' ▲') : '';
  }
  for (const button of document.querySelectorAll('#states button')) {
    button.setAttribute('aria-pressed', String(button.value === view.state));
  }
}

function line(row) {
  const tr = make('tr');
  const state = make('td');
  state.append(make('span', { class: row.severity, title: row.reason }, row.text));
  tr.append(make('th', { scope: 'row', class: 'name' }, row.name), make('td', {}, row.profile), state);
  for (const instant of [row.notAfter, row.renewAt]) {
    const cell = make('td', {}, instant === null ? row.noTime : time(instant));
    if (instant !== null) cell.append(make('br'), make('span', { class: 'soft' }, distance(instant)));
    tr.append(cell);
  }
  return tr;
}

// ---- Controls ---------------------------------------------------------------------------------

function change(fields) {
  Object.assign(view, { page: 0 }, fields);
  show();
}

function begin() {
  for (const state of ['', ...states]) {
    const count = rows.filter((row) => state === '' || row.state === state).length;
    const button = make('button', { type: 'button', value: state }, `${count} ${state === '' ? 'all' : state}`);
    if (state !== '') button.className = state;
    button.addEventListener('click', () => change({ state }));
    const item = make('li');
    item.append(button);
    byId('states').append(item);
  }
  for (const profile of [...new Set(rows.map((row) => row.profile))].sort(collator.compare)) {
    byId('profile').append(make('option', { value: profile }, profile));
  }
  byId('profile').addEventListener('change', ({ target }) => change({ profile: target.value }));
  byId('search').addEventListener('input', ({ target }) => change({ search: target.value }));
  byId('previous').addEventListener('click', () => change({ page: view.page - 1 }));
  byId('next').addEventListener('click', () => change({ page: view.page + 1 }));
  for (const heading of document.querySelectorAll('th[data-by]')) {
    const { by } = heading.dataset;
    heading.querySelector('button').addEventListener('click', () => {
      change({ by, down: view.by === by && !view.down });
    });
  }
  drawTimeline();
  show();
}

begin();
