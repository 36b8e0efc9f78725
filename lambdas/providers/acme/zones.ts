/** Publishes the TXT values of an order and takes them away again. Other values of a record stay. */
import { RenewalError } from '../../domain/errors.ts';
import type { CaAnswer, TxtValue, TxtZones } from '../../domain/ports.ts';
import type { CaTools } from '../kind.ts';
import { spread } from './pauses.ts';
import { type Receipt, writeReceipt, type ZonePart } from './receipt.ts';

const second = 1_000;

type Pending = Extract<CaAnswer, { kind: 'pending' }>;
type Tools = Pick<CaTools, 'zones' | 'entropy'>;

/** Returns the records of a zone. */
const recordsOf = ({ texts }: ZonePart): readonly TxtValue[] =>
  texts.map(([domain, value]) => ({ name: `_acme-challenge.${domain}`, value }));

/** Whether all values of the receipt were published, or there are none. */
export const isPublished = ({ zones }: Pick<Receipt, 'zones'>): boolean =>
  Object.values(zones).every(({ change }) => change !== undefined);

/** Adds the values that are not published yet. Returns the changed receipt. Throws AccessDenied. */
export async function publish(receipt: Receipt, { zones, entropy }: Tools): Promise<Pending> {
  const done: Record<string, ZonePart> = { ...receipt.zones };
  for (const [id, part] of Object.entries(receipt.zones)) {
    if (part.change !== undefined) continue;
    try {
      done[id] = { ...part, change: (await zones.add(id, recordsOf(part))) ?? '' };
    } catch (error) {
      if (!isThrottled(error)) throw error;
      return throttled(writeReceipt({ ...receipt, zones: done }), entropy);
    }
  }
  return {
    kind: 'pending',
    receipt: writeReceipt({ ...receipt, zones: done }),
    after: 0, // the next look asks Route 53 whether it has the change everywhere
    says: 'the TXT records of the challenges reach the name servers',
  };
}

/** Returns undefined if all name servers have the published values, otherwise when to look again. Throws AccessDenied. */
export async function unlessInSync(
  receipt: Receipt,
  text: string,
  { zones, entropy }: Tools,
): Promise<Pending | undefined> {
  const waiting = { kind: 'pending', receipt: text, says: 'the name servers take over the TXT records' } as const;
  for (const { change } of Object.values(receipt.zones)) {
    if (change === undefined || change === '' || (await zones.isInSync(change))) continue;
    return { ...waiting, after: spread(entropy, 5 * second, 10 * second) };
  }
  return undefined;
}

/**
 * Removes the values of a receipt. Returns false if Route 53 takes no more changes for now. A change that is denied is given up, because a
 * person has to allow it, and a value that stays does no harm.
 */
export async function takeAway({ zones: parts }: Pick<Receipt, 'zones'>, zones: TxtZones): Promise<boolean> {
  let all = true;
  for (const [id, part] of Object.entries(parts)) {
    await zones.remove(id, recordsOf(part)).catch((error: unknown) => {
      if (!(error instanceof RenewalError)) throw error;
      if (error.retryable) all = false;
    });
  }
  return all;
}

export const isThrottled = (error: unknown): boolean => error instanceof RenewalError && error.code === 'Throttled';

/** Waits for Route 53, spread, because many orders may be waiting. */
export function throttled(receipt: string, entropy: CaTools['entropy']): Pending {
  const after = spread(entropy, 2 * second, 20 * second);
  return { kind: 'pending', receipt, after, says: 'Route 53 takes no more changes for the moment' };
}
