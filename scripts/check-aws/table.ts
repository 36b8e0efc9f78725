/** All groups of `npm run check-aws`. */
import { cloudWatch } from './cloudwatch.ts';
import { command } from './command.ts';
import { compareAndSwap } from './compare-and-swap.ts';
import { customerKey } from './customer-key.ts';
import type { Group } from './group.ts';
import { mail } from './mail.ts';
import { redrive } from './redrive.ts';
import { rotation } from './rotation.ts';
import { stackTags } from './stack-tags.ts';
import { staleReads } from './stale-reads.ts';

export const groups: readonly Group[] = [
  compareAndSwap,
  staleReads,
  redrive,
  mail,
  command,
  rotation,
  stackTags,
  cloudWatch,
  customerKey,
];
