/** Leaves of an offline profile: what an authority signs again, by step-ca's rules, and what it never signs. */
import { describe, expect, it } from 'vitest';
import { loadAuthority } from '../../lambdas/authority/load.ts';
import { signLeaf } from '../../lambdas/authority/sign-leaf.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { localSigner } from '../../lambdas/keys/local.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import { forgeable, forgedKey } from '../../testkit/certificates/forged.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  commonNameOnly,
  extendedKeyUsage,
  extension,
  keyUsage,
  makeKey,
  makeLeaf,
  octets,
  serverAuth,
  signCertificate,
  spkiOf,
  stepProvisioner,
  subjectAltName,
  subjectKeyIdentifier,
} from '../../testkit/certificates/index.ts';
import { pairValue } from '../renewal/world.ts';
import { certificatesIn, day, hour, Stack, start, year } from './world.ts';

const minute = 60_000;

const issuing = (more: object) => ({
  issuing: { create: { subject: 'CN=Example Issuing', validity: 3 * year, pathLength: 0 }, parent: 'root', ...more },
});

describe('a leaf that the authority issued', () => {
  it.each(['renew', 'rekey'] as const)('is renewed with the same contents (%s)', async (mode) => {
    const stack = await new Stack().hierarchy();
    const own = extension('1.3.6.1.4.1.99999.1', octets(Uint8Array.of(1)));
    const { arn, leaf: before } = stack.enrolLeaf({
      extensions: [keyUsage('digitalSignature'), extendedKeyUsage(serverAuth), subjectAltName('dns:leaf.example'), own],
    });
    const result = await renewOnDemand(stack, { secretId: arn, mode });
    expect(result).toMatchObject({ outcome: `${mode}ed`, profile: 'offline' });
    const { leaf, chain } = certificatesIn(stack.store.value(arn));
    expect(leaf.notBefore).toBe(start - minute);
    expect(leaf.notAfter).toBe(start - minute + day);
    expect(Buffer.from(leaf.spki).equals(before.spki)).toBe(mode === 'renew');
    expect(leaf.extensions.map(({ oid }) => oid)).toEqual(before.extensions.map(({ oid }) => oid));
    const changed = mode === 'renew' ? ['2.5.29.35'] : ['2.5.29.35', '2.5.29.14'];
    const kept = (each: typeof leaf) => each.extensions.filter(({ oid }) => !changed.includes(oid));
    expect(kept(leaf)).toEqual(kept(before));
    if (mode === 'rekey') {
      expect(leaf.extensions.find(({ oid }) => oid === '2.5.29.14')).toEqual(subjectKeyIdentifier(leaf.spki));
    }
    expect(chain.map(({ serialNumber }) => serialNumber)).toEqual([stack.certificateOf('issuing').serialNumber]);
  });

  it('without AKI and SKI gets the AKI, and in a rekey the SKI; a renewal adds no SKI', async () => {
    for (const mode of ['renew', 'rekey'] as const) {
      const stack = await new Stack().hierarchy();
      const { arn, key, leaf } = stack.enrolLeaf();
      const extensions = leaf.extensions.filter(({ oid }) => oid !== '2.5.29.35' && oid !== '2.5.29.14');
      const bare = signCertificate(
        { ...leaf, serialNumber: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), extensions },
        { subject: stack.certificateOf('issuing').subject, key: stack.keyOf('issuing') },
      );
      stack.store.write(arn, pairValue(bare, [], key));
      await renewOnDemand(stack, { secretId: arn, mode });
      const oids = certificatesIn(stack.store.value(arn)).leaf.extensions.map(({ oid }) => oid);
      expect(oids.includes('2.5.29.35')).toBe(true);
      expect(oids.includes('2.5.29.14')).toBe(mode === 'rekey');
    }
  });

  it('never gets an end after the authority’s own', async () => {
    const stack = await new Stack().hierarchy(issuing({}));
    const end = stack.certificateOf('issuing').notAfter;
    stack.clock.set(end - 10 * hour);
    const { arn } = stack.enrolLeaf({ notBefore: end - 30 * hour, notAfter: end - 6 * hour });
    await renewOnDemand(stack, { secretId: arn });
    expect(certificatesIn(stack.store.value(arn)).leaf.notAfter).toBe(end);
  });

  it('that could end no later than before is CertificateRejected, and no key signs', async () => {
    const stack = await new Stack().hierarchy(issuing({}));
    const end = stack.certificateOf('issuing').notAfter;
    stack.clock.set(end - 10 * hour);
    const { arn } = stack.enrolLeaf({ notBefore: end - 30 * hour, notAfter: end });
    const signed = stack.faults.count('sign');
    await expect(renewOnDemand(stack, { secretId: arn })).rejects.toMatchObject({
      name: 'CertificateRejected',
      message: expect.stringMatching(/authority issuing issues nothing beyond its own end/),
    });
    expect(stack.faults.count('sign')).toBe(signed);
  });

  it('is not issued by an authority that has expired', async () => {
    const stack = await new Stack().hierarchy();
    const { notAfter } = stack.certificateOf('issuing');
    stack.clock.set(notAfter);
    const { arn } = stack.enrolLeaf({ notBefore: notAfter - hour, notAfter: notAfter + hour });
    await expect(renewOnDemand(stack, { secretId: arn })).rejects.toMatchObject({
      name: 'CaRejected',
      message: expect.stringMatching(/expired at/),
    });
  });

  it('with a key in KMS is renewed', async () => {
    const stack = await new Stack().hierarchy();
    const { arn, key, leaf } = stack.enrolLeaf();
    const kmsKeyId = stack.vault.add({ spec: { kty: 'EC', curve: 'P-256' }, privateKey: key });
    const { certificate, certificateChain } = JSON.parse(pairValue(leaf.der, [], key));
    stack.store.write(arn, JSON.stringify({ certificate, kmsKeyId, certificateChain }));
    expect(await renewOnDemand(stack, { secretId: arn })).toMatchObject({ outcome: 'renewed' });
  });

  it('with a key in KMS is rekeyed to another one there, which signs for itself', async () => {
    const stack = await new Stack().hierarchy();
    const { arn, key, leaf } = stack.enrolLeaf();
    const kmsKeyId = stack.vault.add({ spec: { kty: 'EC', curve: 'P-256' }, privateKey: key });
    const next = stack.vault.add({ spec: { kty: 'EC', curve: 'P-384' } });
    const { certificate, certificateChain } = JSON.parse(pairValue(leaf.der, [], key));
    stack.store.write(arn, JSON.stringify({ certificate, kmsKeyId, certificateChain }));
    const result = await renewOnDemand(stack, { secretId: arn, privateKey: { kmsKeyId: next } });
    expect(result).toMatchObject({ outcome: 'rekeyed', keyAlgorithm: 'EC P-384' });
    const signers = stack.faults.calls
      .filter(({ method }) => method === 'sign')
      .map(({ args: [arnOfKey] }) => arnOfKey);
    expect(signers.slice(-2)).toEqual([next, stack.kmsKeyOf('issuing')]);
  });
});

