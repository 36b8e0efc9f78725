/** The secrets of the stack's own authorities: they need no profile tag, the configuration names them. */
import type { Authority } from '../domain/authority.ts';
import type { Decision } from '../domain/decision.ts';
import type { AuthoritySource } from '../domain/ports.ts';
import type { Profile } from '../domain/profile.ts';
import type { SecretSummary } from '../domain/secret.ts';
import { tags } from '../domain/tags.ts';

/**
 * The authority whose secret this is, whatever tags it carries. One authority that can't be read stops only its own
 * secret, which has no profile tag: for any other it counts as not there.
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

/** By ARN, by ARN without its six last characters, or by name. */
export function isSecretOf({ secretId }: Pick<Authority, 'secretId'>, { arn, name }: SecretSummary): boolean {
  return secretId === arn || secretId === name || (secretId.startsWith('arn:') && secretId === arn.slice(0, -7));
}

export function waitsForCertificate({ name }: Profile): Decision {
  return {
    action: 'skip',
    code: 'NotDue',
    message: `The ${name} has no certificate yet: deploy the stack again, which makes the first one, or import one into its secret.`,
  };
}
