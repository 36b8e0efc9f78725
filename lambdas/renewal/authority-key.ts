/** The key of an authority of the stack signs for that authority alone: a leaf that had it could sign certificates. */

import type { Authority } from '../domain/authority.ts';
import type { Certificate } from '../domain/certificate.ts';
import { RenewalError, restated, toRenewalError } from '../domain/errors.ts';
import type { Signer } from '../domain/signer.ts';
import { sameKey } from '../keys/spec.ts';
import { readSecret } from '../secret/index.ts';
import { passwordIn } from '../secret/password.ts';
import { isPlaceholder } from '../secret/placeholder.ts';
import { parseCertificate } from '../x509/certificate.ts';
import type { PairWorld } from './world.ts';

/**
 * Refuses the key, whatever name it is called by. Every authority is looked at, not the profile's alone. A request that names a key
 * is refused where one authority can't be read. A certificate that has its key already is not stopped by an authority that has
 * nothing to do with it: one whose certificate can't be read signs nothing either.
 *
 * Throws `code`, and what may pass by itself.
 */
export async function refuseAuthorityKey(
  world: PairWorld,
  key: Signer,
  code: 'InvalidRequest' | 'UnsupportedSecret',
  what: string,
): Promise<void> {
  const names = world.authorities?.names ?? [];
  const isAsked = code === 'InvalidRequest';
  const owns = await Promise.all(
    names.map((name) =>
      ownsKey(world, name, key).catch((error: unknown) => {
        if (isAsked || toRenewalError(error).retryable) throw error;
        return false;
      }),
    ),
  );
  const owner = names.find((_, i) => owns[i]);
  if (owner === undefined) return;
  throw new RenewalError(
    code,
    `${what} is the key of authority ${owner} of this stack, which signs for that authority and for no leaf: use another key.`,
  );
}

async function ownsKey(world: PairWorld, name: string, key: Signer): Promise<boolean> {
  try {
    const authority = await world.authorities?.find(name);
    if (!authority) throw new RenewalError('Internal', `This stack has no authority ${name}: deploy it again.`);
    const { kmsKeyArn } = authority;
    if (isSameKmsKey(kmsKeyArn, key.kmsKeyArn)) return true;
    // Its public half is KMS's own word, which nobody can put out of the way, and known after the first look.
    if (kmsKeyArn !== undefined) return sameKey(await world.vault.signer(kmsKeyArn), key);
    const certificate = await certificateOf(world, authority);
    return certificate !== undefined && sameKey(certificate, key);
  } catch (thrown) {
    const { message } = toRenewalError(thrown);
    throw restated(thrown, {
      message: `Whether the key is that of authority ${name} can't be told, so it is not used. ${message}`,
    });
  }
}

/** Today's certificate of an authority with its key in the secret; undefined while it has none. */
async function certificateOf({ store, entropy }: PairWorld, authority: Authority): Promise<Certificate | undefined> {
  const value = await store.read(authority.secretId).then(
    (version) => version.value,
    (error: unknown) => {
      if (error instanceof RenewalError && error.code === 'SecretNotFound') return undefined;
      throw error;
    },
  );
  if (value === undefined || isPlaceholder(value)) return undefined;
  const password = passwordIn(store, authority.passwordSecretId);
  return parseCertificate((await readSecret(value, { entropy, allowNoKey: false, password })).leaf);
}

/** A multi-Region key has the same id in every Region, and the same key material. */
function isSameKmsKey(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  const id = (arn: string) => arn.slice(arn.lastIndexOf('/') + 1);
  return a === b || (id(a).startsWith('mrk-') && id(a) === id(b));
}
