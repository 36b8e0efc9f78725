import type { AuthorityWorld } from '../../authority/load.ts';
import type { AuthoritySource } from '../../domain/ports.ts';
import type { CaTools } from '../kind.ts';

/** For a stack without authorities. It finds no authority, so the error names the missing one. */
const none: AuthoritySource = { names: [], find: async () => undefined };

export const authorityWorld = ({ authorities = none, store, vault }: CaTools): AuthorityWorld => ({
  authorities,
  store,
  vault,
});
