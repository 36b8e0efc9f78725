/** The provider that renews the certificate of an authority of the stack. */
import { checkAuthority } from '../../authority/fitness.ts';
import { type AuthorityWorld, loadAuthority } from '../../authority/load.ts';
import { renewCa } from '../../authority/renew-ca.ts';
import { sameBytes } from '../../domain/bytes.ts';
import { call } from '../../domain/calls.ts';
import { RenewalError } from '../../domain/errors.ts';
import type { CaCalls } from '../kind.ts';
import { askedFor, issuesNothing, refuseReceipt } from '../request.ts';
import { authorityWorld } from './world.ts';

/** Renews only the certificate of the authority with this name. The key stays: a rekey fails with InvalidRequest. */
export function openAuthority({ authority: name }: { readonly authority: string }): CaCalls {
  return (tools) => {
    const { policy, clock, entropy } = tools;
    const world = authorityWorld(tools);
    return {
      ask: (request) =>
        call(policy, 'ask', async () => {
          refuseReceipt(request);
          const asked = askedFor(request);
          if (asked.kind === 'issue') throw issuesNothing('it renews only the certificate of an authority');
          if (asked.kind === 'rekey') throw keepsItsKey();
          const { end, notAfter } = request.wanted;
          const options = { now: clock.now(), entropy, end, notAfter };
          return { kind: 'issued', ...(await renewCa(world, name, asked.current, options)) };
        }),
      checkFitness: async (_, operation, options) => {
        if (operation === 'rekey') throw keepsItsKey();
        // Checked only when it is due: a certificate that a CA outside of the stack issued is renewed there, and must not fail before.
        if (options.lasting) return;
        await checkAuthority(world, name, options);
      },
      roots: () => rootsOf(world, name),
      answers: () =>
        call(policy, 'reach', async () => {
          await (await loadAuthority(world, name)).signer();
        }),
    };
  };
}

const keepsItsKey = () =>
  new RenewalError(
    'InvalidRequest',
    'An authority keeps its key, so that its certificates stay valid: use the mode renew.',
  );

/**
 * Returns the trusted roots. For a root, the certificate itself: its successor has the same name and key. For any other, the root of the
 * current certificate and that of the parent, which differ after the parent got another key.
 */
async function rootsOf(world: AuthorityWorld, name: string): Promise<readonly Uint8Array[]> {
  const { root, isRoot, authority } = await loadAuthority(world, name);
  if (isRoot || authority.parent === undefined) return [root.der];
  const parent = await loadAuthority(world, authority.parent);
  return sameBytes(parent.root.der, root.der) ? [root.der] : [root.der, parent.root.der];
}
