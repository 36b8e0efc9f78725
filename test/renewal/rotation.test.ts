/** Errors after the promotion in native rotation: nothing is undone, and the event is sent. */
import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { rotateStep } from '../../lambdas/renewal/entry/rotation.ts';
import { commonNameOnly } from '../../testkit/certificates/index.ts';
import { freshDates, hour, newKey, pairOf, pairValue, World } from './world.ts';

const token = '11111111-2222-4333-8444-555555555555';
const steps = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'];

function rotating() {
  const world = Object.assign(new World(), { rotationFunctionArn: 'arn:renew' });
  const arn = world.enrol(freshDates);
  world.store.setRotation(arn, { enabled: true, functionArn: 'arn:renew' });
  world.store.beginRotation(arn, token);
  return { world, arn, call: (Step: string) => rotateStep(world, { Step, SecretId: arn, ClientRequestToken: token }) };
}

describe('finishSecret', () => {
  it('called twice at once is one renewal', async () => {
    const { world, arn, call: step } = rotating();
    for (const name of steps.slice(0, 3)) await step(name);
    world.faults.meanwhile('before', 'promote', () => step('finishSecret'));
    await step('finishSecret');
    expect(world.versionOf(arn)).toBe(token);
    expect(world.publisher.events).toHaveLength(1);
    expect([world.journal.total('Renewed'), world.journal.total('Failed')]).toEqual([1, 0]);
  });

  it.each([
    ['publish', 0],
    ['tag', 1],
  ] as const)(
    'that can’t %s throws, reports no failed renewal, and completes when it is called again',
    async (call, before) => {
      const { world, arn, call: step } = rotating();
      for (const name of steps.slice(0, 3)) await step(name);
      const leaf = () => pairOf(world.store.value(arn)).leaf.serialNumber;
      const old = leaf();
      // Does not match the tag that is written before the promotion.
      const matches = ({ args }: { args: readonly unknown[] }) => !JSON.stringify(args).includes(' @');
      world.faults.failBefore(call, new RenewalError('Throttled', 'slow down'), { matches });
      await expect(step('finishSecret')).rejects.toMatchObject({ name: 'Throttled' });
      expect(world.versionOf(arn)).toBe(token);
      expect(world.publisher.events).toHaveLength(before);
      expect(world.store.tagsOf(arn)).not.toHaveProperty(tags.failure);
      const promoted = leaf();
      expect(promoted).not.toBe(old);

      await step('finishSecret');
      await step('finishSecret');
      expect(world.publisher.events).toHaveLength(before + 1);
      expect(world.publisher.events.at(-1)).toMatchObject({
        type: 'Certificate Renewed',
        detail: { operation: 'rekey', versionId: token, serialNumber: promoted, previousSerialNumber: old },
      });
      expect(world.store.tagsOf(arn)[tags.versionId]).toBe(token);
      expect(world.ca.issued).toHaveLength(1);
    },
  );

  it('for a version that was current before any rotation causes no event', async () => {
    const world = Object.assign(new World(), { rotationFunctionArn: 'arn:renew' });
    const arn = world.enrol({ ...freshDates, versionId: token });
    world.store.setRotation(arn, { enabled: true, functionArn: 'arn:renew' });
    await rotateStep(world, { Step: 'finishSecret', SecretId: arn, ClientRequestToken: token });
    expect(world.publisher.events).toEqual([]);
  });
});

describe('a staged pair that does not fit any more', () => {
  it.each<[string, (world: World, arn: string) => void]>([
    ['the tags ask for another kind of key', (world, arn) => world.store.setTags(arn, { [tags.kty]: 'OKP' })],
    ['the owner has written another certificate', (world, arn) => world.store.write(arn, otherPair(world), 'theirs')],
    [
      'the owner has written something beside the pair',
      (world, arn) => {
        const value = world.store.value(arn);
        const document = JSON.parse(value.kind === 'string' ? value.text : '');
        world.store.write(arn, JSON.stringify({ ...document, password: 'of the database' }), 'theirs');
      },
    ],
    [
      'the owner has written another pair for the same names',
      (world, arn) => {
        world.clock.advance(1000);
        world.store.write(arn, otherPair(world, 0, 'leaf.example'), 'theirs');
      },
    ],
    [
      'the owner has written a later one',
      (world, arn) => world.store.write(arn, otherPair(world, 1000 * hour), 'theirs'),
    ],
  ])('%s: the same token still succeeds, with one more issuance', async (_, change) => {
    const { world, arn, call } = rotating();
    await call('createSecret');
    change(world, arn);
    const wanted = pairOf(world.store.value(arn)).leaf;
    const beside = besideThePair(world, arn);
    // Secrets Manager repeats all steps under the same token, and may call a step more than once.
    for (let round = 0; round < 3; round++) for (const step of steps) await call(step).catch(() => undefined);
    for (const step of steps) await call(step);
    const { leaf, key } = pairOf(world.store.value(arn));
    expect(leaf.subject).toEqual(wanted.subject);
    expect(besideThePair(world, arn)).toEqual(beside);
    expect(key.asymmetricKeyType).toBe(world.store.tagsOf(arn)[tags.kty] === 'OKP' ? 'ed25519' : 'ec');
    expect(world.versionOf(arn)).not.toBe('theirs');
    expect(world.ca.issued).toHaveLength(2);
    expect([undefined, world.versionOf(arn)]).toContain(world.pending(arn));
    expect(world.publisher.of('Certificate Renewed')).toMatchObject([{ detail: { versionId: world.versionOf(arn) } }]);
    expect(world.store.tagsOf(arn)[tags.versionId]).toBe(world.versionOf(arn));
  });

  it('and whose successor could not be issued is tried again', async () => {
    const { world, arn, call } = rotating();
    await call('createSecret');
    world.store.setTags(arn, { [tags.kty]: 'OKP' });
    world.ca.faults.failBefore('rekey', new RenewalError('CaUnavailable', 'down'));
    await expect(call('createSecret')).rejects.toMatchObject({ name: 'CaUnavailable' });
    for (const step of steps) await call(step);
    expect(pairOf(world.store.value(arn)).key.asymmetricKeyType).toBe('ed25519');
  });

  it('and whose successor was staged by a process that ended is promoted', async () => {
    const { world, arn, call } = rotating();
    await call('createSecret');
    world.store.setTags(arn, { [tags.kty]: 'OKP' });
    world.faults.failBefore('promote', new RenewalError('AccessDenied', 'no'));
    await expect(call('createSecret')).rejects.toMatchObject({ name: 'AccessDenied' });
    for (const step of steps) await call(step);
    expect(pairOf(world.store.value(arn)).key.asymmetricKeyType).toBe('ed25519');
    expect(world.ca.issued).toHaveLength(2);
    expect([undefined, world.versionOf(arn)]).toContain(world.pending(arn));
  });
});

