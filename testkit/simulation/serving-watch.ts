/** Checks what is told of servers: at each event, and at the end of an episode. Truth is what the addresses present. */
import type { RenewalEvent } from '../../lambdas/domain/result.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import type { SecretRecord } from './ledger.ts';
import { type Health, hasBadTags } from './oracle.ts';
import { day, hour, minute, start } from './plan.ts';
import type { Task } from './process.ts';
import { presented } from './servers.ts';
import type { Simulation } from './simulation.ts';

export type ServingEvent = Extract<RenewalEvent, { type: 'Certificate Served' | 'Certificate Not Served' }>;

const text = (instant: number): string => new Date(instant).toISOString().slice(0, 16);
/** Tags hold whole seconds. */
const second = 1000;
/** The longest pause between two probes, with a run that is a minute late and takes a minute. */
const longestPause = hour + 3 * minute;

/** Called for each event of the probe, when it reaches the bus. */
export function toldOfServing(simulation: Simulation, task: Task, { type, secretArn, detail }: ServingEvent): void {
  const { ledger, timeline, store, servers } = simulation;
  const record = ledger.find(secretArn);
  const content = record?.contents.get(detail.versionId);
  if (record === undefined || servers === undefined) return;
  const violate = (rule: string, says: string): void => ledger.violate(rule, record.name, says, record.told?.at);
  const fingerprint = content?.kind === 'pair' ? fingerprintOf(content.leaf.fingerprint256) : undefined;
  if (fingerprint !== detail.fingerprintSha256)
    violate('told of another certificate', `${detail.versionId} has not the fingerprint of the event.`);
  const places = detail.endpoints.map(({ endpoint }) => endpoint).join(' ');
  const addresses = servers.addressesIn({ [tags.endpoints]: places });
  const { presented: seen } = task.invocation;
  const isSeen = addresses.every((address) => content?.kind === 'pair' && isLeaf(seen.get(address), content.leaf.raw));
  const now = timeline.now();
  if (type === 'Certificate Served' && !isSeen) violate('told as served', 'An address presented another certificate.');
  if (type === 'Certificate Not Served' && isSeen) violate('told as not served', 'Each address presented it.');
  const since = record.currents.findLast(({ versionId }) => versionId === detail.versionId)?.at ?? now;
  const within = simulation.plan.serving?.within ?? 0;
  if (type === 'Certificate Not Served' && now + second < since + within)
    violate('told too early', `It is current since ${text(since)}.`);
  const last = record.told;
  const isSame = last?.type === type && last.fingerprint === fingerprint && last.places === places;
  const isRepeated = isSame && (type === 'Certificate Served' || now + second < last.at + day);
  if (isRepeated && !isDisturbed(record, last.at - 10 * minute))
    violate('told again', `${type} at ${text(last.at)} too.`);
  if (type === 'Certificate Served') inTime(simulation, record, fingerprint ?? '');
  record.told = { type, fingerprint: fingerprint ?? '', places, at: now };
  // Without the fingerprint, which is another one in each play of the same story.
  const noted = store.tagsOf(record.arn)[tags.served]?.split(' ').slice(1) ?? [];
  simulation.note('the bus', `${type}: ${noted.join(' ')}`, [record.name]);
}

const isLeaf = (presented: Uint8Array | undefined, leaf: Buffer): boolean =>
  presented !== undefined && leaf.equals(presented);

const fingerprintOf = (text256: string): string => text256.replaceAll(':', '').toLowerCase();

/** Faults and deeds may repeat an event or delay it. */
function isDisturbed(record: SecretRecord, since: number): boolean {
  return record.troubledAt >= since || (record.deeds.at(-1) ?? 0) >= since;
}

/** Tells whether all addresses of its endpoints present the certificate, and from when on this is so. */
function truthOf({ servers, store, timeline }: Simulation, record: SecretRecord, fingerprint: string) {
  const addresses = servers?.addressesIn(store.tagsOf(record.arn)) ?? [];
  const all = addresses.map((address) => presented(servers?.at(address), record, timeline.now()));
  const { leaf } = pairOf(record, fingerprint) ?? {};
  const isServed = all.length > 0 && all.every((each) => leaf !== undefined && each.leaf?.equals(leaf.raw) === true);
  const changes = [record.currents.at(-1)?.at ?? start, record.notedAt ?? start, record.deeds.at(-1) ?? start];
  return { isServed, since: Math.max(...changes, ...all.map(({ since }) => since)) };
}

