import { describe, expect, it } from 'vitest';
import type { RenewalEvent } from '../../lambdas/domain/result.ts';
import { publishTogether } from '../../lambdas/renewal/together.ts';

const detail = { code: 'Internal', message: '', retryable: false, failures: 1, notAfter: null, profile: null } as const;
const event = (name: string): RenewalEvent => ({
  type: 'Certificate Renewal Failed',
  secretArn: name,
  detail: { ...detail, secretArn: name, name },
});
const nameOf = (each: RenewalEvent) => ('secretArn' in each ? each.secretArn : '');

/** A clock that rings by hand, and a bus that notes what came at once. */
function scene(messages: number) {
  let ring: () => void = () => undefined;
  const calls: string[][] = [];
  let last = -1;
  let tick = 0;
  const clock = {
    now: () => 0,
    sleep: () =>
      new Promise<void>((resolve) => {
        ring = resolve;
      }),
  };
  const publisher = {
    publish: async (each: RenewalEvent) => {
      if (last !== tick) calls.push([]);
      last = tick;
      calls.at(-1)?.push(nameOf(each));
    },
  };
  const together = publishTogether({ publisher, clock }, messages);
  const settle = async () => {
    await new Promise(setImmediate);
    tick += 1;
  };
  return { together, calls, settle, ring: () => ring() };
}

describe('the events of a batch', () => {
  it('wait for the last of them, and travel together', async () => {
    const { together, calls, settle } = scene(3);
    const sent = ['a', 'b'].map((name) => together.publisher.publish(event(name)));
    await settle();
    expect(calls).toEqual([]);
    sent.push(together.publisher.publish(event('c')));
    await Promise.all(sent);
    expect(calls).toEqual([['a', 'b', 'c']]);
  });

  it('do not wait for a message that ended without one', async () => {
    const { together, calls } = scene(3);
    const sent = together.publisher.publish(event('a'));
    together.done();
    expect(calls).toEqual([]);
    together.done();
    await sent;
    expect(calls).toEqual([['a']]);
  });

  it('do not wait for long', async () => {
    const { together, calls, settle, ring } = scene(3);
    const sent = together.publisher.publish(event('a'));
    await settle();
    ring();
    await sent;
    await settle();
    const next = together.publisher.publish(event('b'));
    together.done();
    together.done();
    await next;
    expect(calls).toEqual([['a'], ['b']]);
  });

  it('of which the bus refuses one fail alone', async () => {
    const clock = { now: () => 0, sleep: () => Promise.reject(new Error('out of time')) };
    const publisher = {
      publish: (each: RenewalEvent) => (nameOf(each) === 'bad' ? Promise.reject(new Error('no')) : Promise.resolve()),
    };
    const together = publishTogether({ publisher, clock }, 2);
    const outcomes = await Promise.allSettled(['good', 'bad'].map((name) => together.publisher.publish(event(name))));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  });
});
