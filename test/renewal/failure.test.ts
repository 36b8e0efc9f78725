/** Every failure of a secret is an event, a metric and a `failure` tag, and backs off. It does not matter whose fault it is. */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { scan } from '../../lambdas/renewal/scan/scan.ts';
import { commonNameOnly, makeHierarchy, makeLeaf } from '../../testkit/certificates/index.ts';
import { authority } from '../../testkit/fakes/authorities.ts';
import { Stack } from '../authority/world.ts';
import { encrypted } from './stage.ts';
import { dueDates, freshDates, hour, internal, newKey, pairValue, start, World } from './world.ts';

const failed = (world: World) => world.publisher.of('Certificate Renewal Failed').map(({ detail }) => detail);

/** Runs scans and their workers, an hour apart. Returns how many messages were for this secret. */
async function looks(world: World, arn: string, times: number): Promise<number> {
  let asked = 0;
  for (let n = 0; n < times; n++) {
    await scan(world, { force: false, dryRun: false });
    const messages = world.queue.receive();
    world.queue.remove(messages.map(({ receiptHandle }) => receiptHandle));
    for (const { body } of messages) {
      if (body.secretArn === arn) asked += 1;
      for (let delivery = 1; delivery <= 3; delivery++) {
        if ((await renewQueued(world, body, delivery)).retryAfter === undefined) break;
      }
    }
    world.clock.advance(hour);
  }
  return asked;
}

interface Scene {
  readonly world: World;
  readonly arn: string;
  readonly code: string;
}

const protectedProfile = { ...internal, passwordSecretId: 'passwords/web' };

function encryptedSecret(): { world: World; arn: string } {
  const world = new World(protectedProfile);
  const key = newKey();
  const { leaf, chain } = world.ca.issueLeaf({ key, subject: commonNameOnly('leaf.example'), ...dueDates });
  const value = JSON.parse(pairValue(leaf, chain, key));
  const text = JSON.stringify({ ...value, privateKey: encrypted(key, 'secret') });
  const arn = world.store.add({ name: 'web/tls', value: text, versionId: 'v1', tags: { [tags.profile]: 'internal' } });
  return { world, arn };
}

const scenes: Readonly<Record<string, () => Promise<Scene>>> = {
  'a password’s secret that is not there': async () => ({ ...encryptedSecret(), code: 'SecretNotFound' }),
  'a password’s secret that is being deleted': async () => {
    const { world, arn } = encryptedSecret();
    world.store.add({ name: 'passwords/web', value: 'secret' });
    world.store.delete('passwords/web');
    return { world, arn, code: 'SecretNotFound' };
  },
  'an authority’s secret that is being deleted': async () => {
    const world = await new Stack().hierarchy();
    const { arn } = world.enrolLeaf();
    world.store.delete('pki/issuing');
    return { world, arn, code: 'SecretNotFound' };
  },
  'a weak key at an own authority': async () => {
    const world = await new Stack().hierarchy();
    const key = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).privateKey;
    const { arn } = world.enrolLeaf({ key, tags: { [tags.mode]: 'renew' } });
    return { world, arn, code: 'WeakKey' };
  },
  'an imported authority’s weak key': async () => {
    const world = new Stack();
    const ca = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).privateKey;
    const { root, intermediate, intermediateName, intermediateKey } = makeHierarchy(
      start - 100 * 24 * hour,
      start + 1000 * 24 * hour,
      'Test',
      ca,
    );
    world.store.add({ name: 'pki/issuing', value: pairValue(intermediate, [root], ca) });
    world.authorities.set(authority('issuing'));
    const key = newKey();
    const dates = { notBefore: start - 22 * hour, notAfter: start + 2 * hour };
    const leaf = makeLeaf(
      { key, subject: commonNameOnly('leaf.example'), ...dates },
      { intermediateKey, intermediateName },
    );
    const value = pairValue(leaf, [intermediate], key);
    const arn = world.store.add({ name: 'web/tls', value, versionId: 'v1', tags: { [tags.profile]: 'offline' } });
    return { world, arn, code: 'WeakKey' };
  },
};

describe.each(Object.entries(scenes))('%s', (_, set) => {
  it('is reported, counted, noted and backed off', async () => {
    const { world, arn, code } = await set();
    await looks(world, arn, 1);
    expect(failed(world).filter(({ secretArn }) => secretArn === arn)).toMatchObject([{ code, failures: 1 }]);
    expect(world.journal.total('Failed')).toBe(1);
    expect(world.store.tagsOf(arn)[tags.failure]).toMatch(new RegExp(`^1 \\S+ ${code}$`));
    world.clock.set(start + 8 * hour); // after its end, when the back-off applies again
    const asked = await looks(world, arn, 24);
    expect(asked).toBeGreaterThan(0);
    expect(asked).toBeLessThanOrEqual(5); // after 1, 2, 4, 8 … hours
    expect(failed(world).filter(({ secretArn }) => secretArn === arn).length).toBe(asked + 1);
  });
});