describe('a rotation that fails repeatedly', () => {
  it('is reported when the schedule would try, and not at each try of Secrets Manager', async () => {
    const { world, arn, call } = rotating();
    world.ca.faults.failBefore('rekey', new RenewalError('CaRejected', 'no'), { times: Infinity });
    for (let n = 0; n < 48; n++) {
      await expect(call('createSecret')).rejects.toMatchObject({ name: 'CaRejected' });
      world.clock.advance(hour / 2);
    }
    // After 1, 2, 4, 8 hours: the fifth comes in the last twentieth or later.
    expect(world.publisher.of('Certificate Renewal Failed').length).toBeGreaterThanOrEqual(4);
    expect(world.publisher.of('Certificate Renewal Failed').length).toBeLessThanOrEqual(6);
    expect(world.store.tagsOf(arn)[tags.failure]).toMatch(/ CaRejected$/);
  });
});

describe('a version that an operator rolled back from', () => {
  it('is not promoted again by a rotation that finds its AWSPENDING', async () => {
    const { world, arn, call } = rotating();
    for (const step of steps) await call(step);
    world.store.moveStage(arn, 'AWSCURRENT', 'v1');
    expect(world.labels(arn)[token]).toEqual(expect.arrayContaining(['AWSPENDING', 'AWSPREVIOUS']));
    for (const step of steps) await call(step);
    expect(world.versionOf(arn)).toMatch(/^cert-renewer-/);
    expect(world.ca.issued).toHaveLength(2);
  });
});

describe('a rollback between two steps', () => {
  it('is not undone by a pair that was staged before it', async () => {
    const { world, arn, call } = rotating();
    world.clock.advance(hour);
    for (const step of steps) await call(step);
    const next = '11111111-2222-4333-8444-666666666666';
    world.clock.advance(hour);
    world.store.beginRotation(arn, next);
    const step = (Step: string) => rotateStep(world, { Step, SecretId: arn, ClientRequestToken: next });
    await step('createSecret');
    world.store.moveStage(arn, 'AWSCURRENT', 'v1');
    await expect(step('finishSecret')).rejects.toMatchObject({ name: 'CertificateRejected' });
    expect(world.versionOf(arn)).toBe('v1');
    for (const each of steps) await step(each);
    expect(world.versionOf(arn)).toMatch(/^cert-renewer-/);
    expect(world.store.value(arn, 'AWSPREVIOUS')).toEqual(world.store.value(arn, 'v1'));
  });
});

describe('RotateSecret with RotateImmediately false', () => {
  it('lets testSecret see the current value: it passes, and is no failure', async () => {
    const world = Object.assign(new World(), { rotationFunctionArn: 'arn:renew' });
    const arn = world.enrol(freshDates);
    world.store.setRotation(arn, { enabled: true, functionArn: 'arn:renew' });
    await world.store.stage(arn, token, world.store.value(arn));
    await rotateStep(world, { Step: 'testSecret', SecretId: arn, ClientRequestToken: token });
    expect(world.publisher.events).toEqual([]);
    expect(world.store.tagsOf(arn)).not.toHaveProperty(tags.failure);
    expect(world.versionOf(arn)).toBe('v1');
  });

  it('allows nothing else: a different value is still refused', async () => {
    const { world, arn } = rotating();
    await world.store.stage(arn, token, { kind: 'string', text: otherPair(world) });
    const tried = rotateStep(world, { Step: 'testSecret', SecretId: arn, ClientRequestToken: token });
    await expect(tried).rejects.toMatchObject({ name: 'CertificateRejected' });
  });
});

function besideThePair(world: World, arn: string): object {
  const value = world.store.value(arn);
  const { certificate, privateKey, certificateChain, ...rest } = JSON.parse(value.kind === 'string' ? value.text : '');
  return rest;
}

/** A pair with another certificate than the current one. */
function otherPair(world: World, longer = 0, name = 'other.example'): string {
  const key = newKey();
  const dates = { ...freshDates, notAfter: freshDates.notAfter + longer };
  const { leaf, chain } = world.ca.issueLeaf({ key, subject: commonNameOnly(name), ...dates });
  return pairValue(leaf, chain, key);
}
