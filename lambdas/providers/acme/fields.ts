/** Reads fields of a CA's JSON. They are not trusted. */
import { RenewalError } from '../../domain/errors.ts';
import type { HttpsAnswer } from '../../net/https.ts';
import { jsonObject } from '../ca-answer.ts';

export type Fields = Readonly<Record<string, unknown>>;

export const fieldsIn = (value: unknown): Fields | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;

export const textIn = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

export const listIn = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** Returns an https address, relative to `base` if it is. Undefined for anything else: other protocols are never followed. */
export function urlIn(value: unknown, base?: URL): URL | undefined {
  if (typeof value !== 'string' || !URL.canParse(value, base?.href)) return undefined;
  const url = new URL(value, base);
  return url.protocol === 'https:' && url.username === '' && url.password === '' ? url : undefined;
}

/** Returns the JSON object of a successful answer. Throws CaRejected. */
export function objectOf(answer: HttpsAnswer, what: string, host: string): Fields {
  const fields = jsonObject(answer);
  if (fields !== undefined) return fields;
  throw notAcme(`${what} is not JSON (status ${answer.status})`, host);
}

/** Returns an address that an answer must have. Throws CaRejected. */
export function requiredUrl(value: unknown, what: string, host: string): URL {
  const url = urlIn(value);
  if (url !== undefined) return url;
  throw notAcme(`${what} is missing or is not an https address`, host);
}

export function notAcme(problem: string, host: string): RenewalError {
  return new RenewalError(
    'CaRejected',
    `The answer of ${host} is not one of ACME: ${problem}. Check that the directory of the profile is that of an ACME CA (RFC 8555).`,
  );
}
