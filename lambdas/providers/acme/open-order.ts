/** An order between two looks. */
import type { Signer } from '../../domain/signer.ts';
import type { DeclaredContent } from '../../domain/wanted.ts';
import type { Account } from './account.ts';
import type { Exchange } from './exchange.ts';
import type { Receipt } from './receipt.ts';

/** What the steps of a look share. */
export interface OpenOrder {
  readonly exchange: Exchange;
  readonly account: Account;
  readonly signer: Signer;
  readonly receipt: Receipt;
  /** The receipt as it is stored. */
  readonly text: string;
  readonly content: DeclaredContent;
  /** The key to certify. */
  readonly key: Signer;
}
