/** The page and the dashboard's widget in a browser, as a person, a keyboard and a screen reader use them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import axe from 'axe-core';
import type { Browser, Page } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { reportPage } from '../../cli/report/page.ts';
import type { InventoryRow, InventoryState } from '../../lambdas/inventory/row.ts';
import { widgetHtml, widgetRequest } from '../../lambdas/inventory/widget.ts';
import { chromium, openBrowser } from '../../testkit/tools/chromium.ts';
import { temporaryFolder } from '../../testkit/tools/temporary.ts';
import { required } from '../../testkit/tools/tool.ts';
import { describeFound } from '../support/local.ts';

const tool = await chromium();
const now = Date.parse('2026-11-25T12:00:00Z');
const hour = 3_600_000;
const evil = `<img src=x onerror=alert(1)></script><script>alert(2)</script>"'&`;

const states: readonly InventoryState[] = [
  'ok',
  'ok',
  'ok',
  'due',
  'paused',
  'ok',
  'failing',
  'ok',
  'unknown',
  'overdue',
];

/** Returns the CPU time of the page's tasks in seconds, which other load on the machine does not change. */
async function cpuClock(page: Page): Promise<() => Promise<number>> {
  const session = await page.createCDPSession();
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  return async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    const task = metrics.find(({ name }) => name === 'TaskDuration');
    if (task === undefined) throw new Error(`no TaskDuration among ${metrics.map(({ name }) => name).join(', ')}`);
    return task.value;
  };
}

function makeRows(count: number): InventoryRow[] {
  return Array.from({ length: count }, (_, i) => {
    const state = states[i % states.length] ?? 'ok';
    const known = state !== 'unknown';
    return {
      name: i === 7 ? evil : `service-${i}/tls`,
      secretArn: `arn:aws:secretsmanager:eu-central-1:111122223333:secret:service-${i}/tls-AbCdEf`,
      profile: i % 3 === 0 ? 'edge' : 'internal',
      state,
      reason: { code: 'NotDue', message: `Not due: ${evil}` },
      notBefore: known ? now - 24 * hour : undefined,
      notAfter: known ? now + (i % 700) * hour : undefined,
      renewAt: known ? now + ((i % 700) - 8) * hour : undefined,
      overdue: state === 'overdue',
      declared: false,
      wanting: undefined,
      failure:
        state === 'failing' ? { code: 'CaUnavailable', count: 2, at: now - hour, nextTry: now + hour } : undefined,
    };
  });
}

