/** The page and the widget for everyone: with the keyboard alone, with a screen reader, on a phone, in the dark. */
import type { ElementHandle, Page } from 'puppeteer-core';
import { describe, expect, it } from 'vitest';
import type { InventoryRow } from '../../lambdas/inventory/row.ts';
import { widgetHtml, widgetRequest } from '../../lambdas/inventory/widget.ts';
import { hostileNames, sampleNow as now, sampleRows } from '../../testkit/inventory/rows.ts';
import { describeFound } from '../support/local.ts';
import { found, hashOf, inBrowser, names, texts, tool, violations } from './in-browser.ts';

const rows = sampleRows(250, { hostile: true });
const isLike = (one: InventoryRow, other: InventoryRow): boolean =>
  one.state === other.state && one.failure?.code === other.failure?.code;
/** One row of each state and cause, and the hostile names. The time of axe grows with the elements of the page. */
const few = rows.filter(
  (row, index) => index < hostileNames.length || rows.findIndex((each) => isLike(each, row)) === index,
);
const views = (['light', 'dark'] as const).flatMap((theme) =>
  (['desktop', 'phone'] as const).map((size) => ({ theme, size })),
);

describeFound([tool], 'in a browser', () => {
  const { open, report } = inBrowser();

  describe('the page', () => {
    it.each(views)(
      'has no problem that axe finds: $theme, $size',
      async (view) => {
        const { page } = await report(few, view);
        await page.click('details summary');
        expect(await violations(page)).toEqual([]);
        // A pressed button and a sorted column have colours of their own.
        await page.click('button[data-filter="state"]');
        await page.click('th[data-by="name"] button');
        expect(await violations(page)).toEqual([]);
      },
      60_000,
    );

    // Each theme once and each size once: all four are above, with more colours.
    it.each([
      { theme: 'light', size: 'desktop' },
      { theme: 'dark', size: 'phone' },
    ] as const)(
      'without problems has none that axe finds: $theme, $size',
      async (view) => {
        const { page } = await report(
          few.filter(({ state }) => state === 'ok'),
          view,
        );
        expect(await violations(page)).toEqual([]);
      },
      60_000,
    );

    it('is not wider than any screen, from 320 to 1,280 pixels', async () => {
      const { page } = await report(few);
      for (const width of [320, 390, 700, 970, 1130, 1280]) {
        await page.setViewport({ width, height: 800 });
        const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
        expect(over, `${width} pixels`).toBeLessThanOrEqual(0);
        const cut = await page.$$eval('#rows th, #rows td, button, p, .timeline th', (all) =>
          all.filter((it) => it.scrollWidth > it.clientWidth + 1 && it.clientWidth > 0).map((it) => it.outerHTML),
        );
        expect(cut, `${width} pixels`).toEqual([]);
      }
    }, 60_000);

    it.each(['desktop', 'phone'] as const)('is a table with heads for a screen reader: %s', async (size) => {
      const { page } = await report(rows.slice(0, 20), { size });
      const session = await page.createCDPSession();
      const { nodes } = await session.send('Accessibility.getFullAXTree');
      const count = (role: string): number => nodes.filter((node) => !node.ignored && node.role?.value === role).length;
      const body = await page.$$eval('.timeline tr', (all) => all.length);
      expect(count('table')).toBe(2);
      expect(count('row')).toBe(20 + 1 + body);
      expect(count('rowheader')).toBeGreaterThanOrEqual(20);
      expect(count('columnheader')).toBeGreaterThanOrEqual(6 + 3);
    });
  });

  /** Presses Tab until the element has the focus. */
  async function tabTo(page: Page, selector: string): Promise<ElementHandle> {
    for (let i = 0; i < 400; i++) {
      await page.keyboard.press('Tab');
      if (await page.evaluate(`document.activeElement.matches(${JSON.stringify(selector)})`)) {
        const focus = await page.$(':focus-visible');
        if (!focus) throw new Error(`${selector} has the focus, which is not visible`);
        expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
        return focus;
      }
    }
    throw new Error(`Tab does not reach ${selector}`);
  }

  describe('with the keyboard alone', () => {
    it('every control is reached, in the order of the page', async () => {
      const { page } = await report(rows.slice(0, 60));
      const all = await page.$$eval('a, button, input, select, summary', (them) => {
        const visible = them.filter((it) => !it.matches(':disabled') && it.checkVisibility());
        return visible.map((it) => it.outerHTML);
      });
      const reached: unknown[] = [];
      for (const _ of all) {
        await page.keyboard.press('Tab');
        reached.push(await page.evaluate('document.activeElement.outerHTML'));
      }
      expect(reached).toEqual(all);
    }, 60_000);

    it('counts filter, the link leads to the table, and the filters narrow it', async () => {
      const { page } = await report(rows);
      const skip = await tabTo(page, '.skip');
      expect(await skip.evaluate((it) => it.getBoundingClientRect().top)).toBeGreaterThanOrEqual(0);
      await tabTo(page, 'button[data-filter="state"][value="failing"]');
      await page.keyboard.press('Enter');
      expect(await hashOf(page)).toBe('#state=failing');
      await page.keyboard.press('Space');
      expect(await found(page)).toBe('250 certificates');
      await tabTo(page, 'button[data-filter="cause"]');
      await page.keyboard.press('Space');
      expect(await hashOf(page)).toMatch(/^#cause=/);
      await tabTo(page, 'summary');
      await page.keyboard.press('Enter');
      await tabTo(page, 'details button[data-filter="cause"]');
      await page.evaluate('document.querySelector(".skip").focus()');
      await page.keyboard.press('Enter');
      expect(await page.evaluate('document.activeElement.id')).toBe('certificates');
      expect(await hashOf(page)).toMatch(/^#cause=/);
      await tabTo(page, '#search');
      await page.keyboard.type('prod');
      expect(await hashOf(page)).toMatch(/^#search=prod&cause=/);
      for (const [id, key] of [
        ['state', 'f'],
        ['cause', 'c'],
        ['profile', 'm'],
        ['comes', 'e'],
      ] as const) {
        await tabTo(page, `#${id}`);
        await page.keyboard.press(key);
        expect(await hashOf(page), id).toMatch(new RegExp(`[#&]${id}=${key}`, 'i'));
      }
      await tabTo(page, '#clear');
      await page.keyboard.press('Enter');
      expect([await found(page), await hashOf(page)]).toEqual(['250 certificates', '']);
      expect(await page.evaluate('document.activeElement.id')).toBe('search');
    }, 60_000);

    it('columns are sorted, commands copied, and pages turned', async () => {
      const { page, problems } = await report(rows);
      await tabTo(page, 'th[data-by="name"] button');
      await page.keyboard.press('Enter');
      await page.keyboard.press('Enter');
      expect(await page.$eval('th[data-by="name"]', (th) => th.getAttribute('aria-sort'))).toBe('descending');
      const button = await tabTo(page, '.copy');
      const command = await button.evaluate((it) => it.nextElementSibling?.textContent ?? '');
      await page.keyboard.press('Enter');
      await page.waitForFunction('document.getElementById("said").textContent === "Copied"');
      expect(await page.evaluate('document.activeElement.className')).toBe('copy');
      await tabTo(page, '#next');
      await page.keyboard.press('Enter');
      expect((await texts(page, '#page'))[0]).toBe('Page 2 of 3');
      expect(await page.evaluate('document.activeElement.id')).toBe('certificates');
      // The clipboard has the command: it can be pasted into a field.
      await tabTo(page, '#search');
      await page.keyboard.press('v', { commands: ['Paste'] });
      expect(await page.evaluate('document.getElementById("search").value')).toBe(command);
      expect(problems).toEqual([]);
    }, 60_000);
  });

  describe('the copy button', () => {
    const copied = async (before: string, row = 0): Promise<{ page: Page; command: string }> => {
      const { page } = await report(
        rows.filter(({ state }) => state === 'due'),
        { before },
      );
      const buttons = await page.$$('.copy');
      const command = (await texts(page, '#rows code'))[row] ?? '';
      await buttons[row]?.click();
      return { page, command };
    };

    it('works without the clipboard of the browser', async () => {
      const { page, command } = await copied('Object.defineProperty(navigator, "clipboard", { value: undefined })');
      await page.waitForFunction('document.getElementById("said").textContent === "Copied"');
      await page.focus('#search');
      await page.keyboard.press('v', { commands: ['Paste'] });
      expect(await page.evaluate('document.getElementById("search").value')).toBe(command);
    });

    it('selects the command if nothing can be copied, and says so', async () => {
      const { page, command } = await copied(
        'Object.defineProperty(navigator, "clipboard", { value: undefined }); document.execCommand = () => false;',
      );
      await page.waitForFunction('document.getElementById("said").textContent.startsWith("Not copied")');
      expect(await page.evaluate('String(getSelection())')).toBe(command);
    });

    it('has a command that a shell takes as one word for a name', async () => {
      const [row] = rows.filter(({ state }) => state === 'due');
      if (!row) throw new Error('no row');
      const { page } = await report([{ ...row, name: hostileNames[1] }]);
      expect(await names(page)).toEqual([hostileNames[1]]);
      expect(await texts(page, '#rows code')).toEqual([
        `cert-renewer renew 'web/$(reboot);\`id\` '\\''"/tls' --stack 'Cert<Renewer>'`,
      ]);
    });
  });

  describe('the widget', () => {
    const widget = (theme: 'light' | 'dark') => {
      const endpoint = 'arn:aws:lambda:eu-central-1:111122223333:function:inventory';
      const html = widgetHtml(rows, widgetRequest({ widgetContext: { theme } }), {
        now,
        target: { stackName: 'CertRenewer', region: 'eu-central-1' },
        endpoint,
      });
      const ground = theme === 'dark' ? '<style>body{background:#161d26;color:#fff}a{color:#44b9ff}</style>' : '';
      return open(
        `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Dashboard</title>${ground}</head><body><main><h1>Dashboard</h1><h2>Certificates</h2>${html}</main></body></html>`,
        { theme },
      );
    };

    it('shows names as text, makes no request, and has no error', async () => {
      const { page, url, requests, problems } = await widget('light');
      expect(await page.$$eval('img', (all) => all.length)).toBe(0);
      expect((await texts(page, 'option')).join()).not.toContain('<img');
      expect(requests).toEqual([url]);
      expect(problems).toEqual([]);
    });

    it.each(['light', 'dark'] as const)(
      'has no problem that axe finds, %s',
      async (theme) => {
        const { page } = await widget(theme);
        expect(await violations(page)).toEqual([]);
      },
      60_000,
    );
  });
});
