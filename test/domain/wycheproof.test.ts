/** Wycheproof's P-256 keys as JSON Web Keys. */
import { createPrivateKey } from 'node:crypto';
import { expect, it } from 'vitest';
import { jwkOfPkcs8, pkcs8OfJwk } from '../../lambdas/domain/p256.ts';
import { wycheproof } from '../support/suites.ts';

type Jwk = Readonly<Record<string, unknown>>;

/** Whether our DER is the key that OpenSSL reads, and is read back. */
function isPrivateKey(jwk: Jwk): boolean {
  const pkcs8 = pkcs8OfJwk(jwk);
  if (pkcs8 === undefined) return false;
  const { d } = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' }).export({ format: 'jwk' });
  return d === jwk['d'] && jwkOfPkcs8(pkcs8)?.x === jwk['x'];
}

it('are read and written', () => {
  const { jwkP256 } = wycheproof();
  const valid = jwkP256.filter(([, , , , isValid]) => isValid);
  const wrong = valid.filter(([, , , privateKey]) => !isPrivateKey(privateKey));
  expect([jwkP256.length, wrong.map(([id, comment]) => `${id} ${comment}`)]).toEqual([63, []]);
  expect(valid.length).toBeGreaterThan(0);
});
