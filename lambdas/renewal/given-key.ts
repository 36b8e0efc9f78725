/**
 * The key that a request provides (`privateKey`): in a secret of the same profile, or in KMS. It must not be an authority's key.
 * Its errors concern only the request.
 */
import { ofRequest, RenewalError } from '../domain/errors.ts';
import type { GivenKey } from '../domain/request.ts';
import type { Signer } from '../domain/signer.ts';
import { tags } from '../domain/tags.ts';
import { localSigner } from '../keys/local.ts';
import { provenKey } from '../keys/possession.ts';
import { readGivenKey } from '../secret/given-key.ts';
import { passwordIn } from '../secret/password.ts';
import { refuseAuthorityKey } from './authority-key.ts';
import type { Enrolled } from './place.ts';
import type { RenewalWorld } from './world.ts';

/** Throws SecretNotFound, SecretNotEnrolled, UnsupportedSecret, PasswordRequired, KeyMismatch, InvalidRequest, KmsDenied. */
export async function resolveGivenKey(
  world: RenewalWorld,
  enrolled: Enrolled,
  given: GivenKey | undefined,
): Promise<Signer | undefined> {
  if (given === undefined) return undefined;
  try {
    const signer =
      'kmsKeyId' in given ? await world.vault.signer(given.kmsKeyId, 'request') : await keyIn(world, enrolled, given);
    await refuseAuthorityKey(world, signer, 'InvalidRequest', 'The key of $.privateKey');
    return signer;
  } catch (error) {
    throw ofRequest(error);
  }
}

/** Reads the key in a secret and verifies that it matches the stored public key. That could be the key of another holder. */
async function keyIn(
  world: RenewalWorld,
  { profile }: Enrolled,
  { secretId }: Extract<GivenKey, { secretId: string }>,
): Promise<Signer> {
  const secret = await world.store.describe(secretId);
  requireSameProfile(secret, profile.name, 'privateKey');
  const { value } = await world.store.read(secret.arn);
  const password = passwordIn(world.store, profile.passwordSecretId);
  const signer = localSigner(await readGivenKey(value, { entropy: world.entropy, password }));
  const key = await provenKey(signer, signer);
  if (key) return key;
  throw new RenewalError(
    'KeyMismatch',
    `The private key in ${secret.name} does not match the public key that is stored with it: store a matching key pair.`,
  );
}

/** Throws SecretNotEnrolled if the secret is not in this profile. A profile is one trust boundary, which keys do not cross. */
export function requireSameProfile(
  secret: { readonly name: string; readonly tags: ReadonlyMap<string, string> },
  profile: string,
  field: 'privateKey' | 'out',
): void {
  if (secret.tags.get(tags.profile) === profile) return;
  throw new RenewalError(
    'SecretNotEnrolled',
    `The secret ${secret.name} of $.${field} does not have the source's profile: tag it with ${tags.profile}=${profile} (and with ${tags.paused}=true, so that the schedule does not renew it).`,
  );
}
