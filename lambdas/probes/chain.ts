/** Whether a client that has only the roots of the profile can verify what a server presents. */
import type { Certificate } from '../domain/certificate.ts';
import { parseCertificate } from '../x509/certificate.ts';
import { longestPath } from '../x509/chain.ts';
import { comparableName } from '../x509/names.ts';
import { isSignedBy } from '../x509/signature.ts';

/** The roots of a profile: their certificates, or for an authority of the stack only the name of its root (DER of the Name). */
export type Anchors =
  | { readonly kind: 'certificates'; readonly roots: readonly Certificate[] }
  | { readonly kind: 'name'; readonly subject: Uint8Array };

/** Returns whether the presented certificates contain every one between the leaf and a root. Dates are not checked. Never throws. */
export function isComplete(leaf: Certificate, above: readonly Certificate[], anchors: Anchors): boolean {
  if (anchors.kind === 'certificates') return longestPath(leaf, above, anchors.roots).ok;
  return leadsTo(anchors.subject, leaf, above);
}

/** Verifies all signatures but the root's own: its key is not known. */
function leadsTo(root: Uint8Array, leaf: Certificate, above: readonly Certificate[]): boolean {
  const end = comparableName(root);
  const left = new Set(above);
  const reached = [leaf];
  for (const current of reached) {
    const issuerName = comparableName(current.issuer);
    if (issuerName === end) return true;
    for (const issuer of left) {
      if (comparableName(issuer.subject) !== issuerName || !issuer.isCa || !isSignedBy(current, issuer)) continue;
      left.delete(issuer);
      reached.push(issuer);
    }
  }
  return false;
}

/** Parses what a server presents. Leaves out what is no certificate. */
export function parsedChain(ders: readonly Uint8Array[]): readonly Certificate[] {
  return ders.flatMap((der) => {
    try {
      return [parseCertificate(der)];
    } catch {
      return [];
    }
  });
}
