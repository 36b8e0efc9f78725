/** The words of this room: what a secret is read into, and what a shape is. */
import { type KeyObject, randomBytes } from 'node:crypto';
import type { PemBlock } from '../domain/pem.ts';
import type { Entropy } from '../domain/ports.ts';
import type { JsonMember } from './json-text.ts';
import type { PasswordSource } from './password.ts';

export type PrivateKeyContent = { readonly kind: 'private'; readonly privateKey: KeyObject };
export type KmsKeyContent = { readonly kind: 'kms'; readonly keyId: string };
/** `none`: the certificate of a CA that holds its key itself. */
export type KeyContent = PrivateKeyContent | KmsKeyContent | { readonly kind: 'none' };

/** What is to be written. */
export interface NextContent {
  /** DER. */
  readonly leaf: Uint8Array;
  /** DER, leaf's issuer first; a root at its end is set apart, so what `SecretContent.chain` gave may be handed back. */
  readonly chain: readonly Uint8Array[];
  /** Today's root, for a secret that held one. Undefined: a root that is there stays. */
  readonly root: Uint8Array | undefined;
  /** Undefined: the key stays as it is. */
  readonly key: PrivateKeyContent | KmsKeyContent | undefined;
}

/** What a shape makes of a secret. */
export interface ShapeContent {
  readonly leaf: Uint8Array;
  /** All certificates but the leaf, as found: any order, roots and strangers included, none twice. */
  readonly chain: readonly Uint8Array[];
  readonly key: KeyContent;
  /** Whether the key is stored encrypted, and will be again. */
  readonly needsPassword: boolean;
  /** What stands beside certificates and key. Two values of one shape with the same rest differ in their pair alone. */
  readonly rest: string;
  /** The value with the certificates and the key exchanged and everything else as it was. */
  write(next: NextContent): Promise<string | Uint8Array>;
}

export interface ReadOptions {
  /** Opens an encrypted key or a PKCS#12 file, and closes the new one. A function is asked where there is one. */
  readonly password?: string | PasswordSource | undefined;
  /** A JSON shape without any key is content of kind `none`, not an error: only for a CA that holds its key itself. */
  readonly allowNoKey?: boolean;
  /** A new key is encrypted with the password, though the present one is not. */
  readonly encryptsNewKey?: boolean;
  /** Salts and IVs of what is written encrypted. Default: node:crypto's randomBytes. */
  readonly entropy?: Entropy;
}

export interface ReadContext {
  readonly password: PasswordSource | undefined;
  readonly allowNoKey: boolean;
  readonly encryptsNewKey: boolean;
  readonly entropy: Entropy;
}

export function readContext(options: ReadOptions): ReadContext {
  const { password, allowNoKey = false, encryptsNewKey = false, entropy = randomBytes } = options;
  const source = typeof password === 'string' ? async () => password : password;
  return { password: source, allowNoKey, encryptsNewKey, entropy };
}

/** A secret's value, parsed as far as is possible without knowing its shape. */
export type SecretDocument =
  | { readonly kind: 'json'; readonly text: string; readonly members: ReadonlyMap<string, JsonMember> }
  | { readonly kind: 'pem'; readonly text: string; readonly blocks: readonly PemBlock[] }
  | { readonly kind: 'binary'; readonly bytes: Uint8Array };

/** Reads a document that a shape has recognised. Throws UnsupportedSecret, PasswordRequired, InvalidCertificate. */
export type ShapeReader = (context: ReadContext) => Promise<ShapeContent>;

/** A new shape is a file with one of these, listed in shapes.ts. */
export interface Shape<Name extends string = string> {
  readonly name: Name;
  /** Ends the sentence "expected …" in an error. */
  readonly expected: string;
  /** A reader if the document is of this shape, whole or spoilt; never throws. */
  recognise(document: SecretDocument): ShapeReader | undefined;
}
