/**
 * A declaration: the certificate that a secret must hold. It comes only from the deployed configuration, through an SSM parameter
 * that the deployment writes. It never comes from a tag, a secret's value, a request or a CSR. policy/declaration.ts parses it.
 */
import type { KeySpec } from './key-spec.ts';

/** The extended key usages that a declaration may name (RFC 5280 section 4.2.1.12). */
export const declaredUsages = ['serverAuth', 'clientAuth', 'codeSigning', 'emailProtection', 'timeStamping'] as const;
export type DeclaredUsage = (typeof declaredUsages)[number];

/** The shapes that an empty secret may be written in. A secret with a value keeps its shape. */
export const declaredShapes = ['camel', 'snake', 'tls', 'pem', 'pkcs12'] as const;
export type DeclaredShape = (typeof declaredShapes)[number];

export interface Declaration {
  /** The secret's name. */
  readonly secretName: string;
  /** Name of the profile whose CA issues it. */
  readonly profile: string;
  /** At least one name. Each is `dns:`, `ip:`, `email:` or `uri:` and the value. */
  readonly names: readonly string[];
  /** DER of the Name. Undefined: no subject. */
  readonly subject: Uint8Array | undefined;
  readonly usages: readonly DeclaredUsage[];
  /** Milliseconds. Undefined: the profile's duration, else the CA's default. */
  readonly duration: number | undefined;
  /** Type of new keys. Undefined: as the profile says, else as the present key, else EC P-256. */
  readonly key: KeySpec | undefined;
  /** The certificate's key in KMS, if it is there. cert-renewer never replaces it. */
  readonly kmsKeyId: string | undefined;
  readonly shape: DeclaredShape;
}
