/**
 * Reads the status tags of a secret. They are a cache, and valid only while the version that they name is current.
 */
import { type ErrorCode, errorCodes, isErrorCode } from '../domain/errors.ts';
import { formatInstant, type Instant, parseInstant } from '../domain/instant.ts';
import type { SecretSummary } from '../domain/secret.ts';
import type { Settings } from '../domain/settings.ts';
import { tags } from '../domain/tags.ts';
import { type RenewalTime, renewalTime, type Validity } from './renewal-time.ts';

export interface Failure {
  readonly count: number;
  readonly at: Instant;
  readonly code: ErrorCode;
}

/** `known: false`: the tags are about another version, or there are none. */
export type Status =
  | { readonly known: false }
  | {
      readonly known: true;
      readonly validity: Validity | undefined;
      readonly failure: Failure | undefined;
      /** When the CA suggests to renew the certificate. */
      readonly suggested?: Instant | undefined;
    };

export function readStatus(secret: SecretSummary, now: Instant): Status {
  const versionId = secret.tags.get(tags.versionId);
  if (versionId === undefined || versionId !== secret.currentVersionId) return { known: false };
  const suggested = suggestedIn(secret.tags);
  return {
    known: true,
    validity: readValidity(secret.tags),
    failure: readFailure(secret.tags, now),
    ...(suggested !== undefined && { suggested }),
  };
}

/** Ignores a value that is not a time. renewalTime judges whether the time is within the validity. */
function suggestedIn(secretTags: ReadonlyMap<string, string>): Instant | undefined {
  const noted = secretTags.get(tags.renewAt);
  return noted === undefined ? undefined : parseInstant(noted);
}

/** Returns when the certificate is due by its tags. Undefined if they do not contain its validity. */
export function timeByTags(secretArn: string, status: Status, settings: Settings): RenewalTime | undefined {
  if (!status.known || !status.validity) return undefined;
  return renewalTime(status.validity, settings, secretArn, status.suggested);
}

function readValidity(secretTags: ReadonlyMap<string, string>): Validity | undefined {
  const notBefore = parseInstant(secretTags.get(tags.notBefore) ?? '');
  const end = parseInstant(secretTags.get(tags.notAfter) ?? '');
  return notBefore === undefined || end === undefined || end <= notBefore ? undefined : { notBefore, end };
}

/** Ignores a failure in the future: a clock was wrong, or another writer set the tag. */
function readFailure(secretTags: ReadonlyMap<string, string>, now: Instant): Failure | undefined {
  const noted = secretTags.get(tags.failure);
  if (noted === undefined) return undefined; // the usual case
  const match = /^(\d{1,6}) (\S{20}) (\w{1,40})$/.exec(noted);
  const at = parseInstant(match?.[2] ?? '');
  const code = match?.[3] ?? '';
  if (at === undefined || at > now || !isErrorCode(code)) return undefined;
  return { count: Math.max(1, Number(match?.[1])), at, code };
}

export function formatFailure(failure: Failure): string {
  return `${failure.count} ${formatInstant(failure.at)} ${failure.code}`;
}

const minute = 60_000;
const hour = 60 * minute;

/** Returns when the back-off ends: for a retryable code after 5, 10, … 60 minutes, else after 1, 2, … 32 hours. */
export function retryAt(failure: Failure): Instant {
  return failure.at + pauseAfter(failure.code, failure.count);
}

function pauseAfter(code: ErrorCode, count: number): number {
  const doublings = 2 ** Math.min(count - 1, 16);
  return errorCodes[code].retryable ? Math.min(5 * minute * doublings, hour) : Math.min(hour * doublings, 32 * hour);
}

/** Returns the latest possible time of the first failure in a row. Each later try came at the end of the back-off or after it. */
export function failingSince({ code, count, at }: Failure): Instant {
  let since = at;
  for (let earlier = Math.min(count - 1, 32); earlier > 0; earlier--) since -= pauseAfter(code, earlier);
  return since;
}
