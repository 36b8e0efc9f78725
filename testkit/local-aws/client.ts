import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { REGION } from './ministack.ts';

/** Where the local AWS answers. */
export interface Endpoint {
  readonly endpoint: string;
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

interface ClientConfiguration {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: Credentials;
  readonly maxAttempts: number;
}

/** Root of the emulator's account: no policy applies to it. */
export const ROOT: Credentials = { accessKeyId: 'test', secretAccessKey: 'test' };

/**
 * An SDK client for the local AWS: `client(SQSClient, emulator)`. What is refused is refused at once; a failure of the
 * server itself is tried again, as any client of AWS does.
 */
export function client<T>(
  Client: new (configuration: ClientConfiguration) => T,
  { endpoint }: Endpoint,
  credentials: Credentials = ROOT,
): T {
  return new Client({ endpoint, region: REGION, credentials, maxAttempts: 3 });
}

/** A name that no other test uses: test files run side by side in one account. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(5).toString('hex')}`;
}

let began = Date.now();

/** When the tests of this file began: what was logged before is none of theirs. */
export const fileBegan = (): number => began;

/** For what every file begins with: a process may run several, one after another. */
export function fileBegins(): void {
  began = Date.now();
}

export interface Invocation<T> {
  readonly payload: T;
  /** What the function threw; undefined where it returned. */
  readonly error: { readonly errorType: string; readonly errorMessage: string } | undefined;
}

/** Invoke a function and wait for its answer. */
export async function invoke<T = unknown>(
  aws: Endpoint,
  functionName: string,
  payload: unknown = {},
): Promise<Invocation<T>> {
  const lambda = client(LambdaClient, aws);
  try {
    const sent = new InvokeCommand({ FunctionName: functionName, Payload: Buffer.from(JSON.stringify(payload)) });
    const { Payload, FunctionError } = await lambda.send(sent);
    const parsed = JSON.parse(Buffer.from(Payload ?? []).toString() || 'null');
    return { payload: parsed, error: FunctionError ? parsed : undefined };
  } finally {
    lambda.destroy();
  }
}

/** Between two looks: longer the longer one waits, so that many who wait leave the machine to those who work. */
const pauses = { first: 50, growth: 1.3, longest: 500 };

export interface Patience {
  /** Milliseconds. Default: a minute. */
  readonly within?: number;
  /** Between two looks, where a look costs more than what is waited for. Default: half a second at most. */
  readonly pause?: number;
}

/** Ask until the answer is something (not undefined or false), and return it. @throws with `what` when it takes too long. */
export async function waitFor<T>(
  what: string,
  ask: () => Promise<T | undefined | false>,
  { within = 60_000, pause }: Patience = {},
): Promise<T> {
  const deadline = Date.now() + within;
  for (let next = pauses.first; ; next = Math.min(next * pauses.growth, pauses.longest)) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${within / 1000} s`);
    await sleep(pause ?? next);
  }
}
