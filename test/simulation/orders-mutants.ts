/** Products with one fault each in orders at a CA that answers later. */
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { CaAnswer, CaProvider, CaRequest } from '../../lambdas/domain/ports.ts';
import type { SecretSummary } from '../../lambdas/domain/secret.ts';
import { orderLabel, tags } from '../../lambdas/domain/tags.ts';
import type { CertificateEntry } from '../../lambdas/policy/certificate-entry.ts';
import type { Tamper } from '../../testkit/simulation/functions.ts';
import { type DeedKind, day, hour, minute, type Plan } from '../../testkit/simulation/plan.ts';
import type { PublicCaPlan } from '../../testkit/simulation/public-ca.ts';
import { calm, type Mutant, secret, withStore } from './mutants.ts';

const publicCa: PublicCaPlan = {
  validation: [2 * minute, 10 * minute],
  ...{ processing: 30_000, orderLife: 7 * day, failing: [], outages: [], suggests: false, incidents: [] },
  limits: {
    orders: { most: 300, per: 3 * hour },
    names: { most: 5, per: day },
    domain: { most: 50, per: day },
  },
};
/** One order in six hours. */
const strict: Partial<PublicCaPlan> = { limits: { ...publicCa.limits, orders: { most: 1, per: 6 * hour } } };

const entry: CertificateEntry = { profile: 'public', dnsNames: ['web.svc.example'], wait: false };
const other: CertificateEntry = { ...entry, dnsNames: ['web.svc.example', 'www.svc.example'] };
const deploy = (each: CertificateEntry): DeedKind => ({
  ...({ kind: 'deploy', resource: 'config' } as const),
  certificates: { 'web/1': each },
});

/** A declared certificate of the public CA. */
export function ordering(
  ca: Partial<PublicCaPlan> = {},
  deeds: readonly (readonly [at: number, deed: DeedKind])[] = [[hour, deploy(entry)]],
  more: Partial<Plan> = {},
): Plan {
  return {
    ...{ ...calm, profiles: ['public'], secrets: [secret(1, { profile: 'public', declared: 'new' })] },
    publicCa: { ...publicCa, ...ca },
    deeds: deeds.map(([at, deed], n) => ({ ...deed, at, id: `d${n}` })),
    ...more,
  };
}

/** Scans that send several messages at once. */
const forced = (at: number): (readonly [at: number, deed: DeedKind])[] =>
  Array.from({ length: 5 }, (_, n) => [at + 10 * n, { kind: 'scan', force: true, secret: 'web/1' }]);

/** Changes how the product sees a secret. */
const seeing = (change: (seen: SecretSummary) => Partial<SecretSummary>): Tamper =>
  withStore((store) => ({
    describe: async (secretId) => {
      const seen = await store.describe(secretId);
      return { ...seen, ...change(seen) };
    },
    list: async function* (from) {
      for await (const page of store.list(from)) {
        yield Object.assign(
          page.map((seen) => ({ ...seen, ...change(seen) })),
          { next: page.next },
        );
      }
    },
  }));

const without = (found: ReadonlyMap<string, string>, tag: string): ReadonlyMap<string, string> =>
  new Map([...found].filter(([key]) => key !== tag));

const withCa =
  (ask: (provider: CaProvider, request: CaRequest) => Promise<CaAnswer>): Tamper =>
  (world) => ({
    ...world,
    providerFor: async (profile) => {
      const provider = await world.providerFor(profile);
      return { ...provider, ask: (request) => ask(provider, request) };
    },
  });

