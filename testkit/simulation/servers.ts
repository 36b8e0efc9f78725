/** The servers of an episode: what each address presents at a time. They load the certificate of their secret late, or when told. */
import { tags } from '../../lambdas/domain/tags.ts';
import type { SecretRecord } from './ledger.ts';
import { start } from './plan.ts';
import { hostileHost, hostOf, type ServerPlan, type ServingPlan } from './serving-plan.ts';

const hostileAddresses = ['169.254.169.254', '127.0.0.1', 'fe80::1', '0.0.0.0'];

/** What one address presents. `since`: from when on. Undefined `leaf`: it does not answer, or has no certificate. */
export interface Presented {
  readonly leaf: Buffer | undefined;
  readonly since: number;
}

export class Servers {
  readonly #plan: ServingPlan;

  constructor(plan: ServingPlan) {
    this.#plan = plan;
  }

  get secrets(): readonly string[] {
    return [...new Set(this.#plan.servers.map(({ secret }) => secret))];
  }

  at(address: string): ServerPlan | undefined {
    return this.#plan.servers.find((server) => server.address === address);
  }

  addressesOf(host: string): readonly string[] {
    if (host === hostileHost) return hostileAddresses;
    return this.#plan.servers.filter(({ secret }) => hostOf(secret) === host).map(({ address }) => address);
  }

  /** The addresses of the tag's endpoints. */
  addressesIn(found: Readonly<Record<string, string>>): readonly string[] {
    return (found[tags.endpoints] ?? '').split(' ').flatMap((text) => {
      const host = text.slice(0, text.lastIndexOf(':'));
      return this.at(host) ? [host] : this.addressesOf(host);
    });
  }
}

/** Returns what a server presents at a time: the last pair that was current when it loaded its files the last time. */
export function presented(server: ServerPlan | undefined, record: SecretRecord, now: number): Presented {
  if (server === undefined) return { leaf: undefined, since: start };
  const down = server.down.find(({ at, until }) => start + at <= now && now < start + until);
  if (down) return { leaf: undefined, since: start + down.at };
  const { reloadsAfter, reloads } = server;
  const first = record.currents[0]?.at ?? start;
  const loads = [
    first,
    ...server.relapses.map((at) => start + at),
    ...reloads.map((at) => start + at),
    ...server.down.map(({ until }) => start + until),
    ...(reloadsAfter === undefined ? [] : record.currents.map(({ at }) => at + reloadsAfter)),
  ].filter((at) => at <= now);
  loads.sort((a, b) => a - b);
  let last: Presented = { leaf: undefined, since: start };
  for (const at of loads) {
    const isRelapse = server.relapses.some((each) => start + each === at);
    const leaf = loadedAt(record, isRelapse ? first : at);
    const wasDown = server.down.some(({ until }) => start + until === at);
    if (wasDown || leaf === undefined || !last.leaf?.equals(leaf)) last = { leaf, since: at };
  }
  return last;
}

/** A server keeps its certificate if it finds none. */
function loadedAt(record: SecretRecord, at: number): Buffer | undefined {
  for (const each of record.currents.filter((current) => current.at <= at).reverse()) {
    const content = record.contents.get(each.versionId);
    if (content?.kind === 'pair') return content.leaf.raw;
  }
  return undefined;
}
