import type { SecretValue } from '../domain/secret.ts';

/** What CloudFormation puts into a secret that is to be filled later: `{}`, or nothing. No certificate yet, and no mistake. */
export function isPlaceholder(value: SecretValue): boolean {
  if (value.kind !== 'string') return false;
  // Not one regular expression: it would try every way to share out the white space of a secret that is full of it.
  const text = value.text.trim();
  return text === '' || (text.startsWith('{') && text.endsWith('}') && text.slice(1, -1).trim() === '');
}
