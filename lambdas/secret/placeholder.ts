import type { SecretValue } from '../domain/secret.ts';

/** Whether a value is a placeholder of CloudFormation for a secret that is filled later: `{}`, or an empty text. */
export function isPlaceholder(value: SecretValue): boolean {
  if (value.kind !== 'string') return false;
  // Not a regular expression, which would backtrack over a value full of white space.
  const text = value.text.trim();
  return text === '' || (text.startsWith('{') && text.endsWith('}') && text.slice(1, -1).trim() === '');
}
