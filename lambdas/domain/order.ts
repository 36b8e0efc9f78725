/** What a CA has been asked for and has not answered yet. */
export interface Order {
  /** The CA's own name for it: with it the same order is looked at again. It is no secret. */
  readonly receipt: string;
  /** Milliseconds after which it is worth a look. */
  readonly after: number;
}
