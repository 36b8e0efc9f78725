/** The IAM permissions of each command. docs/cli.md lists them, and test/e2e/command-line.test.ts runs commands with exactly these. */
import { tags } from '../lambdas/domain/tags.ts';
import type { Stack } from './aws/cloudformation.ts';

/** The resources of a statement, in words. */
const resources = {
  all: '`*`',
  stack: 'the stack',
  scan: 'the scan function',
  renew: 'the renew function',
  probe: 'the probe function (`ProbeFunctionName`)',
  profiles: "the stack's profiles (SSM parameters)",
  authorities: "the stack's authorities (SSM parameters)",
  declarations: "the stack's declarations (SSM parameters)",
  enrolled: 'secrets with the tag `cert-renewer:profile`',
  secrets: 'the secrets you name',
  passwords: "the profile's password secret",
  authoritySecrets: "the secret of the profile's authority",
  schedules: 'the schedule group `default`',
  queues: "the stack's queues",
  deadLetterQueue: 'the dead-letter queue of the renewals (`DeadLetterQueueUrl`)',
  renewalQueue: 'the renewal queue (`RenewalQueueUrl`)',
  deadLetterQueues: "the stack's dead-letter queues",
  logs: "the scan function's log",
  probeLogs: "the probe function's log",
  renewLogs: "the renew function's log",
  bootstrapRoles: "the roles of the CDK's bootstrap stack (`cdk-hnb659fds-*`)",
} as const;
export type Resource = keyof typeof resources;

export interface Need {
  readonly actions: readonly string[];
  readonly on: Resource;
  /** When the permission is needed. Default: always. */
  readonly when?: string;
}
export type Needs = readonly Need[];

export const findStack: Need = { actions: ['cloudformation:DescribeStacks'], on: 'stack' };
export const readSettings: Need = { actions: ['lambda:GetFunctionConfiguration'], on: 'scan' };
export const readProfiles: Need = { actions: ['ssm:GetParameter'], on: 'profiles' };
/** Optional: without it the error for an unknown profile does not name the others. */
export const listProfiles: Need = {
  actions: ['ssm:GetParametersByPath'],
  on: 'profiles',
  when: 'optional: to suggest a profile if the one that is named does not exist',
};
export const readAuthorities: Need = {
  actions: ['ssm:GetParameter'],
  on: 'authorities',
  when: 'the stack has authorities',
};
/** The settings of the renew function contain the prefix of the declarations. */
export const readRenewSettings: Need = { actions: ['lambda:GetFunctionConfiguration'], on: 'renew' };
export const listSecrets: Need = { actions: ['secretsmanager:ListSecrets'], on: 'all' };
export const describeSecrets: Need = { actions: ['secretsmanager:DescribeSecret'], on: 'secrets' };
export const invokeScan: Need = { actions: ['lambda:InvokeFunction'], on: 'scan' };
export const invokeProbe: Need = { actions: ['lambda:InvokeFunction'], on: 'probe' };
export const invokeRenew: Need = { actions: ['lambda:InvokeFunction'], on: 'renew' };

/** Optional: without it one check is left out. */
export const readAuthoritySecret: Need = {
  actions: ['secretsmanager:GetSecretValue'],
  on: 'authoritySecrets',
  when: 'the profile is `offline`; without the permission, the command does not check that its authority issued the certificate',
};

/** The CDK assumes the roles that `cdk bootstrap` created. They hold the permissions of a deployment. */
export const assumeBootstrapRoles: Need = { actions: ['sts:AssumeRole'], on: 'bootstrapRoles' };

export const readPassword: Need = { actions: ['secretsmanager:GetSecretValue'], on: 'passwords' };

/** For the inventory, whole or by name. */
export const lookAtInventory: Needs = [
  ...[findStack, readSettings, readProfiles, listProfiles, readAuthorities, listSecrets],
  { ...describeSecrets, when: 'you name secrets, or the stack has authorities' },
];

/** Returns the row of a need in docs/cli.md. */
export function explainNeed({ actions, on, when }: Need): { actions: string; on: string; when: string } {
  return { actions: actions.map((action) => `\`${action}\``).join(', '), on: resources[on], when: when ?? '' };
}

/** Returns the smallest policy for a command on this stack. */
export function policyFor(needs: Needs, stack: Stack) {
  const Statement = needs.map(({ actions, on }) => ({
    Effect: 'Allow',
    Action: [...actions],
    Resource: arnsOf(on, stack),
    ...(on === 'enrolled' && { Condition: { Null: { [`aws:ResourceTag/${tags.profile}`]: 'false' } } }),
  }));
  return { Version: '2012-10-17', Statement };
}

function arnsOf(on: Resource, stack: Stack): string | string[] {
  const { partition, region, account, name, outputs } = stack;
  const arn = (service: string, resource: string) => `arn:${partition}:${service}:${region}:${account}:${resource}`;
  const output = (key: string) => outputs.get(key) ?? '';
  const queue = (key: string) => arn('sqs', output(key).split('/').at(-1) ?? '');
  const deadLetterQueues = arn('sqs', `${name}-*DeadLetters*`); // CloudFormation generates the names
  switch (on) {
    case 'all':
      return '*';
    case 'stack':
      return arn('cloudformation', `stack/${name}/*`);
    case 'scan':
      return arn('lambda', `function:${output('ScanFunctionName')}`);
    case 'renew':
      return arn('lambda', `function:${output('RenewFunctionName')}`);
    case 'probe':
      return arn('lambda', `function:${output('ProbeFunctionName')}`);
    case 'profiles':
      return arn('ssm', `parameter/cert-renewer/${name}/profiles/*`);
    case 'authorities':
      return arn('ssm', `parameter/cert-renewer/${name}/authorities/*`);
    case 'declarations':
      return arn('ssm', `parameter/cert-renewer/${name}/certificates/*`);
    case 'enrolled':
    case 'secrets':
    case 'passwords':
    case 'authoritySecrets':
      return arn('secretsmanager', 'secret:*');
    case 'schedules':
      return arn('scheduler', 'schedule/default/*');
    case 'queues':
      return [queue('RenewalQueueUrl'), deadLetterQueues];
    case 'deadLetterQueue':
      return queue('DeadLetterQueueUrl');
    case 'renewalQueue':
      return queue('RenewalQueueUrl');
    case 'deadLetterQueues':
      return deadLetterQueues;
    case 'logs':
    case 'renewLogs':
    case 'probeLogs':
      return arn('logs', 'log-group:*'); // CloudFormation generates the name, and no output contains it
    case 'bootstrapRoles':
      return `arn:${partition}:iam::${account}:role/cdk-hnb659fds-*`;
  }
}
