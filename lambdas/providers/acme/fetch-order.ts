/** Fetches orders and authorisations by POST-as-GET. */
import type { Account } from './account.ts';
import { eachBounded } from './bounded.ts';
import { type Authorization, type Order, readAuthorization, readOrder } from './order.ts';
import { Problem } from './problems.ts';

/** Returns the order, or undefined if the CA does not know it any more. Throws Problem. */
export async function fetchOrder(account: Account, url: URL, host: string): Promise<Order | undefined> {
  try {
    return readOrder(await account.post({ url }), host);
  } catch (error) {
    if (error instanceof Problem && isUnknownOrder(error)) return undefined;
    throw error;
  }
}

/** RFC 8555 has no type for it. Boulder and Pebble answer 404, step-ca `malformed`. */
const isUnknownOrder = ({ status, type, detail }: Problem): boolean =>
  status === 404 ||
  status === 410 ||
  (type === 'malformed' && /not found|no order|expired|does not exist/i.test(detail));

/** Fetches all authorisations of an order. Throws Problem, CaRejected. */
export function fetchAuthorizations(
  account: Account,
  { authorizations }: Pick<Order, 'authorizations'>,
  host: string,
): Promise<readonly Authorization[]> {
  return eachBounded(authorizations, async (url) => readAuthorization(url, await account.post({ url }), host));
}
