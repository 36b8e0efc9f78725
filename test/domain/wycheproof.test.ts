/** Wycheproof's P-256 keys as JSON Web Keys. */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { expect, it } from 'vitest';
import { jwkOfPkcs8, pkcs8OfJwk, spkiOfJwk } from '../../lambdas/domain/p256.ts';
import { wycheproof } from '../support/suites.ts';

type Jwk = Readonly<Record<string, unknown>>;

/** Whether our DER is a key, and the same one as OpenSSL makes of it. */
function isPublicKey(jwk: Jwk): boolean {
  const spki = spkiOfJwk(jwk);
  if (spki === undefined) return false;
  try {
    const { x, y } = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }).export({ format: 'jwk' });
    return x === jwk['x'] && y === jwk['y'];
  } catch {
    return false;
  }
}

function isPrivateKey(jwk: Jwk): boolean {
  const pkcs8 = pkcs8OfJwk(jwk);
  if (pkcs8 === undefined) return false;
  const { d } = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' }).export({ format: 'jwk' });
  return d === jwk['d'] && jwkOfPkcs8(pkcs8)?.x === jwk['x'];
}

it('are read and written', () => {
  const { jwkP256 } = wycheproof();
  const wrong = jwkP256.filter(([, , publicKey, privateKey, valid]) => {
    return isPublicKey(publicKey) !== valid || (valid && !isPrivateKey(privateKey));
  });
  expect([jwkP256.length, wrong.map(([id, comment]) => `${id} ${comment}`)]).toEqual([63, []]);
});
