/** Whether the worker could renew a pair one day, judged by its own rules before the pair is anywhere. */
import { noLimits } from '../lambdas/domain/calls.ts';
import { RenewalError } from '../lambdas/domain/errors.ts';
import type { Entropy } from '../lambdas/domain/ports.ts';
import type { Profile } from '../lambdas/domain/profile.ts';
import { readTagSettings, resolveSettings } from '../lambdas/policy/settings.ts';
import { openCa } from '../lambdas/providers/index.ts';
import { checkLasting } from '../lambdas/renewal/fitness.ts';
import type { Pair } from '../lambdas/renewal/pair.ts';
import { noKeyVault } from './pair.ts';
import type { Session } from './session.ts';

/** The pair, and where and how it is to be enrolled. */
export interface Candidate {
  readonly pair: Pair;
  readonly profile: Profile;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * Gives what could not be judged, as a sentence; undefined where all was. The certificate of an authority of the stack is in a
 * secret, which not everybody who imports may read.
 *
 * Throws what a renewal would throw for good: CaUntrusted, CaRejected, InvalidRequest, InvalidTag …
 */
export async function checkFitness(
  { clock, store, deployment }: Session,
  entropy: Entropy,
  { pair, profile, tags }: Candidate,
): Promise<string | undefined> {
  const { authorities } = await deployment();
  const opened = await openCa(profile.ca);
  const provider = opened({ policy: noLimits, clock, entropy, store, vault: noKeyVault, authorities });
  const settings = resolveSettings(undefined, readTagSettings(new Map(Object.entries(tags))), profile);
  try {
    await provider.roots(pair); // where none is configured, the chain has to lead to one
    await checkLasting({ ...pair, provider }, settings, clock.now());
    return undefined;
  } catch (thrown) {
    const isHidden = thrown instanceof RenewalError && (thrown.code === 'AccessDenied' || thrown.code === 'KmsDenied');
    if (!isHidden) throw thrown;
    return `whether profile ${profile.name} can renew it was not judged, as you may not read the certificate of its authority: cert-renewer status says so after the next scan.`;
  }
}
