import type { Instant } from './instant.ts';

/** When the scans come. */
export interface Schedule {
  readonly expression: string;
  /** The longest time between two scans, milliseconds; for cron over twelve years, changes of the clocks included. */
  readonly longestGap: number;
  /** The first scan after this instant. Undefined for a cron whose years are over. */
  next(after: Instant): Instant | undefined;
}
