/** Permissions of the hooks' functions. */
import { Fn, Stack } from 'aws-cdk-lib';
import type { Role } from 'aws-cdk-lib/aws-iam';
import type { TargetTag } from '../../lambdas/domain/hook.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { acknowledgeWildcards } from '../functions/node-function.ts';
import { acknowledgeSuffixes, allow, allowDecryption, allowReading, secretArn } from '../functions/permissions.ts';

/** Lets the role run one document on nodes with one tag. */
export function allowCommand(role: Role, documentName: string, { key, value }: TargetTag): void {
  const stack = Stack.of(role);
  const document = stack.formatArn({ service: 'ssm', resource: 'document', resourceName: documentName });
  const nodes = [
    stack.formatArn({ service: 'ec2', resource: 'instance', resourceName: '*' }),
    stack.formatArn({ service: 'ssm', resource: 'managed-instance', resourceName: '*' }),
  ];
  role.addToPolicy(allow('Document', ['ssm:SendCommand'], [document]));
  role.addToPolicy(
    allow('Targets', ['ssm:SendCommand'], nodes, { StringEquals: { [`ssm:resourceTag/${key}`]: value } }),
  );
  acknowledgeWildcards(role, nodes, "The statement's condition selects instances by their tag.");
}

/** Lets the role call one function, version or alias, by its ARN. */
export function allowInvoke(role: Role, functionArn: string): void {
  role.addToPolicy(allow('Invoke', ['lambda:InvokeFunction'], [functionArn]));
}

/** Lets the role deploy these services again. https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html */
export function allowDeployments(role: Role, serviceArns: readonly string[]): void {
  role.addToPolicy(allow('Deploy', ['ecs:UpdateService'], [...serviceArns]));
}

/**
 * Lets the role publish to a topic that is encrypted with one of these keys. The keys' policies must delegate to IAM.
 * https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
 */
export function allowTopicKeys(role: Role, topicArn: string, encryptionKeys: readonly string[]): void {
  if (encryptionKeys.length === 0) return;
  const region = Fn.select(3, Fn.split(':', topicArn));
  role.addToPolicy(
    allow('TopicKeys', ['kms:Decrypt', 'kms:GenerateDataKey'], [...new Set(encryptionKeys)], {
      StringEquals: { 'kms:ViaService': `sns.${region}.${Stack.of(role).urlSuffix}` },
    }),
  );
}

/** Lets the role look up the secret that a command was sent for. */
export function allowLookup(role: Role): void {
  role.addToPolicy(allow('Commands', ['ssm:ListCommands'], ['*']));
  acknowledgeWildcards(role, ['*'], 'ListCommands supports no resource; it shows no output of a command.');
}

export interface ImportPermissions {
  readonly profile: string;
  /** ARNs in ACM by the secrets' names. */
  readonly certificates: Readonly<Record<string, string>>;
  readonly passwordSecretId: string | undefined;
  readonly encryptionKeys: readonly string[];
}

/** Lets the role read the hook's secrets, as long as their tag names its profile, and import again into the hook's ACM certificates. */
export function allowImport(role: Role, permissions: ImportPermissions): void {
  const { profile, certificates, passwordSecretId, encryptionKeys } = permissions;
  const secrets = Object.keys(certificates).map((name) => secretArn(role, name));
  role.addToPolicy(
    allow('Read', ['secretsmanager:GetSecretValue'], secrets, {
      StringEquals: { [`aws:ResourceTag/${tags.profile}`]: profile },
    }),
  );
  acknowledgeSuffixes(role, secrets);
  role.addToPolicy(allow('Import', ['acm:ImportCertificate'], [...new Set(Object.values(certificates))]));
  if (passwordSecretId !== undefined) allowReading(role, 'Passwords', [passwordSecretId]);
  for (const key of encryptionKeys) allowDecryption(role, key);
}
