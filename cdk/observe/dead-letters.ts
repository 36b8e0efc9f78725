/** The dead-letter queues. Each has an alarm and a line on the dashboard. */
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { RenewalQueues } from '../functions/queues.ts';
import type { Hooks } from '../hooks/hooks.ts';
import type { Notices } from './notices.ts';

/** A dead-letter queue. */
export interface DeadLetters {
  /** Construct id of its alarm. */
  readonly id: string;
  readonly queue: IQueue;
  /** Description of its alarm: a sentence without the full stop. */
  readonly description: string;
  /** Label on the dashboard. */
  readonly label: string;
}

export function deadLettersOf(queues: RenewalQueues, hooks: Hooks | undefined): DeadLetters[] {
  const all: DeadLetters[] = [
    {
      id: 'DeadLetters',
      queue: queues.deadLetterQueue,
      description: 'Renewals that failed three times are in the dead-letter queue',
      label: 'dead letters',
    },
    {
      id: 'ScanDeadLetters',
      queue: queues.scanDeadLetterQueue,
      description: 'Scans failed, or could not be started',
      label: 'scans that failed',
    },
  ];
  if (hooks === undefined) return all;
  const description = 'Hooks that failed are in their dead-letter queue';
  return [...all, { id: 'HookDeadLetters', queue: hooks.deadLetterQueue, description, label: 'hooks that failed' }];
}

export function noticeLetters({ deadLetterQueue: queue }: Notices): DeadLetters {
  const description = 'E-mails that could not be sent are in their dead-letter queue';
  return { id: 'NoticeDeadLetters', queue, description, label: 'e-mails that failed' };
}
