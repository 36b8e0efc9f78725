/** An authority of the stack as a CA for leaves (the same suite as step-ca), and for its own certificate. */
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { CaCapabilities, Credential, KeyVault } from '../../lambdas/domain/ports.ts';
import type { CaReference } from '../../lambdas/domain/profile.ts';
import type { CaTools } from '../../lambdas/providers/kind.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import { commonNameOnly, type Hierarchy, makeHierarchy, makeKey, makeLeaf } from '../../testkit/certificates/index.ts';
import { providerFor } from '../../testkit/fakes/asking.ts';
import { authority, FakeAuthorities } from '../../testkit/fakes/authorities.ts';
import { FakeClock } from '../../testkit/fakes/clock.ts';
import { FakeKeyVault } from '../../testkit/fakes/key-vault.ts';
import { signerFor } from '../../testkit/fakes/signer.ts';
import { FakeStore } from '../../testkit/fakes/store.ts';
import { TimeLimits } from '../../testkit/fakes/time-limits.ts';
import { pairValue } from '../renewal/world.ts';
import { caProviderSuite } from './ca.ts';
import { type CallOptions, type CallScene, caCallSuite } from './ca-calls.ts';
import { caIssuingSuite, caNotIssuingSuite, type IssuingRefusal } from './ca-issuing.ts';
import { leafCaSuite } from './ca-leaves.ts';

const now = Date.parse('2026-11-22T08:00:00.250Z');
const hour = 3_600_000;
const year = 365 * 24 * hour;
const newHierarchy = () => makeHierarchy(now - 2_400 * hour, now + 10 * year);

const offline: CaReference = { type: 'offline', authority: 'issuing' };
const itself: CaReference = { type: 'authority', authority: 'root' };

const can: Readonly<Record<'offline' | 'itself', CaCapabilities>> = {
  offline: {
    renews: true,
    rekeys: true,
    rekeysInKms: true,
    answers: 'at once',
    keyHolder: 'secret',
    wantsPath: false,
  },
  itself: {
    renews: true,
    rekeys: false,
    rekeysInKms: false,
    answers: 'at once',
    keyHolder: 'secret',
    wantsPath: false,
  },
};

/** The stack's authorities `root` and `issuing`, with keys in KMS or in their secrets. */
function stack({ root, rootKey, intermediate, intermediateKey }: Hierarchy, where: 'kms' | 'secret' = 'kms') {
  const store = new FakeStore();
  const vault = new FakeKeyVault();
  const key = (privateKey: typeof rootKey) => {
    const kmsKeyArn = vault.add({ spec: { kty: 'EC', curve: 'P-256' }, privateKey });
    return where === 'kms' ? { kmsKeyArn } : {};
  };
  store.add({ name: 'pki/root', value: pairValue(root, [], rootKey) });
  store.add({ name: 'pki/issuing', value: pairValue(intermediate, [root], intermediateKey) });
  const provisionerClaims = new Map([
    ['local', {}],
    ['lenient', { allowRenewalAfterExpiry: true }],
  ]);
  const claims = { minDuration: 60_000, maxDuration: 10_000 * hour };
  const authorities = new FakeAuthorities(
    authority('root', key(rootKey)),
    authority('issuing', { claims, provisionerClaims, ...key(intermediateKey) }),
  );
  return { store, vault, authorities, clock: new FakeClock(now) } satisfies Partial<CaTools>;
}

function leafOf(hierarchy: Hierarchy, { inKms = false } = {}): Credential {
  const key = makeKey('P-256');
  const dates = { notBefore: now - 250 - hour, notAfter: now - 250 + hour };
  const leaf = makeLeaf({ key, subject: commonNameOnly('leaf.example'), ...dates }, hierarchy);
  return {
    leaf: parseCertificate(leaf),
    chain: [parseCertificate(hierarchy.intermediate)],
    key: signerFor(key, { inKms }),
  };
}

const rootOf = ({ root, rootKey }: Hierarchy, options?: { readonly inKms?: boolean }): Credential => ({
  leaf: parseCertificate(root),
  chain: [],
  key: signerFor(rootKey, options),
});

