/** What a command is: words for the help, options, what it needs of AWS, and what it does. */
import type { Entropy } from '../lambdas/domain/ports.ts';
import type { Exit } from './exit.ts';
import type { Needs } from './permissions.ts';
import type { Session } from './session.ts';
import type { Terminal } from './terminal.ts';

export interface OptionSpec {
  /** As commander has it: `--profile <name>`, `--force`. */
  readonly flags: string;
  readonly description: string;
  readonly choices?: readonly string[];
  /** It may stand there several times: all its values count. */
  readonly repeats?: true;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** A flag with a value is text, one without is true. The value is validated by the command. */
type ValueOf<Spec extends OptionSpec> = Spec extends { readonly repeats: true }
  ? readonly string[]
  : Spec['flags'] extends `${string}<${string}`
    ? string
    : boolean;
export type OptionValues<Specs extends OptionSpecs> = {
  readonly [Name in keyof Specs]?: ValueOf<Specs[Name]>;
};

export interface Example {
  readonly command: string;
  readonly says: string;
}

export interface Context {
  readonly terminal: Terminal;
  readonly session: Session;
  readonly entropy: Entropy;
  /** The number of this process, and whether another one lives. */
  readonly process: { readonly pid: number; readonly isAlive: (pid: number) => boolean };
  /** Aborted by the first Ctrl-C: begin nothing new. */
  readonly interrupted: AbortSignal;
}

export interface CommandSpec<Specs extends OptionSpecs = OptionSpecs> {
  readonly name: string;
  readonly summary: string;
  /** Paragraphs for the help and the page. */
  readonly description: readonly string[];
  /** As commander has it: `<name>`, `[names...]`. */
  readonly argument?: {
    readonly name: string;
    readonly description: string;
    readonly choices?: readonly string[];
  };
  readonly options: Specs;
  readonly examples: readonly Example[];
  readonly needs: Needs;
  /** Whether a first Ctrl-C lets what has begun come to its end; else it ends the program. */
  readonly winds?: boolean;
  readonly run: (context: Context, names: readonly string[], options: OptionValues<Specs>) => Promise<Exit>;
}

/** Infers the options' types from their flags. */
export function command<const Specs extends OptionSpecs>(spec: CommandSpec<Specs>): CommandSpec<Specs> {
  return spec;
}
