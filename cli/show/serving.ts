/** The endpoints of a certificate, and what the probe has noted about them. Pure. */
import { hasRoomFor, tags } from '../../lambdas/domain/tags.ts';
import { servingText } from '../../lambdas/inventory/words.ts';
import { fingerprintOf } from '../../lambdas/policy/served.ts';
import type { Facts } from './facts.ts';
import type { Group } from './layout.ts';

/** Returns nothing for a secret without endpoints. */
export function endpoints({ secret, row, now, probes }: Facts): Group {
  const places = secret.tags.get(tags.endpoints);
  if (places === undefined) return [];
  const texts = places.split(' ').filter((text) => text !== '');
  const served = row.serving ? servingText(row.serving, now) : `not known: ${whyNot({ secret, row, probes })}`;
  const style = row.states.includes('not served') ? 'red' : undefined;
  return [
    { label: 'Endpoints', values: texts.map((text) => ({ text })) },
    { label: 'Served', values: [{ text: served, style }] },
  ];
}

/** Says why nothing is noted. */
function whyNot({ secret, row, probes }: Pick<Facts, 'secret' | 'row' | 'probes'>): string {
  const { code } = row.reason;
  if (code === 'InvalidTag' || code === 'UnknownProfile') return `nothing is probed before ${code} is corrected`;
  if (!probes) return 'the stack probes nothing, because its configuration has no "probe"';
  if (fingerprintOf(secret) === undefined) return 'after the next scan, a worker notes the fingerprint for the probe';
  if (!hasRoomFor(secret.tags, tags.served)) {
    return `the secret has no room for the tag ${tags.served}. cert-renewer probe shows what is served`;
  }
  return 'it was not probed yet';
}
