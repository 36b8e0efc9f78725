/** Unit tests of the other secrets in a request, and of keys that do not belong to the certificate. */
import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { CaProvider } from '../../lambdas/domain/ports.ts';
import { mostTags, tags } from '../../lambdas/domain/tags.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { authority, FakeAuthorities } from '../../testkit/fakes/authorities.ts';
import { encrypted } from './stage.ts';
import { freshDates, internal, newKey, pairValue, start, World } from './world.ts';

const ours = { [tags.profile]: 'internal' };
const pem = () => String(newKey().export({ format: 'pem', type: 'pkcs8' }));
const busy = new RenewalError('Throttled', 'slow down');
const crowd = Object.fromEntries(Array.from({ length: mostTags - 1 }, (_, n) => [`tag-${n}`, 'x']));
const create =
  'The secret of $.out does not exist. Create it without a value first: aws secretsmanager create-secret --name nowhere --tags Key=cert-renewer:profile,Value=internal Key=cert-renewer:paused,Value=true';

describe('an `out` is refused', () => {
  it.each<[string, (world: World) => string, string, string]>([
    ['that is not there', () => 'nowhere', 'SecretNotFound', create],
    [
      'that is being deleted',
      (world) => {
        world.store.delete(world.store.add({ name: 'nowhere', tags: ours }));
        return 'nowhere';
      },
      'SecretNotFound',
      create,
    ],
    [
      'that is the source',
      () => 'web/tls',
      'InvalidRequest',
      '$.out is the source itself: remove $.out to renew in place.',
    ],
    [
      'that another service owns',
      (world) => world.store.add({ name: 'o', tags: ours, owningService: 'rds' }),
      'InvalidRequest',
      "$.out can't be written. ",
    ],
    [
      'that is an authority’s',
      (world) => {
        Object.assign(world, { authorities: new FakeAuthorities(authority('root')) });
        return world.store.add({ name: 'pki/root', value: '{}', tags: ours });
      },
      'InvalidRequest',
      "a leaf must not replace an authority's certificate: name another secret.",
    ],
    [
      'of another profile',
      (world) => world.store.add({ name: 'o', tags: { [tags.profile]: 'other' } }),
      'SecretNotEnrolled',
      "The secret o of $.out does not have the source's profile: tag it with cert-renewer:profile=internal (and with cert-renewer:paused=true, so that the schedule does not renew it).",
    ],
    [
      'that has a value',
      (world) => world.store.add({ name: 'o', value: '{}', tags: ours }),
      'OutputExists',
      'The secret o of $.out has a value already: use force to replace it.',
    ],
    [
      'that has no room',
      (world) => world.store.add({ name: 'o', tags: { ...ours, ...crowd } }),
      'UnsupportedSecret',
      "$.out can't be written. The secret has ",
    ],
  ])('%s', async (_, make, code, text) => {
    const world = new World();
    const arn = world.enrol(freshDates);
    const out = { secretId: make(world) };
    await expect(renewOnDemand(world, { secretId: arn, out })).rejects.toMatchObject({
      code,
      concerns: 'request',
      message: expect.stringContaining(text),
    });
    expect(world.ca.issued).toEqual([]);
    expect(world.publisher.events).toEqual([]);
  });

  it('temporarily if it can’t be described', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    world.store.add({ name: 'o', tags: ours });
    world.faults.failBefore('describe', busy, { matches: ({ args: [id] }) => id === 'o' });
    const tried = renewOnDemand(world, { secretId: arn, out: { secretId: 'o' } });
    await expect(tried).rejects.toMatchObject({ code: 'Throttled', concerns: 'request', message: 'slow down' });
  });

  it('while the event of its present pair can’t be sent', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    const out = world.store.add({ name: 'web/next', tags: ours });
    const ask = () => renewOnDemand(world, { secretId: arn, force: true, out: { secretId: out } });
    world.faults.failBefore('publish', busy, { times: Infinity });
    await ask();
    await expect(ask()).rejects.toMatchObject({
      code: 'Throttled',
      message: 'The event of the pair in web/next could not be sent yet: try again when the event bus accepts it.',
    });
    expect(world.ca.issued).toHaveLength(1);
  });
});

