/**
 * A CA that answers a declaration with a wrong certificate: each answer is CertificateRejected with the reason, and nothing is
 * promoted.
 */
import { createPublicKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Extension } from '../../lambdas/domain/certificate.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import type { DeclarationDocument } from '../../lambdas/policy/declaration.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { oids } from '../../lambdas/x509/oids.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  type CertificateTemplate,
  codeSigning,
  commonNameOnly,
  extendedKeyUsage,
  extension,
  integer,
  keyUsage,
  makeHierarchy,
  oid,
  sequence,
  serverAuth,
  signCertificate,
  spkiOf,
  subjectAltName,
  subjectKeyIdentifier,
} from '../../testkit/certificates/index.ts';
import type { Tamper } from '../../testkit/fakes/ca.ts';
import { hour, issuing, newKey, pairOf, start, World } from './world.ts';

const day = 24 * hour;
const names = ['dns:web.svc.example', 'dns:api.svc.example'];
const declared: Partial<DeclarationDocument> = { dnsNames: names.map((name) => name.slice(4)), duration: '24h' };

const having = (...more: readonly Extension[]): Tamper => {
  const replaced = new Set(more.map((each) => each.oid));
  return (template) => ({
    ...template,
    extensions: [...template.extensions.filter((each) => !replaced.has(each.oid)), ...more],
  });
};
const without =
  (id: string): Tamper =>
  (template) => ({ ...template, extensions: template.extensions.filter((each) => each.oid !== id) });
const fields =
  (more: Partial<CertificateTemplate>): Tamper =>
  (template) => ({ ...template, ...more });
const usual = [serverAuth, oids.clientAuth];

/** `[name, what is signed, what the message says]` */
const templates: readonly (readonly [string, Tamper, RegExp])[] = [
  ['a name more', having(subjectAltName(...names, 'dns:evil.example')), /subjectAltName: dns:evil\.example was not/],
  ['a name less', having(subjectAltName('dns:web.svc.example')), /subjectAltName: dns:api\.svc\.example is missing/],
  ['another name', having(subjectAltName('dns:evil.example')), /subjectAltName: .* is missing.*was not declared/],
  ['a wildcard more', having(subjectAltName(...names, 'dns:*.svc.example')), /subjectAltName: dns:\*\.svc\.example/],
  ['an address more', having(subjectAltName(...names, 'ip:10.0.0.1')), /subjectAltName: ip:10\.0\.0\.1 was not/],
  ['a name of another kind', having(subjectAltName(...names, 'uri:spiffe://a/b')), /subjectAltName: uri:spiffe/],
  [
    'a name of a kind that nothing declares',
    having(subjectAltName(...names, Uint8Array.of(0x88, 3, 0x2a, 3, 4))),
    /subjectAltName: it has a name of another kind/,
  ],
  ['no name at all', without(oids.subjectAltName), /subjectAltName: .* is missing/],
  ['another common name', fields({ subject: commonNameOnly('evil.example') }), /subject: .*evil\.example/],
  ['no usages', without(oids.extendedKeyUsage), /extendedKeyUsage: it is missing/],
  ['any usage', having(extendedKeyUsage(oids.anyExtendedKeyUsage)), /extendedKeyUsage: any/],
  [
    'any usage beside the right ones',
    having(extendedKeyUsage(...usual, oids.anyExtendedKeyUsage)),
    /extendedKeyUsage: any/,
  ],
  ['a usage more', having(extendedKeyUsage(...usual, codeSigning)), /extendedKeyUsage: codeSigning .*was not declared/],
  ['an unknown usage', having(extendedKeyUsage(...usual, '1.2.3.4')), /extendedKeyUsage: 1\.2\.3\.4 was not/],
  ['a CA', having(basicConstraints(true)), /basicConstraints: it is a CA/],
  ['a CA for nothing below it', having(basicConstraints(true, 0)), /basicConstraints: it is a CA/],
  ['keyCertSign', having(keyUsage('digitalSignature', 'keyCertSign')), /keyUsage: keyCertSign is for CAs only/],
  ['cRLSign', having(keyUsage('digitalSignature', 'cRLSign')), /keyUsage: cRLSign is for CAs only/],
  ['no digitalSignature', having(keyUsage('keyAgreement')), /keyUsage: digitalSignature is missing/],
  ['another key', (template) => ({ ...template, spki: spkiOf(newKey()) }), /public key: not the requested one/],
  ['an expired one', fields({ notBefore: start - 2 * day, notAfter: start - day }), /chain|notAfter|valid/],
  ['one that is not valid yet', fields({ notBefore: start + hour, notAfter: start + 20 * hour }), /notBefore: /],
  ['a longer one', fields({ notAfter: start + 25 * hour }), /notAfter: valid for 2.*the declared duration is 24h/],
  ['one for 100 years', fields({ notAfter: start + 36_525 * day }), /notAfter: valid for /],
  ['the serial number 0', fields({ odd: { serialNumber: integer(Uint8Array.of(0)) } }), /serial number is 0/],
  [
    'a negative serial number',
    fields({ odd: { serialNumber: Uint8Array.of(2, 1, 0x80) } }),
    /serial number is negative/,
  ],
  [
    'an unknown critical extension',
    having(extension('1.2.3.4', Uint8Array.of(5, 0), true)),
    /the extension 1\.2\.3\.4 is critical/,
  ],
  [
    'a signature with SHA-1',
    fields({ odd: { algorithm: sequence(oid('1.2.840.10045.4.1')), digest: 'sha1' } }),
    /the signature is .*too weak/,
  ],
];

