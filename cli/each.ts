/** Does the same to each named secret and prints a line for each. A failure stops no other secret. */
import type { SecretSummary } from '../lambdas/domain/secret.ts';
import { tags } from '../lambdas/domain/tags.ts';
import { isSecretOf } from '../lambdas/renewal/authority.ts';
import type { Context } from './command.ts';
import { type Exit, explain, isUsageError, UsageError } from './exit.ts';
import { requireEnrolled } from './inventory.ts';
import type { Session } from './session.ts';
import { printable } from './terminal.ts';

export interface Done {
  /** The result, for people. */
  readonly says: string;
  /** The same, for `--json`. */
  readonly record: Readonly<Record<string, unknown>>;
}

export async function each(
  { terminal, interrupted }: Context,
  names: readonly string[],
  work: (name: string) => Promise<Done>,
): Promise<Exit> {
  if (names.length === 0) throw new UsageError('No secret is named: give one name or more.');
  let exit: Exit = 'ok';
  const waiting = [...new Set(names)];
  for (let name = waiting.shift(); name !== undefined && !interrupted.aborted; name = waiting.shift()) {
    try {
      const { says, record } = await work(name);
      if (terminal.json) terminal.record({ name, ...record });
      else terminal.print(printable(`${name}: ${says}`));
    } catch (thrown) {
      if (isUsageError(thrown)) throw thrown;
      const error = explain(thrown);
      if (terminal.json) terminal.record({ name, error });
      else terminal.print(printable(`${name}: failed: ${error.errorType}: ${error.message}`));
      exit = 'attention';
    }
    if (interrupted.aborted && waiting.length > 0) terminal.note(printable(`Untouched: ${waiting.join(', ')}`));
  }
  return interrupted.aborted ? 'interrupted' : exit;
}

/** Returns an enrolled secret, or the secret of an authority. Throws SecretNotFound, SecretNotEnrolled. */
export async function describeOurs({ store, deployment }: Session, name: string): Promise<SecretSummary> {
  const secret = await store.describe(name);
  if (secret.tags.has(tags.profile)) return secret;
  const { authorities } = await deployment();
  for (const authorityName of authorities?.names ?? []) {
    const authority = await authorities?.find(authorityName);
    if (authority && isSecretOf(authority, secret)) return secret;
  }
  requireEnrolled(secret);
  return secret;
}
