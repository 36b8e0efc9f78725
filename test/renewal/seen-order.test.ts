/** Unit tests of the key that a CA is asked with, and of a pair that an earlier try has staged. */
import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { FakeCa } from '../../testkit/fakes/ca.ts';
import { encrypted } from './stage.ts';
import { freshDates, hour, internal, newKey, pairOf, pairValue, start, World } from './world.ts';

describe('the key of a renewal', () => {
  it('is shown to the CA, and stays in the secret as it is written there', async () => {
    const world = new World();
    const key = newKey();
    const arn = world.enrol({ key, tags: { [tags.mode]: 'renew' } });
    const value = world.store.value(arn);
    const privateKey = String(key.export({ type: 'sec1', format: 'pem' }));
    const document = JSON.parse(value.kind === 'string' ? value.text : '');
    world.store.write(arn, JSON.stringify({ ...document, privateKey }), 'v2');
    await renewOnDemand(world, { secretId: arn });
    const after = world.store.value(arn);
    expect(after.kind === 'string' && JSON.parse(after.text).privateKey).toBe(privateKey);
    expect(world.ca.faults.calls[0]?.args.at(-1)).toMatchObject({ key: { privateKey: expect.anything() } });
  });

  it('stays encrypted as it is', async () => {
    const world = new World({ ...internal, mode: 'renew', passwordSecretId: 'pki/password' });
    world.store.add({ name: 'pki/password', value: 'secret' });
    const key = newKey();
    const arn = world.enrol({ key });
    const value = world.store.value(arn);
    const privateKey = encrypted(key, 'secret');
    const document = JSON.parse(value.kind === 'string' ? value.text : '');
    world.store.write(arn, JSON.stringify({ ...document, privateKey }), 'v2');
    expect(await renewOnDemand(world, { secretId: arn })).toMatchObject({ outcome: 'renewed' });
    const after = world.store.value(arn);
    expect(after.kind === 'string' && JSON.parse(after.text).privateKey).toBe(privateKey);
  });

  it('stays in KMS by the name that the secret has for it', async () => {
    const world = new World();
    const key = newKey();
    world.vault.add({ spec: { kty: 'EC', curve: 'P-256' }, privateKey: key, alias: 'web' });
    const arn = world.enrol({ key });
    const value = world.store.value(arn);
    const { privateKey: _, ...rest } = JSON.parse(value.kind === 'string' ? value.text : '');
    world.store.write(arn, JSON.stringify({ ...rest, kmsKeyId: 'alias/web' }), 'v2');
    expect(await renewOnDemand(world, { secretId: arn })).toMatchObject({ outcome: 'renewed' });
    const after = world.store.value(arn);
    expect(after.kind === 'string' && JSON.parse(after.text).kmsKeyId).toBe('alias/web');
  });

  it('is absent if the CA holds it', async () => {
    class KeepingCa extends FakeCa {
      override readonly can: FakeCa['can'] = { ...new FakeCa({ now: start }).can, keyHolder: 'ca' };
      protected override async judge(): Promise<void> {}
    }
    const world = new World();
    const ca = new KeepingCa({ now: start, clock: world.clock, hierarchy: world.ca.hierarchy });
    Object.assign(world, { ca, providerFor: async () => ca });
    const arn = world.enrol();
    const value = world.store.value(arn);
    const { privateKey: _, ...rest } = JSON.parse(value.kind === 'string' ? value.text : '');
    world.store.write(arn, JSON.stringify(rest), 'v2');
    expect(await renewOnDemand(world, { secretId: arn })).toMatchObject({ outcome: 'renewed' });
    const after = world.store.value(arn);
    expect(after.kind === 'string' && Object.keys(JSON.parse(after.text))).toEqual(Object.keys(rest));
  });

  it('is certified even if the trusted certificate is no root', async () => {
    const world = new World();
    world.ca.roots = async () => [world.ca.hierarchy.intermediate];
    expect(await renewOnDemand(world, { secretId: world.enrol() })).toMatchObject({ outcome: 'rekeyed' });
  });
});

