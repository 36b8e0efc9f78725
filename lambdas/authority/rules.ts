/** The rules of what an authority signs, and until when. Pure. */
import type { Authority, Claims } from '../domain/authority.ts';
import type { Certificate } from '../domain/certificate.ts';
import { formatDuration } from '../domain/duration.ts';
import { RenewalError } from '../domain/errors.ts';
import { formatInstant, type Instant } from '../domain/instant.ts';
import type { Wanted } from '../domain/wanted.ts';
import type { NewValidity } from '../x509/reissue.ts';

/** The latest time in X.509: 9999-12-31T23:59:59Z (RFC 5280 section 4.1.2.5). */
const latestInstant = Date.UTC(9999, 11, 31, 23, 59, 59);

const wholeSecond = (instant: Instant): Instant => Math.floor(instant / 1000) * 1000;

/** Checks that an authority is enabled. Throws CaRejected. */
export function checkEnabled({ name, disabled }: Authority): void {
  if (!disabled) return;
  throw new RenewalError(
    'CaRejected',
    `The authority ${name} is disabled, so it signs nothing: enable it in the configuration (authorities.${name}.disabled) and deploy.`,
  );
}

/** Checks that an authority has not expired. `end` is that of its path. Throws CaRejected. */
export function checkAlive({ name }: Pick<Authority, 'name'>, end: Instant, now: Instant): void {
  if (now < end) return;
  throw new RenewalError(
    'CaRejected',
    `The certificate of authority ${name}, or one above it, expired at ${formatInstant(end)}, so it issues nothing: renew it first.`,
  );
}

// ---- Leaves: step-ca's rules --------------------------------------------------------------------------------------

/** Returns the claims of the provisioner that issued the leaf; those that it does not set are the authority's. Throws CaRejected. */
export function claimsFor(authority: Authority, provisioner: string | undefined): Claims {
  if (provisioner === undefined) return authority.claims;
  const own = authority.provisionerClaims.get(provisioner);
  // step-ca renews only for provisioners that it knows. Without a ca.json there are none, and any is accepted.
  if (own === undefined && authority.provisionerClaims.size > 0) {
    throw new RenewalError(
      'CaRejected',
      `The certificate names a provisioner that is not in the ca.json of authority ${authority.name} (any more): add it there and deploy, or have a new certificate issued.`,
    );
  }
  return { ...authority.claims, ...own };
}

/** Checks that the claims allow a renewal. Throws CaRejected. */
export function checkRenewalAllowed({ disableRenewal }: Claims): void {
  if (disableRenewal !== true) return;
  throw new RenewalError(
    'CaRejected',
    'The claim disableRenewal forbids the renewal of this certificate: have a new one issued, or change the ca.json and deploy.',
  );
}

/** Checks a renewal as step-ca's DefaultAuthorizeRenew. Throws CaRejected, NotYetValid, CertificateExpired. */
export function checkRenewable(leaf: Certificate, claims: Claims, now: Instant): void {
  checkRenewalAllowed(claims);
  const second = wholeSecond(now);
  if (second < leaf.notBefore) {
    throw new RenewalError('NotYetValid', `The certificate is not valid before ${formatInstant(leaf.notBefore)}.`);
  }
  if (second > leaf.notAfter && claims.allowRenewalAfterExpiry !== true) {
    throw new RenewalError(
      'CertificateExpired',
      `The certificate expired at ${formatInstant(leaf.notAfter)}, and the authority does not renew after that (claim allowRenewalAfterExpiry): have a new one issued.`,
    );
  }
}

/**
 * Returns the validity of a successor: the old duration, beginning `backdate` ago, but not after `end`, the authority's own. Throws
 * CaRejected if the claims' minimum or maximum forbids that.
 */
export function leafValidity(
  leaf: Certificate,
  authority: Pick<Authority, 'name' | 'backdate'>,
  claims: Claims,
  end: Instant,
  now: Instant,
): BoundedValidity {
  checkAlive(authority, end, now);
  const { name, backdate } = authority;
  const validity = bounded(wholeSecond(now - backdate), leaf.notAfter - leaf.notBefore, end);
  const duration = validity.notAfter - validity.notBefore;
  const refuse = (what: string, limit: number): never => {
    throw new RenewalError(
      'CaRejected',
      `The authority ${name} would issue for ${formatDuration(duration)}, but ${what} is ${formatDuration(limit)}: change the claim and deploy, or have another certificate issued.`,
    );
  };
  // step-ca measures the duration from now, so the backdate is added.
  if (claims.maxDuration !== undefined && duration > claims.maxDuration + backdate) {
    return refuse('the claim maxTLSCertDuration', claims.maxDuration);
  }
  if (claims.minDuration !== undefined && duration < claims.minDuration) {
    return refuse('the claim minTLSCertDuration', claims.minDuration);
  }
  return validity;
}

/** step-ca's default of defaultTLSCertDuration. */
const usualDuration = 86_400_000;

