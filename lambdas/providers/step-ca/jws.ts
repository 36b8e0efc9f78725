/** Signs JSON Web Tokens (RFC 7519) in compact form (RFC 7515 section 7.1). */
import type { Signer } from '../../domain/signer.ts';
import { jwsAlgorithm } from '../../x509/algorithms.ts';
import { base64url, jwsSignature } from '../jws.ts';

/** Returns a signed token. `header`: the fields besides `alg` and `typ`. Throws what the signer throws. */
export async function signedToken(
  header: Readonly<Record<string, unknown>>,
  payload: Readonly<Record<string, unknown>>,
  key: Signer,
): Promise<string> {
  const whole = { alg: jwsAlgorithm(key.keySpec), typ: 'JWT', ...header };
  const input = `${base64url(JSON.stringify(whole))}.${base64url(JSON.stringify(payload))}`;
  return `${input}.${await jwsSignature(input, key)}`;
}
