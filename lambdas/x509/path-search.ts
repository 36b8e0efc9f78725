/**
 * Searches certification paths. A pool comes from outside and may be hostile: results are kept during a search, cheap checks come before
 * expensive ones, and the total work is limited.
 */

import { sameBytes } from '../domain/bytes.ts';
import type { Certificate } from '../domain/certificate.ts';
import { formatInstant, type Instant } from '../domain/instant.ts';
import { quote } from '../domain/quote.ts';
import { isOfUse, type Usage, usagesOf, usagesThrough } from './extended-key-usage.ts';
import { asciiText } from './general-names.ts';
import { issuerProblem, mayName, nameOf, namesKeyOf, resourceProblem } from './issuer-rules.ts';
import { NameConstraints } from './name-constraints.ts';
import { formatName } from './names.ts';
import { samePublicKey } from './public-key.ts';
import { isSignedBy, weakSignature } from './signature.ts';

/** The end of a path, and whether the leaf or a certificate above it expires first. */
export interface PathEnd {
  readonly end: Instant;
  readonly endsWith: 'leaf' | 'chain';
}

export type PathResult =
  | ({ readonly ok: true /** Leaf … root. */; readonly path: readonly Certificate[] } & PathEnd)
  | { readonly ok: false; readonly problem: string };

/** Limits. Real PKIs need much less. NameConstraints has its own limit. */
const most = { certificates: 10, signatures: 100, steps: 1_000, waiting: 5_000 } as const;

/**
 * A path that may not be complete. Its last link is checked, except for signature and names, the most expensive checks, which may not be
 * needed.
 */
interface Step {
  readonly path: readonly Certificate[];
  readonly end: Instant;
  /** Whether the last certificate is trusted, if its own signature verifies. */
  readonly anchored: boolean;
  /** The leaf's usages that the path leaves. */
  readonly usages: readonly Usage[];
}

/**
 * A best-first search: the next step is the one that keeps most usages and is valid longest. Both can only decrease on the way up, so the
 * first complete path is the best one.
 */
export class PathSearch {
  readonly #leaf: Certificate;
  readonly #roots: readonly Certificate[];
  readonly #now: Instant | undefined;
  readonly #usages: readonly Usage[];
  readonly #bySubject = new Map<string, Certificate[]>();
  readonly #waiting: Step[] = [];
  readonly #problems = new Set<string>();
  readonly #nameConstraints = new NameConstraints();
  #signaturesLeft: number = most.signatures;
  #isExhausted = false;

  readonly #subject = memo((certificate: Certificate) => asciiText(certificate.subject));
  readonly #issuer = memo((certificate: Certificate) => asciiText(certificate.issuer));
  readonly #key = memo((certificate: Certificate) => asciiText(certificate.spki));
  readonly #name = memo(nameOf);
  readonly #weak = memo(weakSignature);
  readonly #isRoot = memo((certificate: Certificate) => this.#roots.some(({ der }) => sameBytes(der, certificate.der)));
  /** A root, or a certificate with the name and key of a root that may be signed by it: a renewed root. */
  readonly #mayBeTrusted = memo(
    (certificate: Certificate) =>
      this.#isRoot(certificate) ||
      (isSelfIssued(certificate) && this.#roots.some((root) => isSameAuthority(root, certificate))),
  );
  readonly #trustedProblem = memo((issuer: Certificate) => this.#problemOf(issuer, true));
  readonly #untrustedProblem = memo((issuer: Certificate) => this.#problemOf(issuer, false));
  readonly #allowed = memo((issuer: Certificate) => usagesThrough(this.#usages, issuer));
  readonly #named = memo((certificate: Certificate) => memo((issuer: Certificate) => mayName(certificate, issuer)));
  readonly #signatures = memo((_: Certificate) => new Map<string, boolean>());

  constructor(
    leaf: Certificate,
    pool: readonly Certificate[],
    roots: readonly Certificate[],
    /** Undefined: dates are not checked. */
    now: Instant | undefined,
  ) {
    this.#leaf = leaf;
    this.#roots = roots;
    this.#now = now;
    this.#usages = usagesOf(leaf);
    const seen = new Set<string>();
    for (const certificate of [...roots, ...pool]) {
      const key = asciiText(certificate.der);
      if (seen.has(key)) continue;
      seen.add(key);
      const others = this.#bySubject.get(this.#subject(certificate));
      if (others === undefined) this.#bySubject.set(this.#subject(certificate), [certificate]);
      else others.push(certificate);
    }
  }

