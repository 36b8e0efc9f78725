/**
 * The tag `order`: since when a certificate waits for its CA, and when a message comes to look again. A queue delays a message by 15
 * minutes at most, so a longer wait has several messages. Pure.
 */
import { formatInstant, type Instant, parseInstant } from '../domain/instant.ts';
import type { SecretSummary } from '../domain/secret.ts';
import { tags } from '../domain/tags.ts';
import { markOf } from '../domain/version-id.ts';
import { hashFraction } from './renewal-time.ts';

export interface Wait {
  readonly since: Instant;
  /** When the next message comes. */
  readonly again: Instant;
  /** The CA is not asked before this. Not earlier than `again`. */
  readonly until: Instant;
}

/** Milliseconds. After so long the order is given up, which is a failure. */
export const longestWait = 24 * 3_600_000;
/** Milliseconds. SQS delays a message by this at most. */
export const longestDelay = 900_000;
const shortestDelay = 1_000;
const spreadFrom = 60_000;
/** Milliseconds that clocks differ, or that a message comes late without being lost. */
const clockSkew = 5_000;
const messageLateness = 5 * 60_000;

/** Returns the wait of the current version. Undefined if there is none, or if the tag is not valid. */
export function readWait(secret: Pick<SecretSummary, 'tags' | 'currentVersionId'>, now: Instant): Wait | undefined {
  const { currentVersionId } = secret;
  const noted = secret.tags.get(tags.order);
  if (noted === undefined) return undefined; // the usual case
  const [mark, ...times] = noted.split(' ');
  const [since, again, until] = times.map(parseInstant);
  if (currentVersionId === undefined || mark !== markOf(currentVersionId)) return undefined;
  if (since === undefined || again === undefined || until === undefined || since > now + clockSkew) return undefined;
  // A principal that may tag the secret could otherwise stop it for any time.
  const latest = Math.min(until, since + longestWait);
  return { since, again: Math.min(again, latest, now + longestDelay), until: latest };
}

/** Returns whether the tag is about an earlier version: a worker wrote it while another one renewed the certificate. */
export function isOldWait({
  tags: found,
  currentVersionId,
}: Pick<SecretSummary, 'tags' | 'currentVersionId'>): boolean {
  const noted = found.get(tags.order);
  return noted !== undefined && currentVersionId !== undefined && !noted.startsWith(`${markOf(currentVersionId)} `);
}

export function formatWait(currentVersionId: string, { since, again, until }: Wait): string {
  return [markOf(currentVersionId), ...[since, again, until].map(formatInstant)].join(' ');
}

/**
 * Returns the wait that begins or continues now. `after`: milliseconds until the CA may be asked again. Up to a twentieth is added, by a
 * hash: a CA that refuses a thousand orders until one time must not get all of them in that second.
 */
export function waitFrom(before: Wait | undefined, after: number, now: Instant, secretArn: string): Wait {
  const spread = after >= spreadFrom ? (after / 20) * hashFraction(`${secretArn}\n${now}`) : 0;
  const until = wholeSeconds(now + Math.max(after + spread, shortestDelay));
  const isSame = before !== undefined && now <= before.until + continues;
  return {
    since: isSame ? before.since : now,
    again: Math.min(until, wholeSeconds(now + longestDelay)),
    until,
  };
}

/** Tags have whole seconds, and a message must not come before the time in the tag. */
const wholeSeconds = (time: number): Instant => Math.ceil(time / 1000) * 1000;

/** Milliseconds after `until` within which the next wait is the same one. Longer than the time between two scans of most schedules. */
const continues = longestWait;

/** Returns the wait for the next message, if the CA is not to be asked yet. */
export function nextHop({ since, until }: Wait, now: Instant): Wait | undefined {
  if (until <= now + clockSkew) return undefined;
  return { since, until, again: Math.min(until, wholeSeconds(now + longestDelay)) };
}

/** Returns whether another message is still to come, so this one is a second one and must not multiply. */
export const isMessageOnItsWay = ({ again }: Wait, now: Instant): boolean => again > now + clockSkew;

/** Returns whether the message should have come long ago, so it is lost. */
export const isMessageLost = ({ again }: Wait, now: Instant): boolean => now > again + messageLateness;
