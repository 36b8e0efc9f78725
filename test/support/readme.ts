/** Reads README.md: the steps of its quick start, and its CDK app. */
import { readFileSync } from 'node:fs';

export interface ReadmeStep {
  /** The number of the step: 1, 2, …, in the order of the page. */
  readonly step: number;
  /** The commands of the block, each on one line, without indentation and comments. */
  readonly commands: readonly string[];
}

export const readmeText = (): string => readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/**
 * Returns the blocks that follow a comment `<!-- step N -->`, in the order of the page. `commands.join('\n')` is a script for a POSIX
 * shell. It may set variables that a later line of the same step uses, so a step has to run in one shell. Throws an Error for a
 * comment without a block behind it.
 */
export function readmeSteps(text: string = readmeText()): readonly ReadmeStep[] {
  const comments = [...text.matchAll(/^[ \t]*<!-- step (\d+) -->$/gm)];
  return comments.map(({ 1: number, index, 0: comment }) => {
    const [, block] = /^\n[ \t]*```(?:sh)?\n([\s\S]*?)^[ \t]*```$/m.exec(text.slice(index + comment.length)) ?? [];
    const isNext = text
      .slice(index + comment.length)
      .trimStart()
      .startsWith('```');
    if (block === undefined || !isNext)
      throw new Error(`README.md: there is no block of commands after step ${number}.`);
    return { step: Number(number), commands: commandsOf(block) };
  });
}

/** Returns the commands of a block. A backslash at the end of a line joins it to the next. */
export function commandsOf(block: string): readonly string[] {
  const lines = block.replace(/[ \t]*\\\n[ \t]*/g, ' ').split('\n');
  return lines.map((line) => line.replace(/(?:^|\s+)#\s.*$/, '').trim()).filter((line) => line !== '');
}

/** Returns the one block of TypeScript, which is an app of a user. */
export function readmeApp(text: string = readmeText()): string {
  const [block, ...more] = [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code);
  if (block === undefined || more.length > 0) throw new Error('README.md has to have one block of TypeScript.');
  return block;
}
