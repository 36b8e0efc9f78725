import type { Context } from 'aws-lambda';
import { composeCommandHook, policyFor } from '../compose.ts';
import { runCommand } from '../hooks/run-command.ts';
import { withoutCause } from './edge.ts';

const { hook, world: worldOf } = composeCommandHook();

/** Invoked by the rule of one exec or signal hook with `Certificate Renewed`. */
export async function handler(event: unknown, context: Context): Promise<void> {
  const world = worldOf(policyFor(context));
  world.journal.begin(context.awsRequestId);
  try {
    await runCommand(world, hook, event);
  } catch (thrown) {
    throw withoutCause(thrown);
  }
}
