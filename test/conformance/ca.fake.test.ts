import { RenewalError } from '../../lambdas/domain/errors.ts';
import { FakeCa, makeLeaf } from '../../testkit/fakes/ca.ts';
import { TimeLimits } from '../../testkit/fakes/time-limits.ts';
import { caProviderSuite } from './ca.ts';

caProviderSuite('fake', async () => {
  const now = Date.parse('2026-11-22T08:00:00.250Z');
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
  silent.silent = true;
  const { abortedIn, pass } = new TimeLimits();
  /** Of a call that carries no signal of its own. */
  const overSoon = (): AbortSignal => {
    setImmediate(pass);
    return abortedIn(300);
  };
  const after = new Set<string>();
  const which = (leaf: Uint8Array): FakeCa => (after.has(Buffer.from(leaf).toString('hex')) ? lenient : strict);
  return {
    now: () => now,
    makeLeaf: (request, renewableAfterExpiry) => {
      const leaf = makeLeaf(request, hierarchy);
      if (renewableAfterExpiry) after.add(Buffer.from(leaf).toString('hex'));
      return { leaf, chain: [hierarchy.intermediate] };
    },
    provider: {
      renew: (current, options) => which(current.leaf.der).renew(current, options),
      rekey: (current, newKey, options) => which(current.leaf.der).rekey(current, newKey, options),
      roots: () => strict.roots(),
      checkFitness: (current, operation) => strict.checkFitness(current, operation),
    },
    down: failing('CaUnavailable'),
    untrusted: failing('CaUntrusted'),
    silent: {
      renew: (current, { now, signal = overSoon() }) => silent.renew(current, { now, signal }),
      rekey: (current, newKey, { now, signal = overSoon() }) => silent.rekey(current, newKey, { now, signal }),
      roots: () => silent.roots(),
    },
    close: async () => {},
  };
});