const other = makeHierarchy(start - day, start + 3650 * day);
const namesake = makeHierarchy(start - day, start + 3650 * day, 'Test');

/** An intermediate of the right root that may issue server certificates only. */
function restricted({ hierarchy }: World['ca']): Uint8Array {
  const { rootName, rootKey, intermediateKey, intermediateName } = hierarchy;
  return signCertificate(
    {
      subject: intermediateName,
      spki: spkiOf(intermediateKey),
      notBefore: start - day,
      notAfter: start + 365 * day,
      extensions: [
        keyUsage('keyCertSign', 'cRLSign'),
        basicConstraints(true, 0),
        subjectKeyIdentifier(spkiOf(intermediateKey)),
        authorityKeyIdentifier(spkiOf(rootKey)),
        extendedKeyUsage(serverAuth),
      ],
    },
    { subject: rootName, key: rootKey },
  );
}

const chains: readonly (readonly [
  string,
  (chain: readonly Uint8Array[], world: World) => readonly Uint8Array[],
  RegExp,
])[] = [
  ['no intermediate', ([leaf]) => (leaf ? [leaf] : []), /chain: /],
  ['no certificate', () => [], /chain: it is empty/],
  ['what is no certificate', () => [Uint8Array.of(0x30, 3, 1, 2, 3)], /not a certificate/],
  ['an intermediate of another root', ([leaf]) => (leaf ? [leaf, other.intermediate, other.root] : []), /chain: /],
  ['the intermediate itself', (_, { ca }) => [ca.hierarchy.intermediate], /subjectAltName: .* is missing/],
  ['a leaf by a namesake', ([leaf]) => (leaf ? [leaf, namesake.intermediate, namesake.root] : []), /chain: /],
  [
    'an intermediate that does not allow a usage',
    ([leaf], { ca }) => (leaf ? [leaf, restricted(ca)] : []),
    /chain: does not allow clientAuth \(extendedKeyUsage\)/,
  ],
  [
    '100 certificates',
    ([leaf, intermediate]) => (leaf && intermediate ? [leaf, ...Array(99).fill(intermediate)] : []),
    /chain: 100 certificates/,
  ],
];

/** A first certificate, or a changed one. */
async function scene(kind: 'first' | 'changed', more: Partial<DeclarationDocument> = {}) {
  const world = new World(issuing);
  const arn = await world.declareCertificate({
    ...declared,
    ...(kind === 'changed' && { dnsNames: ['old.svc.example'] }),
  });
  if (kind === 'changed') {
    await renewOnDemand(world, { secretId: arn });
    await world.declareCertificate({ ...declared, ...more });
    world.publisher.events.length = 0;
    world.clock.advance(60_000);
  }
  return { world, arn, before: world.versionOf(arn), value: world.store.value(arn), tagged: world.store.tagsOf(arn) };
}

type Scene = Awaited<ReturnType<typeof scene>>;

