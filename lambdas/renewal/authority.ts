/** The secrets of the authorities. They need no profile tag, because the configuration names them. */
import type { Authority } from '../domain/authority.ts';
import type { Decision } from '../domain/decision.ts';
import type { AuthoritySource } from '../domain/ports.ts';
import type { Profile } from '../domain/profile.ts';
import type { SecretSummary } from '../domain/secret.ts';
import { tags } from '../domain/tags.ts';

/**
 * Returns the authority whose secret this is, regardless of its tags. An authority that can't be read fails only secrets without a
 * profile tag, because one of them may be its own.
 */
export async function authorityOf(
  { authorities }: { readonly authorities?: AuthoritySource | undefined },
  secret: SecretSummary,
): Promise<Authority | undefined> {
  if (authorities === undefined) return undefined;
  const looks = await Promise.allSettled(authorities.names.map((name) => authorities.find(name)));
  for (const look of looks) {
    if (look.status === 'fulfilled' && look.value && isSecretOf(look.value, secret)) return look.value;
  }
  const failed = looks.find((look) => look.status === 'rejected');
  if (failed && !secret.tags.has(tags.profile)) throw failed.reason;
  return undefined;
}

/** Compares by ARN, by ARN without its last six characters, and by name. */
export function isSecretOf(
  { secretId }: Pick<Authority, 'secretId'>,
  { arn, name }: Pick<SecretSummary, 'arn' | 'name'>,
): boolean {
  return secretId === arn || secretId === name || (secretId.startsWith('arn:') && secretId === arn.slice(0, -7));
}

export function waitsForCertificate({ name }: Profile): Decision {
  return {
    action: 'skip',
    code: 'NotDue',
    message: `The ${name} has no certificate yet: deploy the stack again to create the first one, or import one into its secret.`,
  };
}
