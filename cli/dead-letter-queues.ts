/** The dead-letter queues of the stack, and what to do about a letter in each. docs/operations.md has a section for each. */
import type { Session } from './session.ts';

export interface DeadLetterQueue {
  /** Part of the queue's logical id in the template; undefined for the queue of the output DeadLetterQueueUrl. */
  readonly logicalId?: RegExp;
  /** The sentence below the list of its letters. */
  readonly next: string;
}

export const deadLetterQueues = {
  renewals: { next: 'cert-renewer status NAME says why. cert-renewer redrive moves them back.' },
  scan: { logicalId: /QueuesScanDeadLetters/, next: 'cert-renewer scan shows whether a scan works now.' },
  notices: {
    logicalId: /NoticesDeadLetters/,
    next: 'cert-renewer doctor and the alarms show what the e-mails would say.',
  },
  hooks: { logicalId: /HooksDeadLetters/, next: 'cert-renewer renew NAME --force runs the hooks again.' },
} as const satisfies Record<string, DeadLetterQueue>;

export type QueueName = keyof typeof deadLetterQueues;
export const queueNames = Object.keys(deadLetterQueues) as readonly QueueName[];

/** Returns the URL of each wanted queue. A stack without hooks has no queue for them. Throws AccessDenied and Throttled. */
export async function urlsOf(
  session: Pick<Session, 'output' | 'resources'>,
  wanted: readonly QueueName[],
): Promise<ReadonlyMap<QueueName, string>> {
  const all = new Map<QueueName, string>();
  const resources = wanted.some((name) => 'logicalId' in deadLetterQueues[name]) ? await session.resources() : [];
  for (const name of wanted) {
    const { logicalId }: DeadLetterQueue = deadLetterQueues[name];
    const found = resources.find((each) => each.type === 'AWS::SQS::Queue' && logicalId?.test(each.logicalId));
    const url = logicalId === undefined ? await session.output('DeadLetterQueueUrl') : found?.id;
    if (url !== undefined) all.set(name, url);
  }
  return all;
}
