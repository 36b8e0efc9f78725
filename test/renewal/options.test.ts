/** Given keys, `out`, and native rotation (docs/options/). */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { rotateStep } from '../../lambdas/renewal/entry/rotation.ts';
import { scan } from '../../lambdas/renewal/scan/scan.ts';
import { freshDates, newKey, pairOf, World } from './world.ts';

const pem = (key: KeyObject) => String(key.export({ format: 'pem', type: 'pkcs8' }));
const ours = { [tags.profile]: 'internal' };

describe('privateKey', () => {
  it.each([
    ['PEM text', (key: KeyObject) => pem(key)],
    ['JSON', (key: KeyObject) => JSON.stringify({ privateKey: pem(key) })],
    ['JSON, snake', (key: KeyObject) => JSON.stringify({ private_key: pem(key), note: 'x' })],
  ])('of a secret, as %s, is the new key', async (_, write) => {
    const world = new World();
    const arn = world.enrol({ tags: { [tags.kty]: 'RSA' } });
    const key = newKey();
    world.store.add({ name: 'keys/next', value: write(key), tags: ours });
    const result = await renewOnDemand(world, { secretId: arn, privateKey: { secretId: 'keys/next' } });
    expect(result).toMatchObject({ outcome: 'rekeyed', keyAlgorithm: 'EC P-256' });
    expect(pairOf(world.store.value(arn)).key.equals(key)).toBe(true);
  });

  it('in KMS: the secret names it from then on', async () => {
    const world = new World();
    const arn = world.enrol();
    const kmsKeyId = world.vault.add({ spec: { kty: 'EC', curve: 'P-384' }, alias: 'next' });
    await renewOnDemand(world, { secretId: arn, privateKey: { kmsKeyId: 'alias/next' } });
    const value = world.store.value(arn);
    const parsed = JSON.parse(value.kind === 'string' ? value.text : '');
    expect(Object.keys(parsed)).toEqual(['certificate', 'kmsKeyId', 'certificateChain']);
    expect(parsed.kmsKeyId).toBe(kmsKeyId);
    expect(world.publisher.events[0]).toMatchObject({ detail: { keyAlgorithm: 'EC P-384', operation: 'rekey' } });
  });

  it.each<[string, string, (world: World) => object]>([
    [
      'the old key',
      'WeakKey',
      (world) => ({
        secretId: world.store.add({ name: 'k', value: pem(pairOf(world.store.value('web/tls')).key), tags: ours }),
      }),
    ],
    [
      'RSA under 2048',
      'WeakKey',
      (world) => ({
        secretId: world.store.add({
          name: 'k',
          value: pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey),
          tags: ours,
        }),
      }),
    ],
    [
      'RSA with a tiny exponent',
      'WeakKey',
      (world) => ({
        secretId: world.store.add({
          name: 'k',
          value: pem(generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).privateKey),
          tags: ours,
        }),
      }),
    ],
    [
      'a secret of another profile',
      'SecretNotEnrolled',
      (world) => ({
        secretId: world.store.add({ name: 'k', value: pem(newKey()), tags: { [tags.profile]: 'other' } }),
      }),
    ],
    ['a secret that is not there', 'SecretNotFound', () => ({ secretId: 'nowhere' })],
    [
      'no key',
      'UnsupportedSecret',
      (world) => ({ secretId: world.store.add({ name: 'k', value: '{"a":1}', tags: ours }) }),
    ],
    ['a KMS key that is not there', 'KmsDenied', () => ({ kmsKeyId: 'alias/nowhere' })],
  ])('%s: %s, before the CA is asked and without a failure of the certificate', async (_, code, given) => {
    const world = new World();
    const arn = world.enrol();
    await expect(renewOnDemand(world, { secretId: arn, privateKey: given(world) })).rejects.toMatchObject({
      name: code,
    });
    expect(world.ca.faults.calls).toEqual([]);
    expect(world.versionOf(arn)).toBe('v1');
    expect(world.store.tagsOf(arn)).not.toHaveProperty(tags.failure);
    expect(world.publisher.events).toEqual([]);
  });

  it('for a key in KMS at step-ca: refused, with the reason', async () => {
    const world = new World();
    const key = newKey();
    const kmsKeyId = world.vault.add({ spec: { kty: 'EC', curve: 'P-256' }, privateKey: key });
    const arn = world.enrol({ key });
    const value = world.store.value(arn);
    const { certificate, certificateChain } = JSON.parse(value.kind === 'string' ? value.text : '');
    world.store.write(arn, JSON.stringify({ certificate, kmsKeyId, certificateChain }), 'v2');
    const next = world.vault.add({ spec: { kty: 'EC', curve: 'P-256' } });
    const tried = renewOnDemand(world, { secretId: arn, privateKey: { kmsKeyId: next } });
    await expect(tried).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: expect.stringMatching(/TLS with the old key/),
    });
  });

  it('against mode renew in the tag: refused', async () => {
    const world = new World();
    const arn = world.enrol({ tags: { [tags.mode]: 'renew' } });
    for (const request of [
      { kty: 'RSA' },
      { privateKey: { kmsKeyId: world.vault.add({ spec: { kty: 'EC', curve: 'P-256' } }) } },
    ]) {
      await expect(renewOnDemand(world, { secretId: arn, ...request })).rejects.toMatchObject({
        name: 'InvalidRequest',
      });
    }
    expect(await renewOnDemand(world, { secretId: arn, mode: 'rekey', kty: 'OKP' })).toMatchObject({
      keyAlgorithm: 'OKP Ed25519',
    });
  });
});

