/** Reads the credentials in the secret that `authSecretId` names. */
import { RenewalError } from '../../domain/errors.ts';
import type { SecretVersion } from '../../domain/secret.ts';

/** `secretId` is a name or an ARN. Throws what Store.read throws. */
export type ReadAuthSecret = (secretId: string) => Promise<Pick<SecretVersion, 'value'>>;

export type Credentials =
  | { readonly kind: 'universal-auth'; readonly clientId: string; readonly clientSecret: string }
  | { readonly kind: 'token'; readonly token: string };

const expected = 'expected JSON with clientId and clientSecret (universal auth), or with token';

/** Reads the credentials. Throws UnsupportedSecret, whose message names fields and never values, and what the store throws. */
export async function readCredentials(readSecret: ReadAuthSecret, secretId: string): Promise<Credentials> {
  const fail = (found: string): RenewalError =>
    new RenewalError('UnsupportedSecret', `The authSecretId of the profile names ${found}: ${expected}.`);
  const { value } = await readSecret(secretId).catch((error: unknown) => {
    // SecretNotFound would mean the certificate's own secret.
    if (error instanceof RenewalError && error.code === 'SecretNotFound') throw fail('no secret with a value');
    throw error;
  });
  if (value.kind !== 'string') throw fail('a secret with binary data');
  const fields = jsonFields(value.text);
  if (fields === undefined) throw fail('a secret that is not a JSON object');
  const { clientId, clientSecret, token } = fields;
  const hasLogin = clientId !== undefined || clientSecret !== undefined;
  if (hasLogin === (token !== undefined))
    throw fail(hasLogin ? 'a secret with both kinds of credentials' : 'a secret with neither of them');
  if (token !== undefined) {
    if (!isHeaderText(token)) throw fail('a secret whose token is not a line of text');
    return { kind: 'token', token };
  }
  if (!isFilled(clientId) || !isFilled(clientSecret)) {
    throw fail('a secret whose clientId or clientSecret is missing, empty or not a text');
  }
  return { kind: 'universal-auth', clientId, clientSecret };
}

/** Whether a value is allowed in an Authorization header: visible ASCII. */
export function isHeaderText(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]{1,8192}$/.test(value);
}

const isFilled = (value: unknown): value is string => typeof value === 'string' && value !== '';

function jsonFields(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined; // the parser's message quotes the text
  }
}
