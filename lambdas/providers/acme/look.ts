/**
 * Looks at an order and takes it one step further (RFC 8555 section 7.1.6). First the zones, without a call to the CA: values are stored in
 * the receipt, then published, then in sync. Then what the order's status asks for.
 */
import { RenewalError } from '../../domain/errors.ts';
import type { CaAnswer, CaRequest } from '../../domain/ports.ts';
import { parseCertificate } from '../../x509/certificate.ts';
import { samePublicKey } from '../../x509/public-key.ts';
import { askedFor } from '../request.ts';
import { accountAt, accountKey } from './account.ts';
import { domainOf } from './challenges/dns-01.ts';
import { downloadChain } from './download.ts';
import { beginExchange, type Look } from './exchange.ts';
import { fetchOrder } from './fetch-order.ts';
import { notAcme } from './fields.ts';
import { finalise } from './finalise.ts';
import type { OpenOrder } from './open-order.ts';
import type { Order } from './order.ts';
import { limitPause, pauseFor } from './pauses.ts';
import { isWaiting } from './problems.ts';
import { checkKey, checkSeal, type Receipt, readReceipt } from './receipt.ts';
import { failedOrder, validate } from './validate.ts';
import { isPublished, isThrottled, publish, takeAway, throttled, unlessInSync } from './zones.ts';

/** Throws what CaProvider.ask throws. After an error that ends the order its TXT values are gone. */
export async function lookAtOrder(look: Look, request: CaRequest & { readonly receipt: string }): Promise<CaAnswer> {
  const asked = askedFor(request);
  if (asked.kind !== 'issue') throw new RenewalError('InvalidRequest', 'An order is of a declared certificate.');
  const { content, key } = asked;
  const { ca, tools } = look;
  const { receipt: text } = request;
  const domains = new Set(content.names.filter((name) => name.startsWith('dns:')).map(domainOf));
  const receipt = readReceipt(text, (zone, domain) => domains.has(domain) && ca.challenge.mayHold(zone, domain));
  const signer = await accountKey(look);
  checkSeal(receipt, ca.address, signer);
  checkKey(receipt, key.spki);
  try {
    if (!isPublished(receipt)) return await publish(receipt, tools);
    const waiting = receipt.toldAt === undefined ? await unlessInSync(receipt, text, tools) : undefined;
    if (waiting !== undefined) return waiting;
    const exchange = beginExchange(look);
    const account = accountAt(exchange, signer, receipt.account);
    return await step({ exchange, account, signer, receipt, text, content, key });
  } catch (error) {
    if (isThrottled(error)) return throttled(text, tools.entropy);
    if (isWaiting(error)) return { kind: 'pending', receipt: text, ...limitPause(error.retryAfter, tools.clock.now()) };
    if (!(error instanceof RenewalError) || error.retryable) throw error;
    if (await takeAway(receipt, tools.zones)) throw error;
    return throttled(text, tools.entropy);
  }
}

async function step(open: OpenOrder): Promise<CaAnswer> {
  const { exchange, account, receipt, text } = open;
  const { clock, entropy } = exchange.tools;
  const known = await fetchOrder(account, receipt.order, exchange.host);
  if (known === undefined) return gone(open, 'the CA does not know the order any more');
  const isOpen = known.status === 'pending' || known.status === 'ready';
  if (isOpen && known.expires <= clock.now()) return gone(open, 'the order has expired');
  if (known.status === 'pending') return validate(open, known);
  const order = known.status === 'ready' ? await finalise(open, known) : known;
  if (order.status === 'valid') return issued(open, order);
  if (order.status === 'invalid') throw await failedOrder(open, order);
  const says = 'the CA makes the certificate';
  const { placedAt } = receipt;
  return { kind: 'pending', receipt: text, ...pauseFor(says, order.answer, { now: clock.now(), placedAt, entropy }) };
}

/** Downloads first: values that can't be taken away yet cost a later look, not the certificate. */
async function issued({ exchange, account, receipt, text, key }: OpenOrder, order: Order): Promise<CaAnswer> {
  const { host, tools, ca } = exchange;
  if (order.certificate === undefined) throw notAcme('the order is valid and has no certificate', host);
  const { preferredChain } = ca.config;
  const certificates = await downloadChain(account, { url: order.certificate, host, preferredChain });
  if (!(await takeAway(receipt, tools.zones))) return throttled(text, tools.entropy);
  if (isForAnotherKey(certificates[0], key.spki)) {
    const says =
      'it made the certificate for another key, because it has one order for two certificates with these names';
    return { kind: 'gone', says, code: 'CertificateRejected' };
  }
  return { kind: 'issued', certificates };
}

/**
 * Boulder gives a second order for the same names the address of the first one while that one is open. So a declared pair with an EC and an
 * RSA key has one order, and the key that finalises it first gets it.
 */
function isForAnotherKey(leaf: Uint8Array | undefined, spki: Uint8Array): boolean {
  try {
    return leaf !== undefined && !samePublicKey(parseCertificate(leaf).spki, spki);
  } catch (error) {
    if (error instanceof RenewalError) return false; // the proof after it tells what is wrong
    throw error;
  }
}

async function gone({ exchange, receipt, text }: OpenOrder, says: string): Promise<CaAnswer> {
  const { tools } = exchange;
  return (await takeAway(receipt, tools.zones)) ? { kind: 'gone', says } : throttled(text, tools.entropy);
}

/**
 * Takes the TXT values of an order away. Ignores a receipt that is none, of other zones, or not sealed by this account: another writer could
 * have the values of other orders taken away. Throws Throttled, and what the vault throws.
 */
export async function abandonOrder({ ca, tools }: Pick<Look, 'ca' | 'tools'>, text: string): Promise<void> {
  let receipt: Receipt;
  try {
    receipt = readReceipt(text, ca.challenge.mayHold);
    if (Object.keys(receipt.zones).length === 0) return;
  } catch (error) {
    if (error instanceof RenewalError) return;
    throw error;
  }
  const signer = await accountKey({ ca, tools });
  if (!isSealed(receipt, ca.address, signer)) return;
  if (await takeAway(receipt, tools.zones)) return;
  throw new RenewalError('Throttled', 'Route 53 takes no more changes for the moment: TXT values of an order stay.');
}

function isSealed(...seal: Parameters<typeof checkSeal>): boolean {
  try {
    checkSeal(...seal);
    return true;
  } catch (error) {
    if (error instanceof RenewalError) return false;
    throw error;
  }
}
