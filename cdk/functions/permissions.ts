/** Permissions of the scan, the renew function and the probe. */
import { Stack } from 'aws-cdk-lib';
import { type Conditions, Effect, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { noRoomLabel, orderLabel, statusTags, tags } from '../../lambdas/domain/tags.ts';
import { needsOf } from '../../lambdas/providers/index.ts';
import type { CaNeeds } from '../../lambdas/providers/kind.ts';
import type { Config } from '../config/config.ts';
import { isToken } from '../config/token.ts';
import { acknowledgeWildcards } from './node-function.ts';
import { checkPolicySizes, inStatements, nthSid } from './policy-size.ts';

/** Returns a condition for secrets and keys whose tag names one of these profiles. */
export const enrolled = (profiles: readonly string[]) => ({ [`aws:ResourceTag/${tags.profile}`]: [...profiles] });

/** The algorithms of lambdas/domain/signer.ts. */
export const signingAlgorithms = [
  'ECDSA_SHA_256',
  'ECDSA_SHA_384',
  'ECDSA_SHA_512',
  'RSASSA_PKCS1_V1_5_SHA_256',
  'ED25519_SHA_512',
];

/** Lets the role list names and tags of all secrets (ListSecrets has no narrower resource), and denies it to read any value. */
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

/**
 * Lets the role list names and tags, describe the secrets of these profiles, and write the tag `served` on them, and no other tag. It can
 * read no value.
 */
export function allowProbe(role: Role, profiles: readonly string[]): void {
  allowScan(role);
  const secrets = arnOf(role, 'secretsmanager', 'secret', '*');
  for (const [n, some] of inStatements(profiles).entries()) {
    const tagged = { StringEquals: enrolled(some) };
    role.addToPolicy(allow(nthSid('Describe', n), ['secretsmanager:DescribeSecret'], [secrets], tagged));
    role.addToPolicy(allowTags(nthSid('Tag', n), ['secretsmanager:TagResource'], [secrets], [tags.served], tagged));
  }
  acknowledgeWildcards(role, [secrets], "The statement's condition selects secrets by their tag.");
  checkPolicySizes(role, profiles, "the probe's");
}

/** Returns a statement that allows to change these tags only. ForAllValues is also true without any key; Null excludes that. */
function allowTags(
  sid: string,
  actions: string[],
  resources: string[],
  keys: readonly string[],
  conditions: Conditions,
): PolicyStatement {
  return allow(sid, actions, resources, {
    ...conditions,
    'ForAllValues:StringEquals': { 'aws:TagKeys': [...keys] },
    Null: { 'aws:TagKeys': 'false' },
  });
}

/** Lets the role read the parameters with a prefix. */
export function allowParameters(role: Role, sid: string, prefix: string): void {
  const parameters = Stack.of(role).formatArn({
    service: 'ssm',
    resource: 'parameter',
    resourceName: `${prefix.slice(1)}*`,
  });
  role.addToPolicy(allow(sid, ['ssm:GetParameter'], [parameters]));
  acknowledgeWildcards(role, [parameters], 'Only the parameters of this stack have this prefix.');
}

/** Lets the role read, write and tag the secrets of this stack's profiles, and sign with their KMS keys. */
export function allowRenewal(role: Role, config: Config): void {
  const profiles = Object.keys(config.profiles);
  const resources = {
    secrets: arnOf(role, 'secretsmanager', 'secret', '*'),
    keys: Stack.of(role).formatArn({ service: 'kms', resource: 'key', resourceName: '*' }),
  };
  // Only metadata, but of any secret, so that a secret without the tag can be told apart from a missing one.
  role.addToPolicy(allow('Describe', ['secretsmanager:DescribeSecret'], [resources.secrets]));
  for (const [n, some] of inStatements(profiles).entries()) {
    for (const statement of statementsFor(some, n, resources)) role.addToPolicy(statement);
  }
  acknowledgeWildcards(
    role,
    Object.values(resources),
    "The statement's condition selects secrets and keys by their tag.",
  );
  checkPolicySizes(role, profiles);
  allowNamedSecrets(role, config);
  allowSigningForCas(role, config);
  allowChallenges(role, config);
  allowBindings(role, config);
  for (const key of config.encryptionKeys ?? []) allowEncryptionKey(role, key);
}

/** Returns the statements for some of the profiles. They are few, because each contains the names of all these profiles. */
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
        'secretsmanager:VersionStage': ['AWSCURRENT', 'AWSPENDING', noRoomLabel, orderLabel],
      },
    }),
    // Only the status tags, so it can't enrol a secret.
    allowTags(
      sid('Tag'),
      ['secretsmanager:TagResource', 'secretsmanager:UntagResource'],
      [secrets],
      statusTags,
      tagged,
    ),
    allow(sid('Sign'), ['kms:Sign'], [keys], {
      StringEquals: { ...enrolled(profiles), 'kms:SigningAlgorithm': signingAlgorithms },
    }),
  ];
}

