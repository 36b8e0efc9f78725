/**
 * The order of a certificate at a CA that answers later: a version of the secret with orderLabel. Its transitions:
 *
 * ```
 * none, ended ── claim ──→ claim ── place ──→ order ── keep ──→ order (another receipt)
 *                            │                  │
 *                            └────── end ───────┴──→ ended
 * ```
 *
 * Only one worker can write a claim, because its id is known beforehand and AWS writes a version once. A claim is valid for as long as a
 * worker can run. So there are never two orders for one certificate, and after a crash the next worker continues the stored order.
 */
import { RenewalError } from '../../domain/errors.ts';
import type { Instant } from '../../domain/instant.ts';
import { claimId, mostOrders, newOrderId, type OrderId, orderOf } from '../../domain/order-id.ts';
import type { SecretVersion } from '../../domain/secret.ts';
import { longestWait } from '../../policy/waiting.ts';
import { passwordIn } from '../../secret/password.ts';
import type { Place } from '../place.ts';
import type { RenewalWorld } from '../world.ts';
import { type OrderRecord, readOrder, receiptIn, renderClaim, renderEnded, renderOrder } from './record.ts';

/** Milliseconds. Longer than a worker can run, so no two workers place an order at once. */
export const claimLasts = 120_000;

/** Milliseconds until Secrets Manager shows a label everywhere. */
const settles = 5_000;

/** An order that was claimed by this worker, or is open. */
export interface Claimed {
  readonly number: number;
  readonly declaration: string | undefined;
}

export interface OpenOrder extends Claimed, OrderRecord {
  readonly versionId: string;
}

/**
 * `busy`: another worker may be placing an order until then. `open`: it can be continued. `free`: an order may be claimed. `leftBehind`:
 * the receipt of the order before, which ended, to take away what it may still have published.
 */
export type Standing =
  | { readonly kind: 'busy'; readonly until: Instant }
  | { readonly kind: 'open'; readonly order: OpenOrder }
  | { readonly kind: 'free'; readonly number: number; readonly leftBehind?: string | undefined };

/** Reads the order that is to replace the current version. Throws retryable errors, KmsDenied and PasswordRequired. */
export async function standingOf(world: RenewalWorld, place: Place): Promise<Standing> {
  const id = orderOf(place.secret);
  if (id === undefined) return { kind: 'free', number: 0 };
  const version = await readVersion(world, place, id.versionId);
  if (id.stage === 'claim') return standingOfClaim(id, version, world.clock.now());
  const order = version && id.stage === 'order' ? await readable(world, place, version) : undefined;
  if (order === undefined)
    return { kind: 'free', number: id.number + 1, leftBehind: version && receiptIn(version.value) };
  // Another writer could set a time in the future, and the order would never be given up.
  const placedAt = Math.min(order.placedAt, version?.createdAt ?? order.placedAt);
  const { versionId, number, declaration } = id;
  return { kind: 'open', order: { ...order, placedAt, versionId, number, declaration } };
}

function standingOfClaim({ number }: OrderId, version: SecretVersion | undefined, now: Instant): Standing {
  // Without a version the label is newer than what this read has seen.
  const until = (version?.createdAt ?? now) + claimLasts;
  return now < until ? { kind: 'busy', until } : { kind: 'free', number: number + 1 };
}

/** Returns undefined for a version that is not there, or not yet. */
async function readVersion({ store }: RenewalWorld, { secret }: Place, versionId: string) {
  try {
    return await store.read(secret.arn, versionId);
  } catch (error) {
    if (error instanceof RenewalError && error.code === 'SecretNotFound') return undefined;
    throw error;
  }
}

/**
 * Returns undefined for a value that is not an order: another writer can set the label too. Also for an order of more than a day ago whose
 * key can't be used any more: its password has changed, or its key in KMS is gone. It would stop the certificate for ever.
 */
async function readable(
  world: RenewalWorld,
  place: Place,
  { value, createdAt }: SecretVersion,
): Promise<OrderRecord | undefined> {
  try {
    return await readOrder(value, { password: passwordOf(world, place), vault: world.vault });
  } catch (error) {
    if (!(error instanceof RenewalError) || error.retryable) throw error;
    if (error.code === 'UnsupportedSecret' || world.clock.now() >= createdAt + longestWait) return undefined;
    throw error;
  }
}

const passwordOf = ({ store }: RenewalWorld, { profile }: Place) => passwordIn(store, profile.passwordSecretId);

/**
 * Claims the next order. Returns `busy` if another worker has claimed it. An id of an earlier time, when this version was current before
 * a rollback, is passed over.
 */
export async function claim(
  world: RenewalWorld,
  place: Place,
  first: number,
  declaration: string | undefined,
): Promise<Claimed | Extract<Standing, { kind: 'busy' }>> {
  const { secret, version } = place;
  for (let number = first; number <= mostOrders; number++) {
    const id = claimId(version.versionId, number);
    if (await world.store.keepOrder(secret.arn, id, renderClaim(world.entropy))) return { number, declaration };
    const until = ((await readVersion(world, place, id))?.createdAt ?? world.clock.now()) + claimLasts;
    if (world.clock.now() < until) return { kind: 'busy', until };
    // The description may have been older than the order that this claim has become.
    if (orderOf(await world.store.describe(secret.arn))) return { kind: 'busy', until: world.clock.now() + settles };
  }
  throw new RenewalError(
    'CaRejected',
    `${mostOrders} orders for this version have failed: store the present value again, as a new version, to begin anew.`,
  );
}

/** Stores an order, or its changed receipt. Throws if it can't be stored: then the CA must not finish it. */
export async function keep(
  world: RenewalWorld,
  place: Place,
  claimed: Claimed,
  record: OrderRecord,
): Promise<OpenOrder> {
  const { number, declaration } = claimed;
  const versionId = newOrderId('order', place.version.versionId, claimed, world.entropy);
  const value = await renderOrder(record, { password: passwordOf(world, place), entropy: world.entropy });
  if (await world.store.keepOrder(place.secret.arn, versionId, value)) {
    return { ...record, versionId, number, declaration };
  }
  throw new RenewalError('SecretChanged', 'Another writer has written a version with the id of this order.');
}

/** Ends an order or a claim, so that the next try may claim another one at once. */
export async function end(world: RenewalWorld, place: Place, claimed: Claimed, receipt?: string): Promise<void> {
  const versionId = newOrderId('ended', place.version.versionId, claimed, world.entropy);
  await world.store.keepOrder(place.secret.arn, versionId, renderEnded(receipt));
}
