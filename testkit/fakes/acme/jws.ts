/** Verifies requests to the fake ACME CA with a library of its own (jose), so that an error in the product's JWS is found. */
import { createHmac, createPublicKey } from 'node:crypto';
import { calculateJwkThumbprint, flattenedVerify } from 'jose';

export interface Verified {
  readonly kid: string | undefined;
  readonly jwk: Record<string, unknown> | undefined;
  readonly nonce: string;
  readonly payload: Record<string, unknown> | undefined;
}

/** `keyOf`: the JWK of an account. Throws for a request that breaks RFC 8555 section 6.2. */
export async function verified(
  body: string,
  url: string,
  keyOf: (kid: string) => Record<string, unknown> | undefined,
): Promise<Verified> {
  const jws = JSON.parse(body);
  const header = JSON.parse(Buffer.from(String(jws.protected), 'base64url').toString());
  if (header.url !== url) throw new Error(`the url of the header is ${header.url}, not ${url}`);
  if ((header.kid === undefined) === (header.jwk === undefined)) throw new Error('exactly one of kid and jwk');
  const jwk = header.jwk ?? keyOf(header.kid);
  if (jwk === undefined) throw Object.assign(new Error('no account'), { type: 'accountDoesNotExist' });
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  const { payload } = await flattenedVerify(jws, key, { algorithms: ['ES256', 'ES384', 'RS256'] });
  const text = Buffer.from(payload).toString();
  return { kid: header.kid, jwk: header.jwk, nonce: header.nonce, payload: text === '' ? undefined : JSON.parse(text) };
}

export const thumbprintOf = (jwk: Record<string, unknown>): Promise<string> => calculateJwkThumbprint(jwk);

/** Whether a MAC key vouches for this account key (section 7.3.4). */
export function isBound(
  binding: unknown,
  { kid, hmacKey }: { readonly kid: string; readonly hmacKey: string },
  { url, jwk }: { readonly url: string; readonly jwk: Record<string, unknown> },
): boolean {
  if (typeof binding !== 'object' || binding === null) return false;
  const parts = Object.fromEntries(Object.entries(binding).map(([name, value]) => [name, String(value)]));
  const [header, payload] = [parts['protected'], parts['payload']].map((part = '') =>
    JSON.parse(Buffer.from(part, 'base64url').toString()),
  );
  const mac = createHmac('sha256', Buffer.from(hmacKey, 'base64url')).update(
    `${parts['protected']}.${parts['payload']}`,
  );
  const isSameKey = Object.keys(jwk).every((member) => payload[member] === jwk[member]);
  return (
    header.alg === 'HS256' &&
    header.kid === kid &&
    header.url === url &&
    isSameKey &&
    mac.digest('base64url') === parts['signature']
  );
}
