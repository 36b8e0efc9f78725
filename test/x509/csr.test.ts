import 'reflect-metadata';
import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { Pkcs10CertificateRequest } from '@peculiar/x509';
import { describe, expect, it } from 'vitest';
import type { Signer } from '../../lambdas/domain/signer.ts';
import { algorithmOf, keySpecOfSpki } from '../../lambdas/x509/algorithms.ts';
import { createCsr, provesItsKey } from '../../lambdas/x509/csr.ts';
import { goldenDer } from './golden.ts';
import { commonNameOnly, ecKey, spkiOf } from './issue.ts';

function signerOf(key: KeyObject): Signer {
  const spki = spkiOf(key);
  const keySpec = keySpecOfSpki(spki);
  if (keySpec === undefined) throw new Error('not a key of the product');
  return { keySpec, spki, sign: async (data) => new Uint8Array(sign(algorithmOf(keySpec).digest, data, key)) };
}

describe('createCsr', () => {
  it('gives byte for byte the same as openssl for an Ed25519 key', async () => {
    const pkcs8 = Buffer.from(`302e020100300506032b657004220420${'07'.repeat(32)}`, 'hex');
    const csr = await createCsr(signerOf(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })));
    expect(Buffer.from(csr).toString('hex')).toBe(Buffer.from(goldenDer('request-ed25519.csr')).toString('hex'));
  });

  const keys: [string, () => KeyObject][] = [
    ['P-256', () => ecKey('P-256')],
    ['P-384', () => ecKey('P-384')],
    ['P-521', () => ecKey('P-521')],
    ['Ed25519', () => generateKeyPairSync('ed25519').privateKey],
    ['RSA 2048', () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
    ['RSA 3072', () => generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey],
  ];
  it.each(keys)('%s: another library reads it and verifies its signature', async (_, makeKey) => {
    const signer = signerOf(makeKey());
    const csr = new Pkcs10CertificateRequest(Buffer.from(await createCsr(signer, commonNameOnly('leaf.example'))));
    expect(await csr.verify()).toBe(true);
    expect(csr.subject).toBe('CN=leaf.example');
    expect(csr.attributes).toEqual([]);
    expect(await provesItsKey(signer)).toBe(true);
    expect(Buffer.from(csr.publicKey.rawData).equals(signer.spki)).toBe(true);
  });

  it('fails for a signer with another key than it shows', async () => {
    for (const [own, claimed] of [
      [ecKey(), ecKey()],
      [ecKey('P-384'), ecKey('P-384')],
      [generateKeyPairSync('ed25519').privateKey, generateKeyPairSync('ed25519').privateKey],
    ] as const) {
      const forged = { ...signerOf(own), spki: spkiOf(claimed) };
      await expect(createCsr(forged)).rejects.toMatchObject({
        ...{ code: 'InvalidRequest', concerns: 'request' },
        message: expect.stringContaining('signature of the request does not verify'),
      });
      expect(await provesItsKey(forged)).toBe(false);
    }
  });

  it('passes on the signer’s error', async () => {
    const signer = signerOf(ecKey());
    const denied = { ...signer, sign: () => Promise.reject(new Error('denied')) };
    await expect(createCsr(denied)).rejects.toThrow('denied');
  });
});
