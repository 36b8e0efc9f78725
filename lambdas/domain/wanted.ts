/**
 * What the next certificate is to be. The plan makes it, the CA is asked for it, and the proof judges by it: a copy of what is there
 * and a declaration are two contents of one noun.
 */
import type { Certificate } from './certificate.ts';
import type { Declaration } from './declaration.ts';
import type { Instant } from './instant.ts';
import type { KeySpec } from './key-spec.ts';
import type { Mode, Operation } from './profile.ts';
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

export type WantedContent = CopiedContent | DeclaredContent;

/** As it is: a copy of the leaf, whose chain says which of its usages count today. */
export interface CopiedContent {
  readonly kind: 'as it is';
  readonly leaf: Certificate;
  readonly chain: readonly Certificate[];
}

/** What a declaration says, and nothing of what is there. */
export interface DeclaredContent extends Pick<Declaration, 'names' | 'subject' | 'usages'> {
  readonly kind: 'declared';
  /** Milliseconds; undefined: as long as the CA has it. */
  readonly duration: number | undefined;
  /** Milliseconds: so long it may last where nobody says a duration, and the CA has its own. */
  readonly maxDuration?: number;
}

/** `same` stays, wherever it is; `new` is to be made; `given` was brought by the caller and is checked. */
export type WantedKey =
  | { readonly kind: 'same' }
  | { readonly kind: 'new'; readonly spec: KeySpec }
  | { readonly kind: 'given'; readonly signer: Signer };

/** What that makes of the certificate that is there. */
export function operationOf({ content, key }: Pick<Wanted, 'content' | 'key'>): Operation {
  return content.kind === 'declared' ? 'issue' : copyingOf({ key });
}

/** Of a copy. */
export function copyingOf({ key }: Pick<Wanted, 'key'>): Mode {
  return key.kind === 'same' ? 'renew' : 'rekey';
}
