/**
 * Orders at CAs that answer later. The worker stores an order with its key before the CA is told to finish it, so a crash never costs the
 * certificate (renewal/orders/).
 */

/** The answer of a CA that has not issued yet. */
export interface PendingOrder {
  /**
   * What the provider needs to continue the order: printable ASCII, not a secret. The worker stores a new or changed receipt before it asks
   * again. Undefined: there is no order yet, because the CA takes none before `after` is over.
   */
  readonly receipt: string | undefined;
  /** Milliseconds to wait before the next request for it. 0: ask again at once, after the receipt was stored. */
  readonly after: number;
  /** What it waits for, as a clause for messages: `the CA validates the names`. */
  readonly says: string;
}
