/** The key that a request brings (`privateKey`): from a secret of the same profile, or from KMS. */
import { RenewalError } from '../domain/errors.ts';
import type { GivenKey } from '../domain/request.ts';
import type { Signer } from '../domain/signer.ts';
import { tags } from '../domain/tags.ts';
import { localSigner } from '../keys/local.ts';
import { readGivenKey } from '../secret/given-key.ts';
import { passwordIn } from '../secret/password.ts';
import type { Enrolled } from './gather.ts';
import type { RenewalWorld } from './world.ts';

/** Throws SecretNotFound, SecretNotEnrolled, UnsupportedSecret, PasswordRequired, KmsDenied. */
export async function resolveGivenKey(world: RenewalWorld, { profile }: Enrolled, given: GivenKey): Promise<Signer> {
  if ('kmsKeyId' in given) return world.vault.signer(given.kmsKeyId);
  const secret = await world.store.describe(given.secretId);
  requireSameProfile(secret, profile.name, 'privateKey');
  const { value } = await world.store.read(secret.arn);
  const password = passwordIn(world.store, profile.passwordSecretId);
  return localSigner(await readGivenKey(value, { entropy: world.entropy, password }));
}

/** A profile is one trust boundary: keys don't cross it. Throws SecretNotEnrolled. */
export function requireSameProfile(
  secret: { readonly name: string; readonly tags: ReadonlyMap<string, string> },
  profile: string,
  field: 'privateKey' | 'out',
): void {
  if (secret.tags.get(tags.profile) === profile) return;
  throw new RenewalError(
    'SecretNotEnrolled',
    `The secret ${secret.name} of $.${field} does not carry the source's profile: tag it with ${tags.profile}=${profile} (and ${tags.paused}=true to keep the schedule off it).`,
  );
}
