/** `npm run pictures`: docs/pictures/ from what the last `npm run demo` has left in .cache/demo, by a headless Chromium. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cachePath, exists, progress, projectRoot } from '../testkit/tools/cache.ts';
import { chromium, openBrowser } from '../testkit/tools/chromium.ts';
import { required } from '../testkit/tools/tool.ts';

const page = cachePath('demo', 'certificates.html');
const widget = cachePath('demo', 'widget.html');
if (!(await exists(page)) || !(await exists(widget))) {
  throw new Error('There is nothing to take pictures of: run npm run demo first.');
}
const folder = join(projectRoot, 'docs', 'pictures');
await mkdir(folder, { recursive: true });
const browser = await openBrowser(required(await chromium()));
try {
  const tab = await browser.newPage();
  const shoot = async (name: string, from = tab): Promise<void> => {
    await from.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
    progress(`docs/pictures/${name}.png`);
  };
  await tab.setViewport({ width: 1000, height: 700 });
  await tab.goto(pathToFileURL(page).href);
  await shoot('page');
  await tab.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
  await shoot('page-dark');
  // A tab of its own: the page's policy would hold for what comes after it.
  const dashboard = await browser.newPage();
  await dashboard.setViewport({ width: 1000, height: 300 });
  // As CloudWatch frames it: its own font, and its style for what is a button.
  const style =
    'body{font:14px sans-serif;margin:12px} .btn{border:1px solid #545b64;border-radius:2px;padding:2px 12px} cwdb-action{display:none}';
  await dashboard.setContent(`<!doctype html><style>${style}</style>${await readFile(widget, 'utf8')}`);
  await shoot('dashboard-widget', dashboard);
} finally {
  await browser.close();
}
