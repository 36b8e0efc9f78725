/** Servers that reload at once, late or never: what the probe tells of them, and that the simulation finds a probe with a fault. */
import { describe, expect, it } from 'vitest';
import { tags } from '../../lambdas/domain/tags.ts';
import { playEpisode } from '../../testkit/simulation/episode.ts';
import { type Fault, hour, minute, type Plan } from '../../testkit/simulation/plan.ts';
import { hostileHost, hostOf } from '../../testkit/simulation/serving-plan.ts';
import { storyOf } from '../../testkit/simulation/shrink.ts';
import { servedMutants, server, serving } from './served-mutants.ts';

const always = Number.POSITIVE_INFINITY;
const fault = (call: Fault['call'], kind: Fault['kind'], times: number, at = hour, until = 26 * hour) => ({
  ...{ call, kind, times, at, until },
});
const endpoints = (value: string) => ({ kind: 'tag', secret: 'web/1', set: { [tags.endpoints]: value } }) as const;
const places = `${hostOf('web/1')}:443`;
const late = [server(), server({ address: '10.0.0.2', reloadsAfter: 3 * hour })];
const never = [server({ reloadsAfter: undefined, reloads: [20 * hour] })];

const scenes: readonly (readonly [string, Plan])[] = [
  ['it reloads at once', serving([server()])],
  ['one of two addresses reloads hours later', serving(late)],
  ['it reloads when an operator says so', serving(never)],
  ['it does not answer for hours', serving([server({ down: [{ at: 6 * hour, until: 19 * hour }] })])],
  ['the event bus is away for a day', serving(late, { faults: [fault('publish', 'refused', always)] })],
  ['tags can’t be written for a day', serving(never, { faults: [fault('tag', 'refused', always)] })],
  ['the listing lags', serving(late, { faults: [fault('list', 'stale', always)] })],
  [
    'the probe is killed at each of its calls',
    serving(late, {
      faults: (['resolve', 'handshake', 'describe', 'tag', 'publish'] as const).flatMap((call) => [
        fault(call, 'killed before', 3),
        fault(call, 'killed after', 3, 2 * hour),
      ]),
    }),
  ],
  [
    'the endpoints change',
    serving(late, {
      deeds: [
        [5 * hour, endpoints('10.0.0.1:443')],
        [9 * hour, endpoints('192.0.2.1:443')],
        [15 * hour, endpoints(places)],
      ],
    }),
  ],
  ['a name leads to instance metadata', serving([server()], { endpoints: `${hostileHost}:443 ${places}` })],
  [
    'it comes back with an old certificate, and the event bus is away when that is found',
    {
      ...serving([server({ relapses: [20 * hour] })], {
        validity: 100 * hour,
        faults: [{ ...fault('publish', 'refused', 1, 20 * hour, 58 * hour), secret: 'web/1' }],
      }),
      // It ends before the probe of the next day.
      ...{ quietFrom: 19 * hour, end: 47 * hour },
    },
  ],
  ['the time to reload is short', serving(late, { within: 5 * minute })],
];

describe('what is told is true, in time, and once', () => {
  it.each(scenes)('%s', async (_, plan) => {
    const { violations } = await playEpisode(plan);
    const stories = await Promise.all(violations.map((violation) => storyOf(plan, violation)));
    expect(stories.join('\n\n')).toBe('');
  });
});

describe('a probe with a fault is found', () => {
  it.each(servedMutants.map((mutant) => [mutant.what, mutant] as const))('%s', async (_, { plan, ...options }) => {
    const { violations } = await playEpisode(plan, options);
    expect(violations.map(({ rule }) => rule)).toContain(options.until);
  });
});