describe('out', () => {
  it('gets the pair in one write, in the source’s shape; the source stays', async () => {
    const world = new World();
    const arn = world.enrol();
    const source = world.store.value(arn);
    const out = world.store.add({ name: 'web/next', tags: { ...ours, [tags.paused]: 'true' } });
    const result = await renewOnDemand(world, { secretId: arn, out: { secretId: 'web/next' } });
    expect(result).toMatchObject({
      outcome: 'rekeyed',
      secretArn: arn,
      versionId: 'v1',
      previousVersionId: null,
      out: { secretArn: out, versionId: world.versionOf(out) },
    });
    expect(world.store.value(arn)).toEqual(source);
    expect(world.labels(arn)).toEqual({ v1: ['AWSCURRENT'] });
    const { leaf } = pairOf(world.store.value(out));
    expect(leaf.serialNumber).toBe(result.serialNumber);
    expect(world.store.versionIds(out)).toHaveLength(1);
    expect(world.store.tagsOf(out)).toMatchObject({
      [tags.versionId]: world.versionOf(out),
      [tags.notAfter]: result.notAfter,
    });
    expect(world.publisher.events).toMatchObject([
      { type: 'Certificate Renewed', detail: { out: { secretArn: out } } },
    ]);
    expect(await scan(world, { force: false, dryRun: true })).toMatchObject({ paused: 1 });
  });

  it('that has a value needs force, and keeps the old value as AWSPREVIOUS', async () => {
    const world = new World();
    const arn = world.enrol();
    const out = world.store.add({ name: 'web/next', value: 'old', versionId: 'o1', tags: ours });
    const request = { secretId: arn, out: { secretId: out } };
    await expect(renewOnDemand(world, request)).rejects.toMatchObject({ name: 'OutputExists' });
    expect(world.ca.faults.calls).toEqual([]);
    await renewOnDemand(world, { ...request, force: true });
    expect(world.labels(out)['o1']).toEqual(['AWSPREVIOUS']);
    expect(world.versionOf(out)).toMatch(/^cert-renewer-/);
  });

  it('keeps a value that another writer puts meanwhile', async () => {
    const world = new World();
    const arn = world.enrol();
    const out = world.store.add({ name: 'web/next', value: 'old', versionId: 'o1', tags: ours });
    world.faults.meanwhile('before', 'promote', () => world.store.write(out, 'theirs', 'theirs'));
    await renewOnDemand(world, { secretId: arn, out: { secretId: out }, force: true });
    expect(world.store.value(out, 'theirs')).toEqual({ kind: 'string', text: 'theirs' });
    expect(world.labels(out)['theirs']).toEqual(['AWSPREVIOUS']);
  });

  it.each(['tag', 'stage', 'promote'])('whose %s is denied is no failure of the source', async (call) => {
    const world = new World();
    const arn = world.enrol();
    const out = world.store.add({ name: 'web/next', value: 'old', tags: ours });
    world.faults.failBefore(call, new RenewalError('AccessDenied', 'no'), { times: 9 });
    const tried = renewOnDemand(world, { secretId: arn, out: { secretId: out }, force: true });
    await expect(tried).rejects.toMatchObject({ name: 'AccessDenied' });
    expect(world.store.tagsOf(arn)).not.toHaveProperty(tags.failure);
    expect(world.publisher.events).toEqual([]);
  });

  it('keeps its failure if the pair could not be written', async () => {
    const world = new World();
    const arn = world.enrol();
    const out = world.enrol({ ...freshDates, name: 'web/next', versionId: 'o1' });
    const failure = '5 2026-11-22T11:00:00Z CaRejected';
    world.store.setTags(out, { [tags.versionId]: 'o1', [tags.failure]: failure });
    world.faults.failBefore('stage', new RenewalError('AccessDenied', 'no'));
    const tried = renewOnDemand(world, { secretId: arn, out: { secretId: out }, force: true });
    await expect(tried).rejects.toMatchObject({ name: 'AccessDenied' });
    await renewOnDemand(world, { secretId: out, expiresIn: '1h' });
    expect(world.store.tagsOf(out)[tags.failure]).toBe(failure);
  });

  it.each<[string, string, (world: World) => string]>([
    ['not there', 'SecretNotFound', () => 'nowhere'],
    [
      'of another profile',
      'SecretNotEnrolled',
      (world) => world.store.add({ name: 'o', tags: { [tags.profile]: 'other' } }),
    ],
    ['without a tag', 'SecretNotEnrolled', (world) => world.store.add({ name: 'o' })],
    ['the source itself', 'InvalidRequest', (world) => world.store.summary('web/tls').arn],
    ['a replica', 'InvalidRequest', (world) => world.store.add({ name: 'o', tags: ours, primaryRegion: 'eu-west-1' })],
  ])('%s: %s', async (_, code, output) => {
    const world = new World();
    const arn = world.enrol();
    const tried = renewOnDemand(world, { secretId: arn, out: { secretId: output(world) } });
    await expect(tried).rejects.toMatchObject({ name: code });
    expect(world.ca.faults.calls).toEqual([]);
    expect(world.publisher.events).toEqual([]);
  });
});

