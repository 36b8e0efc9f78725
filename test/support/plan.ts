import type { PlanEntry } from '../../lambdas/domain/result.ts';

/** Whether a scan leaves a secret alone, but for the inspection that each gets once a day: that may fall to any scan. */
export const isAtRest = ({ reason }: PlanEntry): boolean =>
  reason.code === 'NotDue' || reason.message === 'The inspection that every secret gets once a day.';
