/** Parses a command line of `cert-renewer` as the program does, without running the command. */
import { commands } from '../../cli/commands/index.ts';
import { build } from '../../cli/program.ts';

/** Words of a shell's line up to a pipe, a redirection or the next command; quotation marks go. */
export function wordsOf(line: string): readonly string[] {
  const [own = ''] = line.split(/\s(?:[|;&>]|&&|\|\||<<<)\s?/);
  return [...own.matchAll(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g)].map(([word]) => word.replace(/["']/g, ''));
}

export const isCommand = (name: string): boolean => commands.some((command) => command.name === name);

/** Returns the command that `[npx ]cert-renewer …` would run. Throws commander's error for a line that the program refuses. */
export async function parsed(line: string): Promise<string | undefined> {
  let ended: string | undefined;
  const output = { write: () => true };
  const clock = { now: () => 0, sleep: async () => {} };
  const edges = { stdout: output, stderr: output, env: {}, clock, onInterrupt: () => {}, exit: () => {} };
  const program = build(edges as unknown as Parameters<typeof build>[0], () => {});
  for (const command of program.commands)
    command.action(() => {
      ended = command.name();
    });
  await program.parseAsync([...wordsOf(line.replace(/^(?:npx )?cert-renewer /, ''))], { from: 'user' });
  return ended;
}
