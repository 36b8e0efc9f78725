/** The SSM parameters from which the functions read the profiles, one for each. Their values may contain tokens. */
import { createHash } from 'node:crypto';
import { Stack } from 'aws-cdk-lib';
import { CfnParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { profileFields } from '../../lambdas/providers/profile.ts';
import type { Config } from './config.ts';
import { configPath } from './explain.ts';
import { checkParameterSize } from './parameter-size.ts';

/** The parameters of all profiles. */
export class Profiles extends Construct {
  /** Prefix of the parameters' names, with a slash at its end. The profile's name follows. */
  readonly prefix: string;
  readonly parameters: readonly CfnParameter[];
  /**
   * A hash of all profiles. It is part of the functions' environment, so no warm worker keeps an old profile. For a token it covers the
   * reference, not the value.
   */
  readonly hash: string;

  constructor(scope: Construct, id: string, { profiles, probe }: Pick<Config, 'profiles' | 'probe'>) {
    super(scope, id);
    const stack = Stack.of(this);
    this.prefix = `/cert-renewer/${stack.stackName}/profiles/`;
    const documents = Object.entries(profiles).map(
      ([name, profile]) => [name, { ...deployed(profile), ...(probe && { probe }) }] as const,
    );
    this.parameters = documents.map(([name, document]) => {
      const value = stack.toJsonString(document);
      checkParameterSize(this, value, {
        path: configPath('profiles', name),
        what: 'a profile',
        with: `with its root certificates, allowed names and hosted zones${probe ? ', and with probe.allow of the stack' : ''}`,
        todo: 'remove what is not needed, or make two profiles of it',
      });
      return new CfnParameter(this, name, {
        name: `${this.prefix}${name}`,
        type: 'String',
        tier: 'Intelligent-Tiering', // up to 4 KB costs nothing
        value,
        description: `cert-renewer: the profile ${name}`,
      });
    });
    this.hash = createHash('sha256')
      .update(JSON.stringify(stack.resolve(documents)))
      .digest('hex')
      .slice(0, 16);
  }
}

/** Returns the fields that lambdas/providers/profile.ts reads. Hooks are not among them. */
function deployed(profile: Config['profiles'][string]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(profile).filter(([field]) => Object.hasOwn(profileFields, field)));
}
