/** Opens the key of a JWK provisioner: in KMS, or in a secret as PEM or as a JSON Web Key (RFC 7517). */
import { createPrivateKey, type JsonWebKey } from 'node:crypto';
import { RenewalError } from '../../domain/errors.ts';
import { pemBlocks } from '../../domain/pem.ts';
import type { KeyVault, Store } from '../../domain/ports.ts';
import type { Signer } from '../../domain/signer.ts';
import { localSigner } from '../../keys/local.ts';
import { findPrivateKey } from '../../secret/private-key.ts';
import { readContext } from '../../secret/shape.ts';
import { jwkThumbprint } from '../jws.ts';

/** The provisioner of a profile, with one of the two keys. */
export interface Provisioner {
  readonly name: string;
  /** ARN of the KMS key. */
  readonly kmsKeyArn?: string | undefined;
  /** Name or ARN of the secret with the key. */
  readonly keySecretId?: string | undefined;
}

export interface ProvisionerKey {
  /** The key's id. The CA finds a provisioner by its name and this id. */
  readonly kid: string;
  readonly signer: Signer;
}

export interface KeySources {
  readonly store: Pick<Store, 'read'>;
  readonly vault: KeyVault;
}

const where = 'The secret that keySecretId of the provisioner names';
const expected = 'expected one private key, as PEM or as a JWK, EC on P-256, P-384 or P-521, RSA or Ed25519';

/**
 * Returns the provisioner's key. A secret is read each time, so a new key is used at once. Throws UnsupportedSecret (which quotes nothing
 * of the secret), PasswordRequired for an encrypted key, and what the store and the vault throw.
 */
export async function provisionerKey(provisioner: Provisioner, { store, vault }: KeySources): Promise<ProvisionerKey> {
  const { kmsKeyArn, keySecretId } = provisioner;
  if (kmsKeyArn !== undefined) return named(await vault.signer(kmsKeyArn));
  if (keySecretId === undefined) throw new RenewalError('Internal', 'The provisioner of the profile has no key.');
  return keyIn(await textOf(store, keySecretId));
}

async function textOf(store: Pick<Store, 'read'>, secretId: string): Promise<string> {
  const { value } = await store.read(secretId).catch((error: unknown) => {
    // SecretNotFound would mean the certificate's own secret.
    if (error instanceof RenewalError && error.code === 'SecretNotFound') throw unsupported('has no value');
    throw error;
  });
  return (value.kind === 'string' ? value.text : Buffer.from(value.bytes).toString('utf8')).trim();
}

/** `kid`: the key's own, otherwise its thumbprint, as in step and step-ca. */
const named = (signer: Signer, kid = jwkThumbprint(signer.spki)): ProvisionerKey => ({ kid, signer });

async function keyIn(text: string): Promise<ProvisionerKey> {
  if (compactJwe.test(text)) throw encrypted();
  return text.startsWith('{') ? fromJson(text) : fromPem(text);
}

/** An encrypted key (RFC 7516 section 7.1), as in step-ca's configuration. */
const compactJwe = /^[\w-]+\.[\w-]*\.[\w-]+\.[\w-]+\.[\w-]+$/;

function fromJson(text: string): ProvisionerKey {
  const fields = jsonFields(text);
  if (fields?.['ciphertext'] !== undefined) throw encrypted();
  const { kty, d, kid } = fields ?? {};
  if (typeof kty !== 'string') throw unsupported('contains JSON that is not a JWK');
  if (d === undefined) throw unsupported('contains only the public half of a key');
  return named(signerOf(fields), typeof kid === 'string' && kid !== '' ? kid : undefined);
}

function signerOf(jwk: JsonWebKey | undefined): Signer {
  try {
    return localSigner(createPrivateKey({ key: jwk ?? {}, format: 'jwk' }));
  } catch {
    throw unsupported('contains a JWK of an unknown kind'); // the library's message may quote it
  }
}

async function fromPem(text: string): Promise<ProvisionerKey> {
  const { privateKey } = await findPrivateKey(pemBlocks(text, where), where, readContext({})).catch(
    (error: unknown) => {
      throw error instanceof RenewalError && error.code === 'PasswordRequired' ? encrypted() : error;
    },
  );
  return named(localSigner(privateKey));
}

function jsonFields(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined; // the parser's message quotes the text
  }
}

const unsupported = (found: string) => new RenewalError('UnsupportedSecret', `${where} ${found}: ${expected}.`);

const encrypted = () =>
  new RenewalError(
    'PasswordRequired',
    `${where} contains an encrypted key, and there is no setting for its password: store the key unencrypted, because Secrets Manager encrypts it (openssl pkey -in key.pem, or step crypto change-pass key.json --no-password --insecure).`,
  );
