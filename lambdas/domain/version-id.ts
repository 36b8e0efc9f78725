/** Ids of the versions that cert-renewer writes: each says of which version it was made. */
import { hash } from 'node:crypto';
import type { Entropy } from './ports.ts';

/** Every version that cert-renewer writes has an id that starts so. */
export const versionIdPrefix = 'cert-renewer-';

/** The first 8 hex digits of SHA-256 of a version id: what a new version's id says of the version it is based on. */
function mark(versionId: string): string {
  return hash('sha256', versionId, 'hex').slice(0, 8);
}

/** An id for a version that replaces `basedOn`; 54 characters (AWS allows 32 to 64). */
export function newVersionId(basedOn: string, entropy: Entropy): string {
  return `${versionIdPrefix}${mark(basedOn)}-${Buffer.from(entropy(16)).toString('hex')}`;
}

/** Whether cert-renewer made `versionId` to replace `basedOn`. */
export function isBasedOn(versionId: string, basedOn: string): boolean {
  return versionId.startsWith(`${versionIdPrefix}${mark(basedOn)}-`);
}