export const orderMutants: readonly Mutant[] = [
  {
    what: 'a claim is not checked',
    rule: 'two orders at once',
    tamper: withStore((store) => ({
      keepOrder: async (arn, versionId, value) => {
        const isClaimed = await store.keepOrder(arn, versionId, value);
        return isClaimed || versionId.startsWith('cert-renewer-claim-');
      },
    })),
    plan: ordering({}, [[hour, deploy(entry)], ...[10, 14, 18].flatMap((at) => forced(at * hour))]),
  },
  {
    what: 'an order is not stored',
    rule: 'two orders at once',
    tamper: withStore((store) => ({
      keepOrder: async (arn, versionId, value) =>
        versionId.startsWith('cert-renewer-order-') || store.keepOrder(arn, versionId, value),
    })),
    plan: ordering(),
  },
  {
    what: 'the key of an order is not kept',
    rule: 'another key than the order’s',
    tamper: withCa((provider, { receipt, ...request }) =>
      provider.ask(receipt === undefined ? request : { ...request, receipt, key: request.replaced && undefined }),
    ),
    plan: ordering(),
  },
  {
    what: 'a wait is forgotten',
    rule: 'asked before its time',
    tamper: seeing(({ tags: found }) => ({ tags: without(found, tags.order) })),
    plan: ordering(strict, [
      [hour, deploy(entry)],
      [2 * hour, deploy(other)],
    ]),
  },
  {
    what: 'the CA’s pause is halved',
    rule: 'asked before its time',
    tamper: withCa(async (provider, request) => {
      const answer = await provider.ask(request);
      return answer.kind === 'pending' ? { ...answer, after: answer.after / 2 } : answer;
    }),
    plan: ordering(strict, [
      [hour, deploy(entry)],
      [2 * hour, deploy(other)],
    ]),
  },
  {
    what: 'each message sends another one, whatever is on its way',
    rule: 'messages multiply',
    tamper: (world) => ({
      ...seeing(({ tags: found }) => ({ tags: without(found, tags.order) }))(world),
      queue: {
        send: async (messages, delay) => {
          await world.queue.send(messages, delay);
          await world.queue.send(messages, delay);
        },
      },
    }),
    plan: ordering({ validation: [6 * hour, 7 * hour] }),
  },
  {
    what: 'a wait is a failure',
    rule: 'a wait told as a failure',
    tamper: withCa(async (provider, request) => {
      const answer = await provider.ask(request);
      if (answer.kind === 'pending' && answer.after > 0) throw new RenewalError('CaUnavailable', 'Not yet.');
      return answer;
    }),
    plan: ordering({ validation: [6 * hour, 7 * hour] }),
  },
  {
    what: 'a failed order is not backed off',
    rule: 'orders in a loop',
    tamper: withStore((store) => ({
      tag: (arn, { [tags.failure]: _, ...set }, remove) => store.tag(arn, set, remove),
    })),
    plan: ordering({ validation: [100, 200], failing: [{ at: 0, until: 2 * day }] }, [[hour, deploy(entry)]], {
      ...{ period: 5 * minute, quietFrom: 3 * hour, end: 6 * hour },
    }),
  },
  {
    what: 'an open order is not continued',
    rule: 'two orders at once',
    tamper: seeing(({ versions }) => ({
      versions: new Map([...versions].map(([id, stages]) => [id, stages.filter((stage) => stage !== orderLabel)])),
    })),
    plan: ordering({ validation: [3 * hour, 4 * hour] }),
  },
  {
    what: 'the label stays on the order',
    rule: 'an order left behind',
    tamper: withStore(() => ({ dropOrder: async () => undefined })),
    plan: ordering({}, [[hour, deploy(entry)]], { end: 4 * day }),
  },
  {
    what: 'an order is promoted',
    rule: 'an AWS label on an order',
    tamper: withStore((store) => ({
      keepOrder: async (arn, versionId, value) => {
        const isKept = await store.keepOrder(arn, versionId, value);
        await store.promote(arn, (await store.describe(arn)).currentVersionId, versionId);
        return isKept;
      },
    })),
    plan: ordering(),
  },
  {
    what: 'the CA has always something to do',
    rule: 'not as declared',
    tamper: withCa(async (provider, request) => {
      const answer = await provider.ask(request);
      return answer.kind === 'issued'
        ? { kind: 'pending', receipt: request.receipt, after: hour, says: 'it waits' }
        : answer;
    }),
    plan: ordering(),
  },
  {
    what: 'a suggestion is ignored',
    rule: 'not replaced',
    tamper: (world) => ({
      ...world,
      providerFor: async (profile) => {
        const { suggestedWindow: _, ...provider } = await world.providerFor(profile);
        return provider;
      },
    }),
    plan: ordering({ suggests: true, incidents: [36 * hour] }, [[hour, deploy(entry)]], {
      ...{ period: 6 * hour, end: 12 * day },
    }),
  },
];
