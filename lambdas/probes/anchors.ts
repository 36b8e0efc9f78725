/** Finds where a chain of a profile's CA ends, from the deployed configuration alone: the probe may read no secret. */
import type { AuthoritySource } from '../domain/ports.ts';
import type { CaReference } from '../domain/profile.ts';
import { systemRoots } from '../net/https.ts';
import { needsOf, rootOf, trustsSystem } from '../providers/index.ts';
import { rootsOf } from '../providers/roots.ts';
import { parseIssuer } from '../x509/certificate.ts';
import { parseName } from '../x509/name-text.ts';
import type { Anchors } from './chain.ts';

/**
 * Returns the roots of the profile, or the name of the root authority. Undefined if only a secret has it: an imported authority, or a CA
 * without a configured root. Throws the errors of reading an authority's configuration.
 */
export async function anchorsOf(
  ca: CaReference,
  authorities: AuthoritySource | undefined,
): Promise<Anchors | undefined> {
  const root = rootOf(ca);
  if (root !== undefined) return { kind: 'certificates', roots: rootsOf(root).certificates.map(parseIssuer) };
  if (trustsSystem(ca)) {
    return { kind: 'certificates', roots: rootsOf(systemRoots.join('\n')).certificates.map(parseIssuer) };
  }
  let authority = await authorities?.find(needsOf(ca).authority ?? '');
  // A configuration of authorities has no circle (cdk/config/authority-config.ts).
  while (authority?.parent !== undefined) authority = await authorities?.find(authority.parent);
  const subject = authority?.create?.subject;
  return subject === undefined
    ? undefined
    : { kind: 'name', subject: parseName(subject, 'the subject of the root authority') };
}
