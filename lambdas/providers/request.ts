/** What is the same of every request to a CA, whichever it is. */
import { RenewalError } from '../domain/errors.ts';
import type { CaRequest, Credential } from '../domain/ports.ts';
import type { Signer } from '../domain/signer.ts';
import { copyingOf, type DeclaredContent } from '../domain/wanted.ts';

/** What a request asks for, with what each of the three needs. */
export type AskedOperation =
  | { readonly kind: 'issue'; readonly content: DeclaredContent; readonly key: Signer }
  | { readonly kind: 'renew'; readonly current: Credential }
  | { readonly kind: 'rekey'; readonly current: Credential; readonly newKey: Signer };

/** Throws InvalidRequest for a rekey or an issuance without a key, and for a renewal of nothing. */
export function askedFor({ wanted, current, key }: Pick<CaRequest, 'wanted' | 'current' | 'key'>): AskedOperation {
  const { content } = wanted;
  if (content.kind === 'declared') return { kind: 'issue', content, key: requiredKey(key) };
  if (current === undefined) {
    throw new RenewalError('InvalidRequest', 'There is no certificate that this CA could renew.');
  }
  return copyingOf(wanted) === 'renew'
    ? { kind: 'renew', current }
    : { kind: 'rekey', current, newKey: requiredKey(key) };
}

/** The key that a rekey is for; undefined for a renewal. */
export const newKeyOf = (asked: Exclude<AskedOperation, { kind: 'issue' }>): Signer | undefined =>
  asked.kind === 'rekey' ? asked.newKey : undefined;

function requiredKey(key: Signer | undefined): Signer {
  if (key !== undefined) return key;
  throw new RenewalError('InvalidRequest', 'There is no new key to certify, and this CA makes none.');
}

/** For a CA that renews and issues nothing by a declaration. The deployment refuses such a profile. */
export function issuesNothing(profileNeeds: string): RenewalError {
  return new RenewalError(
    'IssuanceNotAllowed',
    `The CA of this profile issues no certificate by a declaration: ${profileNeeds}.`,
  );
}

/** For a CA that answers at once. Throws CaRejected for a receipt: it gave none, so the order is another CA's. */
export function refuseReceipt({ receipt }: Pick<CaRequest, 'receipt'>): void {
  if (receipt === undefined) return;
  throw new RenewalError(
    'CaRejected',
    'This CA answers at once and has no open orders: the order was placed with another CA.',
  );
}
