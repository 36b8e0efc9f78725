/** Checks with the rules of the worker whether it could renew a pair, before the pair is in a secret. */
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

/** A pair, with the profile and the tags to enrol it with. */
export interface Candidate {
  readonly pair: Pair;
  readonly profile: Profile;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * Returns undefined if all was checked, else a sentence about the missing check: the certificate of an authority is in a secret that
 * the caller may not be allowed to read.
 *
 * Throws the permanent errors of a renewal: CaUntrusted, CaRejected, InvalidRequest, InvalidTag …
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
    await provider.roots(pair); // without a configured root, the chain must lead to one
    await checkLasting({ ...pair, provider }, settings, clock.now());
    return undefined;
  } catch (thrown) {
    const isHidden = thrown instanceof RenewalError && (thrown.code === 'AccessDenied' || thrown.code === 'KmsDenied');
    if (!isHidden) throw thrown;
    return `cert-renewer did not check whether profile ${profile.name} can renew it, because you may not read the certificate of its authority. cert-renewer status shows it after the next scan.`;
  }
}