async function expectRejected({ world, arn, before, value, tagged }: Scene, says: RegExp): Promise<void> {
  const staged = world.faults.count('stage');
  const labels = world.labels(arn);
  expect(await renewQueued(world, { secretArn: arn, versionId: before }, 1)).toEqual({});
  expect(world.publisher.events).toMatchObject([
    { type: 'Certificate Renewal Failed', detail: { code: 'CertificateRejected', retryable: false } },
  ]);
  const message = world.publisher.of('Certificate Renewal Failed')[0]?.detail.message;
  expect(message).toMatch(says);
  expect(message).toMatch(/the CA's templates|not a certificate/);
  expect(world.store.value(arn)).toEqual(value);
  expect(world.labels(arn)).toEqual(labels);
  expect(world.faults.count('stage')).toBe(staged);
  const after = world.store.tagsOf(arn);
  expect(after[tags.issued]).toBe(tagged[tags.issued]);
  expect(after[tags.failure]).toMatch(/^1 \S+ CertificateRejected$/);
}

describe.each(['first', 'changed'] as const)('%s', (kind) => {
  it('works if the CA is not hostile', async () => {
    const { world, arn, before } = await scene(kind);
    expect(await renewQueued(world, { secretArn: arn, versionId: before }, 1)).toEqual({});
    expect(world.store.tagsOf(arn)[tags.issued]).toBe(world.store.tagsOf(arn)[tags.declared]);
    const { leaf, key } = pairOf(world.store.value(arn));
    expect(createPublicKey(key).export({ format: 'der', type: 'spki' }).equals(leaf.spki)).toBe(true);
  });

  it.each(templates)('%s', async (_, tamper, says) => {
    const made = await scene(kind);
    made.world.ca.tamper = tamper;
    await expectRejected(made, says);
  });

  it.each(chains)('%s', async (_, tamper, says) => {
    const made = await scene(kind);
    made.world.ca.tamperChain = (chain) => tamper(chain, made.world);
    await expectRejected(made, says);
  });
});

describe('for an issued certificate, in the mode renew', () => {
  const present = ({ world, arn }: Scene) => pairOf(world.store.value(arn)).leaf;

  it('the serial number', async () => {
    const made = await scene('changed');
    const serialNumber = Buffer.from(present(made).serialNumber, 'hex');
    made.world.ca.tamper = (template) => ({ ...template, serialNumber });
    await expectRejected(made, /serial number: the same as that of the present certificate/);
  });

  it('the same certificate again, for a declaration that changes only its duration', async () => {
    const made = await scene('changed', { dnsNames: ['old.svc.example'], duration: '48h' });
    made.world.store.setTags(made.arn, { [tags.mode]: 'renew' });
    made.world.ca.tamperChain = ([, ...chain]) => [present(made).der, ...chain];
    await expectRejected(made, /serial number: the same as that of the present certificate/);
  });
});

describe('without a declared duration', () => {
  const profile = { ...issuing, issue: { allow: ['dns:svc.example'], maxDuration: 12 * hour } };
  const made = (lasts: number) => {
    const world = new World(profile);
    world.ca.tamper = (template) => ({ ...template, notAfter: start + lasts });
    return world;
  };

  it('the CA’s default must not exceed issue.maxDuration', async () => {
    const world = made(24 * hour);
    const arn = await world.declareCertificate();
    const [value, tagged] = [world.store.value(arn), world.store.tagsOf(arn)];
    await expectRejected(
      { world, arn, before: 'v1', value, tagged },
      /no duration is declared and issue\.maxDuration is 12h/,
    );
  });

  it('and may be equal to it', async () => {
    const world = made(12 * hour);
    const secretId = await world.declareCertificate();
    expect(await renewOnDemand(world, { secretId })).toMatchObject({ outcome: 'issued', warnings: [] });
  });
});

describe('allowed deviations of a CA', () => {
  it.each<[string, Tamper, string]>([
    ['leave a usage out', having(extendedKeyUsage(serverAuth)), 'UsageMissing'],
    ['issue for less', (template) => ({ ...template, notAfter: start + 12 * hour }), 'ValidityShortened'],
  ])('%s: with a warning', async (_, tamper, code) => {
    const { world, arn } = await scene('first');
    world.ca.tamper = tamper;
    expect(await renewOnDemand(world, { secretId: arn })).toMatchObject({ outcome: 'issued', warnings: [{ code }] });
  });

  it.each<[string, Tamper]>([
    ['put one of the names into the subject', fields({ subject: commonNameOnly('web.svc.example') })],
    ['issue the names in another order', having(subjectAltName(...[...names].reverse()))],
    ['say that it is no CA', having(basicConstraints(false))],
    ['be half a minute ahead', (template) => ({ ...template, notBefore: start + 30_000 })],
  ])('%s', async (_, tamper) => {
    const { world, arn } = await scene('first');
    world.ca.tamper = tamper;
    expect(await renewOnDemand(world, { secretId: arn })).toMatchObject({ outcome: 'issued', warnings: [] });
  });
});
