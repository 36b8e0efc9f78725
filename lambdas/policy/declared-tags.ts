/** What a secret's tags say of its declaration: whether the certificate that is declared is there. Pure. */
import type { Instant } from '../domain/instant.ts';
import type { SecretSummary } from '../domain/secret.ts';
import { tags } from '../domain/tags.ts';
import { failingSince, type Status } from './status.ts';

/** Why the certificate that is declared is not the one that is there. */
export interface Wanting {
  /** `Missing`: no certificate is known. `Changed`: the one that is there was issued for another declaration, or for none. */
  readonly code: 'Missing' | 'Changed';
  readonly message: string;
}

/** Undefined for a secret without a declaration, and for one whose certificate was issued for today's. */
export function wanting({ tags: found }: Pick<SecretSummary, 'tags'>, status: Status): Wanting | undefined {
  const [declared, issued] = [found.get(tags.declared), found.get(tags.issued)];
  if (declared === undefined || declared === issued) return undefined;
  const hasCertificate = status.known && status.validity !== undefined;
  if (issued === undefined && !hasCertificate) {
    return {
      code: 'Missing',
      message: 'A certificate is declared for it, and there is none yet: a worker has it issued.',
    };
  }
  const message = 'Its declaration has changed since its certificate was issued: a worker has another one issued.';
  return { code: 'Changed', message };
}

const hour = 60 * 60_000;

/**
 * When a declared certificate that is not there was to be there, an hour after its declaration, as far as tags tell: the declaration
 * of what is missing is as old as its secret, and one that has failed is as old as the first of its failures in a row. Undefined
 * where neither is known.
 */
export function expectedAt(secret: SecretSummary, status: Status): Instant | undefined {
  const found = wanting(secret, status);
  if (found === undefined) return undefined;
  const failure = status.known ? status.failure : undefined;
  const since = failure ? failingSince(failure) : found.code === 'Missing' ? secret.createdAt : undefined;
  return since === undefined ? undefined : since + hour;
}
