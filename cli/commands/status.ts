/** `status`: every certificate's state, from tags alone. */

import { count } from '../../lambdas/domain/count.ts';
import { formatInstant, type Instant } from '../../lambdas/domain/instant.ts';
import {
  byUrgency,
  type InventoryRow,
  type InventoryState,
  needsAttention,
  severity,
} from '../../lambdas/inventory/row.ts';
import { relative, stateText, timeText } from '../../lambdas/inventory/words.ts';
import { type Context, command } from '../command.ts';
import type { Exit } from '../exit.ts';
import { inBatches, inventory, type Selection } from '../inventory.ts';
import { lookAtInventory } from '../permissions.ts';
import { type Cell, GrowingTable } from '../table.ts';
import type { Style } from '../terminal.ts';

/** Milliseconds: what comes within them is sorted together. */
const together = 1_000;

export const status = command({
  name: 'status',
  summary: 'every certificate: expires in, renews at, state',
  description: [
    'Shows each certificate as its tags tell it, the most urgent first: overdue and failing, missing, changed, due, unknown, ok, paused. No secret is read: a worker looks at each once a day, and a certificate that its profile can never renew is failing from the first look on.',
    'Of a declared certificate: missing is one that is not there yet, changed one that is still as it was declared before, each with the code of its last failure, where there was one; any other says that it is declared. One that is not there an hour after its declaration is overdue.',
    'A long list is shown while it comes in, sorted in itself second by second. Exit code 1 if anything is overdue or failing (a missing or changed one whose last try failed is), so that a cron job or a pipeline can use it.',
  ],
  argument: { name: '[names...]', description: 'names or ARNs of secrets (default: all that are enrolled)' },
  options: { profile: { flags: '--profile <profile>', description: 'of this profile only' } },
  examples: [
    { command: 'cert-renewer status', says: 'all of them' },
    { command: 'cert-renewer status web/tls db/tls', says: 'two of them' },
    { command: 'cert-renewer status --profile internal --json | jq -r .name', says: 'for a program' },
  ],
  needs: lookAtInventory,
  run: (context, names, { profile }) => show(context, { names, profile }),
});

async function show({ session, terminal }: Context, selection: Selection): Promise<Exit> {
  const { clock } = session;
  const table = new GrowingTable(terminal, columns);
  const states = new Map<InventoryState, number>();
  let seen = 0;
  let alarming = 0;
  async function* rows(): AsyncGenerator<readonly InventoryRow[]> {
    terminal.progress('Looking for the stack …');
    for await (const page of inventory(session, terminal, selection)) {
      for (const { secretId, error } of page.untold) {
        alarming += 1;
        if (terminal.json) terminal.record({ name: secretId, error });
        else terminal.note(`${secretId}: ${error.errorType}: ${error.message}`);
      }
      seen += page.rows.length;
      terminal.progress(`${count(seen, 'certificate')} …`);
      yield page.rows;
    }
  }
  for await (const batch of inBatches(rows(), together)) {
    batch.sort(byUrgency);
    for (const row of batch) {
      states.set(row.state, (states.get(row.state) ?? 0) + 1);
      if (needsAttention(row)) alarming += 1;
    }
    if (terminal.json) for (const row of batch) terminal.record(recordOf(row));
    else table.add(batch.map((row) => cellsOf(row, clock.now())));
  }
  terminal.progress('');
  if (seen === 0 && alarming === 0)
    terminal.hint('No such secret is enrolled: cert-renewer enrol <name> --profile <profile> enrols one.');
  else terminal.hint([...states].map(([state, number]) => `${number} ${state}`).join(', '));
  return alarming > 0 ? 'attention' : 'ok';
}

const columns = [
  { head: 'NAME', least: 16 },
  { head: 'PROFILE', least: 8 },
  { head: 'EXPIRES' },
  { head: 'RENEWS AT', least: 20 },
  { head: 'STATE', least: 12 },
];

const styles: Readonly<Record<InventoryState, Style | undefined>> = {
  overdue: 'red',
  failing: 'red',
  missing: 'yellow',
  changed: 'yellow',
  due: 'yellow',
  unknown: 'cyan',
  ok: 'green',
  paused: 'dim',
};

function cellsOf(row: InventoryRow, now: Instant): Cell[] {
  return [
    { text: row.name },
    { text: row.profile },
    { text: timeText(row, row.notAfter, (at) => relative(at, now)) },
    { text: timeText(row, row.renewAt, formatInstant) },
    { text: stateText(row, now), style: styles[severity(row)] },
  ];
}

const time = (instant: Instant | undefined) => (instant === undefined ? null : formatInstant(instant));

/** A line of `--json`: times are RFC 3339, what is not known is null. */
export function recordOf(row: InventoryRow) {
  const { name, secretArn, profile, state, declared, wanting = null, reason, overdue, failure } = row;
  const { notBefore, notAfter, renewAt } = row;
  const times = { notBefore: time(notBefore), notAfter: time(notAfter), renewAt: time(renewAt) };
  const told = failure && {
    code: failure.code,
    count: failure.count,
    at: time(failure.at),
    nextTry: time(failure.nextTry),
  };
  return { name, secretArn, profile, state, declared, wanting, reason, ...times, overdue, failure: told ?? null };
}
