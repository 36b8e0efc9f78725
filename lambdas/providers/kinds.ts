/** The list of CAs: a new one is a folder, and a line here. */
import { authority } from './authority/kind.ts';
import { infisical } from './infisical/kind.ts';
import type { CaKind } from './kind.ts';
import { offline } from './offline/kind.ts';
import { stepCa } from './step-ca/kind.ts';

/** Those that a configuration may name, in the order of its schema. */
export const configurable = [stepCa, offline, infisical] as const;

/** An authority's own certificate is renewed by the profile that the stack makes of it. */
export const kinds: readonly CaKind[] = [...configurable, authority];
