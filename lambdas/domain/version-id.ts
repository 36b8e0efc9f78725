/**
 * Ids of the versions that cert-renewer writes: each says of which version it was made and, where a certificate is declared, which
 * declaration it was issued for. An id and its value are written by one call, so that no crash can part them.
 */
import { hash } from 'node:crypto';
import type { Entropy } from './ports.ts';

/** Every version that cert-renewer writes has an id that starts so. */
export const versionIdPrefix = 'cert-renewer-';

/** The first 8 hex digits of SHA-256 of a version id: what a new version's id says of the version it is based on. */
function mark(versionId: string): string {
  return hash('sha256', versionId, 'hex').slice(0, 8);
}

/**
 * An id for a version that replaces `basedOn`; 54 characters, and 55 where it says what it was issued for (AWS allows 32 to 64).
 * `declaration`: the hash of the declaration that its certificate is issued for, or stays issued for.
 */
export function newVersionId(basedOn: string, entropy: Entropy, declaration?: string): string {
  const made = `${versionIdPrefix}${mark(basedOn)}`;
  if (declaration === undefined) return `${made}-${Buffer.from(entropy(16)).toString('hex')}`;
  return `${made}-${Buffer.from(entropy(12)).toString('hex')}-${declaration.slice(0, declarationDigits)}`;
}

const declarationDigits = 8;

/** Whether cert-renewer made `versionId` to replace `basedOn`. */
export function isBasedOn(versionId: string, basedOn: string): boolean {
  return versionId.startsWith(`${versionIdPrefix}${mark(basedOn)}-`);
}

/** The first digits of the hash of the declaration that this version was issued for; undefined where its id does not tell. */
export function declarationIn(versionId: string): string | undefined {
  return /^cert-renewer-[0-9a-f]{8}-[0-9a-f]{24}-([0-9a-f]{8})$/.exec(versionId)?.[1];
}

/** Whether `noted`, the tag `issued` or what a version's id tells, is of this hash: all of it, or its first digits. */
export function isOfDeclaration(noted: string, hash: string): boolean {
  return noted.length >= declarationDigits && hash.startsWith(noted);
}
