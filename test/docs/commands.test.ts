/** Every command of the AWS CLI that people are told to type: in documents, and in what programs print. */
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { onlyInOneVersion } from '../support/aws-command.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const files = globSync(
  ['*.md', '{docs,examples,schemas}/**/*.md', '{bench,cdk,cli,examples,lambdas,scripts}/**/*.{ts,mjs,py,js}'],
  { cwd: root, exclude: (name) => name === 'node_modules' || name === '.cache' || name === 'cdk.out' },
).sort();

/** Each command on one line. A backslash at the end of a line joins it to the next. */
function commandsIn(text: string): string[] {
  const joined = text.replace(/ \\\n\s*/g, ' ');
  return [...joined.matchAll(/\baws [a-z0-9-]+ [a-z0-9-]+ +--[^`\n]*/g)].map(([command]) => command);
}

const commands = files.flatMap((file) =>
  commandsIn(readFileSync(`${root}${file}`, 'utf8')).map((command) => ({ file, command })),
);

describe('the AWS CLI', () => {
  it('is found in documents, in messages and in the demo', () => {
    const found = new Set(commands.map(({ file }) => file));
    const some = ['README.md', 'docs/invoke.md', 'docs/coming-from-step.md', 'docs/declared.md'];
    for (const file of [...some, 'scripts/demo/keeping.ts', 'lambdas/renewal/output.ts']) expect(found).toContain(file);
    expect(commands.length).toBeGreaterThanOrEqual(20);
  });

  it.each(commands)('in version 1 and in version 2: $file: $command', ({ command }) => {
    expect(onlyInOneVersion(command)).toEqual([]);
  });

  const invocations = commands.filter(({ command }) => command.startsWith('aws lambda invoke'));
  it.each(invocations)('waits for the answer: $file: $command', ({ command }) => {
    // By itself the AWS CLI gives up after a minute, and invokes again.
    expect(command).toContain(' --cli-read-timeout 0');
  });
});

describe('a command for one version of the AWS CLI', () => {
  it.each([
    ['aws lambda invoke --function-name f --cli-binary-format raw-in-base64-out --payload fileb://r.json a', 1],
    [`aws lambda invoke --function-name f --payload '{"a":1}' answer.json`, 1],
    ['aws lambda invoke --function-name f --payload file://request.json answer.json', 1],
    ['aws lambda invoke --function-name f --payload fileb://request.json answer.json', 0],
    [`aws lambda invoke --function-name f --payload fileb:///dev/stdin a <<< '{"a":1}'`, 0],
    ['aws logs tail /aws/lambda/f', 1],
    ['aws logs filter-log-events --log-group-name /aws/lambda/f', 0],
    ['aws sqs list-queues --output yaml --no-cli-pager', 2],
    ['aws configure sso', 1],
    ['aws secretsmanager put-secret-value --secret-id a --secret-binary fileb://a.p12', 0],
    ['aws secretsmanager put-secret-value --secret-id a --secret-binary file://a.p12', 1],
  ])('%s: %i', (command, problems) => {
    expect(onlyInOneVersion(command)).toHaveLength(problems);
  });
});
