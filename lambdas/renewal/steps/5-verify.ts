/**
 * Step 5: the proof before the swap (docs/guarantees.md, G2). Pure. What the CA answered is compared with what was wanted; any difference that is
 * not on the list of allowed ones is CertificateRejected, and nothing is promoted.
 */
import type { Certificate } from '../../domain/certificate.ts';
import type { Warning } from '../../domain/decision.ts';
import { RenewalError } from '../../domain/errors.ts';
import { formatInstant, type Instant } from '../../domain/instant.ts';
import { operationOf, type Wanted } from '../../domain/wanted.ts';
import { parseCertificate, parseIssuer } from '../../x509/certificate.ts';
import { verifyPath } from '../../x509/chain.ts';
import { differences } from '../../x509/correspondence.ts';
import { samePublicKey } from '../../x509/public-key.ts';
import { chainToStore, usagesLost } from '../../x509/stored-chain.ts';

/** What a CA answered, or an earlier try staged. */
export interface Answer {
  readonly leaf: Certificate;
  /** The rest, in any order. */
  readonly pool: readonly Certificate[];
}

export interface Expectation {
  readonly wanted: Wanted;
  /** DER of the public key that was to be certified. */
  readonly spki: Uint8Array;
  readonly roots: readonly Certificate[];
}

export interface VerifiedPair {
  readonly leaf: Certificate;
  readonly chain: readonly Certificate[];
  /** Undefined where what is trusted is no root. */
  readonly root: Certificate | undefined;
  /** Of the path from leaf to root. */
  readonly end: Instant;
  /** The certificate holds from here on: at most a minute after `now`, and to be waited for. */
  readonly validFrom: Instant;
  readonly warnings: readonly Warning[];
}

/** How far the CA's clock may be ahead of ours. */
const clockTolerance = 60_000;
/** More certificates than any CA sends; a chain of hundreds is not looked at. */
const longestAnswer = 50;
const day = 86_400_000;
/** A leaf that lasts both longer than this and ten times as long as before is a mistake or a theft, and not a policy. */
const longestExtended = { times: 10, validity: 825 * day } as const;

/** Throws CertificateRejected. */
export function verifyIssued({ leaf, pool }: Answer, expected: Expectation, now: Instant): VerifiedPair {
  const { wanted, spki, roots } = expected;
  const validFrom = Math.max(now, leaf.notBefore);
  const path = verifyPath(leaf, pool, roots, validFrom);
  const problems = [
    ...differences(wanted.content.leaf, leaf, operationOf(wanted)),
    ...(samePublicKey(leaf.spki, spki) ? [] : ['public key: not the one that was to be certified']),
    ...startProblems(leaf, now),
    ...validityProblems(leaf, wanted),
    ...(path.ok ? usageProblems(path.path, expected, now) : [`chain: ${path.problem.replace(/\.$/, '')}`]),
  ];
  if (!path.ok || problems.length > 0) throw rejected(problems);
  const warnings = judgeEnd(path.end, wanted);
  return { leaf, ...chainToStore(path.path, leaf, pool, roots, validFrom), end: path.end, validFrom, warnings };
}

function startProblems({ notBefore }: Certificate, now: Instant): string[] {
  if (notBefore <= now + clockTolerance) return [];
  return [`notBefore: ${formatInstant(notBefore)} is more than a minute ahead of now, ${formatInstant(now)}`];
}

/** docs/decisions/0004: longer is allowed, but not out of all proportion. A CA's end may be asked for by name. */
function validityProblems(after: Certificate, { content: { leaf: before } }: Wanted): string[] {
  const was = before.notAfter - before.notBefore;
  const came = after.notAfter - after.notBefore;
  if (before.isCa) return [];
  if (came <= longestExtended.validity || came <= longestExtended.times * was) return [];
  return [`validity: ${Math.ceil(came / day)} days, and it was ${Math.ceil(was / day)}`];
}

/** A usage that the present chain allows must stay allowed. */
function usageProblems(path: readonly Certificate[], { wanted, roots }: Expectation, now: Instant): string[] {
  const lost = usagesLost(wanted.content.leaf, wanted.content.chain, path, roots, now);
  return lost.map((usage) => `chain: it no longer allows ${usage} (extendedKeyUsage), and the present one does`);
}

/** The end is not earlier than before, and later unless forced. */
function judgeEnd(end: Instant, { end: { laterThan, orEqual } }: Wanted): readonly Warning[] {
  if (end > laterThan) return [];
  const found = `the new end ${formatInstant(end)} is not later than the present one, ${formatInstant(laterThan)}`;
  if (end < laterThan || !orEqual) throw rejected([`notAfter: ${found}`]);
  return [{ code: 'NotExtended', message: `Forced: ${found}.` }];
}

/** `certificates`: DER, leaf first. Throws CertificateRejected. */
export function parseAnswer(certificates: readonly Uint8Array[]): Answer {
  if (certificates.length > longestAnswer) {
    throw rejected([`chain: ${certificates.length} certificates, and ${longestAnswer} are looked at at most`]);
  }
  try {
    const [leaf, ...pool] = certificates;
    if (leaf) return { leaf: parseCertificate(leaf), pool: pool.map(parseIssuer) };
  } catch (cause) {
    const found = cause instanceof RenewalError ? cause.message : 'not a certificate';
    const message = `The CA's answer holds something that is no certificate: ${found}`;
    throw new RenewalError('CertificateRejected', message, { cause });
  }
  throw rejected(['chain: it is empty']);
}

function rejected(problems: readonly string[]): RenewalError {
  const shown = problems.slice(0, 5).join('; ');
  const more = problems.length > 5 ? `; and ${problems.length - 5} more` : '';
  return new RenewalError(
    'CertificateRejected',
    `The CA's certificate is not what was asked for, so nothing was changed: ${shown}${more}. Look at the CA's templates and policies.`,
  );
}
