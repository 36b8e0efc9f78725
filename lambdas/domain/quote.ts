/** How a message quotes a text that is not ours. */
import { holdsKey } from './key-text.ts';

/**
 * A user's own text in a message: cut short and quoted, so that it can't run a log line over or break out of it. What
 * looks like a key or a token is told by its length only.
 */
export function quote(text: string): string {
  if (holdsKey(text)) return `a text of ${text.length} characters that looks like a private key or a token`;
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}
