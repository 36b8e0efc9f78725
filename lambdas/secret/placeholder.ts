import type { SecretValue } from '../domain/secret.ts';

/** What CloudFormation puts into a secret that is to be filled later: `{}`, or nothing. No certificate yet, and no mistake. */
export function isPlaceholder(value: SecretValue): boolean {
  return value.kind === 'string' && /^\s*(?:\{\s*\})?\s*$/.test(value.text);
}
