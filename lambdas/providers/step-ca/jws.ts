/** Signs JSON Web Tokens (RFC 7519) in compact form (RFC 7515 section 7.1), and names JSON Web Keys. */
import { createHash, createPublicKey } from 'node:crypto';
import type { Signer } from '../../domain/signer.ts';
import { derToRawEcdsa, jwsAlgorithm } from '../../x509/algorithms.ts';

/** Returns a signed token. `header`: the fields besides `alg` and `typ`. Throws what the signer throws. */
export async function signedToken(
  header: Readonly<Record<string, unknown>>,
  payload: Readonly<Record<string, unknown>>,
  key: Signer,
): Promise<string> {
  const whole = { alg: jwsAlgorithm(key.keySpec), typ: 'JWT', ...header };
  const input = `${part(JSON.stringify(whole))}.${part(JSON.stringify(payload))}`;
  const signature = await key.sign(Buffer.from(input));
  // JWS needs R‖S (RFC 7518 section 3.4), not the DER of X.509 and KMS.
  const raw = key.keySpec.kty === 'EC' ? derToRawEcdsa(signature, key.keySpec.curve) : signature;
  return `${input}.${part(raw)}`;
}

const part = (data: string | Uint8Array): string => Buffer.from(data).toString('base64url');

/** Returns the SHA-256 thumbprint (RFC 7638) of a public key in DER SubjectPublicKeyInfo. */
export function jwkThumbprint(spki: Uint8Array): string {
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  const { crv, e, kty, n, x, y } = key.export({ format: 'jwk' });
  // The members of its kind of key, sorted by name; JSON.stringify leaves out undefined ones.
  return createHash('sha256').update(JSON.stringify({ crv, e, kty, n, x, y })).digest('base64url');
}
