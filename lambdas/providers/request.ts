/** What is the same of every request to a CA, whichever it is. */
import { RenewalError } from '../domain/errors.ts';
import type { CaRequest } from '../domain/ports.ts';
import type { Signer } from '../domain/signer.ts';
import { operationOf } from '../domain/wanted.ts';

/** The key that a rekey is for; undefined for a renewal. Throws InvalidRequest for a rekey without one. */
export function newKeyOf({ wanted, key }: Pick<CaRequest, 'wanted' | 'key'>): Signer | undefined {
  if (operationOf(wanted) === 'renew') return undefined;
  if (key !== undefined) return key;
  throw new RenewalError('InvalidRequest', 'There is no new key to certify, and this CA makes none.');
}

/** For a CA that answers at once. Throws CaRejected for a receipt: it gave none, so the order is another CA's. */
export function refuseReceipt({ receipt }: Pick<CaRequest, 'receipt'>): void {
  if (receipt === undefined) return;
  throw new RenewalError(
    'CaRejected',
    'This CA answers at once and has no open orders: the order was placed with another CA.',
  );
}
