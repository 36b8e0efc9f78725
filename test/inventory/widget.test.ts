/** The dashboard's inventory as HTML, and CloudWatch's possible requests. */
import { describe, expect, it } from 'vitest';
import { escapeHtml, scriptJson } from '../../lambdas/inventory/html.ts';
import type { InventoryRow } from '../../lambdas/inventory/row.ts';
import { asksForDescription, widgetHtml, widgetRequest } from '../../lambdas/inventory/widget.ts';

const now = Date.parse('2026-11-25T12:00:00Z');
const hour = 3_600_000;
const endpoint = 'arn:aws:lambda:eu-central-1:111122223333:function:inventory';

function row(name: string, fields: Partial<InventoryRow> = {}): InventoryRow {
  return {
    name,
    secretArn: `arn:aws:secretsmanager:eu-central-1:111122223333:secret:${name}-AbCdEf`,
    profile: 'internal',
    state: 'ok',
    reason: { code: 'NotDue', message: 'Not due.' },
    notBefore: now - 8 * hour,
    notAfter: now + 16 * hour,
    renewAt: now + 8 * hour,
    overdue: false,
    declared: false,
    wanting: undefined,
    failure: undefined,
    ...fields,
  };
}

const none = widgetRequest({});
const html = (rows: readonly InventoryRow[], request = none) => widgetHtml(rows, request, { now, endpoint });
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
    ['__proto__', JSON.parse('{"__proto__":{"profile":"x"}}')],
  ])('with %s is the first page of all', (_, event) => {
    expect(widgetRequest(event)).toEqual({ profile: '', state: '', search: '', page: 0 });
  });

  it('uses the form first, then the dashboard’s parameters', () => {
    const event = {
      profile: 'edge',
      state: 'ok',
      page: 3,
      widgetContext: { forms: { all: { profile: 'internal', search: 'web' } } },
    };
    expect(widgetRequest(event)).toEqual({ profile: 'internal', state: 'ok', search: 'web', page: 3 });
  });

  it('is cut to the longest possible name', () => {
    expect(widgetRequest({ search: 'x'.repeat(10_000) }).search).toHaveLength(256);
  });

  it('may ask for a description', () => {
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

  it('shows the most urgent first, with times and state', () => {
    const text = html(rows);
    expect(names(text)).toEqual(['late', 'failing', 'a', 'b']);
    expect(text).toContain('<td class="failing">failing: CaRejected (3), next try in 2h</td>');
    expect(text).toContain('<td title="2026-11-26T04:00:00Z">in 16h</td>');
    expect(text).toContain('1 overdue</span>, <span class="failing">1 failing</span>, <span class="ok">2 ok');
  });

  it('shows one profile, one state, or a part of a name', () => {
    const all = [...rows, row('other', { profile: 'edge' })];
    expect(names(html(all, { ...none, profile: 'edge' }))).toEqual(['other']);
    expect(names(html(all, { ...none, state: 'overdue' }))).toEqual(['late']);
    expect(names(html(all, { ...none, search: 'FAIL' }))).toEqual(['failing']);
    expect(html(all, { ...none, profile: 'edge' })).toContain('<option value="edge" selected>edge</option>');
    expect(html(all, { ...none, search: 'nothing' })).toContain('No certificate matches.');
  });

  it('shows an overdue one that is paused among the overdue', () => {
    const paused = row('paused', { state: 'paused', overdue: true, reason: { code: 'Paused', message: '' } });
    expect(names(html([paused], { ...none, state: 'overdue' }))).toEqual(['paused']);
  });

  it('shows a page of fifty, with buttons for the next and the previous', () => {
    const many = Array.from({ length: 120 }, (_, i) => row(`n${String(i).padStart(3, '0')}`));
    const first = html(many);
    expect(names(first)).toHaveLength(50);
    expect(first).toContain('120 certificates, page 1 of 3');
    expect(first).not.toContain('Previous');
    expect(first).toContain(`<cwdb-action action="call" endpoint="${endpoint}">{&quot;page&quot;:1}</cwdb-action>`);
    const last = html(many, { ...none, page: 99 });
    expect(names(last)).toEqual(many.slice(100).map(({ name }) => name));
    expect(last).not.toContain('Next');
    expect(last).toContain('{&quot;page&quot;:1}');
  });

  it('says that there is nothing', () => {
    expect(html([])).toContain('No secret is enrolled.');
  });

  it('shows no time that the tags do not have', () => {
    const text = html([
      row('x', { state: 'unknown', notAfter: undefined, renewAt: undefined, reason: { code: 'Unknown', message: '' } }),
    ]);
    expect(text).toContain('<td class="unknown">unknown</td><td>?</td><td>?</td>');
  });

  it('shows a declared certificate with its state, why it is missing, and without times', () => {
    const failure = { code: 'IssuanceNotAllowed', count: 1, at: now, nextTry: now + hour } as const;
    const missing = {
      state: 'missing',
      declared: true,
      wanting: 'missing',
      notAfter: undefined,
      renewAt: undefined,
    } as const;
    const text = html([
      row('kept', { declared: true }),
      row('anew', { state: 'changed', declared: true, wanting: 'changed' }),
      row('away', missing),
      row('refused', { ...missing, failure }),
    ]);
    expect(names(text)).toEqual(['refused', 'away', 'anew', 'kept']);
    expect(text).toContain(
      '<td class="failing">missing: IssuanceNotAllowed (1), next try in 1h</td><td>-</td><td>-</td>',
    );
    expect(text).toContain('<td class="missing">missing</td><td>-</td><td>-</td>');
    expect(text).toContain('<td class="changed">changed</td>');
    expect(text).toContain('<td class="ok">ok, declared</td>');
    expect(text).toContain('2 missing</span>, <span class="changed">1 changed</span>');
  });

  it('shows a missing one that failed among the failing too', () => {
    const failure = { code: 'CaUnavailable', count: 1, at: now, nextTry: now } as const;
    const rows = [row('away', { state: 'missing', failure }), row('new', { state: 'missing' })];
    expect(names(html(rows, { ...none, state: 'failing' }))).toEqual(['away']);
    expect(names(html(rows, { ...none, state: 'missing' }))).toEqual(['away', 'new']);
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
