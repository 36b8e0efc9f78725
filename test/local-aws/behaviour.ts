import { randomBytes } from 'node:crypto';
import type { Endpoint } from '../../testkit/local-aws/client.ts';

/** A behaviour of AWS that a patch restores: the observation with the patches, and without any. */
export interface Behaviour {
  /** The patch's name in testkit/local-aws/patches. */
  readonly patch: string;
  /** `patience`: how long to wait for something that may never come (ms). */
  readonly observe: (aws: Endpoint, patience: number) => Promise<unknown>;
  readonly withPatch: unknown;
  readonly without: unknown;
}

/** A ClientRequestToken. */
export const token = (): string => randomBytes(20).toString('hex');

/** Returns 'ok', or the name of the call's error. */
export async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'ok';
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}
