/**
 * The tag `served`: whether the endpoints of a certificate serve it, and when they are probed next. The worker begins it with each new
 * certificate, and the probe continues it. Pure.
 */
import { hash } from 'node:crypto';
import { formatInstant, type Instant, parseInstant } from '../domain/instant.ts';
import type { SecretSummary } from '../domain/secret.ts';
import type { KeyType } from '../domain/serving.ts';
import { tags } from '../domain/tags.ts';
import { hashFraction } from './renewal-time.ts';

/**
 * - `pending`: not served yet
 * - `served`
 * - `lost`: it was served, and an endpoint does not answer now
 * - `not-served`: `Certificate Not Served` was sent
 */
export const servingStates = ['pending', 'served', 'lost', 'not-served'] as const;
export type ServingState = (typeof servingStates)[number];

export interface Serving {
  readonly state: ServingState;
  /** Number of probes in a row that did not find it served. */
  readonly tries: number;
  /** The time of the renewal. After `lost`: when an endpoint was found not to answer. `probe.within` counts from it. */
  readonly since: Instant;
  /** The last probe. */
  readonly probed: Instant | undefined;
  /** The last `Certificate Not Served`. */
  readonly told: Instant | undefined;
  /** The type of the certificate's key, which a server with several certificates is asked for. */
  readonly keyType: KeyType | undefined;
}

type Described = Pick<SecretSummary, 'tags' | 'currentVersionId'>;

/** Returns the fingerprint in the tags. Undefined if there is none, or if it is of another version. */
export function fingerprintOf({ tags: found, currentVersionId }: Described): string | undefined {
  const fingerprint = found.get(tags.fingerprint);
  const isCurrent = currentVersionId !== undefined && found.get(tags.versionId) === currentVersionId;
  return isCurrent && fingerprint !== undefined && /^[0-9a-f]{64}$/.test(fingerprint) ? fingerprint : undefined;
}

/** Returns what is known of this certificate at these endpoints. Undefined: nothing, or the tag is not valid. */
export function readServing(secret: Described, now: Instant): Serving | undefined {
  const noted = secret.tags.get(tags.served);
  const fingerprint = fingerprintOf(secret);
  if (noted === undefined || fingerprint === undefined) return undefined;
  const [certificate, places, state, , tries = '', ...times] = noted.split(' ');
  const [since, probed, told] = times.map(parseInstant);
  const known = servingStates.find((each) => each === state);
  const isAbout = certificate === fingerprint.slice(0, digits) && places === placesOf(secret.tags);
  if (!isAbout || known === undefined || !/^\d{1,6}$/.test(tries) || since === undefined) return undefined;
  const isFuture = [since, probed, told].some((time) => time !== undefined && time > now + clockSkew);
  if (isFuture) return undefined;
  return { state: known, tries: Number(tries), since, probed, told, keyType: notedKeyType(secret) };
}

/**
 * Returns the type of the certificate's key, as the worker noted it. It stays known when the endpoints change: without it, a server that has
 * an RSA and an ECDSA certificate may present the other one.
 */
export function notedKeyType(secret: Described): KeyType | undefined {
  const [certificate, , , keyType] = secret.tags.get(tags.served)?.split(' ') ?? [];
  if (certificate === undefined || certificate !== fingerprintOf(secret)?.slice(0, digits)) return undefined;
  return keyTypes.find((each) => each === keyType);
}

/** Returns the tag's value. `fingerprint` and the tags are those that the secret will have. */
export function formatServing(
  fingerprint: string,
  secretTags: ReadonlyMap<string, string>,
  { state, keyType, tries, since, probed, told }: Serving,
): string {
  const times = [since, probed, told].map((time) => (time === undefined ? '-' : formatInstant(time)));
  return [
    fingerprint.slice(0, digits),
    placesOf(secretTags),
    state,
    keyType ?? '-',
    Math.min(tries, 999_999),
    ...times,
  ].join(' ');
}

/** What is known of a new certificate, or of new endpoints. */
export function newServing(now: Instant, keyType: KeyType | undefined): Serving {
  return { state: 'pending', tries: 0, since: now, probed: undefined, told: undefined, keyType };
}

export const keyTypes: readonly KeyType[] = ['EC', 'RSA', 'OKP'];
/** Digits of the fingerprint in the tag. */
const digits = 16;
const clockSkew = 60_000;
const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** Digits of a hash of the endpoints: with other endpoints, the probe begins again. */
const placesOf = (secretTags: ReadonlyMap<string, string>): string =>
  hash('sha256', secretTags.get(tags.endpoints) ?? '', 'hex').slice(0, 8);

/**
 * Returns when the endpoints are probed next: a minute after the renewal, then after pauses that grow to an hour, and when `within` ends.
 * What is served is probed once a day, at a time that a hash fixes.
 */
export function nextProbe(secretArn: string, { state, tries, since, probed }: Serving, within: number): Instant {
  if (probed === undefined) return since + minute;
  if (state === 'served') return nextDaily(secretArn, probed);
  const next = probed + Math.min(minute * 2 ** Math.min(tries - 1, 10), hour);
  const end = since + within;
  return probed < end ? Math.min(next, Math.max(end, probed + minute)) : next;
}

function nextDaily(secretArn: string, after: Instant): Instant {
  const time = hashFraction(`${secretArn}\nprobe`) * day;
  return after - ((((after - time) % day) + day) % day) + day;
}

/** What one probe of all endpoints has found. `isStale`: an endpoint presents another certificate. */
export interface Found {
  readonly isServed: boolean;
  readonly isStale: boolean;
}

export interface Outcome {
  readonly serving: Serving;
  /** The event to send. Undefined: there is nothing new to tell. */
  readonly event: 'Certificate Served' | 'Certificate Not Served' | undefined;
}

/**
 * Returns the state after a probe. `Certificate Served` is sent once, and again after `Certificate Not Served`. That one is sent when
 * `within` has passed since the renewal, and then once a day. An endpoint that served the certificate and does not answer any more has
 * `within` to come back.
 */
export function afterProbe(before: Serving, { isServed, isStale }: Found, within: number, now: Instant): Outcome {
  if (isServed) {
    const isNews = before.state === 'pending' || before.state === 'not-served';
    const serving: Serving = { ...before, state: 'served', tries: 0, probed: now, told: undefined };
    return { serving, event: isNews ? 'Certificate Served' : undefined };
  }
  const isLost = before.state === 'served' && !isStale;
  const since = isLost ? now : before.since;
  const isLate = now >= since + within;
  const isTold = before.told !== undefined && now < before.told + day;
  const isOverdue = isLate || before.state === 'not-served';
  const state: ServingState = isOverdue ? 'not-served' : before.state === 'pending' ? 'pending' : 'lost';
  const tells = isOverdue && !isTold;
  const serving: Serving = {
    ...{ state, since, keyType: before.keyType },
    tries: before.tries + 1,
    probed: now,
    told: tells ? now : before.told,
  };
  return { serving, event: tells ? 'Certificate Not Served' : undefined };
}
