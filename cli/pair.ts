/** Reads the pair of a secret with the code that the worker uses. */
import { RenewalError } from '../lambdas/domain/errors.ts';
import type { Entropy, KeyVault } from '../lambdas/domain/ports.ts';
import type { Profile } from '../lambdas/domain/profile.ts';
import type { SecretVersion } from '../lambdas/domain/secret.ts';
import { capabilitiesOf } from '../lambdas/providers/index.ts';
import { type Pair, readPair } from '../lambdas/renewal/pair.ts';
import type { Session } from './session.ts';

/** Refuses every key in KMS: the command line signs nothing. */
export const noKeyVault: KeyVault = {
  signer: async () => {
    throw new RenewalError('UnsupportedSecret', 'Its key is in KMS and never leaves it: there is no key to write.');
  },
};

/** Throws UnsupportedSecret (also for a key in KMS), PasswordRequired, InvalidCertificate, KeyMismatch. */
export function pairOf({ store }: Session, entropy: Entropy, profile: Profile, version: SecretVersion): Promise<Pair> {
  const { passwordSecretId, ca } = profile;
  const reading = { passwordSecretId, keyIsAtTheCa: capabilitiesOf(ca).keyHolder === 'ca' };
  return readPair({ store, entropy, vault: noKeyVault }, reading, version);
}
