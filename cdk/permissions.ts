/** Who may do what: everything that the two functions are allowed, and nothing by AWS's managed policies. */
import { Stack } from 'aws-cdk-lib';
import { type Conditions, Effect, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { statusTags, tags } from '../lambdas/domain/tags.ts';
import type { Config } from './config.ts';
import { isToken } from './config.ts';
import { acknowledgeWildcards } from './node-function.ts';

/** A secret or key of one of this stack's profiles. A tag of another stack's profile opens nothing here. */
const enrolled = (profiles: readonly string[]) => ({ [`aws:ResourceTag/${tags.profile}`]: [...profiles] });

/** The algorithms of lambdas/domain/signer.ts. */
const signingAlgorithms = [
  'ECDSA_SHA_256',
  'ECDSA_SHA_384',
  'ECDSA_SHA_512',
  'RSASSA_PKCS1_V1_5_SHA_256',
  'ED25519_SHA_512',
];

/** Lists names and tags of all secrets, as ListSecrets knows no narrower resource, and can read none of them. */
export function allowScan(role: Role): void {
  role.addToPolicy(allow('List', ['secretsmanager:ListSecrets'], ['*']));
  role.addToPolicy(
    new PolicyStatement({
      sid: 'ReadNoSecret',
      effect: Effect.DENY,
      actions: ['secretsmanager:GetSecretValue', 'secretsmanager:BatchGetSecretValue'],
      resources: ['*'],
    }),
  );
  acknowledgeWildcards(role, ['*'], 'ListSecrets supports no resource; the other statement is a Deny.');
}

export function allowProfiles(role: Role, prefix: string): void {
  const parameters = Stack.of(role).formatArn({
    service: 'ssm',
    resource: 'parameter',
    resourceName: `${prefix.slice(1)}*`,
  });
  role.addToPolicy(allow('Profiles', ['ssm:GetParameter'], [parameters]));
  acknowledgeWildcards(role, [parameters], 'Only the parameters of this stack begin so.');
}

/** Reads, writes and tags the secrets of this stack's profiles, and signs with the KMS keys of these. */
export function allowRenewal(role: Role, config: Config): void {
  const profiles = Object.keys(config.profiles);
  const secrets = arnOf(role, 'secretsmanager', 'secret', '*');
  const keys = Stack.of(role).formatArn({ service: 'kms', resource: 'key', resourceName: '*' });
  const tagged = { StringEquals: enrolled(profiles) };
  const statements = [
    // Metadata only, and of any secret: one without the tag must be told from a missing one.
    allow('Describe', ['secretsmanager:DescribeSecret'], [secrets]),
    allow('ReadAndStage', ['secretsmanager:GetSecretValue', 'secretsmanager:PutSecretValue'], [secrets], tagged),
    allow('Promote', ['secretsmanager:UpdateSecretVersionStage'], [secrets], {
      StringEquals: { ...enrolled(profiles), 'secretsmanager:VersionStage': ['AWSCURRENT', 'AWSPENDING'] },
    }),
    // Only its own status: it can't enrol a secret. ForAllValues is true of no keys at all, hence the Null.
    allow('Tag', ['secretsmanager:TagResource', 'secretsmanager:UntagResource'], [secrets], {
      ...tagged,
      'ForAllValues:StringEquals': { 'aws:TagKeys': [...statusTags] },
      Null: { 'aws:TagKeys': 'false' },
    }),
    allow('PublicKey', ['kms:GetPublicKey'], [keys], tagged),
    allow('Sign', ['kms:Sign'], [keys], {
      StringEquals: { ...enrolled(profiles), 'kms:SigningAlgorithm': signingAlgorithms },
    }),
  ];
  for (const statement of statements) role.addToPolicy(statement);
  acknowledgeWildcards(
    role,
    [secrets, keys],
    "Secrets and keys are chosen by their tag, in the statement's condition.",
  );
  allowPasswords(role, config);
  for (const key of config.encryptionKeys ?? []) allowEncryptionKey(role, key);
}

function allowPasswords(role: Role, { profiles }: Config): void {
  const ids = new Set(Object.values(profiles).flatMap(({ passwordSecretId: id }) => (id === undefined ? [] : [id])));
  if (ids.size === 0) return;
  const arns = [...ids].map((id) => secretArn(role, id));
  role.addToPolicy(allow('Passwords', ['secretsmanager:GetSecretValue'], arns));
  acknowledgeWildcards(
    role,
    arns.filter((arn) => !isToken(arn) || arn.includes('?')),
    'The six characters that Secrets Manager adds to a name.',
  );
}

/** A customer key, usable through Secrets Manager only. Its own policy has to delegate to IAM. */
export function allowEncryptionKey(role: Role, keyArn: string): void {
  const { region, urlSuffix } = Stack.of(role);
  role.addToPolicy(
    allow(undefined, ['kms:Decrypt', 'kms:GenerateDataKey'], [keyArn], {
      StringEquals: { 'kms:ViaService': `secretsmanager.${region}.${urlSuffix}` },
    }),
  );
}

/** A whole ARN stays; a name, or an ARN without the six random characters, is followed by them. */
function secretArn(scope: Construct, id: string): string {
  if (isToken(id)) return id;
  if (!id.startsWith('arn:')) return arnOf(scope, 'secretsmanager', 'secret', `${id}-??????`);
  return /-[A-Za-z0-9]{6}$/.test(id) ? id : `${id}-??????`;
}

function arnOf(scope: Construct, service: string, resource: string, resourceName: string): string {
  const { partition, region, account } = Stack.of(scope);
  return `arn:${partition}:${service}:${region}:${account}:${resource}:${resourceName}`;
}

function allow(
  sid: string | undefined,
  actions: string[],
  resources: string[],
  conditions?: Conditions,
): PolicyStatement {
  return new PolicyStatement({ ...(sid && { sid }), actions, resources, ...(conditions && { conditions }) });
}
