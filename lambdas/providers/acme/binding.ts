/** External account bindings (RFC 8555 section 7.3.4). Their MAC key is read only to make an account, and is in no message. */
import { createHmac } from 'node:crypto';
import { RenewalError } from '../../domain/errors.ts';
import type { AccountBinding } from '../../domain/ports.ts';
import { base64url, type PublicJwk } from '../jws.ts';
import type { CaTools } from '../kind.ts';
import type { Acme } from './config.ts';

const expected = 'expected JSON with kid and hmacKey (base64url), as the CA gave them';

/** Returns the configured binding. Throws UnsupportedSecret, and what store and bindings throw. */
export async function bindingFor(
  { eabSecretId, eabBinding }: Pick<Acme, 'eabSecretId' | 'eabBinding'>,
  { store, bindings }: Pick<CaTools, 'store' | 'bindings'>,
): Promise<AccountBinding | undefined> {
  if (eabBinding !== undefined) return checked(await bindings.find(eabBinding), 'a binding');
  if (eabSecretId === undefined) return undefined;
  const { value } = await store.read(eabSecretId).catch((error: unknown) => {
    // SecretNotFound would mean the certificate's own secret.
    if (error instanceof RenewalError && error.code === 'SecretNotFound') throw unsupported('no secret with a value');
    throw error;
  });
  const text = value.kind === 'string' ? value.text : Buffer.from(value.bytes).toString();
  return checked(fieldsOf(text), 'a secret');
}

function fieldsOf(text: string): { keyId: unknown; macKey: unknown } {
  try {
    const { kid, hmacKey } = JSON.parse(text) ?? {};
    return { keyId: kid, macKey: hmacKey };
  } catch {
    throw unsupported('a secret that is not JSON'); // the parser's message quotes the text
  }
}

function checked({ keyId, macKey }: { keyId: unknown; macKey: unknown }, what: string): AccountBinding {
  if (typeof keyId !== 'string' || keyId === '') throw unsupported(`${what} without kid`);
  // Some CAs hand the key out as base64, or with padding.
  if (typeof macKey !== 'string' || !/^[\w+/-]{16,}={0,2}$/.test(macKey)) {
    throw unsupported(`${what} whose hmacKey is missing or not base64url`);
  }
  return { keyId, macKey };
}

function unsupported(found: string): RenewalError {
  return new RenewalError(
    'UnsupportedSecret',
    `The external account binding of the profile (eabSecretId or eabBinding) is ${found}: ${expected}.`,
  );
}

/** Returns the JWS by which the MAC key vouches for the account's key. */
export function signedBinding({ keyId, macKey }: AccountBinding, newAccount: URL, jwk: PublicJwk): object {
  const header = base64url(JSON.stringify({ alg: 'HS256', kid: keyId, url: newAccount.href }));
  const payload = base64url(JSON.stringify(jwk));
  const signature = createHmac('sha256', Buffer.from(macKey, 'base64url'))
    .update(`${header}.${payload}`)
    .digest('base64url');
  return { protected: header, payload, signature };
}
