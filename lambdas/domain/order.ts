/** A request that a CA has accepted and not answered yet. */
export interface Order {
  /** The CA's identifier of the order, to ask for it again. Not a secret. */
  readonly receipt: string;
  /** Milliseconds to wait before the next request for it. */
  readonly after: number;
}
