import type { Context } from 'aws-lambda';
import { composeImportHook } from '../compose.ts';
import { importCertificate } from '../hooks/import-certificate.ts';
import { withoutCause } from './edge.ts';

const { world, hook } = composeImportHook();

/** Invoked by the rule of one acm hook with `Certificate Renewed`. */
export async function handler(event: unknown, context: Context): Promise<void> {
  world.journal.begin(context.awsRequestId);
  try {
    await importCertificate(world, hook, event);
  } catch (thrown) {
    throw withoutCause(thrown);
  }
}
