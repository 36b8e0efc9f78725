/** The dead-letter queues. Each has an alarm and a line on the dashboard. */
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { RenewalQueues } from '../functions/queues.ts';
import type { Hooks } from '../hooks/hooks.ts';
import type { AlarmKind } from './alarm-text.ts';
import type { Notices } from './notices.ts';

/** A dead-letter queue. */
export interface DeadLetters {
  readonly kind: Extract<AlarmKind, `${string}DeadLetters`>;
  readonly queue: IQueue;
  /** Label on the dashboard. */
  readonly label: string;
}

export function deadLettersOf(queues: RenewalQueues, hooks: Hooks | undefined): DeadLetters[] {
  const all: DeadLetters[] = [
    { kind: 'DeadLetters', queue: queues.deadLetterQueue, label: 'dead letters' },
    { kind: 'ScanDeadLetters', queue: queues.scanDeadLetterQueue, label: 'scans that failed' },
  ];
  if (hooks === undefined) return all;
  return [...all, { kind: 'HookDeadLetters', queue: hooks.deadLetterQueue, label: 'hooks that failed' }];
}

export function noticeLetters({ deadLetterQueue: queue }: Notices): DeadLetters {
  return { kind: 'NoticeDeadLetters', queue, label: 'e-mails that failed' };
}
