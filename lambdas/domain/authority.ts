/**
 * An authority of the stack's own: a CA certificate in a secret, its key in KMS or (imported) in that secret. It comes
 * from the deployed configuration, as profiles do. policy/authority.ts validates it.
 */
export interface Authority {
  readonly name: string;
  /** ARN or name of the secret that holds the CA certificate and its chain. */
  readonly secretId: string;
  /** The key, where it is in KMS; else it is in the secret. */
  readonly kmsKeyArn?: string;
  /** For a key that is encrypted in the secret. */
  readonly passwordSecretId?: string;
  /** The authority of this stack that issued it. Undefined for a root, and for one whose parent is held elsewhere. */
  readonly parent?: string;
  /** A disabled authority signs nothing. */
  readonly disabled: boolean;
  /** How long before now a new certificate starts, milliseconds. step-ca's default is a minute. */
  readonly backdate: number;
  /** step-ca's `authority.claims`, and those of its provisioners by name, which override them. */
  readonly claims: Claims;
  readonly provisionerClaims: ReadonlyMap<string, Claims>;
  /** What its first certificate is made of; undefined for an imported one. */
  readonly create?: AuthorityCreation;
}

/** The first certificate of an authority that the stack creates. */
export interface AuthorityCreation {
  /** RFC 4514, `CN=Example Root,O=Example`. */
  readonly subject: string;
  /** Milliseconds from notBefore to notAfter. */
  readonly validity: number;
  /** Undefined: without a limit. */
  readonly pathLength?: number;
  /** Each `dns:`, `email:`, `uri:` or `ip:` (an address and its prefix length) and the value. */
  readonly nameConstraints?: { readonly permitted: readonly string[]; readonly excluded: readonly string[] };
}

/** The claims of step-ca that are honoured here; durations in milliseconds, undefined where the configuration is silent. */
export interface Claims {
  readonly minDuration?: number;
  readonly maxDuration?: number;
  /** Of what is issued anew, where nobody asks for another. */
  readonly defaultDuration?: number;
  readonly disableRenewal?: boolean;
  readonly allowRenewalAfterExpiry?: boolean;
}
