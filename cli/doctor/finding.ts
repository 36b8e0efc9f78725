/** What a check of `doctor` finds. */
import type { InventoryRow } from '../../lambdas/inventory/row.ts';
import type { Session } from '../session.ts';
import { deniedAction, inWords } from './words.ts';

/** `unknown`: the check was not possible. */
export type Grade = 'fault' | 'unknown' | 'note' | 'ok';

export interface Finding {
  readonly grade: Grade;
  /** One sentence or more. */
  readonly says: string;
  /** Names of the secrets, if the finding is about some. */
  readonly names?: readonly string[];
  /** What to do; undefined if all is well. */
  readonly fix?: string;
  /** The page of the documents; undefined if all is well. */
  readonly link?: string;
  /** The command for the first of `names`, after `fix`. */
  readonly next?: string;
  /** The permission that is missing, such as `SQS: GetQueueAttributes`. */
  readonly permission?: string;
}

export interface Check {
  readonly name: string;
  /** The worst finding comes first. */
  readonly look: (session: Session) => Promise<readonly Finding[]>;
}

export type Remedy = Required<Pick<Finding, 'fix' | 'link'>>;

export const ok = (says: string): Finding => ({ grade: 'ok', says });
export const fault = (says: string, remedy: Remedy, names?: readonly string[]): Finding =>
  Object.assign({ grade: 'fault' as const, says, ...remedy }, names && { names });
export const note = (says: string, remedy: Remedy, names?: readonly string[]): Finding =>
  Object.assign({ grade: 'note' as const, says, ...remedy }, names && { names });

export const namesOf = (rows: readonly Pick<InventoryRow, 'name'>[]): readonly string[] => rows.map(({ name }) => name);

/** Returns the finding of a check that was not possible. `link` is the page of the permissions. */
export function impossible(thrown: unknown, link: string): Finding {
  const { errorType, message } = inWords(thrown);
  const permission = deniedAction(errorType, message);
  const fix =
    errorType === 'AccessDenied'
      ? 'Ask for the permission, or run doctor as a user who has it.'
      : 'Run cert-renewer doctor again. If it comes again, mend what the message names.';
  return {
    ...{ grade: 'unknown', says: `${errorType}: ${message}`, fix, link },
    ...(permission !== undefined && { permission }),
  };
}
