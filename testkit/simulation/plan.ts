/**
 * All random decisions of an episode, as data: the secrets, the actions of operators, and the faults. The plan is
 * drawn first and played afterwards, so that parts of it can be removed and the rest played again.
 */
import { tags } from '../../lambdas/domain/tags.ts';
import type { CertificateEntry } from '../../lambdas/policy/certificate-entry.ts';
import type { KeyKind } from '../certificates/index.ts';
import type { PublicCaPlan } from './public-ca.ts';
import { Random } from './random.ts';
import type { ServingPlan } from './serving-plan.ts';

export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;
const week = 7 * day;
/** The start of every episode. */
export const start = Date.UTC(2026, 10, 22, 12);

export const shapes = ['camel', 'snake', 'tls', 'pem', 'pem encrypted', 'camel encrypted'] as const;
export type ShapeName = (typeof shapes)[number];

const drawnProfiles = ['strict', 'lenient', 'offline', 'imported'] as const;
/** The certificates of `public` are issued by a CA that answers later (public-ca.ts). */
export const profileNames = [...drawnProfiles, 'public'] as const;
export type ProfileName = (typeof profileNames)[number];

/** Profiles with `issue`. */
export const mayIssue = (profile: string): boolean => profile !== 'imported';
/** `issue.duration` of each profile in milliseconds, long enough for the schedule. */
export const issueDuration = (period: number): number => Math.max(12 * hour, 30 * period);

/** The validity of every certificate of the public CA in milliseconds. Its last twentieth has several scans. */
export const publicValidity = (period: number): number => Math.max(day, 80 * period);

export interface SecretPlan {
  readonly name: string;
  readonly profile: ProfileName;
  readonly shape: ShapeName;
  readonly key: KeyKind;
  /** The key is in KMS. */
  readonly inKms: boolean;
  /** Milliseconds from notBefore to notAfter. */
  readonly validity: number;
  /** The share of the validity that has passed at the start of the episode. */
  readonly age: number;
  readonly tags: Readonly<Record<string, string>>;
  /** The number of the user's own tags. */
  readonly ownTags: number;
  /** Milliseconds between two native rotations by the renew function. Undefined means no rotation. */
  readonly rotation?: number;
  /** true for a secret without a value, the target of `out`. */
  readonly empty?: boolean;
  /** A deployment makes it, or takes it over with its value. */
  readonly declared?: 'new' | 'taken over';
}

/** The properties of a resource: entries by secret name. */
export type Certificates = Readonly<Record<string, CertificateEntry>>;

export type DeedKind =
  | { readonly kind: 'write'; readonly secret: string; readonly validity: number }
  | { readonly kind: 'write rubbish'; readonly secret: string; readonly what: 'text' | 'placeholder' | 'other key' }
  | { readonly kind: 'roll back'; readonly secret: string }
  | { readonly kind: 'roll forward'; readonly secret: string }
  | { readonly kind: 'tag'; readonly secret: string; readonly set: Readonly<Record<string, string>> }
  | { readonly kind: 'untag'; readonly secret: string; readonly keys: readonly string[] }
  | { readonly kind: 'fill tags'; readonly secret: string; readonly count: number }
  | { readonly kind: 'delete'; readonly secret: string }
  | { readonly kind: 'restore'; readonly secret: string }
  | { readonly kind: 'disable key'; readonly secret: string }
  | { readonly kind: 'enable key'; readonly secret: string }
  | { readonly kind: 'rotate'; readonly secret: string; readonly immediately: boolean }
  | { readonly kind: 'ask'; readonly secret: string; readonly request: Readonly<Record<string, unknown>> }
  | { readonly kind: 'scan'; readonly force: boolean; readonly secret?: string }
  /** Deploys a resource of the stack. Without certificates it is deleted. */
  | { readonly kind: 'deploy'; readonly resource: string; readonly certificates: Certificates }
  /** Declares by the command line, with the caller's permissions. */
  | { readonly kind: 'declare'; readonly secret: string; readonly entry: CertificateEntry }
  | { readonly kind: 'undeclare'; readonly secret: string }
  /** Another writer with ssm:PutParameter, without any check of the declaration. */
  | { readonly kind: 'alter'; readonly secret: string; readonly entry: CertificateEntry };

export type Deed = DeedKind & {
  readonly id: string;
  /** Milliseconds after the start. */
  readonly at: number;
};

