import type { Context } from 'aws-lambda';
import { composeEcsHook, policyFor } from '../compose.ts';
import { isDeploymentState, replaceTasks, reportDeployment } from '../hooks/replace-tasks.ts';
import { withoutCause } from './edge.ts';

const { hook, world: worldOf } = composeEcsHook();

/** Invoked by the rules of one ecs hook: with `Certificate Renewed`, and with the ends of deployments. */
export async function handler(event: unknown, context: Context): Promise<void> {
  const world = worldOf(policyFor(context));
  world.journal.begin(context.awsRequestId);
  try {
    if (isDeploymentState(event)) await reportDeployment(world, hook, event);
    else await replaceTasks(world, hook, event);
  } catch (thrown) {
    throw withoutCause(thrown);
  }
}
