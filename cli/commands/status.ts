/** `status`: the state of every certificate, from tags alone. */

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

/** Rows that arrive within so many milliseconds are sorted together. */
const together = 1_000;

export const status = command({
  name: 'status',
  summary: 'list certificates: expiry, next renewal, state',
  description: [
    'Lists the certificates with their states, the most urgent first: overdue and failing, missing, changed, due, unknown, ok, paused. It reads tags only, and no secret. A worker inspects each secret once a day. A certificate that its profile can never renew is failing from the first inspection on.',
    'A declared certificate is missing until it is issued, and changed if its certificate was not issued for today’s declaration. Both show the error code of their last failure, if there was one. A declared certificate is overdue if it is not there after about an hour.',
    'A long list is printed in parts, as it arrives. Each part is sorted. The exit code is 1 if a certificate is overdue or failing, so that a cron job or a pipeline can use it. A missing or changed certificate counts as failing if its last attempt failed.',
  ],
  argument: { name: '[names...]', description: 'names or ARNs of secrets (default: all enrolled ones)' },
  options: { profile: { flags: '--profile <profile>', description: 'only certificates of this profile' } },
  examples: [
    { command: 'cert-renewer status', says: 'all certificates' },
    { command: 'cert-renewer status web/tls db/tls', says: 'two certificates' },
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
    terminal.hint('No enrolled secret matches. Enrol one with cert-renewer enrol <name> --profile <profile>.');
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

/** Returns a line of `--json`: times in RFC 3339, null for unknown values. */
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
