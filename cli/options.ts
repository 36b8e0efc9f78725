/** The options that every command has. */
import type { OptionSpec } from './command.ts';

export const globalOptions = {
  stack: { flags: '--stack <name>', description: 'name of the stack (default: CertRenewer)' },
  region: { flags: '--region <region>', description: 'AWS Region (default: as the AWS CLI finds it)' },
  profileName: {
    flags: '--profile-name <name>',
    description: 'profile of your AWS configuration, as the AWS CLI’s --profile',
  },
  json: { flags: '--json', description: 'one JSON object a line' },
} as const satisfies Readonly<Record<string, OptionSpec>>;
