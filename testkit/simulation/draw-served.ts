/** Draws the servers of certificates, what operators do to their endpoints, and the faults of the probe. */
import { tags } from '../../lambdas/domain/tags.ts';
import {
  type CallName,
  type Deed,
  type DeedKind,
  day,
  type Fault,
  type FaultKind,
  hour,
  minute,
  type Plan,
} from './plan.ts';
import { Random } from './random.ts';
import { hostileHost, hostOf, type ServerPlan } from './serving-plan.ts';

/** Endpoints exist for so long before the quiet time, because many probes cost much. */
const longestWatch = 4 * day;

/** Some plans with a frequent schedule have servers. The years of the others would cost too many probes. */
export function withServers(plan: Plan): Plan {
  const random = new Random(plan.seed, 'served');
  if (plan.period >= day || !random.chance(0.8)) return plan;
  const candidates = plan.secrets.filter(({ empty }) => !empty);
  const from = Math.max(0, plan.quietFrom - longestWatch);
  const chosen = candidates.filter(() => random.chance(2 / candidates.length)).slice(0, 2);
  const scene = { random, from, until: plan.quietFrom };
  const served = chosen.map(({ name }, n) => ({ name, servers: drawServers(scene, name, n) }));
  if (served.length === 0) return plan;
  return {
    ...plan,
    deeds: [...plan.deeds, ...served.flatMap((each, n) => drawDeeds(scene, each, n))].sort((a, b) => a.at - b.at),
    faults: [...plan.faults, ...served.flatMap(({ name }, n) => drawFaults(scene, name, n))],
    serving: {
      within: random.pick([5 * minute, hour, hour, 6 * hour]),
      servers: served.flatMap(({ servers }) => servers),
    },
  };
}

/** Milliseconds after the start. */
interface Scene {
  readonly random: Random;
  readonly from: number;
  readonly until: number;
}

function drawServers({ random, from, until }: Scene, secret: string, n: number): ServerPlan[] {
  const time = (): number => from + random.below(until - from);
  return Array.from({ length: random.between(1, 3) }, (_, index): ServerPlan => {
    const kind = random.pick(['at once', 'late', 'late', 'never'] as const);
    return {
      ...{ secret, address: `10.0.${n}.${index + 1}` },
      reloadsAfter: kind === 'never' ? undefined : kind === 'late' ? random.logBetween(minute, 2 * day) : 1_000,
      reloads: Array.from({ length: random.below(3) }, time),
      relapses: random.chance(0.2) ? [time()] : [],
      down: Array.from({ length: random.pick([0, 0, 0, 1, 2]) }, () => {
        const at = time();
        return { at, until: Math.min(at + random.logBetween(minute, 2 * day), until) };
      }),
    };
  });
}

function drawDeeds(
  { random, from, until }: Scene,
  { name: secret, servers }: { readonly name: string; readonly servers: readonly ServerPlan[] },
  n: number,
): Deed[] {
  const whole = `${hostOf(secret)}:443`;
  const [first] = servers;
  const good = [whole, whole, `${first?.address}:443`, `${whole} ${first?.address}:443`];
  const bad = ['web', 'https://web', 'other.example:443', '192.0.2.1:443', '169.254.169.254:80', 'x '.repeat(9)];
  const tag = (value: string): DeedKind => ({ kind: 'tag', secret, set: { [tags.endpoints]: value } });
  const later = random.chance(0.4) ? random.below((until - from) / 2) : 0;
  const deeds: (readonly [at: number, deed: DeedKind])[] = [[from + later, tag(random.pick(good))]];
  for (let more = random.pick([0, 0, 1, 2]); more > 0; more--) {
    const at = from + later + random.below(until - from - later);
    const [value] = [random.pick([...good, ...bad, `${hostileHost}:443`, undefined])];
    deeds.push([at, value === undefined ? { kind: 'untag', secret, keys: [tags.endpoints] } : tag(value)]);
    const end = Math.min(at + random.logBetween(minute, day), until - 1);
    if (random.chance(0.8)) deeds.push([end, tag(random.pick(good))]);
  }
  return deeds.map(([at, deed], index) => ({ ...deed, at: Math.max(at, 1), id: `s${n}.${index}` }));
}

const weights: readonly (readonly [CallName, readonly FaultKind[]])[] = [
  ['handshake', ['killed before', 'killed after']],
  ['resolve', ['killed before', 'killed after']],
  ['list', ['stale', 'stale', 'refused']],
  ['describe', ['stale', 'stale', 'refused', 'late', 'killed after']],
  ['publish', ['refused', 'throttled', 'lost', 'late', 'killed before', 'killed after']],
  ['tag', ['refused', 'throttled', 'lost', 'late', 'killed before', 'killed after']],
];

function drawFaults({ random, from, until }: Scene, secret: string, n: number): Fault[] {
  const count = random.pick([0, 0, 2, 5]);
  return Array.from({ length: count }, (_, index) => {
    const [call, kinds] = random.pick(weights);
    const at = from + random.below(until - from);
    const end = Math.min(at + random.logBetween(minute, 2 * day), until);
    const isOfAll = call === 'list' || call === 'resolve';
    return {
      ...{ id: `s${n}.${index}`, at, until: end, call, kind: random.pick(kinds), times: random.pick([1, 1, 2, 4]) },
      ...(!isOfAll && { secret }),
    };
  });
}
