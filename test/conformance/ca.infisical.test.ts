import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import { pem } from '../../testkit/certificates/index.ts';
import { ca, credential, day, fakeInfisical, loginPath, now } from '../../testkit/fakes/infisical.ts';
import { rootPem } from '../../testkit/fakes/tls-server.ts';
import { caProviderSuite } from './ca.ts';
import { caCallSuite } from './ca-calls.ts';
import { caNotIssuingSuite } from './ca-issuing.ts';

caProviderSuite('infisical', async () => {
  const fake = await fakeInfisical();
  return {
    now: () => now,
    can: {
      renews: true,
      rekeys: false,
      rekeysInKms: false,
      answers: 'at once',
      keyHolder: 'ca',
      wantsPath: false,
    },
    provider: fake.provider({ root: rootPem + pem(ca.root) }),
    credential,
    close: fake.close,
  };
});

caCallSuite('infisical', async ({ policyBy, busyTimes = 0, silent = false }) => {
  const fake = await fakeInfisical();
  let refused = 0;
  let hungUp = false;
  const hangUp = (): void => {
    hungUp = true;
  };
  fake.answers = ({ path }) => {
    if (silent) return (response) => response.once('close', hangUp);
    if (path === loginPath || refused >= busyTimes) return undefined;
    refused += 1;
    return [429, { message: 'Too many requests' }];
  };
  return {
    clock: fake.clock,
    provider: fake.provider({}, { policy: policyBy(fake.clock) }),
    current: credential(),
    asked: () => fake.asked.length,
    hungUp: () => hungUp,
    askedAt: ({ certificates: [leaf = new Uint8Array()] }) => parseCertificate(leaf).notAfter - 365 * day,
    close: fake.close,
  };
});

caNotIssuingSuite('infisical', async () => {
  const fake = await fakeInfisical();
  return { provider: fake.provider({}), asked: () => fake.asked.length, close: fake.close };
});
