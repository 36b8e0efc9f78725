/** The programs that a user has at hand, run beside some files: openssl, keytool and smallstep's step. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../testkit/tools/process.ts';
import { inTemporaryFolder } from '../../testkit/tools/temporary.ts';
import type { Tool } from '../../testkit/tools/tool.ts';

export interface Desk {
  /** Runs a program there, and returns what it printed. Throws with all that it said where it fails. */
  readonly call: (program: string, ...args: readonly string[]) => Promise<string>;
  readonly read: (name: string) => Promise<Buffer>;
}

export type Files = Readonly<Record<string, string | Uint8Array>>;

/** A folder with these files, for the length of a call. */
export function beside<T>(files: Files, use: (desk: Desk) => Promise<T>): Promise<T> {
  return inTemporaryFolder('programs', async (folder) => {
    await Promise.all(
      Object.entries(files).map(([name, content]) => writeFile(join(folder, name), content, { mode: 0o600 })),
    );
    return use({
      read: (name) => readFile(join(folder, name)),
      call: async (program, ...args) => {
        // STEPPATH: nothing of a user's own ~/.step comes into play.
        const env = { PATH: process.env['PATH'], HOME: folder, STEPPATH: join(folder, '.step') };
        const { code, output, stdout } = await run(program, args, { cwd: folder, env });
        if (code !== 0) throw new Error(`${program} ${args.join(' ')}: exit ${code}: ${output}`);
        return stdout;
      },
    });
  });
}

/** Whether a program is there; `args` make it end at once and well. */
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

/** Arguments that every call of keytool begins with: it runs for a moment, so that to optimise what it does costs more than it saves. */
export const quickJava = ['-J-XX:TieredStopAtLevel=1', '-J-XX:+UseSerialGC'] as const;

export const go = (): Promise<Tool> => findProgram('go', ['version'], 'install Go (https://go.dev/dl/).');
