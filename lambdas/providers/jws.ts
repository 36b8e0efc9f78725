/** The parts of JSON Web Signatures (RFC 7515) that CAs have in common, and public keys as JSON Web Keys (RFC 7517). */
import { createHash, createPublicKey } from 'node:crypto';
import type { Signer } from '../domain/signer.ts';
import { derToRawEcdsa } from '../x509/algorithms.ts';

/** Encodes a part of a JWS. */
export const base64url = (data: string | Uint8Array): string => Buffer.from(data).toString('base64url');

/** Returns the signature over a JWS Signing Input, base64url. Throws what the signer throws. */
export async function jwsSignature(input: string, key: Signer): Promise<string> {
  const signature = await key.sign(Buffer.from(input));
  // JWS needs R‖S (RFC 7518 section 3.4), not the DER of X.509 and KMS.
  return base64url(key.keySpec.kty === 'EC' ? derToRawEcdsa(signature, key.keySpec.curve) : signature);
}

export type PublicJwk = Readonly<Record<string, string>>;

/** Returns a public key in DER SubjectPublicKeyInfo as a JWK: the required members only, sorted by name. */
export function publicJwk(spki: Uint8Array): PublicJwk {
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  const { crv, e, kty, n, x, y } = key.export({ format: 'jwk' });
  const members = Object.entries({ crv, e, kty, n, x, y });
  return Object.fromEntries(members.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

/** Returns the SHA-256 thumbprint (RFC 7638) of a public key in DER SubjectPublicKeyInfo. */
export function jwkThumbprint(spki: Uint8Array): string {
  return createHash('sha256')
    .update(JSON.stringify(publicJwk(spki)))
    .digest('base64url');
}