describeFound([tool], 'in a browser', () => {
  let browser: Browser;
  let folder: { path: string; remove: () => Promise<void> };
  /** Errors and requests of the open page. */
  let problems: string[] = [];
  let requests: string[] = [];

  beforeAll(async () => {
    folder = await temporaryFolder('page');
    browser = await openBrowser(required(tool));
  });
  afterAll(async () => {
    await browser?.close();
    await folder?.remove();
  });
  afterEach(async () => {
    for (const page of (await browser.pages()).slice(1)) await page.close();
  });

  async function open(html: string): Promise<{ page: Page; file: string }> {
    const file = join(folder.path, `${Math.random()}.html`);
    await writeFile(file, html);
    const page = await browser.newPage();
    problems = [];
    requests = [];
    page.on('console', (message) => problems.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('dialog', (dialog) => {
      problems.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => requests.push(request.url()));
    const url = pathToFileURL(file).href;
    await page.goto(url, { waitUntil: 'load' });
    return { page, file: url };
  }

  const report = (rows: readonly InventoryRow[]) => open(reportPage(rows, { stackName: `Cert<Renewer>`, now }));

  const texts = (page: Page, selector: string): Promise<string[]> =>
    page.$$eval(selector, (found) => found.map((element) => element.textContent ?? ''));
  const names = (page: Page) => texts(page, '#rows th');
  const found = async (page: Page) => (await texts(page, '#found'))[0];

  async function violations(page: Page): Promise<string[]> {
    await page.evaluate(axe.source);
    const result: { violations: { id: string; nodes: { html: string }[] }[] } = (await page.evaluate(
      'axe.run()',
    )) as never;
    return result.violations.map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .map(({ html }) => html)
          .join(' ')
          .slice(0, 200)}`,
    );
  }

  describe('the page', () => {
    it('sorts by each column, both ways, by mouse and by keyboard', async () => {
      const { page } = await report(makeRows(250));
      expect((await texts(page, '#rows tr:first-child td:nth-of-type(2)'))[0]).toMatch(/^overdue|^failing/);
      await page.click('th[data-by="name"] button');
      expect((await names(page)).slice(0, 3)).toEqual([evil, 'service-0/tls', 'service-1/tls']);
      await page.focus('th[data-by="name"] button');
      await page.keyboard.press('Enter');
      expect((await names(page))[0]).toBe('service-249/tls');
      expect(await page.$eval('th[data-by="name"]', (th) => th.getAttribute('aria-sort'))).toBe('descending');
      await page.click('th[data-by="expires"] button');
      expect(await page.$$eval('th[aria-sort]', (all) => all.length)).toBe(1);
      for (const by of ['profile', 'state', 'renews']) await page.click(`th[data-by="${by}"] button`);
      expect(problems).toEqual([]);
    });

    it('filters by state, profile and name, and counts the rest', async () => {
      const { page } = await report(makeRows(250));
      expect(await found(page)).toBe('250 of 250 certificates');
      await page.click('#states button[value="failing"]');
      expect(await found(page)).toBe('25 of 250 certificates');
      expect(await page.$eval('#states button[value="failing"]', (button) => button.getAttribute('aria-pressed'))).toBe(
        'true',
      );
      await page.select('#profile', 'edge');
      const edge = await names(page);
      expect(edge.length).toBeGreaterThan(5);
      await page.type('#search', 'SERVICE-6/');
      expect(await names(page)).toEqual(['service-6/tls']);
      await page.click('#states button[value=""]');
      await page.select('#profile', '');
      await page.type('#search', 'nothing');
      expect(await found(page)).toBe('0 of 250 certificates');
    });

    it('shows a missing certificate with the reason, and finds it among the failing', async () => {
      const missing = { state: 'missing', declared: true, wanting: 'missing' } as const;
      const gone = { notBefore: undefined, notAfter: undefined, renewAt: undefined };
      const rows = makeRows(2).map((row, i) => ({ ...row, ...missing, ...gone, name: `m${i}` }));
      const failure = { code: 'CaUnavailable', count: 1, at: now, nextTry: now + hour } as const;
      const { page } = await report(rows.map((row, i) => (i === 1 ? { ...row, failure } : row)));
      expect(await names(page)).toEqual(['m1', 'm0']);
      expect(await texts(page, '#rows tr:first-child td')).toEqual([
        'internal',
        'missing: CaUnavailable (1), next try in 1h',
        'none yet',
        'none yet',
      ]);
      await page.click('#states button[value="failing"]');
      expect(await names(page)).toEqual(['m1']);
      await page.click('#states button[value="missing"]');
      expect(await names(page)).toEqual(['m1', 'm0']);
      expect(problems).toEqual([]);
    });

    it('pages through the rest', async () => {
      const { page } = await report(makeRows(250));
      const seen = new Set(await names(page));
      for (let i = 0; i < 2; i++) {
        await page.click('#next');
        for (const name of await names(page)) seen.add(name);
      }
      expect(seen.size).toBe(250);
      expect(await page.$eval('#next', (button) => (button as { disabled?: boolean }).disabled)).toBe(true);
      expect((await texts(page, '#page'))[0]).toBe('Page 3 of 3');
    });

    it('shows names as text, makes no request, and has no error', async () => {
      const { page, file } = await report(makeRows(100));
      expect(await names(page)).toContain(evil);
      expect(await page.$$eval('img', (all) => all.length)).toBe(0);
      expect((await texts(page, 'h1'))[0]).toBe('Certificates of Cert<Renewer>');
      expect(requests).toEqual([file]);
      expect(problems).toEqual([]);
    });

    it('runs no script but its own, with any content', async () => {
      const injected = reportPage(makeRows(3), { stackName: 'x', now }).replace(
        '</main>',
        '</main><script>alert(3)</script><img src="https://example.com/x.png">',
      );
      const { page } = await open(injected);
      expect(await names(page)).toHaveLength(3);
      expect(problems.filter((problem) => problem.startsWith('dialog'))).toEqual([]);
      expect(problems.filter((problem) => problem.includes('Content Security Policy')).length).toBeGreaterThanOrEqual(
        2,
      );
    });

    it('draws the timeline, and has the same data in a table', async () => {
      const { page } = await report(makeRows(100));
      const bars = await page.$$eval('#chart rect', (all) => all.length);
      const rows = await page.$$eval('#numbers tr', (all) => all.length);
      expect(bars).toBe(2 * rows);
      const expire = (await texts(page, '#numbers td:last-child')).map(Number);
      expect(expire.reduce((sum, number) => sum + number, 0)).toBe(90); // those with a known end
    });

    it.each(['light', 'dark'])(
      'has no problem that axe finds, %s',
      async (value) => {
        const { page } = await report(makeRows(60));
        await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]);
        await page.click('details summary');
        expect(await violations(page)).toEqual([]);
      },
      60_000,
    );

    it('with 10,000 certificates can be used after two seconds of CPU, and sorted after two more', async () => {
      const html = reportPage(makeRows(10_000), { stackName: 'CertRenewer', now });
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
      expect(await found(page)).toBe('10000 of 10000 certificates');
    }, 60_000);

    it('without certificates is complete too', async () => {
      const { page } = await report([]);
      expect(await found(page)).toBe('0 of 0 certificates');
      expect(problems).toEqual([]);
    });
  });

  describe('the widget', () => {
    const widget = (rows: readonly InventoryRow[]) =>
      open(
        `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Dashboard</title></head><body><main><h1>Dashboard</h1>${widgetHtml(rows, widgetRequest({}), { now, endpoint: 'arn:aws:lambda:eu-central-1:111122223333:function:inventory' })}</main></body></html>`,
      );

    it('shows names as text, makes no request, and has no error', async () => {
      const { page, file } = await widget(makeRows(50));
      expect(await texts(page, 'td:first-child')).toContain(evil);
      expect(await page.$$eval('img', (all) => all.length)).toBe(0);
      expect(requests).toEqual([file]);
      expect(problems).toEqual([]);
    });

    it('has no problem that axe finds', async () => {
      const { page } = await widget(makeRows(50));
      expect(await violations(page)).toEqual([]);
    }, 60_000);
  });
});
