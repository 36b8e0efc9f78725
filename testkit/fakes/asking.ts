/** Shortcuts: a request to a CA in one line, and a provider made as an invocation makes it. */
import { noLimits } from '../../lambdas/domain/calls.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { CaProvider, Credential, IssuedChain } from '../../lambdas/domain/ports.ts';
import type { CaReference } from '../../lambdas/domain/profile.ts';
import type { Signer } from '../../lambdas/domain/signer.ts';
import type { Wanted, WantedKey } from '../../lambdas/domain/wanted.ts';
import { openCa } from '../../lambdas/providers/index.ts';
import type { CaCalls, CaKind, CaTools } from '../../lambdas/providers/kind.ts';
import { FakeClock } from './clock.ts';
import { fakeEntropy } from './entropy.ts';
import { FakeKeyVault } from './key-vault.ts';
import { FakeStore } from './store.ts';
import { FakeTxtZones } from './txt-zones.ts';

export type WantedMore = Partial<Pick<Wanted, 'notAfter' | 'end'>>;

/** Wants the same certificate with a later end. */
export function wantedAfter({ leaf, chain }: Credential, key: WantedKey, more: WantedMore = {}): Wanted {
  return {
    content: { kind: 'as it is', leaf, chain },
    key,
    end: { laterThan: leaf.notAfter, orEqual: false },
    ...more,
  };
}

export const renewWith = (provider: CaProvider, current: Credential, more?: WantedMore): Promise<IssuedChain> =>
  issuedBy(provider, { wanted: wantedAfter(current, { kind: 'same' }, more), current, key: current.key });

export const rekeyWith = (
  provider: CaProvider,
  current: Credential,
  newKey: Signer,
  more?: WantedMore,
): Promise<IssuedChain> =>
  issuedBy(provider, {
    wanted: wantedAfter(current, { kind: 'given', signer: newKey }, more),
    current,
    key: newKey,
  });

async function issuedBy(provider: CaProvider, request: Parameters<CaProvider['ask']>[0]): Promise<IssuedChain> {
  const answer = await provider.ask(request);
  if (answer.kind === 'issued') return answer;
  throw new Error(`The CA has not answered yet: ${answer.says}.`);
}

/** Bindings of an account without any. */
export const noBindings: CaTools['bindings'] = {
  find: async (arn) => {
    throw new RenewalError('InvalidRequest', `There is no binding ${arn}.`);
  },
};

/** By default there are no time limits and no retries. */
export const caTools = (more: Partial<CaTools> = {}): CaTools => ({
  policy: noLimits,
  clock: new FakeClock(),
  entropy: fakeEntropy(),
  store: new FakeStore(),
  vault: new FakeKeyVault(),
  zones: new FakeTxtZones(),
  bindings: noBindings,
  ...more,
});

/** Returns the provider of a configured CA, loaded as the product loads it. */
export async function providerFor(ca: CaReference, more?: Partial<CaTools>): Promise<CaProvider> {
  const opened = await openCa(ca);
  return opened(caTools(more));
}

/** Returns the provider of a CA that was opened with its own options. */
export const providerOf = (
  { type, can }: Pick<CaKind, 'type' | 'can'>,
  opened: CaCalls,
  more?: Partial<CaTools>,
  issues = false,
): CaProvider => ({ type, can, issues, identity: [type], ...opened(caTools(more)) });