function pairOf(record: SecretRecord, fingerprint: string) {
  for (const content of record.contents.values())
    if (content.kind === 'pair' && fingerprintOf(content.leaf.fingerprint256) === fingerprint) return content;
  return undefined;
}

/** A reload is told within the longest pause. */
function inTime(simulation: Simulation, record: SecretRecord, fingerprint: string): void {
  const { since } = truthOf(simulation, record, fingerprint);
  if (simulation.timeline.now() <= since + longestPause || isDisturbed(record, since - day)) return;
  simulation.ledger.violate('told late', record.name, `It is served since ${text(since)}.`, since);
}

/**
 * Called before another version becomes current, and at the end. An address that did not present the certificate since its fingerprint was
 * noted is told of when `within` is over.
 */
export function toldInTime(simulation: Simulation, record: SecretRecord): void {
  const { servers, plan, store, timeline, ledger } = simulation;
  const found = store.tagsOf(record.arn);
  const { [tags.fingerprint]: fingerprint, [tags.served]: state } = found;
  const last = record.currents.at(-1);
  const leaf = fingerprint === undefined ? undefined : pairOf(record, fingerprint)?.leaf.raw;
  const isNoted = last !== undefined && found[tags.versionId] === last.versionId && state !== undefined;
  if (!servers || !plan.serving || !isNoted || leaf === undefined || record.notedAt === undefined) return;
  const { notedAt } = record;
  if (hasBadTags(found) || isDisturbed(record, notedAt - 10 * minute)) return;
  const now = timeline.now();
  const isStale = servers.addressesIn(found).some((address) => {
    const each = presented(servers.at(address), record, now);
    return each.since <= notedAt && !isLeaf(each.leaf, leaf);
  });
  const { told } = record;
  const isTold = told?.fingerprint === fingerprint && told?.type === 'Certificate Not Served';
  if (isStale && !isTold && now > notedAt + plan.serving.within + 5 * minute)
    ledger.violate('not told as not served', record.name, `${state}, noted at ${text(notedAt)}.`, notedAt);
}

/** At the end, the tags and the last event say what is true. */
export function servedAtTheEnd(simulation: Simulation, record: SecretRecord, health: Health): void {
  const { servers, plan, store, timeline, ledger } = simulation;
  const summary = store.summary(record.arn);
  const found = store.tagsOf(record.arn);
  const { serving } = plan;
  if (servers === undefined || serving === undefined || !servers.secrets.includes(record.name)) return;
  toldInTime(simulation, record);
  if (found[tags.endpoints] === undefined || health.state !== 'fine') return;
  const now = timeline.now();
  const fingerprint = fingerprintOf(health.pair.leaf.fingerprint256);
  const noted = found[tags.fingerprint];
  const quiet = Math.max(start + plan.quietFrom, ...record.deeds, record.currents.at(-1)?.at ?? start);
  if (found[tags.versionId] !== summary.currentVersionId || noted !== fingerprint) {
    if (now > quiet + 33 * hour + 3 * plan.period)
      ledger.violate('no fingerprint', record.name, `${noted} is noted, and ${fingerprint} is current.`);
    return;
  }
  const [, , state] = found[tags.served]?.split(' ') ?? [];
  if (state === undefined) {
    const isRoom = Object.keys(found).length < 46;
    if (isRoom && now > quiet + longestPause) ledger.violate('no state', record.name, 'There is room for the tag.');
    return;
  }
  const { isServed, since } = truthOf(simulation, record, fingerprint);
  const stable = Math.max(since, quiet);
  const last = record.told?.fingerprint === fingerprint ? record.told : undefined;
  const says = `${state}, last told ${last?.type} at ${text(last?.at ?? start)}; so since ${text(since)}.`;
  if (isServed && now > stable + longestPause && state !== 'served')
    ledger.violate('not told as served', record.name, says);
  if (isServed && state === 'served' && last?.type !== 'Certificate Served')
    ledger.violate('not told as served', record.name, says);
  // What was served is looked at once a day, and has `within` to come back.
  if (isServed || now <= stable + serving.within + day + longestPause) return;
  const isTold = last?.type === 'Certificate Not Served' && now <= last.at + day + longestPause;
  if (state !== 'not-served' || !isTold) ledger.violate('not told as not served', record.name, says);
}
