/** The CAs, one folder each. A folder is loaded when the first certificate of its kind comes, not at the cold start. */
import { RenewalError } from '../domain/errors.ts';
import type { CaProvider, Clock, Entropy } from '../domain/ports.ts';
import type { Profile } from '../domain/profile.ts';

export interface ProviderDependencies {
  readonly clock: Clock;
  readonly entropy: Entropy;
}

/**
 * The provider for a profile's CA. It is worth keeping, one for each profile: connections are shared between its calls.
 *
 * Throws InvalidRequest for a kind of CA that this version does not renew with.
 */
export async function providerFor(profile: Profile, { entropy }: ProviderDependencies): Promise<CaProvider> {
  const { ca } = profile;
  switch (ca.type) {
    case 'step-ca': {
      const { stepCaProvider } = await import('./step-ca/index.ts');
      return stepCaProvider({ url: ca.url, root: ca.root, entropy });
    }
    case 'offline':
    case 'authority':
    case 'infisical':
      throw new RenewalError(
        'InvalidRequest',
        `Profile ${profile.name} has a CA of type ${ca.type}, with which this version does not renew yet: use a profile of type step-ca.`,
      );
  }
}
