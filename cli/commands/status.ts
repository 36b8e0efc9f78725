/** `status`: the state of every certificate, from tags alone; or one certificate, whole. */

import { count } from '../../lambdas/domain/count.ts';
import { byUrgency, type InventoryRow, needsAttention } from '../../lambdas/inventory/row.ts';
import { inventoryStates } from '../../lambdas/inventory/states.ts';
import { type Context, command } from '../command.ts';
import type { Exit } from '../exit.ts';
import { targetWords } from '../hints.ts';
import { inBatches, inventory, type Selection } from '../inventory.ts';
import { invokeRenew, lookAtInventory, readRenewSettings } from '../permissions.ts';
import { printList } from '../report/list.ts';
import { recordOf } from '../row.ts';
import { showOne } from '../show/show-one.ts';
import { printable, type Terminal } from '../terminal.ts';

/** With `--json`, rows that arrive within so many milliseconds are sorted together. */
const together = 1_000;

/** A missing permission of these hides one part. */
const one = 'optional, with one name:';

export const status = command({
  name: 'status',
  summary: 'list certificates: state, reason, expiry, next renewal',
  description: [
    `Lists the certificates with their states, the most urgent first: ${inventoryStates.join(', ')}. A certificate in several states is listed by the first of them. docs/concepts.md says what each state means. The command reads tags only, and no secret. A worker inspects each secret once a day. A certificate that its profile can never renew is failing from the first inspection on.`,
    'More than five problems with the same cause are one group: "115 × CaRejected: …". A terminal shows the first twenty certificates of each other state. --verbose lists all. A narrow terminal has fewer columns, and the reason on a line of its own.',
    'The exit code is 1 if a certificate is expired, overdue, failing or not served, so that a cron job or a pipeline can use it.',
    'With one name, and without --profile and --state, it shows that certificate whole: subject, names, issuer and key, the window and what sets it, the last failure with its message, the versions, the declaration and the differences from it, the order that waits at an ACME CA, and the command to run next. The renew function reads the secret and answers without the key, so you need no right to read the value of a secret. The message comes from the log of the renew function. If a permission is missing, the command shows the rest, and names the permission. The exit code is 1 too if the renew function finds an error that the tags do not show yet.',
  ],
  argument: { name: '[names...]', description: 'names or ARNs of secrets (default: all enrolled ones)' },
  options: {
    profile: { flags: '--profile <profile>', description: 'only certificates of this profile' },
    state: {
      flags: '--state <state>',
      description: 'only certificates in this state; may be repeated',
      choices: inventoryStates,
      repeats: true,
    },
    verbose: { flags: '--verbose', description: 'list every certificate, also those of a group' },
  },
  examples: [
    { command: 'cert-renewer status', says: 'all certificates' },
    { command: 'cert-renewer status web/tls', says: 'everything about one certificate' },
    { command: 'cert-renewer status web/tls db/tls', says: 'a list of two certificates' },
    { command: 'cert-renewer status --state expired --state overdue', says: 'those that are late' },
    { command: 'cert-renewer status --profile internal --json | jq -r .name', says: 'for a program' },
  ],
  needs: [
    ...lookAtInventory,
    { ...invokeRenew, when: `${one} what is in the secret` },
    { ...readRenewSettings, when: `${one} the message of its last failure` },
    { actions: ['logs:FilterLogEvents'], on: 'renewLogs', when: `${one} the message of its last failure` },
    { actions: ['secretsmanager:ListSecretVersionIds'], on: 'secrets', when: `${one} the dates of its versions` },
  ],
  run: (context, names, { profile, state, verbose }) => {
    const [name] = names;
    const isOne = name !== undefined && names.length === 1 && profile === undefined && state === undefined;
    if (isOne) return showOne(context, name);
    return list(context, { names, profile }, { states: state ?? inventoryStates, verbose: verbose ?? false });
  },
});

interface View {
  readonly states: readonly string[];
  /** Whether each certificate has a row. */
  readonly verbose: boolean;
}

async function list(context: Context, selection: Selection, { states, verbose }: View): Promise<Exit> {
  const { session, terminal } = context;
  let seen = 0;
  let alarming = 0;
  async function* rows(): AsyncGenerator<readonly InventoryRow[]> {
    terminal.progress('Looking for the stack …');
    for await (const page of inventory(session, terminal, selection)) {
      for (const { secretId, error } of page.untold) {
        alarming += 1;
        if (terminal.json) terminal.record({ name: secretId, error });
        else terminal.note(printable(`${secretId}: ${error.errorType}: ${error.message}`));
      }
      const found = page.rows.filter(({ state }) => states.includes(state));
      seen += found.length;
      alarming += found.filter(needsAttention).length;
      terminal.progress(`${count(seen, 'certificate')} …`);
      yield found;
    }
  }
  if (terminal.json) await record(terminal, rows());
  else {
    const found: InventoryRow[] = [];
    for await (const page of rows()) found.push(...page);
    terminal.progress('');
    printList(terminal, found.sort(byUrgency), {
      now: session.clock.now(),
      verbose,
      options: targetWords(session.target),
    });
  }
  if (seen === 0 && alarming === 0)
    terminal.hint('No enrolled secret matches. Enrol one with cert-renewer enrol <name> --profile <profile>.');
  return alarming > 0 ? 'attention' : 'ok';
}

async function record(terminal: Terminal, pages: AsyncIterable<readonly InventoryRow[]>): Promise<void> {
  for await (const batch of inBatches(pages, together)) {
    for (const row of batch.sort(byUrgency)) terminal.record(recordOf(row));
  }
  terminal.progress('');
}
