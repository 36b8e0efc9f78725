/** Plans of a few lines. Each has one kind of trouble that no single step shows, and no promise may be broken in the end. */
import { describe, expect, it } from 'vitest';
import { tags } from '../../lambdas/domain/tags.ts';
import { playEpisode } from '../../testkit/simulation/episode.ts';
import {
  type Deed,
  type DeedKind,
  day,
  type Fault,
  hour,
  minute,
  type Plan,
  type ProfileName,
  type SecretPlan,
} from '../../testkit/simulation/plan.ts';
import { storyOf } from '../../testkit/simulation/shrink.ts';
import { calm, secret } from './mutants.ts';

const always = Number.POSITIVE_INFINITY;

function scene(more: {
  readonly secrets?: readonly SecretPlan[];
  readonly deeds?: readonly (readonly [at: number, deed: DeedKind])[];
  readonly faults?: readonly Omit<Fault, 'id'>[];
  readonly profiles?: readonly ProfileName[];
  readonly weakAuthority?: boolean;
  readonly period?: number;
}): Plan {
  const { deeds = [], faults = [], ...rest } = more;
  const done: readonly Deed[] = deeds.map(([at, deed], n) => ({ ...deed, at, id: `d${n}` }));
  return {
    ...calm,
    secrets: [secret(1)],
    ...rest,
    deeds: done,
    faults: faults.map((each, n) => ({ ...each, id: `f${n}` })),
  };
}

const ask = (name: string, request: Readonly<Record<string, unknown>>): DeedKind => ({
  kind: 'ask',
  secret: name,
  request,
});
const noBus = (at: number, until: number): Omit<Fault, 'id'> => ({
  at,
  until,
  call: 'publish',
  kind: 'refused',
  times: always,
});
const rotation = { rotation: 7 * hour, validity: 40 * day };

const announcements: readonly (readonly [string, Plan])[] = [
  ['the bus is away for a night', scene({ faults: [noBus(5 * hour, 14 * hour)] })],
  [
    'the bus is away once, and the next inspection can’t read',
    scene({
      faults: [
        { at: 0, until: day, call: 'publish', kind: 'throttled', times: 1, secret: 'web/1' },
        { at: 6.5 * hour, until: day, call: 'read', kind: 'throttled', times: 3, secret: 'web/1' },
      ],
    }),
  ],
  [
    'the worker is killed between the swap and the bus, twice',
    scene({ faults: [{ at: 0, until: 2 * day, call: 'publish', kind: 'killed before', times: 2, secret: 'web/1' }] }),
  ],
  [
    'forced while it is paused',
    scene({
      secrets: [secret(1, { tags: { [tags.paused]: 'true' } })],
      deeds: [[3 * hour, ask('web/1', { force: true })]],
      faults: [noBus(2 * hour, 9 * hour)],
    }),
  ],
  [
    'another secret is written',
    scene({
      secrets: [secret(1), secret(2, { empty: true, tags: { [tags.paused]: 'true' } })],
      deeds: [[3 * hour, ask('web/1', { out: { secretId: 'web/2' } })]],
      faults: [noBus(2 * hour, 9 * hour)],
    }),
  ],
  [
    'another secret is written by a process that is killed',
    scene({
      secrets: [secret(1), secret(2, { empty: true, tags: { [tags.paused]: 'true' } })],
      deeds: [[3 * hour, ask('web/1', { out: { secretId: 'web/2' } })]],
      faults: [{ at: 3 * hour, until: 4 * hour, call: 'publish', kind: 'killed before', times: 1, secret: 'web/1' }],
    }),
  ],
  [
    'a rotation is finished without the bus',
    scene({ secrets: [secret(1, rotation)], faults: [noBus(6 * hour, 16 * hour)] }),
  ],
  [
    'tags can not be written for a day',
    scene({ faults: [{ at: hour, until: 25 * hour, call: 'tag', kind: 'refused', times: always }] }),
  ],
];

