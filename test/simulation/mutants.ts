/** Products that are wrong in one place: the judges have to see each. */
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { Store } from '../../lambdas/domain/ports.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import type { RenewalWorld } from '../../lambdas/renewal/world.ts';
import type { Tamper } from './functions.ts';
import { day, type DeedKind, hour, type Plan, type SecretPlan } from './plan.ts';

const secret = (n: number, more: Partial<SecretPlan> = {}): SecretPlan => ({
  ...{ name: `web/${n}`, profile: 'strict', shape: 'camel', key: 'P-256', inKms: false },
  ...{ validity: 12 * hour, age: 0.1 * n, tags: {}, ownTags: 0 },
  ...more,
});

/** Two days of five secrets, in which nothing goes wrong by itself. */
export const calm: Plan = {
  ...{
    seed: 1,
    period: hour,
    quietFrom: 2 * day,
    end: 5 * day,
    workers: 2,
    weakAuthority: false,
    profiles: ['strict'],
  },
  secrets: [0, 1, 2, 3, 4].map((n) => secret(n)),
  deeds: [],
  faults: [],
};

function withDeeds(...deeds: readonly (readonly [at: number, deed: DeedKind])[]): Plan {
  return { ...calm, deeds: deeds.map(([at, deed], n) => ({ ...deed, at, id: `d${n}` })) };
}

const rotating: Plan = { ...calm, secrets: [secret(0, { rotation: 5 * hour, validity: 40 * day })] };

const withStore =
  (change: (store: Store) => Partial<Store>): Tamper =>
  (world) => ({ ...world, store: { ...world.store, ...change(world.store) } });

const withPublisher =
  (publish: (original: RenewalWorld['publisher']) => RenewalWorld['publisher']['publish']): Tamper =>
  (world) => ({ ...world, publisher: { publish: publish(world.publisher) } });

const without = (type: string): Tamper =>
  withPublisher(
    ({ publish }) =>
      async (event) =>
        event.type === type ? undefined : publish(event),
  );

const failingCa =
  (code: 'CaUnavailable' | 'CaRejected'): Tamper =>
  (world) => ({
    ...world,
    providerFor: async (profile) => {
      const fail = async (): Promise<never> => {
        throw new RenewalError(code, 'The CA does not want to.');
      };
      return { ...(await world.providerFor(profile)), renew: fail, rekey: fail };
    },
  });

const both =
  (first: Tamper, second: Tamper): Tamper =>
  (world) =>
    second(first(world));

const strangeKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
});

export interface Mutant {
  readonly what: string;
  /** The promise that it breaks. */
  readonly rule: string;
  readonly tamper: Tamper;
  readonly plan?: Plan;
}

export const mutants: readonly Mutant[] = [
  { what: 'the event of a renewal is not sent', rule: 'not announced', tamper: without('Certificate Renewed') },
  {
    what: 'an event is sent three times',
    rule: 'announced too often',
    tamper: withPublisher(({ publish }) => async (event) => {
      for (let times = 0; times < 3; times++) await publish(event);
    }),
  },
  {
    what: 'AWSCURRENT is taken from whoever has it',
    rule: 'a write was lost',
    tamper: withStore((store) => ({
      promote: async (arn, _, to) => store.promote(arn, (await store.describe(arn)).currentVersionId, to),
    })),
    plan: withDeeds(
      ...Array.from({ length: 240 }, (_, n): [number, DeedKind] => [
        Math.floor(n / 5) * hour + 200 + 20 * (n % 37),
        { kind: 'write', secret: `web/${n % 5}`, validity: 1.3 * hour },
      ]),
    ),
  },
  {
    what: 'another key is stored',
    rule: 'not a pair',
    tamper: withStore((store) => ({
      stage: (arn, versionId, value) => {
        const text = value.kind === 'string' ? value.text : '';
        const spoilt = JSON.stringify({ ...JSON.parse(text), privateKey: String(strangeKey) });
        return store.stage(arn, versionId, { kind: 'string', text: spoilt });
      },
    })),
  },
  {
    what: 'the next scan is thought to be far away',
    rule: 'issued too early',
    tamper: (world) => ({ ...world, untilNextScan: () => 1000 * day }),
  },
  {
    what: 'what is written never arrives',
    rule: 'issued in vain',
    tamper: withStore(() => ({
      stage: async () => {
        throw new RenewalError('UnsupportedSecret', 'No.');
      },
    })),
  },
  {
    what: 'an event holds the key',
    rule: 'a secret was told',
    tamper: withPublisher(({ publish }) => (event) => {
      if (event.type !== 'Certificate Renewed') return publish(event);
      const subject = String(createPrivateKey(strangeKey).export({ type: 'pkcs8', format: 'pem' }));
      return publish({ ...event, detail: { ...event.detail, subject } });
    }),
  },
  { what: 'the CA is never asked', rule: 'not renewed', tamper: failingCa('CaRejected'), plan: longLived() },
  {
    what: 'a failure is not told',
    rule: 'a failure untold',
    tamper: without('Certificate Renewal Failed'),
    plan: withDeeds([hour, { kind: 'write rubbish', secret: 'web/1', what: 'text' }]),
  },
  {
    what: 'a message that is given up is not told',
    rule: 'a dead letter untold',
    tamper: both(failingCa('CaUnavailable'), without('Certificate Renewal Failed')),
  },
  {
    what: 'tags are never written',
    rule: 'asked at every scan',
    tamper: withStore(() => ({ tag: async () => undefined })),
  },
  {
    what: 'every look takes the failure away',
    rule: 'a failure forgotten',
    tamper: withStore((store) => ({
      describe: async (secretId) => {
        const summary = await store.describe(secretId);
        if (summary.tags.has(tags.failure)) await store.tag(summary.arn, {}, [tags.failure]);
        return summary;
      },
    })),
    plan: withDeeds(
      [hour, { kind: 'write rubbish', secret: 'web/1', what: 'text' }],
      [5 * hour, { kind: 'ask', secret: 'web/1', request: {} }],
    ),
  },
  {
    what: 'a rotation can not write',
    rule: 'a rotation wedged',
    tamper: withStore((store) => ({
      stage: async (arn, versionId, value) => {
        if (!versionId.startsWith('cert-renewer-')) throw new RenewalError('SecretChanged', 'No.');
        return store.stage(arn, versionId, value);
      },
    })),
    plan: rotating,
  },
  {
    what: 'the old value is written once more',
    rule: 'a version without a reason',
    tamper: withStore((store) => ({
      stage: async (arn, versionId, value) => {
        await store.stage(arn, `${versionId}-again`, (await store.read(arn)).value);
        return store.stage(arn, versionId, value);
      },
    })),
  },
];

/** So that a day's renewal is missed, and none has expired. */
function longLived(): Plan {
  return { ...calm, secrets: [secret(1, { validity: 30 * day, age: 0.7 })] };
}
