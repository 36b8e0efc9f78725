import { setTimeout as sleep } from 'node:timers/promises';
import type { AwsOptions } from '../../lambdas/aws/clients.ts';
import type { Clock } from '../../lambdas/domain/ports.ts';
import { type Endpoint, ROOT } from './client.ts';
import { REGION } from './ministack.ts';

/** Options with which an adapter reaches the local AWS, as root of its account. */
export function emulatorOptions({ endpoint }: Endpoint) {
  return { endpoint, region: REGION, credentials: ROOT } satisfies AwsOptions;
}

/** The machine's own clock, with real sleeps. */
export const systemClock: Clock = { now: () => Date.now(), sleep: (milliseconds) => sleep(milliseconds) };
