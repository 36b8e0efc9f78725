/** Checks that the renew function can reach a profile's CA, for `cert-renewer doctor`. Renews nothing. */
import { RenewalError } from '../../domain/errors.ts';
import type { Profile } from '../../domain/profile.ts';
import { authorityProfile, authorityProfileName } from '../../policy/authority-profile.ts';
import type { RenewalWorld } from '../world.ts';

export interface CaAnswer {
  readonly profile: string;
  readonly ca: string;
  readonly durationMs: number;
}

export type AskingWorld = Pick<RenewalWorld, 'profiles' | 'authorities' | 'providerFor' | 'clock'>;

/**
 * Contacts the CA of a profile. For step-ca it calls the health check by TLS with the profile's root, for infisical it logs in. For
 * an authority it reads the certificate and looks up the key. Throws UnknownProfile, CaUnavailable, CaRejected, CaUntrusted,
 * KmsDenied …
 */
export async function askCa(world: AskingWorld, name: string): Promise<CaAnswer> {
  const profile = await profileNamed(world, name);
  if (!profile)
    throw new RenewalError(
      'UnknownProfile',
      `This stack has no profile ${name}: correct the name, or deploy the profile.`,
    );
  const started = world.clock.now();
  const provider = await world.providerFor(profile);
  await provider.answers?.();
  return { profile: name, ca: provider.type, durationMs: world.clock.now() - started };
}

/** Returns a profile, or the one of an authority by its name `authority:<name>`; undefined if the stack has neither. */
export async function profileNamed(
  { profiles, authorities }: Pick<AskingWorld, 'profiles' | 'authorities'>,
  name: string,
): Promise<Profile | undefined> {
  const own = authorities?.names.find((each) => authorityProfileName(each) === name);
  if (own === undefined) return profiles.find(name);
  const authority = await authorities?.find(own);
  return authority && authorityProfile(authority);
}
