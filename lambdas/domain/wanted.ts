/**
 * What the next certificate is to be. The plan makes it, the CA is asked for it, and the proof judges by it: a copy of what is there
 * and a declaration are two contents of one noun.
 */
import type { Certificate } from './certificate.ts';
import type { Instant } from './instant.ts';
import type { KeySpec } from './key-spec.ts';
import type { Mode } from './profile.ts';
import type { Signer } from './signer.ts';

export interface Wanted {
  /** Names, usages and every other extension. */
  readonly content: WantedContent;
  readonly key: WantedKey;
  /** When it ends: an instant that was asked for by name (whole seconds); undefined: as long from its start as before. */
  readonly notAfter?: Instant;
  /** The path that it stands on ends later than this; where `orEqual`, it may end at the same instant. */
  readonly end: { readonly laterThan: Instant; readonly orEqual: boolean };
}

/** As it is: a copy of the leaf, whose chain says which of its usages count today. */
export interface WantedContent {
  readonly kind: 'as it is';
  readonly leaf: Certificate;
  readonly chain: readonly Certificate[];
}

/** `same` stays, wherever it is; `new` is to be made; `given` was brought by the caller and is checked. */
export type WantedKey =
  | { readonly kind: 'same' }
  | { readonly kind: 'new'; readonly spec: KeySpec }
  | { readonly kind: 'given'; readonly signer: Signer };

/** What that makes of the certificate that is there. */
export function operationOf({ key }: Pick<Wanted, 'key'>): Mode {
  return key.kind === 'same' ? 'renew' : 'rekey';
}