describe('an answer with an `out`', () => {
  it('has the source’s fields, and names the written secret and version', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    const out = world.store.add({ name: 'web/next', tags: { ...ours, [tags.paused]: 'true' } });
    const result = await renewOnDemand(world, { secretId: arn, out: { secretId: 'web/next' } });
    expect(result).toMatchObject({
      secretArn: arn,
      versionId: 'v1',
      previousVersionId: null,
      out: { secretArn: out, versionId: world.versionOf(out) },
    });
    const inPlace = await renewOnDemand(world, { secretId: arn, force: true });
    expect(inPlace).toMatchObject({ versionId: world.versionOf(arn), previousVersionId: 'v1' });
    expect(inPlace).not.toHaveProperty('out');
  });
});

describe('a given key', () => {
  it('whose secret is of another profile is refused, and the error says what to do', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    world.store.add({ name: 'keys/next', value: pem(), tags: { [tags.profile]: 'other' } });
    const tried = renewOnDemand(world, { secretId: arn, privateKey: { secretId: 'keys/next' } });
    await expect(tried).rejects.toMatchObject({
      code: 'SecretNotEnrolled',
      concerns: 'request',
      message: expect.stringMatching(
        /^The secret keys\/next of \$\.privateKey does not have the source's profile: tag it/,
      ),
    });
    expect(world.faults.calls.filter(({ method, args }) => method === 'read' && args[0] !== arn)).toEqual([]);
  });

  it('is decrypted with the profile’s password', async () => {
    const world = new World({ ...internal, passwordSecretId: 'pki/password' });
    const arn = world.enrol(freshDates);
    world.store.add({ name: 'pki/password', value: 'secret' });
    world.store.add({ name: 'keys/next', value: encrypted(newKey(), 'secret'), tags: ours });
    const result = await renewOnDemand(world, { secretId: arn, privateKey: { secretId: 'keys/next' } });
    expect(result).toMatchObject({ outcome: 'rekeyed' });
  });

  it('in KMS that can’t sign is no failure of the certificate', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    const kmsKeyId = world.vault.add({ spec: { kty: 'EC', curve: 'P-256' } });
    world.vault.setEnabled(kmsKeyId, false);
    const tried = renewOnDemand(world, { secretId: arn, privateKey: { kmsKeyId } });
    await expect(tried).rejects.toMatchObject({ concerns: 'request' });
    expect(world.publisher.events).toEqual([]);
    expect(world.store.tagsOf(arn)).toEqual(ours);
  });

  it('of the same profile is the new key', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    world.store.add({ name: 'keys/next', value: pem(), tags: ours });
    const result = await renewOnDemand(world, { secretId: arn, privateKey: { secretId: 'keys/next' } });
    expect(result).toMatchObject({ outcome: 'rekeyed', previousVersionId: 'v1' });
  });
});

describe('a certificate and a key that do not belong together', () => {
  it.each([
    ['a private key', false, 'The private key (public key of 91 bytes) does not match the certificate'],
    ['a KMS key', true, 'The KMS key (public key of 91 bytes) does not match the certificate'],
  ])('with %s are refused with that reason', async (_, isInKms, text) => {
    const world = new World();
    const arn = world.enrol(freshDates);
    const { leaf, chain } = world.ca.issueLeaf({ key: newKey(), subject: new Uint8Array([0x30, 0]), ...freshDates });
    const { privateKey, ...rest } = JSON.parse(pairValue(leaf, chain, newKey()));
    const kmsKeyId = world.vault.add({ spec: { kty: 'EC', curve: 'P-256' } });
    world.store.write(arn, JSON.stringify(isInKms ? { ...rest, kmsKeyId } : { ...rest, privateKey }), 'v2');
    await expect(renewOnDemand(world, { secretId: arn })).rejects.toMatchObject({
      code: 'KeyMismatch',
      message: expect.stringContaining(text),
    });
  });
});

