/** The CAs, one folder each. A folder is loaded when the first certificate of its kind comes, not at the cold start. */
import { RenewalError } from '../domain/errors.ts';
import type { AuthoritySource, CaProvider, Clock, Entropy, KeyVault, Store } from '../domain/ports.ts';
import type { Profile } from '../domain/profile.ts';

export interface ProviderDependencies {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly store: Pick<Store, 'read'>;
  readonly vault: KeyVault;
  /** Undefined in a stack without authorities of its own. */
  readonly authorities?: AuthoritySource | undefined;
}

/**
 * The provider for a profile's CA. It is worth keeping, one for each profile: connections are shared between its calls.
 *
 * Throws InvalidRequest for a profile whose CA can't be asked so, and Internal.
 */
export async function providerFor(profile: Profile, dependencies: ProviderDependencies): Promise<CaProvider> {
  const { ca } = profile;
  const { entropy } = dependencies;
  switch (ca.type) {
    case 'step-ca': {
      const { stepCaProvider } = await import('./step-ca/index.ts');
      return stepCaProvider({ url: ca.url, root: ca.root, entropy });
    }
    case 'offline': {
      const { offlineProvider } = await import('./offline/index.ts');
      return offlineProvider({ ...authorityWorld(profile, dependencies), authority: ca.authority });
    }
    case 'authority': {
      const { authorityProvider } = await import('../authority/provider.ts');
      return authorityProvider(authorityWorld(profile, dependencies), ca.authority);
    }
    case 'infisical': {
      const { infisicalProvider } = await import('./infisical/index.ts');
      return infisicalProvider({ ...ca, readSecret: (secretId) => dependencies.store.read(secretId) });
    }
  }
}

function authorityWorld({ name }: Profile, { authorities, store, vault, entropy }: ProviderDependencies) {
  if (authorities) return { authorities, store, vault, entropy };
  throw new RenewalError(
    'Internal',
    `Profile ${name} needs an authority, and this stack has none: deploy the stack again.`,
  );
}
