/**
 * Changes TXT records in hosted zones of Route 53. An account has five requests a second for all of Route 53, so a change first assumes the
 * usual case: no record set is there before, and only ours after. If Route 53 refuses that, the record sets are listed and replaced by a
 * compare-and-swap. https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html
 */
import type { ResourceRecordSet } from '@aws-sdk/client-route-53';
import { type CallPolicy, call } from '../domain/calls.ts';
import { RenewalError } from '../domain/errors.ts';
import type { Clock, TxtZones } from '../domain/ports.ts';
import { type AwsOptions, clientConfig, once } from './clients.ts';
import { awsError, quoteId } from './errors.ts';
import {
  addition,
  batchesOf,
  type Edit,
  groupByName,
  type KnownSets,
  normalName,
  removal,
  type TextsByName,
} from './txt-record-sets.ts';

export interface Route53Options extends AwsOptions {
  readonly clock: Clock;
}

/** Milliseconds between two requests of this process: four a second leave one to others of the account. */
const gap = 250;
/** Refused changes until another writer is said to be in the way. */
const mostRefusals = 5;
const betweenChanges = '+';
const changing = 'ChangeResourceRecordSets';

type Sdk = typeof import('./sdk/route53.ts') & { readonly client: import('@aws-sdk/client-route-53').Route53Client };
type Signal = AbortSignal | undefined;
type Request<Answer> = (sdk: Sdk) => Promise<Answer>;

/** Returns TxtZones for each invocation. All of them share the pace of the process. The client is loaded with the first change. */
export function route53Zones(options: Route53Options): (policy: CallPolicy) => TxtZones {
  const sdk = once(async () => {
    const loaded = await import('./sdk/route53.ts');
    // The SDK would repeat a request outside of the pace.
    return { ...loaded, client: new loaded.Route53Client({ ...clientConfig(options), maxAttempts: 1 }) };
  });
  const paced = pace(options.clock);
  const inTurn = turns();

  /** Makes a request, once more after a failure of the network. */
  async function send<T>(signal: Signal, action: string, resource: string, request: Request<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      await paced();
      unlessOver(signal);
      try {
        return await request(await sdk());
      } catch (thrown) {
        if (action === changing && isRefusal(thrown)) throw thrown;
        const error = awsError(thrown, { service: 'route53', action, resource });
        if (attempt === 2 || error.busy || !error.retryable) throw error;
      }
    }
  }

  const inZone = (zoneId: string) => `hosted zone ${zoneId}`;

  /** Returns the id of the change; undefined if there was nothing to change. */
  async function changeBatch(signal: Signal, zoneId: string, texts: TextsByName, edit: Edit) {
    let known: KnownSets = new Map();
    let refused = '';
    for (let attempt = 1; ; attempt++) {
      const Changes = [...texts].flatMap(([name, values]) => edit(name, values, known));
      if (Changes.length === 0) return undefined;
      try {
        const input = { HostedZoneId: zoneId, ChangeBatch: { Changes } };
        const { ChangeInfo } = await send(signal, changing, inZone(zoneId), (route53) =>
          route53.client.send(new route53.ChangeResourceRecordSetsCommand(input)),
        );
        return ChangeInfo?.Id?.replace('/change/', '');
      } catch (thrown) {
        if (!isRefusal(thrown)) throw thrown;
        const change = JSON.stringify(Changes);
        if (change === refused) throw invalid(zoneId, thrown); // no other writer: the record itself is not allowed
        if (attempt === mostRefusals) throw contended(zoneId, thrown);
        refused = change;
        // Route 53 names the record sets that differ. After a second refusal, all are looked up.
        const named = [...texts.keys()].filter((name) => thrown.message.includes(`'${name}'`));
        const asked = attempt === 1 && named.length > 0 ? named : [...texts.keys()];
        known = await list(signal, zoneId, asked);
      }
    }
  }

  /** Looks up record sets. A page costs as much as one record set, so it may answer for several names. */
  async function list(signal: Signal, zoneId: string, names: readonly string[]): Promise<KnownSets> {
    const known = new Map<string, ResourceRecordSet | undefined>();
    for (const name of names.toSorted((a, b) => compare(orderOf(a), orderOf(b)))) {
      if (known.has(name)) continue;
      const from = { HostedZoneId: zoneId, StartRecordName: name, StartRecordType: 'TXT' } as const;
      const { ResourceRecordSets = [] } = await send(signal, 'ListResourceRecordSets', inZone(zoneId), (route53) =>
        route53.client.send(new route53.ListResourceRecordSetsCommand(from)),
      );
      for (const set of ResourceRecordSets) {
        const found = normalName(set.Name ?? '');
        if (set.Type === 'TXT' && names.includes(found) && !known.has(found)) known.set(found, set);
      }
      if (!known.has(name)) known.set(name, undefined);
    }
    return known;
  }

  /** Changes of one zone are made one after another: Route 53 refuses one that comes while it processes another. */
  async function change(signal: Signal, zoneId: string, texts: TextsByName, edit: Edit): Promise<readonly string[]> {
    const changeIds: string[] = [];
    for (const batch of batchesOf(texts)) {
      const changeId = await inTurn(zoneId, () => changeBatch(signal, zoneId, batch, edit));
      if (changeId !== undefined) changeIds.push(changeId);
    }
    return changeIds;
  }

  async function isInSync(signal: Signal, changeId: string): Promise<boolean> {
    const { ChangeInfo } = await send(signal, 'GetChange', `change ${changeId}`, (route53) =>
      route53.client.send(new route53.GetChangeCommand({ Id: changeId })),
    );
    return ChangeInfo?.Status === 'INSYNC';
  }

  return (policy) => ({
    async add(zoneId, texts) {
      const attempt = (signal: Signal) => change(signal, zoneId, groupByName(texts), addition);
      const changeIds = await call(policy, 'changeTexts', attempt);
      return changeIds.length > 0 ? changeIds.join(betweenChanges) : undefined;
    },
    async remove(zoneId, texts) {
      await call(policy, 'changeTexts', (signal) => change(signal, zoneId, groupByName(texts), removal));
    },
    async isInSync(changeIds) {
      for (const changeId of changeIds.split(betweenChanges)) {
        if (!(await call(policy, 'isInSync', (signal) => isInSync(signal, changeId)))) return false;
      }
      return true;
    },
  });
}

