/** `report`: the inventory as a page to open, to send or to keep. */

import { count } from '../../lambdas/domain/count.ts';
import type { InventoryRow } from '../../lambdas/inventory/row.ts';
import { type Context, command } from '../command.ts';
import { type Exit, UsageError } from '../exit.ts';
import { replaceFile } from '../files/replace.ts';
import { inventory } from '../inventory.ts';
import { lookAtInventory } from '../permissions.ts';

export const report = command({
  name: 'report',
  summary: 'the inventory as a page: timeline, counts, a table to sort and filter',
  description: [
    'Writes one HTML file that needs nothing else, from tags alone: no secret is read. A file that is there is replaced.',
    'It holds names, profiles and times of certificates: whoever has the file sees them.',
  ],
  options: {
    html: { flags: '--html <file>', description: 'the file to write' },
    profile: { flags: '--profile <profile>', description: 'of this profile only' },
  },
  examples: [
    { command: 'cert-renewer report --html certificates.html', says: 'all of them' },
    { command: 'cert-renewer report --html internal.html --profile internal', says: 'those of a profile' },
  ],
  needs: lookAtInventory,
  async run(context, _names, { html, profile }): Promise<Exit> {
    if (html === undefined) throw new UsageError('report needs --html and the file to write.');
    const rows = await allRows(context, profile);
    const { reportPage } = await import('../report/page.ts');
    const { terminal, session } = context;
    const page = reportPage(rows, { stackName: session.target.stackName, now: session.clock.now() });
    await replaceFile(html, page);
    if (terminal.json) terminal.record({ file: html, certificates: rows.length });
    else terminal.print(`${html}: ${count(rows.length, 'certificate')}`);
    return 'ok';
  },
});

async function allRows({ session, terminal }: Context, profile: string | undefined): Promise<InventoryRow[]> {
  const rows: InventoryRow[] = [];
  for await (const page of inventory(session, terminal, { names: [], profile })) {
    rows.push(...page.rows);
    terminal.progress(`${count(rows.length, 'certificate')} …`);
  }
  terminal.progress('');
  return rows;
}
