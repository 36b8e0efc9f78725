/** Checks inside an authority that do not rely on their callers. */
import { sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { loadAuthority } from '../../lambdas/authority/load.ts';
import { rehearse } from '../../lambdas/authority/prepare.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewWithEnd } from '../../lambdas/renewal/entry/with-end.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import { reissuedTbs } from '../../lambdas/x509/reissue.ts';
import {
  basicConstraints,
  bits,
  commonNameOnly,
  makeKey,
  oid,
  sequence,
  spkiOf,
} from '../../testkit/certificates/index.ts';
import { providerFor, rekeyWith, renewWith } from '../../testkit/fakes/asking.ts';
import { signerFor } from '../../testkit/fakes/signer.ts';
import { pairValue } from '../renewal/world.ts';
import { found } from './odd.ts';
import { certificatesIn, day, hour, Stack, start, year } from './world.ts';

const p256 = { kty: 'EC', curve: 'P-256' } as const;
const serialNumber = Uint8Array.of(0x44, 2, 3, 4, 5, 6, 7, 8, 9);

describe('the rehearsal', () => {
  const validity = { notBefore: start - 60_000, notAfter: start + day };

  async function setting() {
    const stack = await new Stack().hierarchy();
    const { leaf } = stack.enrolLeaf();
    const issuer = await loadAuthority(stack, 'issuing');
    const rehearsed = (certificate: typeof leaf, more: object = {}) =>
      rehearse({
        tbs: reissuedTbs({
          certificate,
          issuer: issuer.certificate,
          issuerKeySpec: p256,
          serialNumber,
          authorityKey: 'today',
          ...validity,
          ...more,
        }),
        issuer,
        issuerKeySpec: p256,
        before: leaf,
        operation: 'renew',
        now: start,
      });
    return { leaf, rehearsed };
  }

  it('returns the end of an accepted certificate', async () => {
    const { leaf, rehearsed } = await setting();
    expect(await rehearsed(leaf)).toBe(start + day);
  });

  it('refuses a certificate that does not correspond', async () => {
    const { leaf, rehearsed } = await setting();
    const refused = { code: 'CertificateRejected' };
    await expect(rehearsed({ ...leaf, subject: commonNameOnly('evil') })).rejects.toMatchObject(refused);
    await expect(rehearsed(leaf, { spki: spkiOf(makeKey('P-256')) })).rejects.toMatchObject(refused);
    await expect(rehearsed(leaf, { serialNumber: Uint8Array.of(7) })).rejects.toMatchObject(refused);
    await expect(rehearsed(leaf, { notAfter: start + 9 * year })).rejects.toMatchObject(refused);
  });

  it('refuses a certificate that is not valid now', async () => {
    const { leaf, rehearsed } = await setting();
    await expect(rehearsed(leaf, { notBefore: start + hour })).rejects.toMatchObject({ code: 'CaRejected' });
  });
});

describe('a disabled authority', () => {
  it('signs no leaf, and its key is not even requested', async () => {
    const stack = await new Stack().hierarchy();
    const { arn } = stack.enrolLeaf();
    stack.authorities.set({ ...(await found(stack, 'issuing')), disabled: true });
    const asked = stack.faults.count('sign') + stack.faults.count('signer');
    for (const request of [{ mode: 'renew' }, { force: true }] as const) {
      await expect(renewOnDemand(stack, { secretId: arn, ...request })).rejects.toMatchObject({
        name: 'CaRejected',
        message: expect.stringMatching(/disabled/),
      });
    }
    expect(stack.faults.count('sign') + stack.faults.count('signer')).toBe(asked);
  });
});

describe('the providers', () => {
  it('of an authority renew only its own certificate, with its own key, and do not rekey', async () => {
    const stack = await new Stack().hierarchy();
    const provider = await providerFor({ type: 'authority', authority: 'issuing' }, stack);
    stack.clock.set(start + hour);
    const leaf = stack.certificateOf('issuing');
    const current = { leaf, chain: [], key: signerFor(stack.keyOf('issuing')) };
    const signed = stack.faults.count('sign');
    const another = { ...current, leaf: stack.certificateOf('root') };
    await expect(renewWith(provider, another)).rejects.toMatchObject({ code: 'SecretChanged' });
    await expect(rekeyWith(provider, current, signerFor(makeKey('P-256')))).rejects.toMatchObject({
      code: 'InvalidRequest',
    });
    stack.authorities.set({ ...(await found(stack, 'issuing')), kmsKeyArn: stack.kmsKeyOf('root') });
    await expect(renewWith(provider, current)).rejects.toMatchObject({ code: 'KeyMismatch' });
    expect(stack.faults.count('sign')).toBe(signed);
  });

  it('of an authority end at the abort signal', async () => {
    const stack = await new Stack().hierarchy();
    const current = { leaf: stack.certificateOf('root'), chain: [], key: signerFor(stack.keyOf('root')) };
    stack.vault.signer = () => new Promise(() => {});
    for (const signal of [AbortSignal.timeout(30), AbortSignal.abort()]) {
      const policy = { limits: { begin: signal, work: signal, answer: signal } };
      const provider = await providerFor({ type: 'authority', authority: 'root' }, { ...stack, policy });
      await expect(renewWith(provider, current)).rejects.toMatchObject({ code: 'CaUnavailable' });
    }
  });

  it('of leaves share one read of the authority, and read it again later', async () => {
    const stack = await new Stack().hierarchy();
    const provider = await providerFor({ type: 'offline', authority: 'issuing' }, stack);
    const reads = () => stack.faults.count('read');
    const before = reads();
    await Promise.all(Array.from({ length: 10 }, () => provider.roots()));
    expect(reads() - before).toBe(2); // its secret and its parent's
    stack.clock.advance(hour);
    await renewOnDemand(stack, { secretId: 'pki/root' });
    const [root = new Uint8Array()] = await provider.roots();
    expect(parseCertificate(root).serialNumber).toBe(stack.certificateOf('root').serialNumber);
  });
});

it('an authority whose parent has another key now keeps the chain in its own secret', async () => {
  const stack = await new Stack().hierarchy();
  const [root, issuing] = [stack.certificateOf('root'), stack.certificateOf('issuing')];
  stack.install('issuing', issuing.der, [root.der]);
  const successor = await new Stack().hierarchy();
  stack.install('root', successor.certificateOf('root').der);
  const loaded = await loadAuthority(stack, 'issuing');
  expect(loaded.issuers.map(({ der }) => der)).toEqual([root.der]);
  expect(loaded.root.der).toEqual(root.der);
});

describe('a new key', () => {
  it('that does not sign its own request is not certified', async () => {
    const stack = await new Stack().hierarchy();
    const { arn } = stack.enrolLeaf();
    const [shown, real] = [0, 1].map(() => stack.vault.add({ spec: p256 }));
    const signer = stack.vault.signer.bind(stack.vault);
    const liar = await signer(real ?? '');
    stack.vault.signer = async (keyId) =>
      keyId === shown ? { ...(await signer(keyId)), sign: (data) => liar.sign(data) } : signer(keyId);
    const request = { secretId: arn, privateKey: { kmsKeyId: shown } };
    await expect(renewOnDemand(stack, request)).rejects.toMatchObject({ name: 'InvalidRequest' });
  });
});

it('a leaf of this authority with a SHA-1 signature is CaUntrusted', async () => {
  const stack = await new Stack().hierarchy();
  const { arn, leaf, key } = stack.enrolLeaf();
  const weak = sequence(oid('1.2.840.10045.4.1'));
  const strong = Buffer.from(sequence(oid('1.2.840.10045.4.3.2')));
  const at = Buffer.from(leaf.der).indexOf(strong);
  // The same certificate with the weak algorithm in it. Both OIDs are in elements with their own lengths.
  const inside = Buffer.from(leaf.der.subarray(8, leaf.der.length));
  expect(at).toBeGreaterThan(0);
  const tbsContents = inside.subarray(0, Buffer.from(leaf.der).readUInt16BE(6));
  const from = tbsContents.indexOf(strong);
  const tbs = sequence(tbsContents.subarray(0, from), weak, tbsContents.subarray(from + strong.length));
  const forged = sequence(tbs, weak, bits(sign('sha1', tbs, stack.keyOf('issuing'))));
  expect(parseCertificate(forged).signatureAlgorithm).toBe('1.2.840.10045.4.1');
  stack.store.write(arn, pairValue(forged, [], key));
  await expect(renewOnDemand(stack, { secretId: arn })).rejects.toMatchObject({
    name: 'CaUntrusted',
    message: expect.stringMatching(/SHA1/),
  });
});

describe('a pair that a crash left staged', () => {
  /** Ends the process between stage and promote. */
  async function crashed() {
    const stack = await new Stack().hierarchy();
    stack.clock.set(start + 2.5 * year);
    const lost = new RenewalError('AccessDenied', 'the process ended here');
    stack.faults.failBefore('promote', lost);
    await expect(renewOnDemand(stack, { secretId: 'pki/issuing' })).rejects.toMatchObject({ name: 'AccessDenied' });
    return { stack, signed: stack.faults.count('sign') };
  }

  it('is promoted by the next try: no key signs again', async () => {
    const { stack, signed } = await crashed();
    expect(await renewOnDemand(stack, { secretId: 'pki/issuing' })).toMatchObject({ outcome: 'renewed' });
    expect(stack.faults.count('sign')).toBe(signed);
  });

  it('is not the answer to a request for another end', async () => {
    const { stack } = await crashed();
    const notAfter = start + 4 * year;
    await renewWithEnd(stack, { secretId: 'pki/issuing', notAfter });
    expect(stack.certificateOf('issuing').notAfter).toBe(notAfter);
  });

  it('is the answer to a request for the same end', async () => {
    const { stack, signed } = await crashed();
    const { leaf } = certificatesIn(stack.store.value('pki/issuing', 'AWSPENDING'));
    await renewWithEnd(stack, { secretId: 'pki/issuing', notAfter: leaf.notAfter + 500 });
    expect(stack.certificateOf('issuing').serialNumber).toBe(leaf.serialNumber);
    expect(stack.faults.count('sign')).toBe(signed);
  });
});

it('a CA certificate in an ordinary secret is not signed by an offline profile', async () => {
  const stack = await new Stack().hierarchy();
  const { arn, key } = stack.enrolLeaf();
  const { leaf } = stack.enrolLeaf({ name: 'ca', key, extensions: [basicConstraints(true)] });
  stack.store.write(arn, pairValue(leaf.der, [], key));
  await expect(renewOnDemand(stack, { secretId: arn })).rejects.toMatchObject({ name: 'CaUntrusted' });
});
