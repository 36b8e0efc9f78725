/** The deployed stack, as a command sees it: found by its name, read through its outputs. Each part is read on first use. */
import type { AwsOptions } from '../lambdas/aws/clients.ts';
import { once } from '../lambdas/aws/clients.ts';
import { secretMaker } from '../lambdas/aws/secret-maker.ts';
import { secretsManagerStore } from '../lambdas/aws/secrets-manager.ts';
import { ssmAuthorities, ssmProfiles } from '../lambdas/aws/ssm.ts';
import { ssmDeclarationKeeper } from '../lambdas/aws/ssm-declarations.ts';
import { noLimits } from '../lambdas/domain/calls.ts';
import type { DeclarationKeeper, SecretMaker } from '../lambdas/domain/declaring.ts';
import { RenewalError } from '../lambdas/domain/errors.ts';
import type { AuthoritySource, Clock, ProfileSource, Store } from '../lambdas/domain/ports.ts';
import type { Profile } from '../lambdas/domain/profile.ts';
import { parseAuthority } from '../lambdas/policy/authority.ts';
import { parameterNameOf } from '../lambdas/policy/declaration-identity.ts';
import { loadSchedule } from '../lambdas/policy/schedule.ts';
import { parseProfile } from '../lambdas/providers/profile.ts';
import { describeStack, listResources, type Stack, type StackResource } from './aws/cloudformation.ts';
import { type Functions, functionsOf } from './aws/functions.ts';
import { type Observer, observerOf } from './aws/observe.ts';
import { type Secrets, secretsOf } from './aws/secrets.ts';

/** The stack, and the credentials to use. */
export interface Target {
  readonly stackName: string;
  readonly aws: AwsOptions;
}

/** The settings of the scan function. With them the command line decides exactly as the scan does. */
export interface Deployment {
  readonly profiles: ProfileSource;
  /** Undefined in a stack without own authorities. */
  readonly authorities: AuthoritySource | undefined;
  readonly rotationFunctionArn: string | undefined;
  /** Milliseconds from `now` until the next scan. */
  readonly step: (now: number) => number;
  /** The longest time between two scans, in milliseconds. */
  readonly longestGap: number;
}

export interface Session {
  readonly target: Target;
  /** The version of this command line. */
  readonly version: string;
  readonly clock: Clock;
  readonly store: Store;
  readonly secrets: Secrets;
  readonly functions: Functions;
  readonly observer: Observer;
  readonly resources: () => Promise<readonly StackResource[]>;
  /** Throws Internal if there is no stack. */
  readonly stack: () => Promise<Stack>;
  /** Returns one output of the stack. Throws Internal if it is missing. */
  readonly output: (name: OutputName) => Promise<string>;
  readonly deployment: () => Promise<Deployment>;
  /** Creates secrets without a value. */
  readonly maker: SecretMaker;
  /** Throws NotDeclared if no profile of the stack issues. */
  readonly declarations: () => Promise<DeclarationKeeper>;
}

export type OutputName =
  | 'ScanFunctionName'
  | 'RenewFunctionName'
  | 'RenewalQueueUrl'
  | 'DeadLetterQueueUrl'
  | 'EventBusName';

export function openSession(target: Target, version: string, clock: Clock): Session {
  const { aws, stackName } = target;
  const functions = functionsOf(aws, clock.sleep);
  const stack = once(async () => {
    const found = await describeStack(aws, stackName);
    if (found) return found;
    throw new RenewalError(
      'Internal',
      `There is no stack ${stackName} in this account and Region: name another with --stack or --region, or deploy it with cert-renewer deploy.`,
    );
  });
  const output = async (name: OutputName): Promise<string> => {
    const { outputs, status } = await stack();
    const value = outputs.get(name);
    if (value !== undefined) return value;
    throw new RenewalError(
      'Internal',
      `The stack ${stackName} (${status}) has no output ${name}: its deployment is not complete, or it is another product's, or an old version. Deploy it again (cert-renewer deploy), or name another with --stack.`,
    );
  };
  const deployment = once(async (): Promise<Deployment> => {
    const { environment } = await functions.settings(await output('ScanFunctionName'));
    return deploymentOf(aws, clock, environment);
  });
  const declarations = once(async (): Promise<DeclarationKeeper> => {
    const { environment } = await functions.settings(await output('RenewFunctionName'));
    const { DECLARATION_PREFIX: prefix } = environment;
    if (prefix !== undefined) return ssmDeclarationKeeper({ ...aws, prefix, nameOf: parameterNameOf })(noLimits);
    throw new RenewalError(
      'NotDeclared',
      `No profile of the stack ${stackName} issues certificates: add "issue" to a profile of the configuration, and deploy.`,
    );
  });
  const adapters = {
    maker: secretMaker(aws)(noLimits),
    secrets: secretsOf(aws),
    store: secretsManagerStore(aws)(noLimits),
    observer: observerOf(aws),
    functions,
  };
  const resources = () => listResources(aws, stackName);
  return { target, version, clock, ...adapters, stack, resources, output, deployment, declarations };
}

async function deploymentOf(
  aws: AwsOptions,
  clock: Clock,
  environment: Readonly<Record<string, string>>,
): Promise<Deployment> {
  const { PROFILE_PREFIX, AUTHORITY_PREFIX, AUTHORITIES, SCHEDULE, SCHEDULE_TIMEZONE, RENEW_FUNCTION_ARN } =
    environment;
  if (PROFILE_PREFIX === undefined || SCHEDULE === undefined) {
    throw new RenewalError('Internal', 'The scan function lacks its settings: deploy the stack again.');
  }
  const schedule = await loadSchedule(SCHEDULE, SCHEDULE_TIMEZONE);
  const names = namesIn(AUTHORITIES);
  return {
    profiles: ssmProfiles({ ...aws, clock, prefix: PROFILE_PREFIX, parse: parseProfile })(noLimits),
    authorities:
      AUTHORITY_PREFIX === undefined || names.length === 0
        ? undefined
        : ssmAuthorities({ ...aws, clock, prefix: AUTHORITY_PREFIX, names, parse: parseAuthority })(noLimits),
    rotationFunctionArn: RENEW_FUNCTION_ARN,
    longestGap: schedule.longestGap,
    step: (now) => (schedule.next(now) ?? now + schedule.longestGap) - now,
  };
}

function namesIn(json: string | undefined): readonly string[] {
  const parsed: unknown = JSON.parse(json || '[]');
  return Array.isArray(parsed) ? parsed.filter((name) => typeof name === 'string') : [];
}

/** Throws UnknownProfile. */
export async function requireProfile({ deployment, target }: Session, name: string): Promise<Profile> {
  const profile = await (await deployment()).profiles.find(name);
  if (profile) return profile;
  throw new RenewalError(
    'UnknownProfile',
    `The stack ${target.stackName} has no profile ${name}: correct --profile, or add it to the configuration and deploy.`,
  );
}
