/** Reads a private key from a secret that the caller names. A certificate in the same secret is ignored. */

import type { KeyObject } from 'node:crypto';
import { RenewalError } from '../domain/errors.ts';
import { pemBlocks } from '../domain/pem.ts';
import type { SecretValue } from '../domain/secret.ts';
import { openValue } from './document.ts';
import { readSecret } from './index.ts';
import { findPrivateKey } from './private-key.ts';
import { type ReadOptions, readContext } from './shape.ts';

const expected = 'one private key: PEM text, or JSON with the field privateKey, private_key or tls.key';
const keyFields = ['privateKey', 'private_key', 'tls.key'];

/** Returns the private key of a secret. Throws UnsupportedSecret, PasswordRequired. */
export async function readGivenKey(value: SecretValue, options: ReadOptions = {}): Promise<KeyObject> {
  const { document } = openValue(value, expected);
  const context = readContext(options);
  if (document.kind === 'pem') {
    return (await findPrivateKey(document.blocks, 'The PEM text', context)).privateKey;
  }
  if (document.kind === 'json') {
    const texts = keyFields.flatMap((field) => document.members.get(field)?.value.value ?? []);
    const [text] = texts;
    if (texts.length === 1 && typeof text === 'string') {
      const where = 'The field of the private key';
      return (await findPrivateKey(pemBlocks(text, where), where, context)).privateKey;
    }
  }
  const { key } = await readSecret(value, options);
  if (key.kind === 'private') return key.privateKey;
  throw new RenewalError(
    'UnsupportedSecret',
    `The secret of the given key contains no private key: expected ${expected}.`,
  );
}
