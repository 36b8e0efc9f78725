/** A CA without a server: an authority of the stack signs in the worker, by the rules of step-ca. */
import { checkLeaf } from '../../authority/fitness.ts';
import { issueLeaf } from '../../authority/issue-leaf.ts';
import { type LoadedAuthority, loadAuthority } from '../../authority/load.ts';
import { signLeaf } from '../../authority/sign-leaf.ts';
import { call } from '../../domain/calls.ts';
import { authorityWorld } from '../authority/world.ts';
import type { CaCalls } from '../kind.ts';
import { askedFor, newKeyOf, refuseReceipt } from '../request.ts';

/**
 * Issues declared certificates, and renews and rekeys leaves that the authority signed before. It accepts any leaf, with or without
 * clientAuth. A key in KMS may be rekeyed to another one in KMS.
 */
export function openOffline({ authority }: { readonly authority: string }): CaCalls {
  return (tools) => {
    const { policy, clock, entropy } = tools;
    const world = authorityWorld(tools);
    let inFlight: Promise<LoadedAuthority> | undefined;
    /** Concurrent certificates load the authority once. A later one loads it again, because the authority may have been renewed. */
    const load = (): Promise<LoadedAuthority> => {
      inFlight ??= loadAuthority(world, authority).finally(() => {
        inFlight = undefined;
      });
      return inFlight;
    };
    return {
      ask: (request) =>
        call(policy, 'ask', async () => {
          refuseReceipt(request);
          const asked = askedFor(request);
          const options = { now: clock.now(), entropy, end: request.wanted.end };
          const issued =
            asked.kind === 'issue'
              ? await issueLeaf(await load(), asked.content, asked.key, options)
              : await signLeaf(await load(), asked.current, newKeyOf(asked), options);
          return { kind: 'issued', ...issued };
        }),
      checkFitness: async (current, _, options) => checkLeaf(await load(), current, { ...options, entropy }),
      roots: async () => [(await load()).root.der],
      answers: () =>
        call(policy, 'reach', async () => {
          await (await load()).signer();
        }),
    };
  };
}
