/** What the page of `report` shows in a browser, and what a click does. */
import { expect, it } from 'vitest';
import { reportPage } from '../../cli/report/page.ts';
import { causeGroups, stateCounts } from '../../lambdas/inventory/cause.ts';
import { visible } from '../../lambdas/inventory/html.ts';
import type { InventoryRow } from '../../lambdas/inventory/row.ts';
import { isProblem } from '../../lambdas/inventory/states.ts';
import { comingCounts } from '../../lambdas/inventory/timeline.ts';
import { hostileNames, sampleNow as now, sampleRows } from '../../testkit/inventory/rows.ts';
import { describeFound } from '../support/local.ts';
import { cpuClock, found, hashOf, inBrowser, names, texts, tool } from './in-browser.ts';

const hour = 3_600_000;
const [evil] = hostileNames;
const rows = sampleRows(400, { hostile: true });
const numeral = (number: number): string => number.toLocaleString('en-US');

describeFound([tool], 'the page', () => {
  const { open, report } = inBrowser();

  it('shows the problems first, and leaves out a state without certificates', async () => {
    const { page } = await report(rows.filter(({ state }) => state !== 'not served'));
    const counts = stateCounts(rows.filter(({ state }) => state !== 'not served'));
    const expected = [...counts].map(([state, number]) => `${numeral(number)} ${state}`);
    expect(await texts(page, '.headline button')).toEqual(expected);
    expect(await texts(page, '.headline .large button')).toEqual(expected.slice(0, 3));
    const wrong = [...counts].reduce((sum, [state, number]) => sum + (isProblem(state) ? number : 0), 0);
    expect((await texts(page, '.headline h2'))[0]).toBe(`${wrong} of 398 certificates need you`);
  });

  it('says that nothing needs a person, without red', async () => {
    const { page } = await report(rows.filter(({ state }) => !isProblem(state)));
    expect((await texts(page, '.headline h2'))[0]).toBe('Nothing needs you.');
    expect(await page.$$('.problem, .past')).toEqual([]);
    expect(await texts(page, '#causes-heading')).toEqual([]);
  });

  it('shows as many certificates as the count that was clicked says, and all after a second click', async () => {
    // Every click shows the rows again, so there are few that are ok.
    const some = rows.filter(({ state }, index) => state !== 'ok' || index < 20);
    const { page } = await report(some);
    const expected = new Map<string, number>(stateCounts(some));
    for (const { cause, rows: group } of causeGroups(some)) expected.set(cause.code, group.length);
    for (const [coming, number] of Object.entries(comingCounts(some, now))) expected.set(coming, number);
    await page.click('details summary');
    const buttons = await page.$$('button[data-filter]');
    expect(buttons.length).toBe([...expected.values()].filter((number) => number > 0).length);
    for (const button of buttons) {
      const value = await button.evaluate((it) => it.getAttribute('value') ?? '');
      const number = expected.get(value) ?? 0;
      expect((await button.evaluate((it) => it.textContent ?? '')).split(' ')[0]).toContain(numeral(number));
      await button.click();
      expect(await found(page), value).toBe(`${number} of ${some.length} certificates`);
      expect(await names(page)).toHaveLength(number);
      expect(await button.evaluate((it) => it.getAttribute('aria-pressed'))).toBe('true');
      await button.click();
      expect(await found(page)).toBe(`${some.length} certificates`);
    }
  }, 60_000);

  it('shows no zero in red, and in red only problems', async () => {
    const few = [...rows.filter(({ state }) => state === 'failing').slice(0, 1), ...rows.slice(5, 9)];
    const { page } = await report(few);
    const coloured = (await page.evaluate(`
      const probe = document.createElement('i');
      probe.className = 'state problem';
      document.body.append(probe);
      const red = (probe.style.color = 'var(--problem)', getComputedStyle(probe).color);
      [...document.querySelectorAll('main *')]
        .filter((it) => it.children.length === 0 && [getComputedStyle(it).color, getComputedStyle(it).fill].includes(red))
        .map((it) => it.tagName === 'rect' ? 'rect ' + it.getAttribute('width') : it.textContent)`)) as string[];
    expect(coloured.length).toBeGreaterThan(1);
    expect(coloured.filter((text) => /^0$/.test(text))).toEqual([]);
    const zeros = await page.$$eval('.timeline .soft', (all) => all.map((it) => it.textContent));
    expect(zeros).toContain('0');
    expect(coloured.every((text) => /^(\d+|failing|rect .*)$/.test(text))).toBe(true);
  });

  it('sorts by each column, both ways', async () => {
    const { page, problems } = await report(rows);
    expect((await texts(page, '#rows tr:first-child td.state'))[0]).toMatch(/^expired/);
    await page.click('th[data-by="name"] button');
    const all = rows.map(({ name }) => visible(name)).sort(new Intl.Collator('en', { numeric: true }).compare);
    expect((await names(page))[0]).toBe(all[0]);
    await page.click('th[data-by="name"] button');
    expect((await names(page))[0]).toBe(all.at(-1));
    expect(await page.$eval('th[data-by="name"]', (th) => th.getAttribute('aria-sort'))).toBe('descending');
    await page.click('th[data-by="cause"] button');
    expect((await texts(page, '#rows tr:first-child td.cause b'))[0]).toBe('AccessDenied');
    expect(await page.$$eval('th[aria-sort]', (them) => them.length)).toBe(1);
    for (const by of ['profile', 'state', 'expires', 'renews']) await page.click(`th[data-by="${by}"] button`);
    expect(problems).toEqual([]);
  });

  it('filters by state, cause, profile, what comes and name, together, and clears all of them', async () => {
    const { page } = await report(rows);
    await page.select('#state', 'failing');
    await page.select('#cause', 'CaRejected');
    const some = rows.filter(({ state, failure }) => state === 'failing' && failure?.code === 'CaRejected');
    expect(await found(page)).toBe(`${some.length} of 400 certificates`);
    const profile = some[0]?.profile ?? '';
    await page.select('#profile', profile);
    const fewer = some.filter((row) => row.profile === profile);
    expect(new Set(await names(page))).toEqual(new Set(fewer.map(({ name }) => name)));
    await page.type('#search', fewer[0]?.name.toUpperCase() ?? '');
    expect(await names(page)).toEqual([fewer[0]?.name]);
    await page.select('#comes', 'renews-24h');
    expect(await found(page)).toBe('0 of 400 certificates');
    await page.click('#clear');
    expect(await found(page)).toBe('400 certificates');
    expect(await page.$eval('#clear', (button) => button.matches(':disabled'))).toBe(true);
    expect(await page.evaluate('document.getElementById("search").value')).toBe('');
  });

  it('shows the same by a link, and ignores what the link has wrong', async () => {
    const { page } = await report(rows);
    await page.select('#state', 'ok');
    await page.type('#search', 'prod/');
    await page.click('th[data-by="expires"] button');
    await page.click('th[data-by="expires"] button');
    await page.click('#next');
    const [shown, hash] = [await names(page), String(await hashOf(page))];
    expect(hash).toBe('#search=prod%2F&state=ok&by=expires&down=1&page=2');
    const again = await report(rows, { hash });
    expect(await names(again.page)).toEqual(shown);
    expect(await again.page.evaluate('document.getElementById("state").value')).toBe('ok');
    await again.page.evaluate('location.hash = "#cause=CaRejected"');
    await again.page.waitForFunction('document.getElementById("cause").value === "CaRejected"');
    const wrong = await report(rows, { hash: '#state=fine&cause=__proto__&by=toString&page=-3&down=x&nothing' });
    expect(await found(wrong.page)).toBe('400 certificates');
    expect([...again.problems, ...wrong.problems]).toEqual([]);
  });

  it('shows relative times, with the absolute ones on hover and for screen readers', async () => {
    const only = rows.filter(({ state }) => state === 'paused').slice(0, 1);
    const notAfter = now + 26 * hour;
    const { page } = await report(only.map((row) => ({ ...row, notAfter })));
    const [time] = await page.$$eval('#rows td.expires time', (all) =>
      all.map((it) => [it.textContent, it.getAttribute('datetime'), it.getAttribute('title')]),
    );
    expect(time).toEqual(['in 1d 2h', '2026-11-26T05:12:00Z', '2026-11-26 05:12 UTC']);
    expect((await texts(page, '#rows td.expires .absolute'))[0]).toBe(' 2026-11-26 05:12 UTC');
  });

  it('tells its age, because its times are relative', async () => {
    const { page } = await report(rows, { before: `Date.now = () => ${now + 5 * hour}` });
    expect((await texts(page, '#age'))[0]).toBe('That was 5 h ago: times here are relative to then.');
    const fresh = await report(rows, { before: `Date.now = () => ${now + hour / 2}` });
    expect(await texts(fresh.page, '#age')).toEqual(['']);
  });

  it('shows a missing certificate that failed among the failing, with the cause and the next command', async () => {
    const gone = { notBefore: undefined, notAfter: undefined, renewAt: undefined };
    const [row] = sampleRows(1);
    if (!row) throw new Error('no row');
    const failure = { code: 'CaUnavailable', count: 1, at: now, nextTry: now + hour } as const;
    const states = ['failing', 'missing'] as const;
    const missing: InventoryRow = { ...row, ...gone, name: 'm', state: 'failing', states, wanting: 'missing', failure };
    const { page } = await report([missing]);
    expect(await texts(page, '#rows td')).toEqual([
      row.profile,
      'failing, missing',
      'CaUnavailable 1 try, next try in 1h',
      'none yet',
      'none yet',
      "Copycert-renewer doctor --stack 'Cert<Renewer>'",
    ]);
  });

  it('pages through the rest', async () => {
    const { page } = await report(rows);
    const seen = new Set(await names(page));
    for (let i = 0; i < 3; i++) {
      await page.click('#next');
      for (const name of await names(page)) seen.add(name);
    }
    expect(seen.size).toBe(400);
    expect(await page.$eval('#next', (button) => button.matches(':disabled'))).toBe(true);
    expect((await texts(page, '#page'))[0]).toBe('Page 4 of 4');
  });

  it('shows names as text, makes no request, and has no error', async () => {
    const { page, url, requests, problems } = await report(sampleRows(60, { hostile: true }));
    expect(await names(page)).toEqual(expect.arrayContaining([evil, hostileNames[1], 'web/\\u202eslt/evil\\u0000']));
    expect(await page.$$eval('img', (all) => all.length)).toBe(0);
    expect((await texts(page, 'h1'))[0]).toBe('Certificates of Cert<Renewer>');
    expect(requests).toEqual([url]);
    expect(problems).toEqual([]);
  });

  it('runs no script but its own, with any content', async () => {
    const injected = reportPage(sampleRows(3), { stackName: 'x', region: undefined, now }).replace(
      '</main>',
      '</main><script>alert(3)</script><img src="https://example.com/x.png">',
    );
    const { page, problems } = await open(injected);
    expect(await names(page)).toHaveLength(3);
    expect(problems.filter((problem) => problem.startsWith('dialog'))).toEqual([]);
    expect(problems.filter((problem) => problem.includes('Content Security Policy')).length).toBeGreaterThanOrEqual(2);
  });

  it('with 10,000 certificates can be used after two seconds of CPU, and sorted after two more', async () => {
    const html = reportPage(sampleRows(10_000), { stackName: 'CertRenewer', region: undefined, now });
    const { page } = await open('');
    const cpuSeconds = await cpuClock(page);
    await page.setContent(html, { waitUntil: 'domcontentloaded' });
    const ready = await cpuSeconds();
    expect(ready).toBeGreaterThan(0.01);
    expect(ready).toBeLessThan(2);
    await page.evaluate(
      'document.querySelector("th[data-by=name] button").click(); document.body.offsetHeight; undefined',
    );
    const sorted = await cpuSeconds();
    expect(sorted - ready).toBeLessThan(2);
    expect(await found(page)).toBe('10,000 certificates');
  }, 60_000);

  it('without certificates is complete too', async () => {
    const { page, problems } = await report([]);
    expect((await texts(page, '.headline h2'))[0]).toBe('There is no certificate');
    expect(await found(page)).toBe('0 certificates');
    expect(await page.$$('.timeline')).toEqual([]);
    expect(problems).toEqual([]);
  });
});
