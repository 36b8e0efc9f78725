/**
 * The key that a request brings (`privateKey`): from a secret of the same profile, or from KMS, and never an authority's of the stack.
 * Whatever is wrong with it concerns the request alone.
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

/** A certificate for a public half that its file only claims would be for a key that somebody else holds. */
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
    `The private key in ${secret.name} does not belong to the public key that is stored with it: put a key there whose two halves belong together.`,
  );
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
