/** One call by the policy of its invocation. */
import { describe, expect, it } from 'vitest';
import {
  type CallName,
  call,
  callRules,
  noLimits,
  reserves,
  shortReserves,
  timeLimits,
} from '../../lambdas/domain/calls.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { FakeClock } from '../../testkit/fakes/clock.ts';
import { fakeEntropy } from '../../testkit/fakes/entropy.ts';

const names = Object.keys(callRules) as CallName[];
const busy = (retryAfter?: number) => new RenewalError('Throttled', 'Too much.', { busy: true, retryAfter });

function limitsByHand() {
  const controllers = { begin: new AbortController(), work: new AbortController(), answer: new AbortController() };
  const { begin, work, answer } = controllers;
  return { controllers, limits: { begin: begin.signal, work: work.signal, answer: answer.signal } };
}

it('no limit is after the end of the invocation, or in the past', () => {
  const asked: number[] = [];
  const at = (milliseconds: number) => {
    asked.push(milliseconds);
    return new AbortController().signal;
  };
  timeLimits(90_000, at);
  timeLimits(900_000, at);
  timeLimits(29_000, at, shortReserves);
  timeLimits(5_000.5, at);
  expect(asked).toEqual([70_000, 80_000, 87_000, 880_000, 890_000, 897_000, 23_000, 26_000, 28_000, 0, 0, 2_000]);
  expect(reserves.begin).toBeGreaterThan(reserves.work);
  expect(reserves.work).toBeGreaterThan(reserves.answer);
});

it.each([90_000, 29_001.5, 12_345.25, 0.1])(
  'limits are whole milliseconds, because node accepts no others (%i)',
  (remaining) => {
    const limits = timeLimits(remaining, AbortSignal.timeout);
    expect(Object.values(limits)).toHaveLength(3);
  },
);

it('a busy CA, SSM and the writes of Secrets Manager are waited for; events and tags have the most time', () => {
  const those = (isOne: (name: CallName) => boolean) => names.filter(isOne);
  expect(those((name) => callRules[name].patient)).toEqual([
    ...['ask', 'find', 'declare', 'stage', 'promote', 'tag', 'labelNoRoom', 'create', 'setEncryptionKey', 'keepOrder'],
  ]);
  expect(those((name) => callRules[name].until === 'begin')).toEqual(['ask', 'reach']);
  expect(those((name) => callRules[name].until === 'answer')).toEqual([
    'tag',
    'labelNoRoom',
    'publish',
    'changeVisibility',
  ]);
});

describe.each(names)('%s', (name) => {
  const { until, over, patient } = callRules[name];

  it('is made without limits if there are none', async () => {
    await expect(call(noLimits, name, async (signal) => signal)).resolves.toBeUndefined();
    await expect(call(noLimits, name, () => Promise.reject(busy()))).rejects.toMatchObject({ code: 'Throttled' });
  });

  it('is not started after its limit, but before', async () => {
    const { controllers, limits } = limitsByHand();
    let begun = 0;
    const attempt = async () => ++begun;
    for (const [limit, controller] of Object.entries(controllers)) if (limit !== until) controller.abort();
    await expect(call({ limits }, name, attempt)).resolves.toBe(1);
    controllers[until].abort();
    await expect(call({ limits }, name, attempt)).rejects.toMatchObject({ code: over, retryable: true });
    expect(begun).toBe(1);
  });

  it('is given up at its limit, and its signal is aborted', async () => {
    const { controllers, limits } = limitsByHand();
    let ended = false;
    const given = call({ limits }, name, (signal) => {
      signal?.addEventListener('abort', () => {
        ended = true;
      });
      return new Promise<never>(() => undefined);
    });
    controllers[until].abort();
    await expect(given).rejects.toMatchObject({ code: over, retryable: true, busy: false });
    expect(ended).toBe(true);
  });

  it(`${patient ? 'waits while' : 'fails at once if'} the other side is busy`, async () => {
    const clock = new FakeClock();
    let attempts = 0;
    const attempt = async () => {
      attempts += 1;
      if (attempts < 3) throw busy();
      return 'done';
    };
    const given = call({ patience: { clock, entropy: fakeEntropy() } }, name, attempt);
    if (patient) await expect(given).resolves.toBe('done');
    else await expect(given).rejects.toMatchObject({ busy: true });
    expect(attempts).toBe(patient ? 3 : 1);
  });
});

describe('patience', () => {
  const pausesFor = async (error: () => Error, random = 0) => {
    const clock = new FakeClock();
    const entropy = (length: number) => new Uint8Array(length).fill(random);
    const given = call({ patience: { clock, entropy } }, 'ask', () => Promise.reject(error()));
    await expect(given).rejects.toBeInstanceOf(Error);
    return clock.sleeps;
  };

  it('has growing pauses, of forty seconds in all', async () => {
    expect(await pausesFor(() => busy())).toEqual([1_000, 2_000, ...Array.from({ length: 9 }, () => 4_000)]);
  });

  it('draws up to twice as long a pause, so that not all callers come back together', async () => {
    const [first, second] = await pausesFor(() => busy(), 255);
    expect(first).toBeCloseTo(2_000, -1);
    expect(second).toBeCloseTo(4_000, -1);
  });

  it('is never shorter than the other side asks, and leaves longer pauses to the queue', async () => {
    expect(await pausesFor(() => busy(15))).toEqual([15_000, 15_000]);
    expect(await pausesFor(() => busy(41))).toEqual([]);
  });

  it('is for busy sides only', async () => {
    expect(await pausesFor(() => new RenewalError('CaUnavailable', 'Down.'))).toEqual([]);
    expect(await pausesFor(() => new Error('odd'))).toEqual([]);
  });

  it('ends with its invocation, even within a pause, with the error that it waited for', async () => {
    const { controllers, limits } = limitsByHand();
    const clock = { now: () => 0, sleep: () => new Promise<void>(() => controllers.answer.abort()) };
    const patience = { clock, entropy: fakeEntropy() };
    const given = call({ limits, patience }, 'tag', () => Promise.reject(busy()));
    await expect(given).rejects.toMatchObject({ code: 'Throttled', busy: true });
  });
});
