/**
 * Which certificate there is to be in a secret. It comes from the deployed configuration, as a parameter that the deployment
 * writes, and from nowhere else: not from a tag, a secret's value, a request or a CSR. policy/declaration.ts reads it.
 */
import type { KeySpec } from './key-spec.ts';

/** What a declared certificate may be for: the names of extended key usages (RFC 5280 section 4.2.1.12). */
export const declaredUsages = ['serverAuth', 'clientAuth', 'codeSigning', 'emailProtection', 'timeStamping'] as const;
export type DeclaredUsage = (typeof declaredUsages)[number];

/** How a secret that is empty so far is written. One that holds something keeps the shape it has. */
export const declaredShapes = ['camel', 'snake', 'tls', 'pem', 'pkcs12'] as const;
export type DeclaredShape = (typeof declaredShapes)[number];

export interface Declaration {
  /** The secret's name. */
  readonly secretName: string;
  /** Name of the profile whose CA issues it. */
  readonly profile: string;
  /** `dns:`, `ip:`, `email:` or `uri:` and the value, as a certificate's names are written; one at least. */
  readonly names: readonly string[];
  /** DER of the Name; undefined: no subject. */
  readonly subject: Uint8Array | undefined;
  readonly usages: readonly DeclaredUsage[];
  /** Milliseconds; undefined: the profile's, else the CA's own. */
  readonly duration: number | undefined;
  /** Of new keys; undefined: the profile's, else that of the key that is there, else EC P-256. */
  readonly key: KeySpec | undefined;
  /** A key in KMS, which is certified as it is. */
  readonly kmsKeyId: string | undefined;
  readonly shape: DeclaredShape;
}
