/** An order at a CA that answers later, as `status` and the renew function show it. Pure. */
import { formatInstant, type Instant } from '../domain/instant.ts';
import { type OrderStage, orderOf } from '../domain/order-id.ts';
import type { SecretSummary } from '../domain/secret.ts';
import { readWait } from './waiting.ts';

/** By the staging label, the version's id and the tag. The version is not read: it contains a key. Times are RFC 3339. */
export interface ShownOrder {
  /** Null: there is no order yet, because the CA takes none. */
  readonly stage: OrderStage | null;
  /** 1 for the first order that is to replace the current version. */
  readonly number: number | null;
  /** The version that holds it. */
  readonly versionId: string | null;
  /** Since when the certificate waits. Null if it does not wait. */
  readonly since: string | null;
  /** When a message comes to look again. */
  readonly again: string | null;
  /** The CA is not asked before this. */
  readonly notBefore: string | null;
}

/** Returns what label, id and tag say about an order. Null if they say nothing. */
export function shownOrder(secret: SecretSummary, now: Instant): ShownOrder | null {
  const order = orderOf(secret);
  const wait = readWait(secret, now);
  if (order === undefined && wait === undefined) return null;
  return {
    stage: order?.stage ?? null,
    number: order === undefined ? null : order.number + 1,
    versionId: order?.versionId ?? null,
    since: wait === undefined ? null : formatInstant(wait.since),
    again: wait === undefined ? null : formatInstant(wait.again),
    notBefore: wait === undefined ? null : formatInstant(wait.until),
  };
}
