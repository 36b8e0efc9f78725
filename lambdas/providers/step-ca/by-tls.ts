/** POST /renew and POST /rekey with TLS client authentication by the old key. Only during the old certificate's validity. */
import type { KeyObject } from 'node:crypto';
import type { IssuedChain } from '../../domain/ports.ts';
import { type Exchange, issue, presented } from './exchange.ts';

export function renewByTls(exchange: Exchange, key: KeyObject): Promise<IssuedChain> {
  const client = { certificates: presented(exchange.current), key };
  return issue(exchange, async () => ({ method: 'POST', path: '/renew', client }));
}

export interface RekeyByTls {
  /** The client certificates in DER, leaf first, and the leaf's key. */
  readonly certificates: readonly Uint8Array[];
  readonly key: KeyObject;
  /** PEM of the CSR for the new key. */
  readonly csr: string;
}

export function rekeyByTls(exchange: Exchange, { certificates, key, csr }: RekeyByTls): Promise<IssuedChain> {
  const body = JSON.stringify({ csr });
  const headers = { 'content-type': 'application/json' };
  return issue(exchange, async () => ({
    method: 'POST',
    path: '/rekey',
    headers,
    body,
    client: { certificates, key },
  }));
}
