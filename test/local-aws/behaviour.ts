import { randomBytes } from 'node:crypto';
import type { Endpoint } from '../../testkit/local-aws/client.ts';

/** One behaviour of AWS that a patch restores: what is seen with the patches, and without any. */
export interface Behaviour {
  /** The patch, by the name it has in testkit/local-aws/patches. */
  readonly patch: string;
  /** `patience`: for how long to wait for what may never come (ms). */
  readonly observe: (aws: Endpoint, patience: number) => Promise<unknown>;
  readonly withPatch: unknown;
  readonly without: unknown;
}

/** A ClientRequestToken. */
export const token = (): string => randomBytes(20).toString('hex');

/** What a call ends in: 'ok', or the name of its error. */
export async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'ok';
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}
