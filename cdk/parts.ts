/**
 * The place of each profile's alarms and hooks: the stack itself, or nested stacks if the stack would have more than 500 resources.
 * A profile may move to another part at a later deployment, which creates its alarms and functions again. So only resources that may
 * be replaced belong there.
 */
import { NestedStack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { Config } from './config/config.ts';
import { ConfigError } from './config/config-error.ts';
import type { HookConfig } from './config/config-schema.ts';
import { packed } from './functions/packed.ts';

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html */
const mostResources = 500;
/** Resources in a nested stack at most. The rest is for the app and for the CDK, which adds its metadata. */
const fullPart = 480;

/** Upper bounds of the number of resources. `stack`: without profiles, and with every option on. */
export const resourcesOf = {
  stack: 90,
  authority: 11,
  parameter: 1,
  /** If a profile has `issue`: the declaring function and the custom resources of the declared certificates. */
  declarations: 24,
  alarms: 2,
  probeAlarm: 1,
  hookAlarm: 1,
  hook: { exec: 8, signal: 8, lambda: 7, acm: 7, ecs: 9, sns: 3 } satisfies Record<HookConfig['type'], number>,
} as const;

/** A nested stack for alarms and hooks. */
export interface Part {
  /** 1, 2, … */
  readonly number: number;
  readonly scope: Construct;
}

/** Distributes profiles over nested stacks, if needed. Throws ConfigError if even that does not fit. */
export class Parts extends Construct {
  private readonly byProfile = new Map<string, Part>();

  constructor(
    scope: Construct,
    id: string,
    { profiles, authorities = {}, probe }: Pick<Config, 'profiles' | 'authorities' | 'probe'>,
  ) {
    super(scope, id);
    const names = Object.keys(profiles);
    const ofProbe = probe ? resourcesOf.probeAlarm : 0;
    const sizes = new Map(Object.entries(profiles).map(([name, profile]) => [name, sizeOf(profile) + ofProbe]));
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

  /** Returns the nested stack of a profile. Undefined: the stack itself. */
  of(profile: string): Part | undefined {
    return this.byProfile.get(profile);
  }
}

/** Throws ConfigError if one profile alone does not fit into a nested stack. */
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
  const todo = profile === undefined ? 'put some of the profiles into a second stack' : 'give the profile fewer hooks';
  const message = `they need ${found} resources; CloudFormation allows ${mostResources} in a template: ${todo}`;
  return new ConfigError(scope.node.path, [{ path, message }]);
}
