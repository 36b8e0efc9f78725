/**
 * The token that renews a certificate at step-ca: a JWT (RFC 7519) signed with the certificate's own key, with the chain
 * in the header `x5cInsecure`. "Insecure" since the CA forgives an expired certificate there; it checks the rest.
 */
import type { Certificate } from '../../domain/certificate.ts';
import type { Instant } from '../../domain/instant.ts';
import type { Entropy } from '../../domain/ports.ts';
import type { Signer } from '../../domain/signer.ts';
import { commonName } from '../../x509/names.ts';
import { signedToken } from './jws.ts';

/** The CA allows for clocks 60 s apart. Half of it before now leaves room both ways, and time to arrive. */
const backdatedBy = 30;
const lastsFor = 300;

export interface TokenRequest {
  readonly leaf: Certificate;
  /** The certificates between leaf and root: the CA looks for them in the token only. */
  readonly issuers: readonly Certificate[];
  readonly audience: string;
  readonly now: Instant;
  readonly entropy: Entropy;
}

/** A token for one call: its id is new each time, and the CA takes each once. Throws what the signer throws. */
export async function renewalToken(request: TokenRequest, key: Signer): Promise<string> {
  const { leaf, issuers, audience, now, entropy } = request;
  const seconds = Math.floor(now / 1000);
  const payload = {
    iss: 'step-ca-client/1.0',
    aud: audience,
    sub: commonName(leaf.subject) ?? '', // compared with the last common name; anything goes where there is none
    jti: Buffer.from(entropy(16)).toString('hex'),
    iat: seconds - backdatedBy,
    nbf: seconds - backdatedBy,
    exp: seconds + lastsFor,
  };
  const x5cInsecure = [leaf, ...issuers].map(({ der }) => Buffer.from(der).toString('base64'));
  return signedToken({ x5cInsecure }, payload, key); // to a signature in DER step-ca answers 500
}
