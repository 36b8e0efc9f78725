/** Tries the groups side by side. Deletes the resources of each group when the group is done. */
import type { Group } from './group.ts';
import { errorText, notTried, type Outcome, toldOf } from './outcome.ts';
import { type Account, type Ask, costs, type Kind, type Options, Room } from './room.ts';
import type { Left } from './trail.ts';

export interface Run {
  readonly account: Account;
  readonly options: Options;
  /** `cert-renewer-check-<8 hex>` */
  readonly prefix: string;
  readonly groups: readonly Group[];
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  readonly ask: Ask;
  readonly say: (line: string) => void;
}

export interface Result {
  readonly isAsDocumented: boolean;
  /** Resources that could not be deleted. */
  readonly left: readonly Left[];
}

/** Prints a line for each behaviour as soon as its outcome is known. Never throws. */
export async function tryAll(run: Run): Promise<Result> {
  const outcomes: Outcome[] = [];
  const left: Left[] = [];
  const all = run.groups.map(async ({ makes, behaviours, run: tryGroup }) => {
    const { account, options, prefix, signal, ask } = run;
    const room = new Room({ account, options, prefix, makes, signal, ask });
    const tell = (line: string, outcome: Outcome): void => {
      outcomes.push(outcome);
      const says = behaviours.find((behaviour) => behaviour.line === line)?.says;
      run.say(`${line} ${says}: ${toldOf(outcome)}`);
    };
    try {
      await tryGroup(room, tell);
    } finally {
      left.push(...(await room.trail.undo(room.limit(3))));
    }
  });
  for (const ended of await Promise.allSettled(all)) {
    if (ended.status === 'rejected') outcomes.push(notTried(errorText(ended.reason)));
  }
  return { isAsDocumented: outcomes.every(({ verdict }) => verdict === 'as documented'), left };
}

/** Returns what the user agrees to: the resources, their account and Region, and their cost. */
export function plan({
  account,
  prefix,
  groups,
  options,
}: Pick<Run, 'account' | 'prefix' | 'groups' | 'options'>): string {
  const made = groups.flatMap(({ makes }) => makes);
  const kinds = (Object.keys(costs) as Kind[]).filter((kind) => made.some((each) => each.kind === kind));
  const names = (kind: Kind) => made.filter((each) => each.kind === kind).map(({ part }) => `${prefix}-${part}`);
  const { email, instanceTag } = options;
  return [
    'check-aws tries how AWS behaves where cert-renewer rests on it, and tells one line a behaviour.',
    `Account ${account.id}, Region ${account.region}, as ${account.caller}.${account.secondRegion === undefined ? '' : ` The dashboard is looked at from ${account.secondRegion} too.`}`,
    '',
    'It will make these, and take them away again. What costs what is an estimate, in US dollars (us-east-1):',
    ...kinds.flatMap((kind) => [`  ${kind} (${costs[kind]})`, ...names(kind).map((name) => `    ${name}`)]),
    'All in all that is an estimated 0.05, and less than 0.50 should all of it stay for a day.',
    'A KMS key can only be deleted after a wait of seven days, which costs nothing; its description is its name.',
    ...(instanceTag
      ? [`It will run the command "true" on the instances with the tag ${instanceTag.key}=${instanceTag.value}.`]
      : []),
    ...(email === undefined ? [] : [`It will send two e-mails to ${email}, and ask you what they say.`]),
    'It takes up to fifteen minutes. Ctrl-C ends it early, and takes away what was made.',
  ].join('\n');
}
