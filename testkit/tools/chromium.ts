/** Unpacks the headless Chromium of an npm package into .cache. */
import { join } from 'node:path';
import puppeteer, { type Browser } from 'puppeteer-core';
import { installOnce } from './cache.ts';
import type { Tool } from './tool.ts';

const version = '153.0.0';

/** Returns the program, or why it does not run. Never throws. */
export async function chromium(): Promise<Tool> {
  try {
    const folder = await installOnce(`chromium-${version}`, unpack);
    const path = join(folder, 'chromium');
    const browser = await openBrowser(path);
    await browser.close();
    return { found: true, path };
  } catch (error) {
    const [reason = ''] = (error instanceof Error ? error.message : String(error))
      .split('\n')
      .filter((line) => line !== '');
    return {
      found: false,
      tool: 'chromium',
      message: `The page is tested in Chromium, which does not run here: ${reason}`,
      fix: 'run the tests on Linux (x64), with the libraries that Chromium needs (on Debian and Ubuntu: libnss3, libnspr4)',
    };
  }
}

/** The package unpacks only into the system's temporary folder. */
async function unpack(folder: string): Promise<void> {
  const { TMPDIR } = process.env;
  process.env['TMPDIR'] = folder;
  try {
    const { default: shipped } = await import('@sparticuz/chromium');
    await shipped.executablePath();
  } finally {
    if (TMPDIR === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = TMPDIR;
  }
}

export async function openBrowser(executablePath: string): Promise<Browser> {
  const { default: shipped } = await import('@sparticuz/chromium');
  return puppeteer.launch({ executablePath, args: shipped.args, headless: 'shell' });
}
