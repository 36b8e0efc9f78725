/** Reads CAs' answers: JSON objects, and texts for errors. They are not trusted. */
import type { Instant } from '../domain/instant.ts';
import type { HttpsAnswer } from '../net/https.ts';

/** Returns the answer's JSON object; undefined for anything else. */
export function jsonObject({ body }: HttpsAnswer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined; // not JSON, or nested too deeply
  }
}

/**
 * Returns a CA's message for an error: on one line, shortened, without anything like a token or a key, and without `secrets` that were sent
 * to the CA and may come back.
 */
export function quoted(message: string, secrets: readonly string[] = []): string {
  let text = message;
  for (const secret of secrets) if (secret !== '') text = text.replaceAll(secret, '…');
  // A word at the cut may be half a token, too short to be recognised as one.
  const head = text.length > 2_000 ? text.slice(0, 2_000).replace(/[\w.+/=-]{1,47}$/, '') : text;
  const harmless = head.replace(/[\w.+/=-]{48,}/g, '…');
  return JSON.stringify(harmless.length > 240 ? `${harmless.slice(0, 240)}…` : harmless);
}

const dnsName = /^(?:\*\.)?(?:[\w-]{1,63}\.)+[\w-]{1,63}$/;

/** Quotes a name of a CA's answer. `quoted` would leave out a long DNS name, as it looks like a token. */
export function quotedName(name: string, secrets: readonly string[] = []): string {
  const isName = name.length <= 253 && dnsName.test(name) && !secrets.some((each) => name.includes(each));
  return isName ? JSON.stringify(name) : quoted(name, secrets);
}

/** Returns the seconds of Retry-After (RFC 9110 section 10.2.3): a number or, if `now` is given, a date. Otherwise undefined. */
export function retryAfter({ headers }: Pick<HttpsAnswer, 'headers'>, now?: Instant): number | undefined {
  const text = headers['retry-after'] ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const at = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/.test(text) ? Date.parse(text) : Number.NaN;
  return now !== undefined && at > now ? Math.ceil((at - now) / 1000) : undefined;
}
