/** Every `aws lambda invoke` that people are told to type: in documents, and in what programs print. */
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const files = globSync(
  ['*.md', '{docs,examples,schemas}/**/*.md', '{bench,cdk,cli,examples,lambdas,scripts}/**/*.{ts,mjs,py,js}'],
  { cwd: root, exclude: (name) => name === 'node_modules' || name === '.cache' || name === 'cdk.out' },
).sort();

/** Each command on one line. A backslash at the end of a line joins it to the next; a program prints it as `\\`. */
function commandsIn(text: string): string[] {
  const joined = text.replace(/ \\\\?(?:[`'"]\);)?\n\s*(?:say\([`'"])?\s*/g, ' ');
  return [...joined.matchAll(/aws lambda invoke +--.*/g)].map(([command]) => command);
}

const commands = files.flatMap((file) =>
  commandsIn(readFileSync(`${root}${file}`, 'utf8')).map((command) => ({ file, command })),
);

describe('aws lambda invoke', () => {
  it('is found in documents and in the demo', () => {
    const found = new Set(commands.map(({ file }) => file));
    for (const file of ['docs/invoke.md', 'docs/operations.md', 'docs/coming-from-step.md', 'scripts/demo.ts'])
      expect(found).toContain(file);
    expect(commands.length).toBeGreaterThanOrEqual(8);
  });

  it.each(commands.map(({ file, command }) => [file, command]))('waits for the answer: %s: %s', (_file, command) => {
    // By itself the AWS CLI gives up after a minute, and invokes again.
    expect(command).toContain(' --cli-read-timeout 0');
  });

  it.each(commands.filter(({ command }) => command.includes('--payload')).map(({ file, command }) => [file, command]))(
    'gives version 2 of the AWS CLI what it needs to take JSON as it is: %s: %s',
    (_file, command) => {
      expect(command).toContain(' --cli-binary-format raw-in-base64-out');
    },
  );
});
