/** `dead-letters`: what is in the dead-letter queues, and emptying one. */
import { count } from '../../lambdas/domain/count.ts';
import { formatInstant } from '../../lambdas/domain/instant.ts';
import { relative } from '../../lambdas/inventory/words.ts';
import { type Context, command } from '../command.ts';
import { deadLetterQueues, type QueueName, queueNames, urlsOf } from '../dead-letter-queues.ts';
import { type Exit, UsageError } from '../exit.ts';
import { type Letter, letterOf, nameInArn } from '../letters.ts';
import { findStack } from '../permissions.ts';
import { type Cell, type Column, printTable } from '../table.ts';

/** Messages that are read from one queue: a person reads no more, and each ten are a call. */
const most = 200;

export const deadLetters = command({
  name: 'dead-letters',
  summary: 'show what is in the dead-letter queues, or empty one',
  description: [
    `Prints a line for each message in the dead-letter queues: of renewals that failed three times, of scans, of e-mails (notices) and of hooks. It shows the secret and the reason, as far as the message says, and removes nothing. While it reads, the messages are hidden from other readers for some seconds. It reads at most ${most} messages of a queue.`,
    'With --purge it deletes all messages of one queue, and the alarm of this queue ends. Nothing is lost: the schedule tries each certificate again, and a hook runs again after the next renewal.',
    'The exit code is 1 if there are dead letters.',
  ],
  options: {
    queue: { flags: '--queue <queue>', description: 'only this queue', choices: queueNames },
    purge: { flags: '--purge', description: 'delete all messages of the queue; needs --queue' },
  },
  examples: [
    { command: 'cert-renewer dead-letters', says: 'after an alarm' },
    { command: 'cert-renewer dead-letters --queue renewals --json | jq -r .name', says: 'the secrets, for a program' },
    { command: 'cert-renewer dead-letters --queue hooks --purge', says: 'when the cause is removed' },
  ],
  needs: [
    findStack,
    { actions: ['cloudformation:ListStackResources'], on: 'stack', when: 'not with `--queue renewals`' },
    {
      actions: ['sqs:ReceiveMessage', 'sqs:ChangeMessageVisibility'],
      on: 'deadLetterQueues',
      when: 'not with `--purge`',
    },
    { actions: ['sqs:GetQueueAttributes', 'sqs:PurgeQueue'], on: 'deadLetterQueues', when: '`--purge`' },
  ],
  run: async (context, _names, { queue, purge }) => {
    const chosen = queue as QueueName | undefined; // the parser checks the choices
    if (purge && chosen === undefined) {
      throw new UsageError(`--purge empties one queue: name it with --queue (${queueNames.join(', ')}).`);
    }
    if (purge && chosen !== undefined) return empty(context, chosen);
    return show(context, chosen === undefined ? queueNames : [chosen]);
  },
});

async function show(context: Context, wanted: readonly QueueName[]): Promise<Exit> {
  const { terminal, session } = context;
  terminal.progress('Reading …');
  const urls = await urlsOf(session, wanted);
  const read = await Promise.all(
    [...urls].map(async ([kind, url]) => ({ kind, letters: (await session.queues.read(url, most)).map(letterOf) })),
  );
  terminal.progress('');
  const found = read.filter(({ letters }) => letters.length > 0);
  if (terminal.json) {
    for (const { kind, letters } of found) for (const letter of letters) terminal.record(recordOf(kind, letter));
  } else {
    const now = session.clock.now();
    const rows = found.flatMap(({ kind, letters }) => letters.map((letter) => cellsOf(kind, letter, now)));
    printTable(terminal, columns, rows);
    if (found.length === 0)
      terminal.print(`There are no dead letters${wanted.length === 1 ? ` of ${wanted[0]}` : ''}.`);
  }
  for (const { kind, letters } of found) {
    if (letters.length >= most) terminal.note(`${kind}: the first ${most} messages are shown. There may be more.`);
    terminal.hint(
      `${kind}: ${letters.every(({ secretArn }) => isStray(kind, secretArn)) ? purgeStray : deadLetterQueues[kind].next}`,
    );
  }
  return found.length > 0 ? 'attention' : 'ok';
}

async function empty(context: Context, kind: QueueName): Promise<Exit> {
  const { terminal, session } = context;
  const url = (await urlsOf(session, [kind])).get(kind);
  if (url === undefined) {
    throw new UsageError(`The stack ${session.target.stackName} has no dead-letter queue of ${kind}.`);
  }
  const { waiting, held } = await session.queues.depth(url);
  const deleted = waiting + held;
  if (deleted > 0) await session.queues.purge(url);
  if (terminal.json) terminal.record({ queue: kind, deleted });
  else
    terminal.print(
      deleted === 0 ? `There are no dead letters of ${kind}.` : `${count(deleted, 'message')} of ${kind} deleted.`,
    );
  return 'ok';
}

const columns: readonly Column[] = [
  { head: 'QUEUE' },
  { head: 'SENT' },
  { head: 'NAME' },
  { head: 'REASON', yields: { to: 'below', turn: 1 } },
];

const purgeStray = 'cert-renewer dead-letters --queue renewals --purge deletes them.';
const stray = 'not a message of cert-renewer: no worker can use it';

/** Somebody else put it into the queue: each renewal names its secret. */
const isStray = (kind: QueueName, secretArn: string | undefined): boolean =>
  kind === 'renewals' && secretArn === undefined;

function cellsOf(kind: QueueName, { sentAt, secretArn, event, error }: Letter, now: number): Cell[] {
  const reason = error ? `${error.errorType}: ${error.message}` : undefined;
  return [
    { text: kind },
    { text: sentAt === undefined ? '?' : relative(sentAt, now) },
    { text: secretArn === undefined ? '-' : nameInArn(secretArn) },
    { text: isStray(kind, secretArn) ? stray : [event, reason].filter((part) => part !== undefined).join(': ') || '-' },
  ];
}

function recordOf(kind: QueueName, { sentAt, secretArn, event, error }: Letter) {
  return {
    queue: kind,
    sentAt: sentAt === undefined ? null : formatInstant(sentAt),
    name: secretArn === undefined ? null : nameInArn(secretArn),
    secretArn: secretArn ?? null,
    event: event ?? null,
    error: error ?? null,
  };
}
