/** A fake CA whose orders follow a script, as those of an ACME CA: it places an order first, and issues some questions later. */
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { CaAnswer, CaRequest, IssuedChain } from '../../lambdas/domain/ports.ts';
import { stepCa } from '../../lambdas/providers/step-ca/kind.ts';
import { FakeCa } from './ca.ts';

/** `issue`: the certificate. An error: the order has failed. A number: pending for so many milliseconds. A text: another receipt, at once. */
export type Turn = 'issue' | 'gone' | Error | number | { readonly receipt: string };

interface Placed {
  readonly request: CaRequest;
  readonly turns: Turn[];
  issued?: IssuedChain;
}

export class OrderingCa extends FakeCa {
  override readonly can: FakeCa['can'] = { ...stepCa.can, answers: 'later' };
  /** The script of each order. The last turn is repeated. */
  turns: readonly Turn[] = ['issue'];
  /** Milliseconds for which the CA takes no order. */
  limited: number[] = [];
  readonly abandoned: string[] = [];
  readonly #orders = new Map<string, Placed>();

  get placed(): number {
    return this.#orders.size;
  }

  /** The number of orders with a certificate. */
  get filled(): number {
    return [...this.#orders.values()].filter(({ issued }) => issued !== undefined).length;
  }

  protected override async answer(request: CaRequest): Promise<CaAnswer> {
    if (request.receipt !== undefined) return this.#look(request.receipt, request);
    const after = this.limited.shift();
    if (after !== undefined) return { kind: 'pending', receipt: undefined, after, says: 'the CA takes no more orders' };
    await this.judge(request);
    const receipt = `order-${this.#orders.size}`;
    this.#orders.set(receipt, { request, turns: [...this.turns] });
    return { kind: 'pending', receipt, after: 0, says: 'the order was placed' };
  }

  abandon(receipt: string): Promise<void> {
    return this.faults.around('abandon', [receipt], () => void this.abandoned.push(receipt));
  }

  #look(receipt: string, request: CaRequest): CaAnswer {
    const order = this.#orders.get(receipt.split(' ')[0] ?? '');
    if (
      order === undefined ||
      Buffer.compare(order.request.key?.spki ?? Buffer.of(), request.key?.spki ?? Buffer.of()) !== 0
    ) {
      throw new RenewalError('CaRejected', 'There is no such order for this key.');
    }
    const turn = (order.turns.length > 1 ? order.turns.shift() : order.turns[0]) ?? 'issue';
    if (turn instanceof Error) throw turn;
    if (turn === 'gone') return { kind: 'gone', says: 'the order has expired' };
    if (typeof turn === 'number') return { kind: 'pending', receipt, after: turn, says: 'the CA validates the names' };
    if (turn !== 'issue')
      return { kind: 'pending', receipt: `${receipt.split(' ')[0]} ${turn.receipt}`, after: 0, says: 'published' };
    order.issued ??= this.issue(order.request);
    return { kind: 'issued', ...order.issued };
  }
}
