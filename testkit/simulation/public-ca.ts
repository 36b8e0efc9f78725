/**
 * A CA like those that speak ACME: it accepts an order, validates the names for a while, and issues later. It copies no certificate, has
 * limits as Let's Encrypt (https://letsencrypt.org/docs/rate-limits/), forgets old orders, and may suggest when to renew (RFC 9773).
 */
import type { CertificateChain } from '../../lambdas/domain/certificate.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { CaAnswer, CaRequest, IssuedChain, SuggestedWindow } from '../../lambdas/domain/ports.ts';
import { acme } from '../../lambdas/providers/acme/kind.ts';
import { FakeCa, type FakeCaOptions } from '../fakes/ca.ts';
import { Random } from './random.ts';

/** The most in `per` milliseconds. */
export interface Limit {
  readonly most: number;
  readonly per: number;
}

/** Milliseconds after the start of the episode. */
export interface Spell {
  readonly at: number;
  readonly until: number;
  /** Only orders of this secret. */
  readonly secret?: string;
}

/** Times are in milliseconds. */
export interface PublicCaPlan {
  /** The shortest and the longest validation of an order. */
  readonly validation: readonly [least: number, most: number];
  /** The longest time from the finalisation to the certificate. */
  readonly processing: number;
  /** An order that is not finalised by then is forgotten. */
  readonly orderLife: number;
  readonly limits: {
    /** New orders of the account. */
    readonly orders: Limit;
    /** Certificates for the very same names. */
    readonly names: Limit;
    /** Certificates of the registered domain, which all names have in common. */
    readonly domain: Limit;
  };
  /** A validation that ends then fails. */
  readonly failing: readonly Spell[];
  readonly outages: readonly Spell[];
  /** It suggests when to renew each certificate. */
  readonly suggests: boolean;
  /** From each of these times on, it wants certificates of before to be replaced at once. */
  readonly incidents: readonly number[];
}

export interface Order {
  readonly number: string;
  readonly secret: string;
  readonly placedAt: number;
  readonly names: string;
  /** Of the key that its first request had. */
  readonly spki: Uint8Array;
  readonly validatedAt: number;
  readonly expiresAt: number;
  /** `used`: its certificate became current. */
  state: 'open' | 'failed' | 'forgotten' | 'given up' | 'used';
  finalised?: { readonly at: number; readonly request: CaRequest };
  chain?: IssuedChain;
  /** Another order took its place, although it was open. */
  isLost?: boolean;
}

interface Scene extends FakeCaOptions {
  readonly seed: number;
  readonly start: number;
  readonly plan: PublicCaPlan;
  /** Of every certificate, in milliseconds. */
  readonly validity: number;
}

export class PublicCa extends FakeCa {
  override readonly can: FakeCa['can'] = acme.can;
  readonly orders: Order[] = [];
  readonly #scene: Scene;
  /** When certificates were issued, by names. */
  readonly #issuances = new Map<string, number[]>();

  constructor(scene: Scene) {
    super(scene);
    this.#scene = scene;
  }

  /** The orders of a secret. The last one is the newest. */
  of(secret: string): readonly Order[] {
    return this.orders.filter((order) => order.secret === secret);
  }

  /** Throws CaUnavailable during an outage, and CaRejected for an order that failed or is not there. */
  async look(secret: string, request: CaRequest): Promise<CaAnswer> {
    this.#beThere();
    const { receipt } = request;
    if (receipt === undefined) return this.#place(secret, request);
    const [number, step] = receipt.split(' ');
    const order = this.orders.find((each) => each.number === number && each.secret === secret);
    if (order === undefined) throw new RenewalError('CaRejected', 'There is no such order.');
    return this.#progress(order, request, receipt, step);
  }

  giveUp(receipt: string): void {
    this.#beThere();
    const order = this.orders.find(({ number }) => number === receipt.split(' ')[0]);
    if (order?.state === 'open') order.state = 'given up';
  }

  /** Returns the order of this certificate. DER. */
  orderOf(leaf: Uint8Array): Order | undefined {
    return this.orders.find(({ chain }) => chain && Buffer.compare(chain.certificates[0] ?? Buffer.of(), leaf) === 0);
  }

  /** Tells whether the order can still become a certificate that is not used. */
  isOpen({ state, expiresAt, finalised }: Order): boolean {
    return state === 'open' && (finalised !== undefined || this.clock.now() < expiresAt);
  }

  suggestion({ leaf: { notBefore, notAfter } }: Pick<CertificateChain, 'leaf'>): SuggestedWindow | undefined {
    return this.windowFor(notBefore, notAfter);
  }

