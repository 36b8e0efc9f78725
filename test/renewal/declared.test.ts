/** Declared certificates: the first one, a changed one, and plain renewals. */
import { createPrivateKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { formatKeySpec, type KeySpec } from '../../lambdas/domain/key-spec.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import type { DeclarationDocument } from '../../lambdas/policy/declaration.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { scan } from '../../lambdas/renewal/scan/scan.ts';
import { extendedKeyUsages } from '../../lambdas/x509/extensions.ts';
import { subjectAltNames } from '../../lambdas/x509/general-names.ts';
import { formatName } from '../../lambdas/x509/names.ts';
import { commonNameOnly, makeKey } from '../../testkit/certificates/index.ts';
import {
  type EnrolOptions,
  freshDates,
  hour,
  internal,
  issuing,
  newKey,
  pairOf,
  pairValue,
  start,
  World,
} from './world.ts';

const fromQueue = (world: World, arn: string, versionId = world.versionOf(arn), delivery = 1) =>
  renewQueued(world, { secretArn: arn, versionId }, delivery, start);
const onDemand = (world: World, more: object = {}) => renewOnDemand(world, { secretId: 'web/tls', ...more });
const plan = async (world: World) => (await scan(world, { force: false, dryRun: true })).plan;

/** A certificate that was issued by its declaration. */
async function issued(more: Partial<DeclarationDocument> = {}, profile = issuing) {
  const world = new World(profile);
  const arn = await world.declareCertificate(more);
  await fromQueue(world, arn);
  expect(pairOf(world.store.value(arn)).leaf.isCa).toBe(false);
  world.publisher.events.length = 0;
  world.clock.set(start + hour);
  return { world, arn, first: world.versionOf(arn), leaf: () => pairOf(world.store.value(arn)).leaf };
}

describe('a declared certificate in an empty secret', () => {
  it('is recognised by the scan from the tags alone, and issued by a worker', async () => {
    const world = new World(issuing);
    const arn = await world.declareCertificate({ ipAddresses: ['10.0.0.7'] });
    expect(await plan(world)).toMatchObject([{ action: 'issue', reason: { code: 'Missing' }, notAfter: null }]);
    expect(world.faults.count('read')).toBe(0);
    await scan(world, { force: false, dryRun: false });
    expect(world.queue.sent).toEqual([{ secretArn: arn, versionId: 'v1' }]);
    expect(await fromQueue(world, arn)).toEqual({});
    const { leaf } = pairOf(world.store.value(arn));
    expect(subjectAltNames(leaf)).toEqual(['dns:web.svc.example', 'ip:10.0.0.7']);
    const versionId = world.versionOf(arn);
    expect(versionId).toMatch(/^cert-renewer-/);
    expect(world.store.tagsOf(arn)).toMatchObject({
      [tags.versionId]: versionId,
      [tags.issued]: world.store.tagsOf(arn)[tags.declared],
    });
    expect(world.publisher.events).toEqual([
      { type: 'Scan Completed', detail: expect.objectContaining({ enqueued: 1 }) },
      {
        type: 'Certificate Renewed',
        secretArn: arn,
        detail: expect.objectContaining({
          outcome: 'issued',
          operation: 'issue',
          reason: { code: 'Missing', message: expect.any(String) },
          warnings: [],
          versionId,
          previousVersionId: null,
          previousSerialNumber: null,
          subject: '',
          sans: ['dns:web.svc.example', 'ip:10.0.0.7'],
          keyAlgorithm: 'EC P-256',
        }),
      },
    ]);
    expect(await plan(world)).toMatchObject([{ action: 'skip', reason: { code: 'NotDue' } }]);
  });

  it('is issued on demand, as a dry run reports before', async () => {
    const world = new World(issuing);
    const arn = await world.declareCertificate();
    expect(await onDemand(world, { dryRun: true })).toMatchObject({ outcome: 'planned', reason: { code: 'Missing' } });
    expect(world.ca.issued).toHaveLength(0);
    expect(world.versionOf(arn)).toBe('v1');
    expect(await onDemand(world)).toMatchObject({
      outcome: 'issued',
      reason: { code: 'Missing' },
      previousVersionId: null,
    });
  });

  it.each<[string, Partial<DeclarationDocument>, KeySpec]>([
    ['EC P-256 by default', {}, { kty: 'EC', curve: 'P-256' }],
    ['the declared one', { kty: 'EC', curve: 'P-384' }, { kty: 'EC', curve: 'P-384' }],
    ['RSA', { kty: 'RSA', size: 2048 }, { kty: 'RSA', size: 2048 }],
    ['Ed25519', { kty: 'OKP' }, { kty: 'OKP', curve: 'Ed25519' }],
  ])('has a key of its own: %s', async (_, more, spec) => {
    const { leaf } = await issued(more);
    expect(formatKeySpec(leaf().keySpec ?? spec)).toBe(formatKeySpec(spec));
  });

  it("has the profile's kind of key and the profile's duration by default", async () => {
    const profile = {
      ...issuing,
      key: { kty: 'EC', curve: 'P-521' } as const,
      issue: { allow: ['dns:svc.example'], duration: 48 * hour },
    };
    const { leaf } = await issued({}, profile);
    expect(leaf().keySpec).toEqual({ kty: 'EC', curve: 'P-521' });
    expect(leaf().notAfter).toBe(start + 48 * hour);
  });

  it('has the subject and the usages that are declared', async () => {
    const { leaf } = await issued({ commonName: 'web.svc.example', usages: ['clientAuth'], duration: '2h' });
    expect(formatName(leaf().subject)).toBe('CN=web.svc.example');
    expect(extendedKeyUsages(leaf())).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(leaf().notAfter).toBe(start + 2 * hour);
  });

  it('has its key in KMS, which stays unchanged', async () => {
    const world = new World(issuing);
    const kmsKeyId = world.vault.add({ spec: { kty: 'EC', curve: 'P-256' }, alias: 'web' });
    const arn = await world.declareCertificate({ kmsKeyId: 'alias/web' });
    expect(await onDemand(world)).toMatchObject({ outcome: 'issued' });
    const value = world.store.value(arn);
    expect(JSON.parse(value.kind === 'string' ? value.text : '')).toMatchObject({ kmsKeyId });
    world.clock.set(start + hour);
    expect(await onDemand(world)).toMatchObject({ outcome: 'renewed', reason: { code: 'Requested' } });
  });

  it('keeps its key in KMS, although a request or a tag asks for another', async () => {
    const world = new World(issuing);
    world.vault.add({ spec: { kty: 'EC', curve: 'P-256' }, alias: 'web' });
    const arn = await world.declareCertificate({ kmsKeyId: 'alias/web' });
    for (const more of [{ kty: 'RSA' }, { mode: 'rekey' }]) {
      await expect(onDemand(world, more)).rejects.toMatchObject({ code: 'InvalidRequest' });
    }
    world.store.setTags(arn, { [tags.mode]: 'rekey' });
    await expect(onDemand(world)).rejects.toMatchObject({ code: 'InvalidTag' });
    expect(world.ca.issued).toHaveLength(0);
  });

  it('warns of a window that does not fit into its validity, from the first certificate on', async () => {
    const world = new World(issuing);
    const arn = await world.declareCertificate({ duration: '24h' });
    world.store.setTags(arn, { [tags.expiresIn]: '30h' });
    expect(await onDemand(world)).toMatchObject({ outcome: 'issued', warnings: [{ code: 'WindowClamped' }] });
    world.clock.set(start + hour);
    await world.declareCertificate({ duration: '12h' });
    expect(await onDemand(world)).toMatchObject({ outcome: 'issued', warnings: [{ code: 'WindowClamped' }] });
  });

  it('is not issued while it is paused', async () => {
    const world = new World(issuing);
    const arn = await world.declareCertificate();
    world.store.setTags(arn, { [tags.paused]: 'true' });
    expect(await plan(world)).toMatchObject([{ action: 'skip', reason: { code: 'Paused' } }]);
    expect(await onDemand(world)).toMatchObject({ outcome: 'skipped', reason: { code: 'Paused' } });
    expect(await onDemand(world, { force: true })).toMatchObject({ outcome: 'issued' });
  });

  it('is overdue an hour after its secret was made, but not while it is paused', async () => {
    const world = new World(issuing);
    const arn = await world.declareCertificate();
    const overdue = async () => (await scan(world, { force: false, dryRun: true })).overdue;
    expect(await overdue()).toBe(0);
    world.clock.set(start + hour);
    expect(await overdue()).toBe(1);
    await scan(world, { force: false, dryRun: false });
    expect(world.publisher.events).toMatchObject([
      { type: 'Certificate Renewal Overdue', detail: { renewAt: '2026-11-22T13:00:00Z', notAfter: null } },
      { type: 'Scan Completed' },
    ]);
    world.store.setTags(arn, { [tags.paused]: 'true' });
    expect(await overdue()).toBe(0);
  });
});

it('many missing certificates are issued over several seconds, fifteen in each', async () => {
  const world = new World(issuing);
  for (let n = 0; n < 40; n++) await world.declareCertificate({ secretName: `web/${n}` });
  world.enrol({ name: 'due' });
  await scan(world, { force: false, dryRun: false });
  const sends = world.faults.calls.filter(({ method }) => method === 'send').map(({ args }) => args);
  const counts = new Map<unknown, number>();
  for (const [messages, delay] of sends) {
    counts.set(delay ?? 0, (counts.get(delay ?? 0) ?? 0) + (Array.isArray(messages) ? messages.length : 0));
  }
  expect([...counts].sort()).toEqual([
    [0, 16],
    [1, 15],
    [2, 10],
  ]);
});

describe('a changed declaration', () => {
  it.each<[string, Partial<DeclarationDocument>]>([
    ['a name is added', { dnsNames: ['web.svc.example', 'api.svc.example'] }],
    ['a name is exchanged', { dnsNames: ['api.svc.example'] }],
    ['an address is added', { ipAddresses: ['10.0.0.7'] }],
    ['the duration', { duration: '12h' }],
    ['the kind of key', { kty: 'EC', curve: 'P-384' }],
    ['the usages', { usages: ['serverAuth'] }],
    ['a common name', { commonName: 'web.svc.example' }],
  ])(
    '%s: one new version, the old pair is AWSPREVIOUS; the same declaration again changes nothing',
    async (_, more) => {
      const { world, arn, first, leaf } = await issued();
      const before = leaf();
      await world.declareCertificate(more);
      expect(await plan(world)).toMatchObject([{ action: 'issue', reason: { code: 'Changed' } }]);
      await fromQueue(world, arn);
      expect(world.publisher.events).toMatchObject([
        {
          type: 'Certificate Renewed',
          detail: {
            ...{ outcome: 'issued', operation: 'issue', reason: { code: 'Changed' } },
            ...{ previousVersionId: first, previousSerialNumber: before.serialNumber },
          },
        },
      ]);
      expect(world.labels(arn)[first]).toEqual(['AWSPREVIOUS']);
      expect(leaf().spki).not.toEqual(before.spki);
      const second = world.versionOf(arn);
      await world.declareCertificate(more);
      expect(await plan(world)).toMatchObject([{ action: 'skip', reason: { code: 'NotDue' } }]);
      await fromQueue(world, arn);
      expect(world.versionOf(arn)).toBe(second);
      expect(world.ca.issued).toHaveLength(2);
    },
  );

  it('is issued at once, although the certificate is a minute old', async () => {
    const world = new World(issuing);
    const arn = await world.declareCertificate();
    await fromQueue(world, arn);
    world.clock.set(start + 60_000);
    await world.declareCertificate({ dnsNames: ['api.svc.example'] });
    expect(await onDemand(world)).toMatchObject({ outcome: 'issued', reason: { code: 'Changed' } });
    expect(await onDemand(world)).toMatchObject({ outcome: 'skipped', reason: { code: 'RecentlyRenewed' } });
    expect(world.versionOf(arn)).toMatch(/^cert-renewer-/);
  });

  it('a window in the request does not warn: it is not the certificate’s', async () => {
    const { world } = await issued();
    await world.declareCertificate({ dnsNames: ['api.svc.example'] });
    expect(await onDemand(world, { expiresIn: '1s' })).toMatchObject({ outcome: 'issued', warnings: [] });
  });

  it('keeps the key in mode renew', async () => {
    const { world, arn, leaf } = await issued();
    const before = leaf();
    world.store.setTags(arn, { [tags.mode]: 'renew' });
    await world.declareCertificate({ dnsNames: ['api.svc.example'] });
    await fromQueue(world, arn);
    expect(subjectAltNames(leaf())).toEqual(['dns:api.svc.example']);
    expect(leaf().spki).toEqual(before.spki);
  });

  it('issues nothing if only the tag changed: the parameter decides', async () => {
    const { world, arn, first } = await issued();
    world.store.setTags(arn, { [tags.declared]: 'f'.repeat(32) });
    expect(await plan(world)).toMatchObject([{ action: 'issue', reason: { code: 'Changed' } }]);
    await fromQueue(world, arn);
    expect(world.versionOf(arn)).toBe(first);
    expect(world.ca.issued).toHaveLength(1);
  });

  it('keeps the shape of the secret', async () => {
    const world = new World(issuing);
    const arn = await world.declareCertificate({ shape: 'tls' });
    await fromQueue(world, arn);
    expect(world.versionOf(arn)).not.toBe('v1');
    await world.declareCertificate({ shape: 'camel', dnsNames: ['api.svc.example'] });
    await fromQueue(world, arn);
    const value = world.store.value(arn);
    expect(Object.keys(JSON.parse(value.kind === 'string' ? value.text : ''))).toEqual(['tls.crt', 'tls.key']);
  });
});

describe('a declared certificate is renewed like any other', () => {
  it('with an unchanged tag of the declaration', async () => {
    const { world, arn, leaf } = await issued();
    const before = leaf();
    const declared = world.store.tagsOf(arn)[tags.issued];
    world.clock.set(start + 20 * hour);
    await fromQueue(world, arn);
    expect(world.publisher.events).toMatchObject([{ detail: { outcome: 'rekeyed', operation: 'rekey' } }]);
    expect(subjectAltNames(leaf())).toEqual(subjectAltNames(before));
    expect(world.store.tagsOf(arn)[tags.issued]).toBe(declared);
  });

  it('if nothing is declared any more, with a warning', async () => {
    const { world, arn } = await issued();
    world.declarations.remove('web/tls');
    world.clock.set(start + 20 * hour);
    await fromQueue(world, arn);
    expect(world.publisher.events).toMatchObject([
      { detail: { operation: 'rekey', warnings: [{ code: 'DeclarationMissing' }] } },
    ]);
  });

  it('or issued again if it has expired and the CA does not renew it', async () => {
    const { world, arn, leaf } = await issued();
    world.clock.set(start + 30 * hour);
    expect(await onDemand(world)).toMatchObject({ outcome: 'issued', reason: { code: 'Expired' } });
    expect(leaf().notAfter).toBeGreaterThan(start + 50 * hour);
    expect(world.versionOf(arn)).toMatch(/^cert-renewer-/);
  });

  it('or issued again if the CA does not renew this kind of certificate', async () => {
    const { world } = await issued({ usages: ['serverAuth'] });
    expect(await onDemand(world, { dryRun: true })).toMatchObject({ outcome: 'planned' });
    expect(await onDemand(world)).toMatchObject({ outcome: 'issued', reason: { code: 'Requested' } });
  });

  it('or issued again for another key in KMS, if the CA does not rekey', async () => {
    const world = new World(issuing);
    world.vault.add({ spec: { kty: 'EC', curve: 'P-256' }, alias: 'web' });
    const other = world.vault.add({ spec: { kty: 'EC', curve: 'P-384' } });
    const arn = await world.declareCertificate({ kmsKeyId: 'alias/web' });
    await fromQueue(world, arn);
    world.clock.set(start + hour);
    const answer = await onDemand(world, { privateKey: { kmsKeyId: other } });
    expect(answer).toMatchObject({ outcome: 'issued', keyAlgorithm: 'EC P-384' });
  });

  it('but any other refusal stays a refusal', async () => {
    const { world, first, arn } = await issued();
    world.ca.faults.failBefore('rekey', new RenewalError('CaRejected', 'Revoked.'), { times: Infinity });
    await expect(onDemand(world)).rejects.toMatchObject({ code: 'CaRejected' });
    expect(world.versionOf(arn)).toBe(first);
  });
});

describe('nothing is issued', () => {
  it.each<[string, Partial<DeclarationDocument>, typeof issuing, RegExp]>([
    [
      'a name outside of issue.allow',
      { dnsNames: ['web.other.example'] },
      issuing,
      /dns:web\.other\.example is outside/,
    ],
    ['a common name of another text', { commonName: 'Somebody' }, issuing, /common name/],
    [
      'more than issue.maxDuration',
      { duration: '72h' },
      { ...issuing, issue: { allow: ['dns:svc.example'], maxDuration: 48 * hour } },
      /maxDuration/,
    ],
    ['anything in a profile without issue', {}, internal, /no "issue"/],
  ])('%s: the CA is not asked', async (_, more, profile, message) => {
    const world = new World(profile);
    const arn = await world.declareCertificate(more);
    await expect(onDemand(world)).rejects.toMatchObject({
      code: 'IssuanceNotAllowed',
      message: expect.stringMatching(message),
    });
    expect(world.ca.faults.calls.filter(({ method }) => method === 'issue')).toEqual([]);
    expect(world.versionOf(arn)).toBe('v1');
    expect(world.publisher.events).toMatchObject([
      { type: 'Certificate Renewal Failed', detail: { code: 'IssuanceNotAllowed', notAfter: null } },
    ]);
    expect(world.store.tagsOf(arn)[tags.failure]).toMatch(/^1 \S+ IssuanceNotAllowed$/);
    expect(await plan(world)).toMatchObject([{ action: 'skip', reason: { code: 'BackingOff' } }]);
  });

  it('if another profile declares the certificate', async () => {
    const world = new World(issuing, { ...issuing, name: 'other' });
    const arn = await world.declareCertificate({ profile: 'other' });
    world.store.setTags(arn, { [tags.profile]: 'internal' });
    await expect(onDemand(world)).rejects.toMatchObject({ code: 'IssuanceNotAllowed' });
  });

  it('by a CA that is configured for renewals only', async () => {
    const world = new World(issuing);
    world.ca.issues = false;
    await world.declareCertificate();
    await expect(onDemand(world)).rejects.toMatchObject({ code: 'IssuanceNotAllowed' });
  });

  it('for an empty secret whose declaration is gone', async () => {
    const world = new World(issuing);
    await world.declareCertificate();
    world.declarations.remove('web/tls');
    await expect(onDemand(world)).rejects.toMatchObject({ code: 'UnsupportedSecret' });
  });

  it('for a secret without a value: the error says what to do', async () => {
    const world = new World(issuing);
    world.store.add({ name: 'web/tls', tags: { [tags.profile]: 'internal' } });
    await world.declareCertificate();
    await expect(onDemand(world)).rejects.toMatchObject({
      code: 'UnsupportedSecret',
      message: expect.stringContaining('store {} in it'),
    });
  });

  it('as a PKCS#12 file in a profile without a password: the CA is not asked', async () => {
    const world = new World(issuing);
    await world.declareCertificate({ shape: 'pkcs12' });
    await expect(onDemand(world)).rejects.toMatchObject({ code: 'PasswordRequired' });
    expect(world.ca.issued).toEqual([]);
  });

  it('into another secret, before it exists', async () => {
    const world = new World(issuing);
    await world.declareCertificate();
    world.store.add({ name: 'copy', tags: { [tags.profile]: 'internal' } });
    await expect(onDemand(world, { out: { secretId: 'copy' } })).rejects.toMatchObject({ code: 'InvalidRequest' });
  });

  it('for a secret without the tag of a declaration: no declaration is read', async () => {
    const world = new World(issuing);
    world.enrol();
    world.declarations.set({ secretName: 'web/tls', profile: 'internal', dnsNames: ['web.svc.example'] });
    expect(await onDemand(world)).toMatchObject({ outcome: 'rekeyed' });
    expect(world.faults.count('declaration')).toBe(0);
  });
});

describe('an existing pair', () => {
  /** A pair that a deployment finds in the secret. */
  const found = async (options: EnrolOptions, more: Partial<DeclarationDocument> = {}) => {
    const world = new World(issuing);
    const arn = world.enrol({ ...freshDates, ...options });
    await world.declareCertificate({ dnsNames: ['leaf.svc.example'], ...more });
    return { world, arn };
  };

  it('stays if it is the declared certificate: the tag is written, and nothing issued', async () => {
    const { world, arn } = await issued();
    world.store.setTags(arn, {}, [tags.issued]);
    expect(await plan(world)).toMatchObject([{ action: 'issue' }]);
    const version = world.versionOf(arn);
    await fromQueue(world, arn);
    expect(world.versionOf(arn)).toBe(version);
    expect(world.ca.issued).toHaveLength(1);
    expect(world.store.tagsOf(arn)[tags.issued]).toBe(world.store.tagsOf(arn)[tags.declared]);
  });

  it('is replaced in its own shape if it is another certificate', async () => {
    const { world, arn } = await found({});
    expect(await onDemand(world)).toMatchObject({
      outcome: 'issued',
      reason: { code: 'Changed' },
      previousVersionId: 'v1',
    });
    expect(subjectAltNames(pairOf(world.store.value(arn)).leaf)).toEqual(['dns:leaf.svc.example']);
    expect(world.labels(arn)['v1']).toEqual(['AWSPREVIOUS']);
  });

  it('is replaced by a pair with an encrypted key if the profile has a password, although its key is not encrypted', async () => {
    const world = new World({ ...issuing, passwordSecretId: 'pki/password' });
    world.store.add({ name: 'pki/password', value: 'correct horse' });
    const arn = world.enrol(freshDates);
    expect(await onDemand(world)).toMatchObject({ outcome: 'rekeyed' });
    const keyOf = () => {
      const value = world.store.value(arn);
      return String(JSON.parse(value.kind === 'string' ? value.text : '').privateKey);
    };
    expect(keyOf()).toContain('BEGIN PRIVATE KEY'); // as it was: without a declaration
    await world.declareCertificate();
    expect(await onDemand(world)).toMatchObject({ outcome: 'issued' });
    expect(keyOf()).toContain('BEGIN ENCRYPTED PRIVATE KEY');
    expect(createPrivateKey({ key: keyOf(), passphrase: 'correct horse' }).asymmetricKeyType).toBe('ec');
  });

  it('is replaced if the key does not belong to the certificate', async () => {
    const world = new World(issuing);
    const { leaf, chain } = world.ca.issueLeaf({
      key: newKey(),
      subject: commonNameOnly('leaf.example'),
      ...freshDates,
    });
    const arn = world.store.add({
      name: 'web/tls',
      value: JSON.stringify({ ...JSON.parse(pairValue(leaf, chain, newKey())), note: 'kept' }),
      versionId: 'v1',
      tags: { [tags.profile]: 'internal' },
    });
    await expect(onDemand(world)).rejects.toMatchObject({ code: 'KeyMismatch' });
    await world.declareCertificate();
    expect(await onDemand(world)).toMatchObject({ outcome: 'issued', previousVersionId: 'v1' });
    const value = world.store.value(arn);
    expect(JSON.parse(value.kind === 'string' ? value.text : '')).toMatchObject({ note: 'kept' });
  });

  it.each<[string, string]>([
    ['another text', 'my own notes'],
    ['JSON of something else', '{"username":"me","password":"x"}'],
    [
      'a certificate that is none',
      JSON.stringify({
        certificate: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
        privateKey: makeKey().export({ type: 'pkcs8', format: 'pem' }),
      }),
    ],
  ])('stays if it is %s, except with force', async (_, value) => {
    const world = new World(issuing);
    world.store.add({ name: 'web/tls', value, versionId: 'v1', tags: { [tags.profile]: 'internal' } });
    const arn = await world.declareCertificate();
    await expect(onDemand(world)).rejects.toMatchObject({
      code: expect.stringMatching(/UnsupportedSecret|InvalidCertificate/),
    });
    expect(world.store.value(arn)).toEqual({ kind: 'string', text: value });
    expect(await onDemand(world, { force: true })).toMatchObject({ outcome: 'issued' });
    expect(world.labels(arn)['v1']).toEqual(['AWSPREVIOUS']);
  });
});

describe('a worker that was stopped', () => {
  it('after the promotion: the next inspection reports the issuance, and issues nothing', async () => {
    const world = new World(issuing);
    const arn = await world.declareCertificate();
    world.faults.failBefore('publish', new RenewalError('Throttled', 'Busy.'));
    await fromQueue(world, arn);
    expect(world.store.tagsOf(arn)[tags.issued]).toBeUndefined();
    const version = world.versionOf(arn);
    await fromQueue(world, arn);
    expect(world.versionOf(arn)).toBe(version);
    expect(world.publisher.events).toMatchObject([
      { detail: { operation: 'issue', outcome: 'issued', previousVersionId: null, previousSerialNumber: null } },
    ]);
    expect(world.store.tagsOf(arn)[tags.issued]).toBe(world.store.tagsOf(arn)[tags.declared]);
  });

  it('after the promotion of a changed certificate', async () => {
    const { world, arn, first } = await issued();
    await world.declareCertificate({ dnsNames: ['api.svc.example'] });
    world.faults.failBefore('publish', new RenewalError('Throttled', 'Busy.'));
    await fromQueue(world, arn);
    const version = world.versionOf(arn);
    await fromQueue(world, arn);
    expect(world.versionOf(arn)).toBe(version);
    expect(world.publisher.events).toMatchObject([{ detail: { operation: 'issue', previousVersionId: first } }]);
    expect(world.store.tagsOf(arn)[tags.issued]).toBe(world.store.tagsOf(arn)[tags.declared]);
  });

  it('after the pair was staged: it is promoted, and not issued again', async () => {
    const world = new World(issuing);
    const arn = await world.declareCertificate();
    world.faults.failBefore('promote', new RenewalError('AccessDenied', 'No.'));
    await fromQueue(world, arn);
    expect(world.ca.issued).toHaveLength(1);
    await fromQueue(world, arn);
    expect(world.ca.issued).toHaveLength(1);
    expect(world.versionOf(arn)).toMatch(/^cert-renewer-/);
  });

  it('after the pair was staged, with a declaration that has changed since: another certificate is issued', async () => {
    const world = new World(issuing);
    const arn = await world.declareCertificate();
    world.faults.failBefore('promote', new RenewalError('AccessDenied', 'No.'));
    await fromQueue(world, arn);
    await world.declareCertificate({ dnsNames: ['api.svc.example'] });
    await fromQueue(world, arn);
    expect(world.ca.issued).toHaveLength(2);
    expect(subjectAltNames(pairOf(world.store.value(arn)).leaf)).toEqual(['dns:api.svc.example']);
  });
});
