/** A slow fake CA. A seed decides how often an order must be polled, and how long to wait before each poll. */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { CaAnswer, CaRequest, IssuedChain } from '../../lambdas/domain/ports.ts';
import { stepCa } from '../../lambdas/providers/step-ca/kind.ts';
import { FakeCa, type FakeCaOptions } from './ca.ts';

interface PlacedOrder {
  readonly request: CaRequest;
  looksLeft: number;
  issued?: IssuedChain;
}

/** The most polls of an order. With 0 the CA answers at once. */
export const mostLooks = 4;

export class SlowCa extends FakeCa {
  override readonly can: FakeCa['can'] = { ...stepCa.can, answers: 'later' };
  readonly #seed: string;
  readonly #orders = new Map<string, PlacedOrder>();

  readonly #longestPause: number;

  /** `longestPause`: the most milliseconds before a poll. */
  constructor(options: FakeCaOptions, seed: number | string, longestPause = 600_000) {
    super(options);
    this.#seed = String(seed);
    this.#longestPause = longestPause;
  }

  protected override async answer(request: CaRequest): Promise<CaAnswer> {
    const { receipt } = request;
    if (receipt !== undefined) return this.#look(receipt, request);
    await this.judge(request);
    const placed = `order-${this.#drawn(`receipt ${this.#orders.size}`, 2 ** 32)}-${this.#orders.size}`;
    this.#orders.set(placed, { request, looksLeft: this.#drawn(`looks ${placed}`, mostLooks + 1) });
    return this.#answerTo(placed);
  }

  #look(receipt: string, request: CaRequest): CaAnswer {
    const placed = this.#orders.get(receipt)?.request;
    if (placed === undefined || !isSame(placed, request))
      throw new RenewalError('CaRejected', 'The CA has no such order for this certificate and key.');
    return this.#answerTo(receipt);
  }

  #answerTo(receipt: string): CaAnswer {
    const order = this.#orders.get(receipt);
    if (order === undefined) throw new Error('the order was not placed');
    if (order.looksLeft > 0) {
      order.looksLeft -= 1;
      return {
        kind: 'pending',
        receipt,
        says: 'the CA works on it',
        after: 1 + this.#drawn(`after ${receipt} ${order.looksLeft}`, this.#longestPause),
      };
    }
    order.issued ??= this.issue(order.request);
    return { kind: 'issued', ...order.issued };
  }

  /** Returns a number in [0, below), by the seed. */
  #drawn(what: string, below: number): number {
    return createHash('sha256').update(`${this.#seed} ${what}`).digest().readUInt32BE() % below;
  }
}

/** Tells whether two requests are for the same certificate or declaration and for the same key. */
const isSame = (a: CaRequest, b: CaRequest): boolean =>
  isEqual(a.key?.spki, b.key?.spki) && isDeepStrictEqual(subjectOf(a), subjectOf(b));

const subjectOf = ({ wanted: { content }, current }: CaRequest): unknown =>
  content.kind === 'declared' ? content : current?.leaf.der;

const isEqual = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;
