/** `completion`: scripts for bash, zsh and fish. */
import type { CommandSpec } from '../command.ts';
import { command } from '../command.ts';
import { bashScript, zshScript } from '../completion/bash.ts';
import { fishScript } from '../completion/fish.ts';
import { type Completed, completedOf } from '../completion/words.ts';
import { listSecrets } from '../permissions.ts';

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const satisfies Record<
  string,
  (commands: readonly Completed[]) => string
>;
type Shell = keyof typeof scripts;
const shells = Object.keys(scripts) as readonly Shell[];

/** `commands` comes from index.ts, which imports this file. */
export const completionOf = (commands: () => readonly CommandSpec[]) =>
  command({
    name: 'completion',
    summary: 'print a completion script for bash, zsh or fish',
    description: [
      'Prints a script that completes commands, options, the values of options, names of secrets and profiles. It also completes after npx cert-renewer.',
      'For names the script asks AWS, with the --stack, --region and --profile-name of the line. It offers nothing if AWS refuses, or does not answer within about two seconds.',
    ],
    argument: { name: '<shell>', description: 'bash, zsh or fish', choices: shells },
    options: {},
    examples: [
      { command: 'source <(cert-renewer completion bash)', says: 'in ~/.bashrc' },
      { command: 'source <(cert-renewer completion zsh)', says: 'in ~/.zshrc, below compinit' },
      { command: 'cert-renewer completion fish | source', says: 'in ~/.config/fish/config.fish' },
    ],
    needs: [
      { ...listSecrets, when: 'the script completes names of secrets' },
      { actions: ['cloudformation:ListStackResources'], on: 'stack', when: 'the script completes profiles' },
    ],
    run: async ({ terminal }, [shell]) => {
      const script = scripts[shell as Shell](commands().map(completedOf)); // the parser checks the choices
      if (terminal.json) terminal.record({ shell, script });
      else terminal.print(script);
      return 'ok';
    },
  });
