/** Who may do what for declared certificates: the deployment's function, and roles that declare by hand. */
import { Stack } from 'aws-cdk-lib';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { tags } from '../../lambdas/domain/tags.ts';
import { settingTags } from '../../lambdas/policy/certificate-entry.ts';
import { allow, arnOf, enrolled } from '../functions/permissions.ts';
import { inStatements, nthSid } from '../functions/policy-size.ts';

export interface DeclaringRights {
  /** Those with `issue`. */
  readonly profiles: readonly string[];
  /** Where profiles' parameters, and those of declarations, are; each ends in a slash. */
  readonly profilePrefix: string;
  readonly declarationPrefix: string;
  readonly renewFunctionArn: string;
  /** ARNs of customer keys. */
  readonly encryptionKeys: readonly string[];
}

/** The tags that a declaration writes: what it says of its secret, the profile apart, and its hash. */
const writtenTags = [...settingTags, tags.paused, tags.declared];
const declaringTags = [tags.profile, ...writtenTags];

/**
 * Makes and tags the secrets of these profiles, writes declarations, and has the renew function issue. No secret's value can be
 * read by it, and none be written but where there are customer keys (encryptingStatements).
 */
export function declaringStatements(scope: Construct, rights: DeclaringRights): readonly PolicyStatement[] {
  const { profiles, renewFunctionArn, encryptionKeys } = rights;
  const { secrets, profileParameters, declarations } = resourcesOf(scope, rights);
  return [
    // Metadata only, and of any secret: one without the tag must be told from a missing one.
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
 * Gives a secret another customer key. UpdateSecret could write a value as well, and IAM has no condition to tell the two apart: so a
 * stack without customer keys does not allow it.
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

/** A customer key of secrets that are made, or encrypted anew: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecret.html */
export const declaringKeyActions = ['kms:Decrypt', 'kms:Encrypt', 'kms:GenerateDataKey'];

/** Usable through Secrets Manager only. */
export function throughSecrets(scope: Construct, keyArns: readonly string[], actions: string[]): PolicyStatement {
  const { region, urlSuffix } = Stack.of(scope);
  return allow(undefined, actions, [...keyArns], {
    StringEquals: { 'kms:ViaService': `secretsmanager.${region}.${urlSuffix}` },
  });
}

/** What the statements name with a wildcard, for cdk-nag. */
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

/** For some of the profiles, whose names are in each statement. A certificate may move from one of these to another of these. */
function secretStatements(profiles: readonly string[], n: number, secrets: string): readonly PolicyStatement[] {
  const sid = (name: string) => nthSid(name, n);
  const requested = { [`aws:RequestTag/${tags.profile}`]: [...profiles] };
  // ForAllValues is true of no keys at all, hence the Null.
  const only = (keys: readonly string[]) => ({
    'ForAllValues:StringEquals': { 'aws:TagKeys': [...keys] },
    Null: { 'aws:TagKeys': 'false' },
  });
  return [
    allow(sid('Create'), ['secretsmanager:CreateSecret'], [secrets], {
      StringEquals: requested,
      ...only(declaringTags),
    }),
    // CreateSecret asks for it as well, and has the tags of the request for those of the secret:
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/tutorial_attribute-based-access-control.html
    allow(sid('Tag'), ['secretsmanager:TagResource'], [secrets], {
      StringEquals: enrolled(profiles),
      StringEqualsIfExists: requested,
      ...only(declaringTags),
    }),
    // Not the profile's: nothing is taken out of it.
    allow(sid('Untag'), ['secretsmanager:UntagResource'], [secrets], {
      StringEquals: enrolled(profiles),
      ...only(writtenTags),
    }),
  ];
}
