/** The dashboard's inventory as HTML, and CloudWatch's possible requests. */
import { describe, expect, it } from 'vitest';
import { causeGroups, stateCounts } from '../../lambdas/inventory/cause.ts';
import { escapeHtml, scriptJson } from '../../lambdas/inventory/html.ts';
import type { InventoryRow } from '../../lambdas/inventory/row.ts';
import {
  asksForDescription,
  type WidgetRequest,
  widgetDescription,
  widgetHtml,
  widgetRequest,
} from '../../lambdas/inventory/widget.ts';
import { rowWith } from '../../testkit/inventory/row.ts';
import { sampleRows } from '../../testkit/inventory/rows.ts';

const now = Date.parse('2026-11-25T12:00:00Z');
const hour = 3_600_000;
const target = { stackName: 'Staging', region: 'eu-central-1' };
const endpoint = 'arn:aws:lambda:eu-central-1:111122223333:function:inventory';

const row = (name: string, fields: Partial<InventoryRow> = {}): InventoryRow => rowWith(now, { name, ...fields });

const none = { profile: '', state: '', cause: '', search: '', page: 0, theme: 'light' } as const;
const html = (rows: readonly InventoryRow[], request: WidgetRequest = none) =>
  widgetHtml(rows, request, { now, target, endpoint });
/** The names in the table of certificates. */
const names = (text: string) => [...text.matchAll(/<tr><td>(.*?)<\/td>/g)].map(([, name]) => name);

