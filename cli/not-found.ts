/** Named secrets that a scan did not list. */
import type { Context } from './command.ts';
import { asWord, targetWords } from './hints.ts';
import { printable } from './terminal.ts';

/** Says for each name that it is not enrolled: a record with `--json`, a note for people. */
export function tellNotFound(
  { terminal, session }: Context,
  names: readonly string[],
  profile: string | undefined,
): void {
  const otherwise = profile === undefined ? '' : `, or is not of the profile ${profile}`;
  for (const name of names) {
    const status = `cert-renewer status ${asWord(name)}${targetWords(session.target)}`;
    const error = {
      errorType: 'SecretNotEnrolled',
      message: `It is not enrolled, or does not exist${otherwise}. ${status} tells which.`,
    };
    if (terminal.json) terminal.record({ name, error });
    else terminal.note(printable(`${name}: ${error.errorType}: ${error.message}`));
  }
}
