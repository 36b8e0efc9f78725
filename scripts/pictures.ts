/**
 * `npm run pictures` renders docs/pictures/ with a headless Chromium, from made-up certificates in all states. The words after it are
 * names of pictures, and only these are made.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'puppeteer-core';
import { reportPage } from '../cli/report/page.ts';
import { isProblem } from '../lambdas/inventory/states.ts';
import { widgetHtml, widgetRequest } from '../lambdas/inventory/widget.ts';
import { sampleNow, sampleRows } from '../testkit/inventory/rows.ts';
import { progress, projectRoot } from '../testkit/tools/cache.ts';
import { chromium, openBrowser } from '../testkit/tools/chromium.ts';
import { temporaryFolder } from '../testkit/tools/temporary.ts';
import { required } from '../testkit/tools/tool.ts';
import { terminalHtml } from './pictures/terminal.ts';

type Theme = 'light' | 'dark';

/** A picture: its name, and what makes it from a new tab. */
interface Picture {
  readonly name: string;
  draw(tab: Page): Promise<void>;
}

const desktop = { width: 1440, height: 900 };
const phone = { width: 390, height: 844, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

interface PageView {
  readonly size?: typeof desktop;
  readonly theme?: Theme;
  readonly certificates: number;
  /** Without certificates in a state that needs a person. */
  readonly calm?: boolean;
  /** The filters, as in the address. Then the picture shows the table. */
  readonly hash?: string;
}

/** The page as a person sees it after opening it, or after opening a link to its table. */
function page(name: string, { size = desktop, theme = 'light', certificates, calm = false, hash }: PageView): Picture {
  const rows = sampleRows(certificates).filter(({ state }) => !calm || !isProblem(state));
  const html = reportPage(rows, { stackName: 'CertRenewer', region: undefined, now: sampleNow });
  return {
    name,
    async draw(tab) {
      await open(tab, html, { size, theme, hash: hash ?? '' });
      if (hash !== undefined) await tab.evaluate('document.getElementById("certificates").scrollIntoView()');
    },
  };
}

/** The widget on a dashboard. CloudWatch shows a widget with its own font and its own style of buttons. */
function widget(name: string, certificates: number, theme: Theme): Picture {
  const endpoint = 'arn:aws:lambda:eu-central-1:111122223333:function:inventory';
  const request = widgetRequest({ widgetContext: { theme } });
  const html = widgetHtml(sampleRows(certificates), request, {
    now: sampleNow,
    target: { stackName: 'CertRenewer', region: undefined },
    endpoint,
  });
  const ground = theme === 'dark' ? '#161d26;color:#d1d5db' : '#fff;color:#16191f';
  const style = `body{font:14px sans-serif;margin:12px;background:${ground}} a{color:${theme === 'dark' ? '#44b9ff' : '#0073bb'}}
    .btn{display:inline-block;border:1px solid #545b64;border-radius:2px;padding:2px 12px} cwdb-action{display:none}`;
  return {
    name,
    draw: (tab) =>
      open(tab, `<!doctype html><meta charset="utf-8"><style>${style}</style>${html}`, {
        size: { width: 1200, height: 760 },
        theme,
        hash: '',
      }),
  };
}

/** What a terminal shows: the whole output, whatever its height. */
function terminal(columns: number, certificates: number): Picture {
  const html = terminalHtml('cert-renewer status', columns, certificates);
  return {
    name: `terminal-${columns}`,
    async draw(tab) {
      await open(tab, html, { size: { width: 200, height: 100 }, theme: 'dark', hash: '' });
      const box = (await tab.evaluate(
        '(({ width, height }) => ({ width, height }))(document.getElementById("screen").getBoundingClientRect())',
      )) as { width: number; height: number };
      await tab.setViewport({ width: Math.ceil(box.width), height: Math.ceil(box.height) });
    },
  };
}

/** A line here is a picture in docs/pictures/. */
const pictures: readonly Picture[] = [
  page('page-5', { certificates: 5 }),
  page('page-300', { certificates: 300 }),
  page('page-300-dark', { certificates: 300, theme: 'dark' }),
  page('page-10000', { certificates: 10_000 }),
  page('page-calm', { certificates: 300, calm: true }),
  page('page-table', { certificates: 300, size: { width: 1440, height: 780 }, hash: '#' }),
  page('page-phone', { certificates: 300, size: phone }),
  page('page-phone-dark', { certificates: 300, size: phone, theme: 'dark' }),
  page('page-phone-table', { certificates: 300, size: phone, hash: '#state=failing' }),
  widget('dashboard-widget', 300, 'light'),
  widget('dashboard-widget-dark', 300, 'dark'),
  ...[60, 80, 120, 200].map((columns) => terminal(columns, 300)),
];

const pages = await temporaryFolder('pictures');

interface Shown {
  readonly size: typeof desktop;
  readonly theme: Theme;
  readonly hash: string;
}

async function open(tab: Page, html: string, { size, theme, hash }: Shown): Promise<void> {
  const file = join(pages.path, `${crypto.randomUUID()}.html`);
  await writeFile(file, html);
  await tab.setViewport(size);
  await tab.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }]);
  // The page tells its age.
  await tab.evaluateOnNewDocument(`Date.now = () => ${sampleNow}`);
  await tab.goto(`${pathToFileURL(file).href}${hash}`);
}

async function take(browser: Browser, { name, draw }: Picture): Promise<void> {
  const tab = await browser.newPage();
  await draw(tab);
  await tab.screenshot({ path: join(folder, `${name}.png`) });
  await tab.close();
  progress(`docs/pictures/${name}.png`);
}

const folder = join(projectRoot, 'docs', 'pictures');
await mkdir(folder, { recursive: true });
const names = process.argv.slice(2);
const browser = await openBrowser(required(await chromium()));
try {
  for (const picture of pictures) {
    if (names.length === 0 || names.includes(picture.name)) await take(browser, picture);
  }
} finally {
  await browser.close();
  await pages.remove();
}