describe('a leaf that this authority did not sign is CaUntrusted, before its key is requested', () => {
  /** Puts a certificate with its own key into an enrolled secret, and tries each way. */
  async function expectUntrusted(stack: Stack, certificate: Uint8Array, key: ReturnType<typeof makeKey>) {
    const value = pairValue(certificate, [stack.certificateOf('issuing').der], key);
    const arn = stack.store.add({ name: 'forged', value, versionId: 'v1', tags: { [tags.profile]: 'offline' } });
    const asked = () => stack.faults.count('sign') + stack.faults.count('signer');
    const calls = asked();
    const signed = stack.faults.count('sign');
    const given = stack.vault.add({ spec: { kty: 'EC', curve: 'P-256' } });
    for (const request of [{ mode: 'renew' }, { mode: 'rekey' }, { force: true }] as const) {
      await expect(renewOnDemand(stack, { secretId: arn, ...request })).rejects.toMatchObject({ name: 'CaUntrusted' });
    }
    expect(asked()).toBe(calls);
    await expect(renewOnDemand(stack, { secretId: arn, privateKey: { kmsKeyId: given } })).rejects.toMatchObject({
      name: 'CaUntrusted',
    });
    expect(stack.faults.count('sign')).toBe(signed);
    expect(stack.store.versionIds(arn)).toEqual(['v1']);
  }

  it('a self-made one with the same subject, issuer name and serial number', async () => {
    const stack = await new Stack().hierarchy();
    const { leaf } = stack.enrolLeaf();
    const key = makeKey('P-256');
    const serialNumber = Buffer.from(leaf.serialNumber, 'hex');
    const forged = signCertificate(
      { ...leaf, spki: spkiOf(key), serialNumber },
      { subject: stack.certificateOf('issuing').subject, key },
    );
    expect(parseCertificate(forged)).toMatchObject({ serialNumber: leaf.serialNumber, issuer: leaf.issuer });
    await expectUntrusted(stack, forged, key);
  });

  it('the real one with another public key and the old signature', async () => {
    const stack = await new Stack().hierarchy();
    const { leaf } = stack.enrolLeaf();
    const key = makeKey('P-256');
    const at = Buffer.from(leaf.der).indexOf(Buffer.from(leaf.spki));
    const forged = Buffer.from(leaf.der);
    Buffer.from(spkiOf(key)).copy(forged, at);
    await expectUntrusted(stack, forged, key);
  });

  it('one of another CA with the same name, key identifier and provisioner', async () => {
    const stack = await new Stack().hierarchy();
    const key = makeKey('P-256');
    const forger = makeKey('P-256');
    const forged = signCertificate(
      {
        subject: commonNameOnly('leaf.example'),
        spki: spkiOf(key),
        notBefore: start - day,
        notAfter: start + day,
        extensions: [authorityKeyIdentifier(spkiOf(stack.keyOf('issuing'))), stepProvisioner('local')],
      },
      { subject: stack.certificateOf('issuing').subject, key: forger },
    );
    await expectUntrusted(stack, forged, key);
  });

  it('one of the root, its parent', async () => {
    const stack = await new Stack().hierarchy();
    const key = makeKey('P-256');
    const request = { key, subject: commonNameOnly('leaf.example'), notBefore: start - day, notAfter: start + day };
    const issuer = { intermediateKey: stack.keyOf('root'), intermediateName: stack.certificateOf('root').subject };
    await expectUntrusted(stack, makeLeaf(request, issuer), key);
  });

  it.each([
    ['a CA certificate that it issued', [basicConstraints(true, 0), keyUsage('keyCertSign')]],
    ['one that may sign certificates', [keyUsage('keyCertSign', 'digitalSignature')]],
  ])('%s', async (_, extensions) => {
    const stack = await new Stack().hierarchy();
    const key = makeKey('P-256');
    const dates = { notBefore: start - day, notAfter: start + day };
    const signer = { subject: stack.certificateOf('issuing').subject, key: stack.keyOf('issuing') };
    const der = signCertificate({ subject: commonNameOnly('sub'), spki: spkiOf(key), ...dates, extensions }, signer);
    const arn = stack.store.add({ name: 'sub', value: pairValue(der, [], key), tags: { [tags.profile]: 'offline' } });
    const calls = stack.faults.count('signer') + stack.faults.count('sign');
    await expect(renewOnDemand(stack, { secretId: arn })).rejects.toMatchObject({ name: 'CaUntrusted' });
    expect(stack.faults.count('signer') + stack.faults.count('sign')).toBe(calls);
  });

  it('its own certificate with the profile’s tag: it stays an authority’s', async () => {
    const stack = await new Stack().hierarchy();
    stack.store.setTags('pki/issuing', { [tags.profile]: 'offline' });
    stack.clock.advance(hour);
    expect(await renewOnDemand(stack, { secretId: 'pki/issuing' })).toMatchObject({ profile: 'authority:issuing' });
  });
});