/** Returns a function that resolves when the next request may be made. */
function pace(clock: Clock): () => Promise<void> {
  let free = 0;
  return async () => {
    const now = clock.now();
    const at = Math.max(now, free);
    free = at + gap;
    if (at > now) await clock.sleep(at - now);
  };
}

/** Returns a function that runs the works of one key one after another. */
function turns(): <T>(key: string, work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return async (key, work) => {
    const mine = (last.get(key) ?? Promise.resolve()).then(work);
    const settled = mine.catch(() => {});
    last.set(key, settled);
    settled.then(() => {
      if (last.get(key) === settled) last.delete(key);
    });
    return mine;
  };
}

/** Stops work that nobody waits for any more: a change must not be made after the invocation. */
function unlessOver(signal: Signal): void {
  if (!signal?.aborted) return;
  throw new RenewalError('Throttled', 'The function ran out of time before a request to Route 53.', {
    retryable: true,
  });
}

/**
 * Whether Route 53 refused a batch. Its answer has two forms: the usual error with the reasons in its message, and an InvalidChangeBatch with
 * messages of its own, which the SDK can't read.
 */
function isRefusal(thrown: unknown): thrown is Error {
  if (!(thrown instanceof Error)) return false;
  const { name, $metadata } = thrown as Error & { $metadata?: { httpStatusCode?: unknown } };
  return name === 'InvalidChangeBatch' || (name === 'Unknown' && $metadata?.httpStatusCode === 400);
}

function invalid(zoneId: string, cause: Error): RenewalError {
  return new RenewalError(
    'InvalidRequest',
    `Route 53 refused to change TXT records in hosted zone ${quoteId(zoneId)}: ${reason(cause)}. Correct the zone's records, or the zone in the profile's challenge.`,
    { cause },
  );
}

function contended(zoneId: string, cause: Error): RenewalError {
  return new RenewalError(
    'Throttled',
    `Other writers change the same TXT records in hosted zone ${quoteId(zoneId)}: ${mostRefusals} changes were refused. The change is made later.`,
    { cause, busy: true },
  );
}

/** Route 53's reason names record sets, which are public. */
const reason = ({ message }: Error): string => JSON.stringify(message.slice(0, 400));

/** The order of Route 53: by labels from the right. Names that are listed together are so asked for together. */
const orderOf = (name: string): string => name.split('.').toReversed().join('.');
const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
