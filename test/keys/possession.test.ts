import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Signer } from '../../lambdas/domain/signer.ts';
import { localSigner } from '../../lambdas/keys/local.ts';
import { provenKey } from '../../lambdas/keys/possession.ts';
import { keySpecOfSpki } from '../../lambdas/x509/algorithms.ts';
import {
  compressedSec1,
  explicitP256,
  explicitSec1,
  pkcs8WithoutNull,
  recoded,
} from '../../testkit/certificates/encodings.ts';
import { forgeable, forgedEd25519, forgedKey } from '../../testkit/certificates/forged.ts';
import { type KeyKind, makeKey, sequence, spkiOf } from '../../testkit/certificates/index.ts';
import { FakeKeyVault } from '../../testkit/fakes/key-vault.ts';
import { signerFor } from '../../testkit/fakes/signer.ts';

const holding = (spki: Uint8Array) => ({ spki, keySpec: keySpecOfSpki(spki) });
const certified = (key: KeyObject) => holding(spkiOf(key));
const der = (bytes: Uint8Array, type: 'pkcs8' | 'sec1' | 'pkcs1') =>
  createPrivateKey({ key: Buffer.from(bytes), format: 'der', type });
const kinds: readonly KeyKind[] = ['P-256', 'P-384', 'P-521', 'Ed25519', 'RSA-2048', 'RSA-1024', 'RSA-3072'];

describe.each(kinds)('%s', (kind) => {
  it('a certificate’s own key is proven, another one is not', async () => {
    const key = makeKey(kind);
    const proven = await provenKey(certified(key), localSigner(key));
    expect(proven?.privateKey).toBe(key);
    expect(await provenKey(certified(makeKey(kind)), localSigner(key))).toBeUndefined();
  });
});

describe('a key that claims another key’s public half is not proven', () => {
  const rows = forgeable.flatMap((kind) =>
    (['pkcs8', kind === 'RSA-2048' ? 'pkcs1' : 'sec1'] as const).map((type) => [kind, type] as const),
  );
  it.each(rows)('%s in %s', async (kind, type) => {
    const victim = makeKey(kind);
    const forged = der(forgedKey(victim, kind).export({ format: 'der', type: type as 'pkcs8' }), type);
    const signer = localSigner(forged);
    expect(signer.spki).toEqual(spkiOf(victim));
    expect(await provenKey(certified(victim), signer)).toBeUndefined();
    expect(await provenKey(signer, signer)).toBeUndefined();
  });

  it.each(['P-256', 'P-384', 'P-521'] as const)('%s, compressed', async (kind) => {
    const victim = makeKey(kind);
    const sec1 = forgedKey(victim, kind).export({ format: 'der', type: 'sec1' });
    const signer = localSigner(der(compressedSec1(sec1, spkiOf(victim)), 'sec1'));
    expect(signer.spki).toEqual(spkiOf(victim));
    expect(await provenKey(certified(victim), signer)).toBeUndefined();
  });

  it('Ed25519 in PKCS#8 of version 2', async () => {
    const victim = makeKey('Ed25519');
    expect(await provenKey(certified(victim), localSigner(der(forgedEd25519(victim), 'pkcs8')))).toBeUndefined();
  });

  it('RSA with the victim’s modulus and parts that do not fit', async () => {
    const victim = makeKey('RSA-2048');
    const claimed = createPublicKey(victim).export({ format: 'jwk' });
    const own = makeKey('RSA-2048').export({ format: 'jwk' });
    const { p = '' } = own;
    for (const parts of [
      { d: 'AQ', p: 'Aw', q: 'BQ', dp: 'AQ', dq: 'AQ', qi: 'AQ' },
      { p: 'BA', q: 'Bg', dp: 'AQ', dq: 'AQ', qi: 'AQ' },
      { q: p },
      { d: claimed.e ?? '', p: claimed.n ?? '' },
    ]) {
      const forged = createPrivateKey({ key: { ...own, ...claimed, ...parts }, format: 'jwk' });
      expect(await provenKey(certified(victim), localSigner(forged))).toBeUndefined();
    }
  });

  it('without a public half: the private part decides', async () => {
    const [victim, own] = [makeKey('P-384'), makeKey('P-384')];
    const sec1 = own.export({ format: 'der', type: 'sec1' });
    const bare = sequence(sec1.subarray(3, 3 + 3 + 50), Buffer.from('a00706052b81040022', 'hex'));
    const signer = localSigner(der(bare, 'sec1'));
    expect(await provenKey(certified(victim), signer)).toBeUndefined();
    expect(await provenKey(certified(own), signer)).toBeDefined();
  });

  it('in a wrapper without its private key', async () => {
    const victim = makeKey('P-256');
    const { keySpec, spki, sign: signs } = localSigner(forgedKey(victim, 'P-256'));
    expect(await provenKey(certified(victim), { keySpec, spki, sign: signs })).toBeUndefined();
  });
});

