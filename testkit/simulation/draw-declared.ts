/** Draws the declarations of a plan: which, by whom, when, and their faults. */
import type { CertificateEntry } from '../../lambdas/policy/certificate-entry.ts';
import {
  type CallName,
  type Certificates,
  type Deed,
  type DeedKind,
  day,
  drawSecret,
  drawTime,
  type Fault,
  type FaultKind,
  hour,
  mayIssue,
  minute,
  type Plan,
  type SecretPlan,
} from './plan.ts';
import { Random } from './random.ts';

type Drawn = Pick<Plan, 'seed' | 'period' | 'quietFrom' | 'profiles'>;

/** Half of the plans have declarations. */
export function withDeclarations(plan: Plan): Plan {
  const random = new Random(plan.seed, 'declared');
  if (!random.chance(0.5)) return plan;
  const count = random.logBetween(1, plan.period >= day ? 4 : 8);
  const declared = Array.from({ length: count }, (_, n) => drawDeclared(plan, plan.secrets.length + n));
  const secrets = [...plan.secrets, ...declared];
  const deeds = [...plan.deeds, ...drawDeclaring(random, plan, declared)].sort((a, b) => a.at - b.at);
  return { ...plan, secrets, deeds, faults: [...plan.faults, ...drawFaults(random, plan, declared)] };
}

export function drawDeclared({ seed, period, profiles }: Drawn, n: number): SecretPlan {
  const random = new Random(seed, `declared ${n}`);
  const able = profiles.filter(mayIssue);
  const own = able.length > 0 && random.chance(0.95) ? able : profiles;
  const { rotation: _, empty: __, ...secret } = drawSecret(random, n, period, own);
  const isTakenOver = random.chance(0.15);
  return { ...secret, inKms: false, tags: {}, declared: isTakenOver ? 'taken over' : 'new' };
}

const names = (n: string): readonly string[] => [`${n}.svc.example`, `*.${n}.svc.example`, `also.${n}.svc.example`];
const labelOf = (secret: string): string => secret.replace('/', '-');

type Usages = NonNullable<CertificateEntry['usages']>;
const serverOnly: Usages = ['serverAuth'];
const bothUsages: Usages = ['serverAuth', 'clientAuth'];

function drawEntry(random: Random, secret: SecretPlan, period: number): CertificateEntry {
  return allowedBy(secret, drawAnyEntry(random, secret, period));
}

/** An ACME CA decides the duration itself, and certifies no other names than those that it has validated. */
function allowedBy({ profile }: SecretPlan, entry: CertificateEntry): CertificateEntry {
  if (profile !== 'public') return entry;
  const { duration: _, ipAddresses: __, ...rest } = entry;
  return rest;
}

function drawAnyEntry(random: Random, { name, profile, declared }: SecretPlan, period: number): CertificateEntry {
  const [first = '', ...more] = names(labelOf(name));
  return {
    profile,
    dnsNames: [first, ...more.filter(() => random.chance(0.3))],
    ...(random.chance(0.3) && { ipAddresses: [`10.0.0.${random.between(1, 250)}`] }),
    ...(random.chance(0.4) && { commonName: random.pick([first, 'Fleet']) }),
    ...(random.chance(0.3) && { usages: serverOnly }),
    ...(random.chance(0.6) && { duration: drawDuration(random, period) }),
    ...(random.chance(0.2) && drawKey(random)),
    ...(random.chance(0.3) && { shape: random.pick(['camel', 'snake', 'tls', 'pem'] as const) }),
    ...(random.chance(0.2) && { mode: random.pick(['renew', 'rekey'] as const) }),
    ...(random.chance(0.2) && { expiresIn: `${random.between(10, 60)}%` }),
    ...(random.chance(0.05) && { paused: true }),
    ...(random.chance(0.3) && { wait: false }),
    ...(declared === 'taken over' && { existing: true }),
  };
}

const drawDuration = (random: Random, period: number): string =>
  `${Math.max(hour, random.logBetween(6, 200) * period) / minute}m`;

const drawKey = (random: Random): Pick<CertificateEntry, 'kty' | 'curve'> =>
  random.pick([{ kty: 'EC', curve: 'P-384' }, { kty: 'EC', curve: 'P-256' }, { kty: 'OKP' }] as const);

/** Draws the next declaration of a secret: a different one, or the same again. */
function drawChange(random: Random, { name }: SecretPlan, entry: CertificateEntry, period: number): CertificateEntry {
  const { dnsNames = [], usages: _, kty: __, curve: ___, commonName: ____, ...rest } = entry;
  const { usages, kty, curve, commonName } = entry;
  const parts = {
    ...(usages && { usages }),
    ...(kty && { kty }),
    ...(curve && { curve }),
    ...(commonName && { commonName }),
  };
  const extra = `x${random.below(100)}.${labelOf(name)}.svc.example`;
  const kinds: readonly (() => CertificateEntry)[] = [
    () => entry,
    () => ({ ...entry, dnsNames: [...dnsNames, ...(dnsNames.includes(extra) ? [] : [extra])] }),
    () => ({ ...entry, dnsNames: dnsNames.length > 1 ? dnsNames.slice(0, -1) : [dnsNames[0] ?? extra] }),
    () => ({ ...rest, ...parts, commonName: 'Fleet', dnsNames: [extra] }),
    () => ({ ...entry, duration: drawDuration(random, period) }),
    () => ({ ...rest, dnsNames, ...(usages && { usages }), ...(commonName && { commonName }), ...drawKey(random) }),
    () => ({
      ...entry,
      usages: random.pick([serverOnly, bothUsages]),
    }),
    () => ({ ...rest, dnsNames, ...(usages && { usages }), ...(kty && { kty }), ...(curve && { curve }) }),
    () => ({ ...entry, commonName: 'Fleet' }),
    () => ({ ...entry, mode: entry.mode === 'renew' ? 'rekey' : 'renew' }),
  ];
  return random.pick(kinds)();
}

