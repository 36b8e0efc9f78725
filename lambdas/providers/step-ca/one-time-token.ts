/**
 * Creates the one-time token for a certificate, signed by a JWK provisioner's key: a JWT (RFC 7519) with the names of the certificate.
 * step-ca takes the common name from `sub`, unless a template of the provisioner changes that.
 */
import { createHash } from 'node:crypto';
import type { Instant } from '../../domain/instant.ts';
import type { Entropy } from '../../domain/ports.ts';
import type { DeclaredContent } from '../../domain/wanted.ts';
import { commonName } from '../../x509/names.ts';
import { signedToken } from './jws.ts';
import type { ProvisionerKey } from './provisioner-key.ts';

/** Seconds. The CA accepts a difference of clocks of 60 s. Half of that, because the token also takes time to arrive. */
const backdatedBy = 30;
const lastsFor = 300;
/** Characters of a common name (RFC 5280 appendix A.1, ub-common-name). */
const longestCommonName = 64;

export interface OneTimeTokenRequest {
  /** Name of the provisioner. */
  readonly issuer: string;
  readonly audience: string;
  readonly content: Pick<DeclaredContent, 'names' | 'subject'>;
  /** DER of the only CSR that the token is valid for. */
  readonly csr: Uint8Array;
  readonly now: Instant;
  readonly entropy: Entropy;
}

/** Returns a token for one call. Its id is random, because the CA accepts each id once. Throws what the signer throws. */
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
    iat: seconds, // not earlier: step-ca rejects a token from before its own start
    nbf: seconds - backdatedBy,
    exp: seconds + lastsFor,
  };
  return signedToken({ kid }, payload, signer);
}

/** Returns the declared common name. Without one, step-ca still needs a subject: the first name that is short enough. */
function subjectOf(content: OneTimeTokenRequest['content']): string | undefined {
  const values = valuesOf(content);
  const declared = content.subject && commonName(content.subject);
  return declared ?? values.find((value) => value.length <= longestCommonName) ?? values[0];
}

/** Returns the names without their kinds: step-ca finds the kind by the value. */
const valuesOf = ({ names }: Pick<DeclaredContent, 'names'>): string[] =>
  names.map((name) => name.slice(name.indexOf(':') + 1));
