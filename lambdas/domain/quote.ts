/** Quotes a foreign text in a message. */
import { holdsKey } from './key-text.ts';

/**
 * Quotes a user's text: escaped and cut to 64 characters, so that it can't flood a log line or break out of it. For a text that
 * looks like a key or a token, only the length is given.
 */
export function quote(text: string): string {
  if (holdsKey(text)) return `a text of ${text.length} characters that looks like a private key or a token`;
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}
