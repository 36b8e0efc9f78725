/** Commands to type next, with the words that mean the same stack, account and file again. */
import { defaultStackName } from '../lambdas/domain/typed-command.ts';
import { quoted } from './cdk.ts';
import type { Target } from './session.ts';

/** Returns a word as a shell takes it: in quotes if it contains a space or another character with a meaning. */
export const asWord = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : quoted(word));

const option = (flag: string, value: string | undefined): string =>
  value === undefined ? '' : ` ${flag} ${asWord(value)}`;

/** Returns ` --config <file>`; empty for the default. */
export const configWords = (config: string | undefined): string => option('--config', config);

/** Returns the options of every command that the user gave: ` --stack Staging --region eu-central-1`. */
export function targetWords({ stackName, aws }: Target): string {
  const stack = stackName === defaultStackName ? undefined : stackName;
  return `${option('--stack', stack)}${option('--region', aws.region)}${option('--profile-name', aws.profile)}`;
}
