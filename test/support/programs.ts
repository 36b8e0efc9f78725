/** Programs that users have, run in a folder with some files: openssl, keytool and smallstep's step. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../testkit/tools/process.ts';
import { inTemporaryFolder } from '../../testkit/tools/temporary.ts';
import type { Tool } from '../../testkit/tools/tool.ts';

export interface Desk {
  /** Runs a program in the folder and returns its output. Throws with all its output if it fails. */
  readonly call: (program: string, ...args: readonly string[]) => Promise<string>;
  readonly read: (name: string) => Promise<Buffer>;
}

export type Files = Readonly<Record<string, string | Uint8Array>>;

/** Makes a folder with these files for the time of a call. */
export function beside<T>(files: Files, use: (desk: Desk) => Promise<T>): Promise<T> {
  return inTemporaryFolder('programs', async (folder) => {
    await Promise.all(
      Object.entries(files).map(([name, content]) => writeFile(join(folder, name), content, { mode: 0o600 })),
    );
    return use({
      read: (name) => readFile(join(folder, name)),
      call: async (program, ...args) => {
        // STEPPATH: a user's own ~/.step has no effect.
        const env = { PATH: process.env['PATH'], HOME: folder, STEPPATH: join(folder, '.step') };
        const { code, output, stdout } = await run(program, args, { cwd: folder, env });
        if (code !== 0) throw new Error(`${program} ${args.join(' ')}: exit ${code}: ${output}`);
        return stdout;
      },
    });
  });
}

/** Whether a program is installed. With `args` it must exit at once, with 0. */
export async function findProgram(name: string, args: readonly string[], fix: string): Promise<Tool> {
  const missing = { found: false, tool: name, message: `${name} is not installed.`, fix } as const;
  try {
    const { code } = await run(name, args);
    return code === 0 ? { found: true, path: name } : missing;
  } catch {
    return missing;
  }
}

export const keytool = (): Promise<Tool> =>
  findProgram('keytool', ['-help'], 'install a JDK 17 or later (its headless package has keytool).');

/** Arguments for every call of keytool: it runs for a moment only, and compilation by the JIT would cost more than it saves. */
export const quickJava = ['-J-XX:TieredStopAtLevel=1', '-J-XX:+UseSerialGC'] as const;

export const go = (): Promise<Tool> => findProgram('go', ['version'], 'install Go (https://go.dev/dl/).');
