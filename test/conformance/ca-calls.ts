import { afterEach, describe, expect, test } from 'vitest';
import type { CallPolicy, TimeLimits } from '../../lambdas/domain/calls.ts';
import type { Instant } from '../../lambdas/domain/instant.ts';
import type { CaProvider, Credential, IssuedChain } from '../../lambdas/domain/ports.ts';
import { renewWith } from '../../testkit/fakes/asking.ts';
import type { FakeClock } from '../../testkit/fakes/clock.ts';
import { fakeEntropy } from '../../testkit/fakes/entropy.ts';

export interface CallOptions {
  /** The limits of the invocation, and whether "busy" is waited for, by the scene's clock. */
  readonly policyBy: (clock: FakeClock) => CallPolicy;
  /** How often the CA first answers that it is busy. */
  readonly busyTimes?: number;
  /** The CA never answers. */
  readonly silent?: boolean;
}

export interface CallScene {
  readonly clock: FakeClock;
  readonly provider: CaProvider;
  /** A certificate that the CA renews. */
  readonly current: Credential;
  /** Returns the number of calls so far: to the CA, or to the key of an authority of the stack. */
  asked(): number;
  /** Returns the caller's time, to the second, from the last question or answer of the CA. */
  askedAt(issued: IssuedChain): Instant;
  /** Whether the caller has closed the connection, if a server can see that. */
  hungUp?(): boolean;
  close?(): Promise<void>;
}

const wholeSecond = (instant: Instant): Instant => Math.floor(instant / 1000) * 1000;

/** The rules for a call to any CA (domain/calls.ts). Every provider must pass. */
export function caCallSuite(name: string, open: (options: CallOptions) => Promise<CallScene>): void {
  describe(`calls to a CA: ${name}`, () => {
    const scenes: CallScene[] = [];
    const scene = async (options: CallOptions): Promise<CallScene> => {
      const opened = await open(options);
      scenes.push(opened);
      return opened;
    };
    afterEach(async () => {
      await Promise.all(scenes.splice(0).map((each) => each.close?.()));
    });

    const limitsBy = (begin: AbortSignal): TimeLimits => {
      const never = new AbortController().signal;
      return { begin, work: never, answer: never };
    };
    const patience = (clock: FakeClock): CallPolicy => ({ patience: { clock, entropy: fakeEntropy() } });
    const late = { code: 'CaUnavailable', retryable: true };

    test('one past its limit is CaUnavailable and not started', async () => {
      const { provider, current, asked } = await scene({ policyBy: () => ({ limits: limitsBy(AbortSignal.abort()) }) });
      await expect(renewWith(provider, current)).rejects.toMatchObject(late);
      if (provider.answers) await expect(provider.answers()).rejects.toMatchObject(late);
      expect(asked()).toBe(0);
    });

    test.each(['ask', 'answers'] as const)('the signal ends a running call: %s', async (method) => {
      const limit = new AbortController();
      const { provider, current, asked, hungUp } = await scene({
        policyBy: () => ({ limits: limitsBy(limit.signal) }),
        silent: true,
      });
      if (method === 'answers' && !provider.answers) return;
      const answer = method === 'ask' ? renewWith(provider, current) : provider.answers?.();
      const ended = expect(answer).rejects.toMatchObject(late);
      await expect.poll(asked, { interval: 1 }).toBeGreaterThan(0);
      limit.abort();
      await ended;
      if (hungUp) await expect.poll(hungUp, { interval: 1 }).toBe(true);
    });

    test('within its limits it works as usual', async () => {
      const limits = limitsBy(new AbortController().signal);
      const { provider, current } = await scene({ policyBy: (clock) => ({ ...patience(clock), limits }) });
      expect((await renewWith(provider, current)).certificates.length).toBeGreaterThan(0);
    });

    test('busy is waited for with patience, and each attempt has its own time', async () => {
      const { provider, current, clock, askedAt } = await scene({ policyBy: patience, busyTimes: 3 });
      const started = clock.now();
      const issued = await renewWith(provider, current);
      expect(clock.sleeps).toHaveLength(3);
      expect(clock.now() - started).toBeGreaterThan(1_000);
      expect(wholeSecond(askedAt(issued))).toBe(wholeSecond(clock.now()));
    });

    test('busy is an error at once without patience', async () => {
      const { provider, current, clock } = await scene({ policyBy: () => ({}), busyTimes: 1 });
      await expect(renewWith(provider, current)).rejects.toMatchObject({ busy: true, retryable: true });
      expect(clock.sleeps).toEqual([]);
    });

    test('busy for too long is an error in the end', async () => {
      const { provider, current, clock } = await scene({ policyBy: patience, busyTimes: Number.POSITIVE_INFINITY });
      await expect(renewWith(provider, current)).rejects.toMatchObject({ busy: true });
      expect(clock.sleeps.length).toBeGreaterThan(3);
    });
  });
}
