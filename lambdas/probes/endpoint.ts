/**
 * Probes one endpoint: every address of its name. An address is judged by the configured `allow` after the name was resolved, and the connection goes
 * to that address, so that a name can't lead elsewhere in between.
 */
import type { ProbeTerms } from '../domain/profile.ts';
import type {
  Endpoint,
  Handshake,
  HandshakeProblem,
  HandshakeTarget,
  KeyType,
  ProbeNetwork,
} from '../domain/serving.ts';
import { addressProblem, endpointProblem } from '../policy/endpoints.ts';

/** What one address of an endpoint presents. */
export interface Presented {
  /** Undefined if there was no connection. */
  readonly address: string | undefined;
  readonly outcome: Handshake | NotProbed;
}

export interface NotProbed {
  readonly ok: false;
  readonly problem: 'notAllowed' | 'unresolved' | 'tooMany';
  /** The reason, the code of the resolver, or the number of addresses. */
  readonly code: string;
}

/** The certificate that the server is asked for. */
export interface Wished {
  readonly keyType: KeyType | undefined;
}

/** Addresses of a name that are probed at most. */
export const mostAddresses = 32;

/** Returns one result for each address, in the order of the resolver. Never throws. */
export async function probeEndpoint(
  network: ProbeNetwork,
  endpoint: Endpoint,
  terms: ProbeTerms,
  wished: Wished,
): Promise<readonly Presented[]> {
  const problem = endpointProblem(endpoint, terms);
  if (problem !== undefined) return [notProbed('notAllowed', problem)];
  const found = endpoint.isAddress ? ownAddress(endpoint) : await network.resolve(endpoint.host);
  if (!found.ok) return [notProbed('unresolved', found.code)];
  const addresses = [...new Set(found.addresses)];
  if (addresses.length === 0) return [notProbed('unresolved', 'no address')];
  const presented = await Promise.all(
    addresses.slice(0, mostAddresses).map((address) => probeAddress(network, endpoint, address, { terms, wished })),
  );
  const more = addresses.length - mostAddresses;
  return more > 0 ? [...presented, notProbed('tooMany', String(more))] : presented;
}

const ownAddress = ({ host }: Endpoint) => ({ ok: true, addresses: [host] }) as const;

const notProbed = (problem: NotProbed['problem'], code: string): Presented => ({
  address: undefined,
  outcome: { ok: false, problem, code },
});

async function probeAddress(
  network: ProbeNetwork,
  { isAddress, port, serverName }: Endpoint,
  address: string,
  { terms, wished }: { readonly terms: ProbeTerms; readonly wished: Wished },
): Promise<Presented> {
  const denied = addressProblem(address, { allow: terms.allow, isNamed: !isAddress });
  if (denied !== undefined) return notProbed('notAllowed', denied); // the reason names the address
  return { address, outcome: await handshake(network, { address, port, serverName }, wished) };
}

/**
 * Asks for a certificate with this type of key, because a server may have one of each. A server without one refuses that. Then it is
 * asked for a certificate of any type.
 */
async function handshake(network: ProbeNetwork, target: HandshakeTarget, { keyType }: Wished): Promise<Handshake> {
  const asked = await network.handshake({ ...target, keyType });
  if (keyType === undefined || asked.ok || !refusals.has(asked.problem)) return asked;
  return network.handshake(target);
}

const refusals: ReadonlySet<HandshakeProblem> = new Set(['alert', 'closed', 'failed']);
