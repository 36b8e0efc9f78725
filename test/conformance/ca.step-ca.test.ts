/** Calls to a busy or silent step-ca. What it issues and refuses is tested with the real one. */
import { makeKey } from '../../testkit/certificates/index.ts';
import { FakeClock } from '../../testkit/fakes/clock.ts';
import { credential, mockCa, now, success } from '../providers/step-ca/mock-ca.ts';
import { caCallSuite } from './ca-calls.ts';

caCallSuite('step-ca', async ({ policyBy, busyTimes = 0, silent = false }) => {
  const clock = new FakeClock(now);
  const key = makeKey('P-256');
  let hungUp = false;
  const hangUp = (): void => {
    hungUp = true;
  };
  const ca = await mockCa(() => {
    if (silent) return (response) => response.once('close', hangUp);
    return ca.asked.length <= busyTimes ? [429, { message: 'slow down' }] : [201, success(key)];
  });
  return {
    clock,
    provider: ca.provider({}, { clock, policy: policyBy(clock) }),
    current: credential({ key }),
    asked: () => ca.asked.length,
    // The token was made half a minute before now, because clocks differ.
    askedAt: () => (Number(ca.asked.at(-1)?.token?.claims['iat']) + 30) * 1_000,
    hungUp: () => hungUp,
    close: ca.close,
  };
});
