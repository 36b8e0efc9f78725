/** The deployed stack, as a command sees it: found by its name, read through its outputs. Each part is read on first use. */
import type { AwsOptions } from '../lambdas/aws/clients.ts';
import { once } from '../lambdas/aws/clients.ts';
import { secretMaker } from '../lambdas/aws/secret-maker.ts';
import { secretsManagerStore } from '../lambdas/aws/secrets-manager.ts';
import { ssmAuthorities, ssmProfiles } from '../lambdas/aws/ssm.ts';
import { ssmDeclarationKeeper } from '../lambdas/aws/ssm-declarations.ts';
import { noLimits } from '../lambdas/domain/calls.ts';
import type { DeclarationKeeper, SecretMaker } from '../lambdas/domain/declaring.ts';
import { isDenied, RenewalError } from '../lambdas/domain/errors.ts';
import { listed, nearest, suggestion } from '../lambdas/domain/nearest.ts';
import type { AuthoritySource, Clock, ProfileSource, Store } from '../lambdas/domain/ports.ts';
import type { Profile } from '../lambdas/domain/profile.ts';
import { quote } from '../lambdas/domain/quote.ts';
import type { SecretSummary } from '../lambdas/domain/secret.ts';
import type { ProbeNetwork } from '../lambdas/domain/serving.ts';
import { probeNetwork } from '../lambdas/net/tls-handshake.ts';
import { parseAuthority } from '../lambdas/policy/authority.ts';
import { authorityProfileName } from '../lambdas/policy/authority-profile.ts';
import { parameterNameOf } from '../lambdas/policy/declaration-identity.ts';
import { profileNameOf } from '../lambdas/policy/enrolment.ts';
import { loadSchedule } from '../lambdas/policy/schedule.ts';
import { parseProfile } from '../lambdas/providers/profile.ts';
import { type Place, placeOf } from './aws/account.ts';
import { describeStack, listResources, type Stack, type StackResource } from './aws/cloudformation.ts';
import { type Functions, functionsOf } from './aws/functions.ts';
import { type Observer, observerOf } from './aws/observe.ts';
import { listProfileNames } from './aws/profiles.ts';
import { type Queues, queuesOf } from './aws/queues.ts';
import { type Secrets, secretsOf } from './aws/secrets.ts';
import { CommandError, explain } from './exit.ts';

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
  readonly queues: Queues;
  /** The network of this machine. */
  readonly network: ProbeNetwork;
  readonly resources: () => Promise<readonly StackResource[]>;
  /** Throws NoStack. */
  readonly stack: () => Promise<Stack>;
  /** Returns one output of the stack. Throws IncompleteStack if it is missing. */
  readonly output: (name: OutputName) => Promise<string>;
  readonly deployment: () => Promise<Deployment>;
  /** The names of the stack's profiles, sorted. Needs a permission that `deployment` does not need. */
  readonly profileNames: () => Promise<readonly string[]>;
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
    throw noStack(stackName, await placeOf(aws));
  });
  const output = async (name: OutputName): Promise<string> => {
    const { outputs, status } = await stack();
    const value = outputs.get(name);
    if (value !== undefined) return value;
    throw new CommandError(
      'IncompleteStack',
      `The stack ${stackName} (${status}) has no output ${name}: its deployment is not complete, or it is another product's, or an old version. Deploy it again (cert-renewer deploy), or name another with --stack.`,
    );
  };
  const deployment = once(async (): Promise<Deployment> => {
    const { environment } = await functions.settings(await output('ScanFunctionName'));
    return deploymentOf(aws, clock, environment);
  });
  const profileNames = once(async () => {
    const { environment } = await functions.settings(await output('ScanFunctionName'));
    const { PROFILE_PREFIX: prefix } = environment;
    if (prefix === undefined) throw withoutSettings();
    return listProfileNames(aws, prefix);
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
    queues: queuesOf(aws),
    functions,
    network: probeNetwork(),
  };
  const resources = () => listResources(aws, stackName);
  return { target, version, clock, ...adapters, stack, resources, output, deployment, profileNames, declarations };
}

