/**
 * docs/guarantees.md, G2: a CA's answer with any one field changed is refused, and nothing is promoted. One row for each
 * field.
 */
import type { KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { pemBlocks } from '../../lambdas/domain/pem.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  clientAuth,
  commonNameOnly,
  extendedKeyUsage,
  extension,
  keyUsage,
  makeHierarchy,
  octets,
  serverAuth,
  signCertificate,
  spkiOf,
  subjectAltName,
  subjectKeyIdentifier,
  usualExtensions,
  utf8,
} from '../../testkit/certificates/index.ts';
import type { Tamper } from '../../testkit/fakes/ca.ts';
import { hour, newKey, pairOf, start, World } from './world.ts';

const oids = { ku: '2.5.29.15', san: '2.5.29.17', eku: '2.5.29.37', ski: '2.5.29.14', aki: '2.5.29.35' };
const policy = extension('2.5.29.32', Uint8Array.from([0x30, 0x08, 0x30, 0x06, 0x06, 0x04, 0x2a, 0x03, 0x04, 0x05]));
const unknown = extension('1.2.3.4.5', octets(Uint8Array.of(1, 2, 3)));
const leafExtensions = [...usualExtensions, policy, unknown];

type Template = Parameters<Tamper>[0];
const without = (template: Template, oid: string): Template => ({
  ...template,
  extensions: template.extensions.filter((each) => each.oid !== oid),
});
const replaced = (template: Template, oid: string, by: Template['extensions'][number]): Template => ({
  ...template,
  extensions: template.extensions.map((each) => (each.oid === oid ? by : each)),
});
const added = (template: Template, more: Template['extensions'][number]): Template => ({
  ...template,
  extensions: [...template.extensions, more],
});

const minute = 60_000;

/** Each changes one field of the certificate before the CA signs it. */
const rows: [string, Tamper][] = [
  ['the public key', (t) => ({ ...t, spki: spkiOf(newKey()) })],
  ['the subject', (t) => ({ ...t, subject: commonNameOnly('evil.example') })],
  ['no subject', (t) => ({ ...t, subject: Uint8Array.from([0x30, 0]) })],
  ['a SAN more', (t) => replaced(t, oids.san, subjectAltName('dns:leaf.example', 'dns:evil.example'))],
  ['another SAN', (t) => replaced(t, oids.san, subjectAltName('dns:evil.example'))],
  ['no SAN', (t) => without(t, oids.san)],
  ['another key usage', (t) => replaced(t, oids.ku, keyUsage('digitalSignature', 'keyCertSign'))],
  ['no key usage', (t) => without(t, oids.ku)],
  ['an extended key usage less', (t) => replaced(t, oids.eku, extendedKeyUsage(serverAuth))],
  ['no extended key usage', (t) => without(t, oids.eku)],
  ['the CA flag', (t) => added(t, basicConstraints(true))],
  [
    'another policy',
    (t) =>
      replaced(
        t,
        policy.oid,
        extension(policy.oid, Uint8Array.from([0x30, 0x08, 0x30, 0x06, 0x06, 0x04, 0x2a, 0x03, 0x04, 0x06])),
      ),
  ],
  ['no policy', (t) => without(t, policy.oid)],
  ['an unknown extension less', (t) => without(t, unknown.oid)],
  [
    'an unknown extension’s value',
    (t) => replaced(t, unknown.oid, extension(unknown.oid, octets(Uint8Array.of(1, 2, 4)))),
  ],
  ['criticality', (t) => replaced(t, unknown.oid, extension(unknown.oid, unknown.value, true))],
  ['an extension more', (t) => added(t, extension('1.2.3.4.6', utf8('new')))],
  ['name constraints out of nowhere', (t) => added(t, extension('2.5.29.30', Uint8Array.from([0x30, 0]), true))],
  ['a SKI of another key', (t) => replaced(t, oids.ski, subjectKeyIdentifier(spkiOf(newKey())))],
  ['an end that is earlier', (t) => ({ ...t, notAfter: start + hour })],
  ['an end that is the same', (t) => ({ ...t, notAfter: start + 2 * hour })],
  ['expired already', (t) => ({ ...t, notBefore: start - 9 * hour, notAfter: start - hour })],
  ['a notBefore over a minute ahead', (t) => ({ ...t, notBefore: start + minute + 1000 })],
  ['the serial number 0', (t) => ({ ...t, serialNumber: Uint8Array.of(0) })],
  ['no AKI', (t) => without(t, oids.aki)],
  ['no SKI', (t) => without(t, oids.ski)],
  ['an AKI of another key', (t) => replaced(t, oids.aki, authorityKeyIdentifier(spkiOf(newKey())))],
  ['a serial number too long', (t) => ({ ...t, serialNumber: new Uint8Array(21).fill(0x11) })],
];