export const callNames = [
  ...(['list', 'describe', 'read', 'stage', 'promote', 'discard', 'tag', 'keepOrder', 'dropOrder'] as const),
  ...(['publish', 'send', 'pause', 'profile', 'authority', 'ca', 'key', 'sign'] as const),
  ...(['parameter', 'write parameter', 'remove parameter', 'create', 'invoke'] as const),
  ...(['resolve', 'handshake'] as const),
] as const;
export type CallName = (typeof callNames)[number];

export const faultKinds = [
  ...(['throttled', 'busy', 'refused', 'lost', 'late', 'stale'] as const),
  ...(['killed before', 'killed after', 'twice'] as const),
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** The number of these calls that AWS accepts together in one second. */
export interface Quota {
  readonly calls: readonly CallName[];
  readonly most: number;
}

/** From `at` until `until` (milliseconds after the start), the next `times` calls of this kind meet this fault. */
export interface Fault {
  readonly id: string;
  readonly at: number;
  readonly until: number;
  readonly call: CallName;
  readonly kind: FaultKind;
  readonly times: number;
  /** Only calls for this secret. */
  readonly secret?: string;
}

export interface Plan {
  readonly seed: number;
  /** Milliseconds between two scans. */
  readonly period: number;
  /** From then on there are no actions and no faults. Milliseconds after the start. */
  readonly quietFrom: number;
  readonly end: number;
  /** Concurrent Lambdas. */
  readonly workers: number;
  /** The imported authority has a key that is too weak. */
  readonly weakAuthority: boolean;
  readonly profiles: readonly ProfileName[];
  readonly secrets: readonly SecretPlan[];
  readonly deeds: readonly Deed[];
  readonly faults: readonly Fault[];
  /** Undefined if no profile is `public`. */
  readonly publicCa?: PublicCaPlan;
  /** Undefined if nothing is probed. */
  readonly serving?: ServingPlan;
  /** More than the known delays of AWS. */
  readonly quotas?: Readonly<Record<string, Quota>>;
}

/** Long enough for the longest back-off, an inspection, and a few scans. */
function settling(period: number): number {
  return Math.max(32 * hour + day + 6 * period + 2 * hour, 14 * period);
}

/** Returns the plan with no actions from then on. */
export function withEnd(plan: Plan, quietFrom: number): Plan {
  const faults = plan.faults.map((fault) => ({ ...fault, until: Math.min(fault.until, quietFrom) }));
  const { publicCa, serving } = plan;
  const before = <T extends { readonly until: number }>(spells: readonly T[]): T[] =>
    spells.map((spell) => ({ ...spell, until: Math.min(spell.until, quietFrom) }));
  return {
    ...{ ...plan, quietFrom, end: quietFrom + settling(plan.period), faults },
    ...(publicCa && {
      publicCa: { ...publicCa, failing: before(publicCa.failing), outages: before(publicCa.outages) },
    }),
    ...(serving && {
      serving: {
        ...serving,
        servers: serving.servers.map((server) => ({
          ...server,
          reloads: server.reloads.filter((at) => at < quietFrom),
          relapses: server.relapses.filter((at) => at < quietFrom),
          down: before(server.down).filter(({ at }) => at < quietFrom),
        })),
      },
    }),
  };
}

export const passwordSecret = 'pki/password';
export const importedPassword = 'pki/password-imported';
/** Secrets that the configuration names and that are never renewed. */
export const otherSecrets = [passwordSecret, importedPassword, 'pki/issuing', 'pki/imported'] as const;

/** Draws a plan without declarations, which draw-declared.ts adds. */
export function drawUndeclared(seed: number): Plan {
  const random = new Random(seed, 'plan');
  const period = random.pick([15 * minute, hour, hour, 6 * hour, day, day, week, week, week, week]);
  const scans = random.logBetween(40, period >= day ? 300 : 200);
  const quietFrom = scans * period;
  const count = random.logBetween(1, period >= day ? 10 : 32);
  const profiles = drawnProfiles.filter(() => random.chance(0.5));
  if (profiles.length === 0) profiles.push(random.pick(drawnProfiles));
  const secrets = Array.from({ length: count }, (_, n) =>
    drawSecret(new Random(seed, `secret ${n}`), n, period, profiles),
  );
  const scene = { period, quietFrom, secrets };
  const deeds = drawDeeds(new Random(seed, 'deeds'), scene);
  const faults = drawFaults(new Random(seed, 'faults'), scene);
  return {
    ...{ seed, period, quietFrom, end: quietFrom + settling(period), workers: random.between(2, 4) },
    weakAuthority: random.chance(0.1),
    ...{ profiles, secrets, deeds, faults },
  };
}

const goodTags: readonly ((random: Random, period: number) => Record<string, string>)[] = [
  (random) => ({ [tags.mode]: random.pick(['renew', 'rekey']) }),
  (random) => ({ [tags.expiresIn]: `${random.between(5, 80)}pct` }),
  (random, period) => ({ [tags.expiresIn]: `${random.logBetween(1, 40) * (period / minute)}m` }),
  (random, period) => ({ [tags.rekeyPeriod]: `${random.logBetween(2, 60) * (period / minute)}m` }),
  (random) => ({ [tags.kty]: 'EC', [tags.curve]: random.pick(['P-256', 'P-256', 'P-384']) }),
  () => ({ [tags.kty]: 'OKP' }),
  () => ({ [tags.kty]: 'RSA' }),
];

const badTags: readonly Record<string, string>[] = [
  { [tags.mode]: 'sideways' },
  { [tags.expiresIn]: 'soon' },
  { [tags.rekeyPeriod]: '-3h' },
  { [tags.curve]: 'P-256', [tags.kty]: 'RSA' },
  { [tags.paused]: 'yes' },
];

const userTags = [tags.mode, tags.expiresIn, tags.rekeyPeriod, tags.kty, tags.curve, tags.size, tags.paused];

export function drawSecret(random: Random, n: number, period: number, profiles: readonly ProfileName[]): SecretPlan {
  const profile = random.pick(profiles);
  const inKms = random.chance(0.08);
  const validity = Math.max(hour, random.logBetween(6, 200) * period);
  const mayEncrypt = profile === 'lenient' && !inKms;
  const rotation = random.chance(0.12) ? Math.max(random.logBetween(4, 60) * period, hour) : undefined;
  return {
    name: `web/${n}`,
    profile,
    shape: random.pick(inKms ? (['camel', 'snake', 'tls'] as const) : mayEncrypt ? shapes : shapes.slice(0, 4)),
    key: random.chance(0.06) ? 'RSA-2048' : random.pick(['P-256', 'P-256', 'P-256', 'Ed25519']),
    inKms,
    validity,
    age: random.next() * 0.95,
    tags: {
      ...(!inKms && random.chance(0.3) && random.pick(goodTags)(random, period)),
      ...(random.chance(0.06) && { [tags.paused]: 'true' }),
    },
    ownTags: random.chance(0.1) ? random.between(40, 49) : random.below(4),
    ...(rotation !== undefined && { rotation }),
    ...(random.chance(0.05) && { empty: true }),
  };
}

export interface Scene {
  readonly period: number;
  readonly quietFrom: number;
  readonly secrets: readonly SecretPlan[];
}

/** Half of the actions happen while workers handle the messages of a scan. */
export function drawTime(random: Random, { period, quietFrom }: Scene): number {
  if (random.chance(0.4)) return random.below(quietFrom);
  return random.below(Math.floor(quietFrom / period)) * period + random.below(random.pick([3_000, 60_000, 600_000]));
}

function drawDeeds(random: Random, scene: Scene): Deed[] {
  const { secrets, quietFrom } = scene;
  const deeds: Deed[] = [];
  const many = random.pick([0, 0.3, 1, 2]);
  for (let n = 0; n < secrets.length * many; n++) {
    const at = drawTime(random, scene);
    for (const [index, deed] of drawDeed(random, scene).entries()) {
      const later = index === 0 ? at : at + random.below(Math.min(quietFrom, 3 * day));
      if (later < quietFrom) deeds.push({ ...deed, at: later, id: `d${n}.${index}` });
    }
  }
  return deeds.sort((a, b) => a.at - b.at);
}

/** Draws an action, and its later follow-up. */
export function drawDeed(random: Random, { secrets, period }: Scene): DeedKind[] {
  const secret = random.pick(secrets).name;
  const own = secrets.filter(({ rotation }) => rotation !== undefined);
  const rotated = own.length > 0 ? own : secrets;
  const kinds: readonly (() => DeedKind[])[] = [
    () => [{ kind: 'write', secret, validity: Math.max(hour, random.logBetween(6, 200) * period) }],
    () => [
      { kind: 'write rubbish', secret, what: random.pick(['text', 'placeholder', 'other key']) },
      { kind: 'write', secret, validity: Math.max(hour, random.logBetween(6, 200) * period) },
    ],
    () => [{ kind: 'roll back', secret }],
    () => [
      { kind: 'roll back', secret },
      { kind: 'roll forward', secret },
    ],
    () => [
      { kind: 'tag', secret, set: { [tags.paused]: 'true' } },
      { kind: 'untag', secret, keys: [tags.paused] },
    ],
    () => [
      { kind: 'tag', secret, set: random.pick(goodTags)(random, period) },
      { kind: 'untag', secret, keys: userTags },
    ],
    () => [
      { kind: 'tag', secret, set: random.pick(badTags) },
      { kind: 'untag', secret, keys: userTags },
    ],
    () => [{ kind: 'untag', secret, keys: [tags.versionId, tags.notBefore, tags.notAfter, tags.failure] }],
    () => [
      { kind: 'fill tags', secret, count: random.between(44, 50) },
      { kind: 'fill tags', secret, count: random.below(3) },
    ],
    () => {
      const which = random.chance(0.5) ? secret : random.pick(otherSecrets);
      const gone: DeedKind[] = [{ kind: 'delete', secret: which }];
      return random.chance(0.7) ? [...gone, { kind: 'restore', secret: which }] : gone;
    },
    () => [
      { kind: 'disable key', secret },
      { kind: 'enable key', secret },
    ],
    () => [{ kind: 'rotate', secret: random.pick(rotated).name, immediately: random.chance(0.5) }],
    () => [{ kind: 'ask', secret, request: drawRequest(random, secrets, period) }],
    () => [{ kind: 'ask', secret, request: drawRequest(random, secrets, period) }],
    () => [{ kind: 'ask', secret, request: { force: true } }],
    () => [{ kind: 'scan', force: random.chance(0.3), ...(random.chance(0.7) && { secret }) }],
  ];
  return random.pick(kinds)();
}

function drawRequest(random: Random, secrets: readonly SecretPlan[], period: number): Record<string, unknown> {
  const other = random.pick(secrets).name;
  return {
    ...(random.chance(0.4) && { force: true }),
    ...(random.chance(0.2) && { dryRun: true }),
    ...(random.chance(0.2) && { mode: random.pick(['renew', 'rekey']) }),
    ...(random.chance(0.25) && { expiresIn: `${random.logBetween(1, 40) * (period / minute)}m` }),
    ...(random.chance(0.25) && { out: { secretId: other } }),
    ...(random.chance(0.1) && { privateKey: { secretId: other } }),
  };
}

const faultWeights: readonly (readonly [CallName, readonly FaultKind[]])[] = [
  ['list', ['throttled', 'refused', 'stale', 'killed before']],
  ['describe', ['throttled', 'refused', 'late', 'stale', 'killed before', 'killed after']],
  ['read', ['throttled', 'refused', 'late', 'killed before', 'killed after']],
  ['stage', ['throttled', 'busy', 'refused', 'lost', 'late', 'killed before', 'killed after']],
  ['promote', ['throttled', 'busy', 'refused', 'lost', 'late', 'killed before', 'killed after']],
  ['publish', ['throttled', 'refused', 'lost', 'late', 'killed before', 'killed after']],
  ['publish', ['throttled', 'refused', 'lost', 'killed before', 'killed after']],
  ['tag', ['throttled', 'busy', 'refused', 'lost', 'late', 'killed before', 'killed after']],
  ['discard', ['throttled', 'refused', 'killed before']],
  ['send', ['throttled', 'lost', 'twice', 'killed before']],
  ['pause', ['throttled']],
  ['profile', ['throttled', 'refused']],
  ['authority', ['throttled', 'refused']],
  ['ca', ['throttled', 'busy', 'refused', 'lost', 'late', 'killed before', 'killed after']],
  ['key', ['throttled', 'refused']],
  ['sign', ['throttled', 'refused', 'lost', 'killed after']],
];

function drawFaults(random: Random, scene: Scene): Fault[] {
  const { period, quietFrom, secrets } = scene;
  const count = Math.round(random.pick([0, 0.2, 1, 2]) * (4 + secrets.length));
  return Array.from({ length: count }, (_, n) => {
    const [call, kinds] = random.pick(faultWeights);
    const kind = random.pick(kinds);
    const at = drawTime(random, scene);
    const isLong = random.chance(0.25) && !kind.startsWith('killed') && kind !== 'late';
    const length = isLong ? random.logBetween(hour, 30 * hour) : random.logBetween(minute, 8 * period);
    return {
      ...{ id: `f${n}`, at, until: Math.min(at + length, quietFrom), call, kind },
      times: isLong ? Number.POSITIVE_INFINITY : random.pick([1, 1, 1, 2, 4]),
      ...(random.chance(0.6) && { secret: random.pick(secrets).name }),
    };
  });
}
