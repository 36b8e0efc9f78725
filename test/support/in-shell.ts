/** Completes lines in a real shell, as a person does with the tab key, and tells which words the program then got. */
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../../testkit/tools/process.ts';
import { temporaryFolder } from '../../testkit/tools/temporary.ts';

const inShell = fileURLToPath(new URL('./in_shell.py', import.meta.url));

export const hasShell = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0;

/** The file that each shell reads at its start, a prompt for in_shell.py, and the arguments to start it. */
const shells = {
  bash: { before: '', prompt: "PS1='READY>'", start: (file: string) => ['--noprofile', '--rcfile', file, '-i'] },
  zsh: { before: 'autoload -Uz compinit && compinit -D', prompt: "PS1='READY>'", start: () => ['-i'] },
  fish: {
    before: '',
    prompt: "function fish_prompt; echo -n 'READY>'; end",
    start: (file: string) => ['--no-config', '-C', `source ${file}`, '-i'],
  },
} as const;
export type Shell = keyof typeof shells;

/** What the program answers when the script asks it: the lines, by `names`, `secrets` and `profiles`. */
export type Answers = Readonly<Record<string, readonly string[]>>;

export interface Typed {
  /** The words of each run, the program first. */
  readonly ran: readonly (readonly string[])[];
  /** The same of each question of the script. */
  readonly asked: readonly (readonly string[])[];
  readonly output: string;
}

/** Types each line and Enter. `cert-renewer`, `npx` and `other` are programs that note their words. */
export async function typeInto(
  shell: Shell,
  script: string,
  answers: Answers,
  lines: readonly string[],
): Promise<Typed> {
  const { path, remove } = await temporaryFolder('shell');
  try {
    const { before, prompt, start } = shells[shell];
    const bin = join(path, 'bin');
    await mkdir(bin);
    for (const [kind, words] of Object.entries(answers)) await writeFile(join(path, kind), `${words.join('\n')}\n`);
    const note = (file: string) => `{ printf '%s\\0' "\${0##*/}" "$@"; echo; } >> ${join(path, file)}`;
    const program = `#!/bin/sh
case "$1 $4" in
  "__complete "*) ${note('asked')}; cat ${path}/"$2" ;;
  "--no __complete") ${note('asked')}; cat ${path}/"$5" ;;
  *) ${note('ran')} ;;
esac
`;
    for (const name of ['cert-renewer', 'npx', 'other']) await writeFile(join(bin, name), program, { mode: 0o755 });
    const file = join(path, '.zshrc'); // zsh reads this name only
    await writeFile(file, [before, script, prompt, ''].join('\n'));
    await Promise.all(['asked', 'ran'].map((name) => writeFile(join(path, name), '')));
    const { output } = await run('python3', [inShell, JSON.stringify(lines), shell, ...start(file)], {
      env: { PATH: `${bin}:${process.env['PATH']}`, HOME: path, ZDOTDIR: path, TERM: 'xterm' },
      timeout: 100_000,
    });
    const noted = async (name: string) =>
      (await readFile(join(path, name), 'utf8'))
        .split('\n')
        .slice(0, -1)
        .map((line) => line.split('\0').slice(0, -1));
    return { ran: await noted('ran'), asked: await noted('asked'), output };
  } finally {
    await remove();
  }
}
