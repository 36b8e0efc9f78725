/** Step 4 at a CA that answers later: continues the open order, or places one. No worker waits for such a CA. */
import { sameBytes } from '../../domain/bytes.ts';
import { RenewalError } from '../../domain/errors.ts';
import { sameKeySpec } from '../../domain/key-spec.ts';
import { claimId } from '../../domain/order-id.ts';
import type { CaAnswer, CaRequest } from '../../domain/ports.ts';
import type { Signer } from '../../domain/signer.ts';
import { operationOf, type Wanted } from '../../domain/wanted.ts';
import { longestWait } from '../../policy/waiting.ts';
import { issuedFor, type Place } from '../place.ts';
import type { Plan } from '../steps/3-plan.ts';
import type { RenewalWorld } from '../world.ts';
import { type Claimed, claim, end, keep, type OpenOrder, standingOf } from './book.ts';
import type { OrderKey } from './record.ts';

/** `certificates`: DER, leaf first. `key`: the certified key, undefined if the CA holds it. `wanted`: with the order's key. */
export interface Filled {
  readonly kind: 'issued';
  readonly certificates: readonly Uint8Array[];
  readonly key: Signer | undefined;
  readonly wanted: Wanted;
  readonly order: FilledOrder;
}

/** The version with the order's label. It is not needed any more after the swap. */
export interface FilledOrder extends Claimed {
  readonly versionId: string;
}

/** The CA has not finished. `after`: milliseconds until it may be asked again. `says`: a clause for messages. */
export interface Waiting {
  readonly kind: 'waiting';
  readonly after: number;
  readonly says: string;
  /** Another worker is placing the order, and notes how long the CA lets it wait. */
  readonly isElsewhere?: true;
}

interface Asking {
  readonly world: RenewalWorld;
  readonly place: Place;
  readonly plan: Plan;
  readonly makeKey: () => Promise<Signer | undefined>;
  readonly request: (wanted: Wanted, key: Signer | undefined) => CaRequest;
}

/**
 * Asks the CA by the stored order, and stores each receipt before the CA is told to do more. An order that failed is ended, so that the
 * next try places another. Throws what the provider and the store throw.
 */
export async function askByOrder(asking: Asking): Promise<Filled | Waiting> {
  const { world, place, plan } = asking;
  const standing = await standingOf(world, place);
  if (standing.kind === 'busy') return placedElsewhere(world, standing.until);
  const declaration = issuedFor(place, operationOf(plan.wanted));
  if (standing.kind === 'free') {
    if (standing.leftBehind !== undefined && !(await abandon(asking, standing.leftBehind))) return notTakenAway;
    return placeOrder(asking, standing.number, declaration);
  }
  const { order } = standing;
  if (isContinued(order, place, plan, declaration)) return advance(asking, order);
  if (!(await giveUp(asking, order))) return notTakenAway;
  return placeOrder(asking, order.number + 1, declaration);
}

/** The next order would leave the receipt of the one before without its label, and nobody would know what it had published. */
const notTakenAway: Waiting = {
  kind: 'waiting',
  after: 15_000,
  says: 'what was published for the order before is to be taken away first',
};

function placedElsewhere({ clock }: RenewalWorld, until: number): Waiting {
  return {
    kind: 'waiting',
    after: until - clock.now(),
    says: 'another worker is placing the order',
    isElsewhere: true,
  };
}

/** The order is continued if it is for this declaration, and unless the request asks for another key. */
function isContinued(order: OpenOrder, { settings }: Place, { wanted: { key } }: Plan, declaration?: string): boolean {
  if (order.declaration !== undefined ? !declaration?.startsWith(order.declaration) : declaration !== undefined)
    return false;
  if (key.kind === 'given') return order.key.kind === 'other' && sameBytes(order.key.signer.spki, key.signer.spki);
  const { modeSource, keySource } = settings.asked;
  if (modeSource !== 'request' && keySource !== 'request') return true;
  if (key.kind === 'same' || order.key.kind === 'same') return key.kind === order.key.kind;
  return sameKeySpec(order.key.signer.keySpec, key.spec);
}

/** Claims and places an order. A try that fails ends the claim, so that the next one need not wait for its end. */
async function placeOrder(asking: Asking, number: number, declaration: string | undefined, isLast = false) {
  const { world, place, plan } = asking;
  const claimed = await claim(world, place, number, declaration);
  if ('kind' in claimed) return placedElsewhere(world, claimed.until);
  const signer = await asking.makeKey();
  const { wanted } = plan;
  const answer = await ending(asking, claimed, () => place.provider.ask(asking.request(wanted, signer)));
  if (answer.kind === 'issued') {
    const versionId = claimId(place.version.versionId, claimed.number);
    return { ...answer, key: signer, wanted, order: { ...claimed, versionId } };
  }
  if (answer.kind === 'gone' || answer.receipt === undefined) {
    await end(world, place, claimed);
    if (answer.kind === 'gone') throw lostOrder(answer);
    return { kind: 'waiting', after: answer.after, says: answer.says } as const;
  }
  const key: OrderKey =
    wanted.key.kind === 'same' || signer === undefined ? { kind: 'same' } : { kind: 'other', signer };
  const record = { placedAt: world.clock.now(), receipt: answer.receipt, key };
  const order = await keep(world, place, claimed, record);
  return answer.after > 0 ? waitingFor(asking, order, answer) : advance(asking, order, isLast);
}