/** A declaration that the deployment refuses. It is rolled back. */
function refused(at: number, { name }: SecretPlan, entry: CertificateEntry): { at: number; deed: DeedKind } {
  const certificates = { [name]: { ...entry, dnsNames: ['www.bank.example'] } };
  return { at, deed: { kind: 'deploy', resource: name, certificates } };
}

/** A secret has its own resource, or shares one with others. */
export function drawDeclaring(random: Random, plan: Drawn, declared: readonly SecretPlan[]): Deed[] {
  const { period, quietFrom } = plan;
  const scene = { period, quietFrom, secrets: declared };
  const entries = new Map<string, CertificateEntry>();
  const resources = new Map(declared.map(({ name }) => [name, random.chance(0.5) ? 'config' : name]));
  const changes = declared.flatMap((secret) => {
    const first = random.chance(0.4) ? random.below(10 * minute) : drawTime(random, scene) / 2;
    const later = Array.from({ length: random.pick([0, 1, 2, 5]) }, () => drawTime(random, scene));
    // Half of the later events follow another one closely, so that they run beside it or after a crash.
    const times = [first, ...later].flatMap((at) => [
      at,
      ...(random.chance(0.25) ? [at + random.below(5 * minute)] : []),
    ]);
    return times.filter((at) => at >= first && at < quietFrom).map((at) => ({ at, secret }));
  });
  const deeds = changes
    .sort((a, b) => a.at - b.at)
    .flatMap(({ at, secret }): { at: number; deed: DeedKind }[] => {
      const { name } = secret;
      const before = entries.get(name);
      if (before !== undefined && random.chance(0.08)) {
        const entry = { ...before, dnsNames: [random.pick([`${labelOf(name)}.svc.example`, 'www.bank.example'])] };
        return [{ at, deed: { kind: 'alter', secret: name, entry } }];
      }
      if (before !== undefined && random.chance(0.15)) entries.delete(name);
      else
        entries.set(
          name,
          before === undefined
            ? drawEntry(random, secret, period)
            : allowedBy(secret, drawChange(random, secret, before, period)),
        );
      const entry = entries.get(name);
      if (entry !== undefined && random.chance(0.03)) return [refused(at, secret, entry)];
      if (random.chance(0.15)) {
        return [{ at, deed: entry ? { kind: 'declare', secret: name, entry } : { kind: 'undeclare', secret: name } }];
      }
      const resource = resources.get(name) ?? name;
      const certificates: Certificates = Object.fromEntries(
        [...entries].filter(([each]) => resources.get(each) === resource),
      );
      return [{ at, deed: { kind: 'deploy', resource, certificates } }];
    });
  return deeds.map(({ at, deed }, n) => ({ ...deed, at: Math.floor(at), id: `c${n}` }));
}

const weights: readonly (readonly [CallName, readonly FaultKind[]])[] = [
  ['parameter', ['throttled', 'busy', 'refused', 'late', 'killed before', 'killed after']],
  ['write parameter', ['throttled', 'busy', 'refused', 'lost', 'late', 'killed before', 'killed after']],
  ['remove parameter', ['throttled', 'refused', 'lost', 'killed before', 'killed after']],
  ['create', ['throttled', 'busy', 'refused', 'lost', 'late', 'killed before', 'killed after']],
  ['invoke', ['throttled', 'refused', 'lost', 'killed before', 'killed after']],
  ['tag', ['throttled', 'lost', 'killed before', 'killed after']],
  ['stage', ['killed after']],
  ['promote', ['lost', 'killed before', 'killed after']],
  ['publish', ['throttled', 'killed before']],
  ['ca', ['throttled', 'lost', 'killed after']],
];

/** Each fault waits until it meets a call, because calls for these secrets are rare. */
function drawFaults(random: Random, { period, quietFrom }: Drawn, declared: readonly SecretPlan[]): Fault[] {
  const count = Math.round(random.pick([0, 0.5, 2, 4]) * declared.length);
  return Array.from({ length: count }, (_, n) => {
    const [call, kinds] = random.pick(weights);
    const kind = random.pick(kinds);
    const at = drawTime(random, { period, quietFrom, secrets: declared });
    const length = random.logBetween(minute, Math.max(4 * period, day));
    const secret = random.chance(0.8) ? random.pick(declared).name : undefined;
    const until = Math.min(at + length, quietFrom);
    return { ...{ id: `e${n}`, at, until, call, kind }, times: random.pick([1, 1, 2, 4]), ...(secret && { secret }) };
  });
}
