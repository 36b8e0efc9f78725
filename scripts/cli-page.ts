/** `npm run cli:page`: makes docs/cli.md from the help of the commands. A test compares the page. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { CommandSpec, OptionSpec } from '../cli/command.ts';
import { commands } from '../cli/commands/index.ts';
import { commandErrors, exitCodes } from '../cli/exit.ts';
import { globalOptions } from '../cli/options.ts';
import { explainNeed } from '../cli/permissions.ts';

const head = `# The command line

\`npm run cli:page\` makes this page from the help of the commands. Do not edit it.

\`npx cert-renewer <command>\` works wherever the package \`cert-renewer\` is installed, and in a clone after \`npm ci\`. It finds the stack by
its name, and takes credentials as the AWS CLI does: environment, configuration files, SSO. Results go to stdout, the rest goes to stderr.
Colours and progress appear on a terminal only; \`NO_COLOR\` switches colours off.
`;

/** Returns the text of the page. */
export function cliPage(): string {
  const everywhere = section(
    'Options of every command',
    table(['option', ''], Object.values(globalOptions).map(optionRow)),
  );
  const codes = Object.values(exitCodes).map(({ code, meaning }) => [String(code), meaning]);
  const errors = Object.entries(commandErrors).map(([name, { meaning, exit }]) => [
    `\`${name}\``,
    meaning,
    String(exitCodes[exit].code),
  ]);
  const ofOthers = `A message begins with the code of its error. The command line has codes of its own. A certificate, a function or a denied call has a code of
the table in [errors.md](errors.md). If only one of several secrets fails, the exit code is 1.`;
  const json = `With \`--json\` each result is one JSON object on its own line (NDJSON). Times are in RFC 3339, unknown values are null. A failure for one
secret has \`error: { errorType, message }\`. A failure of the whole command is such an object on stderr.`;
  return [
    head,
    everywhere,
    section('Exit codes', table(['code', 'meaning'], codes)),
    section('Error codes', `${ofOthers}\n\n${table(['code', 'meaning', 'exit code'], errors)}`),
    section('For programs', json),
    ...commands.filter(({ hidden }) => !hidden).map(commandSection),
  ].join('\n');
}

function commandSection(spec: CommandSpec): string {
  const { name, summary, description, argument, options, examples, needs } = spec;
  const lines = examples.map(({ command, says }) => `${command}    # ${says}`);
  const usage = `cert-renewer ${name} [options]${argument ? ` ${argument.name}` : ''}`;
  const words = [
    ...(argument ? [[`\`${argument.name}\``, argument.description]] : []),
    ...Object.values(options).map(optionRow),
  ];
  const rows = needs.map(explainNeed).map(({ actions, on, when }) => [actions, on, when]);
  const parts = [
    `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`,
    `\`\`\`\n${lines.join('\n')}\n\`\`\``,
    ...description,
    `Usage: \`${usage}\``,
    ...(words.length > 0 ? [table(['', ''], words)] : []),
    rows.length > 0 ? `IAM permissions:\n\n${table(['actions', 'on', 'when'], rows)}` : 'It needs no IAM permission.',
  ];
  return section(name, parts.join('\n\n'));
}

const section = (title: string, body: string): string => `## ${title}\n\n${body}\n`;

const optionRow = ({ flags, description, choices }: OptionSpec): string[] => [
  `\`${flags}\``,
  choices ? `${description}: ${choices.map((choice) => `\`${choice}\``).join(', ')}` : description,
];

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(heads), `|${'---|'.repeat(heads.length)}`, ...rows.map(line)].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(fileURLToPath(new URL('../docs/cli.md', import.meta.url)), cliPage());
}