/** The most answers of a CA in one look. An order has less than ten states, so a CA with more of them does not end. */
const mostAnswers = 20;

/** Asks for the order until the CA has issued, or wants the next question later. */
async function advance(asking: Asking, first: OpenOrder, isLast = false): Promise<Filled | Waiting> {
  const { world, place } = asking;
  let order = first;
  for (let answers = 0; answers < mostAnswers; answers++) {
    const { receipt } = order;
    const { wanted, signer } = withKeyOf(asking, order);
    const answer: CaAnswer = await ending(asking, order, () =>
      place.provider.ask({ ...asking.request(wanted, signer), receipt }),
    );
    if (answer.kind === 'issued') return { ...answer, key: signer, wanted, order };
    if (answer.kind === 'gone') {
      await end(world, place, order);
      if (isLast || isForgotten(order, world.clock.now())) throw lostOrder(answer);
      return placeOrder(asking, order.number + 1, order.declaration, true);
    }
    if (answer.receipt !== undefined && answer.receipt !== receipt) {
      const record = { ...order, receipt: answer.receipt };
      order = await ending(asking, order, () => keep(world, place, record, record));
    }
    if (answer.after > 0) return waitingFor(asking, order, answer);
  }
  return waitingFor(asking, order, { after: 60_000, says: 'the CA has not finished' });
}

const hour = 3_600_000;

/**
 * Whether the CA forgets its orders: another one before this has ended too, and this one is young. Then the next one is placed after the
 * back-off, not at the next look.
 */
const isForgotten = ({ number, placedAt }: OpenOrder, now: number): boolean => number > 0 && now < placedAt + hour;

/** Returns the plan's certificate with the key of the order: the plan may say another kind of key by now. */
function withKeyOf(
  { place, plan: { wanted } }: Asking,
  { key }: OpenOrder,
): { wanted: Wanted; signer: Signer | undefined } {
  if (key.kind === 'same') return { wanted: { ...wanted, key: { kind: 'same' } }, signer: place.key };
  const isPlanned = wanted.key.kind === 'new' && sameKeySpec(wanted.key.spec, key.signer.keySpec);
  return { wanted: isPlanned ? wanted : { ...wanted, key: { kind: 'given', signer: key.signer } }, signer: key.signer };
}

/** Gives up an order that waits for more than a day. Throws CaUnavailable then. */
async function waitingFor(asking: Asking, order: OpenOrder, { after, says }: Omit<Waiting, 'kind'>): Promise<Waiting> {
  const waited = asking.world.clock.now() - order.placedAt;
  if (waited < longestWait) return { kind: 'waiting', after: Math.min(after, longestWait - waited), says };
  await giveUp(asking, order);
  throw tooLong(says);
}

/** Returns the error for a CA that has not finished for a day. It is not tried again at once. */
export const tooLong = (says: string): RenewalError =>
  new RenewalError(
    'CaUnavailable',
    `The CA has not issued the certificate within 24 hours, so this order is given up: ${says}. The next try places another one.`,
    { retryable: false },
  );

/** Ends an order that is not continued, and takes away what was published for it. Returns false if the latter is to be done again. */
async function giveUp({ world, place }: Pick<Asking, 'world' | 'place'>, order: OpenOrder): Promise<boolean> {
  await end(world, place, order, order.receipt); // first, so that the order is not continued after a failure below
  return abandon({ world, place }, order.receipt);
}

/** Gives up the open order, if there is one. Throws what the store throws. */
export async function giveUpOpen(world: RenewalWorld, place: Place): Promise<void> {
  const standing = await standingOf(world, place);
  if (standing.kind === 'open') await giveUp({ world, place }, standing.order);
}

/** Takes away what was published for an order. Returns false after a transient failure. One that lasts does not stop the next order. */
async function abandon({ world, place }: Pick<Asking, 'world' | 'place'>, receipt: string): Promise<boolean> {
  try {
    await place.provider.abandon?.(receipt);
    return true;
  } catch (error) {
    world.journal.failure({ secretArn: place.secret.arn, error, step: 'giving up an order' });
    return !(error instanceof RenewalError && error.retryable);
  }
}

/**
 * Runs `work`. After an error that lasts, the order is ended: the CA would give the same answer to the same order. An order of more than a
 * day ago is ended after any error: the CA may fail for this order only.
 */
async function ending<T>({ world, place }: Asking, claimed: Claimed | OpenOrder, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isOpen = 'receipt' in claimed;
    const isOver = isOpen && world.clock.now() - claimed.placedAt >= longestWait;
    // IAM may deny for some seconds what a deployment has just allowed.
    const isLasting = error instanceof RenewalError && (isOver || !(error.retryable || error.settles));
    // An unknown error may be one of the program, after which the order may still be continued.
    if (isLasting || !isOpen) {
      await end(world, place, claimed, isOpen ? claimed.receipt : undefined).catch((second: unknown) => {
        world.journal.failure({ secretArn: place.secret.arn, error: second, step: 'ending an order' });
      });
    }
    throw error;
  }
}

const lostOrder = ({ says, code }: Extract<CaAnswer, { kind: 'gone' }>): RenewalError =>
  new RenewalError(code ?? 'CaRejected', `The CA accepted an order, and it ended without the certificate: ${says}.`);
