/**
 * Step 5: the proof before the swap (docs/guarantees.md, G2). Compares the CA's answer with the plan. Any difference that is not on
 * the list of allowed ones is CertificateRejected, and nothing is promoted. Pure.
 */
import { sameBytes } from '../../domain/bytes.ts';
import type { Certificate } from '../../domain/certificate.ts';
import type { Warning } from '../../domain/decision.ts';
import { formatDuration } from '../../domain/duration.ts';
import { RenewalError } from '../../domain/errors.ts';
import { formatInstant, type Instant } from '../../domain/instant.ts';
import { copyingOf, type DeclaredContent, type Wanted } from '../../domain/wanted.ts';
import { parseCertificate, parseIssuer } from '../../x509/certificate.ts';
import { verifyPath } from '../../x509/chain.ts';
import { differences } from '../../x509/correspondence.ts';
import { departures } from '../../x509/declared-correspondence.ts';
import { usagesTaken } from '../../x509/extended-key-usage.ts';
import { samePublicKey } from '../../x509/public-key.ts';
import { chainToStore, usagesLost } from '../../x509/stored-chain.ts';

/** A CA's answer, or a pair that an earlier try staged. */
export interface Answer {
  readonly leaf: Certificate;
  /** The other certificates, in any order. */
  readonly pool: readonly Certificate[];
}

export interface Expectation {
  readonly wanted: Wanted;
  /** DER of the public key to certify. */
  readonly spki: Uint8Array;
  readonly roots: readonly Certificate[];
  /** The present certificate, if there is one. */
  readonly replaced?: Certificate | undefined;
}

export interface VerifiedPair {
  readonly leaf: Certificate;
  readonly chain: readonly Certificate[];
  /** Undefined if the trust anchor is not a root. */
  readonly root: Certificate | undefined;
  /** End of the path from leaf to root. */
  readonly end: Instant;
  /** Start of the certificate's validity, or `now` if that is later. At most a minute after `now`; the caller waits for it. */
  readonly validFrom: Instant;
  readonly warnings: readonly Warning[];
}

/** Milliseconds that the CA's clock may be ahead. */
const clockTolerance = 60_000;
/** The limit of certificates in an answer, more than any CA sends. */
const longestAnswer = 50;
const day = 86_400_000;
/** A leaf that lasts longer than this and also ten times as long as before is a mistake or an attack. */
const longestExtended = { times: 10, validity: 825 * day } as const;

/** Verifies an answer and returns the pair with its chain. Throws CertificateRejected. */
export function verifyIssued({ leaf, pool }: Answer, expected: Expectation, now: Instant): VerifiedPair {
  const { wanted, spki, roots, replaced } = expected;
  const validFrom = Math.max(now, leaf.notBefore);
  const path = verifyPath(leaf, pool, roots, validFrom);
  const judged = contentOf(leaf, wanted, replaced, now);
  const problems = [
    ...judged.problems,
    ...(samePublicKey(leaf.spki, spki) ? [] : ['public key: not the requested one']),
    ...startProblems(leaf, now),
    ...(path.ok ? usageProblems(path.path, expected, now) : [`chain: ${path.problem.replace(/\.$/, '')}`]),
  ];
  if (!path.ok || problems.length > 0) throw rejected(problems);
  const warnings = [...judged.warnings, ...judgeEnd(path.end, wanted)];
  return { leaf, ...chainToStore(path.path, leaf, pool, roots, validFrom), end: path.end, validFrom, warnings };
}

/** Compares the content with the present certificate (for a copy) or with the declaration. */
function contentOf(leaf: Certificate, wanted: Wanted, replaced: Certificate | undefined, now: Instant): Judged {
  const { content } = wanted;
  if (content.kind === 'declared') return declaredContent(leaf, content, replaced, now);
  return {
    problems: [...differences(content.leaf, leaf, copyingOf(wanted)), ...validityProblems(leaf, content.leaf)],
    warnings: [],
  };
}

interface Judged {
  readonly problems: readonly string[];
  readonly warnings: readonly Warning[];
}

function declaredContent(
  leaf: Certificate,
  content: DeclaredContent,
  replaced: Certificate | undefined,
  now: Instant,
): Judged {
  const { problems, missing } = departures(leaf, content);
  const { duration, maxDuration } = content;
  const left = leaf.notAfter - now;
  const came = leaf.notAfter - leaf.notBefore;
  const due = duration ?? (replaced && replaced.notAfter - replaced.notBefore);
  const isShorter = due !== undefined && came < due - clockTolerance;
  return {
    problems: [
      ...problems,
      ...(replaced && isSameSerial(leaf, replaced)
        ? ['serial number: the same as that of the present certificate']
        : []),
      ...tooLong(left, duration, 'the declared duration is'),
      ...(duration === undefined ? tooLong(left, maxDuration, 'no duration is declared and issue.maxDuration is') : []),
    ],
    warnings: [
      ...missing.map((usage) => usageMissing(usage)),
      ...(isShorter ? [validityShortened(came, due, duration !== undefined)] : []),
    ],
  };
}

