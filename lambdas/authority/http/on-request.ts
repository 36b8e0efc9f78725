/** Implements the port: checks the rules, renews like any certificate, and returns the result. */
import type { Authority } from '../../domain/authority.ts';
import { RenewalError } from '../../domain/errors.ts';
import type { Instant } from '../../domain/instant.ts';
import type { Clock } from '../../domain/ports.ts';
import type { RenewalResult } from '../../domain/result.ts';
import { isPlaceholder } from '../../secret/placeholder.ts';
import { parseCertificate } from '../../x509/certificate.ts';
import { type AuthorityWorld, findAuthority, loadAuthority, readAuthoritySecret } from '../load.ts';
import type { CaRenewal, RenewedCa } from './port.ts';
import { CaRenewalRefused } from './port.ts';
import { type CaFacts, type CaParent, checkRequestedEnd } from './rules.ts';

export interface OnRequestWorld extends AuthorityWorld {
  readonly clock: Pick<Clock, 'now'>;
  /** Renews a secret's certificate up to an end, due or not (renewal/entry/with-end.ts). */
  readonly renew: (job: { readonly secretId: string; readonly notAfter: Instant }) => Promise<RenewalResult>;
}

export function renewalOnRequest(world: OnRequestWorld): CaRenewal {
  return {
    names: world.authorities.names,
    async renewCa(name, notAfter) {
      const authority = await judge(world, name, notAfter);
      const { secretId } = authority;
      const result = await world.renew({ secretId, notAfter }).catch(async (error: unknown) => {
        // Another renewal, or a new configuration, may have come between our check and the renewal's: then a rule gives the reason.
        await judge(world, name, notAfter);
        throw error;
      });
      if (result.outcome === 'renewed' && result.versionId !== null) return written(world, authority, result.versionId);
      throw new RenewalError(
        'SecretChanged',
        `The certificate of authority ${name} was renewed by another call meanwhile.`,
      );
    },
  };
}

/** Checks the rules. Throws CaRenewalRefused. */
async function judge(world: OnRequestWorld, name: string, notAfter: Instant): Promise<Authority> {
  const authority = await findAuthority(world.authorities, name);
  checkRequestedEnd(await factsOf(world, authority), notAfter, world.clock.now());
  return authority;
}

async function factsOf(world: OnRequestWorld, authority: Authority): Promise<CaFacts> {
  const { name, disabled } = authority;
  // The secret of a disabled authority is not read: it would not change the answer.
  if (disabled) return { name, disabled, certificate: undefined, signedBy: 'self' };
  try {
    const { certificate, isRoot } = await loadAuthority(world, name);
    return { name, disabled, certificate, signedBy: isRoot ? 'self' : await parentOf(world, authority) };
  } catch (error) {
    const empty = await withoutCertificate(world, authority);
    if (empty === undefined) throw error;
    throw new CaRenewalRefused('NoCertificate', `The authority ${empty} has no certificate yet.`);
  }
}

async function parentOf(world: OnRequestWorld, { parent: name }: Authority): Promise<CaParent | 'elsewhere'> {
  if (name === undefined) return 'elsewhere';
  const { authority, certificate, issuers } = await loadAuthority(world, name);
  return { name, disabled: authority.disabled, certificate, issuers };
}

const mostParents = 8;

/** Returns the name of the first authority, from this one upwards, whose secret is empty. */
async function withoutCertificate(world: OnRequestWorld, authority: Authority): Promise<string | undefined> {
  let next: Authority | undefined = authority;
  for (let level = 0; next !== undefined && level < mostParents; level++) {
    if (await isEmpty(world, next)) return next.name;
    next = next.parent === undefined ? undefined : await world.authorities.find(next.parent);
  }
  return undefined;
}

async function isEmpty({ store }: OnRequestWorld, { secretId }: Authority): Promise<boolean> {
  try {
    return isPlaceholder((await store.read(secretId)).value);
  } catch (error) {
    if (error instanceof RenewalError && error.code === 'SecretNotFound') return true; // no version at all
    throw error;
  }
}

/** Returns the version that this renewal wrote, which may not be the current one any more. */
async function written(world: OnRequestWorld, authority: Authority, versionId: string): Promise<RenewedCa> {
  const { value } = await world.store.read(authority.secretId, versionId);
  const { leaf } = await readAuthoritySecret(world.store, authority, value);
  const { issuers } = await loadAuthority(world, authority.name);
  return { certificate: parseCertificate(leaf), parents: issuers };
}
