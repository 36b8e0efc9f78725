/** Building and judging certification paths (RFC 5280 section 6, RFC 4158). */
import type { Certificate } from '../domain/certificate.ts';
import { quote } from '../domain/duration.ts';
import { formatInstant, type Instant } from '../domain/instant.ts';
import { keyUsages } from './extensions.ts';
import { asciiText } from './general-names.ts';
import { nameConstraintProblem } from './name-constraints.ts';
import { formatName } from './names.ts';
import { nameOfOid, oids } from './oids.ts';
import { samePublicKey } from './public-key.ts';
import { isSignedBy, weakSignature } from './signature.ts';
import { sameBytes } from './strings.ts';

/** Where a path ends, and whether its leaf or something above the leaf is the first to expire. */
export interface PathEnd {
  readonly end: Instant;
  readonly endsWith: 'leaf' | 'chain';
}

export type PathResult =
  | ({ readonly ok: true /** Leaf … root. */; readonly path: readonly Certificate[] } & PathEnd)
  | { readonly ok: false; readonly problem: string };

/**
 * A pool comes from outside, and looking for a path in one that was made for it takes for ever. No real PKI comes near
 * these; what goes beyond is refused.
 */
const most = { certificates: 10, signatures: 100, steps: 1_000, waiting: 5_000 } as const;

/**
 * The path from `leaf` through `pool` to one of `roots` that lasts longest, among those on which every certificate is
 * valid at `now`. The pool may be in any order and hold certificates that don't belong. A root is trusted by its own
 * DER, and so is a newer self-signed certificate of the same name and key.
 *
 * Checked at each step: names, signature, cA, keyCertSign, pathLenConstraint, name constraints, that an issuer has no
 * critical extension that is not known here, and that nothing below the root rests on MD5 or SHA-1. Not checked:
 * revocation, certificate policies, and the extended key usages of CAs. Never throws.
 */
export function verifyPath(
  leaf: Certificate,
  pool: readonly Certificate[],
  roots: readonly Certificate[],
  now: Instant,
): PathResult {
  return new PathSearch(pool, roots, now).from(leaf);
}

/** As verifyPath, whatever the dates: of a certificate in use it matters too how long its path did last. Never throws. */
export function longestPath(
  leaf: Certificate,
  pool: readonly Certificate[],
  roots: readonly Certificate[],
): PathResult {
  return new PathSearch(pool, roots, undefined).from(leaf);
}

/**
 * When the certificate in use stops being of use: the end of its longest-lasting path, whether that is past or not. A
 * secret may hold the leaf alone, so where no path can be built the leaf's own notAfter counts. Never throws.
 */
export function chainEnd(leaf: Certificate, pool: readonly Certificate[], roots: readonly Certificate[]): PathEnd {
  const result = longestPath(leaf, pool, roots);
  if (!result.ok) return { end: leaf.notAfter, endsWith: 'leaf' };
  const { end, endsWith } = result;
  return { end, endsWith };
}

/** A path as far as it goes. Its last link is judged but for the signature, which costs most and may never matter. */
interface Step {
  readonly path: readonly Certificate[];
  readonly end: Instant;
  /** The last certificate of the path is trusted. */
  readonly anchored: boolean;
}

/** Best first: the step that lasts longest goes on, so the first path that is whole is the one that lasts longest. */
class PathSearch {
  readonly #roots: readonly Certificate[];
  readonly #bySubject = new Map<string, Certificate[]>();
  readonly #now: Instant | undefined;
  readonly #waiting: Step[] = [];
  readonly #signatures = new Map<Certificate, Map<string, boolean>>();
  readonly #problems = new Set<string>();
  #signaturesLeft: number = most.signatures;

