/** Creates the first value of a declared certificate's secret. Later values are edits of it. Loaded only if needed. */
import type { DeclaredShape } from '../domain/declaration.ts';
import { RenewalError } from '../domain/errors.ts';
import { encodePem } from '../domain/pem.ts';
import type { Entropy } from '../domain/ports.ts';
import type { SecretValue } from '../domain/secret.ts';
import { openCertificate, partsOf } from './certificates.ts';
import { sealPrivateKey } from './encrypted-key.ts';
import { camelFields } from './json-camel.ts';
import { type JsonFields, kmsKeyField } from './json-key.ts';
import { snakeFields } from './json-snake.ts';
import { tlsFields } from './json-tls.ts';
import { missingPassword } from './password.ts';
import { makePkcs12 } from './pkcs12/make.ts';
import { type NextContent, type PrivateKeyContent, type ReadOptions, readContext } from './shape.ts';

/** The content of a new secret. It needs a key. */
export interface NewContent extends NextContent {
  readonly key: NonNullable<NextContent['key']>;
}

/** With a password, the key is encrypted in any shape. */
export type NewOptions = Pick<ReadOptions, 'password' | 'entropy'>;

const jsonFields: ReadonlyMap<DeclaredShape, JsonFields> = new Map([
  ['camel', camelFields],
  ['snake', snakeFields],
  ['tls', tlsFields],
]);

/**
 * Checks that a value of this shape can be created. To be called before the CA issues, because otherwise its certificate would be lost.
 * Throws UnsupportedSecret (for a KMS key in a shape without a field for it) and PasswordRequired (for PKCS#12 without a password).
 */
export function checkNew(shape: DeclaredShape, key: 'private' | 'kms', hasPassword: boolean): void {
  if (key === 'kms' && !jsonFields.has(shape)) throw noPlaceForName(shape);
  if (shape === 'pkcs12' && !hasPassword) throw noPassword();
}

const noPassword = () => missingPassword('A PKCS#12 file', 'needs a password');

function noPlaceForName(shape: DeclaredShape): RenewalError {
  return new RenewalError(
    'UnsupportedSecret',
    `The shape ${shape} has no field for a KMS key: expected the shape camel, snake or tls, which have kmsKeyId instead of the private key.`,
  );
}

/**
 * Returns the value of a new secret, without the root. Throws as checkNew, PasswordRequired for an empty password, and InvalidCertificate
 * for a chain with other data.
 */
export async function renderNew(
  shape: DeclaredShape,
  { leaf, chain: given, key }: NewContent,
  options: NewOptions = {},
): Promise<SecretValue> {
  const found = given.map((der, i) => openCertificate(der, `Certificate ${i + 1} of the new chain`));
  const chain = partsOf(found, { leaf, formers: [] }).intermediates;
  const fields = jsonFields.get(shape);
  if (key.kind === 'kms') {
    if (fields === undefined) throw noPlaceForName(shape);
    return jsonValue(fields, leaf, chain, [kmsKeyField, key.keyId]);
  }
  const { password: source, entropy } = readContext(options);
  const password = await source?.();
  if (password === '') throw missingPassword('The new private key', 'would be encrypted with an empty password');
  if (shape === 'pkcs12') {
    if (password === undefined) throw noPassword();
    return { kind: 'binary', bytes: await makePkcs12({ leaf, chain, privateKey: key.privateKey }, password, entropy) };
  }
  const text = await keyText(key, password, entropy);
  if (fields === undefined) return { kind: 'string', text: certificates([leaf, ...chain]) + text };
  return jsonValue(fields, leaf, chain, [fields.privateKey, text]);
}

const certificates = (ders: readonly Uint8Array[]) => ders.map((der) => `${encodePem('CERTIFICATE', der)}\n`).join('');

/** Returns JSON. The chain's field is there even if it is empty, so that a later chain has a place. */
function jsonValue(
  fields: JsonFields,
  leaf: Uint8Array,
  chain: readonly Uint8Array[],
  key: readonly [string, string],
): SecretValue {
  const [chainField] = fields.chains;
  const members: (readonly [string, string])[] =
    chainField === undefined
      ? [[fields.certificate, certificates([leaf, ...chain])], key]
      : [[fields.certificate, certificates([leaf])], key, [chainField, certificates(chain)]];
  return { kind: 'string', text: JSON.stringify(Object.fromEntries(members)) };
}

/** Returns a key as PKCS#8 (RFC 5958), the only encoding for all types of keys. */
async function keyText(
  { privateKey }: PrivateKeyContent,
  password: string | undefined,
  entropy: Entropy,
): Promise<string> {
  const [label, der] =
    password === undefined
      ? ['PRIVATE KEY', privateKey.export({ format: 'der', type: 'pkcs8' })]
      : ['ENCRYPTED PRIVATE KEY', await sealPrivateKey(privateKey, password, entropy)];
  return `${encodePem(label, der)}\n`;
}
