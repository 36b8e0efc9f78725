/** `completion`: scripts for bash, zsh and fish. */
import type { CommandSpec } from '../command.ts';
import { command, type OptionSpec } from '../command.ts';
import { globalOptions } from '../options.ts';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

/** `commands` comes from index.ts, which imports this file. */
export const completionOf = (commands: () => readonly CommandSpec[]) =>
  command({
    name: 'completion',
    summary: 'print a completion script for bash, zsh or fish',
    description: ['Prints a script that completes commands, options and the values of options.'],
    argument: { name: '<shell>', description: 'bash, zsh or fish', choices: shells },
    options: {},
    examples: [
      { command: 'source <(cert-renewer completion bash)', says: 'in ~/.bashrc' },
      { command: 'source <(cert-renewer completion zsh)', says: 'in ~/.zshrc, below compinit' },
      { command: 'cert-renewer completion fish | source', says: 'in ~/.config/fish/config.fish' },
    ],
    needs: [],
    run: async ({ terminal }, [shell]) => {
      const script = completionScript(shell as Shell, commands()); // the parser checks the choices
      if (terminal.json) terminal.record({ shell, script });
      else terminal.print(script);
      return 'ok';
    },
  });

interface Word {
  readonly long: string;
  readonly description: string;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
}

const wordsOf = (options: Readonly<Record<string, OptionSpec>>): Word[] =>
  Object.values(options).map(({ flags, description, choices = [] }) => {
    const [long = ''] = /--[a-z0-9-]+/.exec(flags) ?? [];
    return { long, description, takesValue: flags.includes('<'), choices };
  });

export function completionScript(shell: Shell, commands: readonly CommandSpec[]): string {
  const all = commands.map(({ name, summary, options, argument }) => {
    return { name, summary, words: [...wordsOf(options), ...wordsOf(globalOptions)], values: argument?.choices ?? [] };
  });
  if (shell === 'fish') return fish(all);
  return shell === 'zsh' ? `autoload -Uz bashcompinit && bashcompinit\n${bash(all)}` : bash(all);
}

interface Completed {
  readonly name: string;
  readonly summary: string;
  readonly words: readonly Word[];
  /** The choices of the argument. */
  readonly values: readonly string[];
}

/** Offers options and the choices of options. For any other value of an option the shell offers files. */
function bash(commands: readonly Completed[]): string {
  const cases = commands.map(({ name, words, values }) => {
    const offered = [...words.map(({ long }) => long), '--help', ...values].join(' ');
    const valued = words.flatMap(({ long, choices }) => choices.map((choice) => [long, choice] as const));
    const byOption = [...new Set(valued.map(([long]) => long))].map((long) => {
      const choices = valued.filter(([of]) => of === long).map(([, choice]) => choice);
      return `        ${long}) COMPREPLY=($(compgen -W '${choices.join(' ')}' -- "$cur")); return ;;`;
    });
    const free = words.filter(({ takesValue, choices }) => takesValue && choices.length === 0).map(({ long }) => long);
    const files = `        ${free.join('|')}) COMPREPLY=($(compgen -f -- "$cur")); return ;;`;
    return [
      `    ${name})`,
      '      case "$prev" in',
      ...byOption,
      files,
      '      esac',
      `      COMPREPLY=($(compgen -W '${offered}' -- "$cur")) ;;`,
    ].join('\n');
  });
  const names = [...commands.map(({ name }) => name), 'help'].join(' ');
  return `_cert_renewer() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" command="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) command="$word"; break ;; esac
  done
  COMPREPLY=()
  case "$command" in
    "") COMPREPLY=($(compgen -W '${names}' -- "$cur")) ;;
${cases.join('\n')}
  esac
}
complete -o bashdefault -o default -F _cert_renewer cert-renewer`;
}

const quoted = (text: string): string => `'${text.replace(/\\/g, '\\\\').replace(/'/g, "\\'")}'`;

function fish(commands: readonly Completed[]): string {
  const lines = commands.flatMap(({ name, summary, words, values }) => [
    `complete -c cert-renewer -n __fish_use_subcommand -f -a ${name} -d ${quoted(summary)}`,
    ...values.map((value) => `complete -c cert-renewer -n '__fish_seen_subcommand_from ${name}' -f -a ${value}`),
    ...words.map(({ long, description, takesValue, choices }) => {
      const value = choices.length > 0 ? ` -x -a '${choices.join(' ')}'` : takesValue ? ' -r' : '';
      return `complete -c cert-renewer -n '__fish_seen_subcommand_from ${name}' -l ${long.slice(2)}${value} -d ${quoted(description)}`;
    }),
  ]);
  return lines.join('\n');
}