/** Lets the role read the passwords of encrypted keys and the credentials for CAs. */
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

/** Lets the role sign requests to a CA with exactly these keys. They belong to no certificate, so they have no tag. */
function allowSigningForCas(role: Role, config: Config): void {
  const arns = needsOfAll(config).flatMap(({ signingKeys }) => signingKeys);
  for (const [n, some] of inStatements([...new Set(arns)]).entries()) {
    role.addToPolicy(allow(nthSid('CaPublicKey', n), ['kms:GetPublicKey'], [...some]));
    role.addToPolicy(
      allow(nthSid('CaSign', n), ['kms:Sign'], [...some], {
        StringEquals: { 'kms:SigningAlgorithm': signingAlgorithms },
      }),
    );
  }
}

/** The names of the TXT records of dns-01 (RFC 8555 section 8.4), as Route 53 normalises them. */
const challengeRecords = '_acme-challenge.*';

/**
 * Lets the role write and delete TXT records of challenges in the zones of the profiles, and nothing else in them. Keys:
 * https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/specifying-conditions-route53.html
 */
function allowChallenges(role: Role, config: Config): void {
  const { partition } = Stack.of(role);
  const zones = [...new Set(needsOfAll(config).flatMap(({ zones: own = [] }) => own))];
  if (zones.length === 0) return;
  const change = (name: string) => `route53:ChangeResourceRecordSets${name}`;
  const [names, types, actions] = [change('NormalizedRecordNames'), change('RecordTypes'), change('Actions')];
  const arns = zones.map((zone) => `arn:${partition}:route53:::hostedzone/${zone}`);
  for (const [n, some] of inStatements(arns).entries()) {
    role.addToPolicy(
      allow(nthSid('ChangeChallenges', n), [change('')], some, {
        'ForAllValues:StringLike': { [names]: [challengeRecords] },
        'ForAllValues:StringEquals': { [types]: ['TXT'], [actions]: ['CREATE', 'DELETE'] },
        // ForAllValues is also true without any key; Null excludes that.
        Null: { [names]: 'false', [types]: 'false', [actions]: 'false' },
      }),
    );
    role.addToPolicy(allow(nthSid('ReadChallenges', n), ['route53:ListResourceRecordSets'], some));
  }
  const changes = `arn:${partition}:route53:::change/*`;
  role.addToPolicy(allow('AwaitChallenges', ['route53:GetChange'], [changes]));
  acknowledgeWildcards(
    role,
    [changes],
    'Route 53 chooses the id of a change. The call reads only whether it is in sync.',
  );
}

/** Lets the role read the credentials of exactly these account bindings of ACM's ACME endpoints. */
function allowBindings(role: Role, config: Config): void {
  const arns = [...new Set(needsOfAll(config).flatMap(({ bindings = [] }) => bindings))];
  for (const [n, some] of inStatements(arns).entries()) {
    role.addToPolicy(allow(nthSid('AccountBindings', n), ['acm:GetAcmeExternalAccountBindingCredentials'], some));
  }
}

const needsOfAll = ({ profiles }: Config): readonly CaNeeds[] =>
  Object.values(profiles).flatMap(({ ca }) => (isToken(ca) ? [] : needsOf(ca)));

/** Lets the role read the values of exactly these secrets, each a name or an ARN. */
export function allowReading(role: Role, sid: string, ids: readonly string[]): void {
  if (ids.length === 0) return;
  const arns = [...new Set(ids)].map((id) => secretArn(role, id));
  for (const [n, some] of inStatements(arns).entries()) {
    role.addToPolicy(allow(nthSid(sid, n), ['secretsmanager:GetSecretValue'], some));
  }
  acknowledgeSuffixes(role, arns);
}

/** Acknowledges, for cdk-nag, the six question marks at the end of secrets' names. */
export function acknowledgeSuffixes(role: Role, arns: readonly string[]): void {
  acknowledgeWildcards(
    role,
    arns.filter((arn) => !isToken(arn) || arn.includes('?')),
    'They stand for the six characters that Secrets Manager adds to a name.',
  );
}

/** Lets the role use a customer key of secrets that are written, through Secrets Manager only. The key's policy must delegate to IAM. */
export function allowEncryptionKey(role: Role, keyArn: string): void {
  allowThroughSecrets(role, keyArn, ['kms:Decrypt', 'kms:GenerateDataKey']);
}

/** Does the same as allowEncryptionKey, for secrets that are only read. */
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

/** Returns the ARN of a secret. `??????` stands for the six random characters after a name or an incomplete ARN. */
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
