/**
 * The specification of the next certificate: a copy of the present one, or the content of a declaration. Step 3 makes it, step 4
 * sends it to the CA, step 5 verifies the answer against it.
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
  /** A requested notAfter, in whole seconds. Undefined: the same duration as before. */
  readonly notAfter?: Instant;
  /** The new chain must end later than this. With `orEqual` it may end at the same instant. */
  readonly end: { readonly laterThan: Instant; readonly orEqual: boolean };
}

export type WantedContent = CopiedContent | DeclaredContent;

/** A copy of the leaf. Its chain determines which of its extended key usages are effective. */
export interface CopiedContent {
  readonly kind: 'as it is';
  readonly leaf: Certificate;
  readonly chain: readonly Certificate[];
}

/** The content of a declaration, independent of the present certificate. */
export interface DeclaredContent extends Pick<Declaration, 'names' | 'subject' | 'usages'> {
  readonly kind: 'declared';
  /** Milliseconds. Undefined: the CA's default. */
  readonly duration: number | undefined;
  /** Milliseconds. The limit when the CA's default duration applies. */
  readonly maxDuration?: number;
  /**
   * The present certificate is as declared and is replaced because of its time or on request, by a CA that copies no certificates. So
   * this is a renewal or a rekey, although the CA is asked for the declared content.
   */
  readonly isRenewal?: true;
}

/**
 * `same`: the present key, in the secret or in KMS. `new`: a key of this type is generated. `given`: the caller's key, already
 * checked.
 */
export type WantedKey =
  | { readonly kind: 'same' }
  | { readonly kind: 'new'; readonly spec: KeySpec }
  | { readonly kind: 'given'; readonly signer: Signer };

/** Returns the operation that produces this certificate, for answers and events. What a CA is asked for depends on the content. */
export function operationOf({ content, key }: Pick<Wanted, 'content' | 'key'>): Operation {
  return content.kind === 'declared' && !content.isRenewal ? 'issue' : copyingOf({ key });
}

/** Returns the operation for a copy or, if `isRenewal`, for the declared content. */
export function copyingOf({ key }: Pick<Wanted, 'key'>): Mode {
  return key.kind === 'same' ? 'renew' : 'rekey';
}
