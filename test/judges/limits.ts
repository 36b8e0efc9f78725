/** The limits of AWS that a stack can reach, each with AWS's page. */
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
