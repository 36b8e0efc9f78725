/** All queues with what nobody could do: each has an alarm, and a line on the dashboard. */
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { RenewalQueues } from '../functions/queues.ts';
import type { Hooks } from '../hooks/hooks.ts';
import type { Notices } from './notices.ts';

/** A queue with what nobody could do. */
export interface DeadLetters {
  /** Of its alarm. */
  readonly id: string;
  readonly queue: IQueue;
  /** A sentence for the alarm, without its full stop. */
  readonly description: string;
  /** A few words for the dashboard. */
  readonly label: string;
}

export function deadLettersOf(queues: RenewalQueues, hooks: Hooks | undefined): DeadLetters[] {
  const all: DeadLetters[] = [
    {
      id: 'DeadLetters',
      queue: queues.deadLetterQueue,
      description: 'Renewals that failed three times wait in the dead-letter queue',
      label: 'dead letters',
    },
    {
      id: 'ScanDeadLetters',
      queue: queues.scanDeadLetterQueue,
      description: 'Scans could not be started, or failed',
      label: 'scans that failed',
    },
  ];
  if (hooks === undefined) return all;
  const description = 'Hooks that failed wait in their dead-letter queue';
  return [...all, { id: 'HookDeadLetters', queue: hooks.deadLetterQueue, description, label: 'hooks that failed' }];
}

export function noticeLetters({ deadLetterQueue: queue }: Notices): DeadLetters {
  const description = 'E-mails that could not be sent wait in their dead-letter queue';
  return { id: 'NoticeDeadLetters', queue, description, label: 'e-mails that failed' };
}
