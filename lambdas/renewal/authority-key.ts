/** Refuses an authority's key for a leaf, because a leaf with that key could sign certificates. */

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
 * Refuses the key if it is any authority's key, by ARN or by public key. A request that names a key is also refused if an authority
 * can't be read. For a key that a certificate has already, an unreadable authority is ignored, because it can't sign either.
 *
 * Throws `code`, and retryable errors.
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
    `${what} is the key of this stack's authority ${owner}. A leaf must not have an authority's key: use another key.`,
  );
}

async function ownsKey(world: PairWorld, name: string, key: Signer): Promise<boolean> {
  try {
    const authority = await world.authorities?.find(name);
    if (!authority) throw new RenewalError('Internal', `This stack has no authority ${name}: deploy the stack again.`);
    const { kmsKeyArn } = authority;
    if (isSameKmsKey(kmsKeyArn, key.kmsKeyArn)) return true;
    // The public key comes from KMS, so nobody can tamper with it, and it is cached.
    if (kmsKeyArn !== undefined) return sameKey(await world.vault.signer(kmsKeyArn), key);
    const certificate = await certificateOf(world, authority);
    return certificate !== undefined && sameKey(certificate, key);
  } catch (thrown) {
    const { message } = toRenewalError(thrown);
    throw restated(thrown, {
      message: `The key is not used, because it could not be compared with the key of authority ${name}. ${message}`,
    });
  }
}

/** Returns the certificate of an authority with its key in the secret. Undefined while it has none. */
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

/** Compares ARNs. A multi-Region key has the same id and the same key material in every Region. */
function isSameKmsKey(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  const id = (arn: string) => arn.slice(arn.lastIndexOf('/') + 1);
  return a === b || (id(a).startsWith('mrk-') && id(a) === id(b));
}
