/** All calls that a local AWS has answered. It records them if it was started with `keepsCalls` (testkit/local-aws/every_call.py). */
import { readFile } from 'node:fs/promises';
import type { EmulatorAccess } from './ministack.ts';

export interface AnsweredCall {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Empty for root and for users. */
  readonly role: string;
  readonly service: string;
  readonly action: string;
  /** The secret, parameter, key or function in the request, else the path. */
  readonly about: string;
  /** Names of the body's members. */
  readonly members: readonly string[];
  /** HTTP status of the answer. */
  readonly status: number;
}

/** Returns the calls in the order of their answers. */
export async function answeredCalls({ callsFile }: Pick<EmulatorAccess, 'callsFile'>): Promise<AnsweredCall[]> {
  const text = await readFile(callsFile, 'utf8').catch(() => '');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1); // the last line may be incomplete
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AnsweredCall);
}

/** Returns a function that gives the calls from now on. */
export async function callsFromNow(aws: Pick<EmulatorAccess, 'callsFile'>): Promise<() => Promise<AnsweredCall[]>> {
  const before = (await answeredCalls(aws)).length;
  return async () => (await answeredCalls(aws)).slice(before);
}
