/** What is against a renewal with an end of the caller's choice (docs/ca-api.md, status 400). Pure. */
import type { Certificate } from '../../domain/certificate.ts';
import { formatInstant, type Instant } from '../../domain/instant.ts';
import { CaRenewalRefused } from './port.ts';

export interface CaFacts {
  readonly name: string;
  readonly disabled: boolean;
  /** Undefined while the secret holds none. */
  readonly certificate: Certificate | undefined;
  /** What signs: the authority itself for a root, its parent, or a CA that is none of this stack's. */
  readonly signedBy: 'self' | 'elsewhere' | CaParent;
}

export interface CaParent {
  readonly name: string;
  readonly disabled: boolean;
  readonly certificate: Certificate | undefined;
  /** Of the certificates above the parent, the root included. */
  readonly issuers: readonly Certificate[];
}

/** `notAfter`: whole seconds. Throws CaRenewalRefused. */
export function checkRequestedEnd(facts: CaFacts, notAfter: Instant, now: Instant): void {
  const { name, certificate, signedBy } = facts;
  if (facts.disabled) throw new CaRenewalRefused('Disabled', `The authority ${name} is disabled.`);
  if (certificate === undefined) {
    throw new CaRenewalRefused('NoCertificate', `The authority ${name} has no certificate yet.`);
  }
  if (signedBy === 'elsewhere') {
    throw new CaRenewalRefused(
      'ParentElsewhere',
      `The parent of the authority ${name} is held elsewhere: renew it there.`,
    );
  }
  const refuse = (why: string) => {
    throw new CaRenewalRefused('NotAfter', `notAfter, ${formatInstant(notAfter)}, ${why}.`);
  };
  if (notAfter <= now) refuse('is not later than now');
  if (notAfter <= certificate.notAfter) {
    refuse(`is not later than that of today's certificate, ${formatInstant(certificate.notAfter)}`);
  }
  if (signedBy === 'self') return;
  const { name: parent, certificate: own } = signedBy;
  if (signedBy.disabled) throw new CaRenewalRefused('Disabled', `The parent authority ${parent} is disabled.`);
  if (own === undefined) {
    throw new CaRenewalRefused('NoCertificate', `The parent authority ${parent} has no certificate yet.`);
  }
  // A certificate is of no use beyond the end of anything above it, so the parent's end is that of its whole path.
  const end = Math.min(...[own, ...signedBy.issuers].map((each) => each.notAfter));
  if (notAfter > end) refuse(`is beyond the end of the parent ${parent}, ${formatInstant(end)}: renew that one first`);
}
