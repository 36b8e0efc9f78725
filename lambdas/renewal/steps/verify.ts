/**
 * Step 6: the proof before the swap (contract 6.2). Pure. What the CA answered is compared with what was asked for and
 * with what is there; whatever differs without a written reason is CertificateRejected, and nothing is promoted.
 */
import type { Certificate } from '../../domain/certificate.ts';
import type { Warning } from '../../domain/decision.ts';
import { RenewalError } from '../../domain/errors.ts';
import { formatInstant, type Instant } from '../../domain/instant.ts';
import type { Mode } from '../../domain/profile.ts';
import { parseCertificate, parseIssuer } from '../../x509/certificate.ts';
import { certificatesAbove, verifyPath } from '../../x509/chain.ts';
import { differences } from '../../x509/correspondence.ts';
import { usagesLeft, usagesOf } from '../../x509/extended-key-usage.ts';
import { samePublicKey } from '../../x509/public-key.ts';

export interface Expectation {
  readonly operation: Mode;
  /** The certificate that is replaced. */
  readonly before: Certificate;
  /** The rest of what is replaced: which usages of the certificate its path has left so far. */
  readonly beforeChain?: readonly Certificate[];
  /** Its end, by contract 6.8. */
  readonly beforeEnd: Instant;
  /** DER of the public key that was to be certified. */
  readonly spki: Uint8Array;
  readonly roots: readonly Certificate[];
  readonly force: boolean;
}

export interface VerifiedPair {
  readonly leaf: Certificate;
  /**
   * From the leaf's issuer upwards, root left out: the verified path, then what else the CA sent that lies on a path from
   * the leaf up. A cross certificate is for those who know another root. Each stands behind one that it issued.
   */
  readonly chain: readonly Certificate[];
  /** Undefined where what is trusted is no root: then it is part of the chain, for those who trust the one above it. */
  readonly root: Certificate | undefined;
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
/** A leaf that lasts both longer than this and ten times as long as before is nobody's policy but a mistake or a theft. */
const longestExtended = { times: 10, validity: 825 * day } as const;

/** What a CA answered, or an earlier try staged. */
export interface Answer {
  readonly leaf: Certificate;
  /** The rest, in any order. */
  readonly pool: readonly Certificate[];
}

/** Throws CertificateRejected. */
export function verifyIssued({ leaf, pool }: Answer, expected: Expectation, now: Instant): VerifiedPair {
  const problems = [...differences(expected.before, leaf, expected.operation)];
  if (!samePublicKey(leaf.spki, expected.spki)) problems.push('public key: not the one that was to be certified');
  const validFrom = Math.max(now, leaf.notBefore);
  if (validFrom > now + clockTolerance) {
    problems.push(
      `notBefore: ${formatInstant(leaf.notBefore)} is more than a minute ahead of now, ${formatInstant(now)}`,
    );
  }
  problems.push(...validityProblems(expected.before, leaf));
  const path = verifyPath(leaf, pool, expected.roots, validFrom);
  if (!path.ok) problems.push(`chain: ${path.problem.replace(/\.$/, '')}`);
  else problems.push(...usageProblems(path.path, expected, now));
  if (!path.ok || problems.length > 0) throw rejected(problems);
  const [anchor] = path.path.slice(-1);
  if (!anchor) throw rejected(['chain: it has no root']);
  const root = same(anchor.subject, anchor.issuer) ? anchor : undefined;
  const warnings = judgeEnd(path.end, expected);
  const verified = path.path.slice(1, root ? -1 : undefined);
  const isOnPath = ({ der }: Certificate) => path.path.some((one) => same(one.der, der));
  const above = pool.every(isOnPath) ? [] : certificatesAbove(leaf, pool, expected.roots, validFrom);
  const others = above.filter((each) => !isOnPath(each));
  return { leaf, chain: [...verified, ...others], root, end: path.end, validFrom, warnings };
}

/**
 * docs/decisions/0009: a usage that a CA above the leaf does not allow is lost, though the leaf names it. One that the path
 * of the certificate in use leaves to it has to stay.
 */
function usageProblems(
  path: readonly Certificate[],
  { before, beforeChain, roots }: Expectation,
  now: Instant,
): string[] {
  const left = usagesLeft(path);
  if (usagesOf(before).every((usage) => left.includes(usage.name))) return []; // more can't be lost than it has
  const was = beforeChain && verifyPath(before, beforeChain, roots, Math.min(now, before.notAfter));
  if (!was?.ok) return [];
  const lost = usagesLeft(was.path).filter((usage) => !left.includes(usage));
  return lost.map((usage) => `chain: it no longer allows ${usage} (extendedKeyUsage), and the present one does`);
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
    throw new RenewalError('CertificateRejected', `The CA's answer holds something that is no certificate: ${found}`, {
      cause,
    });
  }
  throw rejected(['chain: it is empty']);
}

/** docs/decisions/0004: longer is allowed, but not out of all proportion. A CA's end may be asked for by name. */
function validityProblems(before: Certificate, after: Certificate): string[] {
  const [was, came] = [before, after].map(({ notBefore, notAfter }) => notAfter - notBefore);
  if (before.isCa || was === undefined || came === undefined) return [];
  if (came <= longestExtended.validity || came <= longestExtended.times * was) return [];
  return [`validity: ${Math.ceil(came / day)} days, and it was ${Math.ceil(was / day)}`];
}

/** The end is not earlier than before, and later unless forced. */
function judgeEnd(end: Instant, expected: Expectation): readonly Warning[] {
  if (end > expected.beforeEnd) return [];
  const found = `the new end ${formatInstant(end)} is not later than the present one, ${formatInstant(expected.beforeEnd)}`;
  if (end < expected.beforeEnd || !expected.force) throw rejected([`notAfter: ${found}`]);
  return [{ code: 'NotExtended', message: `Forced: ${found}.` }];
}

function rejected(problems: readonly string[]): RenewalError {
  const shown = problems.slice(0, 5).join('; ');
  const more = problems.length > 5 ? `; and ${problems.length - 5} more` : '';
  return new RenewalError(
    'CertificateRejected',
    `The CA's certificate is not what was asked for, so nothing was changed: ${shown}${more}. Look at the CA's templates and policies.`,
  );
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(b);
}
