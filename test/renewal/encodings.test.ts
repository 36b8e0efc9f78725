/** One key in several encodings: in the certificate, in the secret, and in the CA's answer. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodePem } from '../../lambdas/domain/pem.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { samePublicKey } from '../../lambdas/x509/public-key.ts';
import {
  compressedSec1,
  explicitP256,
  explicitSec1,
  pkcs8WithoutNull,
  recoded,
} from '../../testkit/certificates/encodings.ts';
import {
  commonNameOnly,
  makeKey,
  signCertificate,
  spkiOf,
  stepProvisioner,
  usualExtensions,
} from '../../testkit/certificates/index.ts';
import { found } from '../authority/odd.ts';
import { Stack } from '../authority/world.ts';
import { dueDates, pairOf, World } from './world.ts';

const subject = commonNameOnly('leaf.example');

/** Enrols a secret with a leaf for exactly this public key, and this text as the key. */
function enrol(world: World, spki: Uint8Array, privateKey: string): string {
  const own = world instanceof Stack;
  const { intermediateName, intermediateKey, intermediate } = world.ca.hierarchy;
  const issuer = own
    ? { subject: world.certificateOf('issuing').subject, key: world.keyOf('issuing') }
    : { subject: intermediateName, key: intermediateKey };
  const leaf = signCertificate(
    { subject, spki, ...dueDates, extensions: [...usualExtensions, stepProvisioner('local')] },
    issuer,
  );
  const chain = own ? world.certificateOf('issuing').der : intermediate;
  const value = JSON.stringify({
    certificate: `${encodePem('CERTIFICATE', leaf)}\n`,
    privateKey,
    certificateChain: `${encodePem('CERTIFICATE', chain)}\n`,
  });
  const profile = own ? 'offline' : 'internal';
  return world.store.add({ name: 'web/tls', value, versionId: 'v1', tags: { [tags.profile]: profile } });
}

const sec1Of = (key: KeyObject) => key.export({ format: 'der', type: 'sec1' });

/** Encodings of a pair: the certificate's public key, and the key's PEM. */
const encodings: [string, () => { spki: Uint8Array; pem: string; plain: Uint8Array }][] = [
  ...(['P-256', 'P-384', 'P-521'] as const).flatMap((kind): typeof encodings => [
    [
      `${kind}, compressed in the certificate`,
      () => {
        const key = makeKey(kind);
        const pem = String(key.export({ format: 'pem', type: 'pkcs8' }));
        return { spki: recoded(spkiOf(key), 'compressed'), pem, plain: spkiOf(key) };
      },
    ],
    [
      `${kind}, compressed in the key`,
      () => {
        const key = makeKey(kind);
        const der = compressedSec1(sec1Of(key), spkiOf(key));
        return { spki: spkiOf(key), pem: encodePem('EC PRIVATE KEY', der), plain: spkiOf(key) };
      },
    ],
    [
      `${kind}, compressed in the certificate and in the key`,
      () => {
        const key = makeKey(kind);
        const der = compressedSec1(sec1Of(key), spkiOf(key));
        return {
          spki: recoded(spkiOf(key), 'compressed'),
          pem: encodePem('EC PRIVATE KEY', der),
          plain: spkiOf(key),
        };
      },
    ],
  ]),
  [
    'RSA, without NULL in the certificate',
    () => {
      const key = makeKey('RSA-2048');
      const pem = String(key.export({ format: 'pem', type: 'pkcs8' }));
      return { spki: recoded(spkiOf(key), 'without NULL'), pem, plain: spkiOf(key) };
    },
  ],
  [
    'RSA, without NULL in the key',
    () => {
      const key = makeKey('RSA-2048');
      const der = pkcs8WithoutNull(key.export({ format: 'der', type: 'pkcs1' }));
      return { spki: spkiOf(key), pem: encodePem('PRIVATE KEY', der), plain: spkiOf(key) };
    },
  ],
];

describe.each(['step-ca', 'own authority'] as const)('%s', (ca) => {
  const worldOf = async () => (ca === 'step-ca' ? new World() : new Stack().hierarchy());

  it.each(encodings)('%s: is renewed and rekeyed', async (_, make) => {
    for (const mode of ['renew', 'rekey'] as const) {
      const world = await worldOf();
      const { spki, pem, plain } = make();
      const arn = enrol(world, spki, pem);
      expect(await renewOnDemand(world, { secretId: arn, mode })).toMatchObject({ outcome: `${mode}ed` });
      const { leaf } = pairOf(world.store.value(arn));
      expect(samePublicKey(leaf.spki, plain)).toBe(mode === 'renew');
      if (mode === 'renew') expect(leaf.spki).toEqual(spki);
      expect(world.publisher.events.at(-1)).toMatchObject({ detail: { operation: mode } });
    }
  });
});

