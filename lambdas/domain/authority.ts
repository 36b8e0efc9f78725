/**
 * An authority: a CA of the stack's own. Its certificate is in a secret. Its key is in KMS or, if imported, in that secret.
 * It comes from the deployed configuration, as profiles do. policy/authority.ts validates it.
 */
export interface Authority {
  readonly name: string;
  /** ARN or name of the secret with the CA certificate and its chain. */
  readonly secretId: string;
  /** ARN of the key in KMS. Undefined: the key is in the secret. */
  readonly kmsKeyArn?: string;
  /** ARN or name of the secret with the password of an encrypted key. */
  readonly passwordSecretId?: string;
  /** Name of the authority of this stack that issued it. Undefined for a root, and if the parent is not in this stack. */
  readonly parent?: string;
  /** A disabled authority signs nothing. */
  readonly disabled: boolean;
  /** Milliseconds from a new certificate's notBefore to the time of its issuance. The default, as in step-ca, is one minute. */
  readonly backdate: number;
  /** step-ca's `authority.claims`. */
  readonly claims: Claims;
  /** The claims of step-ca's provisioners, by the provisioner's name. They override `claims`. */
  readonly provisionerClaims: ReadonlyMap<string, Claims>;
  /** Content of its first certificate. Undefined for an imported authority. */
  readonly create?: AuthorityCreation;
}

/** Beginning of the description of a secret that a stack creates for an authority. Another stack's authority can be told by it. */
export const authorityDescription = 'cert-renewer: the certificate of the authority ';

/** Content of the first certificate of an authority that the stack creates. */
export interface AuthorityCreation {
  /** RFC 4514, `CN=Example Root,O=Example`. */
  readonly subject: string;
  /** Milliseconds from notBefore to notAfter. */
  readonly validity: number;
  /** Undefined: no limit. */
  readonly pathLength?: number;
  /** Each entry is `dns:`, `email:`, `uri:` or `ip:` and the value. `ip:` takes an address with its prefix length. */
  readonly nameConstraints?: { readonly permitted: readonly string[]; readonly excluded: readonly string[] };
}

/** The claims of step-ca that an authority supports. Durations are in milliseconds. Undefined: not configured. */
export interface Claims {
  readonly minDuration?: number;
  readonly maxDuration?: number;
  /** Duration of an issued certificate if the request names no other. */
  readonly defaultDuration?: number;
  readonly disableRenewal?: boolean;
  readonly allowRenewalAfterExpiry?: boolean;
}
