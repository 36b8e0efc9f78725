import type { AuthorityWorld } from '../../authority/load.ts';
import type { AuthoritySource } from '../../domain/ports.ts';
import type { CaTools } from '../kind.ts';

/** A stack that has no authority of its own finds none, and says so by the name that it looked for. */
const none: AuthoritySource = { names: [], find: async () => undefined };

export const authorityWorld = ({ authorities = none, store, vault }: CaTools): AuthorityWorld => ({
  authorities,
  store,
  vault,
});
