/** The completion script for fish. */
import { type Completed, targetOptions, type Values } from './words.ts';

const quoted = (text: string): string => `'${text.replace(/\\/g, '\\\\').replace(/'/g, "\\'")}'`;

/** Words for `-a`, which fish splits at spaces outside of quotes. */
function words(values: Values): string {
  if (values.from === 'aws') return quoted(`(__cert_renewer_ask ${values.kind})`);
  const choices = values.from === 'choices' ? values.choices : [];
  return quoted(choices.map((choice) => (choice.includes(' ') ? `"${choice}"` : choice)).join(' '));
}

function value(values: Values | undefined): string {
  if (values === undefined) return '';
  if (values.from === 'files') return ' -r -F';
  return values.from === 'nowhere' ? ' -x' : ` -x -a ${words(values)}`;
}

const functions = `function __cert_renewer_ask
    string match -qr '^-[^=]*$' -- (commandline -ct); and return
    set -l typed (commandline -opc)
    set -l target
    for i in (seq (count $typed))
        switch $typed[$i]
            case ${targetOptions.join(' ')}
                set -a target $typed[$i] $typed[(math $i + 1)]
            case ${targetOptions.map((option) => `'${option}=*'`).join(' ')}
                set -a target $typed[$i]
        end
    end
    set -l prefix (commandline -ct | string unescape | string replace -r '^--[^=]*=' '')
    set -l program $__cert_renewer_via cert-renewer
    type -q timeout; and set -p program timeout 3
    command $program __complete $argv[1] --prefix="$prefix" $target 2>/dev/null </dev/null
end
function __cert_renewer_in_npx
    for word in (commandline -opc)[2..]
        switch $word
            case cert-renewer
                return 0
            case '-*'
            case '*'
                return 1
        end
    end
    return 1
end
function __cert_renewer_npx
    set -l typed (commandline -opc)
    set -l at (contains -i cert-renewer $typed)
    set -l line (string escape -- $typed[$at..]) (commandline -ct)
    set -g __cert_renewer_via npx --no --offline
    complete -C (string join ' ' -- $line)
    set -e __cert_renewer_via
end
complete -c npx -n __cert_renewer_in_npx -f -a '(__cert_renewer_npx)'
complete -c cert-renewer -f`;

export function fishScript(commands: readonly Completed[]): string {
  const lines = commands.flatMap(({ name, summary, options, argument }) => {
    const seen = `complete -c cert-renewer -n '__fish_seen_subcommand_from ${name}'`;
    return [
      `complete -c cert-renewer -n __fish_use_subcommand -f -a ${name} -d ${quoted(summary)}`,
      ...(argument.from === 'nowhere' ? [] : [`${seen} -f -a ${words(argument)}`]),
      ...options.map(({ long, description, values }) => {
        return `${seen} -l ${long.slice(2)}${value(values)} -d ${quoted(description)}`;
      }),
    ];
  });
  return [functions, ...lines].join('\n');
}
