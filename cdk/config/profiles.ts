/** Profiles travel as SSM parameters, one each: they may hold values that only the deployment knows. */
import { createHash } from 'node:crypto';
import { Stack } from 'aws-cdk-lib';
import { CfnParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { profileFields } from '../../lambdas/providers/profile.ts';
import type { Config } from './config.ts';
import { configPath } from './explain.ts';
import { checkParameterSize } from './parameter-size.ts';

export class Profiles extends Construct {
  /** Ends in a slash; a profile's name follows. */
  readonly prefix: string;
  readonly parameters: readonly CfnParameter[];
  /**
   * Changes with any profile, and so does the functions' environment: no warm worker keeps an old profile. (Of a value
   * that only the deployment knows it sees where it comes from, not what it is.)
   */
  readonly hash: string;

  constructor(scope: Construct, id: string, profiles: Config['profiles']) {
    super(scope, id);
    const stack = Stack.of(this);
    this.prefix = `/cert-renewer/${stack.stackName}/profiles/`;
    const documents = Object.entries(profiles).map(([name, profile]) => [name, deployed(profile)] as const);
    this.parameters = documents.map(([name, document]) => {
      const value = stack.toJsonString(document);
      checkParameterSize(this, value, {
        path: configPath('profiles', name),
        what: 'a profile',
        with: 'with its root certificates',
        todo: 'keep only the roots that are needed',
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

/** What lambdas/providers/profile.ts reads: no hooks, they are wired at deployment. */
function deployed(profile: Config['profiles'][string]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(profile).filter(([field]) => Object.hasOwn(profileFields, field)));
}
