/** Declared certificates without random faults: how many are issued, what a change causes, and the rates of calls to AWS. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { tags } from '../../lambdas/domain/tags.ts';
import type { CertificateEntry } from '../../lambdas/policy/certificate-entry.ts';
import { playEpisode, type Report } from '../../testkit/simulation/episode.ts';
import {
  type DeedKind,
  day,
  type Fault,
  hour,
  minute,
  type Plan,
  type SecretPlan,
} from '../../testkit/simulation/plan.ts';
import { quotas } from '../../testkit/simulation/rates.ts';
import { storyOf } from '../../testkit/simulation/shrink.ts';
import { calm, secret } from './mutants.ts';

const entry: CertificateEntry = { profile: 'strict', dnsNames: ['web.svc.example'], duration: '43200m' };
const made = secret(1, { declared: 'new' });
const deploy = (each: CertificateEntry | undefined): DeedKind => ({
  ...{ kind: 'deploy', resource: 'config' },
  certificates: each === undefined ? {} : { 'web/1': each },
});

function scene(
  deeds: readonly (readonly [at: number, deed: DeedKind])[],
  faults: readonly Omit<Fault, 'id'>[] = [],
  more: Partial<Plan> = {},
): Plan {
  return {
    ...{ ...calm, secrets: [made] },
    ...more,
    deeds: deeds.map(([at, deed], n) => ({ ...deed, at, id: `d${n}` })),
    faults: faults.map((fault, n) => ({ ...fault, id: `f${n}` })),
  };
}

const once = (call: Fault['call'], kind: Fault['kind'], times = 1): Omit<Fault, 'id'> => ({
  ...{ call, kind, times, at: 0, until: day },
});

const names = ['web.svc.example', 'www.svc.example'];
const other: CertificateEntry = { ...entry, dnsNames: names };

const alter = (dnsNames: string[]): DeedKind => ({ kind: 'alter', secret: 'web/1', entry: { ...entry, dnsNames } });
const byHand: DeedKind = { kind: 'declare', secret: 'web/1', entry };
const ask: DeedKind = { kind: 'ask', secret: 'web/1', request: {} };

/** Deeds at intervals of four hours, and how many certificates they cause. No certificate becomes due meanwhile. */
const changes: readonly (readonly [what: string, deeds: readonly DeedKind[], issued: number])[] = [
  ['the first', [deploy(entry)], 1],
  ['the same again', [deploy(entry), deploy({ ...entry }), byHand], 1],
  ['other names in another order', [deploy(other), deploy({ ...other, dnsNames: names.toReversed() })], 1],
  ['another mode', [deploy(entry), deploy({ ...entry, mode: 'renew', expiresIn: '20%' })], 1],
  ['a name more', [deploy(entry), deploy(other)], 2],
  ['a name less', [deploy(other), deploy(entry)], 2],
  ['another duration', [deploy(entry), deploy({ ...entry, duration: '50000m' })], 2],
  ['another kind of key', [deploy(entry), deploy({ ...entry, kty: 'EC', curve: 'P-384' })], 2],
  ['a usage less', [deploy(entry), deploy({ ...entry, usages: ['serverAuth'] })], 2],
  ['a common name', [deploy(entry), deploy({ ...entry, commonName: 'Fleet' })], 2],
  ['there and back', [deploy(entry), deploy(other), deploy(entry)], 3],
  ['taken back', [deploy(entry), deploy(undefined)], 1],
  ['taken back, and declared again', [deploy(entry), deploy(undefined), deploy(entry)], 1],
  ['taken back, and declared otherwise', [deploy(entry), deploy(undefined), deploy(other)], 2],
  ['a name that is not allowed', [deploy({ ...entry, dnsNames: ['www.bank.example'] })], 0],
  ['such a name later, which is rolled back', [deploy(entry), deploy({ ...entry, dnsNames: ['www.bank.example'] })], 1],
  ['such a name outside of the deployment', [deploy(entry), alter(['www.bank.example']), ask], 1],
  ['an allowed one outside of the deployment', [deploy(entry), alter(['mail.svc.example']), ask], 2],
];

/** Crashes of the deployment and of the worker between any two steps. */
const crashes = (
  ['create', 'write parameter', 'tag', 'invoke', 'stage', 'promote', 'publish', 'parameter', 'describe'] as const
).flatMap((call) =>
  (['killed before', 'killed after'] as const).map((kind) => [`${kind} ${call}`, once(call, kind)] as const),
);

async function played(plan: Plan): Promise<Report> {
  const report = await playEpisode(plan);
  const stories = await Promise.all(report.violations.map((violation) => storyOf(plan, violation)));
  expect(stories.join('\n\n')).toBe('');
  return report;
}

describe('one certificate for each change of a declaration', () => {
  it.each(changes)('%s', async (_, deeds, issued) => {
    const plan = scene(deeds.map((deed, n) => [hour + 4 * n * hour, deed]));
    expect((await played(plan)).counts.issued).toBe(issued);
  });

  it.each(crashes)('%s costs one more at most', async (_, fault) => {
    const { counts } = await played(
      scene(
        [
          [hour, deploy(entry)],
          [5 * hour, deploy(other)],
        ],
        [fault],
      ),
    );
    expect([2, 3]).toContain(counts.issued);
  });
});