for (const [name, ca, declared, currentOf] of [
  ['offline', offline, can.offline, leafOf],
  ["an authority's own certificate", itself, can.itself, rootOf],
] as const) {
  caProviderSuite(name, async () => {
    const hierarchy = newHierarchy();
    return {
      now: () => now,
      can: declared,
      provider: await providerFor(ca, stack(hierarchy)),
      credential: (options) => currentOf(hierarchy, options),
      close: async () => {},
    };
  });

  caCallSuite(name, async ({ policyBy, busyTimes = 0, silent = false }: CallOptions): Promise<CallScene> => {
    const hierarchy = newHierarchy();
    const tools = stack(hierarchy);
    const { clock, vault, store } = tools;
    const busy = new RenewalError('KmsUnavailable', 'It takes no more for the moment.', { busy: true });
    vault.faults.failBefore('signer', busy, { times: busyTimes });
    if (silent) vault.faults.meanwhile('before', 'signer', () => new Promise(() => {}));
    return {
      clock,
      provider: await providerFor(ca, { ...tools, policy: policyBy(clock) }),
      current: currentOf(hierarchy),
      asked: () => vault.faults.calls.length + (silent ? 0 : store.faults.calls.length),
      askedAt: ({ certificates: [leaf = new Uint8Array()] }) => parseCertificate(leaf).notBefore + 60_000,
    };
  });
}

const failing: KeyVault = {
  signer: () => Promise.reject(new RenewalError('KmsUnavailable', 'KMS is down.')),
};

for (const where of ['kms', 'secret'] as const) {
  leafCaSuite(`offline, the authority's key in ${where === 'kms' ? 'KMS' : 'its secret'}`, async () => {
    const hierarchy = newHierarchy();
    const inKms = stack(hierarchy);
    const { abortedIn, pass } = new TimeLimits();
    const [begin, never] = [abortedIn(300), new AbortController().signal];
    /** A key that never answers, so that the caller's time limit ends the call. */
    const silent: KeyVault = {
      signer: () => {
        setImmediate(pass);
        return new Promise(() => {});
      },
    };
    return {
      now: () => now,
      makeLeaf: (request, renewableAfterExpiry) => ({
        leaf: makeLeaf({ ...request, provisioner: renewableAfterExpiry ? 'lenient' : 'local' }, hierarchy),
        chain: [hierarchy.intermediate],
      }),
      provider: await providerFor(offline, stack(hierarchy, where)),
      down: await providerFor(offline, { ...inKms, vault: failing }),
      silent: await providerFor(offline, {
        ...inKms,
        vault: silent,
        policy: { limits: { begin, work: never, answer: never } },
      }),
      untrusted: await providerFor(offline, stack(newHierarchy(), where)),
      ownWays: { rekeysWithoutClientAuth: true, codes: { down: 'KmsUnavailable', foreign: 'CaUntrusted' } },
      close: async () => {},
    };
  });
}

const refusals: readonly IssuingRefusal[] = [
  { name: 'longer than the claim', declared: { duration: 10_000 * hour + 1000 }, code: 'CaRejected' },
  { name: 'shorter than the claim', declared: { duration: 59_000 }, code: 'CaRejected' },
  { name: 'an invalid name', declared: { names: ['ip:10.0.0'] }, code: 'CertificateRejected' },
];

for (const where of ['kms', 'secret'] as const) {
  caIssuingSuite(`offline, the authority's key in ${where === 'kms' ? 'KMS' : 'its secret'}`, async () => {
    const tools = stack(newHierarchy(), where);
    return {
      now: () => now,
      provider: await providerFor(offline, tools),
      // The use of a key in a secret can't be seen.
      ...(where === 'kms' && { issued: () => tools.vault.faults.count('sign') }),
      refusals,
      close: async () => {},
    };
  });
}

caNotIssuingSuite("an authority's own certificate", async () => {
  const tools = stack(newHierarchy());
  return {
    provider: await providerFor(itself, tools),
    asked: () => tools.vault.faults.calls.length + tools.store.faults.calls.length,
    close: async () => {},
  };
});