describe('a certificate of the same second', () => {
  it('is accepted with force, and not asked for again', async () => {
    const world = new World();
    const arn = world.enrol({ notBefore: start - 60_000, notAfter: start - 60_000 + 24 * hour });
    await renewOnDemand(world, { secretId: arn, force: true });
    expect(world.clock.sleeps).toEqual([]);
    expect(world.ca.issued).toHaveLength(1);
  });

  it('is not asked for again if it is the old certificate itself', async () => {
    const world = new World();
    const arn = world.enrol({ tags: { [tags.mode]: 'renew' } });
    const { leaf } = pairOf(world.store.value(arn));
    world.ca.tamperChain = ([, ...rest]) => [leaf.der, ...rest];
    await expect(renewOnDemand(world, { secretId: arn })).rejects.toMatchObject({ code: 'CertificateRejected' });
    expect(world.clock.sleeps).toEqual([]);
    expect(world.ca.issued).toHaveLength(1);
  });

  it.each([
    ['start', { notBefore: start - 60_000, notAfter: start + 30 * hour }],
    ['end', { notBefore: start - 30_000, notAfter: freshDates.notAfter }],
  ])('is asked for once if only the %s is the same', async (_, dates) => {
    const world = new World();
    const arn = world.enrol({ notBefore: start - 60_000, notAfter: freshDates.notAfter });
    world.ca.tamper = (template) => ({ ...template, ...dates });
    await renewOnDemand(world, { secretId: arn }).catch(() => undefined);
    expect(world.clock.sleeps).toEqual([]);
    expect(world.ca.issued).toHaveLength(1);
  });

  it('is used at once if its start is now or before', async () => {
    const world = new World();
    world.ca.tamper = (template) => ({ ...template, notBefore: start, notAfter: start + 30 * hour });
    await renewOnDemand(world, { secretId: world.enrol() });
    expect(world.clock.sleeps).toEqual([]);
  });
});

describe('a pair that an earlier try has staged', () => {
  const denied = new RenewalError('AccessDenied', 'no');

  /** Staged from v1, which has replaced another version, and not promoted. */
  async function staged(more: Parameters<World['enrol']>[0] = {}) {
    const world = new World();
    const arn = world.enrol({ ...freshDates, ...more, versionId: 'v0' });
    world.clock.advance(1000);
    world.store.write(arn, world.store.value(arn), 'v1');
    world.clock.advance(1000);
    world.faults.failBefore('promote', denied);
    await expect(renewOnDemand(world, { secretId: arn })).rejects.toMatchObject({ code: 'AccessDenied' });
    expect(world.labels(arn)['v0']).toEqual(['AWSPREVIOUS']);
    return { world, arn, pending: world.pending(arn) };
  }
  const ofPrevious = { matches: ({ args }: { args: readonly unknown[] }) => args[1] === 'v0' };

  it('is promoted', async () => {
    const { world, arn, pending } = await staged();
    await renewOnDemand(world, { secretId: arn });
    expect(world.versionOf(arn)).toBe(pending);
    expect(world.ca.issued).toHaveLength(1);
  });

  it('is promoted even if the previous version can’t be read any more', async () => {
    const { world, arn, pending } = await staged();
    world.faults.failBefore('read', new RenewalError('SecretNotFound', 'gone'), ofPrevious);
    await renewOnDemand(world, { secretId: arn });
    expect(world.versionOf(arn)).toBe(pending);
  });

  it.each([
    ['Throttled', new RenewalError('Throttled', 'slow down')],
    ['Internal', new TypeError('fetch failed')],
  ])('waits if the previous version is temporarily unreadable: %s', async (code, error) => {
    const { world, arn, pending } = await staged();
    world.faults.failBefore('read', error, ofPrevious);
    await expect(renewOnDemand(world, { secretId: arn })).rejects.toMatchObject({ code });
    expect(world.ca.issued).toHaveLength(1);
    expect(world.pending(arn)).toBe(pending);
  });

  it('waits if it is temporarily unreadable itself, and is replaced if it stays so', async () => {
    const { world, arn, pending } = await staged();
    const matches = ({ args }: { args: readonly unknown[] }) => args[1] === pending;
    const busy = new RenewalError('Throttled', 'slow down');
    world.faults.failBefore('read', busy, { matches });
    await expect(renewOnDemand(world, { secretId: arn })).rejects.toBe(busy);
    world.faults.failBefore('read', denied, { matches });
    await renewOnDemand(world, { secretId: arn });
    expect(world.versionOf(arn)).not.toBe(pending);
    expect(world.ca.issued).toHaveLength(2);
  });

  it('is replaced if the owner has changed other fields since', async () => {
    const { world, arn, pending } = await staged();
    const value = world.store.value(arn, pending);
    const document = JSON.parse(value.kind === 'string' ? value.text : '');
    const again = `${pending?.slice(0, 22)}${'0'.repeat(32)}`;
    await world.store.stage(arn, again, { kind: 'string', text: JSON.stringify({ ...document, note: 'other' }) });
    await renewOnDemand(world, { secretId: arn });
    expect(world.versionOf(arn)).not.toBe(again);
    const after = world.store.value(arn);
    expect(after.kind === 'string' && JSON.parse(after.text)).not.toHaveProperty('note');
  });

  it('for a given key in KMS is promoted', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    const kmsKeyId = world.vault.add({ spec: { kty: 'EC', curve: 'P-256' } });
    world.faults.failBefore('promote', denied);
    const ask = () => renewOnDemand(world, { secretId: arn, privateKey: { kmsKeyId } });
    await expect(ask()).rejects.toMatchObject({ code: 'AccessDenied' });
    await ask();
    expect(world.ca.issued).toHaveLength(1);
  });

  it('for a given key is promoted for that key only', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    const key = newKey();
    const pem = String(key.export({ format: 'pem', type: 'pkcs8' }));
    world.store.add({ name: 'keys/next', value: pem, tags: { [tags.profile]: 'internal' } });
    const other = String(newKey().export({ format: 'pem', type: 'pkcs8' }));
    world.store.add({ name: 'keys/other', value: other, tags: { [tags.profile]: 'internal' } });
    world.faults.failBefore('promote', denied);
    const ask = (secretId: string) => renewOnDemand(world, { secretId: arn, privateKey: { secretId } });
    await expect(ask('keys/next')).rejects.toMatchObject({ code: 'AccessDenied' });
    const pending = world.pending(arn);
    world.faults.failBefore('promote', denied);
    await expect(ask('keys/other')).rejects.toMatchObject({ code: 'AccessDenied' });
    expect(world.pending(arn)).not.toBe(pending);
    await ask('keys/other');
    expect(world.ca.issued).toHaveLength(2);
  });
});

