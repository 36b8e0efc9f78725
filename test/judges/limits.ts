/** The limits of AWS that a stack can come up against, each with the page that tells of it. */
import { cloudWatchLimits } from './limits/cloudwatch.ts';
import { eventLimits } from './limits/events.ts';
import type { Limit } from './limits/limit.ts';
import { policyLimits } from './limits/policies.ts';
import { stackAndFunctionLimits } from './limits/stacks.ts';

export const limits: readonly Limit[] = [
  ...stackAndFunctionLimits,
  ...policyLimits,
  ...eventLimits,
  ...cloudWatchLimits,
];
