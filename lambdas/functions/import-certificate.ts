import type { Context } from 'aws-lambda';
import { composeImportHook, policyFor } from '../compose.ts';
import { importCertificate } from '../hooks/import-certificate.ts';
import { withoutCause } from './edge.ts';

const { hook, world: worldOf } = composeImportHook();

/** Invoked by the rule of one acm hook with `Certificate Renewed`. */
export async function handler(event: unknown, context: Context): Promise<void> {
  const world = worldOf(policyFor(context));
  world.journal.begin(context.awsRequestId);
  try {
    await importCertificate(world, hook, event);
  } catch (thrown) {
    throw withoutCause(thrown);
  }
}
