/** The types of this folder: the content of a secret, and a shape. */
import { type KeyObject, randomBytes } from 'node:crypto';
import type { PemBlock } from '../domain/pem.ts';
import type { Entropy } from '../domain/ports.ts';
import type { JsonMember } from './json-text.ts';
import type { PasswordSource } from './password.ts';

export type PrivateKeyContent = { readonly kind: 'private'; readonly privateKey: KeyObject };
export type KmsKeyContent = { readonly kind: 'kms'; readonly keyId: string };
/** `none`: the certificate of a CA that holds its key itself. */
export type KeyContent = PrivateKeyContent | KmsKeyContent | { readonly kind: 'none' };

/** The new content of a secret. */
export interface NextContent {
  /** DER. */
  readonly leaf: Uint8Array;
  /** DER, the leaf's issuer first. A root at its end is ignored, so `SecretContent.chain` may be passed unchanged. */
  readonly chain: readonly Uint8Array[];
  /** The current root, for a secret that contains one. Undefined: its root stays. */
  readonly root: Uint8Array | undefined;
  /** Undefined: the key stays. */
  readonly key: PrivateKeyContent | KmsKeyContent | undefined;
}

/** The content of a secret, read by its shape. */
export interface ShapeContent {
  readonly leaf: Uint8Array;
  /** All certificates except the leaf, in their order, with roots and unrelated ones, without duplicates. */
  readonly chain: readonly Uint8Array[];
  readonly key: KeyContent;
  /** Whether the key is encrypted, and so will be the next one. */
  readonly needsPassword: boolean;
  /** Everything except certificates and key. Two values of one shape with the same rest differ only in their pair. */
  readonly rest: string;
  /** Returns the value with new certificates and a new key; everything else stays. */
  write(next: NextContent): Promise<string | Uint8Array>;
}

export interface ReadOptions {
  /** The password of an encrypted key or a PKCS#12 file, also for the new one. A function is called only if a password is needed. */
  readonly password?: string | PasswordSource | undefined;
  /** Accepts a JSON shape without a key, as kind `none`. Only for a CA that holds its key itself. */
  readonly allowNoKey?: boolean;
  /** Encrypts a new key with the password, even if the current one is not encrypted. */
  readonly encryptsNewKey?: boolean;
  /** The source of salts and IVs. Default: node:crypto's randomBytes. */
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

/** A secret's value, parsed as far as possible without its shape. */
export type SecretDocument =
  | { readonly kind: 'json'; readonly text: string; readonly members: ReadonlyMap<string, JsonMember> }
  | { readonly kind: 'pem'; readonly text: string; readonly blocks: readonly PemBlock[] }
  | { readonly kind: 'binary'; readonly bytes: Uint8Array };

/** Reads a document that a shape has recognised. Throws UnsupportedSecret, PasswordRequired, InvalidCertificate. */
export type ShapeReader = (context: ReadContext) => Promise<ShapeContent>;

/** A shape. A new one is a file with one of these, listed in shapes.ts. */
export interface Shape<Name extends string = string> {
  readonly name: Name;
  /** The end of the sentence "expected …" in an error. */
  readonly expected: string;
  /** Returns a reader if the document has this shape, also if it is damaged. Never throws. */
  recognise(document: SecretDocument): ShapeReader | undefined;
}
