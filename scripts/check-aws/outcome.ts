/** The outcome of one behaviour of AWS: one line of the report. */
export type Outcome =
  | { readonly verdict: 'as documented'; readonly seen?: string }
  | { readonly verdict: 'not as documented'; readonly seen: string }
  | { readonly verdict: 'not tried'; readonly why: string };

/** `seen` is an observation worth reporting: a name, a time. */
export const asDocumented = (seen?: string): Outcome =>
  seen === undefined ? { verdict: 'as documented' } : { verdict: 'as documented', seen };

export const otherwise = (seen: string): Outcome => ({ verdict: 'not as documented', seen });

export const notTried = (why: string): Outcome => ({ verdict: 'not tried', why });

/** Judges a behaviour with several aspects. Without `problems` it is as documented. */
export const judged = (problems: readonly string[], seen?: string): Outcome =>
  problems.length === 0 ? asDocumented(seen) : otherwise(problems.join('; '));

/** Returns the verdict with the observation, on one line. */
export function toldOf(outcome: Outcome): string {
  switch (outcome.verdict) {
    case 'as documented':
      return outcome.seen === undefined ? outcome.verdict : `${outcome.verdict} (${oneLine(outcome.seen)})`;
    case 'not as documented':
      return `${outcome.verdict}: ${oneLine(outcome.seen)}`;
    default:
      return `${outcome.verdict}: ${oneLine(outcome.why)}`;
  }
}

/** `InvalidParameterException: <AWS's words>`. */
export const errorText = (thrown: unknown): string =>
  thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();
