/**
 * Where the alarms and hooks of a profile go: into the stack itself, or, where that would have more than the 500 resources
 * that CloudFormation takes, into nested stacks. Nothing with a value or a name of its own goes there, so that a profile may
 * change its place: its alarms and functions are made anew.
 */
import { NestedStack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { Config } from './config/config.ts';
import { ConfigError } from './config/config-error.ts';
import type { HookConfig } from './config/config-schema.ts';
import { packed } from './functions/packed.ts';

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html */
const mostResources = 500;
/** So many are put into a nested stack: an app may add some of its own to each, as the CDK does its metadata. */
const fullPart = 480;

/** Resources at most: of a stack with no profile, with each option on; and of what there may be many of. */
export const resourcesOf = {
  stack: 90,
  authority: 11,
  parameter: 1,
  /** Where profiles issue: the function, and the certificates of the configuration. */
  declarations: 24,
  alarms: 2,
  hookAlarm: 1,
  hook: { exec: 8, signal: 8, lambda: 7, acm: 7, sns: 3 } satisfies Record<HookConfig['type'], number>,
} as const;

export interface Part {
  /** 1, 2, … */
  readonly number: number;
  readonly scope: Construct;
}

export class Parts extends Construct {
  private readonly byProfile = new Map<string, Part>();

  constructor(scope: Construct, id: string, { profiles, authorities = {} }: Pick<Config, 'profiles' | 'authorities'>) {
    super(scope, id);
    const names = Object.keys(profiles);
    const sizes = new Map(Object.entries(profiles).map(([name, profile]) => [name, sizeOf(profile)]));
    const fixed =
      resourcesOf.stack +
      Object.keys(authorities).length * resourcesOf.authority +
      names.length * resourcesOf.parameter +
      (Object.values(profiles).some(({ issue }) => issue) ? resourcesOf.declarations : 0);
    const movable = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    if (fixed + movable <= mostResources) return;
    const groups = grouped(scope, sizes);
    if (fixed + groups.length > mostResources) throw tooMany(scope, fixed + groups.length);
    for (const [index, group] of groups.entries()) {
      const number = index + 1;
      const part = {
        number,
        scope: new NestedStack(this, `Part${number}`, { description: 'cert-renewer: alarms and hooks' }),
      };
      for (const name of group) this.byProfile.set(name, part);
    }
  }

  /** Undefined: the stack itself. */
  of(profile: string): Part | undefined {
    return this.byProfile.get(profile);
  }
}

/** Throws ConfigError for one that does not fit by itself. */
function grouped(scope: Construct, sizes: ReadonlyMap<string, number>): readonly string[][] {
  for (const [name, size] of sizes) if (size > fullPart) throw tooMany(scope, size, name);
  return packed([...sizes], ([, size]) => size, fullPart).map((group) => group.map(([name]) => name));
}

function sizeOf({ hooks = [] }: Config['profiles'][string]): number {
  const ofHooks = hooks.reduce((sum, { type }) => sum + resourcesOf.hook[type], 0);
  return resourcesOf.alarms + (hooks.length > 0 ? resourcesOf.hookAlarm : 0) + ofHooks;
}

function tooMany(scope: Construct, found: number, profile?: string): ConfigError {
  const path = profile === undefined ? '$.profiles' : `$.profiles.${profile}.hooks`;
  const message = `they need ${found} resources, and CloudFormation takes ${mostResources} in a template: ${profile === undefined ? 'put some of the profiles into a second stack' : 'give the profile fewer hooks'}`;
  return new ConfigError(scope.node.path, [{ path, message }]);
}
