/** `redrive`: moves dead letters back to the renewal queue. */
import { count } from '../../lambdas/domain/count.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { redriveTag } from '../../lambdas/domain/tags.ts';
import type { Move } from '../aws/queues.ts';
import { type Context, command } from '../command.ts';
import { CommandError, type Exit, explain } from '../exit.ts';
import { findStack } from '../permissions.ts';
import { progressBar } from '../terminal.ts';

/** Milliseconds between two looks at a move. */
const pause = 2_000;
/** Looks at a move that SQS does not list yet, before the command gives up. */
const looksForStart = 15;
/** Milliseconds after which the command leaves a move to itself. SQS ends a move after 36 hours. */
const patience = 15 * 60_000;

export const redrive = command({
  name: 'redrive',
  summary: 'move dead letters back to the renewal queue',
  description: [
    'A renewal that failed three times is a message in the dead-letter queue. This command has SQS move all of these messages back, waits for the end, and prints how many SQS moved. Remove the cause first: cert-renewer doctor. A message names one version of a secret. If another version is current by now, the worker does nothing (AlreadyRenewed).',
    `The policy of the renewal queue accepts messages only from the scan, from the account’s root user, and from a user or role with the tag ${redriveTag} = true. Without the tag the dead letters stay where they are, and the command says what to do.`,
    'It moves no dead letters of scans, hooks and e-mails: cert-renewer dead-letters shows these. Ctrl-C ends the command, and not the move.',
    'The exit code is 0 also if there are no dead letters, 1 if the move does not end within 15 minutes, and 3 if it failed.',
  ],
  options: {},
  examples: [
    { command: 'cert-renewer redrive', says: 'after an outage of the CA' },
    { command: 'cert-renewer redrive --json', says: 'the counts, for a program' },
  ],
  needs: [
    findStack,
    {
      actions: [
        ...['sqs:GetQueueAttributes', 'sqs:StartMessageMoveTask', 'sqs:ListMessageMoveTasks'],
        ...['sqs:ReceiveMessage', 'sqs:DeleteMessage'],
      ],
      on: 'deadLetterQueue',
    },
    {
      actions: ['sqs:SendMessage'],
      on: 'renewalQueue',
      when: `there are dead letters; the user or role also needs the tag \`${redriveTag}\` = \`true\``,
    },
  ],
  run: async (context) => {
    const { terminal, session } = context;
    const { queues, output } = session;
    terminal.progress('Looking for dead letters …');
    const url = await output('DeadLetterQueueUrl');
    const { arn, waiting, held } = await queues.depth(url);
    const before = await queues.lastMove(arn);
    if (waiting === 0 && !isRunning(before)) {
      const reader = held > 0 ? ` Another reader holds ${count(held, 'message')}: try again in a minute.` : '';
      return told(
        context,
        { moved: 0, left: held },
        `There are no dead letters.${reader}`,
        held > 0 ? 'attention' : 'ok',
      );
    }
    try {
      if (!isRunning(before)) await queues.startMove(arn);
    } catch (thrown) {
      throw isRefusedSend(thrown) ? notAllowed(explain(thrown).message) : thrown;
    }
    const end = await endOf(context, arn, before, waiting);
    terminal.progress('');
    const { waiting: left } = await queues.depth(url);
    return report(context, end, left);
  },
});

const isRunning = (move: Move | undefined): boolean => move?.status === 'RUNNING' || move?.status === 'CANCELLING';

/** Waits until the move has ended. Returns it as it is when the patience ends. */
async function endOf(
  { session, terminal }: Context,
  arn: string,
  before: Move | undefined,
  waiting: number,
): Promise<Move | undefined> {
  const { queues, clock } = session;
  const until = clock.now() + patience;
  const isOurs = (move: Move | undefined) => isRunning(before) || move?.startedAt !== before?.startedAt;
  for (let look = 1; ; look++) {
    const move = await queues.lastMove(arn);
    const isListed = move !== undefined && isOurs(move);
    if (isListed && !isRunning(move)) return move;
    if (clock.now() >= until || (!isListed && look >= looksForStart)) return isListed ? move : undefined;
    terminal.progress(progressBar(isListed ? move.moved : 0, Math.max(waiting, move?.toMove ?? 0), ' moved'));
    await clock.sleep(pause);
  }
}

/** Throws AccessDenied if SQS was not allowed to send the messages for this user. */
function report(context: Context, move: Move | undefined, left: number): Exit {
  const moved = move?.moved ?? 0;
  const counts = { moved, left, status: move?.status ?? null };
  const rest = left === 0 ? '' : ` ${count(left, 'dead letter')} left.`;
  if (move?.status === 'COMPLETED') {
    // The queue's own count lags behind the end of the move.
    const says = `${count(moved, 'dead letter')} moved back to the renewal queue.`;
    context.terminal.hint('See what became of them in a few minutes: cert-renewer status');
    return told(context, counts, says, 'ok');
  }
  if (move === undefined || isRunning(move)) {
    const says = `SQS still moves the dead letters: ${moved} moved so far. Run cert-renewer redrive again to see the end.`;
    return told(context, counts, says, 'attention');
  }
  if (/AccessDenied/i.test(move.failure ?? '')) throw notAllowed(`SQS ended the move: ${move.failure}.`, moved);
  const why = move.failure === undefined ? '' : ` (${move.failure})`;
  throw new CommandError(
    'Refused',
    `SQS did not complete the move: it is ${move.status}${why}, with ${moved} moved.${rest} Try again, or let a scan send the renewals: ${otherWay}`,
  );
}

function told({ terminal }: Context, counts: object, says: string, exit: Exit): Exit {
  if (terminal.json) terminal.record(counts);
  else terminal.print(says);
  return exit;
}

const otherWay =
  'cert-renewer dead-letters shows their names, cert-renewer scan <names> --force renews them, and cert-renewer dead-letters --queue renewals --purge empties the queue.';

/** Whether SQS refused to send for the user. Any other refusal names the action that the user lacks. */
function isRefusedSend(thrown: unknown): boolean {
  if (!(thrown instanceof RenewalError) || thrown.code !== 'AccessDenied') return false;
  const [, action = ''] = /allows the (sqs:\w+) action/i.exec(thrown.message) ?? [];
  return action === '' || /SendMessage/i.test(action);
}

function notAllowed(refusal: string, moved = 0): RenewalError {
  const some = moved === 0 ? '' : ` ${moved} were moved before.`;
  return new RenewalError(
    'AccessDenied',
    `You may not send to the renewal queue, so the dead letters stay where they are.${some} ${refusal} Your user or role needs sqs:SendMessage on the renewal queue and the tag ${redriveTag} = true, because the policy of the queue denies all others except the scan: aws iam tag-role --role-name <role> --tags Key=${redriveTag},Value=true. Or do without: ${otherWay}`,
  );
}
