import type { Instant } from './instant.ts';

/** The times of the scans. */
export interface Schedule {
  readonly expression: string;
  /** The longest time between two scans in milliseconds. For cron: over twelve years, with daylight saving time. */
  readonly longestGap: number;
  /** Returns the first scan after this instant, or undefined for a cron expression whose years are over. */
  next(after: Instant): Instant | undefined;
}