describe('native rotation', () => {
  const token = '11111111-2222-4333-8444-555555555555';
  const steps = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'];

  async function rotating() {
    const world = Object.assign(new World(), { rotationFunctionArn: 'arn:renew' });
    const arn = world.enrol(freshDates);
    world.store.setRotation(arn, { enabled: true, functionArn: 'arn:renew' });
    return { world, arn };
  }
  const event = (Step: string, SecretId: string) => ({ Step, SecretId, ClientRequestToken: token });

  it('is answered in four steps, each of which may come twice', async () => {
    const { world, arn } = await rotating();
    const before = pairOf(world.store.value(arn));
    world.store.beginRotation(arn, token);
    for (const step of [...steps, ...steps]) {
      await rotateStep(world, event(step, arn));
      if (step === 'createSecret') await rotateStep(world, event(step, arn));
    }
    expect(world.versionOf(arn)).toBe(token);
    expect(pairOf(world.store.value(arn)).leaf.spki).not.toEqual(before.leaf.spki);
    expect(world.ca.issued).toHaveLength(1);
    expect(world.publisher.events).toHaveLength(1);
    expect(world.store.tagsOf(arn)[tags.versionId]).toBe(token);
  });

  it('is refused if there is no rotation', async () => {
    const { world, arn } = await rotating();
    await expect(rotateStep(world, event('createSecret', arn))).rejects.toMatchObject({ name: 'InvalidRequest' });
    await expect(rotateStep(world, { ...event('dropSecret', arn) })).rejects.toMatchObject({ name: 'InvalidRequest' });
  });

  it('promotes nothing that is not proven', async () => {
    const { world, arn } = await rotating();
    world.store.beginRotation(arn, token);
    for (const step of ['testSecret', 'finishSecret']) {
      await expect(rotateStep(world, event(step, arn))).rejects.toMatchObject({ name: 'CertificateRejected' });
    }
    expect(world.versionOf(arn)).toBe('v1');
  });

  it('by us leaves the secret to the schedule too', async () => {
    const { world } = await rotating();
    expect(await scan(world, { force: false, dryRun: true })).toMatchObject({
      enqueued: 1,
      plan: [{ reason: { code: 'Unknown' } }],
    });
  });
});