describe('a certificate that is not due', () => {
  const look = (world: World, secretArn: string) => renewQueued(world, { secretArn, versionId: 'v1' }, 1, start);

  it('comes back if its tags are temporarily not writable, and is no failure', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    world.faults.failBefore('tag', busy);
    expect(await look(world, arn)).toEqual({ retryAfter: 30 });
    expect(world.journal.failures).toEqual([{ secretArn: arn, error: busy, step: 'tagging' }]);
    expect(world.publisher.events).toEqual([]);
  });

  it.each([new RenewalError('AccessDenied', 'no', { settles: false }), new TypeError('fetch failed')])(
    'fails if its tags can’t be written at all: %s',
    async (error) => {
      const world = new World();
      const arn = world.enrol(freshDates);
      world.faults.failBefore('tag', error);
      expect(await look(world, arn)).toEqual({});
      expect(world.journal.failures[0]).toMatchObject({ secretArn: arn, error, final: true });
    },
  );

  it('and can never be renewed is reported now, unless it is paused or requested on demand', async () => {
    const unfit = (more: Readonly<Record<string, string>> = {}) => {
      const world = new World();
      const error = new RenewalError('InvalidRequest', 'never');
      const checkFitness: CaProvider['checkFitness'] = async (_, operation, { lasting, now }) => {
        if (lasting && operation === 'rekey' && now === start) throw error;
      };
      Object.assign(world.ca, { checkFitness });
      return { world, arn: world.enrol({ ...freshDates, tags: more }) };
    };
    const told = unfit();
    await look(told.world, told.arn);
    expect(told.world.publisher.of('Certificate Renewal Failed')).toMatchObject([{ detail: { message: 'never' } }]);
    const paused = unfit({ [tags.paused]: 'true' });
    expect(await look(paused.world, paused.arn)).toEqual({});
    expect(paused.world.publisher.events).toEqual([]);
    expect(paused.world.store.tagsOf(paused.arn)).not.toHaveProperty(tags.versionId);
    const byHand = unfit();
    const result = await renewOnDemand(byHand.world, { secretId: byHand.arn, expiresIn: '1h' });
    expect(result).toMatchObject({ outcome: 'skipped', reason: { code: 'NotDue' }, previousVersionId: null });
  });

  it('is no failure if the obstacle may pass', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    world.ca.checkFitness = () => Promise.reject(busy);
    expect(await look(world, arn)).toEqual({});
    expect(world.publisher.events).toEqual([]);
    expect(world.store.tagsOf(arn)[tags.versionId]).toBe('v1');
  });

  it('and can’t be renewed now fails in a dry run', async () => {
    const world = new World();
    const error = new RenewalError('InvalidRequest', 'not now');
    const checkFitness: CaProvider['checkFitness'] = async (_, operation, { lasting, now }) => {
      if (!lasting && operation === 'rekey' && now === start) throw error;
    };
    Object.assign(world.ca, { checkFitness });
    const arn = world.enrol(freshDates);
    await expect(renewOnDemand(world, { secretId: arn, dryRun: true })).rejects.toBe(error);
    expect(await look(world, arn)).toEqual({});
  });

  it('is no failure if its CA has no check', async () => {
    const world = new World();
    Object.assign(world.ca, { checkFitness: undefined });
    const arn = world.enrol(freshDates);
    expect(await look(world, arn)).toEqual({});
    expect(world.publisher.events).toEqual([]);
    expect(await renewOnDemand(world, { secretId: arn, dryRun: true })).toMatchObject({ outcome: 'planned' });
  });

  it('is not changed by a dry run', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    const result = await renewOnDemand(world, { secretId: arn, expiresIn: '1h', dryRun: true });
    expect(result).toMatchObject({ outcome: 'skipped', renewAt: expect.stringMatching(/^2026-11-23T/) });
    expect(world.store.tagsOf(arn)).toEqual(ours);
  });
});
