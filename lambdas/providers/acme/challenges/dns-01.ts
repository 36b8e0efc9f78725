/** The challenge dns-01 (RFC 8555 section 8.4): a TXT record per name and order, in hosted zones of Route 53. */
import { createHash } from 'node:crypto';
import { RenewalError } from '../../../domain/errors.ts';
import { quote } from '../../../domain/quote.ts';
import { jwkThumbprint } from '../../jws.ts';
import { notAcme } from '../fields.ts';
import type { Text } from '../receipt.ts';
import { offered } from './offered.ts';
import type { ChallengeWay } from './way.ts';

const type = 'dns-01';

/** `zones`: ids of hosted zones by domain. */
export function dns01(zones: Readonly<Record<string, string>>): ChallengeWay {
  const domains = Object.entries(zones)
    .map(([domain, id]) => [domain.toLowerCase().replace(/\.$/, ''), id] as const)
    .sort(([a], [b]) => b.length - a.length);
  const isIn = (domain: string, zone: string) => domain === zone || domain.endsWith(`.${zone}`);
  const zoneOf = (domain: string) => domains.find(([zone]) => isIn(domain, zone))?.[1];
  const zoneFor = (domain: string): string => {
    const id = zoneOf(domain);
    if (id !== undefined) return id;
    const known = domains.map(([zone]) => zone).join(', ');
    throw new RenewalError(
      'IssuanceNotAllowed',
      `No zone of the profile has the name ${quote(domain)}: the challenge dns-01 has the zones ${quote(known)}. Add the name's zone there, or correct the declaration.`,
    );
  };
  return {
    checkNames: (names) => {
      for (const name of names) {
        if (name.startsWith('dns:')) zoneFor(domainOf(name));
        else {
          const found = quote(name);
          throw new RenewalError(
            'IssuanceNotAllowed',
            `The challenge dns-01 validates DNS names only (RFC 8738 section 7), not ${found}: correct the declaration.`,
          );
        }
      }
    },
    choose: (authorization) => offered(authorization, type),
    textsFor: (chosen, account) => {
      const thumbprint = jwkThumbprint(account.spki);
      const texts = new Map<string, Text[]>();
      for (const { authorization, challenge } of chosen) {
        const { value: domain } = authorization;
        if (challenge.token === undefined) throw notAcme('a challenge dns-01 has no token', challenge.url.host);
        const value = createHash('sha256').update(`${challenge.token}.${thumbprint}`).digest('base64url');
        const zone = zoneFor(domain);
        texts.set(zone, [...(texts.get(zone) ?? []), [domain, value]]);
      }
      return texts;
    },
    mayHold: (zone, domain) => domains.some(([suffix, id]) => id === zone && isIn(domain, suffix)),
    adviceFor: ({ value }) =>
      `Check that the zone in the profile is the one that the world sees for _acme-challenge.${value}.`,
  };
}

/** Returns the domain of a declared name: an apex and its wildcard share one. */
export const domainOf = (name: string): string => name.slice('dns:'.length).replace(/^\*\./, '').toLowerCase();
