import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { subjectAltNames } from '../../lambdas/x509/general-names.ts';
import { type EnrolOptions, freshDates, hour, internal, newKey, pairOf, pairValue, start, World } from './world.ts';

const fromQueue = (world: World, arn: string, versionId = 'v1', delivery = 1) =>
  renewQueued(world, { secretArn: arn, versionId }, delivery, start);

describe('a due certificate', () => {
  it('gets a new pair in one step, an event and its tags', async () => {
    const world = new World();
    const arn = world.enrol();
    const before = pairOf(world.store.value(arn));
    expect(await fromQueue(world, arn)).toEqual({});
    const after = pairOf(world.store.value(arn));
    const versionId = world.versionOf(arn);
    expect(versionId).toMatch(/^cert-renewer-[0-9a-f]{8}-[0-9a-f]{32}$/);
    expect(world.labels(arn)['v1']).toEqual(['AWSPREVIOUS']);
    expect(after.leaf.notAfter).toBeGreaterThan(before.leaf.notAfter);
    expect(after.leaf.spki).not.toEqual(before.leaf.spki);
    expect(subjectAltNames(after.leaf)).toEqual(subjectAltNames(before.leaf));
    expect(world.publisher.events).toEqual([
      {
        type: 'Certificate Renewed',
        secretArn: arn,
        detail: expect.objectContaining({
          outcome: 'rekeyed',
          operation: 'rekey',
          reason: { code: 'Expiring', message: expect.any(String) },
          warnings: [],
          secretArn: arn,
          versionId,
          previousVersionId: 'v1',
          profile: 'internal',
          subject: 'CN=leaf.example',
          sans: ['dns:leaf.example'],
          serialNumber: after.leaf.serialNumber,
          previousSerialNumber: before.leaf.serialNumber,
          notBefore: '2026-11-22T11:59:00Z',
          notAfter: '2026-11-23T11:59:00Z',
          renewAt: expect.stringMatching(/^2026-11-23T03:[3-5]\dZ?/),
          keyAlgorithm: 'EC P-256',
          fingerprintSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        }),
      },
    ]);
    expect(world.store.tagsOf(arn)).toEqual({
      [tags.profile]: 'internal',
      [tags.versionId]: versionId,
      [tags.notBefore]: '2026-11-22T11:59:00Z',
      [tags.notAfter]: '2026-11-23T11:59:00Z',
    });
    expect(world.journal.total('Renewed', 'internal')).toBe(1);
  });

  it('keeps its key in mode renew', async () => {
    const world = new World();
    const arn = world.enrol({ tags: { [tags.mode]: 'renew' } });
    const before = pairOf(world.store.value(arn));
    await fromQueue(world, arn);
    const after = pairOf(world.store.value(arn));
    expect(after.leaf.spki).toEqual(before.leaf.spki);
    expect(after.key.equals(before.key)).toBe(true);
    expect(world.publisher.events[0]).toMatchObject({ detail: { outcome: 'renewed', operation: 'renew' } });
  });

  it('costs five calls to Secrets Manager', async () => {
    const world = new World();
    const arn = world.enrol();
    await fromQueue(world, arn);
    const calls = world.faults.calls.map(({ method }) => method);
    expect(calls).toEqual(['describe', 'read', 'stage', 'promote', 'publish', 'tag']);
  });

  it('changes its kind of key if the tags say so', async () => {
    const world = new World();
    const arn = world.enrol({ tags: { [tags.kty]: 'OKP' } });
    await fromQueue(world, arn);
    expect(pairOf(world.store.value(arn)).leaf.keySpec).toEqual({ kty: 'OKP', curve: 'Ed25519' });
  });

  it('waits for a notBefore that is a little ahead', async () => {
    const world = new World();
    const arn = world.enrol();
    world.ca.tamper = (template) => ({ ...template, notBefore: start + 30_000, notAfter: start + 24 * hour });
    await fromQueue(world, arn);
    expect(world.clock.sleeps).toContain(30_000);
    expect(world.versionOf(arn)).toMatch(/^cert-renewer-/);
  });
});

