/** What a completion script offers: for each command its options, and the values of options and of the argument. */
import type { CommandSpec, OptionSpec } from '../command.ts';
import type { WordKind } from '../commands/words.ts';
import { globalOptions } from '../options.ts';

/** Fixed words, words that the command line asks AWS for, files, or nothing that a script could know. */
export type Values =
  | { readonly from: 'choices'; readonly choices: readonly string[] }
  | { readonly from: 'aws'; readonly kind: WordKind }
  | { readonly from: 'files' }
  | { readonly from: 'nowhere' };

export interface CompletedOption {
  /** `--kty` */
  readonly long: string;
  readonly description: string;
  /** Undefined for an option without a value. */
  readonly values: Values | undefined;
}

export interface Completed {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly CompletedOption[];
  readonly argument: Values;
}

/** Options of every command whose values decide which secrets there are. A script passes them on. */
export const targetOptions = ['--stack', '--region', '--profile-name'] as const;

const nowhere: Values = { from: 'nowhere' };

/** Commands that name what does not exist yet. */
const makesNew: ReadonlySet<string> = new Set(['import', 'init']);
/** Commands that name secrets without a tag of cert-renewer. */
const takesAny: ReadonlySet<string> = new Set(['enrol', 'declare']);

export function completedOf({ name, summary, options, argument }: CommandSpec): Completed {
  const all = [...Object.values(options), ...Object.values(globalOptions)];
  return {
    name,
    summary,
    options: all.map((option) => optionOf(name, option)),
    argument: argumentOf(name, argument),
  };
}

function argumentOf(command: string, argument: CommandSpec['argument']): Values {
  if (argument === undefined) return nowhere;
  if (argument.choices) return { from: 'choices', choices: argument.choices };
  if (!/^[<[]names?\b/.test(argument.name) || makesNew.has(command)) return nowhere;
  return { from: 'aws', kind: takesAny.has(command) ? 'secrets' : 'names' };
}

function optionOf(command: string, { flags, description, choices }: OptionSpec): CompletedOption {
  const [long = ''] = /--[a-z0-9-]+/.exec(flags) ?? [];
  const [, value] = /<(\w+)>/.exec(flags) ?? [];
  return { long, description, values: value === undefined ? undefined : valuesOf(command, value, choices) };
}

/** The placeholder of an option says what its value is. */
function valuesOf(command: string, placeholder: string, choices: readonly string[] | undefined): Values {
  if (choices) return { from: 'choices', choices };
  if (placeholder === 'file') return { from: 'files' };
  if (makesNew.has(command) && placeholder !== 'profile') return nowhere;
  if (placeholder === 'profile') return command === 'init' ? nowhere : { from: 'aws', kind: 'profiles' };
  return placeholder === 'secret' ? { from: 'aws', kind: 'names' } : nowhere;
}
