/** The rules for a renewal with a requested end (docs/ca-api.md, status 400). Pure. */
import type { Certificate } from '../../domain/certificate.ts';
import { formatInstant, type Instant } from '../../domain/instant.ts';
import { CaRenewalRefused } from './port.ts';

export interface CaFacts {
  readonly name: string;
  readonly disabled: boolean;
  /** Undefined if the secret has none. */
  readonly certificate: Certificate | undefined;
  /** The signer: the authority itself for a root, its parent, or a CA outside of this stack. */
  readonly signedBy: 'self' | 'elsewhere' | CaParent;
}

export interface CaParent {
  readonly name: string;
  readonly disabled: boolean;
  readonly certificate: Certificate | undefined;
  /** The certificates above the parent, including the root. */
  readonly issuers: readonly Certificate[];
}

/** Checks the rules. `notAfter` is in whole seconds. Throws CaRenewalRefused. */
export function checkRequestedEnd(facts: CaFacts, notAfter: Instant, now: Instant): void {
  const { name, certificate, signedBy } = facts;
  if (facts.disabled) throw new CaRenewalRefused('Disabled', `The authority ${name} is disabled.`);
  if (certificate === undefined) {
    throw new CaRenewalRefused('NoCertificate', `The authority ${name} has no certificate yet.`);
  }
  if (signedBy === 'elsewhere') {
    throw new CaRenewalRefused(
      'ParentElsewhere',
      `The certificate of the authority ${name} was issued by a CA outside of this stack: renew it there.`,
    );
  }
  const refuse = (why: string) => {
    throw new CaRenewalRefused('NotAfter', `notAfter, ${formatInstant(notAfter)}, ${why}.`);
  };
  if (notAfter <= now) refuse('is not later than now');
  if (notAfter <= certificate.notAfter) {
    refuse(`is not later than that of the current certificate, ${formatInstant(certificate.notAfter)}`);
  }
  if (signedBy === 'self') return;
  const { name: parent, certificate: own } = signedBy;
  if (signedBy.disabled) throw new CaRenewalRefused('Disabled', `The parent authority ${parent} is disabled.`);
  if (own === undefined) {
    throw new CaRenewalRefused('NoCertificate', `The parent authority ${parent} has no certificate yet.`);
  }
  // A certificate is useless after the end of any certificate above it, so the parent's end is that of its whole path.
  const end = Math.min(...[own, ...signedBy.issuers].map((each) => each.notAfter));
  if (notAfter > end) refuse(`is beyond the end of the parent ${parent}, ${formatInstant(end)}: renew that one first`);
}
