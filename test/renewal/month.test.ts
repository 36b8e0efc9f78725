/**
 * A month of hourly scans over certificates that last a day, with what people and CAs do meanwhile: by the hour, what a
 * reader finds is a pair that belongs together and is valid, and nobody's deed is undone.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { renewQueued } from '../../lambdas/renewal/queued.ts';
import { scan } from '../../lambdas/renewal/scan.ts';
import { commonNameOnly } from '../fakes/certificates.ts';
import { freshDates, hour, newKey, pairOf, pairValue, start, World } from './world.ts';

const day = 24;

class Month {
  readonly world = new World();
  /** By name: what is not looked at for the moment, and why. */
  readonly excused = new Map<string, string>();
  /** The versions that were current, each once, in order. */
  readonly history = new Map<string, string[]>();

  /** When the certificate ends that a reader finds. */
  readonly #ends = new Map<string, number>();

  enrol(name: string, more: Readonly<Record<string, string>> = {}): string {
    return this.world.enrol({ name, ...freshDates, tags: more });
  }

  /** What an operator does who has a certificate from elsewhere. */
  putByHand(name: string): string {
    const { world } = this;
    const key = newKey();
    const now = world.clock.now();
    const dates = { notBefore: now - hour, notAfter: now + 23 * hour };
    const { leaf, chain } = world.ca.issueLeaf({ key, subject: commonNameOnly('leaf.example'), ...dates });
    return world.store.write(name, pairValue(leaf, chain, key));
  }

  async hour(n: number): Promise<void> {
    const { world } = this;
    world.clock.set(start + n * hour);
    await scan(world, { force: false, dryRun: false });
    const messages = world.queue.receive();
    world.queue.remove(messages.map(({ receiptHandle }) => receiptHandle));
    for (const { body } of messages) {
      for (let delivery = 1; delivery <= 3; delivery++) {
        const { retryAfter } = await renewQueued(world, body, delivery);
        if (retryAfter === undefined) break;
        world.clock.advance(retryAfter * 1_000);
      }
    }
  }

  look(name: string): void {
    const { world } = this;
    const versionId = world.versionOf(name);
    const seen = this.history.get(name) ?? [];
    const what = `${name} at ${new Date(world.clock.now()).toISOString()}`;
    if (seen.at(-1) !== versionId) {
      const { leaf, key } = pairOf(world.store.value(name));
      expect(publicHalf(key).equals(leaf.spki), what).toBe(true);
      this.history.set(name, [...seen, versionId]);
      this.#ends.set(name, leaf.notAfter);
    }
    // On one that was current, as AWS leaves it when somebody else writes; on no other.
    expect([undefined, ...seen, versionId], what).toContain(world.pending(name));
    if (!this.excused.has(name)) expect(this.#ends.get(name), what).toBeGreaterThan(world.clock.now());
  }
}

const publicHalf = (key: KeyObject): Buffer => createPublicKey(key).export({ type: 'spki', format: 'der' });

/** What happens at which hour. */
type Deeds = ReadonlyMap<number, (month: Month) => void>;

const outage = new RenewalError('CaUnavailable', 'The CA is down.');