describe('a certificate that is not due', () => {
  it('is left as it is, and its dates are noted', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    await fromQueue(world, arn);
    expect(world.versionOf(arn)).toBe('v1');
    expect(world.publisher.events).toEqual([]);
    expect(world.store.tagsOf(arn)).toMatchObject({ [tags.versionId]: 'v1', [tags.notAfter]: '2026-11-23T11:00:00Z' });
    await fromQueue(world, arn);
    expect(world.faults.count('tag')).toBe(1);
  });

  it('is renewed on demand', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    const result = await renewOnDemand(world, { secretId: 'web/tls' });
    expect(result).toMatchObject({ outcome: 'rekeyed', reason: { code: 'Requested' }, secretArn: arn });
  });

  it.each([
    [{ expiresIn: '8h' }, 'skipped', 'NotDue'],
    [{ expiresIn: '23h' }, 'rekeyed', 'Expiring'],
    [{ expiresIn: '8h', force: true }, 'rekeyed', 'Forced'],
    [{ rekeyPeriod: '30m' }, 'rekeyed', 'PeriodElapsed'],
    [{ rekeyPeriod: '16h' }, 'skipped', 'NotDue'],
    [{ dryRun: true }, 'planned', 'Requested'],
    [{ dryRun: true, expiresIn: '8h' }, 'skipped', 'NotDue'],
    [{ mode: 'renew' }, 'renewed', 'Requested'],
  ])('%j: %s, %s', async (fields, outcome, code) => {
    const world = new World();
    const arn = world.enrol(freshDates);
    const result = await renewOnDemand(world, { secretId: arn, ...fields });
    expect(result).toMatchObject({ outcome, reason: { code } });
    if ('dryRun' in fields) {
      expect(world.faults.calls.map(({ method }) => method)).toEqual(['describe', 'read']);
      expect(world.ca.faults.calls).toEqual([]);
    }
  });

  it.each([[{ expiresIn: '24h' }], [{ rekeyPeriod: '24h' }]])('%j: refused', async (fields) => {
    const world = new World();
    const arn = world.enrol(freshDates);
    const tried = renewOnDemand(world, { secretId: arn, ...fields });
    await expect(tried).rejects.toMatchObject({ name: 'InvalidRequest' });
    expect(world.publisher.events).toEqual([]);
    expect(world.store.tagsOf(arn)).toEqual({ [tags.profile]: 'internal' });
  });
});

describe('RecentlyRenewed', () => {
  it('prevents a second renewal on demand, unless force is set', async () => {
    const world = new World();
    const arn = world.enrol();
    await renewOnDemand(world, { secretId: arn });
    const second = await renewOnDemand(world, { secretId: arn });
    expect(second).toMatchObject({ outcome: 'skipped', reason: { code: 'RecentlyRenewed' } });
    expect(await renewOnDemand(world, { secretId: arn, force: true })).toMatchObject({ reason: { code: 'Forced' } });
    world.clock.advance(11 * 60_000);
    expect(await renewOnDemand(world, { secretId: arn })).toMatchObject({ reason: { code: 'Requested' } });
  });
});

interface BadRow {
  readonly name: string;
  readonly code: string;
  readonly make: (world: World) => string;
  readonly enrolled?: false;
}

const tagged = (world: World, value: string | undefined, more: Record<string, string> = {}) =>
  world.store.add({
    name: 'bad',
    ...(value !== undefined && { value, versionId: 'v1' }),
    tags: { [tags.profile]: 'internal', ...more },
  });

const badRows: BadRow[] = [
  {
    name: 'no certificate',
    code: 'UnsupportedSecret',
    make: (world) => tagged(world, '{"username":"u","password":"hunter2"}'),
  },
  { name: 'no JSON and no PEM', code: 'UnsupportedSecret', make: (world) => tagged(world, 'hunter2') },
  { name: 'without a value', code: 'UnsupportedSecret', make: (world) => tagged(world, undefined) },
  {
    name: 'the key of another certificate',
    code: 'KeyMismatch',
    make: (world) => {
      const { leaf, chain } = world.ca.issueLeaf({
        key: newKey(),
        subject: new Uint8Array([0x30, 0]),
        notBefore: start - hour,
        notAfter: start + hour,
      });
      return tagged(world, pairValue(leaf, chain, newKey()));
    },
  },
  {
    name: 'a truncated PEM',
    code: 'UnsupportedSecret',
    make: (world) => {
      world.enrol({ name: 'good' });
      const good = world.store.value('good');
      return tagged(world, good.kind === 'string' ? good.text.replace(/-----END CERTIFICATE-----/, '') : '');
    },
  },
  { name: 'a bad tag', code: 'InvalidTag', make: (world) => world.enrol({ tags: { [tags.expiresIn]: 'soon' } }) },
  {
    name: 'an unknown profile',
    code: 'UnknownProfile',
    make: (world) => world.enrol({ tags: { [tags.profile]: 'nowhere' } }),
    enrolled: false,
  },
  {
    name: 'no profile',
    code: 'SecretNotEnrolled',
    make: (world) => world.store.add({ name: 'plain', value: '{}' }),
    enrolled: false,
  },
  {
    name: 'being deleted',
    code: 'SecretNotFound',
    make: (world) => {
      const arn = world.enrol();
      world.store.delete(arn);
      return arn;
    },
    enrolled: false,
  },
];

