/**
 * Rehearses a signature before the real key is used: the certificate is built, signed with a throwaway key, and verified. If it passes, the
 * authority's key signs exactly these bytes.
 */
import type { Certificate } from '../domain/certificate.ts';
import { RenewalError } from '../domain/errors.ts';
import type { Instant } from '../domain/instant.ts';
import type { KeySpec } from '../domain/key-spec.ts';
import type { Mode } from '../domain/profile.ts';
import type { Signer } from '../domain/signer.ts';
import { generateKey } from '../keys/generate.ts';
import { parseCertificate } from '../x509/certificate.ts';
import { verifyPath } from '../x509/chain.ts';
import { differences } from '../x509/correspondence.ts';
import { usagesTaken } from '../x509/extended-key-usage.ts';
import { lint } from '../x509/lint.ts';
import { signCertificate } from '../x509/reissue.ts';
import type { LoadedAuthority } from './load.ts';

export type Rehearsal = Candidate & (Following | First);

interface Candidate {
  /** The bytes to sign. */
  readonly tbs: Uint8Array;
  /** The signer; `self` for a root, whose own key signs. */
  readonly issuer: LoadedAuthority | 'self';
  readonly issuerKeySpec: KeySpec;
  readonly now: Instant;
}

interface Following {
  /** The old certificate. */
  readonly before: Certificate;
  readonly operation: Mode;
}

/** The certificate has no predecessor. */
interface First {
  readonly before: undefined;
  readonly operation?: undefined;
}

/** Throwaway keys, one for each kind and process. RSA signs by the same algorithm with any size, so the smallest is enough. */
const throwaways = new Map<string, Promise<Signer>>();

function throwawayKey(spec: KeySpec): Promise<Signer> {
  const kind = spec.kty === 'RSA' ? 'RSA' : spec.curve;
  const known = throwaways.get(kind) ?? generateKey(spec.kty === 'RSA' ? { kty: 'RSA', size: 2048 } : spec);
  throwaways.set(kind, known);
  known.catch(() => throwaways.delete(kind));
  return known;
}

/**
 * Returns the end of the certificate's path, leaf to root.
 *
 * Throws CertificateRejected for a certificate that does not correspond to the old one, or breaks a rule that the old one did not break.
 * Throws CaRejected if this authority must not issue it (because of its validity, name constraints, path length or extended key usages).
 */
export async function rehearse(rehearsal: Rehearsal): Promise<Instant> {
  const { tbs, issuer, issuerKeySpec, before } = rehearsal;
  const throwaway = await throwawayKey(issuerKeySpec);
  const candidate = parseCertificate(await signCertificate(tbs, throwaway));
  const above = issuer === 'self' ? candidate : issuer.certificate;
  const known = new Set(before === undefined ? [] : lint(before, issuer === 'self' ? before : above));
  const problems = [
    ...(rehearsal.before === undefined ? [] : differences(rehearsal.before, candidate, rehearsal.operation)),
    ...lint(candidate, above).filter((finding) => !known.has(finding)),
  ];
  if (problems.length > 0) {
    throw new RenewalError(
      'CertificateRejected',
      `The certificate was not signed, because it would have these problems: ${problems.slice(0, 5).join('; ')}.`,
    );
  }
  return issuer === 'self' ? candidate.notAfter : pathEnd(candidate, issuer, throwaway, rehearsal);
}

/** Returns the end of the future path, with the throwaway key instead of the issuer's. Throws CaRejected. */
function pathEnd(
  candidate: Certificate,
  issuer: LoadedAuthority,
  throwaway: Signer,
  { before, now }: Pick<Rehearsal, 'before' | 'now'>,
): Instant {
  const stand = { ...issuer.certificate, spki: throwaway.spki };
  const roots = issuer.issuers.length === 0 ? [stand] : [issuer.root];
  const path = verifyPath(candidate, [stand, ...issuer.issuers], roots, now);
  // For a successor the worker checks whether usages are lost.
  const taken = path.ok && before === undefined ? usagesTaken(path.path) : [];
  if (path.ok && taken.length === 0) return path.end;
  const found = path.ok ? `its path does not allow ${taken.join(', ')} (extendedKeyUsage).` : path.problem;
  const fix =
    before === undefined && !candidate.isCa
      ? 'Declare a certificate that it may issue, correct the authority, or use another one.'
      : 'Renew or correct the authority, or use another one.';
  throw new RenewalError(
    'CaRejected',
    `The authority ${issuer.authority.name} can't issue this certificate: ${found} ${fix}`,
  );
}
