/** The options of every command. */
import type { OptionSpec } from './command.ts';

export const globalOptions = {
  stack: { flags: '--stack <name>', description: 'name of the stack (default: CertRenewer)' },
  region: {
    flags: '--region <region>',
    description: 'AWS Region (default: from the environment or your AWS configuration)',
  },
  profileName: {
    flags: '--profile-name <name>',
    description: 'profile of your AWS configuration; the AWS CLI calls it --profile',
  },
  json: { flags: '--json', description: 'print one JSON object per line' },
} as const satisfies Readonly<Record<string, OptionSpec>>;
