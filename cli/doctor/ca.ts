/** The CAs. The renew function asks them, because only its network reaches them. */
import { count } from '../../lambdas/domain/count.ts';
import { docs } from '../../lambdas/domain/docs.ts';
import { isErrorCode } from '../../lambdas/domain/errors.ts';
import { adviceFor } from '../../lambdas/inventory/advice.ts';
import type { InventoryRow } from '../../lambdas/inventory/row.ts';
import type { CaAdvice } from '../../lambdas/providers/kind.ts';
import { FunctionFailure } from '../aws/functions.ts';
import type { Session } from '../session.ts';
import { type Finding, fault, impossible, namesOf, ok } from './finding.ts';
import { listed, plain } from './words.ts';

/** How the CA of a profile answered. */
export type CaAnswer = { readonly profile: string } & (
  | { readonly kind: 'answers' }
  /** `errorType` is one of our codes, or Lambda's name for a failure of the function itself. */
  | { readonly kind: 'fails'; readonly functionName: string; readonly errorType: string; readonly message: string }
  | { readonly kind: 'not asked'; readonly thrown: unknown }
);

export async function askCa({ functions, output }: Session, profile: string): Promise<CaAnswer> {
  const functionName = await output('RenewFunctionName');
  try {
    await functions.invoke(functionName, { askCa: profile });
    return { profile, kind: 'answers' };
  } catch (thrown) {
    if (!(thrown instanceof FunctionFailure)) return { profile, kind: 'not asked', thrown };
    return { profile, kind: 'fails', functionName, errorType: thrown.errorType, message: plain(thrown.message) };
  }
}

/** A CA that fails, the profiles that have it, and the certificates that failed with the same code. */
export interface FailingCa {
  readonly functionName: string;
  readonly errorType: string;
  readonly message: string;
  readonly profiles: readonly string[];
  readonly rows: readonly InventoryRow[];
}

/**
 * Groups the failures: the same CA gives the same message for each of its profiles. Takes the certificates with `codeOf` that failure,
 * so that the caller reports them nowhere else.
 */
export function failingCas(
  answers: readonly CaAnswer[],
  rows: readonly InventoryRow[],
  codeOf: (row: InventoryRow) => string | undefined,
): readonly FailingCa[] {
  const found = new Map<string, FailingCa & { profiles: string[]; rows: InventoryRow[] }>();
  for (const answer of answers) {
    if (answer.kind !== 'fails') continue;
    const { functionName, errorType, message, profile } = answer;
    // The message of a function that broke off has the id of the request.
    const key = isErrorCode(errorType) ? `${errorType} ${message}` : errorType;
    const one = found.get(key) ?? { functionName, errorType, message, profiles: [], rows: [] };
    one.profiles.push(profile);
    one.rows.push(...rows.filter((row) => row.profile === profile && codeOf(row) === errorType));
    found.set(key, one);
  }
  return [...found.values()];
}

export function findingOfCa(failing: FailingCa, advice: CaAdvice): Finding {
  const { functionName, errorType, message, profiles, rows } = failing;
  if (!isErrorCode(errorType)) {
    return fault(`${listed(profiles)}: the renew function failed when it asked the CA (${errorType}). ${message}`, {
      fix: `See the end of the log of the function ${functionName}. If it lacks memory or time, report it.`,
      link: docs('operations.md', 'logs'),
    });
  }
  const { means, ...remedy } = adviceFor(errorType, advice);
  const failed =
    rows.length === 0 ? 'No certificate has failed for it yet.' : `${count(rows.length, 'certificate')} failed for it.`;
  return fault(`${listed(profiles)}: ${errorType}, ${means}. ${message} ${failed}`, remedy, namesOf(rows));
}

/** Returns what is well, and what was not possible. */
export function otherAnswers(answers: readonly CaAnswer[]): readonly Finding[] {
  return answers.flatMap((answer) => {
    if (answer.kind === 'answers') return [ok(`${answer.profile}: its CA answers.`)];
    if (answer.kind === 'not asked') return [impossible(answer.thrown, docs('cli.md', 'doctor'))];
    return [];
  });
}
