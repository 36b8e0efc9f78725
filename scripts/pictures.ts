/** `npm run pictures` renders docs/pictures/ with a headless Chromium from the pages that the last `npm run demo` wrote to .cache/demo. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cachePath, exists, progress, projectRoot } from '../testkit/tools/cache.ts';
import { chromium, openBrowser } from '../testkit/tools/chromium.ts';
import { required } from '../testkit/tools/tool.ts';

const page = cachePath('demo', 'certificates.html');
const widget = cachePath('demo', 'widget.html');
if (!(await exists(page)) || !(await exists(widget))) {
  throw new Error('.cache/demo has no pages. Run npm run demo first.');
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
  // Each page gets its own tab, because a page's content security policy would apply to the next one.
  const dashboard = await browser.newPage();
  await dashboard.setViewport({ width: 1000, height: 300 });
  // CloudWatch shows a widget with its own font and its own style of buttons.
  const style =
    'body{font:14px sans-serif;margin:12px} .btn{border:1px solid #545b64;border-radius:2px;padding:2px 12px} cwdb-action{display:none}';
  await dashboard.setContent(`<!doctype html><style>${style}</style>${await readFile(widget, 'utf8')}`);
  await shoot('dashboard-widget', dashboard);
} finally {
  await browser.close();
}
