/** Rows of an inventory like those of a real stack, for tests and pictures: most are ok, and every state is there. */
import type { ReasonCode } from '../../lambdas/domain/decision.ts';
import type { ErrorCode } from '../../lambdas/domain/errors.ts';
import { formatInstant, type Instant } from '../../lambdas/domain/instant.ts';
import type { InventoryRow } from '../../lambdas/inventory/row.ts';
import { type InventoryState, rankOf } from '../../lambdas/inventory/states.ts';
import { Random } from '../simulation/random.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** The time of the pictures: at night, when someone is on call. */
export const sampleNow: Instant = Date.parse('2026-11-25T03:12:00Z');

/** Names that would break a page which takes them as HTML, or a shell which takes them as words. */
export const hostileNames = [
  `<img src=x onerror=alert(1)></script><script>alert(2)</script>"'&\``,
  'web/$(reboot);`id` \'"/tls',
  'web/\u202eslt/evil\u0000',
] as const;

/** Profiles with the validity of their certificates in milliseconds. A picture needs certificates of a day and of a year. */
const profiles: readonly (readonly [name: string, length: number])[] = [
  ['mesh', day],
  ['internal', 7 * day],
  ['edge', 90 * day],
  ['mesh', day],
  ['partners', 365 * day],
  ['internal', 7 * day],
  ['devices', 30 * day],
];

/** Certificates among a thousand. The rest is ok. */
const shares: readonly (readonly [state: InventoryState, share: number])[] = [
  ['expired', 8],
  ['overdue', 14],
  ['failing', 40],
  ['not served', 5],
  ['missing', 6],
  ['changed', 5],
  ['waiting', 7],
  ['due', 22],
  ['paused', 14],
  ['unknown', 9],
];

const failures: readonly (readonly [code: ErrorCode, weight: number])[] = [
  ['CaRejected', 9],
  ['CaUnavailable', 5],
  ['AccessDenied', 3],
  ['UnsupportedSecret', 1],
  ['KmsDenied', 1],
  ['InvalidTag', 1],
];

/**
 * Returns `count` rows, in no order. The same count and seed give the same rows. From 11 rows on, every state is there. `hostile`:
 * some have names with markup and control characters.
 */
export function sampleRows(
  count: number,
  { now = sampleNow, seed = 1, hostile = false }: { now?: Instant; seed?: number; hostile?: boolean } = {},
): InventoryRow[] {
  const random = new Random(seed, `inventory of ${count}`);
  const states = statesOf(count, random);
  return states.map((state, i) => {
    const name = hostile ? hostileNames[i] : undefined;
    return makeRow(name ?? nameOf(i, random), state, i, { now, random });
  });
}

function statesOf(count: number, random: Random): InventoryState[] {
  const few: readonly InventoryState[] = ['failing', 'due', 'paused'];
  const found = shares.flatMap(([state, share]): InventoryState[] => {
    const number =
      count > shares.length ? Math.max(1, Math.round((count * share) / 1000)) : Number(few.includes(state));
    return Array.from({ length: number }, () => state);
  });
  const rest = Math.max(0, count - found.length);
  const all = [...found.slice(0, count), ...Array.from({ length: rest }, (): InventoryState => 'ok')];
  return all
    .map((state) => ({ state, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ state }) => state);
}

const stages = ['prod', 'prod', 'prod', 'staging', 'dev'] as const;
const teams = ['payments', 'search', 'billing', 'identity', 'mail', 'web', 'orders', 'metrics', 'db'] as const;
const parts = ['api', 'gateway', 'worker', 'proxy', 'broker', 'primary', 'replica', 'ingress', 'admin'] as const;
const longName = 'prod/customer-notifications/eu-central-1/webhook-dispatcher-internal/tls';

function nameOf(i: number, random: Random): string {
  const name = `${random.pick(stages)}/${random.pick(teams)}/${random.pick(parts)}`;
  // Every 23rd name is as long as a name with Region and component is in practice.
  return i % 23 === 4 ? `${longName}-${i}` : `${name}-${i}`;
}

interface Scene {
  readonly now: Instant;
  readonly random: Random;
}

function makeRow(name: string, state: InventoryState, i: number, scene: Scene): InventoryRow {
  const { random } = scene;
  const [tagged, length] = random.pick(profiles);
  const isAuthority = i % 97 === 60 && state === 'ok';
  const row: InventoryRow = {
    name,
    secretArn: `arn:aws:secretsmanager:eu-central-1:111122223333:secret:${i}-AbCdEf`,
    profile: isAuthority ? `authority:${random.pick(['root', 'mesh', 'devices'])}` : tagged,
    state,
    states: [state],
    reason: { code: 'NotDue', message: 'Not due yet.' },
    ...window(state, isAuthority ? 3650 * day : length, scene),
    overdue: state === 'expired' || state === 'overdue',
    declared: i % 5 === 0,
    wanting: undefined,
    failure: undefined,
  };
  return { ...row, ...details[state](row, scene) };
}

