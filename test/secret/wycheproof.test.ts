/** Wycheproof's encrypted and plain private keys, and signatures with them. */
import { createPrivateKey } from 'node:crypto';
import { expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { encodePem } from '../../lambdas/domain/pem.ts';
import { localSigner } from '../../lambdas/keys/local.ts';
import { readEncryptedPrivateKeyInfo } from '../../lambdas/secret/encrypted-key.ts';
import { open, SealError } from '../../lambdas/secret/encryption/pbes.ts';
import { readGivenKey } from '../../lambdas/secret/given-key.ts';
import { base64, wycheproof } from '../support/suites.ts';

const suite = wycheproof();

/** Returns the content of an EncryptedPrivateKeyInfo in base64; undefined if it can't be decrypted. */
async function opened(info: string, password: string): Promise<string | undefined> {
  try {
    const { algorithm, data } = readEncryptedPrivateKeyInfo(base64(info));
    return Buffer.from((await open(algorithm, data, password)).data).toString('base64');
  } catch (error) {
    if (error instanceof SealError) return undefined;
    throw error;
  }
}

it('PBES2', async () => {
  const wrong: string[] = [];
  for (const [id, comment, info, password, plain, opens] of suite.pbes2) {
    if ((await opened(info, password)) !== (opens ? plain : undefined)) wrong.push(`${id} ${comment}`);
  }
  expect([suite.pbes2.length, wrong]).toEqual([945, []]);
}, 60_000);

it('PBKDF2', async () => {
  const hello = Buffer.from('hello').toString('base64');
  const wrong: string[] = [];
  for (const [id, comment, info, password, , opens] of suite.pbkdf2) {
    if ((await opened(info, password)) !== (opens ? hello : undefined)) wrong.push(`${id} ${comment}`);
  }
  expect([suite.pbkdf2.length, wrong]).toEqual([213, []]);
}, 60_000);

/** Returns the curve of the key in a secret's PEM text; null if it is refused. */
async function curveOf(pkcs8: string): Promise<string | null> {
  try {
    const text = encodePem('PRIVATE KEY', base64(pkcs8));
    const { keySpec } = localSigner(await readGivenKey({ kind: 'string', text }));
    return keySpec.kty === 'RSA' ? 'RSA' : keySpec.curve;
  } catch (error) {
    if (error instanceof RenewalError) return null;
    throw error;
  }
}

it('PKCS#8', async () => {
  const wrong: string[] = [];
  for (const [id, comment, pkcs8, curve] of suite.pkcs8) {
    const found = await curveOf(pkcs8);
    if (found !== curve) wrong.push(`${id} ${comment}: ${found}, not ${curve}`);
  }
  expect([suite.pkcs8.length, wrong]).toEqual([109, []]);
});

it.each([
  ['PKCS#8', 'pkcs8', 'PRIVATE KEY'],
  ['SEC1', 'sec1', 'EC PRIVATE KEY'],
] as const)('JSON Web Keys on P-256, in %s', async (_, type, label) => {
  const wrong: string[] = [];
  const valid = suite.jwkP256.filter(([, , , , isValid]) => isValid);
  for (const [id, comment, , jwk] of valid) {
    const der = createPrivateKey({ key: jwk, format: 'jwk' }).export({ format: 'der', type });
    const found = await readGivenKey({ kind: 'string', text: encodePem(label, der) });
    const { d, x, y } = found.export({ format: 'jwk' });
    if (d !== jwk['d'] || x !== jwk['x'] || y !== jwk['y']) wrong.push(`${id} ${comment}`);
  }
  expect([suite.jwkP256.length, wrong]).toEqual([63, []]);
  expect(valid.length).toBeGreaterThan(0);
});

it('RSA signatures', async () => {
  const wrong: string[] = [];
  for (const { file, pkcs8, tests } of suite.rsaSignatures) {
    const signer = localSigner(createPrivateKey({ key: Buffer.from(pkcs8, 'base64'), format: 'der', type: 'pkcs8' }));
    for (const [number, comment, message, signature] of tests) {
      const made = Buffer.from(await signer.sign(base64(message))).toString('base64');
      if (made !== signature) wrong.push(`${file}#${number} ${comment}`);
    }
  }
  expect(wrong).toEqual([]);
});
