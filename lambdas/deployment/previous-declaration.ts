/** The secret's settings from its previous declaration. */
import { type CertificateEntry, entryTags } from '../policy/certificate-entry.ts';

export interface PreviousDeclaration {
  readonly profile?: string | undefined;
  /** Tags to remove, unless they are declared again. */
  readonly tags: readonly string[];
  readonly encryptionKey?: string | undefined;
}

export const previousOf = (entry: CertificateEntry): PreviousDeclaration => ({
  profile: entry.profile,
  tags: Object.keys(entryTags(entry)),
  encryptionKey: entry.encryptionKey,
});
