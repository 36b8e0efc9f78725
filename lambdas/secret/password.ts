/** The password of an encrypted key or a PKCS#12 file, and hints for a wrong one. */

import { RenewalError } from '../domain/errors.ts';
import type { Store } from '../domain/ports.ts';
import { quote } from '../domain/quote.ts';

/** Returns the password. Called only if one is needed. */
export type PasswordSource = () => Promise<string>;

/** Returns a source that reads the password's secret at most once; undefined without such a secret. */
export function passwordIn(store: Pick<Store, 'read'>, secretId: string | undefined): PasswordSource | undefined {
  if (secretId === undefined) return undefined;
  let password: Promise<string> | undefined;
  return () => {
    password ??= readPassword(store, secretId);
    return password;
  };
}

/** Reads the password of a secret. Throws PasswordRequired for binary data, and what reading a secret throws. */
export async function readPassword(store: Pick<Store, 'read'>, secretId: string): Promise<string> {
  const { value } = await store.read(secretId);
  if (value.kind === 'string') return passwordOf(value.text);
  throw new RenewalError(
    'PasswordRequired',
    `The password's secret ${quote(secretId)} holds binary data: store it as a string.`,
  );
}

/** Returns the text without one newline at its end, which editors and `echo` add. */
export function passwordOf(text: string): string {
  return text.replace(/\r?\n$/, '');
}

/** Returns PasswordRequired for a wrong password. The message never contains the password. */
export function wrongPassword(
  where: string,
  password: string,
  found = 'is encrypted, and the password is wrong',
): RenewalError {
  return new RenewalError(
    'PasswordRequired',
    `${where} ${found}: passwordSecretId in the profile must name the secret with its password.${oddityOf(password)}`,
  );
}

export function missingPassword(where: string, found = 'is encrypted'): RenewalError {
  return new RenewalError(
    'PasswordRequired',
    `${where} ${found}: set passwordSecretId in the profile to the secret with its password.`,
  );
}

/** Returns a hint for a common mistake in the password's secret. Only for a wrong password, because any text can be a password. */
function oddityOf(password: string): string {
  const whole = ' The password is the whole text of that secret, without one newline at its end';
  if (isJsonStructure(password)) return `${whole}. The text is JSON: store only the password.`;
  if (/^(["']).*\1$|^[“„«].*[”“»]$/s.test(password.trim())) {
    return `${whole}. The text is in quotation marks: store it without them.`;
  }
  if (password.trim() !== password)
    return `${whole}. The text begins or ends with white space: store it without white space there.`;
  return '';
}

function isJsonStructure(text: string): boolean {
  if (!/^\s*[{[]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
