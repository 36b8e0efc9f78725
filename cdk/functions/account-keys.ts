/** The KMS keys of accounts at CAs, for the profiles that name none. */
import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Key, KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { needsOf } from '../../lambdas/providers/index.ts';
import type { Config } from '../config/config.ts';
import { isToken } from '../config/token.ts';

/**
 * Makes a key for each profile that needs one, and returns the profiles with its ARN. A CA knows the account by its key, so the key is
 * retained when its profile or the stack is deleted. Its policy delegates to IAM, which lets only the renew function sign.
 */
export function withAccountKeys(scope: Construct, id: string, profiles: Config['profiles']): Config['profiles'] {
  const needing = new Map(
    Object.entries(profiles).flatMap(([name, { ca }]) => {
      const field = isToken(ca) ? undefined : needsOf(ca).newKey;
      return field === undefined ? [] : [[name, field]];
    }),
  );
  if (needing.size === 0) return profiles; // a new construct would be in every template's metadata
  const keys = new Construct(scope, id);
  return Object.fromEntries(
    Object.entries(profiles).map(([name, profile]) => {
      const field = needing.get(name);
      return [name, field === undefined ? profile : withKey(profile, field, newKey(keys, name))];
    }),
  );
}

const withKey = (profile: Config['profiles'][string], field: string, { keyArn }: Key): Config['profiles'][string] => ({
  ...profile,
  ca: { ...profile.ca, [field]: keyArn },
});

const newKey = (scope: Construct, profile: string): Key =>
  new Key(scope, profile, {
    description: `cert-renewer: the account key of the profile ${profile} of the stack ${Stack.of(scope).stackName}`,
    keySpec: KeySpec.ECC_NIST_P256,
    keyUsage: KeyUsage.SIGN_VERIFY,
    removalPolicy: RemovalPolicy.RETAIN,
  });
