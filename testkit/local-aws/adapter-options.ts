import { setTimeout as sleep } from 'node:timers/promises';
import type { AwsOptions } from '../../lambdas/aws/clients.ts';
import type { Clock } from '../../lambdas/domain/ports.ts';
import { type Endpoint, ROOT } from './client.ts';
import { REGION } from './ministack.ts';

/** What an adapter needs to reach the local AWS, as root of its account. */
export function emulatorOptions({ endpoint }: Endpoint) {
  return { endpoint, region: REGION, credentials: ROOT } satisfies AwsOptions;
}

/** The machine's own clock, for what really waits. */
export const systemClock: Clock = { now: () => Date.now(), sleep: (milliseconds) => sleep(milliseconds) };