describe('a secret that can’t be renewed', () => {
  it.each(badRows)('$name: $code, and the secret is left as it was', async ({ code, make, enrolled }) => {
    const world = new World();
    const arn = make(world);
    const before = JSON.stringify(world.labels(arn));
    await expect(renewOnDemand(world, { secretId: arn })).rejects.toMatchObject({
      name: code,
      code,
      message: expect.not.stringMatching(/hunter2|PRIVATE KEY/),
    });
    expect(JSON.stringify(world.labels(arn))).toBe(before);
    expect(world.ca.faults.calls).toEqual([]);
    expect(world.journal.failures).toHaveLength(1);
    const events = world.publisher.events.map(({ type }) => type);
    expect(events).toEqual(enrolled === false ? [] : ['Certificate Renewal Failed']);
  });

  it.each(badRows.filter(({ name }) => name !== 'without a value'))(
    '$name, from the queue: finished at once',
    async ({ make }) => {
      const world = new World();
      expect(await fromQueue(world, make(world))).toEqual({});
    },
  );

  it('that is a replica, another function’s rotation or a service’s is skipped', async () => {
    for (const [more, code] of [
      [{ primaryRegion: 'eu-central-1' }, 'Replica'],
      [{ rotation: { enabled: true, functionArn: 'arn:other' } }, 'RotationEnabled'],
      [{ owningService: 'rds' }, 'ManagedByService'],
    ] as const) {
      const world = new World();
      const arn = world.store.add({ name: 'x', value: '{}', tags: { [tags.profile]: 'internal' }, ...more });
      expect(await renewOnDemand(world, { secretId: arn, force: true })).toMatchObject({
        outcome: 'skipped',
        reason: { code },
      });
      expect(world.faults.count('read')).toBe(0);
    }
  });
});

