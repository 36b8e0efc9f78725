/** The port of the HTTP API: the authorities' names, and the use case that renews one. */
import type { Certificate } from '../../domain/certificate.ts';
import type { Instant } from '../../domain/instant.ts';

/** A renewed CA certificate, the secret's current version. */
export interface RenewedCa {
  readonly certificate: Certificate;
  /** From the issuer up to the root, included; empty for a root. */
  readonly parents: readonly Certificate[];
}

export interface CaRenewal {
  /** Names of all authorities of this stack. For others the answer is 404, before anything is read. */
  readonly names: readonly string[];
  /**
   * Renews the certificate of the authority `name` with the same key, up to `notAfter` (whole seconds), due or not. The rules are in
   * http/rules.ts.
   *
   * Throws CaRenewalRefused if a rule forbids it. Throws SecretChanged if another writer came first: the caller repeats the call, which
   * decides again. Any other error is only logged.
   */
  renewCa(name: string, notAfter: Instant): Promise<RenewedCa>;
}

/**
 * - `NoCertificate`: the secret has no certificate yet
 * - `Disabled`: the configuration disables the authority
 * - `NotAfter`: the requested notAfter is past, not later than the current one, or beyond the parent's
 * - `ParentElsewhere`: the issuer is not an authority of this stack
 * - `Busy`: others wrote the secret again and again
 */
export type RefusalReason = 'NoCertificate' | 'Disabled' | 'NotAfter' | 'ParentElsewhere' | 'Busy';

/** A rule forbids the renewal: status 400. The message is for the caller. */
export class CaRenewalRefused extends Error {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, message: string) {
    super(message);
    this.name = 'CaRenewalRefused';
    this.reason = reason;
  }
}