describe('a window below the schedule', () => {
  it('is a warning of every renewal', async () => {
    const world = new World();
    const arn = world.enrol({ ...freshDates, tags: { [tags.expiresIn]: '30m' } });
    const result = await renewOnDemand(world, { secretId: arn });
    expect(result).toMatchObject({ outcome: 'rekeyed', warnings: [{ code: 'WindowBelowSchedule' }] });
  });
});

describe('an unsent event of a version that can’t be read', () => {
  it.each(['renew', 'rekey'] as const)('is reported by the secret’s mode: %s', async (mode) => {
    const world = new World({ ...internal, mode });
    const arn = world.enrol(freshDates);
    world.faults.failBefore('publish', new RenewalError('Throttled', 'slow down'));
    await renewQueued(world, { secretArn: arn, versionId: 'v1', force: true }, 1);
    const versionId = world.versionOf(arn);
    world.faults.failBefore('read', new RenewalError('AccessDenied', 'no'), { times: 2 });
    for (const delivery of [1, 2]) await renewQueued(world, { secretArn: arn, versionId }, delivery);
    expect(world.publisher.of('Certificate Renewed').map(({ detail }) => detail)).toMatchObject([
      {
        outcome: mode === 'renew' ? 'renewed' : 'rekeyed',
        operation: mode,
        reason: { code: 'Unknown', message: 'Renewed by an earlier try that ended before it sent its event.' },
        versionId,
        previousVersionId: 'v1',
        serialNumber: null,
        renewAt: null,
        warnings: [],
      },
    ]);
    expect(world.publisher.events.map(({ type }) => type)).toEqual([
      'Certificate Renewed',
      'Certificate Renewal Failed',
    ]);
  });
});

it('a certificate with another certificate’s key is refused, and the error says what to do', async () => {
  const world = new World();
  const arn = world.enrol(freshDates);
  const { leaf, chain } = world.ca.issueLeaf({ key: newKey(), subject: new Uint8Array([0x30, 0]), ...freshDates });
  world.store.write(arn, pairValue(leaf, chain, newKey()), 'theirs');
  await expect(renewOnDemand(world, { secretId: arn })).rejects.toMatchObject({
    code: 'KeyMismatch',
    message: expect.stringContaining('store a certificate and its own key in the secret'),
  });
});
