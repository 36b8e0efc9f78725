/** How a CA validates names: one port for all ways, so that a look at an order does not know them. */
import type { Signer } from '../../../domain/signer.ts';
import type { Authorization, Challenge } from '../order.ts';
import type { Text } from '../receipt.ts';

/** An authorisation with the challenge that is chosen for it. */
export interface Chosen {
  readonly authorization: Authorization;
  readonly challenge: Challenge;
}

export interface ChallengeWay {
  /** Throws IssuanceNotAllowed for names that can't be validated this way. They are in the form of a declaration: `dns:…`, `ip:…`. */
  checkNames(names: readonly string[]): void;
  /** Returns the challenge to answer for a pending authorisation. Throws CaRejected without one. */
  choose(authorization: Authorization): Challenge;
  /** Returns the TXT values that must be there before the CA is told, by hosted zone. */
  textsFor(chosen: readonly Chosen[], account: Signer): ReadonlyMap<string, readonly Text[]>;
  /** Whether a zone may hold a TXT value for a domain. */
  mayHold(zone: string, domain: string): boolean;
  /** What to do about an authorisation that has failed. `account`: its URL. */
  adviceFor(authorization: Authorization, account: string): string;
}
