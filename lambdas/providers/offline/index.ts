/** A CA without a server: an authority of the stack signs here, by the rules that step-ca follows. */
import { abortable } from '../../authority/abort.ts';
import { checkLeaf } from '../../authority/fitness.ts';
import { type AuthorityWorld, type LoadedAuthority, loadAuthority } from '../../authority/load.ts';
import { signLeaf } from '../../authority/sign-leaf.ts';
import type { CaProvider, Entropy } from '../../domain/ports.ts';

export interface OfflineOptions extends AuthorityWorld {
  /** The authority's name. */
  readonly authority: string;
  /** For serial numbers. */
  readonly entropy: Entropy;
}

/**
 * Renews and rekeys leaves that the authority signed before, and nothing else. It takes any leaf, with or without
 * clientAuth, and a key in KMS may be followed by another one there.
 */
export function offlineProvider(options: OfflineOptions): CaProvider {
  const { authority, entropy } = options;
  let inFlight: Promise<LoadedAuthority> | undefined;
  /** Ten certificates side by side share one look at the authority; a later one looks again, for it may have been renewed. */
  const load = (): Promise<LoadedAuthority> => {
    inFlight ??= loadAuthority(options, authority).finally(() => {
      inFlight = undefined;
    });
    return inFlight;
  };
  return {
    renew: (current, rest) =>
      abortable(rest.signal, async () => signLeaf(await load(), current, undefined, { ...rest, entropy })),
    rekey: (current, newKey, rest) =>
      abortable(rest.signal, async () => signLeaf(await load(), current, newKey, { ...rest, entropy })),
    checkFitness: async (current, _, rest) => checkLeaf(await load(), current, { ...rest, entropy }),
    roots: async () => [(await load()).root.der],
    answers: async () => {
      await (await load()).signer();
    },
  };
}