describe('an error that is not a certificate’s failure', () => {
  it.each([
    ['a secret that is not there', 'SecretNotFound', (world: World) => world.store.delete('web/tls')],
    [
      'a secret without the tag',
      'SecretNotEnrolled',
      (world: World) => world.store.setTags('web/tls', {}, [tags.profile]),
    ],
    [
      'another stack’s',
      'UnknownProfile',
      (world: World) => world.store.setTags('web/tls', { [tags.profile]: 'other' }),
    ],
  ])('%s is reported to the caller only', async (_, code, change) => {
    const world = new World();
    const arn = world.enrol();
    change(world);
    await expect(renewOnDemand(world, { secretId: arn })).rejects.toMatchObject({ name: code });
    await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 1);
    expect(world.publisher.events).toEqual([]);
    expect(Object.keys(world.store.tagsOf(arn))).not.toContain(tags.failure);
  });
});

describe('a failure before the secret was described', () => {
  it('is reported when its message is given up: no dead letter without an event', async () => {
    const world = new World();
    const arn = world.enrol();
    world.faults.failBefore('describe', new RenewalError('Throttled', 'slow down'), { times: 3 });
    const message = { secretArn: arn, versionId: 'v1' };
    for (const delivery of [1, 2, 3]) await renewQueued(world, message, delivery);
    expect(failed(world)).toMatchObject([{ secretArn: arn, code: 'Throttled', name: null, profile: null }]);
  });
});

describe('the tag `failure`', () => {
  const down = new RenewalError('CaUnavailable', 'The CA is down.');
  const noted = (world: World, arn: string) => world.store.tagsOf(arn)[tags.failure];

  it.each([
    ['NotDue', (world: World, arn: string) => renewOnDemand(world, { secretId: arn, expiresIn: '1h' })],
    ['NotDue by the queue', (world: World, arn: string) => renewQueued(world, { secretArn: arn, versionId: 'v1' }, 1)],
    ['a dry run', (world: World, arn: string) => renewOnDemand(world, { secretId: arn, dryRun: true })],
  ])('stays after an inspection that changes nothing: %s', async (_, look) => {
    const world = new World();
    const arn = world.enrol({ ...freshDates, notAfter: start + 100 * hour });
    world.ca.faults.failBefore('rekey', down);
    await expect(renewOnDemand(world, { secretId: arn })).rejects.toMatchObject({ name: 'CaUnavailable' });
    const before = noted(world, arn);
    expect(before).toMatch(/^1 \S+ CaUnavailable$/);
    world.clock.advance(3 * hour);
    await look(world, arn);
    expect(noted(world, arn)).toBe(before);
    await renewOnDemand(world, { secretId: arn });
    expect(noted(world, arn)).toBeUndefined();
  });

  it('is removed with its version, when another writer writes a new one', async () => {
    const world = new World();
    const arn = world.enrol();
    world.ca.faults.failBefore('rekey', down);
    await expect(renewOnDemand(world, { secretId: arn })).rejects.toMatchObject({ name: 'CaUnavailable' });
    const key = newKey();
    const { leaf, chain } = world.ca.issueLeaf({ key, subject: commonNameOnly('leaf.example'), ...freshDates });
    world.store.write(arn, pairValue(leaf, chain, key), 'theirs');
    await renewQueued(world, { secretArn: arn, versionId: 'theirs' }, 1);
    expect(noted(world, arn)).toBeUndefined();
    expect(world.store.tagsOf(arn)[tags.versionId]).toBe('theirs');
  });

  it('is not changed by tries on demand, except if there is none yet', async () => {
    const world = new World();
    const arn = world.enrol();
    world.ca.faults.failBefore('rekey', down, { times: Infinity });
    const byHand = () =>
      expect(renewOnDemand(world, { secretId: arn })).rejects.toMatchObject({ name: 'CaUnavailable' });
    for (let n = 0; n < 6; n++) {
      await byHand();
      world.clock.advance(1000);
    }
    const first = noted(world, arn);
    expect(first).toMatch(/^1 /);
    expect(first).toContain(new Date(start).toISOString().slice(0, 19));
    expect(failed(world)).toHaveLength(6); // each is reported
    await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 1);
    const counted = noted(world, arn);
    expect(counted).toMatch(/^2 /);
    await byHand();
    expect(noted(world, arn)).toBe(counted);
  });

  it('is not written if only the tags of a healthy certificate could not be written', async () => {
    const world = new World();
    const arn = world.enrol({ ...freshDates, notAfter: start + 100 * hour });
    world.faults.failBefore('tag', new RenewalError('Throttled', 'slow down'), { times: 30 });
    await looks(world, arn, 2);
    world.faults.failBefore('tag', new RenewalError('Throttled', 'slow down'), { times: 0 });
    expect(failed(world)).toEqual([]);
  });
});
