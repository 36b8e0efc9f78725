/**
 * The names of the roles that may sign with an authority's key, also where there is no authority yet. The key outlives the stack and a later stack imports it,
 * under roles that don't exist yet: so the key's policy knows them by how their names begin, and IAM, which each stack
 * has for itself, by the key's ARN. Whoever may make roles of any name may change the key's policy as well.
 */
import { createHash } from 'node:crypto';
import { Aws, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

const prefix = 'cert-renewer-ca-';

/** One of its own in the account, for each stack, Region and place in the stack. IAM takes 64 characters. */
export function signerRoleName(scope: Construct, id: string): string {
  const { stackName } = Stack.of(scope);
  const place = createHash('sha256').update(`${stackName}/${scope.node.path}/${id}`).digest('hex').slice(0, 16);
  return `${prefix}${Aws.REGION}-${place}`;
}

/** As `aws:PrincipalArn` may have it: AWS names a session's role, a local AWS the session itself. */
export function signerRolePattern(scope: Construct): string[] {
  const { partition, account } = Stack.of(scope);
  return [
    `arn:${partition}:iam::${account}:role/${prefix}*`,
    `arn:${partition}:sts::${account}:assumed-role/${prefix}*`,
  ];
}