function tooLong(left: number, most: number | undefined, says: string): string[] {
  if (most === undefined || left <= most + clockTolerance) return [];
  return [`notAfter: valid for ${formatDuration(left)} from now, but ${says} ${formatDuration(most)}`];
}

/** RFC 5280 section 4.1.2.2: unique for each certificate of one CA. */
function isSameSerial(leaf: Certificate, replaced: Certificate): boolean {
  return leaf.serialNumber === replaced.serialNumber && sameBytes(leaf.issuer, replaced.issuer);
}

const usageMissing = (usage: string): Warning => ({
  code: 'UsageMissing',
  message: `The CA left out the declared usage ${usage}: allow it in the CA's template, or remove it from the declaration.`,
});

/** `due`: the declared duration in milliseconds. Without one the CA decides, so it is the validity of the present certificate. */
function validityShortened(came: number, due: number, isDeclared: boolean): Warning {
  const found = `The CA issued for ${formatDuration(came)}`;
  const message = isDeclared
    ? `${found}, but the declared duration is ${formatDuration(due)}: allow more at the CA, or declare less.`
    : `${found}, but the certificate before was valid for ${formatDuration(due)}: it is renewed more often now. Check that all who use it load it again in time.`;
  return { code: 'ValidityShortened', message };
}

function startProblems({ notBefore }: Certificate, now: Instant): string[] {
  if (notBefore <= now + clockTolerance) return [];
  return [`notBefore: ${formatInstant(notBefore)} is more than a minute later than now, ${formatInstant(now)}`];
}

/**
 * A longer validity is allowed within limits (docs/decisions/0004). They do not apply to a CA, whose notAfter a request may set.
 */
function validityProblems(after: Certificate, before: Certificate): string[] {
  const was = before.notAfter - before.notBefore;
  const came = after.notAfter - after.notBefore;
  if (before.isCa) return [];
  if (came <= longestExtended.validity || came <= longestExtended.times * was) return [];
  return [`validity: ${Math.ceil(came / day)} days, but it was ${Math.ceil(was / day)} days`];
}

/** Finds usages that the present chain allows and the new chain does not. */
function usageProblems(path: readonly Certificate[], { wanted, roots }: Expectation, now: Instant): string[] {
  const { content } = wanted;
  if (content.kind === 'declared') return declaredUsageProblems(path);
  const lost = usagesLost(content.leaf, content.chain, path, roots, now);
  return lost.map((usage) => `chain: does not allow ${usage} (extendedKeyUsage), but the present chain does`);
}

/** Finds usages of the leaf that a CA above it does not allow. */
function declaredUsageProblems(path: readonly Certificate[]): string[] {
  return usagesTaken(path).map(
    (usage) => `chain: does not allow ${usage} (extendedKeyUsage), but the certificate has this usage`,
  );
}

/** Checks that the end is later than before. With force it may be the same, which is a warning. */
function judgeEnd(end: Instant, { end: { laterThan, orEqual } }: Wanted): readonly Warning[] {
  if (end > laterThan) return [];
  const found = `the new end ${formatInstant(end)} is not later than the present one, ${formatInstant(laterThan)}`;
  if (end < laterThan || !orEqual) throw rejected([`notAfter: ${found}`]);
  return [{ code: 'NotExtended', message: `Forced: ${found}.` }];
}

/** Parses a CA's answer. `certificates`: DER, leaf first. Throws CertificateRejected. */
export function parseAnswer(certificates: readonly Uint8Array[]): Answer {
  if (certificates.length > longestAnswer) {
    throw rejected([`chain: ${certificates.length} certificates, but at most ${longestAnswer} are allowed`]);
  }
  try {
    const [leaf, ...pool] = certificates;
    if (leaf) return { leaf: parseCertificate(leaf), pool: pool.map(parseIssuer) };
  } catch (cause) {
    const found = cause instanceof RenewalError ? cause.message : 'not a certificate';
    const message = `The CA's answer contains something that is not a certificate: ${found}`;
    throw new RenewalError('CertificateRejected', message, { cause });
  }
  throw rejected(['chain: it is empty']);
}

function rejected(problems: readonly string[]): RenewalError {
  const shown = problems.slice(0, 5).join('; ');
  const more = problems.length > 5 ? `; and ${problems.length - 5} more` : '';
  return new RenewalError(
    'CertificateRejected',
    `The CA's certificate was rejected, so the secret was not changed: ${shown}${more}. Check the CA's templates and policies.`,
  );
}
