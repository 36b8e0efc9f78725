import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { CaProvider, Credential } from '../../lambdas/domain/ports.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import { commonNameOnly, type Hierarchy, makeKey, makeLeaf } from '../../testkit/certificates/index.ts';
import { FakeCa } from '../../testkit/fakes/ca.ts';
import { FakeClock } from '../../testkit/fakes/clock.ts';
import { signerFor } from '../../testkit/fakes/signer.ts';
import { SlowCa } from '../../testkit/fakes/slow-ca.ts';
import { TimeLimits } from '../../testkit/fakes/time-limits.ts';
import { caProviderSuite } from './ca.ts';
import { caCallSuite } from './ca-calls.ts';
import { caIssuingSuite, caNotIssuingSuite } from './ca-issuing.ts';
import { leafCaSuite } from './ca-leaves.ts';
import { caOrderSuite } from './ca-orders.ts';

const now = Date.parse('2026-11-22T08:00:00.250Z');
const hour = 3_600_000;

function credential(hierarchy: Hierarchy, { inKms = false } = {}): Credential {
  const key = makeKey('P-256');
  const dates = { notBefore: now - 250 - hour, notAfter: now - 250 + hour };
  const leaf = makeLeaf({ key, subject: commonNameOnly('leaf.example'), ...dates }, hierarchy);
  const chain = [parseCertificate(hierarchy.intermediate)];
  return { leaf: parseCertificate(leaf), chain, key: signerFor(key, { inKms }) };
}

caProviderSuite('fake', async () => {
  const provider = new FakeCa({ now });
  return {
    now: () => now,
    can: {
      renews: true,
      rekeys: true,
      rekeysInKms: false,
      answers: 'at once',
      keyHolder: 'secret',
      wantsPath: true,
    },
    provider,
    credential: (options) => credential(provider.hierarchy, options),
    close: async () => {},
  };
});

caCallSuite('fake', async ({ policyBy, busyTimes = 0, silent = false }) => {
  const clock = new FakeClock(now);
  const provider = new FakeCa({ now, clock });
  const busy = new RenewalError('CaUnavailable', 'It takes no more for the moment.', { busy: true });
  provider.faults.policy = policyBy(clock);
  provider.faults.failBefore('renew', busy, { times: busyTimes });
  provider.silent = silent;
  return {
    clock,
    provider,
    current: credential(provider.hierarchy),
    asked: () => provider.faults.calls.length,
    askedAt: ({ certificates: [leaf = new Uint8Array()] }) => parseCertificate(leaf).notBefore + 60_000,
  };
});

caOrderSuite('slow fake', (seed) => {
  const provider = new SlowCa({ now }, seed);
  return { provider, credential: () => credential(provider.hierarchy), issued: () => provider.issued.length };
});

for (const [name, provider] of [
  ['fake', new FakeCa({ now })],
  ['slow fake', new SlowCa({ now }, 'issuing')],
] as const) {
  caIssuingSuite(name, async () => ({
    now: () => now,
    provider,
    issued: () => provider.issued.length,
    ownWays: { codes: { unproven: 'CaRejected', weak: 'CaRejected' } },
    close: async () => {},
  }));
}

caNotIssuingSuite('fake without a provisioner', async () => {
  const provider = new FakeCa({ now });
  provider.issues = false;
  return { provider, asked: () => provider.issued.length, close: async () => {} };
});

leafCaSuite('fake', async () => {
  const strict = new FakeCa({ now });
  const { hierarchy } = strict;
  const lenient = new FakeCa({ now, hierarchy, allowRenewalAfterExpiry: true });
  const failing = (code: 'CaUnavailable' | 'CaUntrusted'): FakeCa => {
    const ca = new FakeCa({ now, hierarchy });
    for (const method of ['renew', 'rekey'])
      ca.faults.failBefore(method, new RenewalError(code, code), { times: Infinity });
    return ca;
  };
  const silent = new FakeCa({ now, hierarchy });
  const { abortedIn, pass } = new TimeLimits();
  const [begin, never] = [abortedIn(300), new AbortController().signal];
  silent.silent = true;
  silent.faults.policy = { limits: { begin, work: never, answer: never } };
  silent.faults.meanwhile('before', 'renew', () => void setImmediate(pass), { times: Infinity });
  const after = new Set<string>();
  const which = (leaf: Uint8Array): FakeCa => (after.has(Buffer.from(leaf).toString('hex')) ? lenient : strict);
  const provider: CaProvider = {
    type: strict.type,
    can: strict.can,
    issues: strict.issues,
    identity: strict.identity,
    ask: (request) => (request.current ? which(request.current.leaf.der) : strict).ask(request),
    roots: () => strict.roots(),
    checkFitness: (current, operation) => strict.checkFitness(current, operation),
  };
  return {
    now: () => now,
    makeLeaf: (request, renewableAfterExpiry) => {
      const leaf = makeLeaf(request, hierarchy);
      if (renewableAfterExpiry) after.add(Buffer.from(leaf).toString('hex'));
      return { leaf, chain: [hierarchy.intermediate] };
    },
    provider,
    down: failing('CaUnavailable'),
    untrusted: failing('CaUntrusted'),
    silent,
    close: async () => {},
  };
});