describe('an attacker who knows a certificate', () => {
  it.each(forgeable)('gets none for a forged key of %s, although no earlier check ran', async (kind) => {
    const stack = await new Stack().hierarchy();
    const key = makeKey(kind);
    const { leaf } = stack.enrolLeaf({ key });
    const loaded = await loadAuthority(stack, 'issuing');
    const calls = stack.faults.count('sign') + stack.faults.count('signer');
    const forged = { leaf, chain: [], key: localSigner(forgedKey(key, kind)) };
    const options = { now: start, entropy: stack.entropy, end: { laterThan: leaf.notAfter, orEqual: false } };
    for (const newKey of [undefined, localSigner(makeKey('P-256'))]) {
      await expect(signLeaf(loaded, forged, newKey, options)).rejects.toMatchObject({ code: 'KeyMismatch' });
    }
    const current = { ...forged, key: localSigner(key) };
    const claimed = localSigner(forgedKey(makeKey(kind), kind));
    await expect(signLeaf(loaded, current, claimed, options)).rejects.toMatchObject({ code: 'InvalidRequest' });
    expect(stack.faults.count('sign') + stack.faults.count('signer')).toBe(calls);
    expect((await signLeaf(loaded, current, undefined, options)).certificates).toHaveLength(2);
  });
});

describe('the rehearsal', () => {
  it('finds what the authority may not issue, before its key signs', async () => {
    const stack = await new Stack().hierarchy({
      issuing: {
        parent: 'root',
        create: {
          subject: 'CN=Narrow',
          validity: year,
          pathLength: 0,
          nameConstraints: { permitted: ['dns:other.example'], excluded: [] },
        },
      },
    });
    const { arn } = stack.enrolLeaf();
    const signed = stack.faults.count('sign');
    await expect(renewOnDemand(stack, { secretId: arn })).rejects.toMatchObject({
      name: 'CaRejected',
      message: expect.stringMatching(/that is not permitted/),
    });
    expect(stack.faults.count('sign')).toBe(signed);
  });
});

it('an authority whose root is unknown keeps its own certificate in the chain of its leaves', async () => {
  const stack = await new Stack().hierarchy();
  const certificate = stack.certificateOf('issuing').der;
  const known = await stack.authorities.find('issuing');
  if (!known) throw new Error('no authority');
  const { parent: _, ...imported } = known;
  stack.authorities.set(imported);
  stack.install('issuing', certificate);
  const { arn } = stack.enrolLeaf();
  await renewOnDemand(stack, { secretId: arn });
  expect(certificatesIn(stack.store.value(arn)).chain.map(({ der }) => der)).toEqual([certificate]);
});