  best(): PathResult {
    const problem = this.#begin();
    if (problem !== undefined) return { ok: false, problem: `${problem}.` };
    for (const { path, end, anchored } of this.#steps()) {
      if (!anchored) continue;
      return { ok: true, path, end, endsWith: end === this.#leaf.notAfter ? 'leaf' : 'chain' };
    }
    return { ok: false, problem: this.#summary() };
  }

  /** Returns the certificates above the leaf on all paths, in the order in which they are found, without self-signed ones. */
  all(): readonly Certificate[] {
    if (this.#begin() !== undefined) return [];
    const found = new Set<Certificate>();
    for (const { path } of this.#steps()) {
      const top = path.at(-1);
      if (top !== undefined && top !== this.#leaf && this.#leadsOn(top)) found.add(top);
    }
    return [...found];
  }

  #begin(): string | undefined {
    const problem = this.#validityProblem(this.#leaf);
    if (problem !== undefined) return problem;
    const { notAfter: end } = this.#leaf;
    this.#waiting.push({ path: [this.#leaf], end, anchored: this.#mayBeTrusted(this.#leaf), usages: this.#usages });
    return undefined;
  }

  /** Yields every valid path, also incomplete ones. */
  *#steps(): Generator<Step> {
    for (let steps = 0; steps < most.steps && this.#signaturesLeft >= 0; steps++) {
      const step = this.#takeBest();
      if (step === undefined) return;
      const proven = this.#isLinked(step) ? this.#proven(step) : undefined;
      if (proven === undefined) continue;
      yield proven;
      this.#goOn(proven);
    }
    this.#isExhausted = true;
  }

  #takeBest(): Step | undefined {
    let best = 0;
    for (const [i, step] of this.#waiting.entries()) {
      if (this.#isBetter(step, this.#waiting[best] ?? step)) best = i;
    }
    return this.#waiting.splice(best, 1)[0];
  }

  /** Of steps that are valid equally long, a complete path comes first, then the older step, which is shorter. */
  #isBetter(step: Step, other: Step): boolean {
    const [kept, keptByOther] = [this.#usagesThatCount(step), this.#usagesThatCount(other)];
    if (kept !== keptByOther) return kept > keptByOther;
    if (step.end !== other.end) return step.end > other.end;
    return step.anchored && !other.anchored;
  }

  /** The number of usages. It is 0 for a path that ended before the leaf was issued, because the leaf never had this path. */
  #usagesThatCount({ end, usages }: Step): number {
    return end < this.#leaf.notBefore ? 0 : usages.length;
  }

  /** Checks the last link: the signature of the issuer, and its name constraints for all names of the path. */
  #isLinked({ path }: Step): boolean {
    const [top, ...below] = path.toReversed();
    const [next] = below;
    if (top === undefined || next === undefined) return true;
    if (this.#isSigned(next, top)) return this.#isNoProblem(this.#nameProblem(below, top));
    return this.#isNoProblem(`the signature of ${this.#name(next)} was not made by the key of ${this.#name(top)}`);
  }

  /** Verifies a signature once for each key: many certificates may have the same key. */
  #isSigned(certificate: Certificate, issuer: Certificate): boolean {
    const verdicts = this.#signatures(certificate);
    const key = this.#key(issuer);
    const known = verdicts.get(key) ?? (this.#signaturesLeft-- > 0 && isSignedBy(certificate, issuer));
    verdicts.set(key, known);
    return known;
  }

  /** Checks the names of the leaf and of all certificates that are not self-issued (RFC 5280 section 6.1.3 (b), (c)). */
  #nameProblem(below: readonly Certificate[], issuer: Certificate): string | undefined {
    for (const certificate of below) {
      if (certificate !== this.#leaf && isSelfIssued(certificate)) continue;
      const problem = this.#nameConstraints.problem(issuer, certificate);
      if (problem !== undefined) return `${this.#name(certificate)} has ${problem} by ${this.#name(issuer)}`;
    }
    return undefined;
  }

  /** Returns the step. It loses `anchored` if the trusted certificate is not a configured root and not signed by a root's key. */
  #proven(step: Step): Step | undefined {
    const top = step.path.at(-1);
    if (!step.anchored || top === undefined || this.#isRoot(top)) return step;
    if (this.#weak(top) === undefined && this.#isSigned(top, top)) return step;
    this.#problems.add(`${this.#name(top)} has the name and key of a trusted root, but the root's key did not sign it`);
    const isAllowed = top === this.#leaf || this.#isNoProblem(this.#untrustedProblem(top));
    return isAllowed ? { ...step, anchored: false } : undefined;
  }

  /** Adds every path that is longer by one issuer to the waiting ones. */
  #goOn({ path, end, usages }: Step): void {
    const top = path.at(-1) ?? this.#leaf;
    const weak = this.#weak(top);
    if (weak !== undefined) {
      this.#problems.add(`${this.#name(top)} is signed with ${weak}, which is too weak`);
      return;
    }
    const issuers = this.#bySubject.get(this.#issuer(top)) ?? [];
    if (issuers.length === 0) {
      const issuer = quote(formatName(top.issuer));
      this.#problems.add(`neither the chain nor the trusted roots contain ${issuer}, which issued ${this.#name(top)}`);
    }
    for (const issuer of issuers) {
      if (path.some((below) => isSameAuthority(below, issuer)) || this.#waiting.length >= most.waiting) continue;
      const anchored = this.#mayBeTrusted(issuer);
      const left = this.#usagesThrough(issuer, usages);
      const problem =
        (anchored ? this.#trustedProblem : this.#untrustedProblem)(issuer) ?? this.#pathProblem(path, issuer, left);
      if (!this.#isNoProblem(problem)) continue;
      this.#waiting.push({ path: [...path, issuer], end: Math.min(end, issuer.notAfter), anchored, usages: left });
    }
  }

  #usagesThrough(issuer: Certificate, usages: readonly Usage[]): readonly Usage[] {
    const allowed = this.#allowed(issuer);
    return usages.filter((usage) => allowed.includes(usage));
  }

  /** Returns the problem of `issuer` on any path. */
  #problemOf(issuer: Certificate, isTrusted: boolean): string | undefined {
    const problem = issuerProblem(issuer, isTrusted) ?? this.#validityProblem(issuer);
    if (problem !== undefined) return problem;
    try {
      this.#nameConstraints.of(issuer);
    } catch {
      return `${this.#name(issuer)} has name constraints that are empty or can't be read`;
    }
    return resourceProblem(this.#leaf, issuer);
  }

  #validityProblem(certificate: Certificate): string | undefined {
    const { notBefore, notAfter } = certificate;
    if (this.#now === undefined) return undefined;
    if (this.#now > notAfter) return `${this.#name(certificate)} expired at ${formatInstant(notAfter)}`;
    if (this.#now < notBefore) return `${this.#name(certificate)} is not valid before ${formatInstant(notBefore)}`;
    return undefined;
  }

  /** Returns why `issuer` can't extend this path. */
  #pathProblem(path: readonly Certificate[], issuer: Certificate, left: readonly Usage[]): string | undefined {
    const top = path.at(-1) ?? this.#leaf;
    if (path.length >= most.certificates) return `the path is longer than ${most.certificates} certificates`;
    // RFC 5280 section 4.2.1.9: the leaf and self-issued certificates don't count.
    const authorities = path.slice(1).filter((certificate) => !isSelfIssued(certificate)).length;
    if (issuer.pathLength !== undefined && authorities > issuer.pathLength) {
      return `${this.#name(issuer)} allows ${issuer.pathLength} CA certificates below it, but there are ${authorities}`;
    }
    if (!isOfUse(this.#leaf, this.#usages, left)) {
      const lost = this.#usages.filter((usage) => !left.includes(usage)).map(({ name }) => name);
      return `${this.#name(issuer)} does not allow ${lost.join(', ')} (extendedKeyUsage), the usage of ${this.#name(this.#leaf)}`;
    }
    if (this.#named(top)(issuer)) return undefined;
    return `${this.#name(top)} names another issuer than ${this.#name(issuer)} (authorityKeyIdentifier)`;
  }

  /**
   * Whether a certificate on a path leads to a root, a trusted one or another. If its issuer is not in the pool, it may. If certificates
   * with the issuer's name are there but none signed it, it does not. The exception is a CA that changed its key: its certificate may be
   * signed by another certificate with the same name.
   */
  #leadsOn(top: Certificate): boolean {
    if (this.#isRoot(top)) return !isSelfIssued(top);
    if (this.#weak(top) !== undefined || (isSelfIssued(top) && this.#isSigned(top, top))) return false;
    const issuers = (this.#bySubject.get(this.#issuer(top)) ?? []).filter((issuer) => this.#named(top)(issuer));
    if (issuers.length === 0 || issuers.some((issuer) => this.#isSigned(top, issuer))) return true;
    return isSelfIssued(top) && !issuers.some((issuer) => namesKeyOf(top, issuer));
  }

  #isNoProblem(problem: string | undefined): boolean {
    if (problem !== undefined) this.#problems.add(problem);
    return problem === undefined;
  }

  #summary(): string {
    if (this.#isExhausted) return 'the chain contains too many similar certificates to find a path.';
    const problems = [...this.#problems];
    if (problems.length === 0) return 'the chain is a circle and leads to no trusted root.';
    const more = problems.length > 3 ? `; and ${problems.length - 3} more` : '';
    return `${problems.slice(0, 3).join('; ')}${more}.`;
  }
}

/** Calls `make` once for each key. */
function memo<Key, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const made = new Map<Key, { readonly value: Value }>();
  return (key) => {
    const known = made.get(key) ?? { value: make(key) };
    made.set(key, known);
    return known.value;
  };
}

function isSelfIssued(certificate: Certificate): boolean {
  return sameBytes(certificate.subject, certificate.issuer);
}

function isSameAuthority(a: Certificate, b: Certificate): boolean {
  return sameBytes(a.subject, b.subject) && samePublicKey(a.spki, b.spki);
}
