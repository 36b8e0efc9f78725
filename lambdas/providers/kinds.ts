/** The kinds of CAs. A new kind is a folder and a line here. */
import { acme } from './acme/kind.ts';
import { authority } from './authority/kind.ts';
import { infisical } from './infisical/kind.ts';
import type { CaKind } from './kind.ts';
import { offline } from './offline/kind.ts';
import { stepCa } from './step-ca/kind.ts';

/** The kinds that a configuration may name, in the order of the schema. */
export const configurable = [stepCa, offline, infisical, acme] as const;

/** All kinds, with the one for the certificates of the stack's authorities. */
export const kinds: readonly CaKind[] = [...configurable, authority];
