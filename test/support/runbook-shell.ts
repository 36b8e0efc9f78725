/** Types the blocks of docs/operations.md into a shell, as they are on the page, except for names. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../testkit/tools/process.ts';
import { inTemporaryFolder } from '../../testkit/tools/temporary.ts';
import { commandLine } from './command-line.ts';
import type { RunbookBlock } from './runbook.ts';

/** Programs that the page calls by their names. */
export interface ShellPrograms {
  /** A Python with the AWS CLI. */
  readonly python: string;
  /** A shell script that takes the place of `step`. */
  readonly step?: string;
}

export interface ShellOptions {
  /** The working directory. It gets a folder `bin`. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface Ran {
  readonly section: string;
  readonly command: string;
  readonly code: number;
  /** stdout and stderr, in the order of their arrival. */
  readonly output: string;
}

/** A shell in a folder. `type` replaces texts of the page, such as names of secrets, and runs the block in one process. */
export interface RunbookShell {
  type(block: RunbookBlock, names?: Readonly<Record<string, string>>): Promise<readonly Ran[]>;
}

/** Starts no process yet. `npx cert-renewer` starts the package's program: npx itself would take a second. */
export async function runbookShell(programs: ShellPrograms, { folder, env }: ShellOptions): Promise<RunbookShell> {
  const bin = join(folder, 'bin');
  await mkdir(bin);
  const { program, compiled } = commandLine();
  const scripts = {
    npx: `[ "$1" = cert-renewer ] || exit 127; shift
NODE_COMPILE_CACHE=${quoted(compiled)} exec ${quoted(process.execPath)} ${quoted(program)} "$@"`,
    aws: `exec ${quoted(programs.python)} -m awscli "$@"`,
    ...(programs.step !== undefined && { step: programs.step }),
  };
  for (const [name, script] of Object.entries(scripts)) {
    await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  const own = { PATH: `${bin}:${process.env['PATH'] ?? ''}`, HOME: folder, NO_COLOR: '1', LANG: 'C.UTF-8' };

  return {
    type: async ({ section, commands }, names = {}) => {
      const typed = commands.map((command) =>
        Object.entries(names).reduce((text, [from, to]) => text.replaceAll(from, to), command),
      );
      // A mark behind each command, with its exit code. They share one shell, because a line may set a variable for the next.
      const script = ['exec 2>&1', ...typed.map((command) => `${command}\necho "${mark}$?"`)].join('\n');
      const { output } = await run('bash', ['-uo', 'pipefail', '-c', script], {
        cwd: folder,
        env: { ...own, ...env },
        timeout: 120_000,
      });
      const ends = [...output.matchAll(new RegExp(`([\\s\\S]*?)${mark}(\\d+)\\n`, 'g'))];
      return typed.map((command, index) => {
        const [, said = output, code = '-1'] = ends[index] ?? [];
        return { section, command, code: Number(code), output: said };
      });
    },
  };
}

/** Types these blocks in a folder that exists for this call only. */
export function typeAll(
  blocks: readonly RunbookBlock[],
  programs: ShellPrograms,
  { env, names }: Pick<ShellOptions, 'env'> & { readonly names: Readonly<Record<string, string>> },
): Promise<readonly Ran[]> {
  return inTemporaryFolder('runbook', async (folder) => {
    const shell = await runbookShell(programs, { folder, env });
    const ran: Ran[] = [];
    for (const block of blocks) ran.push(...(await shell.type(block, names)));
    return ran;
  });
}

const mark = '@@ exit ';
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
