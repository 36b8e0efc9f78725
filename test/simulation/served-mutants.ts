/** Probes with one fault each. */
import { tags } from '../../lambdas/domain/tags.ts';
import type { ProbeWorld } from '../../lambdas/probes/world.ts';
import type { EpisodeOptions } from '../../testkit/simulation/episode.ts';
import { type DeedKind, day, hour, minute, type Plan } from '../../testkit/simulation/plan.ts';
import type { ProbeTamper } from '../../testkit/simulation/probes.ts';
import { hostOf, type ServerPlan } from '../../testkit/simulation/serving-plan.ts';
import { calm, secret, withStore } from './mutants.ts';

const places = `${hostOf('web/1')}:443`;

export const server = (more: Partial<ServerPlan> = {}): ServerPlan => ({
  ...{ secret: 'web/1', address: '10.0.0.1', reloadsAfter: 1_000, reloads: [], relapses: [], down: [] },
  ...more,
});

/** One certificate of a day with these servers. */
export function serving(
  servers: readonly ServerPlan[],
  {
    deeds = [],
    faults = [],
    endpoints = places,
    within = hour,
    validity = day,
  }: {
    readonly deeds?: readonly (readonly [at: number, deed: DeedKind])[];
    readonly faults?: readonly Omit<Plan['faults'][number], 'id'>[];
    readonly endpoints?: string;
    readonly within?: number;
    readonly validity?: number;
  } = {},
): Plan {
  return {
    ...calm,
    ...{ quietFrom: 30 * hour, end: 4 * day },
    secrets: [secret(1, { validity, age: 0.5, tags: { [tags.endpoints]: endpoints } })],
    deeds: deeds.map(([at, deed], n) => ({ ...deed, at, id: `d${n}` })),
    faults: faults.map((fault, n) => ({ ...fault, id: `f${n}` })),
    serving: { within, servers },
  };
}

const withNetwork =
  (change: (network: ProbeWorld['network']) => Partial<ProbeWorld['network']>): ProbeTamper =>
  (world) => ({ ...world, network: { ...world.network, ...change(world.network) } });

const without =
  (type: string): ProbeTamper =>
  ({ publisher, ...world }) => ({
    ...world,
    publisher: { ...publisher, publish: async (event) => (event.type === type ? undefined : publisher.publish(event)) },
  });

const never = [server({ reloadsAfter: undefined })];
const two = [server(), server({ address: '10.0.0.2', reloadsAfter: undefined })];

export const servedMutants: readonly (EpisodeOptions & { readonly what: string; readonly plan: Plan })[] = [
  {
    what: 'the state is not kept',
    until: 'told again',
    probeTamper: (world) => ({ ...world, store: { ...world.store, tag: async () => undefined } }),
    plan: serving([server()]),
  },
  {
    what: 'only one address of a name is probed',
    until: 'told as served',
    probeTamper: withNetwork(({ resolve }) => ({
      resolve: async (host) => {
        const found = await resolve(host);
        return found.ok ? { ok: true, addresses: found.addresses.slice(0, 1) } : found;
      },
    })),
    plan: serving(two),
  },
  {
    what: 'an address is found in another way than it was judged',
    until: 'connected elsewhere',
    probeTamper: withNetwork(({ handshake }) => ({
      handshake: (target) => handshake({ ...target, address: '169.254.169.254' }),
    })),
    plan: serving([server()]),
  },
  {
    what: 'nobody is told that it is not served',
    until: 'not told as not served',
    probeTamper: without('Certificate Not Served'),
    plan: serving(never),
  },
  {
    what: 'nobody is told that it is served',
    until: 'not told as served',
    probeTamper: without('Certificate Served'),
    plan: serving([server()]),
  },
  {
    what: 'the time to reload is cut',
    until: 'told too early',
    probeTamper: ({ profiles, ...world }) => ({
      ...world,
      profiles: {
        find: async (name) => {
          const profile = await profiles.find(name);
          return profile?.probe && { ...profile, probe: { ...profile.probe, within: minute } };
        },
      },
    }),
    plan: serving(never),
  },
  {
    what: 'a server that answers too late counts as another certificate',
    until: 'told as not served',
    probeTamper: withNetwork(({ handshake }) => ({
      handshake: async (target) => {
        const { ok } = await handshake(target);
        return ok ? { ok: true, certificates: [Buffer.of(0)] } : { ok: false, problem: 'timeout', code: '' };
      },
    })),
    plan: serving([server()]),
  },
  {
    what: 'a worker writes no fingerprint',
    until: 'no fingerprint',
    tamper: withStore((store) => ({
      tag: (arn, { [tags.fingerprint]: _, ...set }, remove) => store.tag(arn, set, remove),
    })),
    plan: serving([server()], { validity: 60 * day }),
  },
];