/** With force, the same end is accepted. In a rekey, the CA chooses the SKI. */
const rowsOf = (mode: 'rekey' | 'renew') =>
  rows.filter(([name]) => name !== 'an end that is the same' && !(mode === 'rekey' && name === 'a SKI of another key'));

const refuses = async (world: World, mode: 'rekey' | 'renew') => {
  const arn = world.enrol({ extensions: leafExtensions });
  await expect(renewOnDemand(world, { secretId: arn, mode, force: true })).rejects.toMatchObject({
    name: 'CertificateRejected',
    message: expect.not.stringMatching(/\.[.;]/), // sentences, one full stop each
  });
  expect(world.versionOf(arn)).toBe('v1');
  expect(world.store.versionIds(arn)).toEqual(['v1']);
};

describe.each(['rekey', 'renew'] as const)('a %s is refused with', (mode) => {
  it.each(rowsOf(mode))('%s changed', async (_, tamper) => {
    const world = new World();
    world.ca.tamper = tamper;
    await refuses(world, mode);
  });

  it('another issuer with the same name', async () => {
    const world = new World();
    const impostor = makeHierarchy(start - 100 * hour, start + 1000 * hour, 'Test');
    world.ca.tamperChain = () => {
      const leaf = signCertificate(
        {
          subject: commonNameOnly('leaf.example'),
          spki: spkiOf(newKey()),
          notBefore: start - minute,
          notAfter: start + 24 * hour,
          extensions: leafExtensions,
        },
        { subject: impostor.intermediateName, key: impostor.intermediateKey },
      );
      return [leaf, impostor.intermediate];
    };
    await refuses(world, mode);
  });

  it('a signature that is not the issuer’s', async () => {
    const world = new World();
    world.ca.tamperChain = ([leaf = new Uint8Array(), ...rest]) => {
      const broken = new Uint8Array(leaf);
      broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1;
      return [broken, ...rest];
    };
    await refuses(world, mode);
  });

  it.each<[string, (chain: readonly Uint8Array[]) => readonly Uint8Array[]]>([
    ['no certificate at all', () => []],
    ['the intermediate missing', ([leaf = new Uint8Array()]) => [leaf]],
    ['something that is no certificate', () => [Uint8Array.of(0x30, 0x03, 1, 2, 3)]],
    [
      'bytes behind the certificate',
      ([leaf = new Uint8Array(), ...rest]) => [Buffer.concat([leaf, Buffer.from('x')]), ...rest],
    ],
    [
      'a chain of a thousand',
      (chain) => [...chain, ...Array.from({ length: 1000 }, () => chain[1] ?? new Uint8Array())],
    ],
  ])('%s', async (_, tamper) => {
    const world = new World();
    world.ca.tamperChain = tamper;
    await refuses(world, mode);
  });
});

describe('accepted answers', () => {
  it('an end that is the same, with force and a warning', async () => {
    const world = new World();
    world.ca.tamper = (t) => ({ ...t, notAfter: start + 2 * hour });
    const arn = world.enrol({ extensions: leafExtensions });
    await expect(renewOnDemand(world, { secretId: arn })).rejects.toMatchObject({ name: 'CertificateRejected' });
    const result = await renewOnDemand(world, { secretId: arn, force: true });
    expect(result).toMatchObject({ outcome: 'rekeyed', warnings: [{ code: 'NotExtended' }] });
  });

  it('certificates outside of the path, which are not stored', async () => {
    const world = new World();
    const arn = world.enrol();
    const stray = makeHierarchy(start - hour, start + hour, 'Stray');
    world.ca.tamperChain = (chain) => [...chain, stray.intermediate, world.ca.hierarchy.root];
    await renewOnDemand(world, { secretId: arn });
    const value = world.store.value(arn);
    const { certificateChain } = JSON.parse(value.kind === 'string' ? value.text : '{}');
    expect(certificateChain.match(/BEGIN CERTIFICATE/g)).toHaveLength(1);
  });
});

describe('further refused answers', () => {
  it('the old certificate again', async () => {
    const world = new World();
    const arn = world.enrol();
    const { leaf } = pairOf(world.store.value(arn));
    world.ca.tamperChain = ([, ...rest]) => [leaf.der, ...rest];
    await expect(renewOnDemand(world, { secretId: arn, mode: 'renew', force: true })).rejects.toMatchObject({
      name: 'CertificateRejected',
    });
  });
});

/** An intermediate of the world's CA, by the root of any CA, for its own usages. */
function intermediateBy(
  { ca }: World,
  issuer: { rootName: Uint8Array; rootKey: KeyObject },
  more: { usages?: readonly string[]; notAfter?: number } = {},
) {
  const { intermediateName, intermediateKey } = ca.hierarchy;
  return signCertificate(
    {
      subject: intermediateName,
      spki: spkiOf(intermediateKey),
      notBefore: start - 100 * hour,
      notAfter: more.notAfter ?? start + 1000 * hour,
      extensions: [
        keyUsage('keyCertSign', 'cRLSign'),
        basicConstraints(true, 0),
        subjectKeyIdentifier(spkiOf(intermediateKey)),
        authorityKeyIdentifier(spkiOf(issuer.rootKey)),
        ...(more.usages ? [extendedKeyUsage(...more.usages)] : []),
      ],
    },
    { subject: issuer.rootName, key: issuer.rootKey },
  );
}