function noStack(stackName: string, { account, region }: Place): CommandError {
  const where = account === undefined ? 'your account' : `the account ${account}`;
  const which = account === undefined ? ' (aws sts get-caller-identity shows which one that is)' : '';
  return new CommandError(
    'NoStack',
    `There is no stack ${stackName} in ${where}${which} and the Region ${region}: name another with --stack or --region, log in to another account with --profile-name, or deploy it with cert-renewer deploy.`,
  );
}

const withoutSettings = (): CommandError =>
  new CommandError(
    'IncompleteStack',
    'The scan function lacks its settings: deploy the stack again (cert-renewer deploy).',
  );

async function deploymentOf(
  aws: AwsOptions,
  clock: Clock,
  environment: Readonly<Record<string, string>>,
): Promise<Deployment> {
  const { PROFILE_PREFIX, AUTHORITY_PREFIX, AUTHORITIES, SCHEDULE, SCHEDULE_TIMEZONE, RENEW_FUNCTION_ARN } =
    environment;
  if (PROFILE_PREFIX === undefined || SCHEDULE === undefined) {
    throw withoutSettings();
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

/** Returns the profile that --profile names. Throws UnknownProfile, as a wrong use of the command line. */
export async function requireProfile(session: Session, name: string): Promise<Profile> {
  const { profiles } = await session.deployment();
  const profile = await profiles.find(name);
  if (profile) return profile;
  throw await unknownProfile(session, name);
}

/** Checks that --profile names a profile of the stack, or `authority:<name>`. Throws UnknownProfile, as a wrong use of the command line. */
export async function requireProfileOrAuthority(session: Session, name: string): Promise<void> {
  const { profiles, authorities } = await session.deployment();
  const ofAuthorities = (authorities?.names ?? []).map(authorityProfileName);
  if (ofAuthorities.includes(name) || (await profiles.find(name))) return;
  throw await unknownProfile(session, name, ofAuthorities);
}

/** The same where the profile is checked elsewhere too: without the permission for it, nothing is thrown. */
export async function checkProfile(session: Session, name: string): Promise<void> {
  try {
    await requireProfileOrAuthority(session, name);
  } catch (thrown) {
    if (!isDenied(thrown)) throw thrown;
  }
}

/** Returns the profile of the stack whose name is nearest. Undefined without one, and if the profiles can't be listed. */
export async function profileMeant({ profileNames }: Session, name: string): Promise<string | undefined> {
  const known = await profileNames().catch((): readonly string[] => []);
  return nearest(name, known);
}

/** Without the permission to list the profiles, the error lacks their names. */
async function unknownProfile(
  { profileNames, target }: Session,
  name: string,
  more: readonly string[] = [],
): Promise<CommandError> {
  const todo = 'Correct --profile, or add the profile to the configuration and deploy.';
  const no = `The stack ${target.stackName} has no profile ${/^[\w.:-]{1,80}$/.test(name) ? name : quote(name)}`;
  try {
    const known = [...(await profileNames()), ...more];
    const meant = suggestion(name, known);
    return new CommandError('UnknownProfile', `${no}${meant}. Its profiles are ${listed(known)}. ${todo}`);
  } catch (thrown) {
    const { errorType } = explain(thrown);
    return new CommandError('UnknownProfile', `${no}, and its profiles could not be listed (${errorType}). ${todo}`);
  }
}

/** Returns the profile that the tag of an enrolled secret names. Throws UnknownProfile. */
export async function profileOfSecret({ deployment, target }: Session, secret: SecretSummary): Promise<Profile> {
  const name = profileNameOf({ secret });
  const profile = await (await deployment()).profiles.find(name);
  if (profile) return profile;
  throw new RenewalError(
    'UnknownProfile',
    `The stack ${target.stackName} has no profile ${quote(name)}, which the secret is enrolled in: enrol it in another, or name another stack with --stack.`,
  );
}
