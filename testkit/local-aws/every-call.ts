/** Every call that a local AWS has answered, where it was started to keep them (testkit/local-aws/every_call.py). */
import { readFile } from 'node:fs/promises';
import type { EmulatorAccess } from './ministack.ts';

export interface AnsweredCall {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Empty for root and for users. */
  readonly role: string;
  readonly service: string;
  readonly action: string;
  /** The secret, parameter, key or function that it names; else the path. */
  readonly about: string;
  /** Names of what the body holds. */
  readonly members: readonly string[];
  /** Of the answer, by HTTP. */
  readonly status: number;
}

/** In the order in which they were answered. */
export async function answeredCalls({ callsFile }: Pick<EmulatorAccess, 'callsFile'>): Promise<AnsweredCall[]> {
  const text = await readFile(callsFile, 'utf8').catch(() => '');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1); // the last line may be on its way
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AnsweredCall);
}

/** The same, from now on. */
export async function callsFromNow(aws: Pick<EmulatorAccess, 'callsFile'>): Promise<() => Promise<AnsweredCall[]>> {
  const before = (await answeredCalls(aws)).length;
  return async () => (await answeredCalls(aws)).slice(before);
}
