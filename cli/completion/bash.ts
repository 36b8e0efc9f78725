/** The completion script for bash, and the one for zsh, which runs the same functions. */
import { type Completed, targetOptions, type Values } from './words.ts';

/** In single quotes, for any shell of the two. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function offer(values: Values | undefined): string {
  if (values?.from === 'choices') return `_cert_renewer_offer ${values.choices.map(quoted).join(' ')}`;
  if (values?.from === 'aws') return `_cert_renewer_ask ${values.kind}`;
  return values?.from === 'files' ? '_cert_renewer_files' : ':';
}

/** The branches for the values of options and for the words of each command. */
function branches(commands: readonly Completed[]): { values: string[]; words: string[] } {
  const values = commands.flatMap(({ name, options }) =>
    options.flatMap(({ long, values: of }) => (of ? [`    '${name} ${long}') ${offer(of)}; return ;;`] : [])),
  );
  const words = commands.map(({ name, options, argument }) => {
    const longs = [...options.map(({ long }) => long), '--help'].join(' ');
    const isOption = argument.from === 'nowhere' ? '*' : '-*';
    const rest = argument.from === 'nowhere' ? '' : ` *) ${offer(argument)} ;;`;
    return `    ${name}) case "$plain" in ${isOption}) _cert_renewer_offer ${longs} ;;${rest} esac ;;`;
  });
  return { values, words };
}

/** `typed`: the words of the line. bash has cut them at `:` and `=`, and replaces only what follows the last of these. */
const functions = String.raw`
_cert_renewer_offer() {
  local each
  for each in "$@"; do
    each="$before$each"
    [[ "$each" == "$plain"* ]] || continue
    each="${'$'}{each#"$kept"}"
    [[ -n "$bare" ]] || printf -v each '%q' "$each"
    COMPREPLY+=("$each")
  done
}
_cert_renewer_ask() {
  local each asked=() limit=() program=(cert-renewer)
  [[ -z "$via" ]] || program=(npx --no --offline cert-renewer)
  ! command -v timeout >/dev/null || limit=(timeout 3)
  while IFS= read -r each; do
    [[ -z "$each" ]] || asked+=("$each")
  done <<< "$("${'$'}{limit[@]}" "${'$'}{program[@]}" __complete "$1" --prefix="${'$'}{plain#"$before"}" "${'$'}{target[@]}" 2>/dev/null </dev/null)"
  _cert_renewer_offer "${'$'}{asked[@]}"
}
_cert_renewer_files() {
  compopt -o default 2>/dev/null
}
_cert_renewer() {
  local typed=() target=() each i last=-1 command="" option="" before="" kept="" bare=""
  for ((i = 0; i <= COMP_CWORD; i++)); do
    each="${'$'}{COMP_WORDS[i]}"
    if [[ -z "${'$'}{ZSH_VERSION-}" && $last -ge 0 ]] && [[ "$each" == [:=]* || "${'$'}{typed[last]}" == *[:=] ]]; then
      typed[last]="${'$'}{typed[last]}$each"
    else
      last=$((last + 1))
      typed[last]="$each"
    fi
  done
  for ((i = 1; i < last; i++)); do
    each="${'$'}{typed[i]}"
    if [[ -n "$option" ]]; then
      case "$option" in @targets@) target+=("$option" "$each") ;; esac
      option=""
      continue
    fi
    case "$each" in
      @targetValues@) target+=("$each") ;;
      @valued@) option="$each" ;;
      -*) ;;
      *) [[ -n "$command" ]] || command="$each" ;;
    esac
  done
  local word="${'$'}{typed[last]}" plain
  plain="${'$'}{word//\\/}"
  plain="${'$'}{plain#[\"\']}"
  case "$plain" in --*=*) option="${'$'}{plain%%=*}" before="${'$'}{plain%%=*}=" ;; esac
  if [[ -n "${'$'}{ZSH_VERSION-}" ]]; then
    bare=zsh
  else
    kept="${'$'}{plain%"${'$'}{plain##*[:=]}"}"
    case "$word" in [\"\']*) bare=quoted ;; esac
  fi
  COMPREPLY=()
  compopt +o default 2>/dev/null
  case "$command $option" in
@values@
    *' --'*) return ;;
  esac
  case "$command" in
    "") case "$plain" in -*) _cert_renewer_offer @globals@ ;; *) _cert_renewer_offer @names@ ;; esac ;;
@words@
  esac
}
_cert_renewer_npx() {
  local i via=npx
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "${'$'}{COMP_WORDS[i]}" in
      -*) ;;
      cert-renewer)
        COMP_WORDS=("${'$'}{COMP_WORDS[@]:$i}")
        COMP_CWORD=$((COMP_CWORD - i))
        _cert_renewer
        return
        ;;
      *) break ;;
    esac
  done
  [[ -z "$_cert_renewer_npx_before" ]] || "$_cert_renewer_npx_before" "$@"
}`;

/** Keeps the completion of npx that bash has, for other programs. */
const forBash = `
via=""
complete -o default -F _cert_renewer cert-renewer
_cert_renewer_npx_now="$(complete -p npx 2>/dev/null | sed -n 's/.* -F \\([^ ]*\\) .*/\\1/p')"
[[ "$_cert_renewer_npx_now" == _cert_renewer_npx ]] || _cert_renewer_npx_before="$_cert_renewer_npx_now"
complete -o default -F _cert_renewer_npx npx`;

/** The same in zsh. */
const forZsh = `
_cert_renewer_zsh_npx() {
  local at=2
  while [[ "\${words[at]}" == -* ]]; do at=$((at + 1)); done
  if [[ "\${words[at]}" == cert-renewer ]] && ((at < CURRENT)); then
    _bash_complete -o default -F _cert_renewer_npx
  else
    \${_cert_renewer_zsh_before:-_default} "$@"
  fi
}
complete -o default -F _cert_renewer cert-renewer
[[ "\${_comps[npx]-}" == _cert_renewer_zsh_npx ]] || _cert_renewer_zsh_before="\${_comps[npx]-}"
compdef _cert_renewer_zsh_npx npx`;

export function bashScript(commands: readonly Completed[]): string {
  return `${body(commands)}${forBash}`;
}

export function zshScript(commands: readonly Completed[]): string {
  return `autoload -Uz bashcompinit && bashcompinit${body(commands)}${forZsh}`;
}

function body(commands: readonly Completed[]): string {
  const { values, words } = branches(commands);
  const options = commands.flatMap(({ options: of }) => of);
  const valued = new Set(options.flatMap(({ long, values: of }) => (of ? [long] : [])));
  const parts: Readonly<Record<string, string>> = {
    targets: targetOptions.join('|'),
    targetValues: targetOptions.map((option) => `${option}=*`).join('|'),
    valued: [...valued].join('|'),
    globals: [...targetOptions, '--json', '--help', '--version'].join(' '),
    names: [...commands.map(({ name }) => name), 'help'].join(' '),
    values: values.join('\n'),
    words: words.join('\n'),
  };
  return functions.replace(/@(\w+)@/g, (_, part: string) => parts[part] ?? '');
}
