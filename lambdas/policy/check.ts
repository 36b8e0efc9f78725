/** A check is a named function of one input. A chain is a list of checks, and the first one with an answer decides. */
import type { Decision } from '../domain/decision.ts';

/** Returns a decision, or undefined to let the next check decide. */
export type Check<Input> = (input: Input) => Decision | undefined;

export function firstOf<Input>(chain: readonly Check<Input>[], input: Input): Decision | undefined {
  for (const check of chain) {
    const decision = check(input);
    if (decision) return decision;
  }
  return undefined;
}

export function skip(code: Decision['code'], message: string): Decision {
  return { action: 'skip', code, message };
}
