/** Starts `cert-renewer` as a user does: in a process of its own, in a pipe or in a terminal. */
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import { cachePath } from '../../testkit/tools/cache.ts';
import { type Finished, run } from '../../testkit/tools/process.ts';
import type { CommandLine } from './built-command-line.ts';

const inTerminal = fileURLToPath(new URL('./in_terminal.py', import.meta.url));

declare module 'vitest' {
  interface ProvidedContext {
    commandLine: CommandLine | undefined;
  }
}

/** The program of this clone, which loads the sources. */
const source: CommandLine = {
  program: fileURLToPath(new URL('../../cli/cert-renewer.mjs', import.meta.url)),
  compiled: cachePath('compiled'),
};
/** In the e2e tests the program that the package contains, because a start of it takes half the CPU time. The local tests start that of the clone. */
export const commandLine = (): CommandLine => inject('commandLine') ?? source;

export type Environment = Readonly<Record<string, string>>;

/**
 * This process's environment, without the variables that would change the answer. A compile cache halves the work of later
 * starts.
 */
function environment(env: Environment): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(AWS_|NO_COLOR|FORCE_COLOR|CI$)/.test(name));
  return { ...Object.fromEntries(own), NODE_COMPILE_CACHE: commandLine().compiled, ...env };
}

/** `output` is stdout and stderr in the order of their arrival. */
export function inPipe(env: Environment, ...words: readonly string[]): Promise<Finished> {
  return run(process.execPath, [commandLine().program, ...words], { env: environment(env), timeout: 120_000 });
}

export interface TerminalOptions {
  readonly columns?: number;
  /** A regular expression of Python. Ctrl-C is typed at its first match. */
  readonly interruptAt?: string;
}

/** `output` is everything that was sent to the terminal, control sequences included. */
export function onTerminal(
  env: Environment,
  words: readonly string[],
  options: TerminalOptions = {},
): Promise<Finished> {
  const { columns = 100, interruptAt = '' } = options;
  const started = [String(columns), interruptAt, '--', process.execPath, commandLine().program, ...words];
  return run('python3', [inTerminal, ...started], {
    env: environment({ TERM: 'xterm-256color', ...env }),
    timeout: 120_000,
  });
}

/** Returns what stays on the screen, without lines that were overwritten or erased. */
export function screen(output: string): string[] {
  return (
    output
      .split('\n')
      .map((line) => line.split('\r\u001b[2K').at(-1) ?? '')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: colours
      .map((line) => line.replace(/\u001b\[\d+m/g, '').replace(/\r/g, ''))
  );
}
