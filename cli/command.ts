/** The parts of a command: help texts, options, IAM permissions, and the code that runs. */
import type { Entropy } from '../lambdas/domain/ports.ts';
import type { Cdk } from './cdk.ts';
import type { Exit } from './exit.ts';
import type { Needs } from './permissions.ts';
import type { Session } from './session.ts';
import type { Terminal } from './terminal.ts';

export interface OptionSpec {
  /** In commander's notation: `--profile <name>`, `--force`. */
  readonly flags: string;
  readonly description: string;
  readonly choices?: readonly string[];
  /** The option may be repeated; all its values count. */
  readonly repeats?: true;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** Text for a flag with a value, true for one without. The command validates the value. */
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
  /** The id of this process, and whether another process is alive. */
  readonly process: { readonly pid: number; readonly isAlive: (pid: number) => boolean };
  readonly cdk: Cdk;
  /** Asks a person; undefined as the answer if the input has ended. Missing without a terminal. */
  readonly ask?: ((question: string) => Promise<string | undefined>) | undefined;
  /** Aborted by the first Ctrl-C. The command starts nothing new then. */
  readonly interrupted: AbortSignal;
}

export interface CommandSpec<Specs extends OptionSpecs = OptionSpecs> {
  readonly name: string;
  readonly summary: string;
  /** Paragraphs, for the help and for docs/cli.md. */
  readonly description: readonly string[];
  /** In commander's notation: `<name>`, `[names...]`. */
  readonly argument?: {
    readonly name: string;
    readonly description: string;
    readonly choices?: readonly string[];
  };
  readonly options: Specs;
  readonly examples: readonly Example[];
  readonly needs: Needs;
  /** Whether the command completes its running work after a first Ctrl-C. By default Ctrl-C ends the program. */
  readonly winds?: boolean;
  /** Whether the help and docs/cli.md leave the command out. */
  readonly hidden?: true;
  /** Whether the program ends with the command, even if a call is not answered yet. */
  readonly leavesCalls?: true;
  readonly run: (context: Context, names: readonly string[], options: OptionValues<Specs>) => Promise<Exit>;
}

/** Infers the types of the options from their flags. */
export function command<const Specs extends OptionSpecs>(spec: CommandSpec<Specs>): CommandSpec<Specs> {
  return spec;
}
