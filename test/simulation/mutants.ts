/** Products with one fault each. The judges must find each. */
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { Store } from '../../lambdas/domain/ports.ts';
import type { SecretSummary } from '../../lambdas/domain/secret.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import type { RenewalWorld } from '../../lambdas/renewal/world.ts';
import type { Tamper } from '../../testkit/simulation/functions.ts';
import { type DeedKind, day, hour, type Plan, type SecretPlan } from '../../testkit/simulation/plan.ts';

export const secret = (n: number, more: Partial<SecretPlan> = {}): SecretPlan => ({
  ...{ name: `web/${n}`, profile: 'strict', shape: 'camel', key: 'P-256', inKms: false },
  ...{ validity: 12 * hour, age: 0.1 * n, tags: {}, ownTags: 0 },
  ...more,
});

/** Two days with five secrets, without any fault. */
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

export const withStore =
  (change: (store: Store) => Partial<Store>): Tamper =>
  (world) => ({ ...world, store: { ...world.store, ...change(world.store) } });

const withPublisher =
  (publish: (original: RenewalWorld['publisher']) => RenewalWorld['publisher']['publish']): Tamper =>
  (world) => ({ ...world, publisher: { ...world.publisher, publish: publish(world.publisher) } });

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
      return { ...(await world.providerFor(profile)), ask: fail };
    },
  });

const both =
  (first: Tamper, second: Tamper): Tamper =>
  (world) =>
    second(first(world));

/** A tag that exists, and that the product does not see. */
function hidden(tag: string): Tamper {
  const without = (summary: SecretSummary): SecretSummary => ({
    ...summary,
    tags: new Map([...summary.tags].filter(([key]) => key !== tag)),
  });
  return withStore((store) => ({
    describe: async (secretId) => without(await store.describe(secretId)),
    list: async function* (from) {
      for await (const page of store.list(from)) yield Object.assign(page.map(without), { next: page.next });
    },
  }));
}

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
    what: 'AWSCURRENT is moved from any version',
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
    what: 'a refused promotion counts as done',
    rule: 'another one’s renewal',
    tamper: withStore((store) => ({
      promote: async (arn, from, to) => {
        try {
          await store.promote(arn, from, to);
        } catch (error) {
          if ((await store.describe(arn)).currentVersionId !== to) throw error;
        }
      },
    })),
    plan: withDeeds(
      ...Array.from({ length: 240 }, (_, n): [number, DeedKind] => [
        Math.floor(n / 2) * hour * 0.9 + 200 * (n % 2),
        { kind: 'ask', secret: `web/${Math.floor(n / 2) % 5}`, request: { force: true } },
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
    what: 'writes have no effect',
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
    what: 'a failure is not reported',
    rule: 'a failure untold',
    tamper: without('Certificate Renewal Failed'),
    plan: withDeeds([hour, { kind: 'write rubbish', secret: 'web/1', what: 'text' }]),
  },
  {
    what: 'a message that is given up is not reported',
    rule: 'a dead letter untold',
    tamper: both(failingCa('CaUnavailable'), without('Certificate Renewal Failed')),
  },
  {
    what: 'tags are never written',
    rule: 'asked at every scan',
    tamper: withStore(() => ({ tag: async () => undefined })),
  },
  {
    what: 'every inspection removes the failure',
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
    what: 'a failure that is noted is not seen',
    rule: 'asked at every scan',
    tamper: hidden(tags.failure),
    plan: withDeeds(
      [hour, { kind: 'write rubbish', secret: 'web/1', what: 'text' }],
      [5 * hour, { kind: 'ask', secret: 'web/1', request: {} }],
    ),
  },
  {
    what: 'every try counts as nine, those on demand too',
    rule: 'a back-off lengthened by hand',
    tamper: (world, ...rest) => {
      const blind = hidden(tags.failure)(world, ...rest);
      return withStore((store) => ({
        tag: (arn, { [tags.failure]: failure, ...set }, remove) => {
          const longer = failure === undefined ? {} : { [tags.failure]: failure.replace(/^\d+/, '9') };
          return store.tag(arn, { ...set, ...longer }, remove);
        },
      }))(blind, ...rest);
    },
    plan: withDeeds(
      [hour, { kind: 'write rubbish', secret: 'web/1', what: 'text' }],
      [5.5 * hour, { kind: 'ask', secret: 'web/1', request: {} }],
    ),
  },
  {
    what: 'a pause is not seen',
    rule: 'issued while paused',
    tamper: hidden(tags.paused),
    plan: withDeeds([hour, { kind: 'tag', secret: 'web/1', set: { [tags.paused]: 'true' } }]),
  },
  {
    what: 'a failure stays for ever',
    rule: 'a failure outlived',
    tamper: withStore((store) => ({ tag: (arn, set) => store.tag(arn, set, []) })),
    plan: {
      ...calm,
      faults: [{ id: 'f', at: 0, until: 6 * hour, call: 'ca', kind: 'refused', times: Number.POSITIVE_INFINITY }],
    },
  },
  {
    what: 'failures are reported, and not noted',
    rule: 'told at every scan',
    tamper: withStore(() => ({ tag: async () => undefined })),
    plan: withDeeds([hour, { kind: 'write rubbish', secret: 'web/1', what: 'text' }]),
  },
  {
    what: 'something more is staged after the renewal',
    rule: 'a label left behind',
    tamper: withStore((store) => ({
      promote: async (arn, from, to) => {
        await store.promote(arn, from, to);
        await store.stage(arn, `${to}-more`, (await store.read(arn)).value);
      },
    })),
  },
  {
    what: 'the CA never answers',
    rule: 'let expire',
    tamper: failingCa('CaUnavailable'),
    plan: { ...calm, profiles: ['lenient'], secrets: [secret(1, { profile: 'lenient', validity: 90 * hour, age: 0 })] },
  },
  {
    what: 'an event names another version',
    rule: 'told and not done',
    tamper: withPublisher(({ publish }) => (event) => {
      if (event.type !== 'Certificate Renewed') return publish(event);
      return publish({ ...event, detail: { ...event.detail, versionId: 'cert-renewer-of-somebody-else-0000000' } });
    }),
  },
  {
    what: 'an unexpected error',
    rule: 'an unexpected error',
    tamper: withStore(() => ({
      read: async () => {
        throw new TypeError('undefined is not a function');
      },
    })),
  },
  {
    what: 'a version id is not recognised as ours',
    rule: 'a version without our name',
    tamper: withStore((store) => ({
      stage: (arn, versionId, value) => store.stage(arn, versionId.replace('cert-', 'some-'), value),
    })),
  },
  {
    what: 'a rotation is ignored',
    rule: 'a test of a rotation failed',
    tamper: withStore(() => ({
      describe: async () => {
        throw new RenewalError('InvalidRequest', 'No.');
      },
    })),
    plan: { ...rotating, deeds: [{ id: 'd', at: hour, kind: 'rotate', secret: 'web/0', immediately: false }] },
  },
  {
    what: 'a version from before a rollback is promoted again',
    rule: 'a deed was undone',
    tamper: withStore((store) => ({
      read: async (arn, versionId) => {
        const { versions, currentVersionId } = await store.describe(arn);
        const [previous] = [...versions].find(([, stages]) => stages.includes('AWSPREVIOUS')) ?? [];
        if (previous?.startsWith('cert-renewer-')) await store.promote(arn, currentVersionId, previous);
        return store.read(arn, versionId);
      },
    })),
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

/** A day's renewal is missed, and no certificate has expired yet. */
function longLived(): Plan {
  return { ...calm, secrets: [secret(1, { validity: 30 * day, age: 0.7 })] };
}