describe('a CA that encodes the point of the key differently', () => {
  it.each(encodings)('%s: counts as a renewal', async (_, make) => {
    const world = new World();
    const { spki, pem, plain } = make();
    const arn = enrol(world, spki, pem);
    world.ca.tamper = (template) => ({ ...template, spki: plain });
    expect(await renewOnDemand(world, { secretId: arn, mode: 'renew' })).toMatchObject({ outcome: 'renewed' });
  });

  it.each(encodings)('%s: does not count as a rekey', async (_, make) => {
    const world = new World();
    const { spki, pem, plain } = make();
    const arn = enrol(world, spki, pem);
    world.ca.tamper = (template) => ({ ...template, spki: plain });
    await expect(renewOnDemand(world, { secretId: arn, mode: 'rekey' })).rejects.toMatchObject({
      name: 'CertificateRejected',
    });
  });

  it('the same key, given for a rekey, is not a new key', async () => {
    const world = new World();
    const key = makeKey('P-384');
    const arn = enrol(world, recoded(spkiOf(key), 'compressed'), String(key.export({ format: 'pem', type: 'pkcs8' })));
    const value = encodePem('EC PRIVATE KEY', compressedSec1(sec1Of(key), spkiOf(key)));
    world.store.add({ name: 'given', value, versionId: 'v1', tags: { [tags.profile]: 'internal' } });
    const tried = renewOnDemand(world, { secretId: arn, privateKey: { secretId: 'given' } });
    await expect(tried).rejects.toMatchObject({ name: 'WeakKey' });
  });
});

describe('a key in KMS', () => {
  it('renews a certificate with a compressed point', async () => {
    const world = new World();
    const key = makeKey('P-256');
    const arn = enrol(world, recoded(spkiOf(key), 'compressed'), '');
    const kmsKeyId = world.vault.add({ spec: { kty: 'EC', curve: 'P-256' }, privateKey: key });
    const value = world.store.value(arn);
    const { privateKey: _, ...rest } = JSON.parse(value.kind === 'string' ? value.text : '');
    world.store.write(arn, JSON.stringify({ ...rest, kmsKeyId }));
    expect(await renewOnDemand(world, { secretId: arn })).toMatchObject({ outcome: 'renewed' });
  });

  it('signs for an imported authority whose certificate has a compressed point', async () => {
    const stack = await new Stack().hierarchy();
    const old = stack.certificateOf('issuing');
    const spki = recoded(old.spki, 'compressed');
    const serialNumber = Buffer.from(old.serialNumber, 'hex');
    const root = { subject: stack.certificateOf('root').subject, key: stack.keyOf('root') };
    stack.install('issuing', signCertificate({ ...old, serialNumber, spki }, root));
    expect((await found(stack, 'issuing')).kmsKeyArn).toBeDefined();
    const { arn } = stack.enrolLeaf();
    expect(await renewOnDemand(stack, { secretId: arn })).toMatchObject({ outcome: 'rekeyed' });
  });
});

describe('explicit EC parameters are rejected with their name', () => {
  const key = makeKey('P-256');
  const explicit = explicitSec1(sec1Of(key));
  const explicitKey = createPrivateKey({ key: Buffer.from(explicit), format: 'der', type: 'sec1' });
  const pem = String(key.export({ format: 'pem', type: 'pkcs8' }));
  const rows: [string, Uint8Array, string, string][] = [
    ['in the certificate', explicitP256(spkiOf(key)), pem, 'InvalidCertificate'],
    ['in the key, SEC1', spkiOf(key), encodePem('EC PRIVATE KEY', explicit), 'UnsupportedSecret'],
    [
      'in the key, PKCS#8',
      spkiOf(key),
      String(explicitKey.export({ format: 'pem', type: 'pkcs8' })),
      'UnsupportedSecret',
    ],
    ['in both', explicitP256(spkiOf(key)), encodePem('EC PRIVATE KEY', explicit), 'UnsupportedSecret'],
  ];
  it.each(rows)('%s', async (_, spki, privateKey, name) => {
    const world = new World();
    const arn = enrol(world, spki, privateKey);
    await expect(renewOnDemand(world, { secretId: arn })).rejects.toMatchObject({
      name,
      message: expect.stringMatching(/explicit EC parameters.*named curve/),
    });
    expect(world.ca.faults.calls).toEqual([]);
  });

  it('in a given key', async () => {
    const world = new World();
    const arn = world.enrol();
    const value = encodePem('EC PRIVATE KEY', explicit);
    world.store.add({ name: 'given', value, versionId: 'v1', tags: { [tags.profile]: 'internal' } });
    const tried = renewOnDemand(world, { secretId: arn, privateKey: { secretId: 'given' } });
    await expect(tried).rejects.toMatchObject({
      name: 'UnsupportedSecret',
      message: expect.stringContaining('explicit EC parameters'),
    });
  });
});
