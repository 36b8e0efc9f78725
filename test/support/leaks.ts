/** Searches everything that a stack leaves behind for bytes of private keys, in any spelling. */
import type { KeyObject } from 'node:crypto';
import { ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { client, type Endpoint } from '../../testkit/local-aws/client.ts';
import type { BusEvent } from '../../testkit/local-aws/events.ts';
import { logText } from './logs.ts';

/** A text, and where it was written. */
export interface Trace {
  readonly place: string;
  readonly text: string;
}

export interface Secret {
  /** Name for a finding. */
  readonly name: string;
  /** The secret parts. An output must not contain any twelve bytes of them. */
  readonly bytes: readonly Uint8Array[];
}

/** The private parts of a key: its numbers (RFC 7517: d, p, q, dp, dq, qi) and the body of its PEM, as base64. */
export function secretsOf(name: string, key: KeyObject): Secret {
  const jwk = key.export({ format: 'jwk' });
  const numbers = ['d', 'p', 'q', 'dp', 'dq', 'qi'].flatMap((field) => {
    const value = jwk[field];
    return typeof value === 'string' ? [new Uint8Array(Buffer.from(value, 'base64url'))] : [];
  });
  const der = key.export({ type: 'pkcs8', format: 'der' });
  const letters = numbers.slice(0, 1).map((number) => {
    const at = der.indexOf(number);
    const text = der.toString('base64').slice(Math.ceil(at / 3) * 4, Math.floor((at + number.length) / 3) * 4);
    return new Uint8Array(Buffer.from(text.slice(0, 64 - ((Math.ceil(at / 3) * 4) % 64))));
  });
  return { name, bytes: [...numbers, ...letters] };
}

export function password(name: string, text: string): Secret {
  return { name, bytes: [new Uint8Array(Buffer.from(text))] };
}

const partLength = 12;

/** Returns overlapping parts, so that a cut or wrapped secret is found too. */
function parts(bytes: Uint8Array): Buffer[] {
  const whole = Buffer.from(bytes);
  const last = Math.max(0, whole.length - partLength);
  const starts = new Set([...Array(Math.ceil(whole.length / 6)).keys()].map((n) => Math.min(n * 6, last)));
  return [...starts].map((start) => whole.subarray(start, start + partLength));
}

/** The encodings in which bytes appear in a text. */
function spellings(part: Buffer): string[] {
  // Base64 writes three bytes as four letters, so the same part has three encodings, by its offset.
  const base64 = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), part])
      .toString('base64')
      .replace(/=+$/, '');
    return text.slice(before === 0 ? 0 : before + 1, Math.floor(((before + part.length) * 8) / 6));
  });
  const url = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  const numbers = [...part];
  return [
    part.toString('hex'),
    part.toString('hex').toUpperCase(),
    numbers.map((byte) => byte.toString(16).padStart(2, '0')).join(':'),
    ...base64,
    ...url,
    numbers.map((byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(':'),
    numbers.map((byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`).join(''),
    encodeURIComponent(base64[0] ?? ''),
    numbers.join(','), // a Buffer as JSON
    part.toString('latin1'),
    JSON.stringify(part.toString('latin1')).slice(1, -1),
    BigInt(`0x${part.toString('hex')}`).toString(),
  ];
}

/** Removes line ends and their escapes (in JSON, and in JSON in JSON): PEM is wrapped at 64 columns. */
function unwrapped(text: string): string {
  return text.replace(/\\+[nrt]/g, '').replace(/\s+/g, '');
}

/** Length of the prefix that needles are looked up by. Only short passwords are shorter. */
const keyLength = 8;

/** Bits of a hash of a needle's first letters. Most places of a text are ruled out by it, without a look into a map. */
const hashBits = 20;

function hashAt(text: string, at: number): number {
  const letters =
    Math.imul(text.charCodeAt(at), 0x9e3779b1) ^
    Math.imul(text.charCodeAt(at + 1), 0x85ebca6b) ^
    Math.imul(text.charCodeAt(at + 3), 0xc2b2ae35) ^
    Math.imul(text.charCodeAt(at + 5), 0x27d4eb2f) ^
    Math.imul(text.charCodeAt(at + 7), 0x165667b1);
  return letters >>> (32 - hashBits);
}

/** `<place>: <name>` for every secret that is found somewhere; an empty list is what one wants. */
export function leaks(traces: readonly Trace[], secrets: readonly Secret[]): string[] {
  const byStart = new Map<string, { needle: string; secret: number }[]>();
  const short: { needle: string; secret: number }[] = [];
  const starts = new Uint8Array(2 ** hashBits);
  for (const [secret, { bytes }] of secrets.entries()) {
    for (const needle of new Set(bytes.flatMap(parts).flatMap(spellings))) {
      const start = needle.slice(0, keyLength);
      const same = needle.length < keyLength ? short : (byStart.get(start) ?? []);
      same.push({ needle, secret });
      if (same === short) continue;
      byStart.set(start, same);
      starts[hashAt(needle, 0)] = 1;
    }
  }
  // One pass through a text for all needles: there are a hundred thousand of them, and texts of megabytes.
  const foundIn = (text: string): Set<number> => {
    const found = new Set(short.filter(({ needle }) => text.includes(needle)).map(({ secret }) => secret));
    for (let at = 0; at + keyLength <= text.length; at++) {
      if (starts[hashAt(text, at)] === 0) continue;
      for (const { needle, secret } of byStart.get(text.slice(at, at + keyLength)) ?? []) {
        if (text.startsWith(needle, at)) found.add(secret);
      }
    }
    return found;
  };
  // Several deployments have the same files.
  const known = new Map<string, ReadonlySet<number>>();
  const places = traces.map(({ place, text }) => {
    const found = known.get(text) ?? new Set([...foundIn(text), ...foundIn(unwrapped(text))]);
    known.set(text, found);
    return { place, found };
  });
  return secrets.flatMap(({ name }, secret) =>
    places.filter(({ found }) => found.has(secret)).map(({ place }) => `${place}: ${name}`),
  );
}

/** Finds tokens for signing in, of any key. A JWT has three parts in base64url, and the first two are JSON. */
export function tokens(traces: readonly Trace[]): string[] {
  return traces.filter(({ text }) => /eyJ[\w-]{10,}\.eyJ[\w-]{10,}\./.test(text)).map(({ place }) => place);
}

/** Collects all log lines, tags and queue messages of the account, and the given events. */
export async function tracesOf(aws: Endpoint, events: readonly BusEvent[], since = 0): Promise<Trace[]> {
  const lines = await logText(aws, since);
  return [
    { place: 'the logs', text: lines.join('\n') },
    { place: 'the events', text: JSON.stringify(events) },
    { place: 'the tags', text: await tagText(aws) },
    { place: 'the queues', text: JSON.stringify(await queuedMessages(aws)) },
  ];
}

async function tagText(aws: Endpoint): Promise<string> {
  const secrets = client(SecretsManagerClient, aws);
  const found: string[] = [];
  let NextToken: string | undefined;
  do {
    const page = await secrets.send(new ListSecretsCommand({ IncludePlannedDeletion: true, NextToken }));
    found.push(JSON.stringify(page.SecretList));
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return found.join('\n');
}

export interface QueuedMessage {
  readonly queue: string;
  readonly Body: string;
  readonly ReceiveCount: number;
}

/** Lists every message of every queue, invisible ones too, and changes nothing. Only the local AWS has this view. */
export async function queuedMessages({ endpoint }: Endpoint): Promise<QueuedMessage[]> {
  const answer = await fetch(`${endpoint}/_ministack/sqs/messages`);
  const { messages }: { messages: Record<string, Record<string, Record<string, QueuedMessage[]>>> } = JSON.parse(
    await answer.text(),
  );
  return Object.values(messages)
    .flatMap((regions) => Object.values(regions))
    .flatMap((queues) => Object.entries(queues))
    .flatMap(([url, found]) => found.map((message) => ({ ...message, queue: url.split('/').at(-1) ?? '' })));
}

/** Whether no worker has, or will get, a message of one of these secrets: a message stays until its worker has finished it. */
export async function isOutOfQueue(
  aws: Endpoint,
  queueUrl: string | undefined,
  secrets: readonly { readonly arn: string }[],
): Promise<boolean> {
  const name = queueUrl?.split('/').at(-1);
  if (name === undefined) throw new Error('the deployment has no queue');
  const waiting = (await queuedMessages(aws)).filter(({ queue }) => queue === name).map(({ Body }) => JSON.parse(Body));
  return !secrets.some(({ arn }) => waiting.some(({ secretArn }) => secretArn === arn));
}
