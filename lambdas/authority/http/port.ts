/** What the HTTP API needs of the rest: the authorities' names, and the use case that renews one. */
import type { Certificate } from '../../domain/certificate.ts';
import type { Instant } from '../../domain/instant.ts';

/** A CA certificate that was renewed and is the secret's current version. */
export interface RenewedCa {
  readonly certificate: Certificate;
  /** From the issuer up to and including the root; empty for a root. */
  readonly parents: readonly Certificate[];
}

export interface CaRenewal {
  /** Names of all authorities of this stack. Another one is answered 404 before anything is read. */
  readonly names: readonly string[];
  /**
   * Renews the certificate of the authority `name` with the same key, up to `notAfter` (whole seconds), whether it is
   * due or not. Rules are http/rules.ts.
   *
   * Throws CaRenewalRefused where a rule is against it. Throws SecretChanged where another writer came first: the call
   * is made anew and decides upon what is there then. Any other error is told to nobody but the log.
   */
  renewCa(name: string, notAfter: Instant): Promise<RenewedCa>;
}

/**
 * - `NoCertificate`: the secret has no certificate yet
 * - `Disabled`: the configuration has switched the authority off, and it signs nothing
 * - `NotAfter`: the notAfter asked for is past, is no later than today's, or is beyond the parent's
 * - `ParentElsewhere`: it was issued by a CA that is none of this stack's
 * - `Busy`: others wrote the secret again and again meanwhile
 */
export type RefusalReason = 'NoCertificate' | 'Disabled' | 'NotAfter' | 'ParentElsewhere' | 'Busy';

/** A rule is against it: status 400, and the message is for the caller. */
export class CaRenewalRefused extends Error {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, message: string) {
    super(message);
    this.name = 'CaRenewalRefused';
    this.reason = reason;
  }
}
