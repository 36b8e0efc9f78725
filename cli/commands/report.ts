/** `report`: the inventory as an HTML file. */

import { count } from '../../lambdas/domain/count.ts';
import type { InventoryRow } from '../../lambdas/inventory/row.ts';
import { type Context, command } from '../command.ts';
import { type Exit, UsageError } from '../exit.ts';
import { replaceFile } from '../files/replace.ts';
import { inventory } from '../inventory.ts';
import { lookAtInventory } from '../permissions.ts';

export const report = command({
  name: 'report',
  summary: 'write the inventory as an HTML page: problems by cause, what comes, a table with filters',
  description: [
    'Writes one self-contained HTML file. It reads tags only, and no secret. An existing file is replaced.',
    'The file contains names, profiles and times of certificates. Give it only to people who may see them.',
  ],
  options: {
    html: { flags: '--html <file>', description: 'the file to write; required' },
    profile: { flags: '--profile <profile>', description: 'only certificates of this profile' },
  },
  examples: [
    { command: 'cert-renewer report --html certificates.html', says: 'all certificates' },
    { command: 'cert-renewer report --html internal.html --profile internal', says: 'one profile' },
  ],
  needs: lookAtInventory,
  async run(context, _names, { html, profile }): Promise<Exit> {
    if (html === undefined) throw new UsageError('--html is missing: name the file to write.');
    const rows = await allRows(context, profile);
    const { reportPage } = await import('../report/page.ts');
    const { terminal, session } = context;
    const { stackName, aws } = session.target;
    const page = reportPage(rows, { stackName, region: aws.region, now: session.clock.now() });
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
