/** Who may do what: everything that the two functions are allowed, and nothing by AWS's managed policies. */
import { Stack } from 'aws-cdk-lib';
import { type Conditions, Effect, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { noRoomLabel, statusTags, tags } from '../../lambdas/domain/tags.ts';
import { needsOf } from '../../lambdas/providers/index.ts';
import type { Config } from '../config/config.ts';
import { isToken } from '../config/token.ts';
import { acknowledgeWildcards } from './node-function.ts';
import { checkPolicySizes, inStatements, nthSid } from './policy-size.ts';

/** A secret or key of one of this stack's profiles. A tag of another stack's profile opens nothing here. */
export const enrolled = (profiles: readonly string[]) => ({ [`aws:ResourceTag/${tags.profile}`]: [...profiles] });

/** The algorithms of lambdas/domain/signer.ts. */
export const signingAlgorithms = [
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

/** Reads the parameters of profiles, or of authorities. */
export function allowParameters(role: Role, sid: string, prefix: string): void {
  const parameters = Stack.of(role).formatArn({
    service: 'ssm',
    resource: 'parameter',
    resourceName: `${prefix.slice(1)}*`,
  });
  role.addToPolicy(allow(sid, ['ssm:GetParameter'], [parameters]));
  acknowledgeWildcards(role, [parameters], 'Only the parameters of this stack begin so.');
}

/** Reads, writes and tags the secrets of this stack's profiles, and signs with the KMS keys of these. */
export function allowRenewal(role: Role, config: Config): void {
  const profiles = Object.keys(config.profiles);
  const resources = {
    secrets: arnOf(role, 'secretsmanager', 'secret', '*'),
    keys: Stack.of(role).formatArn({ service: 'kms', resource: 'key', resourceName: '*' }),
  };
  // Metadata only, and of any secret: one without the tag must be told from a missing one.
  role.addToPolicy(allow('Describe', ['secretsmanager:DescribeSecret'], [resources.secrets]));
  for (const [n, some] of inStatements(profiles).entries()) {
    for (const statement of statementsFor(some, n, resources)) role.addToPolicy(statement);
  }
  acknowledgeWildcards(
    role,
    Object.values(resources),
    "Secrets and keys are chosen by their tag, in the statement's condition.",
  );
  checkPolicySizes(role, profiles);
  allowNamedSecrets(role, config);
  allowSigningForCas(role, config);
  for (const key of config.encryptionKeys ?? []) allowEncryptionKey(role, key);
}

/** For some of the profiles: their names are in each statement, and as few statements as there may be. */
function statementsFor(
  profiles: readonly string[],
  n: number,
  { secrets, keys }: { readonly secrets: string; readonly keys: string },
): PolicyStatement[] {
  const sid = (name: string) => nthSid(name, n);
  const tagged = { StringEquals: enrolled(profiles) };
  const reading = ['secretsmanager:GetSecretValue', 'secretsmanager:PutSecretValue', 'kms:GetPublicKey'];
  return [
    allow(sid('ReadAndStage'), reading, [secrets, keys], tagged),
    allow(sid('Promote'), ['secretsmanager:UpdateSecretVersionStage'], [secrets], {
      StringEquals: {
        ...enrolled(profiles),
        'secretsmanager:VersionStage': ['AWSCURRENT', 'AWSPENDING', noRoomLabel],
      },
    }),
    // Only its own status: it can't enrol a secret. ForAllValues is true of no keys at all, hence the Null.
    allow(sid('Tag'), ['secretsmanager:TagResource', 'secretsmanager:UntagResource'], [secrets], {
      ...tagged,
      'ForAllValues:StringEquals': { 'aws:TagKeys': [...statusTags] },
      Null: { 'aws:TagKeys': 'false' },
    }),
    allow(sid('Sign'), ['kms:Sign'], [keys], {
      StringEquals: { ...enrolled(profiles), 'kms:SigningAlgorithm': signingAlgorithms },
    }),
  ];
}

/** What the workers read beside enrolled secrets: passwords of encrypted keys, credentials for a CA. */
function allowNamedSecrets(role: Role, { profiles }: Config): void {
  const ids = Object.values(profiles).flatMap(({ passwordSecretId, ca }) => [
    passwordSecretId,
    ...(isToken(ca) ? [] : needsOf(ca).secrets),
  ]);
  allowReading(
    role,
    'Passwords',
    ids.filter((id) => id !== undefined),
  );
}

/** With keys that are no certificate's, so that no tag opens them: exactly these sign what a CA asks for. */
function allowSigningForCas(role: Role, { profiles }: Config): void {
  const arns = Object.values(profiles).flatMap(({ ca }) => (isToken(ca) ? [] : needsOf(ca).signingKeys));
  for (const [n, some] of inStatements([...new Set(arns)]).entries()) {
    role.addToPolicy(allow(nthSid('CaPublicKey', n), ['kms:GetPublicKey'], [...some]));
    role.addToPolicy(
      allow(nthSid('CaSign', n), ['kms:Sign'], [...some], {
        StringEquals: { 'kms:SigningAlgorithm': signingAlgorithms },
      }),
    );
  }
}

/** Reads the values of exactly these secrets, each a name or an ARN. */
export function allowReading(role: Role, sid: string, ids: readonly string[]): void {
  if (ids.length === 0) return;
  const arns = [...new Set(ids)].map((id) => secretArn(role, id));
  for (const [n, some] of inStatements(arns).entries()) {
    role.addToPolicy(allow(nthSid(sid, n), ['secretsmanager:GetSecretValue'], some));
  }
  acknowledgeSuffixes(role, arns);
}

/** Tells cdk-nag why names of secrets end in six question marks. */
export function acknowledgeSuffixes(role: Role, arns: readonly string[]): void {
  acknowledgeWildcards(
    role,
    arns.filter((arn) => !isToken(arn) || arn.includes('?')),
    'The six characters that Secrets Manager adds to a name.',
  );
}

/** A customer key of secrets that are written: usable through Secrets Manager only. Its own policy has to delegate to IAM. */
export function allowEncryptionKey(role: Role, keyArn: string): void {
  allowThroughSecrets(role, keyArn, ['kms:Decrypt', 'kms:GenerateDataKey']);
}

/** The same of secrets that are only read. */
export function allowDecryption(role: Role, keyArn: string): void {
  allowThroughSecrets(role, keyArn, ['kms:Decrypt']);
}

function allowThroughSecrets(role: Role, keyArn: string, actions: string[]): void {
  const { region, urlSuffix } = Stack.of(role);
  role.addToPolicy(
    allow(undefined, actions, [keyArn], {
      StringEquals: { 'kms:ViaService': `secretsmanager.${region}.${urlSuffix}` },
    }),
  );
}

/** A whole ARN stays; a name, or an ARN without the six random characters, is followed by them. */
export function secretArn(scope: Construct, id: string): string {
  if (isToken(id)) return id;
  if (!id.startsWith('arn:')) return arnOf(scope, 'secretsmanager', 'secret', `${id}-??????`);
  return /-[A-Za-z0-9]{6}$/.test(id) ? id : `${id}-??????`;
}

export function arnOf(scope: Construct, service: string, resource: string, resourceName: string): string {
  const { partition, region, account } = Stack.of(scope);
  return `arn:${partition}:${service}:${region}:${account}:${resource}:${resourceName}`;
}

export function allow(
  sid: string | undefined,
  actions: string[],
  resources: string[],
  conditions?: Conditions,
): PolicyStatement {
  return new PolicyStatement({ ...(sid && { sid }), actions, resources, ...(conditions && { conditions }) });
}