const owners: readonly (readonly [string, Plan])[] = [
  ...[46, 47, 48, 49].map(
    (ownTags) => [`${ownTags} tags of the owner's`, scene({ secrets: [secret(1, { ownTags })] })] as const,
  ),
  [
    'the password is gone',
    scene({
      profiles: ['lenient'],
      secrets: [secret(1, { profile: 'lenient', shape: 'pem encrypted' })],
      deeds: [[3 * hour, { kind: 'delete', secret: 'pki/password' }]],
    }),
  ],
  [
    'the authority is gone',
    scene({
      profiles: ['offline'],
      secrets: [secret(1, { profile: 'offline' })],
      deeds: [[3 * hour, { kind: 'delete', secret: 'pki/issuing' }]],
    }),
  ],
  [
    "the imported authority's password is gone",
    scene({
      profiles: ['imported'],
      secrets: [secret(1, { profile: 'imported' })],
      deeds: [[3 * hour, { kind: 'delete', secret: 'pki/password-imported' }]],
    }),
  ],
  [
    'the imported authority has a weak key',
    scene({
      profiles: ['imported'],
      weakAuthority: true,
      secrets: [secret(1, { profile: 'imported', validity: 12 * day, age: 0.5 })],
    }),
  ],
  [
    'after a failure a request on demand, with a window that is not reached',
    scene({
      deeds: [
        [3 * hour, { kind: 'tag', secret: 'web/1', set: { [tags.mode]: 'renew' } }],
        [8 * hour, ask('web/1', { expiresIn: '1m' })],
        [9 * hour, ask('web/1', { expiresIn: '1m' })],
      ],
      faults: [{ at: 5 * hour, until: 12 * hour, call: 'ca', kind: 'refused', times: always }],
    }),
  ],
  [
    'six failed tries on demand',
    scene({
      deeds: [1, 2, 3, 4, 5, 6].map((n) => [8 * hour + n * minute, ask('web/1', {})] as const),
      faults: [{ at: 0, until: 12 * hour, call: 'ca', kind: 'refused', times: always }],
    }),
  ],
];

const whileItRotates = (deed: DeedKind): Plan =>
  scene({
    secrets: [secret(1, rotation)],
    deeds: [[7 * hour + 1_500, deed]],
    faults: [{ at: 7 * hour, until: 8 * hour, call: 'promote', kind: 'refused', times: 1 }],
  });

const rotations: readonly (readonly [string, Plan])[] = [
  ['the owner writes', whileItRotates({ kind: 'write', secret: 'web/1', validity: 60 * day })],
  [
    'the owner writes a certificate that ends sooner',
    whileItRotates({ kind: 'write', secret: 'web/1', validity: 10 * day }),
  ],
  [
    'the owner asks for another kind of key',
    whileItRotates({ kind: 'tag', secret: 'web/1', set: { [tags.kty]: 'OKP' } }),
  ],
  ['the owner asks for the same key', whileItRotates({ kind: 'tag', secret: 'web/1', set: { [tags.mode]: 'renew' } })],
  ['a request on demand renews it', whileItRotates(ask('web/1', { force: true }))],
  [
    'the rotated version is rolled back',
    scene({ secrets: [secret(1, rotation)], deeds: [[8 * hour, { kind: 'roll back', secret: 'web/1' }]] }),
  ],
  [
    'it is switched on, and not rotated at once',
    scene({
      secrets: [secret(1, { ...rotation, rotation: 30 * hour })],
      deeds: [[hour, { kind: 'rotate', secret: 'web/1', immediately: false }]],
    }),
  ],
];

describe.each([
  ['an event is not lost', announcements],
  ['a failure that the owner must correct is reported, and backed off', owners],
  ['a rotation ends', rotations],
])('%s', (_, scenes) => {
  it.each(scenes)('%s', async (__, plan) => {
    const { violations } = await playEpisode(plan);
    const stories = await Promise.all(violations.map((violation) => storyOf(plan, violation)));
    expect(stories.join('\n\n')).toBe('');
  });
});
