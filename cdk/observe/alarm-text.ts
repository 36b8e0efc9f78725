/** The alarms: their names, and their descriptions. Every e-mail of CloudWatch contains the description of its alarm. */
import type { Stack } from 'aws-cdk-lib';
import { docs } from '../../lambdas/domain/docs.ts';
import { typedCommand } from '../../lambdas/domain/typed-command.ts';

interface AlarmText {
  /** What has happened. Sentences. */
  readonly happened: string;
  /** What the command is for. It ends with a colon. */
  readonly todo: string;
  /** The words after `cert-renewer`. `profile` is empty for an alarm of the stack. */
  readonly command: (profile: string) => string;
}

/** Every kind of alarm. docs/operations.md has a row and a section for each. */
export const alarmTexts = {
  Failed: {
    happened: 'The renewal of a certificate failed. The present certificate stays, until it expires.',
    todo: 'To see which one, why, and what to do next:',
    command: ofProfile,
  },
  Overdue: {
    happened: 'A certificate has expired, or is overdue for renewal. Paused certificates count too.',
    todo: 'To see which one, why, and what to do next:',
    command: ofProfile,
  },
  HookFailed: {
    happened:
      'A hook failed after a renewal. The secret has the new certificate, but a server may still use the old one. The event Certificate Hook Failed, and its e-mail, name the secret.',
    todo: 'Remove the cause. Then renew that secret again, which runs its hooks:',
    command: () => 'renew NAME --force',
  },
  NotServed: {
    happened:
      'A server still presents the old certificate, or does not answer, although the secret has the new certificate. The event Certificate Not Served, and its e-mail, name the endpoints.',
    todo: 'To see which certificates:',
    command: ofProfile,
  },
  DeadLetters: {
    happened:
      'Renewals failed three times, because the CA or AWS could not be reached. Their messages are in the dead-letter queue. The schedule tries them again.',
    todo: 'To try them now, when the CA is back:',
    command: () => 'redrive',
  },
  ScanDeadLetters: {
    happened: 'A scan could not be started, or failed twice. The messages in its dead-letter queue contain the error.',
    todo: 'To see whether a scan works now:',
    command: () => 'scan',
  },
  NoticeDeadLetters: {
    happened: 'An e-mail about a problem could not be sent. Its event is in the dead-letter queue of the e-mails.',
    todo: 'To see the problems themselves:',
    command: () => 'status',
  },
  HookDeadLetters: {
    happened: 'A hook failed. Its event is in the dead-letter queue of the hooks.',
    todo: 'To see for which secret, and why:',
    command: () => 'dead-letters --queue hooks',
  },
  NoProbe: {
    happened:
      'No probe has succeeded for a quarter of an hour. Renewals are not concerned, but nobody sees whether servers present the new certificates.',
    todo: 'To find the cause:',
    command: () => 'doctor',
  },
  NoScan: {
    happened: 'No scan has succeeded for two periods of the schedule. Without scans nothing is renewed.',
    todo: 'To find the cause:',
    command: () => 'doctor',
  },
} as const satisfies Record<string, AlarmText>;

export type AlarmKind = keyof typeof alarmTexts;

function ofProfile(profile: string): string {
  return `status --profile ${profile}`;
}

/** An alarm of the stack, or of one of its profiles. */
export interface AlarmSubject {
  readonly kind: AlarmKind;
  /** For an authority `authority:<name>`. Undefined: an alarm of the stack. */
  readonly profile?: string | undefined;
  /** The number of the nested stack that contains the alarm. Undefined: the stack itself. */
  readonly part?: number | undefined;
}

/**
 * Returns `<stack>-<kind>`, or `<stack>-<kind>-<profile>`. In a nested stack `/<part>` follows, so that a profile can move to another
 * part (parts.ts): CloudFormation creates the new alarm before it deletes the old one, and names are unique across all stacks
 * (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-name.html). With one name for both, the deployment would
 * fail, or the deletion would remove the new alarm. No profile has a slash in its name.
 */
export function alarmName({ stackName }: Stack, { kind, profile, part }: AlarmSubject): string {
  return `${stackName}-${kind}${profile === undefined ? '' : `-${profile}`}${part === undefined ? '' : `/${part}`}`;
}

/** Returns the description. The command is indented: CloudWatch shows descriptions as Markdown. */
export function alarmDescription(stack: Stack, { kind, profile = '' }: AlarmSubject): string {
  const { happened, todo, command } = alarmTexts[kind];
  const whose = profile === '' ? 'cert-renewer:' : `cert-renewer, profile ${profile}:`;
  return [
    `${whose} ${happened} ${todo}`,
    `    ${typedCommand(command(profile), stack)}`,
    `More: ${docs('operations.md', kind.toLowerCase())}`,
  ].join('\n\n');
}