  constructor(pool: readonly Certificate[], roots: readonly Certificate[], now: Instant | undefined) {
    this.#roots = roots;
    this.#now = now;
    const seen = new Set<string>();
    for (const certificate of [...roots, ...pool]) {
      const key = asciiText(certificate.der);
      if (seen.has(key)) continue;
      seen.add(key);
      const subject = asciiText(certificate.subject);
      const others = this.#bySubject.get(subject);
      if (others === undefined) this.#bySubject.set(subject, [certificate]);
      else others.push(certificate);
    }
  }

  from(leaf: Certificate): PathResult {
    const problem = validityProblem(leaf, this.#now);
    if (problem !== undefined) return { ok: false, problem: `${problem}.` };
    this.#waiting.push({ path: [leaf], end: leaf.notAfter, anchored: this.#isTrusted(leaf) });
    for (let steps = 0; steps < most.steps && this.#signaturesLeft >= 0; steps++) {
      const step = this.#takeLongestLasting();
      if (step === undefined) return { ok: false, problem: this.#summary() };
      if (!this.#isSigned(step)) continue;
      if (step.anchored) {
        const endsWith = step.end === leaf.notAfter ? 'leaf' : 'chain';
        return { ok: true, path: step.path, end: step.end, endsWith };
      }
      this.#goOn(step);
    }
    return { ok: false, problem: 'the chain holds too many certificates that look alike to find a path in it.' };
  }

  /** Puts every path that is one issuer longer with those that wait. */
  #goOn({ path, end }: Step): void {
    const top = path[path.length - 1];
    if (top === undefined) return;
    const weak = weakSignature(top);
    if (weak !== undefined) {
      this.#problems.add(`${nameOf(top)} is signed with ${weak}, which is too weak`);
      return;
    }
    const issuers = this.#bySubject.get(asciiText(top.issuer)) ?? [];
    if (issuers.length === 0) {
      const issuer = quote(formatName(top.issuer));
      this.#problems.add(`neither the chain nor the trusted roots hold ${issuer}, which issued ${nameOf(top)}`);
    }
    for (const issuer of issuers) {
      if (path.some((below) => isSameAuthority(below, issuer)) || this.#waiting.length >= most.waiting) continue;
      const anchored = this.#isTrusted(issuer);
      const problem = issuerProblem(path, issuer, anchored) ?? validityProblem(issuer, this.#now);
      if (problem !== undefined) this.#problems.add(problem);
      else this.#waiting.push({ path: [...path, issuer], end: Math.min(end, issuer.notAfter), anchored });
    }
  }

  #takeLongestLasting(): Step | undefined {
    let best = 0;
    for (const [i, step] of this.#waiting.entries()) {
      const other = this.#waiting[best] ?? step;
      // Of those that last as long a whole path, and else the one that came first, which is the shortest.
      if (step.end > other.end || (step.end === other.end && step.anchored && !other.anchored)) best = i;
    }
    return this.#waiting.splice(best, 1)[0];
  }

  /** A root, or one that a root's key signed for the root's own name: a root that was renewed. */
  #isTrusted(certificate: Certificate): boolean {
    return this.#roots.some(
      (root) =>
        sameBytes(root.der, certificate.der) || (isSelfIssued(certificate) && isSameAuthority(root, certificate)),
    );
  }

  /** The last link's signature; and the trusted certificate's own, unless it is a root as configured. */
  #isSigned({ path, anchored }: Step): boolean {
    const [top, below] = [path[path.length - 1], path[path.length - 2]];
    if (top === undefined) return false;
    if (anchored && !this.#roots.some((root) => sameBytes(root.der, top.der))) {
      if (weakSignature(top) !== undefined || !this.#verify(top, top)) {
        this.#problems.add(`${nameOf(top)} has the name and key of a trusted root, but the root's key did not sign it`);
        return false;
      }
    }
    if (below === undefined || this.#verify(below, top)) return true;
    this.#problems.add(`the signature of ${nameOf(below)} is not by the key of ${nameOf(top)}`);
    return false;
  }

  #verify(certificate: Certificate, issuer: Certificate): boolean {
    const key = asciiText(issuer.spki);
    const known = this.#signatures.get(certificate) ?? new Map<string, boolean>();
    this.#signatures.set(certificate, known);
    const before = known.get(key);
    if (before !== undefined) return before;
    if (--this.#signaturesLeft < 0) return false;
    const verified = isSignedBy(certificate, issuer);
    known.set(key, verified);
    return verified;
  }

  #summary(): string {
    const problems = [...this.#problems];
    if (problems.length === 0) return 'the chain leads in a circle and to no trusted root.';
    const more = problems.length > 3 ? `; and ${problems.length - 3} more` : '';
    return `${problems.slice(0, 3).join('; ')}${more}.`;
  }
}

function validityProblem(certificate: Certificate, now: Instant | undefined): string | undefined {
  if (now === undefined) return undefined;
  const { notBefore, notAfter } = certificate;
  if (now > notAfter) return `${nameOf(certificate)} expired at ${formatInstant(notAfter)}`;
  if (now < notBefore) return `${nameOf(certificate)} is not valid before ${formatInstant(notBefore)}`;
  return undefined;
}

/** Critical extensions that may stand in a CA certificate: those judged here, and those that allow nothing by themselves. */
const knownExtensions: ReadonlySet<string> = new Set([
  oids.basicConstraints,
  oids.keyUsage,
  oids.extendedKeyUsage,
  oids.nameConstraints,
  oids.subjectAltName,
  oids.subjectKeyIdentifier,
  oids.authorityKeyIdentifier,
  oids.certificatePolicies,
  oids.policyMappings,
  oids.policyConstraints,
  oids.inhibitAnyPolicy,
]);

/** Why `issuer` may not stand above `path`, its signature and validity left aside. */
function issuerProblem(path: readonly Certificate[], issuer: Certificate, anchored: boolean): string | undefined {
  const name = nameOf(issuer);
  if (path.length >= most.certificates) return `the path is longer than ${most.certificates} certificates`;
  // A version 1 root has no extensions, so nothing could say that it is a CA but being trusted.
  if (!issuer.isCa && !(anchored && issuer.extensions.length === 0)) return `${name} is not a CA`;
  if (keyUsages(issuer)?.includes('keyCertSign') === false) return `${name} may not sign certificates (keyUsage)`;
  // RFC 5280 section 4.2.1.9: the leaf does not count, nor does a CA that issued to itself.
  const authorities = path.slice(1).filter((certificate) => !isSelfIssued(certificate)).length;
  if (issuer.pathLength !== undefined && authorities > issuer.pathLength) {
    return `${name} allows ${issuer.pathLength} CA certificates below it, and there are ${authorities}`;
  }
  const unknown = issuer.extensions.find(({ oid, critical }) => critical && !knownExtensions.has(oid));
  if (unknown !== undefined) return `${name} has the critical extension ${nameOfOid(unknown.oid)}, which is not known`;
  return constraintProblem(path, issuer);
}

/** Section 6.1.3 (b), (c): the names of the leaf, and of every certificate that a CA did not issue to itself. */
function constraintProblem(path: readonly Certificate[], issuer: Certificate): string | undefined {
  for (const [i, certificate] of path.entries()) {
    if (i > 0 && isSelfIssued(certificate)) continue;
    try {
      const problem = nameConstraintProblem(issuer, certificate);
      if (problem !== undefined) return `${nameOf(certificate)} has ${problem} by ${nameOf(issuer)}`;
    } catch {
      return `${nameOf(issuer)} has name constraints that can't be read`;
    }
  }
  return undefined;
}

function isSelfIssued(certificate: Certificate): boolean {
  return sameBytes(certificate.subject, certificate.issuer);
}

function isSameAuthority(a: Certificate, b: Certificate): boolean {
  return sameBytes(a.subject, b.subject) && samePublicKey(a.spki, b.spki);
}

function nameOf(certificate: Certificate): string {
  return quote(formatName(certificate.subject));
}