describe('failures', () => {
  const down = new RenewalError('CaUnavailable', 'The CA did not answer.');

  it('that may pass go back to the queue, are tagged at once and reported at the end', async () => {
    const world = new World();
    const arn = world.enrol();
    world.ca.faults.failBefore('rekey', down, { times: 3 });
    expect(await fromQueue(world, arn, 'v1', 1)).toEqual({ retryAfter: 30 });
    expect(world.store.tagsOf(arn)).toMatchObject({
      [tags.failure]: '1 2026-11-22T12:00:00Z CaUnavailable',
      [tags.versionId]: 'v1',
    });
    expect(world.publisher.events).toEqual([]);
    world.clock.advance(30_000);
    expect(await fromQueue(world, arn, 'v1', 2)).toEqual({ retryAfter: 120 });
    world.clock.advance(120_000);
    expect(await fromQueue(world, arn, 'v1', 3)).toEqual({ retryAfter: 0 });
    expect(world.store.tagsOf(arn)[tags.failure]).toBe('1 2026-11-22T12:02:30Z CaUnavailable');
    expect(world.publisher.events).toEqual([
      {
        type: 'Certificate Renewal Failed',
        secretArn: arn,
        detail: {
          secretArn: arn,
          name: 'web/tls',
          profile: 'internal',
          code: 'CaUnavailable',
          message: down.message,
          retryable: true,
          failures: 1,
          notAfter: '2026-11-22T14:00:00Z',
        },
      },
    ]);
    expect(world.journal.total('Failed', 'internal')).toBe(1);
  });

  it('are counted from message to message, and removed after a success', async () => {
    const world = new World();
    const arn = world.enrol();
    world.ca.faults.failBefore('rekey', new RenewalError('CaRejected', 'No.'), { times: 2 });
    await fromQueue(world, arn);
    await fromQueue(world, arn);
    expect(world.store.tagsOf(arn)[tags.failure]).toBe('2 2026-11-22T12:00:00Z CaRejected');
    await fromQueue(world, arn);
    expect(world.store.tagsOf(arn)).not.toHaveProperty(tags.failure);
  });

  it('of a new version are counted from one', async () => {
    const world = new World();
    const arn = world.enrol({
      tags: {
        [tags.versionId]: 'v0',
        [tags.failure]: '7 2026-11-22T11:00:00Z CaRejected',
        [tags.notAfter]: '2020-01-01T00:00:00Z',
      },
    });
    world.store.write(arn, 'rubbish', 'v2');
    await fromQueue(world, arn, 'v2');
    expect(world.store.tagsOf(arn)).toEqual({
      [tags.profile]: 'internal',
      [tags.versionId]: 'v2',
      [tags.failure]: '1 2026-11-22T12:00:00Z UnsupportedSecret',
    });
  });

  it('of a dry run are reported to the caller only', async () => {
    const world = new World();
    const arn = tagged(world, 'rubbish');
    await expect(renewOnDemand(world, { secretId: arn, dryRun: true })).rejects.toMatchObject({
      name: 'UnsupportedSecret',
    });
    expect(world.publisher.events).toEqual([]);
    expect(world.store.tagsOf(arn)).toEqual({ [tags.profile]: 'internal' });
  });

  it('that are unexpected are Internal, and quote nothing', async () => {
    const world = new World();
    const arn = world.enrol();
    world.ca.faults.failBefore('rekey', new TypeError('-----BEGIN PRIVATE KEY-----'));
    await expect(renewOnDemand(world, { secretId: arn })).rejects.toMatchObject({
      name: 'Internal',
      message: expect.not.stringContaining('PRIVATE'),
    });
  });
});

describe('keys in KMS', () => {
  const enrolKms = (world: World, more: EnrolOptions = {}) => {
    const key = newKey();
    const kmsKeyId = world.vault.add({ spec: { kty: 'EC', curve: 'P-256' }, privateKey: key });
    const arn = world.enrol({ key, ...more });
    const value = world.store.value(arn);
    const { certificate, certificateChain } = JSON.parse(value.kind === 'string' ? value.text : '');
    world.store.write(arn, JSON.stringify({ certificate, kmsKeyId, certificateChain }), 'v2');
    return { arn, kmsKeyId };
  };

  it('are always renewed, and stay', async () => {
    const world = new World();
    const { arn, kmsKeyId } = enrolKms(world);
    await fromQueue(world, arn, 'v2');
    const value = world.store.value(arn);
    expect(value.kind === 'string' && JSON.parse(value.text)).toMatchObject({ kmsKeyId });
    expect(world.publisher.events[0]).toMatchObject({ detail: { outcome: 'renewed' } });
  });

  it('are not rekeyed by tag or by request', async () => {
    const world = new World();
    const { arn } = enrolKms(world);
    await expect(renewOnDemand(world, { secretId: arn, mode: 'rekey' })).rejects.toMatchObject({
      name: 'InvalidRequest',
    });
    world.store.setTags(arn, { [tags.mode]: 'rekey' });
    await expect(renewOnDemand(world, { secretId: arn })).rejects.toMatchObject({ name: 'InvalidTag' });
  });

  it('of another certificate sign nothing', async () => {
    const world = new World();
    const { arn } = enrolKms(world);
    const foreign = world.vault.add({ spec: { kty: 'EC', curve: 'P-256' } });
    const value = world.store.value(arn);
    const parsed = JSON.parse(value.kind === 'string' ? value.text : '');
    world.store.write(arn, JSON.stringify({ ...parsed, kmsKeyId: foreign }), 'v3');
    await expect(renewOnDemand(world, { secretId: arn })).rejects.toMatchObject({ name: 'KeyMismatch' });
    expect(world.faults.count('sign')).toBe(0);
  });
});

it('a window in a tag that is too long is shortened, with a warning', async () => {
  const world = new World({ ...internal });
  const arn = world.enrol({ ...freshDates, tags: { [tags.expiresIn]: '48h' } });
  const result = await renewOnDemand(world, { secretId: arn });
  expect(result.warnings.map(({ code }) => code)).toContain('WindowClamped');
});
