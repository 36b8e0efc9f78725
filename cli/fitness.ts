/** Checks with the rules of the worker whether it could renew a pair, before the pair is in a secret. */
import { noLimits } from '../lambdas/domain/calls.ts';
import type { Certificate } from '../lambdas/domain/certificate.ts';
import { RenewalError } from '../lambdas/domain/errors.ts';
import type { AccountBindings, Entropy, TxtZones } from '../lambdas/domain/ports.ts';
import type { Profile } from '../lambdas/domain/profile.ts';
import { readTagSettings, resolveSettings } from '../lambdas/policy/settings.ts';
import { openCa } from '../lambdas/providers/index.ts';
import { checkLasting } from '../lambdas/renewal/fitness.ts';
import type { Pair } from '../lambdas/renewal/pair.ts';
import { parseCertificate } from '../lambdas/x509/certificate.ts';
import { noKeyVault } from './pair.ts';
import type { Session } from './session.ts';

/** A check on public data needs neither TXT records nor a binding. */
const unused: TxtZones & AccountBindings = {
  add: notHere,
  remove: notHere,
  isInSync: notHere,
  find: notHere,
};

async function notHere(): Promise<never> {
  throw new RenewalError('Internal', 'A check places no order.');
}

/** A pair, with the profile and the tags to enrol it with. */
export interface Candidate {
  readonly pair: Pair;
  readonly profile: Profile;
  readonly tags: Readonly<Record<string, string>>;
}

export interface Fitness {
  /** The roots that the profile trusts. Undefined if the caller may not read them. */
  readonly roots: readonly Certificate[] | undefined;
  /** A sentence about a check that was not possible. */
  readonly unchecked?: string;
}

/**
 * Checks the pair. The certificate of an authority is in a secret that the caller may not be allowed to read; then a part is left out.
 *
 * Throws the permanent errors of a renewal: CaUntrusted, CaRejected, InvalidRequest, InvalidTag …
 */
export async function checkFitness(
  { clock, store, deployment }: Session,
  entropy: Entropy,
  { pair, profile, tags }: Candidate,
): Promise<Fitness> {
  const { authorities } = await deployment();
  const opened = await openCa(profile.ca);
  const tools = { store, vault: noKeyVault, zones: unused, bindings: unused, authorities };
  const provider = opened({ ...tools, policy: noLimits, clock, entropy });
  const settings = resolveSettings(undefined, readTagSettings(new Map(Object.entries(tags))), profile);
  try {
    const roots = await provider.roots(pair); // without a configured root, the chain must lead to one
    await checkLasting({ ...pair, provider }, settings, clock.now());
    return { roots: roots.map(parseCertificate) };
  } catch (thrown) {
    const isHidden = thrown instanceof RenewalError && (thrown.code === 'AccessDenied' || thrown.code === 'KmsDenied');
    if (!isHidden) throw thrown;
    const unchecked = `cert-renewer did not check whether profile ${profile.name} can renew it, because you may not read the certificate of its authority. cert-renewer status shows it after the next scan.`;
    return { roots: undefined, unchecked };
  }
}
