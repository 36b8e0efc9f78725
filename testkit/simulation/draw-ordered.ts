/** Draws the certificates of a CA that answers later, its limits and failures, and their faults. */
import { drawDeclared, drawDeclaring } from './draw-declared.ts';
import {
  type CallName,
  day,
  drawDeed,
  drawTime,
  type Fault,
  type FaultKind,
  hour,
  minute,
  type Plan,
  publicValidity,
  type SecretPlan,
} from './plan.ts';
import type { PublicCaPlan, Spell } from './public-ca.ts';
import { Random } from './random.ts';

/** A third of the plans have such a CA. */
export function withOrders(plan: Plan): Plan {
  const random = new Random(plan.seed, 'ordered');
  if (!random.chance(0.34)) return plan;
  const { period, quietFrom, seed } = plan;
  const count = random.logBetween(1, 5);
  const profiles = ['public'] as const;
  const ordered = Array.from({ length: count }, (_, n) => ({
    ...drawDeclared({ seed, period, quietFrom, profiles }, plan.secrets.length + n),
    validity: publicValidity(period),
  }));
  const scene = { period, quietFrom, secrets: ordered };
  const declaring = drawDeclaring(random, { ...plan, profiles }, ordered).map((deed) => ({
    ...deed,
    id: `o${deed.id}`,
  }));
  const many = random.pick([0, 1, 3]) * count;
  const others = Array.from({ length: many }, () => drawTime(random, scene)).flatMap((at, n) =>
    drawDeed(random, scene).map((deed, index) => {
      const later = at + (index === 0 ? 0 : random.below(Math.min(quietFrom, 3 * day)));
      return { ...deed, at: Math.min(later, quietFrom - 1), id: `p${n}.${index}` };
    }),
  );
  return {
    ...{ ...plan, profiles: [...plan.profiles, ...profiles], secrets: [...plan.secrets, ...ordered] },
    deeds: [...plan.deeds, ...declaring, ...others].sort((a, b) => a.at - b.at),
    faults: [...plan.faults, ...drawFaults(random, plan, ordered)],
    publicCa: drawCa(random, plan, ordered),
  };
}

/** Let's Encrypt's limits are for 90 days of validity. Here the validity is shorter, and so are the limits' times. */
function drawCa(random: Random, { period, quietFrom }: Plan, ordered: readonly SecretPlan[]): PublicCaPlan {
  const week = (publicValidity(period) * 7) / 90;
  const spells = (most: number, longest: number): Spell[] =>
    Array.from({ length: random.pick([0, 0, 1, most]) }, () => {
      const at = drawTime(random, { period, quietFrom, secrets: ordered });
      const until = Math.min(at + random.logBetween(minute, longest), quietFrom);
      return { at, until, ...(random.chance(0.4) && { secret: random.pick(ordered).name }) };
    });
  const suggests = random.chance(0.5);
  return {
    validation: random.pick([
      [100, 2_000],
      [5_000, 2 * minute],
      [minute, 20 * minute],
      [10 * minute, 6 * hour],
    ] as const),
    processing: random.pick([0, 0, 30_000, 10 * minute]),
    orderLife: random.pick([7 * day, 7 * day, day, 30 * minute]),
    limits: {
      orders: { most: random.pick([300, 3, 2]), per: 3 * hour },
      names: { most: 5, per: Math.min(week, 4 * day) },
      domain: { most: random.pick([50, 2 * ordered.length + 1]), per: Math.min(week, 4 * day) },
    },
    failing: spells(3, 2 * day),
    outages: spells(2, day).map(({ at, until }) => ({ at, until })),
    suggests,
    incidents: suggests && random.chance(0.3) ? [random.below(quietFrom)] : [],
  };
}

const weights: readonly (readonly [CallName, readonly FaultKind[]])[] = [
  ['keepOrder', ['throttled', 'busy', 'refused', 'lost', 'late', 'killed before', 'killed after']],
  ['keepOrder', ['lost', 'killed before', 'killed after']],
  ['dropOrder', ['throttled', 'refused', 'lost', 'killed before', 'killed after']],
  ['ca', ['throttled', 'refused', 'lost', 'late', 'killed before', 'killed after']],
  ['send', ['throttled', 'lost', 'twice', 'killed before', 'killed after']],
  ['tag', ['throttled', 'refused', 'lost', 'killed before', 'killed after']],
  ['describe', ['stale', 'stale', 'killed after']],
  ['read', ['throttled', 'killed after']],
  ['stage', ['lost', 'killed before', 'killed after']],
  ['promote', ['lost', 'killed before', 'killed after']],
];

/** Each fault waits until it meets a call, because calls for these secrets are rare. */
function drawFaults(random: Random, { period, quietFrom }: Plan, ordered: readonly SecretPlan[]): Fault[] {
  const count = Math.round(random.pick([0, 1, 3, 6]) * ordered.length);
  return Array.from({ length: count }, (_, n) => {
    const [call, kinds] = random.pick(weights);
    const kind = random.pick(kinds);
    const at = drawTime(random, { period, quietFrom, secrets: ordered });
    const until = Math.min(at + random.logBetween(minute, Math.max(4 * period, day)), quietFrom);
    const secret = call === 'send' ? undefined : random.pick(ordered).name;
    return { ...{ id: `o${n}`, at, until, call, kind }, times: random.pick([1, 1, 2, 4]), ...(secret && { secret }) };
  });
}
