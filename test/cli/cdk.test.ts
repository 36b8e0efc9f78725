/** How the CDK is found and started. */
import { expect, it } from 'vitest';
import { manifestOf, quoted } from '../../cli/cdk.ts';
import { UsageError } from '../../cli/exit.ts';

it.each(['aws-cdk', 'aws-cdk-lib', 'constructs'])('finds the peer %s', (peer) => {
  expect(manifestOf(peer)).toMatch(new RegExp(`/node_modules/${peer}/package\\.json$`));
});

it('names a peer that is missing, and how to install it', () => {
  expect(() => manifestOf('missing-peer')).toThrow(UsageError);
  expect(() => manifestOf('missing-peer')).toThrow(
    /^The package missing-peer is missing: .*npm install aws-cdk aws-cdk-lib constructs/,
  );
});

it.each([
  ['/a b/node', '"/a b/node"', '"/a b/node"'],
  ['/$HOME`id`"x"', '"/\\$HOME\\`id\\`\\"x\\""', undefined], // Windows allows no double quote in a path
  ['C:\\a\\$b\\`c`', '"C:\\\\a\\\\\\$b\\\\\\`c\\`"', '"C:\\a\\$b\\`c`"'],
])('quotes %s for sh and for cmd.exe', (word, sh, cmd) => {
  expect(quoted(word, false)).toBe(sh);
  if (cmd !== undefined) expect(quoted(word, true)).toBe(cmd);
});
