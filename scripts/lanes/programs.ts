/** Runs programs of node_modules side by side, and decides which of their output is printed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { projectRoot } from '../../testkit/tools/cache.ts';

export interface Programs {
  /** `its own` passes all output on. `lines` prints only progress, and the whole output of a program that fails. */
  readonly output: 'its own' | 'lines';
  /** Runs a program of node_modules to its end, on this Node. Returns its exit code. */
  node(program: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<number>;
  /** Tells whether SIGINT or SIGTERM came. */
  interrupted(): boolean;
}

export function programs(output: Programs['output']): Programs {
  const running = new Set<ChildProcess>();
  let interrupted = false;
  process.on('SIGTERM', () => {
    interrupted = true;
    for (const child of running) child.kill('SIGTERM');
  });
  process.on('SIGINT', () => {
    interrupted = true; // Ctrl-C reaches the children too
  });
  return {
    output,
    interrupted: () => interrupted,
    node: async (program, args, env = {}) => {
      const child = spawn(process.execPath, [join(projectRoot, 'node_modules', program), ...args], {
        cwd: projectRoot,
        env: { ...process.env, ...env },
        stdio: output === 'lines' ? ['ignore', 'pipe', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
      });
      running.add(child);
      const held = output === 'lines' ? hold(child) : undefined;
      const code = await new Promise<number>((resolve) => {
        child.once('error', (error) => {
          process.stderr.write(`${program} can't be run: ${error.message}\n`);
          resolve(1);
        });
        child.once('close', (exit) => resolve(exit ?? 1));
      });
      running.delete(child);
      if (code !== 0 && held) process.stdout.write(`\n${held().trimEnd()}\n\n`);
      return code;
    },
  };
}

/** The file descriptor whose lines are printed at once. file-lines.ts writes to it. */
export const LINES = 3;

/** Prints progress and the lines of files at once. Returns a function that gives the rest. */
function hold(child: ChildProcess): () => string {
  let kept = '';
  for (const stream of [child.stdout, child.stderr]) {
    // `progress` (testkit/tools/cache.ts) starts its lines with this mark.
    eachLine(stream, (line) => {
      if (line.startsWith('· ')) process.stderr.write(`${line}\n`);
      else kept += `${line}\n`;
    });
  }
  eachLine(child.stdio[LINES], (line) => void process.stdout.write(`${line}\n`));
  return () => kept;
}

function eachLine(stream: ChildProcess['stdio'][number] | undefined, take: (line: string) => void): void {
  if (stream && 'read' in stream)
    createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', take);
}
