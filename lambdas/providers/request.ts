/** The common part of requests to all CAs. */
import { RenewalError } from '../domain/errors.ts';
import type { CaRequest, Credential } from '../domain/ports.ts';
import type { Signer } from '../domain/signer.ts';
import { copyingOf, type DeclaredContent } from '../domain/wanted.ts';

/** The operation of a request, with its inputs. */
export type AskedOperation =
  | { readonly kind: 'issue'; readonly content: DeclaredContent; readonly key: Signer }
  | { readonly kind: 'renew'; readonly current: Credential }
  | { readonly kind: 'rekey'; readonly current: Credential; readonly newKey: Signer };

/**
 * Returns the operation of a request. Throws InvalidRequest for a rekey or an issuance without a key, and for a renewal without a
 * certificate.
 */
export function askedFor({ wanted, current, key }: Pick<CaRequest, 'wanted' | 'current' | 'key'>): AskedOperation {
  const { content } = wanted;
  if (content.kind === 'declared') return { kind: 'issue', content, key: requiredKey(key) };
  if (current === undefined) {
    throw new RenewalError('InvalidRequest', 'There is no certificate to renew.');
  }
  return copyingOf(wanted) === 'renew'
    ? { kind: 'renew', current }
    : { kind: 'rekey', current, newKey: requiredKey(key) };
}

/** Returns the new key of a rekey; undefined for a renewal. */
export const newKeyOf = (asked: Exclude<AskedOperation, { kind: 'issue' }>): Signer | undefined =>
  asked.kind === 'rekey' ? asked.newKey : undefined;

function requiredKey(key: Signer | undefined): Signer {
  if (key !== undefined) return key;
  throw new RenewalError('InvalidRequest', 'There is no new key to certify, and this CA does not create one.');
}

/** Returns the error for a CA that renews but does not issue. The deployment rejects such a profile. */
export function issuesNothing(profileNeeds: string): RenewalError {
  return new RenewalError(
    'IssuanceNotAllowed',
    `The CA of this profile does not issue declared certificates: ${profileNeeds}.`,
  );
}

/** For a CA that answers at once. Throws CaRejected for a receipt: this CA gives none, so the order belongs to another CA. */
export function refuseReceipt({ receipt }: Pick<CaRequest, 'receipt'>): void {
  if (receipt === undefined) return;
  throw new RenewalError(
    'CaRejected',
    'This CA answers at once and has no open orders: the order was placed with another CA.',
  );
}
