/** Renews every kind of key and of certificate through the deployed worker and a real step-ca. openssl judges. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import {
  CreateAliasCommand,
  CreateKeyCommand,
  GetPublicKeyCommand,
  KMSClient,
  type KeySpec as KmsKeySpec,
} from '@aws-sdk/client-kms';
import { describe, expect, test } from 'vitest';
import type { Mode } from '../../lambdas/domain/profile.ts';
import type { RenewalResult } from '../../lambdas/domain/result.ts';
import { pemHierarchy } from '../../testkit/cas/hierarchy.ts';
import { bareLeaf, type CaAccess, forgedPair } from '../../testkit/cas/leaf.ts';
import {
  der,
  extension,
  type KeyKind,
  keyAlgorithm,
  type LeafRequest,
  makeKey,
  oid,
  sequence,
  usualExtensions,
  utf8,
} from '../../testkit/certificates/index.ts';
import { bytesKept, nameOfKey } from '../../testkit/certificates/kept.ts';
import { client, invoke, uniqueName, waitFor } from '../../testkit/local-aws/client.ts';
import {
  type EnrolledSecret,
  enrol,
  fromShape,
  inShape,
  look,
  type PairText,
  versionIds,
} from '../../testkit/local-aws/enrolled.ts';
import { collectEvents } from '../../testkit/local-aws/events.ts';
import { certificateShapes } from '../conformance/ca-shapes.ts';
import { describeWith } from '../support/local.ts';
import { keptStatements, publicHalfOf, publicKeyOf, refusals } from './judges.ts';

const minute = 60_000;
const hour = 60 * minute;
const modes: readonly Mode[] = ['renew', 'rekey'];
const outcomes: Readonly<Record<Mode, string>> = { renew: 'renewed', rekey: 'rekeyed' };

/** Checks, by openssl and byte by byte, that nothing in the certificate has changed except for the allowed differences. */
async function expectKept({ certificate: was }: PairText, { certificate: is }: PairText, mode: Mode): Promise<void> {
  const bytes = bytesKept(was, mode);
  const words = await keptStatements(was, mode);
  expect(words.size).toBe(bytes.extensions.size + 1); // openssl prints a line for each, and for the subject
  expect(await keptStatements(is, mode)).toEqual(words);
  expect(bytesKept(is, mode)).toEqual(bytes);
}

/** Checks that the key belongs to the certificate, and whether it is the old one. */
async function expectKey(before: PairText, after: PairText, mode: Mode): Promise<void> {
  const [was, is] = await Promise.all([before.certificate, after.certificate].map(publicKeyOf));
  expect(await publicHalfOf(after.privateKey ?? '')).toBe(is);
  if (mode === 'renew') {
    expect(is).toBe(was);
    expect(after.privateKey).toBe(before.privateKey);
  } else {
    expect(is).not.toBe(was);
    expect(after.privateKey).not.toBe(before.privateKey);
  }
}

/** Policies with an address, a CRL, OCSP and the CA's certificate. */
const addresses = [
  extension(
    '2.5.29.32',
    sequence(
      sequence(
        oid('1.3.6.1.4.1.99999.2'),
        sequence(sequence(oid('1.3.6.1.5.5.7.2.1'), utf8('https://ca.example/cps', 0x16))),
      ),
      sequence(oid('2.23.140.1.2.1')),
    ),
  ),
  extension('2.5.29.31', sequence(sequence(der(0xa0, der(0xa0, utf8('http://ca.example/crl', 0x86)))))),
  extension(
    '1.3.6.1.5.5.7.1.1',
    sequence(
      sequence(oid('1.3.6.1.5.5.7.48.1'), utf8('http://ocsp.example', 0x86)),
      sequence(oid('1.3.6.1.5.5.7.48.2'), utf8('http://ca.example/ca.crt', 0x86)),
    ),
  ),
  extension('1.3.6.1.5.5.7.1.24', sequence(der(0x02, Uint8Array.of(5)))),
];