describe('a proven key', () => {
  it('is proven for one signer and one certificate only', async () => {
    const key = makeKey('P-256');
    const proven = await provenKey(certified(key), localSigner(key));
    expect(proven && (await provenKey(certified(key), proven))).toBe(proven);
    expect(proven && (await provenKey(certified(makeKey('P-256')), proven))).toBeUndefined();
  });

  it('is not proven in a copy with another certificate’s public key', async () => {
    const [key, victim] = [makeKey('P-256'), makeKey('P-256')];
    const proven = await provenKey(certified(key), localSigner(key));
    const copy: Signer | undefined = proven && { ...proven, spki: spkiOf(victim) };
    expect(copy && (await provenKey(certified(victim), copy))).toBeUndefined();
  });

  it('signs other bytes for each proof: an earlier answer is refused', async () => {
    const key = makeKey('RSA-2048');
    const asked: string[] = [];
    const { keySpec, spki } = localSigner(key);
    let first: Uint8Array | undefined;
    const replaying: Signer = {
      keySpec,
      spki,
      sign: async (data) => {
        asked.push(Buffer.from(data).toString('latin1'));
        first ??= new Uint8Array(sign('sha256', data, key));
        return first;
      },
    };
    expect(await provenKey(holding(spki), replaying)).toBeDefined();
    expect(await provenKey(holding(spki), replaying)).toBeUndefined();
    expect(new Set(asked).size).toBe(2);
    for (const data of asked) expect(data).toMatch(/^cert-renewer: proof of possession of a private key\0/);
  });
});

describe('a key in KMS', () => {
  it('is trusted without a signature; another one is not the certificate’s', async () => {
    const vault = new FakeKeyVault();
    const key = makeKey('P-384');
    const arn = vault.add({ spec: { kty: 'EC', curve: 'P-384' }, privateKey: key });
    const compressed = recoded(spkiOf(key), 'compressed');
    expect(await provenKey(holding(compressed), await vault.signer(arn))).toMatchObject({
      kmsKeyArn: arn,
      spki: compressed,
    });
    expect(await provenKey(certified(makeKey('P-384')), await vault.signer(arn))).toBeUndefined();
    expect(vault.faults.count('sign')).toBe(0);
  });
});

describe('another encoding of the same key', () => {
  it.each(['P-256', 'P-384', 'P-521'] as const)(
    '%s, compressed in the certificate, in the key, in both',
    async (kind) => {
      const key = makeKey(kind);
      const spki = spkiOf(key);
      const sec1 = key.export({ format: 'der', type: 'sec1' });
      const compressed = localSigner(der(compressedSec1(sec1, spki), 'sec1'));
      expect(compressed.spki).toEqual(spki);
      for (const form of ['compressed', 'hybrid'] as const) {
        const other = recoded(spki, form);
        expect(await provenKey(holding(other), localSigner(key))).toMatchObject({ spki: other });
        expect(await provenKey(holding(other), compressed)).toMatchObject({ spki: other });
      }
      expect(await provenKey(holding(spki), compressed)).toMatchObject({ spki });
    },
  );

  it('RSA without NULL in the certificate, in the key, in both', async () => {
    const key = makeKey('RSA-2048');
    const bare = localSigner(der(pkcs8WithoutNull(key.export({ format: 'der', type: 'pkcs1' })), 'pkcs8'));
    expect(bare.spki).toEqual(spkiOf(key));
    for (const spki of [spkiOf(key), recoded(spkiOf(key), 'without NULL')]) {
      expect(await provenKey(holding(spki), localSigner(key))).toMatchObject({ spki });
      expect(await provenKey(holding(spki), bare)).toMatchObject({ spki });
    }
  });
});

describe('refused with its own name', () => {
  const named = (code: string, message: RegExp) =>
    expect.objectContaining({ code, message: expect.stringMatching(message) });
  const explicit = named('UnsupportedSecret', /explicit EC parameters.*named curve/);

  it('a key with explicit EC parameters, in SEC1 and in PKCS#8', () => {
    const sec1 = explicitSec1(makeKey('P-256').export({ format: 'der', type: 'sec1' }));
    const key = der(sec1, 'sec1');
    expect(() => localSigner(key)).toThrow(explicit);
    expect(() => localSigner(der(key.export({ format: 'der', type: 'pkcs8' }), 'pkcs8'))).toThrow(explicit);
  });

  it('a certificate with explicit EC parameters, with any key', async () => {
    const key = makeKey('P-256');
    const certificate = holding(explicitP256(spkiOf(key)));
    for (const signer of [localSigner(key), localSigner(makeKey('P-384')), signerFor(key, { inKms: true })]) {
      await expect(provenKey(certificate, signer)).rejects.toEqual(
        named('InvalidCertificate', /explicit EC parameters.*named curve/),
      );
    }
  });

  it('a certificate with an unknown kind of key', async () => {
    for (const key of [
      generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey,
      generateKeyPairSync('ed448').privateKey,
      generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey,
    ]) {
      await expect(provenKey(certified(key), localSigner(makeKey('P-256')))).rejects.toEqual(
        named('UnsupportedSecret', /kind of key/),
      );
    }
  });

  it('a public key that is not on its curve', async () => {
    const spki = recoded(spkiOf(makeKey('P-256')), 'compressed').fill(0xff, -32);
    const inKms: Signer = { ...signerFor(makeKey('P-256'), { inKms: true }), spki };
    await expect(provenKey(holding(spki), inKms)).rejects.toEqual(named('InvalidCertificate', /public key/));
  });

  it.each(['AQ', 'Ag'])('an RSA key with the exponent %s, with which anybody can sign', async (e) => {
    const jwk = { ...makeKey('RSA-2048').export({ format: 'jwk' }), e, d: e, dp: e, dq: e };
    const signer = localSigner(createPrivateKey({ key: jwk, format: 'jwk' }));
    await expect(provenKey(signer, signer)).rejects.toEqual(named('WeakKey', /exponent [12]/));
  });
});