/** Returns a window of validity that fits the state. A third of it is left when the certificate is due. */
function window(state: InventoryState, length: number, { now, random }: Scene) {
  const part = (from: number, to: number): number => from + random.next() * (to - from);
  const ages: Partial<Record<InventoryState, number>> = {
    expired: 1 + part(1 * minute, 9 * hour) / length,
    overdue: part(0.74, 0.97),
    failing: part(0.67, 0.93),
    due: part(0.66, 0.667),
    paused: part(0.2, 0.9),
  };
  const notBefore = Math.round((now - (ages[state] ?? part(0.01, 0.655)) * length) / 1000) * 1000;
  return { notBefore, notAfter: notBefore + length, renewAt: notBefore + Math.round((length * 2) / 3) };
}

type Details = (row: InventoryRow, scene: Scene) => Partial<InventoryRow>;

const untimed = { notBefore: undefined, notAfter: undefined, renewAt: undefined } as const;
const because = (code: ReasonCode, message: string) => ({ reason: { code, message } });
const failedToo = (row: InventoryRow, scene: Scene, states: readonly InventoryState[]) => ({
  ...failed(row, scene),
  states: [...states].sort((a, b) => rankOf(a) - rankOf(b)),
});

const details: Readonly<Record<InventoryState, Details>> = {
  expired: (row, scene) =>
    scene.random.chance(0.3)
      ? { states: ['expired', 'paused'], ...because('Paused', 'Paused by the tag cert-renewer:paused.') }
      : failedToo(row, scene, ['expired', 'failing']),
  overdue: (row, scene) =>
    scene.random.chance(0.4)
      ? because('Expiring', `It expires at ${formatInstant(row.notAfter ?? 0)}.`)
      : failedToo(row, scene, ['overdue', 'failing']),
  failing: failed,
  'not served': (_row, { now, random }) => {
    const probed = now - random.between(1, 59) * minute;
    return { serving: { state: 'not-served', since: probed - random.between(60, 600) * minute, probed } };
  },
  missing: () => ({
    ...untimed,
    declared: true,
    wanting: 'missing',
    ...because('Missing', 'A certificate is declared and not issued yet: a worker issues it.'),
  }),
  changed: () => ({
    declared: true,
    wanting: 'changed',
    ...because('Changed', 'The declaration has changed since the certificate was issued: a worker issues a new one.'),
  }),
  waiting: (_row, { now, random }) => {
    const since = now - random.between(1, 90) * minute;
    const again = now + random.between(1, 15) * minute;
    return {
      wait: { since, again, until: again, isPlaced: true },
      ...because(
        'WaitingForCa',
        `It waits for its CA since ${formatInstant(since)}. A message looks again at ${formatInstant(again)}.`,
      ),
    };
  },
  due: (row) => because('Expiring', `It expires at ${formatInstant(row.notAfter ?? 0)}.`),
  paused: (_row, { random }) =>
    random.chance(0.3)
      ? { renewAt: undefined, ...because('Replica', 'A replica of a secret in eu-west-1, where it is renewed.') }
      : because('Paused', 'Paused by the tag cert-renewer:paused.'),
  unknown: (_row, { random }) =>
    random.chance(0.5)
      ? { renewAt: undefined, ...because('UnknownProfile', 'This stack has no profile inernal.') }
      : { ...untimed, ...because('Unknown', 'The secret is new, or its value was replaced: a worker reads it.') },
  ok: () => ({}),
};

function failed(_row: InventoryRow, { now, random }: Scene): Partial<InventoryRow> {
  const code = random.pick(failures.flatMap(([each, weight]) => Array.from({ length: weight }, () => each)));
  const count = random.between(1, 6);
  if (code === 'InvalidTag') {
    return {
      ...because(
        code,
        'The tag cert-renewer:expires-in is "30d": expected a duration above zero such as 8h30m, or a percentage of the validity such as 33%; d is not a unit, write 720h. Correct or remove it.',
      ),
      failure: { code, count: 1, at: now - hour, nextTry: undefined },
    };
  }
  const nextTry = now + random.between(3, 170) * minute;
  return {
    ...because('BackingOff', `${count} tries failed, the last with ${code}.`),
    failure: { code, count, at: now - random.between(5, 110) * minute, nextTry },
  };
}
