/** Finalises an order (RFC 8555 section 7.4): sends the request for the certificate. */
import { RenewalError } from '../../domain/errors.ts';
import { createNamedCsr } from '../../x509/named-csr.ts';
import { base64url } from '../jws.ts';
import { fetchOrder } from './fetch-order.ts';
import type { OpenOrder } from './open-order.ts';
import { type Order, readOrder } from './order.ts';
import { Problem } from './problems.ts';

/** DER of the Name without attributes. */
const noSubject = Uint8Array.of(0x30, 0x00);

/** Returns the order as it is then. Throws Problem, and what the key throws. */
export async function finalise({ exchange, account, content, key, receipt }: OpenOrder, order: Order): Promise<Order> {
  const { host } = exchange;
  // Many CAs refuse a subject that they did not validate, so it has only what is declared.
  const csr = await createNamedCsr(key, { subject: content.subject ?? noSubject, names: content.names });
  try {
    const answer = await account.post({ url: order.finalize, payload: { csr: base64url(csr) } });
    return readOrder(answer, host);
  } catch (error) {
    // Another look has finalised it, and ended before it knew.
    if (!(error instanceof Problem) || error.type !== 'orderNotReady') throw error;
    const now = await fetchOrder(account, receipt.order, host);
    if (now !== undefined) return now;
    throw new RenewalError('CaUnavailable', `The CA at ${host} does not know an order that it knew just now.`);
  }
}
