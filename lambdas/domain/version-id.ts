/**
 * Ids of the versions that cert-renewer writes. An id contains a hash of the replaced version's id and, for a declared certificate,
 * of the declaration. One call writes id and value, so a crash can't separate them.
 */
import { hash } from 'node:crypto';
import type { Entropy } from './ports.ts';

/** The prefix of the ids of all versions that cert-renewer writes. */
export const versionIdPrefix = 'cert-renewer-';

/** Returns the first 8 hex digits of SHA-256 of a version id. A new version's id contains them for the version it is based on. */
export function markOf(versionId: string): string {
  return hash('sha256', versionId, 'hex').slice(0, 8);
}

/**
 * Returns an id for a version that replaces `basedOn`: 54 characters, or 55 with a declaration (AWS allows 32 to 64). `declaration`
 * is the hash of the declaration that its certificate was issued for.
 */
export function newVersionId(basedOn: string, entropy: Entropy, declaration?: string): string {
  const made = `${versionIdPrefix}${markOf(basedOn)}`;
  if (declaration === undefined) return `${made}-${Buffer.from(entropy(16)).toString('hex')}`;
  return `${made}-${Buffer.from(entropy(12)).toString('hex')}-${declaration.slice(0, declarationDigits)}`;
}

/** The digits of a declaration's hash in an id. */
export const declarationDigits = 8;

/** Returns whether the id says that cert-renewer wrote this version to replace `basedOn`. */
export function isBasedOn(versionId: string, basedOn: string): boolean {
  return versionId.startsWith(`${versionIdPrefix}${markOf(basedOn)}-`);
}

/** Returns the first digits of the hash of the declaration that this version was issued for. Undefined if its id has none. */
export function declarationIn(versionId: string): string | undefined {
  return /^cert-renewer-[0-9a-f]{8}-[0-9a-f]{24}-([0-9a-f]{8})$/.exec(versionId)?.[1];
}

/** Returns whether `noted` (the tag `issued`, or digits in a version's id) is this hash or its first digits. */
export function isOfDeclaration(noted: string, hash: string): boolean {
  return noted.length >= declarationDigits && hash.startsWith(noted);
}