/**
 * Returns the validity of a declared leaf: from now for `duration` milliseconds (default: the claims' duration), beginning `backdate` ago,
 * but not after `end`, the authority's own. Throws CaRejected if the claims' minimum or maximum forbids that.
 */
export function newLeafValidity(
  duration: number | undefined,
  { name, backdate, claims }: Pick<Authority, 'name' | 'backdate' | 'claims'>,
  end: Instant,
  now: Instant,
): NewValidity {
  checkAlive({ name }, end, now);
  const asked = duration ?? claims.defaultDuration ?? usualDuration;
  const { minDuration: least = 0, maxDuration: most = Number.POSITIVE_INFINITY } = claims;
  const refuse = (found: string, claim: string, limit: number, fix: string): never => {
    throw new RenewalError(
      'CaRejected',
      `The certificate would be valid for ${found}, but the claim ${claim} of authority ${name} is ${formatDuration(limit)}: ${fix}, or change the claim and deploy.`,
    );
  };
  if (asked > most) return refuse(formatDuration(asked), 'maxTLSCertDuration', most, 'declare a shorter duration');
  if (asked < least) return refuse(formatDuration(asked), 'minTLSCertDuration', least, 'declare a longer duration');
  const { notAfter, isShortened } = bounded(wholeSecond(now), wholeSecond(asked), end);
  if (isShortened && end - now < least) {
    const until = `${formatDuration(wholeSecond(end - now))}, because the authority or one above it ends at ${formatInstant(end)}`;
    return refuse(until, 'minTLSCertDuration', least, 'renew that authority first');
  }
  return { notBefore: wholeSecond(now - backdate), notAfter };
}

// ---- The authority's own certificate ------------------------------------------------------------------------------

export interface CaValidityInput {
  readonly certificate: Certificate;
  /** The end of the parent's path; undefined for a root. */
  readonly parentEnd: Instant | undefined;
  readonly backdate: number;
  readonly now: Instant;
  /** The requested end. */
  readonly requested: Instant | undefined;
}

/**
 * Returns the validity of an authority's certificate: the old duration, or the requested end, but not after the parent's end. A scheduled
 * renewal is shortened to it; a request is rejected.
 *
 * Throws InvalidRequest for a requested end that is not later than now, not later than the current end, or later than the parent's.
 */
export function caValidity({ certificate, parentEnd, backdate, now, requested }: CaValidityInput): BoundedValidity {
  const notBefore = wholeSecond(now - backdate);
  const latest = parentEnd ?? latestInstant;
  if (requested === undefined) {
    return bounded(notBefore, certificate.notAfter - certificate.notBefore, latest);
  }
  const notAfter = wholeSecond(requested);
  const refuse = (why: string): never => {
    throw new RenewalError('InvalidRequest', `notAfter ${tellable(notAfter)} ${why}.`, { concerns: 'request' });
  };
  if (notAfter <= now) return refuse(`is not later than now, ${formatInstant(now)}`);
  if (notAfter <= certificate.notAfter) {
    return refuse(`is not later than the current end of the certificate, ${formatInstant(certificate.notAfter)}`);
  }
  if (notAfter > latestInstant) return refuse('is beyond the year 9999');
  if (notAfter > latest) {
    return refuse(`is beyond the end of its parent's certificate, ${formatInstant(latest)}: renew the parent first`);
  }
  return { notBefore, notAfter, isShortened: false };
}

/** Returns the validity of the first certificate: as configured (`validity` in milliseconds), but not after the parent's end. */
export function newCaValidity(
  input: Pick<CaValidityInput, 'parentEnd' | 'backdate' | 'now'>,
  validity: number,
): NewValidity {
  const notBefore = wholeSecond(input.now - input.backdate);
  return { notBefore, notAfter: Math.min(wholeSecond(notBefore + validity), input.parentEnd ?? latestInstant) };
}

function tellable(instant: Instant): string {
  return instant <= latestInstant ? formatInstant(instant) : 'asked for';
}

/** `isShortened`: whether the issuer's own end shortened it. */
export interface BoundedValidity extends NewValidity {
  readonly isShortened: boolean;
}

function bounded(notBefore: Instant, duration: number, end: Instant): BoundedValidity {
  const notAfter = notBefore + duration;
  return { notBefore, notAfter: Math.min(notAfter, end), isShortened: notAfter > end };
}

/**
 * Checks a shortened certificate before it is signed: one that does not end later than the current one would be rejected afterwards.
 * `after` is the end of its future path. Throws CertificateRejected.
 */
export function checkExtends(
  { laterThan, orEqual }: Wanted['end'],
  after: Instant,
  issuer: Pick<Authority, 'name'>,
): void {
  if (after > laterThan || (after === laterThan && orEqual)) return;
  throw new RenewalError(
    'CertificateRejected',
    `The new certificate would end at ${formatInstant(after)}, but the current one ends at ${formatInstant(laterThan)}: authority ${issuer.name} issues nothing beyond its own end, so nothing was changed. Renew that authority first.`,
  );
}
