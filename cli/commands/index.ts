/** All commands, in the order of the help. */
import type { CommandSpec } from '../command.ts';
import { plan } from './plan.ts';
import { renew } from './renew.ts';
import { status } from './status.ts';

export const commands: readonly CommandSpec[] = [status, plan, renew];
