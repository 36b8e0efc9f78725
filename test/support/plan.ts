import type { PlanEntry } from '../../lambdas/domain/result.ts';

/** Whether a scan leaves a secret alone, except for the daily inspection, which may fall into any scan. */
export const isAtRest = ({ reason }: PlanEntry): boolean =>
  reason.code === 'NotDue' || reason.message === 'The daily inspection: a worker reads every secret once a day.';
