/**
 * Ids of the versions that hold an order. A secret has at most one with orderLabel, and its id says how far the order is:
 *
 * - `claim`: a worker is about to place the order. The id is the same for every worker, so only one of them can write it.
 * - `order`: the CA has accepted it. The version holds key and receipt.
 * - `ended`: it failed, or was given up.
 *
 * An id contains a hash of the current version's id, the order's number for that version, and for a declared certificate the first digits
 * of the declaration's hash.
 */
import type { Entropy } from './ports.ts';
import { type SecretSummary, versionWithStage } from './secret.ts';
import { orderLabel } from './tags.ts';
import { declarationDigits, markOf, versionIdPrefix } from './version-id.ts';

export type OrderStage = 'claim' | 'order' | 'ended';

export interface OrderId {
  readonly versionId: string;
  readonly stage: OrderStage;
  /** 0 for the first order that is to replace the current version, 1 for the next one after it ended. */
  readonly number: number;
  /** The first digits of the hash of the declaration. Undefined for a copy. */
  readonly declaration: string | undefined;
}

const hex4 = (number: number): string => number.toString(16).padStart(4, '0');

/** The number of orders for one version. After so many failures a person has to look. */
export const mostOrders = 0xffff;

/** Returns the id of the claim of an order: 32 characters, the shortest that AWS allows. */
export function claimId(current: string, number: number): string {
  return `${versionIdPrefix}claim-${markOf(current)}-${hex4(number)}`;
}

/** Returns an id for the order's version: 49 or 58 characters. */
export function newOrderId(
  stage: Exclude<OrderStage, 'claim'>,
  current: string,
  { number, declaration }: Pick<OrderId, 'number' | 'declaration'>,
  entropy: Entropy,
): string {
  const random = Buffer.from(entropy(8)).toString('hex');
  const made = declaration === undefined ? '' : `-${declaration.slice(0, declarationDigits)}`;
  return `${versionIdPrefix}${stage}-${markOf(current)}-${hex4(number)}-${random}${made}`;
}

const form = /^cert-renewer-(claim|order|ended)-([0-9a-f]{8})-([0-9a-f]{4})(?:-[0-9a-f]{16})?(?:-([0-9a-f]{8}))?$/;

/** Returns the order that is to replace the current version. Undefined if there is none: the label may be on an older one. */
export function orderOf(secret: Pick<SecretSummary, 'versions' | 'currentVersionId'>): OrderId | undefined {
  const { currentVersionId } = secret;
  const versionId = versionWithStage(secret, orderLabel);
  if (versionId === undefined || currentVersionId === undefined) return undefined; // the usual case
  const [, stage, basedOn, number, declaration] = form.exec(versionId) ?? [];
  if (basedOn !== markOf(currentVersionId)) return undefined;
  return { versionId, stage: stage as OrderStage, number: Number.parseInt(number ?? '0', 16), declaration };
}

/** Returns the version with an order that was to replace another version than the current one. Undefined if there is none. */
export function strayOrder(secret: Pick<SecretSummary, 'versions' | 'currentVersionId'>): string | undefined {
  const versionId = versionWithStage(secret, orderLabel);
  return versionId !== undefined && form.test(versionId) && orderOf(secret) === undefined ? versionId : undefined;
}
