/** An authority of the stack behind the port of all CAs, for its own certificate. */
import { RenewalError } from '../domain/errors.ts';
import type { CaProvider, Entropy } from '../domain/ports.ts';
import { sameBytes } from '../x509/strings.ts';
import { abortable } from './abort.ts';
import { checkAuthority } from './fitness.ts';
import { type AuthorityWorld, loadAuthority } from './load.ts';
import { renewCa } from './renew-ca.ts';

/** Renews the certificate of the authority `name`, and no other. The key stays: rekey throws InvalidRequest. */
export function authorityProvider(world: AuthorityWorld & { readonly entropy: Entropy }, name: string): CaProvider {
  const { entropy } = world;
  return {
    renew: (current, options) =>
      abortable(options.signal, () => renewCa(world, name, current, { ...options, entropy })),
    rekey: async () => {
      throw keepsItsKey();
    },
    checkFitness: async (_, operation, options) => {
      if (operation === 'rekey') throw keepsItsKey();
      // Not before it is due: one whose parent is held elsewhere is renewed there, and does not fail.
      if (options.lasting) return;
      await checkAuthority(world, name, options);
    },
    roots: () => rootsOf(world, name),
    answers: async () => {
      await (await loadAuthority(world, name)).signer();
    },
  };
}

const keepsItsKey = () =>
  new RenewalError(
    'InvalidRequest',
    'An authority keeps its key, so that what it issued stays valid: only renew is possible.',
  );

/**
 * For a root the certificate itself: its successor has the same name and key, and so is trusted by it. For any other the
 * root of today's certificate and that of the parent, which differ once the parent has another key.
 */
async function rootsOf(world: AuthorityWorld, name: string): Promise<readonly Uint8Array[]> {
  const { root, isRoot, authority } = await loadAuthority(world, name);
  if (isRoot || authority.parent === undefined) return [root.der];
  const parent = await loadAuthority(world, authority.parent);
  return sameBytes(parent.root.der, root.der) ? [root.der] : [root.der, parent.root.der];
}
