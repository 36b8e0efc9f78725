/** Commands of the command line as a person types them, for the texts of alarms, e-mails and pages. */

/** The stack that a command means without --stack. */
export const defaultStackName = 'CertRenewer';

/** Which stack a command is for. */
export interface CommandTarget {
  readonly stackName: string;
  /** Undefined if it is not known. Then the command has no --region. */
  readonly region: string | undefined;
}

/** Returns the options that a command needs from any shell: ` --region eu-central-1`. `--stack` is left out for the default stack. */
export function targetOptions({ stackName, region }: CommandTarget): string {
  const stack = stackName === defaultStackName ? '' : ` --stack ${stackName}`;
  return `${stack}${region === undefined ? '' : ` --region ${region}`}`;
}

/** Returns the command with these options: `cert-renewer status web/tls --region eu-central-1`. */
export function typedCommand(words: string, target: CommandTarget): string {
  return `cert-renewer ${words}${targetOptions(target)}`;
}

/** Quotes a word for a POSIX shell, if that is necessary: a command that is copied must not run what a name contains. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