describeWith(['stack'], 'every kind of certificate', ({ emulator, ca, outputs, stack }) => {
  const renewFunction = outputs['RenewFunctionName'] ?? '';
  const { access: lenient, hierarchy } = stack.lenient;

  const enrolled = (pair: PairText, mode?: Mode, profile = 'internal'): Promise<EnrolledSecret> =>
    enrol(emulator, { name: 'kind', value: inShape('camel', pair), profile, tags: mode ? { mode } : {} });

  async function renewed(secret: EnrolledSecret): Promise<RenewalResult> {
    const { payload, error } = await invoke<RenewalResult>(emulator, renewFunction, { secretId: secret.arn });
    expect(error).toBeUndefined();
    return payload;
  }

  /** Returns the current pair, and checks that exactly one version was added. */
  async function found(secret: EnrolledSecret): Promise<PairText> {
    const { value, stages, versionId } = await look(emulator, secret.arn);
    expect(stages.get('AWSPREVIOUS')).toBe(secret.versionId);
    expect(await versionIds(emulator, secret.arn)).toHaveLength(2);
    expect(versionId).toMatch(/^cert-renewer-/);
    return fromShape('camel', value);
  }

  const products = <T>(rows: readonly T[]): [Mode, T][] =>
    modes.flatMap((mode) => rows.map((row): [Mode, T] => [mode, row]));

  describe('by key', () => {
    const keys: KeyKind[] = ['P-256', 'P-384', 'P-521', 'Ed25519', 'RSA-2048', 'RSA-3072', 'RSA-4096'];
    const made = new Map<KeyKind, KeyObject>(); // both modes share a key, because RSA keys take long to make
    test.each(products(keys))('%s of %s', async (mode, kind) => {
      const key = made.get(kind) ?? makeKey(kind);
      made.set(kind, key);
      const before = await forgedPair(ca, { key, sans: ['dns:key.example'] });
      const secret = await enrolled(before, mode);
      expect(await renewed(secret)).toMatchObject({
        outcome: outcomes[mode],
        keyAlgorithm: keyAlgorithm(kind),
        warnings: [],
      });
      const after = await found(secret);
      expect(await refusals([after.certificate], { root: ca.rootPem, chain: after.chain })).toEqual([]);
      await expectKey(before, after, mode);
      await expectKept(before, after, mode);
      expect(nameOfKey(after.certificate)).toBe(keyAlgorithm(kind));
    });
  });

  describe('by extensions and names', () => {
    const rows = [...certificateShapes, ['addresses', { extensions: [...usualExtensions, ...addresses] }] as const];
    // The modes alternate here. test/conformance/ca.ts tests each certificate in both modes with the same CA.
    test.each(rows.map(([name, part], at) => [modes[at % 2] ?? 'renew', name, part] as const))(
      '%s of one with %s',
      async (mode, _, part) => {
        const before = bareLeaf(ca, { key: makeKey(), ...part });
        const secret = await enrolled(before, mode);
        expect(await renewed(secret)).toMatchObject({ outcome: outcomes[mode] });
        const after = await found(secret);
        await expectKey(before, after, mode);
        await expectKept(before, after, mode);
      },
    );
  });

  describe('with its key in KMS', () => {
    const kms = client(KMSClient, emulator);

    /** Makes a key of the profile, and a certificate for it. */
    async function inKms(KeySpec: KmsKeySpec, access: CaAccess, profile: string, part: Partial<LeafRequest> = {}) {
      const Tags = [{ TagKey: 'cert-renewer:profile', TagValue: profile }];
      const { KeyMetadata } = await kms.send(new CreateKeyCommand({ KeySpec, KeyUsage: 'SIGN_VERIFY', Tags }));
      const arn = KeyMetadata?.Arn ?? '';
      const { PublicKey = new Uint8Array() } = await kms.send(new GetPublicKeyCommand({ KeyId: arn }));
      const key = createPublicKey({ key: Buffer.from(PublicKey), format: 'der', type: 'spki' });
      const publicKey = key.export({ type: 'spki', format: 'pem' }).toString();
      return { publicKey, before: { ...bareLeaf(access, { key, ...part }), kmsKeyId: arn } };
    }

    const specs: [KmsKeySpec, string][] = [
      ['ECC_NIST_P256', 'EC P-256'],
      ['ECC_NIST_P384', 'EC P-384'],
      ['RSA_2048', 'RSA 2048'],
    ];
    test.each(specs)('%s', async (spec, name) => {
      const { publicKey, before } = await inKms(spec, ca, 'internal');
      const secret = await enrolled(before);
      expect(await renewed(secret)).toMatchObject({ outcome: 'renewed', keyAlgorithm: name, warnings: [] });
      const after = await found(secret);
      expect(await refusals([after.certificate], { root: ca.rootPem, chain: after.chain })).toEqual([]);
      expect(await publicKeyOf(after.certificate)).toBe(publicKey);
      expect(after).toEqual({ ...before, certificate: after.certificate });
      await expectKept(before, after, 'renew');
    });

    test('named by an alias, in the other JSON shapes', async () => {
      const { publicKey, before } = await inKms('ECC_NIST_P256', ca, 'internal');
      const alias = `alias/${uniqueName('kind')}`;
      await kms.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: before.kmsKeyId }));
      for (const shape of ['snake', 'tls'] as const) {
        const secret = await enrol(emulator, { name: 'kind', value: inShape(shape, { ...before, kmsKeyId: alias }) });
        expect(await renewed(secret)).toMatchObject({ outcome: 'renewed' });
        const after = fromShape(shape, (await look(emulator, secret.arn)).value);
        expect(after.kmsKeyId).toBe(alias);
        expect(await publicKeyOf(after.certificate)).toBe(publicKey);
        expect(after.certificate).not.toBe(before.certificate);
      }
    });

    test('after its end, if the CA allows it', async () => {
      const notAfter = Math.floor(Date.now() / 1000) * 1000 - 10 * minute;
      const { publicKey, before } = await inKms('ECC_NIST_P256', lenient, 'lenient', { notAfter });
      const secret = await enrolled(before, undefined, 'lenient');
      expect(await renewed(secret)).toMatchObject({ outcome: 'renewed', reason: { code: 'Expired' } });
      expect(await publicKeyOf((await found(secret)).certificate)).toBe(publicKey);
    });
  });

  describe('expired', () => {
    const dates = () => ({ notBefore: new Date(Date.now() - 3 * hour), notAfter: new Date(Date.now() - hour) });

    test.each(modes)('%s: by token first, if the CA allows it; one new version', async (mode) => {
      const before = await forgedPair(lenient, { sans: ['dns:late.example'], ...dates() });
      const secret = await enrolled(before, mode, 'lenient');
      expect(await renewed(secret)).toMatchObject({ outcome: outcomes[mode], reason: { code: 'Expired' } });
      const after = await found(secret);
      expect(await refusals([after.certificate], { root: lenient.rootPem, chain: after.chain })).toEqual([]);
      await expectKey(before, after, mode);
      await expectKept(before, after, mode);
    });

    test.each(modes)('%s: CertificateExpired with what to do, if the CA does not allow it', async (mode) => {
      const value = inShape('camel', await forgedPair(ca, { sans: ['dns:late.example'], ...dates() }));
      const secret = await enrol(emulator, { name: 'kind', value, tags: { mode } });
      const { error } = await invoke(emulator, renewFunction, { secretId: secret.arn });
      expect(error).toMatchObject({
        errorType: 'CertificateExpired',
        errorMessage: expect.stringMatching(/allowRenewalAfterExpiry.*new certificate/),
      });
      expect(await look(emulator, secret.arn)).toMatchObject({ value, versionId: secret.versionId });
      expect(await versionIds(emulator, secret.arn)).toEqual([secret.versionId]);
    });
  });

  test('a leaf that outlives its intermediate is due by the end of the chain', async () => {
    const ends = new Date(Date.now() + 2 * hour);
    const { intermediate } = pemHierarchy({ name: 'Old', root: hierarchy.root, intermediateNotAfter: ends });
    const old = { ...lenient, intermediatePem: intermediate.certificatePem, intermediateKeyPem: intermediate.keyPem };
    const dates = { notBefore: new Date(Date.now() - 24 * hour), notAfter: new Date(Date.now() + 29 * 24 * hour) };
    const before = await forgedPair(old, { sans: ['dns:outlives.example'], ...dates });
    const inTime = await forgedPair(lenient, { sans: ['dns:in-time.example'], ...dates });
    const [secret, other] = [await enrolled(before, 'rekey', 'lenient'), await enrolled(inTime, 'rekey', 'lenient')];
    const at = new Date(Date.now() + 3 * hour);
    expect(await refusals([before.certificate], { root: lenient.rootPem, chain: before.chain })).toEqual([]);
    expect(await refusals([before.certificate], { root: lenient.rootPem, chain: before.chain, at })).toHaveLength(2);

    const arns = [secret.arn, other.arn];
    const bus = await collectEvents(emulator, outputs['EventBusName'] ?? '', { resources: arns });
    await invoke(emulator, outputs['ScanFunctionName'] ?? '', { secretIds: arns });
    const event = await bus.next('the renewal', ({ resources }) => resources.includes(secret.arn), minute);
    expect(event).toMatchObject({
      'detail-type': 'Certificate Renewed',
      detail: { reason: { code: 'ChainExpiring' } },
    });
    const after = await found(secret);
    expect(after.chain).toBe(lenient.intermediatePem);
    expect(await refusals([after.certificate], { root: lenient.rootPem, chain: after.chain, at })).toEqual([]);
    await expectKey(before, after, 'rekey');
    await expectKept(before, after, 'rekey');

    // A leaf with the same dates under a longer intermediate is inspected and not renewed.
    const known = () => look(emulator, other.arn).then(({ tags }) => tags.get('cert-renewer:version-id'));
    await waitFor('the inspection', async () => (await known()) === other.versionId);
    expect(await versionIds(emulator, other.arn)).toEqual([other.versionId]);
  });

  test.each(modes)('%s of a leaf with an RSA key of 1024 bits: a new key of 2048, and a warning', async (mode) => {
    const before = await forgedPair(ca, { key: 'RSA-1024', sans: ['dns:weak.example'] });
    const secret = await enrolled(before, mode);
    expect(await renewed(secret)).toMatchObject({
      outcome: 'rekeyed',
      keyAlgorithm: 'RSA 2048',
      warnings: [{ code: 'KeyUpgraded', message: expect.stringMatching(/1024.*2048/) }],
    });
    const after = await found(secret);
    expect(nameOfKey(after.certificate)).toBe('RSA 2048');
    await expectKey(before, after, 'rekey');
    await expectKept(before, after, 'rekey');
  });
});
