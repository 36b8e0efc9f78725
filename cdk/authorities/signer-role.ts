/**
 * The names of the roles that may sign with an authority's key. A key outlives its stack, and a later stack imports it with roles that
 * don't exist yet. So the key's policy names the roles by a prefix, and the IAM policies of each stack name the key by its ARN. The prefix
 * adds no risk: an administrator who can create roles of any name can usually change the key's policy too.
 */
import { createHash } from 'node:crypto';
import { Aws, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

const prefix = 'cert-renewer-ca-';

/** Returns a role name that is unique in the account by stack, Region and construct. IAM allows 64 characters. */
export function signerRoleName(scope: Construct, id: string): string {
  const { stackName } = Stack.of(scope);
  const place = createHash('sha256').update(`${stackName}/${scope.node.path}/${id}`).digest('hex').slice(0, 16);
  return `${prefix}${Aws.REGION}-${place}`;
}

/** Returns patterns for `aws:PrincipalArn`. AWS gives the role of a session, some AWS emulators the session itself. */
export function signerRolePattern(scope: Construct): string[] {
  const { partition, account } = Stack.of(scope);
  return [
    `arn:${partition}:iam::${account}:role/${prefix}*`,
    `arn:${partition}:sts::${account}:assumed-role/${prefix}*`,
  ];
}
