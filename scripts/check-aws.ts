/**
 * `npm run check-aws [-- --yes --email you@example.com --instance-tag Key=Value]` tests the behaviour of the real AWS that
 * cert-renewer relies on and that AWS documents unclearly (docs/aws.md). It lists the resources that it will create and their cost,
 * asks for consent, prints one line for each behaviour, and deletes everything. The exit code is 0 if all is as documented.
 */
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline/promises';
import { findAccount } from './check-aws/account.ts';
import { listenForInterruption } from './check-aws/interruption.ts';
import { readOptions } from './check-aws/options.ts';
import { errorText } from './check-aws/outcome.ts';
import type { Ask } from './check-aws/room.ts';
import { plan, tryAll } from './check-aws/run.ts';
import { groups } from './check-aws/table.ts';

/** Prints a message on stderr and ends the process with exit code 1. */
function fail(problem: string): never {
  process.stderr.write(`${problem}\n`);
  process.exit(1);
}

/** Asks the user. The answer is empty without a terminal, at the end of the input, and after Ctrl-C. */
function asker(signal: AbortSignal, interrupt: () => void): { ask: Ask; close: () => void } {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  lines.on('SIGINT', interrupt); // readline takes Ctrl-C, so the process gets no signal
  const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  const ask: Ask = (question) =>
    Promise.race([ended, lines.question(`${question}\n`, { signal })]).catch((error: unknown) => {
      if (signal.aborted) return '';
      throw error;
    });
  return { ask, close: () => lines.close() };
}

const options = await Promise.resolve()
  .then(readOptions)
  .catch((error: unknown) => fail(error instanceof Error ? error.message : String(error)));
const account = await findAccount().catch((error: unknown) =>
  fail(
    `AWS does not say whose account this is: ${errorText(error)}\nFix: set AWS_REGION and credentials, as for the AWS CLI.`,
  ),
);
const { signal, interrupt, say, isFaulty } = listenForInterruption();
const prefix = `cert-renewer-check-${randomBytes(4).toString('hex')}`;
const run = { account, options, prefix, groups, signal };
say(plan(run));
const { ask, close } = asker(signal, interrupt);
try {
  const answer = options.yes ? 'yes' : await ask('Type yes to begin:');
  if (answer.trim() !== 'yes') fail('Nothing was made: it begins only after yes (or with --yes).');
  const { isAsDocumented, left } = await tryAll({ ...run, ask, say });
  for (const { what, why } of left) say(`NOT TAKEN AWAY: ${what}: ${why}`);
  say(left.length === 0 ? 'All that was made has been taken away.' : 'Please take away by hand what is named above.');
  process.exitCode = isAsDocumented && left.length === 0 && !isFaulty() ? 0 : 1;
} finally {
  close();
}