  windowFor(notBefore: number, notAfter: number): SuggestedWindow | undefined {
    const { plan, start } = this.#scene;
    if (!plan.suggests) return undefined;
    const incident = plan.incidents.map((at) => start + at).find((at) => notBefore < at && at <= this.clock.now());
    if (incident !== undefined) return { start: incident - 7_200_000, end: incident - 3_600_000 };
    const length = notAfter - notBefore;
    return { start: notBefore + 0.6 * length, end: notBefore + 0.66 * length };
  }

  async #place(secret: string, request: CaRequest): Promise<CaAnswer> {
    await this.judge(request);
    const { plan, seed } = this.#scene;
    const now = this.clock.now();
    const names = namesOf(request);
    const after = this.#pause(names, now);
    if (after > 0) return { kind: 'pending', receipt: undefined, after, says: 'the CA takes no more orders' };
    const number = `order-${this.orders.length}`;
    const random = new Random(seed, `${secret} ${this.of(secret).length}`);
    this.orders.push({
      ...{ number, secret, placedAt: now, names, state: 'open', spki: request.key?.spki ?? Buffer.of() },
      validatedAt: now + random.logBetween(...plan.validation),
      expiresAt: now + plan.orderLife,
    });
    return { kind: 'pending', receipt: number, after: 0, says: 'the order was placed' };
  }

  #progress(order: Order, request: CaRequest, receipt: string, step: string | undefined): CaAnswer {
    const { plan, start, seed } = this.#scene;
    const now = this.clock.now();
    if (order.chain) return { kind: 'issued', ...order.chain };
    if (order.state === 'failed') throw failed();
    if (order.finalised === undefined && now >= order.expiresAt) {
      order.state = 'forgotten';
      return { kind: 'gone', says: 'the order has expired' };
    }
    const published = `${order.number} published`;
    if (step === undefined) return { kind: 'pending', receipt: published, after: 0, says: 'published' };
    if (now < order.validatedAt) return wait(receipt, now - order.placedAt, 'the CA validates the names');
    if (order.finalised === undefined && isIn(plan.failing, order.validatedAt - start, order.secret)) {
      order.state = 'failed';
      throw failed();
    }
    order.finalised ??= { at: now, request };
    const takes = Math.floor(new Random(seed, `issues ${order.number}`).next() * plan.processing);
    if (now < order.finalised.at + takes) return wait(receipt, now - order.finalised.at, 'the CA issues');
    order.chain = this.#issue(order, order.finalised.request);
    return { kind: 'issued', ...order.chain };
  }

  #issue({ names }: Order, { wanted, ...request }: CaRequest): IssuedChain {
    this.#issuances.set(names, [...(this.#issuances.get(names) ?? []), this.clock.now()]);
    const { content } = wanted;
    const ours = content.kind === 'declared' ? { ...content, duration: this.#scene.validity } : content;
    return this.issue({ ...request, wanted: { ...wanted, content: ours } });
  }

  /** Milliseconds until it takes an order for these names. */
  #pause(names: string, now: number): number {
    const { orders, names: same, domain } = this.#scene.plan.limits;
    const ofAll = [...this.#issuances.values()].flat().sort((a, b) => a - b);
    const placed = this.orders.map(({ placedAt }) => placedAt);
    return Math.max(
      untilFree(placed, orders, now),
      untilFree(this.#issuances.get(names) ?? [], same, now),
      untilFree(ofAll, domain, now),
    );
  }

  #beThere(): void {
    const { plan, start } = this.#scene;
    if (!isIn(plan.outages, this.clock.now() - start)) return;
    throw new RenewalError('CaUnavailable', 'The CA is down.');
  }
}

const failed = () => new RenewalError('CaRejected', 'A name was not found to be yours.');

/** The pauses grow, as those of a client with no Retry-After. */
function wait(receipt: string, waited: number, says: string): CaAnswer {
  return { kind: 'pending', receipt, after: Math.min(Math.max(5_000, waited), 1_800_000), says };
}

function namesOf({ wanted: { content } }: CaRequest): string {
  return content.kind === 'declared' ? content.names.toSorted().join() : '';
}

function isIn(spells: readonly Spell[], at: number, secret?: string): boolean {
  return spells.some((each) => each.at <= at && at < each.until && (each.secret ?? secret) === secret);
}

/** `times` in order. */
function untilFree(times: readonly number[], { most, per }: Limit, now: number): number {
  const first = times.filter((at) => at > now - per).at(-most);
  return first === undefined ? 0 : Math.max(0, first + per - now);
}
