/** The configuration of a CA that speaks ACME, after the check by its schema (kind.ts). */

/** A CA as configured, with its account's key. */
export interface Acme {
  /** Address of the directory. */
  readonly directory?: string | undefined;
  /** ARN of ACM's endpoint. */
  readonly acmEndpoint?: string | undefined;
  readonly agreeToTerms?: boolean | undefined;
  readonly contact?: readonly string[] | undefined;
  readonly accountKeyArn?: string | undefined;
  readonly eabSecretId?: string | undefined;
  readonly eabBinding?: string | undefined;
  readonly challenge: AcmeChallenge;
  readonly acmeProfile?: string | undefined;
  readonly preferredChain?: string | undefined;
  /** PEM of the roots of issued certificates. Undefined: the system's. */
  readonly root?: string | undefined;
  /** PEM of the roots of the CA's TLS certificate. Undefined: the system's. */
  readonly serverRoot?: string | undefined;
}

export type AcmeChallenge =
  | { readonly type: 'dns-01'; readonly zones: Readonly<Record<string, string>> }
  | { readonly type: 'dns-persist-01' }
  | { readonly type: 'none' };