describe('a request', () => {
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['an empty event', {}],
    ['text', 'page'],
    ['a list', [1]],
    ['a page that is none', { page: -1 }],
    ['a page that is text', { page: '2' }],
    ['a state that is none', { state: 'fine' }],
    ['forms that are none', { widgetContext: { forms: { all: 'x' } } }],
    ['fields that are no text', { profile: 1, search: {}, widgetContext: { forms: { all: { state: [] } } } }],
    ['a cause that is none', { cause: 'Boredom' }],
    ['a cause that every object has', { cause: 'toString' }],
    ['a filter that is none', { filter: 'x' }],
    ['a filter with nothing valid', { filter: { state: 1, cause: [], page: 2 } }],
    ['a theme that is none', { widgetContext: { theme: 'blue' } }],
    ['__proto__', JSON.parse('{"__proto__":{"profile":"x"}}')],
  ])('with %s is the first page of all', (_, event) => {
    expect(widgetRequest(event)).toEqual(none);
  });

  it('uses the form first, then the dashboard’s parameters', () => {
    const form = { profile: 'internal', search: 'web' };
    const event = {
      profile: 'edge',
      state: 'ok',
      cause: 'CaRejected',
      page: 3,
      widgetContext: { forms: { all: form } },
    };
    const expected = { profile: 'internal', state: 'ok', cause: 'CaRejected', search: 'web', page: 3, theme: 'light' };
    expect(widgetRequest(event)).toEqual(expected);
  });

  it('of a click on a count filters by it alone, whatever the form and the parameters say', () => {
    const form = { profile: 'internal', state: 'ok', cause: '', search: 'web' };
    const event = { profile: 'edge', filter: { cause: 'CaRejected' }, widgetContext: { forms: { all: form } } };
    expect(widgetRequest(event)).toEqual({ ...none, cause: 'CaRejected' });
    expect(widgetRequest({ ...event, filter: {} })).toEqual(none);
  });

  it.each(['CaRejected', 'Expiring', 'Paused', 'NotServed'])('may have the cause %s', (cause) => {
    expect(widgetRequest({ cause }).cause).toBe(cause);
  });

  it('has the theme of the dashboard', () => {
    expect(widgetRequest({ widgetContext: { theme: 'dark' } }).theme).toBe('dark');
    expect(html([], { ...none, theme: 'dark' })).toContain('<div class="cr dark">');
  });

  it('is cut to the longest possible name', () => {
    expect(widgetRequest({ search: 'x'.repeat(10_000) }).search).toHaveLength(256);
  });

  it('may ask for a description, which names each parameter', () => {
    for (const name of ['profile', 'state', 'cause', 'search']) expect(widgetDescription).toContain(`| ${name} |`);
    expect([asksForDescription({ describe: true }), asksForDescription({}), asksForDescription(null)]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('the widget', () => {
  const failing = row('failing', {
    state: 'failing',
    failure: { code: 'CaRejected', count: 3, at: now - hour, nextTry: now + 2 * hour },
    renewAt: now - hour,
  });
  const rows = [row('b'), row('a'), failing, row('late', { state: 'overdue', overdue: true, notAfter: now + hour })];

  it('shows the most urgent first, with times, state, cause and the next command', () => {
    const text = html(rows);
    expect(names(text)).toEqual(['late', 'failing', 'a', 'b']);
    expect(text).toContain(
      '<td><b class="problem">failing</b></td><td><b title="the CA refuses the request">CaRejected</b> ',
    );
    expect(text).toContain('</b> 3 tries, next try in 2h</td>');
    expect(text).toContain('<td class="one" title="2026-11-26T04:00:00Z">in 16h</td>');
    expect(text).toContain(
      '<code title="To try again when the cause is removed">cert-renewer renew failing --stack Staging --region eu-central-1</code>',
    );
  });

  it('shows problems first, by state and by cause, without a zero', () => {
    const text = html(rows);
    const labels = [...text.matchAll(/<span class="(\w+)">(\d+ .*?)<\/span>/g)].map(
      ([, tone, label]) => `${tone}: ${label}`,
    );
    expect(labels).toEqual([
      'problem: 1 overdue',
      'problem: 1 failing',
      'well: 2 ok',
      'problem: 1 × CaRejected',
      'problem: 1 × NotDue',
    ]);
    expect(text).toContain('The CA refuses the request.');
    expect(text).toMatch(/<a href="https:[^"]+errors\.md#errors">More/);
  });

  it('says that nothing needs a person, without red', () => {
    const text = html([row('a'), row('b', { state: 'paused' })]);
    expect(text).toContain('<p class="big well">Nothing needs you.</p>');
    expect(text).not.toContain('class="problem"');
    expect(text).not.toContain('By cause');
  });

  it('shows what comes in a day and in a week', () => {
    const text = html([row('a'), row('b', { state: 'paused', notAfter: now + 30 * hour })]);
    expect(text).toContain('Next 24 hours: 1 renewed by the schedule, 0 expire if nothing is done.');
    expect(text).toContain(
      'Next 7 days: 1 renewed by the schedule, <b class="coming">1 expires if nothing is done</b>.',
    );
  });

  it('shows as many certificates as the count that was clicked says', () => {
    const sample = sampleRows(400, { now });
    const all = (filter: object): number => {
      const request = widgetRequest({ filter });
      let shown = 0;
      for (let page = 0; page < 10; page++) {
        const found = names(html(sample, { ...request, page }));
        if (page > 0 && found.length < 1) break;
        shown += found.length;
        if (found.length < 50) break;
      }
      return shown;
    };
    for (const [state, count] of stateCounts(sample)) expect(all({ state })).toBe(count);
    for (const { cause, rows: group } of causeGroups(sample)) expect(all({ cause: cause.code })).toBe(group.length);
    expect(html(sample)).toContain('{&quot;filter&quot;:{&quot;state&quot;:&quot;not served&quot;}}');
    expect(html(sample)).toContain('{&quot;filter&quot;:{&quot;cause&quot;:&quot;CaRejected&quot;}}');
  });

  it('is a small answer, with a link to its documents', () => {
    const text = html(sampleRows(10_000, { now, hostile: true }));
    expect(text.length).toBeLessThan(60_000);
    expect(text).toContain('metrics.md#the-dashboard');
  });

  it('shows one profile, one state, one cause, or a part of a name', () => {
    const all = [...rows, row('other', { profile: 'edge' })];
    expect(names(html(all, { ...none, profile: 'edge' }))).toEqual(['other']);
    expect(names(html(all, { ...none, state: 'overdue' }))).toEqual(['late']);
    expect(names(html(all, { ...none, cause: 'CaRejected' }))).toEqual(['failing']);
    expect(names(html(all, { ...none, search: 'FAIL' }))).toEqual(['failing']);
    expect(html(all, { ...none, profile: 'edge' })).toContain('<option value="edge" selected>edge</option>');
    expect(html(all, { ...none, cause: 'KmsDenied' })).toContain('<option value="KmsDenied" selected>');
    expect(html(all, { ...none, search: 'nothing' })).toContain('No certificate matches.');
  });

  it('counts a certificate in several states under the most urgent one alone', () => {
    const paused = row('paused', {
      state: 'expired',
      states: ['expired', 'paused'],
      reason: { code: 'Paused', message: 'Paused by the tag.' },
    });
    expect(names(html([paused], { ...none, state: 'expired' }))).toEqual(['paused']);
    expect(names(html([paused], { ...none, state: 'paused' }))).toEqual([]);
    expect(html([paused])).toContain('<b class="problem">expired</b>, paused</td>');
    expect(html([paused])).toContain('cert-renewer resume paused');
  });

  it('shows a page of fifty, with buttons for the next and the previous', () => {
    const many = Array.from({ length: 120 }, (_, i) => row(`n${String(i).padStart(3, '0')}`));
    const first = html(many);
    expect(names(first)).toHaveLength(50);
    expect(first).toContain('120 certificates, page 1 of 3');
    expect(first).not.toContain('>Previous</a>');
    expect(first).toContain(`<cwdb-action action="call" endpoint="${endpoint}">{&quot;page&quot;:1}</cwdb-action>`);
    const last = html(many, { ...none, page: 99 });
    expect(names(last)).toEqual(many.slice(100).map(({ name }) => name));
    expect(last).not.toContain('>Next</a>');
    expect(last).toContain('{&quot;page&quot;:1}');
  });

  it('says that there is nothing', () => {
    expect(html([])).toContain('No secret is enrolled.');
  });

  it('shows no time that the tags do not have', () => {
    const reason = { code: 'Unknown', message: 'The secret is new.' } as const;
    const text = html([row('x', { state: 'unknown', notAfter: undefined, renewAt: undefined, reason })]);
    expect(text).toContain('<b class="quiet">unknown</b></td><td>The secret is new.</td><td>?</td><td>?</td>');
  });

  it('shows a declared certificate with its state, why it is missing, and without times', () => {
    const failure = { code: 'IssuanceNotAllowed', count: 1, at: now, nextTry: now + hour } as const;
    const missing = { declared: true, wanting: 'missing', notAfter: undefined, renewAt: undefined } as const;
    const text = html([
      row('kept', { declared: true }),
      row('anew', { state: 'changed', declared: true, wanting: 'changed' }),
      row('away', { ...missing, state: 'missing' }),
      row('refused', { ...missing, state: 'failing', states: ['failing', 'missing'], failure }),
    ]);
    expect(names(text)).toEqual(['refused', 'away', 'anew', 'kept']);
    expect(text).toContain('<b class="problem">failing</b>, missing</td>');
    expect(text).toContain('1 try, next try in 1h</td><td>-</td><td>-</td>');
    expect(text).toContain('<b class="coming">missing</b></td>');
    expect(text).toContain('<b class="coming">changed</b></td>');
    expect(text).toContain('<b class="well">ok</b></td>');
  });

  it('escapes all texts: names, profiles, the search', () => {
    const evil = `<img src=x onerror=alert(1)>"'\`&\u202e`;
    const text = html([row(evil, { profile: evil })], { ...none, search: evil });
    expect(text).not.toContain('<img');
    expect(text.match(/&lt;img src=x onerror=alert\(1\)&gt;&quot;&#39;&#96;&amp;\\u202e/g)).toHaveLength(5); // name, profile, the option and its value, field
  });
});

it('script data can’t end a script element', () => {
  const value = ['</script><script>', '<!--', '\u2028', '&'];
  expect(scriptJson(value)).not.toMatch(/[<>&\u2028]/);
  expect(JSON.parse(scriptJson(value))).toEqual(value);
});

it('plain text stays as it is', () => {
  expect(escapeHtml('web/tls.example é')).toBe('web/tls.example é');
});

it('names the stack and the Region in the commands: the shell of the reader may mean others', () => {
  expect(html([row('web/tls', { state: 'due' })])).toContain(
    '>cert-renewer renew web/tls --stack Staging --region eu-central-1</code>',
  );
});
