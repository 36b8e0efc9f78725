/** An authority of the stack as a CA for leaves: the suite that step-ca passes. */
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { CaProvider, IssueOptions, KeyVault } from '../../lambdas/domain/ports.ts';
import { offlineProvider } from '../../lambdas/providers/offline/index.ts';
import { authority, FakeAuthorities } from '../../testkit/fakes/authorities.ts';
import { makeLeaf } from '../../testkit/fakes/ca.ts';
import { type Hierarchy, makeHierarchy } from '../../testkit/fakes/certificates.ts';
import { fakeEntropy } from '../../testkit/fakes/entropy.ts';
import { FakeKeyVault } from '../../testkit/fakes/key-vault.ts';
import { FakeStore } from '../../testkit/fakes/store.ts';
import { TimeLimits } from '../../testkit/fakes/time-limits.ts';
import { pairValue } from '../renewal/world.ts';
import { caProviderSuite } from './ca.ts';

const now = Date.parse('2026-11-22T08:00:00.250Z');
const year = 365 * 86_400_000;

/** The intermediate of a hierarchy as the stack's authority `issuing`, its key in KMS or in the secret. */
function world(hierarchy: Hierarchy, where: 'kms' | 'secret') {
  const store = new FakeStore();
  const vault = new FakeKeyVault();
  const { intermediate, intermediateKey: privateKey, root } = hierarchy;
  const kmsKeyArn = vault.add({ spec: { kty: 'EC', curve: 'P-256' }, privateKey });
  store.add({ name: 'pki/issuing', value: pairValue(intermediate, [root], privateKey) });
  const provisionerClaims = new Map([
    ['local', {}],
    ['lenient', { allowRenewalAfterExpiry: true }],
  ]);
  const issuing = authority('issuing', { provisionerClaims, ...(where === 'kms' && { kmsKeyArn }) });
  return { store, vault, authorities: new FakeAuthorities(issuing), entropy: fakeEntropy(), authority: 'issuing' };
}

const failing: KeyVault = {
  signer: () => Promise.reject(new RenewalError('KmsUnavailable', 'KMS is down.')),
};

/** A key that never answers, so that the caller's time ends first. */
const silent = (limits: TimeLimits): KeyVault => ({
  signer: () => {
    setImmediate(limits.pass);
    return new Promise(() => {});
  },
});

/** Calls that carry no signal of their own have one of these limits. */
function limited(provider: CaProvider, { abortedIn }: TimeLimits): CaProvider {
  const limit = ({ signal = abortedIn(300), ...rest }: IssueOptions) => ({ ...rest, signal });
  return {
    renew: (current, options) => provider.renew(current, limit(options)),
    rekey: (current, newKey, options) => provider.rekey(current, newKey, limit(options)),
    roots: (...args) => provider.roots(...args),
  };
}

for (const where of ['kms', 'secret'] as const) {
  caProviderSuite(`offline, the authority's key in ${where === 'kms' ? 'KMS' : 'its secret'}`, async () => {
    const hierarchy = makeHierarchy(now - 100 * 86_400_000, now + 10 * year);
    const namesake = makeHierarchy(now - 100 * 86_400_000, now + 10 * year);
    const inKms = world(hierarchy, 'kms');
    const limits = new TimeLimits();
    return {
      now: () => now,
      makeLeaf: (request, renewableAfterExpiry) => ({
        leaf: makeLeaf({ ...request, provisioner: renewableAfterExpiry ? 'lenient' : 'local' }, hierarchy),
        chain: [hierarchy.intermediate],
      }),
      provider: offlineProvider(world(hierarchy, where)),
      down: offlineProvider({ ...inKms, vault: failing }),
      silent: limited(offlineProvider({ ...inKms, vault: silent(limits) }), limits),
      untrusted: offlineProvider(world(namesake, where)),
      ownWays: {
        rekeysWithoutClientAuth: true,
        codes: { down: 'KmsUnavailable', silent: 'KmsUnavailable', foreign: 'CaUntrusted' },
      },
      close: async () => {},
    };
  });
}
