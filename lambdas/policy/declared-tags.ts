/** Compares a secret's tags with its declaration: is the declared certificate there? Pure. */
import type { Instant } from '../domain/instant.ts';
import type { SecretSummary } from '../domain/secret.ts';
import { tags } from '../domain/tags.ts';
import { failingSince, type Status } from './status.ts';

/** The reason to issue a declared certificate. */
export interface Wanting {
  /** `Missing`: no certificate is known. `Changed`: the present one was issued for another declaration, or for none. */
  readonly code: 'Missing' | 'Changed';
  readonly message: string;
}

/** Returns undefined for a secret without a declaration, and if its certificate was issued for the present declaration. */
export function wanting({ tags: found }: Pick<SecretSummary, 'tags'>, status: Status): Wanting | undefined {
  const [declared, issued] = [found.get(tags.declared), found.get(tags.issued)];
  if (declared === undefined || declared === issued) return undefined;
  const hasCertificate = status.known && status.validity !== undefined;
  if (issued === undefined && !hasCertificate) {
    return {
      code: 'Missing',
      message: 'A certificate is declared and not issued yet: a worker issues it.',
    };
  }
  const message = 'The declaration has changed since the certificate was issued: a worker issues a new one.';
  return { code: 'Changed', message };
}

const hour = 60 * 60_000;

/**
 * Returns when a missing declared certificate should have been issued: an hour after its declaration. The tags do not contain that
 * time. It is estimated as the first of the failures in a row or, for `Missing` without a failure, as the creation of the secret.
 * Returns undefined if neither is known.
 */
export function expectedAt(secret: SecretSummary, status: Status): Instant | undefined {
  const found = wanting(secret, status);
  if (found === undefined) return undefined;
  const failure = status.known ? status.failure : undefined;
  const since = failure ? failingSince(failure) : found.code === 'Missing' ? secret.createdAt : undefined;
  return since === undefined ? undefined : since + hour;
}
