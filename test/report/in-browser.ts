/** Opens pages in Chromium for the tests in this folder, and notes what they must not do: errors, dialogs, requests. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import axe from 'axe-core';
import type { Browser, Page } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { reportPage } from '../../cli/report/page.ts';
import type { InventoryRow } from '../../lambdas/inventory/row.ts';
import { sampleNow } from '../../testkit/inventory/rows.ts';
import { chromium, openBrowser } from '../../testkit/tools/chromium.ts';
import { type TemporaryFolder, temporaryFolder } from '../../testkit/tools/temporary.ts';
import { required } from '../../testkit/tools/tool.ts';

export const tool = await chromium();

export const sizes = {
  desktop: { width: 1440, height: 900 },
  phone: { width: 390, height: 844, isMobile: true, hasTouch: true },
} as const;

export interface Opened {
  readonly page: Page;
  readonly url: string;
  /** Console messages, errors and dialogs. */
  readonly problems: readonly string[];
  readonly requests: readonly string[];
}

interface View {
  readonly size?: keyof typeof sizes;
  readonly theme?: 'light' | 'dark';
  /** With its `#`. */
  readonly hash?: string;
  /** A script that runs before the scripts of the page. */
  readonly before?: string;
}

/** Registers a browser for the tests of the file. */
export function inBrowser() {
  let browser: Browser;
  let folder: TemporaryFolder;
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

  async function open(html: string, view: View = {}): Promise<Opened> {
    const file = join(folder.path, `${crypto.randomUUID()}.html`);
    await writeFile(file, html);
    const page = await browser.newPage();
    const problems: string[] = [];
    const requests: string[] = [];
    page.on('console', (message) => problems.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('dialog', (dialog) => {
      problems.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => requests.push(request.url()));
    await page.setViewport(sizes[view.size ?? 'desktop']);
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: view.theme ?? 'light' }]);
    if (view.before !== undefined) await page.evaluateOnNewDocument(view.before);
    const url = pathToFileURL(file).href;
    await page.goto(`${url}${view.hash ?? ''}`, { waitUntil: 'load' });
    return { page, url, problems, requests };
  }

  const report = (rows: readonly InventoryRow[], view: View = {}): Promise<Opened> =>
    open(reportPage(rows, { stackName: 'Cert<Renewer>', region: undefined, now: sampleNow }), view);

  return { open, report };
}

export const texts = (page: Page, selector: string): Promise<string[]> =>
  page.$$eval(selector, (found) => found.map((element) => element.textContent ?? ''));
export const names = (page: Page): Promise<string[]> => texts(page, '#rows th');
export const found = async (page: Page): Promise<string | undefined> => (await texts(page, '#found'))[0];
/** Returns the part of the address that a link would have. */
export const hashOf = (page: Page): Promise<unknown> => page.evaluate('location.hash');

/** Returns what axe finds. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const result = (await page.evaluate('axe.run()')) as { violations: { id: string; nodes: { html: string }[] }[] };
  return result.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 100)).join(' ')}`);
}

/** Returns the CPU time of the page's tasks in seconds, which other load on the machine does not change. */
export async function cpuClock(page: Page): Promise<() => Promise<number>> {
  const session = await page.createCDPSession();
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  return async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    const task = metrics.find(({ name }) => name === 'TaskDuration');
    if (task === undefined) throw new Error(`no TaskDuration among ${metrics.map(({ name }) => name).join(', ')}`);
    return task.value;
  };
}
