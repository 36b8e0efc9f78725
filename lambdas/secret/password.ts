/** The password of an encrypted key or a PKCS#12 file: what it is, and what it may be that was meant otherwise. */

import { RenewalError } from '../domain/errors.ts';
import type { Store } from '../domain/ports.ts';
import { quote } from '../domain/quote.ts';

/** Asked only for what turns out to need a password. */
export type PasswordSource = () => Promise<string>;

/** The password in this secret, read once at most; undefined where there is no such secret. */
export function passwordIn(store: Pick<Store, 'read'>, secretId: string | undefined): PasswordSource | undefined {
  if (secretId === undefined) return undefined;
  let password: Promise<string> | undefined;
  return () => {
    password ??= readPassword(store, secretId);
    return password;
  };
}

/** Throws PasswordRequired for a secret that holds no text, and what reading a secret throws. */
export async function readPassword(store: Pick<Store, 'read'>, secretId: string): Promise<string> {
  const { value } = await store.read(secretId);
  if (value.kind === 'string') return passwordOf(value.text);
  throw new RenewalError(
    'PasswordRequired',
    `The password's secret ${quote(secretId)} holds binary data: store it as a string.`,
  );
}

/** The whole text but for one trailing newline, which editors and `echo` put there. */
export function passwordOf(text: string): string {
  return text.replace(/\r?\n$/, '');
}

/** PasswordRequired for a password that does not fit; it is named by where it comes from, never by itself. */
export function wrongPassword(
  where: string,
  password: string,
  found = 'is encrypted and the password does not open it',
): RenewalError {
  return new RenewalError(
    'PasswordRequired',
    `${where} ${found}: passwordSecretId in the profile has to name the secret that holds its password.${oddityOf(password)}`,
  );
}

export function missingPassword(where: string, found = 'is encrypted'): RenewalError {
  return new RenewalError(
    'PasswordRequired',
    `${where} ${found}: set passwordSecretId in the profile to the secret that holds its password.`,
  );
}

/** What people store in the place of a password alone. It is said only where the password does not fit: any text may be one. */
function oddityOf(password: string): string {
  const whole = ' The whole text of that secret is the password, but for one newline at its end';
  if (isJsonStructure(password)) return `${whole}, and what stands there is JSON: store the password alone.`;
  if (/^(["']).*\1$|^[“„«].*[”“»]$/s.test(password.trim())) {
    return `${whole}, and it stands there in quotation marks: store it without them.`;
  }
  if (password.trim() !== password) return `${whole}, and it begins or ends there with white space: store it without.`;
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
