/** The certificate of an authority runs through the same use case as any other. */
import { describe, expect, it } from 'vitest';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  commonNameOnly,
  der,
  extension,
  keyUsage,
  octets,
  sequence,
  signCertificate,
  spkiOf,
  subjectKeyIdentifier,
} from '../../testkit/certificates/index.ts';
import { found, oddIntermediate, textOf } from './odd.ts';
import { opensslText, opensslVerify } from './openssl.ts';
import { certificatesIn, day, hour, keyOf, Stack, start, year } from './world.ts';

describe('a root', () => {
  it('is renewed with its own key: same name, same extensions byte for byte, a new serial number and end', async () => {
    const stack = await new Stack().hierarchy();
    const before = stack.certificateOf('root');
    stack.clock.set(start + 9 * year);
    const result = await renewOnDemand(stack, { secretId: 'pki/root' });
    const after = stack.certificateOf('root');
    expect(result).toMatchObject({ outcome: 'renewed', profile: 'authority:root', keyAlgorithm: 'EC P-256' });
    expect(after.serialNumber).toMatch(/^[4-7][0-9a-f]{31}$/);
    expect(after.serialNumber).not.toBe(before.serialNumber);
    expect(after.notAfter - after.notBefore).toBe(10 * year);
    expect(after.notBefore).toBe(start + 9 * year - 60_000);
    expect(after.extensions).toEqual(before.extensions);
    expect(after.spki).toEqual(before.spki);
    expect(opensslText(after.der)).toBe(opensslText(before.der));
    expect(JSON.parse(textOf(stack, 'pki/root'))).toMatchObject({ certificateChain: '' });
  });

  it('verifies leaves from before and after its renewal, as its old certificate does, by openssl', async () => {
    const stack = await new Stack().hierarchy();
    const old = stack.certificateOf('root');
    const before = stack.enrolLeaf({ name: 'before', notAfter: start + 20 * hour });
    stack.clock.advance(hour);
    await renewOnDemand(stack, { secretId: 'pki/root', force: true });
    await renewOnDemand(stack, { secretId: 'before', force: true });
    const renewed = certificatesIn(stack.store.value('before'));
    const now = stack.clock.now();
    for (const root of [old, stack.certificateOf('root')]) {
      for (const leaf of [before.leaf, renewed.leaf]) {
        const chain = renewed.chain.map((each) => each.der);
        expect(opensslVerify(leaf.der, { roots: [root.der], chain, now })).toMatchObject({ ok: true });
      }
    }
    const stranger = (await new Stack().hierarchy()).certificateOf('root').der;
    const chain = renewed.chain.map((each) => each.der);
    expect(opensslVerify(before.leaf.der, { roots: [stranger], chain, now })).toMatchObject({ ok: false });
  });

  it('that names itself by serial number has its new one there', async () => {
    const stack = new Stack();
    stack.declare('root');
    const spki = spkiOf(stack.keyOf('root'));
    const subject = commonNameOnly('Named Root');
    const serialNumber = Uint8Array.of(0x11, 1, 2, 3, 4, 5, 6, 7);
    const named = extension(
      '2.5.29.35',
      sequence(
        der(0x80, subjectKeyIdentifier(spki).value.subarray(2)),
        der(0xa1, der(0xa4, subject)),
        der(0x82, serialNumber),
      ),
    );
    const extensions = [keyUsage('keyCertSign'), basicConstraints(true), subjectKeyIdentifier(spki), named];
    const dates = { notBefore: start - year, notAfter: start + 10 * day };
    const root = signCertificate(
      { subject, spki, serialNumber, ...dates, extensions },
      { subject, key: stack.keyOf('root') },
    );
    stack.install('root', root);
    await renewOnDemand(stack, { secretId: 'pki/root' });
    const after = stack.certificateOf('root').der;
    expect(opensslVerify(after, { roots: [after], now: start })).toMatchObject({ ok: true });
  });
});