const deeds: Deeds = new Map<number, (month: Month) => void>([
  [3 * day, (month) => expect(month.putByHand('by hand')).toBeTruthy()],
  [
    5 * day, // six hours of the night: a third of a day is left when a certificate becomes due
    ({ world }) => {
      for (const method of ['renew', 'rekey']) {
        const isDown = () => world.clock.now() < start + (5 * day + 6) * hour;
        world.ca.faults.failBefore(method, outage, { times: Infinity, matches: isDown });
      }
    },
  ],
  [8 * day, ({ world }) => world.store.setTags('mode', { [tags.mode]: 'renew' })],
  [10 * day, ({ world }) => world.store.setTags('tag taken off', {}, [tags.profile])],
  [10 * day + 6, ({ world }) => world.store.setTags('tag taken off', { [tags.profile]: 'internal' })],
  [12 * day, ({ world }) => world.store.setTags('kind', { [tags.kty]: 'OKP' })],
  [14 * day, ({ world }) => world.store.setTags('bad tag', { [tags.expiresIn]: 'soon' })],
  [14 * day + 6, ({ world }) => world.store.setTags('bad tag', {}, [tags.expiresIn])],
  [
    16 * day, // longer than it lasts: it expires, and this CA renews none that has
    (month) => {
      month.world.store.setTags('paused', { [tags.paused]: 'true' });
      month.excused.set('paused', 'somebody paused it for too long');
    },
  ],
  [17 * day + 12, ({ world }) => world.store.setTags('paused', {}, [tags.paused])],
  [
    18 * day,
    (month) => {
      expect(month.world.store.tagsOf('paused')[tags.failure]).toMatch(/ CertificateExpired$/);
      month.putByHand('paused');
      month.excused.delete('paused');
    },
  ],
  [
    20 * day, // to what was there before: it is older, and so is due sooner
    ({ world }) => {
      const previous = Object.entries(world.labels('rolled back')).find(([, labels]) => labels.includes('AWSPREVIOUS'));
      world.store.moveStage('rolled back', 'AWSCURRENT', previous?.[0] ?? '');
    },
  ],
]);

const names: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'left alone': {},
  'same key': { [tags.mode]: 'renew' },
  'a window of four hours': { [tags.expiresIn]: '4h' },
  'every six hours': { [tags.rekeyPeriod]: '6h' },
  'by hand': {},
  mode: {},
  'tag taken off': {},
  kind: {},
  'bad tag': {},
  paused: {},
  'rolled back': {},
};

it('thirty days: always a valid pair, as often as it should be, and once each', async () => {
  const month = new Month();
  for (const [name, more] of Object.entries(names)) month.enrol(name, more);
  for (let n = 0; n < 30 * day; n++) {
    deeds.get(n)?.(month);
    await month.hour(n);
    for (const name of Object.keys(names)) month.look(name);
  }
  const { world, history } = month;
  const times = (name: string) => (history.get(name)?.length ?? 0) - 1;
  // Sixteen hours of a day, less a jitter of up to 24 minutes, and less the hour to the next scan.
  for (const name of ['left alone', 'same key', 'mode', 'kind']) {
    expect(times(name), name).toBeGreaterThanOrEqual(Math.floor((30 * day) / 16) - 1);
    expect(times(name), name).toBeLessThanOrEqual(Math.ceil((30 * day) / 14));
  }
  expect(times('a window of four hours')).toBeLessThanOrEqual(Math.ceil((30 * day) / 18));
  expect(times('every six hours')).toBeGreaterThanOrEqual(Math.floor((30 * day) / 6));
  expect(times('every six hours')).toBeLessThanOrEqual(Math.ceil((30 * day) / 4));
  // Each new version of ours is one certificate and one event: none was issued in vain, none told of twice.
  const versions = [...history.values()].flat().filter((id) => id.startsWith('cert-renewer-'));
  const distinct = new Set(versions);
  expect(world.ca.issued).toHaveLength(distinct.size);
  expect(world.publisher.of('Certificate Renewed')).toHaveLength(distinct.size);
  const keys = (name: string) =>
    new Set(history.get(name)?.map((id) => publicHalf(pairOf(world.store.value(name, id)).key).toString('hex')));
  expect(keys('same key').size).toBe(1);
  expect(keys('left alone').size).toBe(times('left alone') + 1);
  expect(keys('mode').size).toBeLessThan(times('mode') / 2);
  expect(pairOf(world.store.value('kind')).key.asymmetricKeyType).toBe('ed25519');
  for (const name of Object.keys(names)) expect(world.store.tagsOf(name), name).not.toHaveProperty(tags.failure);
  expect(world.publisher.of('Certificate Renewal Failed').length).toBeGreaterThan(10); // the night, the bad tag, the pause
}, 60_000);
