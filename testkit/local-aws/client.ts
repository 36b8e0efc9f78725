import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { REGION } from './ministack.ts';

/** The address of the local AWS. */
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

/** Root's clients, by class and endpoint. A new client with its new connection would double the work of a call, here and in the local AWS. */
const ofRoot = new Map<unknown, Map<string, unknown>>();

/**
 * Returns an SDK client for the local AWS: `client(SQSClient, emulator)`. A refusal is thrown at once. A failure of the server
 * is retried, as every SDK client does.
 */
export function client<T>(
  Client: new (configuration: ClientConfiguration) => T,
  { endpoint }: Endpoint,
  credentials: Credentials = ROOT,
): T {
  const made = () => new Client({ endpoint, region: REGION, credentials, maxAttempts: 3 });
  if (credentials !== ROOT) return made();
  const byEndpoint = ofRoot.get(Client) ?? new Map<string, T>();
  ofRoot.set(Client, byEndpoint);
  const found = byEndpoint.get(endpoint) ?? made();
  byEndpoint.set(endpoint, found);
  return found as T;
}

/** Returns a unique name, because test files run side by side in one account. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(5).toString('hex')}`;
}

let began = Date.now();

/** Returns the start time of this test file. Earlier log lines belong to other files. */
export const fileBegan = (): number => began;

/** Must be called at the start of every test file, because a process may run several files. */
export function fileBegins(): void {
  began = Date.now();
}

export interface Invocation<T> {
  readonly payload: T;
  /** The error of the function, or undefined if it returned. */
  readonly error: { readonly errorType: string; readonly errorMessage: string } | undefined;
}

/** Invokes a function and waits for its answer. */
export async function invoke<T = unknown>(
  aws: Endpoint,
  functionName: string,
  payload: unknown = {},
): Promise<Invocation<T>> {
  const lambda = client(LambdaClient, aws);
  const sent = new InvokeCommand({ FunctionName: functionName, Payload: Buffer.from(JSON.stringify(payload)) });
  const { Payload, FunctionError } = await lambda.send(sent);
  const parsed = JSON.parse(Buffer.from(Payload ?? []).toString() || 'null');
  return { payload: parsed, error: FunctionError ? parsed : undefined };
}

/** Milliseconds between two polls. The pause grows, so that waiting tests leave the CPU to others. After a long wait it is a part of the wait. */
const pauses = { first: 50, growth: 1.3, longest: 500, partOfWait: 0.03 };

export interface Patience {
  /** Milliseconds. Default: a minute. */
  readonly within?: number;
  /** The pause between two polls, for expensive polls. Default: growing, half a second at most in the first quarter of a minute. */
  readonly pause?: number;
}

/** Calls `ask` until it returns a value other than undefined and false. Returns it. @throws Error with `what` after the time limit. */
export async function waitFor<T>(
  what: string,
  ask: () => Promise<T | undefined | false>,
  { within = 60_000, pause }: Patience = {},
): Promise<T> {
  const start = Date.now();
  const deadline = start + within;
  const longest = () => Math.max(pauses.longest, (Date.now() - start) * pauses.partOfWait);
  for (let next = pauses.first; ; next = Math.min(next * pauses.growth, longest())) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${within / 1000} s`);
    await sleep(pause ?? next);
  }
}