describe('an intermediate', () => {
  it('keeps pathLen 0, name constraints, policies, AIA, CRL points and unknown extensions, byte for byte', async () => {
    const stack = await new Stack().hierarchy();
    const unknown = extension('1.3.6.1.4.1.99999.2', octets(Uint8Array.of(5, 0)), true);
    const der = oddIntermediate(stack, { extra: [unknown] });
    stack.install('issuing', der);
    await renewOnDemand(stack, { secretId: 'pki/issuing' });
    const [before, after] = [parseCertificate(der), stack.certificateOf('issuing')];
    expect(after.extensions).toEqual(before.extensions);
    expect(after).toMatchObject({ isCa: true, pathLength: 0 });
    expect(opensslText(after.der)).toBe(opensslText(before.der));
    expect(after.issuer).toEqual(stack.certificateOf('root').subject);
  });

  it('verifies leaves from before and after, as its old certificate does, by openssl', async () => {
    const stack = await new Stack().hierarchy();
    stack.install('issuing', oddIntermediate(stack));
    const old = stack.certificateOf('issuing');
    const { leaf } = stack.enrolLeaf();
    await renewOnDemand(stack, { secretId: 'pki/issuing' });
    await renewOnDemand(stack, { secretId: 'web/tls' });
    const renewed = certificatesIn(stack.store.value('web/tls'));
    expect(renewed.chain.map((each) => each.serialNumber)).toEqual([stack.certificateOf('issuing').serialNumber]);
    const roots = [stack.certificateOf('root').der];
    for (const each of [leaf, renewed.leaf]) {
      for (const issuing of [old, stack.certificateOf('issuing')]) {
        expect(opensslVerify(each.der, { roots, chain: [issuing.der], now: start })).toMatchObject({ ok: true });
      }
    }
  });

  it('keeps its duration, but never outlives its parent', async () => {
    const stack = await new Stack().hierarchy({
      issuing: { create: { subject: 'CN=I', validity: 3 * year, pathLength: 0 } },
    });
    stack.clock.set(start + 2 * year);
    await renewOnDemand(stack, { secretId: 'pki/issuing' });
    const { notBefore, notAfter } = stack.certificateOf('issuing');
    expect(notAfter - notBefore).toBe(3 * year);
    stack.clock.set(start + 8 * year - 30 * day);
    stack.install('issuing', oddIntermediate(stack, { notBefore: start + 5 * year, notAfter: start + 8 * year }));
    await renewOnDemand(stack, { secretId: 'pki/issuing' });
    expect(stack.certificateOf('issuing').notAfter).toBe(stack.certificateOf('root').notAfter);
  });

  it('that its parent can’t extend is CertificateRejected, and no key signs', async () => {
    const stack = await new Stack().hierarchy();
    const end = stack.certificateOf('root').notAfter;
    stack.install('issuing', oddIntermediate(stack, { notBefore: end - 4 * year, notAfter: end }));
    stack.clock.set(end - 10 * day);
    const signed = stack.faults.count('sign');
    const failed = {
      name: 'CertificateRejected',
      message: expect.stringMatching(/authority root issues nothing beyond/),
    };
    await expect(renewOnDemand(stack, { secretId: 'pki/issuing' })).rejects.toMatchObject(failed);
    expect(stack.faults.count('sign')).toBe(signed);
    const forced = await renewOnDemand(stack, { secretId: 'pki/issuing', force: true });
    expect(forced.warnings).toMatchObject([{ code: 'NotExtended' }]);
  });

  it('gets the key identifier of a parent with a new key, and otherwise keeps its own', async () => {
    const stack = await new Stack().hierarchy();
    const key = keyOf({ kty: 'EC', curve: 'P-384' });
    const spki = spkiOf(key);
    const subject = stack.certificateOf('root').subject;
    const kmsKeyArn = stack.vault.add({ spec: { kty: 'EC', curve: 'P-384' }, privateKey: key });
    const extensions = [keyUsage('keyCertSign', 'cRLSign'), basicConstraints(true, 1), subjectKeyIdentifier(spki)];
    const dates = { notBefore: start - day, notAfter: start + 10 * year };
    const root = signCertificate({ subject, spki, ...dates, extensions }, { subject, key });
    stack.authorities.set({ ...(await found(stack, 'root')), kmsKeyArn });
    stack.install('root', root);
    stack.clock.advance(2 * year);
    await renewOnDemand(stack, { secretId: 'pki/issuing' });
    const after = stack.certificateOf('issuing');
    expect(after.extensions.find((each) => each.oid === '2.5.29.35')).toEqual(authorityKeyIdentifier(spki));
    expect(opensslVerify(after.der, { roots: [root], now: stack.clock.now() })).toMatchObject({ ok: true });
  });
});
