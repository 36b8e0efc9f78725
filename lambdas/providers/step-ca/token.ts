/**
 * Creates the token for a renewal at step-ca: a JWT (RFC 7519) signed by the certificate's key, with the chain in the header `x5cInsecure`.
 * "Insecure" because the CA then accepts an expired certificate; it checks everything else.
 */
import type { Certificate } from '../../domain/certificate.ts';
import type { Instant } from '../../domain/instant.ts';
import type { Entropy } from '../../domain/ports.ts';
import type { Signer } from '../../domain/signer.ts';
import { commonName } from '../../x509/names.ts';
import { signedToken } from './jws.ts';

/** Seconds. The CA accepts a difference of clocks of 60 s. Half of that leaves room in both directions, and time to arrive. */
const backdatedBy = 30;
const lastsFor = 300;

export interface TokenRequest {
  readonly leaf: Certificate;
  /** The certificates between leaf and root: the CA finds them only in the token. */
  readonly issuers: readonly Certificate[];
  readonly audience: string;
  readonly now: Instant;
  readonly entropy: Entropy;
}

/** Returns a token for one call. Its id is random, because the CA accepts each id once. Throws what the signer throws. */
export async function renewalToken(request: TokenRequest, key: Signer): Promise<string> {
  const { leaf, issuers, audience, now, entropy } = request;
  const seconds = Math.floor(now / 1000);
  const payload = {
    iss: 'step-ca-client/1.0',
    aud: audience,
    sub: commonName(leaf.subject) ?? '', // compared with the last common name; without one any text is accepted
    jti: Buffer.from(entropy(16)).toString('hex'),
    iat: seconds - backdatedBy,
    nbf: seconds - backdatedBy,
    exp: seconds + lastsFor,
  };
  const x5cInsecure = [leaf, ...issuers].map(({ der }) => Buffer.from(der).toString('base64'));
  return signedToken({ x5cInsecure }, payload, key); // step-ca answers 500 to a signature in DER
}