/** The worker ends before it notes what it has issued, and the declaration changes before the next inspection. */
describe('changed before the previous certificate was noted', () => {
  const pairs: readonly (readonly [what: string, one: CertificateEntry, two: CertificateEntry])[] = [
    ['names', entry, other],
    ['duration', entry, { ...entry, duration: '50000m' }],
    ['kind of key', entry, { ...entry, kty: 'EC', curve: 'P-384' }],
    ['usages', entry, { ...entry, usages: ['serverAuth'] }],
    ['common name', { ...entry, commonName: 'Fleet' }, entry],
    ['common name, from another', { ...entry, commonName: 'web.svc.example' }, { ...entry, commonName: 'Fleet' }],
    ['common name, from none', entry, { ...entry, commonName: 'Fleet' }],
  ];
  const both = pairs.flatMap(([what, one, two]) => [
    [what, one, two] as const,
    [`${what}, the other way`, two, one] as const,
  ]);
  const times = (['killed after promote', 'killed before promote', 'killed after publish'] as const).flatMap((when) =>
    both.map(([what, one, two]) => ({ when, what, one, two })),
  );
  it.each(times)('$what, $when', async ({ when, one, two }) => {
    const [, kind = '', call = ''] = /^(killed \w+) (\w+)$/.exec(when) ?? [];
    const fault = { ...once(call as Fault['call'], kind as Fault['kind']), until: 2 * hour };
    const deeds = [
      [1.2 * hour, deploy({ ...one, wait: false })],
      [1.2 * hour + minute, deploy(two)],
    ] as const;
    expect((await played(scene(deeds, [fault]))).counts.issued).toBe(2);
  });
});

/** In the same second, or during the first declaration. */
describe.each([0, 50, 300, 1000, 2000])('another declaration %i ms later', (later) => {
  it.each([
    ['the same', entry, 2],
    ['another', other, 4],
  ] as const)('%s', async (_, second, most) => {
    const hand: DeedKind = { kind: 'declare', secret: 'web/1', entry: second };
    const deeds = [
      [hour, deploy(entry)],
      [hour + later, hand],
      [9 * hour, { kind: 'declare', secret: 'web/1', entry: other }],
    ] as const;
    const { counts } = await played(scene(deeds.slice(0, second === entry ? 2 : 3)));
    expect(counts.issued).toBeLessThanOrEqual(most);
  });
});

const many = 500;
/** Returns the bucket of a name: the stack distributes its certificates over sixteen resources. */
const bucketOf = (name: string): string => createHash('sha256').update(name).digest('hex').slice(0, 1);

/** Declares all certificates at once, by the sixteen resources of the deployment. */
function fleet(profile: 'strict' | 'offline', more: Partial<CertificateEntry> = {}): Plan {
  const secrets: readonly SecretPlan[] = Array.from({ length: many }, (_, n) =>
    secret(n, { declared: 'new', profile, tags: {} }),
  );
  const deeds = [...'0123456789abcdef'].map((resource, n) => ({
    ...({ kind: 'deploy', resource, id: `d${n}`, at: minute } as const),
    certificates: Object.fromEntries(
      secrets
        .filter(({ name }) => bucketOf(name) === resource)
        .map(({ name }) => [name, { ...entry, profile, dnsNames: [`${name.replace('/', '-')}.svc.example`], ...more }]),
    ),
  }));
  return { ...calm, ...{ secrets, deeds, profiles: [profile], quietFrom: 2 * hour, end: 2.5 * hour, workers: 10 } };
}

const longest = 120_000;

describe(`${many} certificates declared at once`, () => {
  it(
    'stay within AWS’s rates, and each is issued once',
    async () => {
      const { counts, rates } = await played(fleet('strict'));
      expect(counts.issued).toBe(many);
      for (const [name, { most }] of Object.entries(quotas)) {
        expect(rates.of(name), name).toMatchObject({ refused: 0 });
        expect(rates.of(name).most, name).toBeLessThanOrEqual(most);
      }
    },
    longest,
  );

  it(
    'are issued once each, with three writes a second of SSM',
    async () => {
      const slow = { writes: { calls: ['write parameter'], most: 3 } } as const;
      const { counts } = await played({ ...fleet('strict'), quotas: slow });
      expect(counts.issued).toBe(many);
    },
    longest,
  );

  it(
    'stay within AWS’s rates if a scan finds them all, too',
    async () => {
      const plan = fleet('offline', { paused: true });
      const unpaused = plan.secrets.map(({ name }, n) => ({
        ...({ kind: 'untag', secret: name, keys: [tags.paused], id: `u${n}`, at: 1.5 * hour } as const),
      }));
      const { counts, rates } = await played({ ...plan, deeds: [...plan.deeds, ...unpaused] });
      expect(counts.issued).toBe(many);
      for (const [name, { most }] of Object.entries(quotas)) {
        expect(rates.of(name), name).toMatchObject({ refused: 0 });
        expect(rates.of(name).most, name).toBeLessThanOrEqual(most);
      }
    },
    longest,
  );
});
