import type { Context } from 'aws-lambda';
import { composeFunctionHook, policyFor } from '../compose.ts';
import { invokeFunction } from '../hooks/invoke-function.ts';
import { withoutCause } from './edge.ts';

const { hook, world: worldOf } = composeFunctionHook();

/** Invoked by the rule of one lambda hook with `Certificate Renewed`. */
export async function handler(event: unknown, context: Context): Promise<void> {
  const world = worldOf(policyFor(context));
  world.journal.begin(context.awsRequestId);
  try {
    await invokeFunction(world, hook, event);
  } catch (thrown) {
    throw withoutCause(thrown);
  }
}
