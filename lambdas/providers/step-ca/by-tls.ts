/** POST /renew and POST /rekey by TLS client authentication with the old key: within the old certificate's validity only. */
import type { KeyObject } from 'node:crypto';
import type { IssuedChain } from '../../domain/ports.ts';
import { type Exchange, issue, presented } from './exchange.ts';

export function renewByTls(exchange: Exchange, key: KeyObject): Promise<IssuedChain> {
  const client = { certificates: presented(exchange.current), key };
  return issue(exchange, async () => ({ method: 'POST', path: '/renew', client }));
}

export interface RekeyByTls {
  /** DER of what TLS presents, leaf first, and the leaf's key. */
  readonly certificates: readonly Uint8Array[];
  readonly key: KeyObject;
  /** PEM, of the new key. */
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
