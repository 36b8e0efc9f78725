/** Permissions for declared certificates: of the deployment's function, and of roles that declare by hand. */
import { Stack } from 'aws-cdk-lib';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { tags } from '../../lambdas/domain/tags.ts';
import { settingTags } from '../../lambdas/policy/certificate-entry.ts';
import { allow, arnOf, enrolled } from '../functions/permissions.ts';
import { inStatements, nthSid } from '../functions/policy-size.ts';

/** The resources that the permissions are for. */
export interface DeclaringRights {
  /** Names of the profiles with `issue`. */
  readonly profiles: readonly string[];
  /** Prefixes of the parameters of profiles and of declarations, each with a slash at its end. */
  readonly profilePrefix: string;
  readonly declarationPrefix: string;
  readonly renewFunctionArn: string;
  /** ARNs of the customer keys. */
  readonly encryptionKeys: readonly string[];
}

/** The tags that a declaration writes, without `cert-renewer:profile`. */
const writtenTags = [...settingTags, tags.paused, tags.declared];
const declaringTags = [tags.profile, ...writtenTags];

/**
 * Returns the statements to create and tag the secrets of these profiles, to write declarations and to invoke the renew function. With them
 * a role can't read a secret's value. It can write one only if there are customer keys (encryptingStatements).
 */
export function declaringStatements(scope: Construct, rights: DeclaringRights): readonly PolicyStatement[] {
  const { profiles, renewFunctionArn, encryptionKeys } = rights;
  const { secrets, profileParameters, declarations } = resourcesOf(scope, rights);
  return [
    // Only metadata, but of any secret, so that a secret without the tag can be told apart from a missing one.
    allow('Describe', ['secretsmanager:DescribeSecret'], [secrets]),
    ...inStatements(profiles).flatMap((some, n) => secretStatements(some, n, secrets)),
    allow('Declarations', ['ssm:GetParameter', 'ssm:PutParameter', 'ssm:DeleteParameter'], [declarations]),
    allow('Profiles', ['ssm:GetParameter'], [profileParameters]),
    allow('Issue', ['lambda:InvokeFunction'], [renewFunctionArn]),
    ...(encryptionKeys.length > 0
      ? [...encryptingStatements(scope, rights), throughSecrets(scope, encryptionKeys, declaringKeyActions)]
      : []),
  ];
}

/**
 * Returns the statements to change a secret's customer key. They allow UpdateSecret, which can also write a value: IAM has no condition
 * to exclude that. So a stack without customer keys does not have them.
 */
export function encryptingStatements(
  scope: Construct,
  rights: Pick<DeclaringRights, 'profiles' | 'profilePrefix' | 'declarationPrefix'>,
): readonly PolicyStatement[] {
  const { secrets } = resourcesOf(scope, rights);
  return inStatements(rights.profiles).map((some, n) =>
    allow(nthSid('Encrypt', n), ['secretsmanager:UpdateSecret'], [secrets], { StringEquals: enrolled(some) }),
  );
}

/**
 * Actions to create a secret with a customer key, or to encrypt one again:
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecret.html
 */
export const declaringKeyActions = ['kms:Decrypt', 'kms:Encrypt', 'kms:GenerateDataKey'];

/** Returns a statement for these keys that holds only for calls through Secrets Manager. */
export function throughSecrets(scope: Construct, keyArns: readonly string[], actions: string[]): PolicyStatement {
  const { region, urlSuffix } = Stack.of(scope);
  return allow(undefined, actions, [...keyArns], {
    StringEquals: { 'kms:ViaService': `secretsmanager.${region}.${urlSuffix}` },
  });
}

/** Returns the resources with wildcards in the statements, for cdk-nag. */
export function resourcesOf(
  scope: Construct,
  { profilePrefix, declarationPrefix }: Pick<DeclaringRights, 'profilePrefix' | 'declarationPrefix'>,
) {
  const parameters = (prefix: string) =>
    Stack.of(scope).formatArn({ service: 'ssm', resource: 'parameter', resourceName: `${prefix.slice(1)}*` });
  return {
    secrets: arnOf(scope, 'secretsmanager', 'secret', '*'),
    profileParameters: parameters(profilePrefix),
    declarations: parameters(declarationPrefix),
  };
}

/** Returns the statements for some of the profiles. A certificate may move from one of these profiles to another of them. */
function secretStatements(profiles: readonly string[], n: number, secrets: string): readonly PolicyStatement[] {
  const sid = (name: string) => nthSid(name, n);
  const requested = { [`aws:RequestTag/${tags.profile}`]: [...profiles] };
  // ForAllValues is also true without any key; Null excludes that.
  const only = (keys: readonly string[]) => ({
    'ForAllValues:StringEquals': { 'aws:TagKeys': [...keys] },
    Null: { 'aws:TagKeys': 'false' },
  });
  return [
    allow(sid('Create'), ['secretsmanager:CreateSecret'], [secrets], {
      StringEquals: requested,
      ...only(declaringTags),
    }),
    // CreateSecret needs it too, and the tags of its request count as those of the secret:
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/tutorial_attribute-based-access-control.html
    allow(sid('Tag'), ['secretsmanager:TagResource'], [secrets], {
      StringEquals: enrolled(profiles),
      StringEqualsIfExists: requested,
      ...only(declaringTags),
    }),
    // Without cert-renewer:profile: a secret stays in its profile.
    allow(sid('Untag'), ['secretsmanager:UntagResource'], [secrets], {
      StringEquals: enrolled(profiles),
      ...only(writtenTags),
    }),
  ];
}