/** The chain that a renewal stores, DER in base64. */
async function storedChain(world: World, chain: readonly Uint8Array[], roots: readonly Uint8Array[]) {
  world.ca.tamperChain = ([leaf = new Uint8Array()]) => [leaf, ...chain];
  world.ca.roots = async () => roots;
  const arn = world.enrol();
  await renewOnDemand(world, { secretId: arn });
  const value = world.store.value(arn);
  const { certificateChain } = JSON.parse(value.kind === 'string' ? value.text : '{}');
  return pemBlocks(certificateChain).map(({ der }) => Buffer.from(der).toString('base64'));
}

describe('a cross certificate for clients with another root is kept', () => {
  const base64 = (chain: readonly Uint8Array[]) => chain.map((der) => Buffer.from(der).toString('base64'));

  it.each(['both roots are trusted', 'the new one only', 'the old one only'])('if %s', async (trusted) => {
    const world = new World();
    const { root, intermediate } = world.ca.hierarchy;
    const old = makeHierarchy(start - 100 * hour, start + 500 * hour, 'Old');
    const cross = intermediateBy(world, old, { notAfter: start + 400 * hour });
    const stranger = makeHierarchy(start - 100 * hour, start + 500 * hour, 'Stranger');
    const roots = { 'both roots are trusted': [old.root, root], 'the new one only': [root] }[trusted] ?? [old.root];
    const sent = [stranger.intermediate, old.root, cross, root, intermediate];
    const verified = trusted === 'the old one only' ? [cross, intermediate] : undefined;
    const stored = await storedChain(world, sent, roots);
    expect([...stored].sort()).toEqual(base64([intermediate, cross]).sort());
    if (verified) expect(stored).toEqual(base64(verified));
  });

  it('of the root, behind the intermediate that it issued', async () => {
    const world = new World();
    const { root, rootName, rootKey, intermediate } = world.ca.hierarchy;
    const old = makeHierarchy(start - 100 * hour, start + 500 * hour, 'Old');
    const cross = signCertificate(
      {
        subject: rootName,
        spki: spkiOf(rootKey),
        notBefore: start - hour,
        notAfter: start + 400 * hour,
        extensions: [keyUsage('keyCertSign'), basicConstraints(true), subjectKeyIdentifier(spkiOf(rootKey))],
      },
      { subject: old.rootName, key: old.rootKey },
    );
    for (const roots of [[root], [root, old.root]]) {
      expect(await storedChain(new WorldOf(world), [cross, root, intermediate], roots)).toEqual(
        base64([intermediate, cross]),
      );
    }
  });
});

/** Another world with the same CA. */
class WorldOf extends World {
  constructor({ ca }: World) {
    super();
    this.ca.hierarchy = ca.hierarchy;
  }
}

describe('extended key usages', () => {
  const renewUnder = async (before: readonly string[] | undefined, after: readonly string[] | undefined) => {
    const world = new World();
    const by = (usages: readonly string[] | undefined) =>
      intermediateBy(world, world.ca.hierarchy, usages && { usages });
    world.ca.hierarchy = { ...world.ca.hierarchy, intermediate: by(before) };
    const arn = world.enrol();
    world.ca.hierarchy = { ...world.ca.hierarchy, intermediate: by(after) };
    return renewOnDemand(world, { secretId: arn });
  };
  const mail = '1.3.6.1.5.5.7.3.4';

  it.each([
    ['serverAuth', undefined, [clientAuth]],
    ['both', undefined, [mail]],
    ['serverAuth, and never did', [clientAuth], [clientAuth]],
    ['clientAuth any more', [serverAuth, clientAuth], [serverAuth]],
    ['clientAuth, and the CA before allowed anything', undefined, [serverAuth]],
  ])('are not those of the leaf if its CA does not allow %s', async (_, before, after) => {
    await expect(renewUnder(before, after)).rejects.toMatchObject({
      name: 'CertificateRejected',
      message: expect.stringContaining('extendedKeyUsage'),
    });
  });

  it.each([
    ['both', undefined, [serverAuth, clientAuth]],
    ['anything', [serverAuth, clientAuth], undefined],
    ['serverAuth alone, as it always did', [serverAuth], [serverAuth]],
  ])('are those of the leaf if its CA allows %s', async (_, before, after) => {
    expect(await renewUnder(before, after)).toMatchObject({ outcome: 'rekeyed' });
  });
});
