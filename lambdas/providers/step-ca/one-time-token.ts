/**
 * The one-time token that a JWK provisioner's key signs for one certificate: a JWT (RFC 7519) with the names that the
 * certificate may have. step-ca takes the common name from `sub`, unless a template of the provisioner says otherwise.
 */
import { createHash } from 'node:crypto';
import type { Instant } from '../../domain/instant.ts';
import type { Entropy } from '../../domain/ports.ts';
import type { DeclaredContent } from '../../domain/wanted.ts';
import { commonName } from '../../x509/names.ts';
import { signedToken } from './jws.ts';
import type { ProvisionerKey } from './provisioner-key.ts';

/** The CA allows for clocks 60 s apart; half of it besides, since the token takes time to arrive. */
const backdatedBy = 30;
const lastsFor = 300;
/** Characters of a common name (RFC 5280 appendix A.1, ub-common-name). */
const longestCommonName = 64;

export interface OneTimeTokenRequest {
  /** Name of the provisioner. */
  readonly issuer: string;
  readonly audience: string;
  readonly content: Pick<DeclaredContent, 'names' | 'subject'>;
  /** DER of the certificate request that it is for, and for no other. */
  readonly csr: Uint8Array;
  readonly now: Instant;
  readonly entropy: Entropy;
}

/** A token for one call: its id is new each time, and the CA takes each once. Throws what the signer throws. */
export async function oneTimeToken(request: OneTimeTokenRequest, { kid, signer }: ProvisionerKey): Promise<string> {
  const { issuer, audience, content, csr, now, entropy } = request;
  const seconds = Math.floor(now / 1000);
  const payload = {
    iss: issuer,
    aud: audience,
    sub: subjectOf(content),
    sans: valuesOf(content),
    cnf: { 'x5rt#S256': createHash('sha256').update(csr).digest('base64url') },
    jti: Buffer.from(entropy(16)).toString('hex'),
    iat: seconds, // not earlier: step-ca refuses a token from before its own start
    nbf: seconds - backdatedBy,
    exp: seconds + lastsFor,
  };
  return signedToken({ kid }, payload, signer);
}

/** The declared common name; else a name of the certificate, for step-ca wants a subject: the first one that fits. */
function subjectOf(content: OneTimeTokenRequest['content']): string | undefined {
  const values = valuesOf(content);
  const declared = content.subject && commonName(content.subject);
  return declared ?? values.find((value) => value.length <= longestCommonName) ?? values[0];
}

/** Without their kinds: step-ca finds these by the values. */
const valuesOf = ({ names }: Pick<DeclaredContent, 'names'>): string[] =>
  names.map((name) => name.slice(name.indexOf(':') + 1));
