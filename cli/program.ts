/** The command line as a whole: parses the words, runs a command, returns the exit code. */

import { Argument, Command, CommanderError, Option } from 'commander';
import { holdsKey } from '../lambdas/domain/key-text.ts';
import type { Clock, Entropy } from '../lambdas/domain/ports.ts';
import { defaultStackName } from '../lambdas/domain/typed-command.ts';
import manifest from '../package.json' with { type: 'json' };
import type { CommandSpec, Context, Example, OptionSpec, OptionSpecs, OptionValues } from './command.ts';
import { commands } from './commands/index.ts';
import { type Exit, exitCodes, exitOf, explain, UsageError } from './exit.ts';
import { globalOptions } from './options.ts';
import { openSession, type Session, type Target } from './session.ts';
import { type Output, printable, Terminal } from './terminal.ts';

/** What the program takes from its process. */
export interface Edges {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly process: Context['process'];
  readonly cdk: Context['cdk'];
  readonly ask?: Context['ask'];
  /** Registers a listener for each Ctrl-C. */
  readonly onInterrupt: (listener: () => void) => void;
  readonly exit: (code: number) => void;
  /** Default: the real AWS. */
  readonly open?: (target: Target, version: string, clock: Clock) => Session;
}

/** The shell's history and the list of processes contain the key by now. No message repeats it. */
const keyAsWord =
  'One of the words is a private key or a token: name a secret or a file instead. It is in your shell’s history now.';

/** Runs one command line (without node and script) and returns the exit code. Never throws. */
export async function run(argv: readonly string[], edges: Edges): Promise<number> {
  const json = argv.includes('--json');
  let exit: Exit = 'ok';
  try {
    if (argv.some(holdsKey)) throw new UsageError(keyAsWord);
    const program = build(edges, (end) => {
      exit = end;
    });
    await program.parseAsync([...argv], { from: 'user' });
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : exitCodes.usage.code;
    const { errorType, message } = explain(thrown);
    edges.stderr.write(json ? `${JSON.stringify({ error: { errorType, message } })}\n` : errorText(errorType, message));
    exit = exitOf({ errorType, message });
  }
  return exitCodes[exit].code;
}

/** For a new user, and for the person on call. The help of each command has its own examples. */
const firstCommands: readonly Example[] = [
  { command: 'cert-renewer init', says: 'write a first configuration' },
  { command: 'cert-renewer deploy', says: 'deploy it' },
  { command: 'cert-renewer status', says: 'all certificates, the most urgent first' },
  { command: 'cert-renewer status web/tls', says: 'one certificate: why, and what to do' },
  { command: 'cert-renewer doctor', says: 'what is wrong with the stack, and what to do' },
  { command: 'cert-renewer help renew', says: 'a command, with its examples' },
];

/** A message may quote what a function or a service answered. Only its line ends are kept. */
function errorText(errorType: string, message: string): string {
  return `${`${errorType}: ${message}`.split('\n').map(printable).join('\n')}\n`;
}

/** Builds the parser. Calls `ended` with the result of the command. */
export function build(edges: Edges, ended: (exit: Exit) => void): Command {
  const program = new Command('cert-renewer')
    .description('Deploys cert-renewer, shows its certificates, and controls their renewal.')
    .version(manifest.version, '--version', 'print the version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => edges.stdout.write(text),
      writeErr: (text) => edges.stderr.write(text),
      getOutHelpWidth: () => (edges.stdout.isTTY ? (edges.stdout.columns ?? 80) : 100),
      getErrHelpWidth: () => (edges.stderr.isTTY ? (edges.stderr.columns ?? 80) : 100),
    })
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(see --help)')
    .addHelpText('before', examplesText(firstCommands));
  for (const option of Object.values(globalOptions)) program.addOption(optionOf(option));
  for (const spec of commands) add(program, spec, edges, ended);
  return program;
}

function add(program: Command, spec: CommandSpec, edges: Edges, ended: (exit: Exit) => void): void {
  const command = program
    .command(spec.name, { hidden: spec.hidden ?? false })
    .summary(spec.summary)
    .description(spec.description.join('\n\n'))
    .addHelpText('before', examplesText(spec.examples));
  if (spec.argument) {
    const { name, description, choices } = spec.argument;
    const argument = new Argument(name, description);
    command.addArgument(choices ? argument.choices([...choices]) : argument);
  }
  for (const option of Object.values(spec.options)) command.addOption(optionOf(option));
  command.action(async () => {
    const given = command.opts();
    ended(await act(spec, command.args, given, program.opts(), edges));
  });
}

async function act(
  spec: CommandSpec,
  names: readonly string[],
  options: Readonly<Record<string, string | boolean>>,
  globals: Readonly<Record<string, string | boolean>>,
  edges: Edges,
): Promise<Exit> {
  const text = (value: string | boolean | undefined) => (typeof value === 'string' ? value : undefined);
  const region = text(globals['region']);
  const profile = text(globals['profileName']);
  const { stdout, stderr, clock, entropy } = edges;
  const json = globals['json'] === true;
  const terminal = new Terminal({ stdout, stderr, json, noColor: Boolean(edges.env['NO_COLOR']) });
  const target: Target = {
    stackName: text(globals['stack']) ?? defaultStackName,
    aws: { ...(region !== undefined && { region }), ...(profile !== undefined && { profile }) },
  };
  const session = (edges.open ?? openSession)(target, manifest.version, clock);
  const interrupted = new AbortController();
  edges.onInterrupt(() => {
    terminal.progress('');
    if (interrupted.signal.aborted || !spec.winds) edges.exit(exitCodes.interrupted.code);
    interrupted.abort();
  });
  try {
    const exit = await spec.run(
      {
        terminal,
        session,
        entropy,
        process: edges.process,
        cdk: edges.cdk,
        ask: edges.ask,
        interrupted: interrupted.signal,
      },
      names,
      options as OptionValues<OptionSpecs>,
    );
    if (spec.leavesCalls) edges.exit(exitCodes[exit].code);
    return exit;
  } finally {
    terminal.progress('');
  }
}

function optionOf({ flags, description, choices, repeats }: OptionSpec): Option {
  const option = new Option(flags, description);
  if (choices) option.choices([...choices]);
  const { parseArg } = option; // set by the choices: it refuses any other value
  if (!repeats) return option;
  return option.argParser((value, before: readonly string[] = []) => {
    parseArg?.(value, undefined);
    return [...before, value];
  });
}

export function examplesText(examples: readonly Example[]): string {
  const width = Math.max(...examples.map(({ command }) => command.length));
  const lines = examples.map(({ command, says }) => `  ${command.padEnd(width)}  ${says}`);
  return `Examples:\n${lines.join('\n')}\n`;
}
