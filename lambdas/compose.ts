/**
 * Builds the adapters. Only this file reads the environment, the clock and randomness. Code that most invocations don't need is
 * imported on first use, to keep cold starts short.
 */
import { randomBytes } from 'node:crypto';
import type { CreationWorld } from './authority/create.ts';
import type { ApiAuth, CaApi } from './authority/http/api.ts';
import { acmImporter } from './aws/acm.ts';
import { acmBindings } from './aws/acm-bindings.ts';
import { ecsDeployer } from './aws/ecs.ts';
import { eventBridgePublisher } from './aws/eventbridge.ts';
import { type PowertoolsJournal, powertoolsJournal } from './aws/journal.ts';
import { kmsKeyVault } from './aws/kms.ts';
import { functionStarter, lambdaFunctions, renewFunction } from './aws/lambda.ts';
import { route53Zones } from './aws/route53.ts';
import { secretsManagerStore } from './aws/secrets-manager.ts';
import { snsTopic } from './aws/sns.ts';
import { sqsQueue } from './aws/sqs.ts';
import { ssmAuthorities, ssmProfiles } from './aws/ssm.ts';
import { ssmCommands } from './aws/ssm-commands.ts';
import { ssmDeclarationKeeper, ssmDeclarations } from './aws/ssm-declarations.ts';
import type { FirstScanWorld } from './deployment/first-scan.ts';
import type { DeclarationWorld } from './deployment/world.ts';
import { type CallPolicy, call, noLimits, shortReserves, timeLimits } from './domain/calls.ts';
import { RenewalError } from './domain/errors.ts';
import { hookTypes } from './domain/hook.ts';
import type { AuthoritySource, CaProvider, Clock, DeclarationSource, Queue } from './domain/ports.ts';
import type { Profile } from './domain/profile.ts';
import type { ImportHook, ImportWorld } from './hooks/import-certificate.ts';
import type { FunctionHook, FunctionWorld } from './hooks/invoke-function.ts';
import type { EcsHook, EcsWorld } from './hooks/replace-tasks.ts';
import type { ReportWorld } from './hooks/report.ts';
import type { FailureWorld } from './hooks/report-failure.ts';
import type { CommandHook, CommandWorld } from './hooks/run-command.ts';
import { probeNetwork } from './net/tls-handshake.ts';
import type { NoticeWorld } from './notices/notice.ts';
import { parameterNameOf } from './policy/declaration-identity.ts';
import { loadSchedule } from './policy/schedule.ts';
import type { Anchors } from './probes/chain.ts';
import type { ProbeWorld } from './probes/world.ts';
import { openCa } from './providers/index.ts';
import type { OpenedCa } from './providers/kind.ts';
import { parseProfile } from './providers/profile.ts';
import type { RenewalWorld, ScanWorld } from './renewal/world.ts';

export const now = (): number => Date.now();
const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
/** The clock of the process, without the limits of an invocation. */
const time: Clock = { now, sleep: pause };
/** Returns a signal that is aborted after this time. Its timer does not keep the process alive. */
export const abortedIn = (milliseconds: number): AbortSignal => AbortSignal.timeout(milliseconds);
const entropy = (length: number): Uint8Array => randomBytes(length);

/** The part of Lambda's context that the limits need. */
interface Invocation {
  getRemainingTimeInMillis(): number;
}

/** Returns the policy for a caller that waits for the answer: a busy answer is reported at once. */
export function policyFor(invocation: Invocation): CallPolicy {
  return { limits: timeLimits(invocation.getRemainingTimeInMillis(), abortedIn) };
}

/** Returns the policy for the HTTP API, whose callers wait for half a minute at most. */
export function shortPolicyFor(invocation: Invocation): CallPolicy {
  return { limits: timeLimits(invocation.getRemainingTimeInMillis(), abortedIn, shortReserves) };
}

/** Returns the policy for work that can wait: a call is repeated after a busy answer. */
export function patientPolicyFor(invocation: Invocation): CallPolicy {
  return { ...policyFor(invocation), patience: { clock: time, entropy } };
}

const clockOf = (policy: CallPolicy): Clock => ({
  now,
  sleep: (milliseconds) => call(policy, 'sleep', () => pause(milliseconds)),
});

/** Returns an environment variable. Throws Internal if it is not set, because the stack sets all of them (cdk/cert-renewer.ts). */
function environment(name: string): string {
  const value = process.env[name];
  if (value !== undefined && value !== '') return value;
  throw new RenewalError('Internal', `The environment variable ${name} is not set: deploy the stack again.`);
}

async function schedule() {
  const { next, longestGap } = await loadSchedule(environment('SCHEDULE'), process.env['SCHEDULE_TIMEZONE']);
  return { untilNextScan: (now: number) => (next(now) ?? now + longestGap) - now, longestGap };
}

/** Returns the source of authorities, or undefined in a stack without authorities. Throws Internal. */
function authoritySource(): ((policy: CallPolicy) => AuthoritySource) | undefined {
  const names = process.env['AUTHORITIES'];
  if (names === undefined || names === '') return undefined;
  return ssmAuthorities({
    names: nameList(names),
    prefix: environment('AUTHORITY_PREFIX'),
    parse: async (name, json) => (await import('./policy/authority.ts')).parseAuthority(name, json),
    clock: time,
  });
}

function nameList(json: string): readonly string[] {
  let names: unknown;
  try {
    names = JSON.parse(json);
  } catch {
    // reported below
  }
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return names;
  throw new RenewalError(
    'Internal',
    'The environment variable AUTHORITIES is not a JSON list of names: deploy the stack again.',
  );
}

/** Returns the source of declarations, or undefined in a stack without them. The parser is loaded on first use. */
function declarationSource(): ((policy: CallPolicy) => DeclarationSource) | undefined {
  const prefix = process.env['DECLARATION_PREFIX'];
  if (prefix === undefined || prefix === '') return undefined;
  return ssmDeclarations({
    prefix,
    nameOf: parameterNameOf,
    parse: async (parameter, json) => (await import('./policy/declaration.ts')).parseDeclaration(parameter, json),
  });
}

/** Returns the upkeep of the trust bundle (the secret with the present and the renewed roots), if the stack has one. */
function trustBundle(world: Pick<RenewalWorld, 'store' | 'clock' | 'entropy'>): Pick<RenewalWorld, 'keepBundle'> {
  const secretId = process.env['TRUST_BUNDLE_SECRET'];
  if (secretId === undefined || secretId === '') return {};
  return {
    keepBundle: async (certificate, previous) => {
      const { trustBundleUpkeep } = await import('./authority/trust-bundle.ts');
      await trustBundleUpkeep(world, secretId)(certificate, previous);
    },
  };
}

/** Builds the ports for reading secrets. The adapters are made once for each process, the ports for each invocation. */
function readers() {
  const profiles = ssmProfiles({ prefix: environment('PROFILE_PREFIX'), parse: parseProfile, clock: time });
  const authorities = authoritySource();
  const store = secretsManagerStore();
  return (policy: CallPolicy) => ({
    profiles: profiles(policy),
    authorities: authorities?.(policy),
    store: store(policy),
    clock: clockOf(policy),
  });
}

export type ScanParts = Omit<ScanWorld, 'continueLater'>;

/** Builds the scan's world. `start` starts another invocation for the rest of a scan. */
export async function composeScan() {
  const { untilNextScan } = await schedule();
  const journal = powertoolsJournal();
  const read = readers();
  const publisher = eventBridgePublisher({ eventBusName: environment('EVENT_BUS_NAME'), clock: time });
  const queue = sqsQueue({ queueUrl: environment('QUEUE_URL'), clock: time });
  const rotationFunctionArn = process.env['RENEW_FUNCTION_ARN'];
  const world = (policy: CallPolicy): ScanParts => ({
    ...read(policy),
    ...{ journal, untilNextScan, rotationFunctionArn },
    publisher: publisher(policy),
    queue: queue(policy),
  });
  const starter = functionStarter();
  const start = (policy: CallPolicy, functionArn: string, event: unknown) =>
    call(policy, 'start', () => starter(functionArn, event));
  return { journal, start, world };
}

/** Builds the inventory's world: the ports that a scan reads from, and none that writes. */
export async function composeInventory() {
  const { untilNextScan } = await schedule();
  const journal = powertoolsJournal();
  const read = readers();
  const rotationFunctionArn = process.env['RENEW_FUNCTION_ARN'];
  const world = (policy: CallPolicy) => ({ ...read(policy), journal, untilNextScan, rotationFunctionArn });
  return { journal, world, target: { stackName: environment('STACK_NAME'), region: process.env['AWS_REGION'] } };
}

/**
 * Builds the probe's world. It has no store with values, no keys and no CA. `loadAnchors` imports the code that few probes need. An import()
 * here would add it, and the providers, to the bundles of the hooks: esbuild also follows imports of dead code.
 */
export function composeProbe(loadAnchors: () => Promise<typeof import('./probes/anchors.ts')>) {
  const journal = powertoolsJournal();
  const read = readers();
  const publisher = eventBridgePublisher({ eventBusName: environment('EVENT_BUS_NAME'), clock: time });
  const network = probeNetwork({ threads: Number(process.env['UV_THREADPOOL_SIZE']) || undefined });
  const rotationFunctionArn = environment('RENEW_FUNCTION_ARN');
  const anchors = keptUnlessFailed<Anchors | undefined>();
  const world = (policy: CallPolicy): ProbeWorld => {
    const { profiles, authorities, store, clock } = read(policy);
    const anchorsOf = ({ name, ca }: Profile) =>
      anchors(name, async () => (await loadAnchors()).anchorsOf(ca, authorities));
    return { store, profiles, clock, journal, network, anchorsOf, rotationFunctionArn, publisher: publisher(policy) };
  };
  return { journal, world };
}

/** Builds the renewal's world. */
async function renewalParts(queue: (policy: CallPolicy) => Pick<Queue, 'send'>) {
  const times = await schedule();
  const journal = powertoolsJournal();
  const read = readers();
  const publisher = eventBridgePublisher({ eventBusName: environment('EVENT_BUS_NAME'), clock: time });
  const vault = kmsKeyVault({ clock: time });
  const [zones, bindings] = [route53Zones({ clock: time }), acmBindings()];
  const declarations = declarationSource();
  // One CA for each profile and process, to reuse its connections and trust. A failure is not cached.
  const opened = keptUnlessFailed<OpenedCa>();
  const world = (policy: CallPolicy, rotationFunctionArn?: string): RenewalWorld => {
    const ports = { ...read(policy), publisher: publisher(policy), vault: vault(policy), queue: queue(policy) };
    // The calls inside a CA's provider are not repeated after a busy answer, because `ask` itself is repeated.
    const { limits } = policy;
    const bare: CallPolicy = limits ? { limits } : {};
    const adapters = { ...read(bare), vault: vault(bare), zones: zones(bare), bindings: bindings(bare) };
    const tools = { ...adapters, clock: ports.clock, policy, entropy };
    // All certificates of one invocation share a provider and its lookups.
    const providers = keptUnlessFailed<CaProvider>();
    return {
      ...ports,
      ...{ ...times, journal, entropy, rotationFunctionArn },
      ...trustBundle({ ...ports, entropy }),
      declarations: declarations?.(policy),
      providerFor: ({ name, ca }) =>
        providers(name, async () => {
          const open = await opened(name, () => openCa(ca));
          return open(tools);
        }),
    };
  };
  return { journal, world };
}

function keptUnlessFailed<Made>(): (name: string, make: () => Promise<Made>) => Promise<Made> {
  const kept = new Map<string, Promise<Made>>();
  return (name, make) => {
    const known = kept.get(name) ?? make();
    kept.set(name, known);
    known.catch(() => kept.delete(name));
    return known;
  };
}

export async function composeRenewal() {
  const queue = sqsQueue({ queueUrl: environment('QUEUE_URL'), clock: time });
  return { ...(await renewalParts(queue)), queue };
}

/** Builds the HTTP API. Throws Internal. */
export async function composeCaApi() {
  const { journal, world } = await renewalParts(() => noQueue);
  const auth = apiAuth();
  if (!world(noLimits).authorities) throw noAuthorities();
  const { renewalOnRequest } = await import('./authority/http/on-request.ts');
  const { renewWithEnd } = await import('./renewal/entry/with-end.ts');
  const api = (policy: CallPolicy): CaApi => {
    const { authorities, ...ports } = world(policy);
    if (!authorities) throw noAuthorities();
    const renewal = renewalOnRequest({
      ...ports,
      authorities,
      renew: (job) => renewWithEnd({ ...ports, authorities }, job),
    });
    return { renewal, auth, store: ports.store, clock: ports.clock, journal };
  };
  return { journal, api };
}

/** The API renews authorities, which are signed at once, so no certificate waits for its CA. */
const noQueue: Pick<Queue, 'send'> = {
  send: async () => {
    throw new RenewalError('Internal', 'This function has no queue: deploy the stack again.');
  },
};

function apiAuth(): ApiAuth {
  const kind = environment('CA_API_AUTH');
  if (kind === 'iam') return { kind };
  if (kind === 'bearer') return { kind, tokenSecretId: environment('TOKEN_SECRET_ID') };
  throw new RenewalError(
    'Internal',
    'The environment variable CA_API_AUTH is neither iam nor bearer: deploy the stack again.',
  );
}

const noAuthorities = () => new RenewalError('Internal', 'This stack has no authorities: deploy the stack again.');

/** Builds the world of the custom resource that makes an authority's first certificate. */
export function composeCreation(policy: CallPolicy): CreationWorld & { journal: PowertoolsJournal } {
  const authorities = authoritySource()?.(policy);
  if (!authorities) throw noAuthorities();
  const store = secretsManagerStore()(policy);
  const vault = kmsKeyVault({ clock: time })(policy);
  const journal = powertoolsJournal();
  const world = { store, clock: clockOf(policy), entropy };
  const { keepBundle: keep } = trustBundle(world);
  const keepBundle: CreationWorld['keepBundle'] = async (...roots) => {
    await keep?.(...roots).catch((error: unknown) => {
      journal.failure({ secretArn: null, error, step: 'the trust bundle' });
    });
  };
  return { ...world, authorities, vault, journal, keepBundle };
}

/** Builds the world of the custom resource that starts the first scan. */
export function composeFirstScan(policy: CallPolicy): FirstScanWorld & { journal: PowertoolsJournal } {
  const start = functionStarter();
  const startScan = () => call(policy, 'start', () => start(environment('SCAN_FUNCTION_ARN'), {}));
  return { clock: clockOf(policy), journal: powertoolsJournal(), startScan };
}

/** Builds the world of the custom resource that declares certificates. Throws Internal. */
export async function composeDeclarations(
  policy: CallPolicy,
): Promise<DeclarationWorld & { readonly journal: PowertoolsJournal }> {
  const { secretMaker } = await import('./aws/secret-maker.ts');
  const rotationFunctionArn = environment('RENEW_FUNCTION_ARN');
  const keeper = ssmDeclarationKeeper({ prefix: environment('DECLARATION_PREFIX'), nameOf: parameterNameOf });
  return {
    store: secretsManagerStore()(policy),
    secrets: secretMaker()(policy),
    declarations: keeper(policy),
    // Made for each invocation, so that no older profile is cached.
    profiles: ssmProfiles({ prefix: environment('PROFILE_PREFIX'), parse: parseProfile, clock: time })(policy),
    renewal: renewFunction(rotationFunctionArn)(policy),
    clock: clockOf(policy),
    rotationFunctionArn,
    journal: powertoolsJournal(),
  };
}

// ---- Hooks --------------------------------------------------------------------------------------------------------

/** A world with the journal, whose log lines contain the invocation's id. */
type Journalled<World> = World & { readonly journal: PowertoolsJournal };

/** Builds the ports for reports: a journal for the process, a publisher for each invocation. */
function reporting(): (policy: CallPolicy) => Journalled<ReportWorld> {
  const publisher = eventBridgePublisher({ eventBusName: environment('EVENT_BUS_NAME'), clock: time });
  const journal = powertoolsJournal();
  return (policy) => ({ journal, publisher: publisher(policy) });
}

/** Builds one exec or signal hook. Throws Internal, as the other functions here. */
export function composeCommandHook() {
  const hook: CommandHook = {
    profile: environment('PROFILE'),
    type: environment('HOOK') === 'signal' ? 'signal' : 'exec',
    documentName: environment('DOCUMENT_NAME'),
    target: { key: environment('TARGET_KEY'), value: environment('TARGET_VALUE') },
  };
  const commands = ssmCommands();
  const report = reporting();
  return { hook, world: (policy: CallPolicy): Journalled<CommandWorld> => ({ ...report(policy), commands }) };
}

export function composeImportHook() {
  const hook: ImportHook = {
    profile: environment('PROFILE'),
    type: 'acm',
    certificates: textMap('CERTIFICATES'),
    passwordSecretId: process.env['PASSWORD_SECRET_ID'] || undefined,
  };
  const [store, importer, report] = [secretsManagerStore(), acmImporter(), reporting()];
  const world = (policy: CallPolicy): Journalled<ImportWorld> => ({
    ...report(policy),
    store: store(policy),
    importer,
  });
  return { hook, world };
}

export function composeFunctionHook() {
  const hook: FunctionHook = {
    profile: environment('PROFILE'),
    type: 'lambda',
    functionArn: environment('FUNCTION_ARN'),
  };
  const functions = lambdaFunctions();
  const report = reporting();
  return { hook, world: (policy: CallPolicy): Journalled<FunctionWorld> => ({ ...report(policy), functions }) };
}

export function composeEcsHook() {
  const hook: EcsHook = { profile: environment('PROFILE'), type: 'ecs', services: textMap('SERVICES') };
  const deployer = ecsDeployer();
  const report = reporting();
  return { hook, world: (policy: CallPolicy): Journalled<EcsWorld> => ({ ...report(policy), deployer }) };
}

export function composeHookReport() {
  const queues = new Map(
    [...textMap('QUEUES')].flatMap(([arn, type]) => {
      const known = hookTypes.find((each) => each === type);
      return known === undefined ? [] : [[arn, known] as const];
    }),
  );
  const documentPrefix = environment('DOCUMENT_PREFIX');
  const commands = ssmCommands();
  const report = reporting();
  const world = (policy: CallPolicy): Journalled<FailureWorld> => ({
    ...report(policy),
    ...{ commands, queues, documentPrefix },
  });
  return { world };
}

// ---- Notices ------------------------------------------------------------------------------------------------------

export function composeNotice(): Journalled<NoticeWorld> {
  return {
    journal: powertoolsJournal(),
    topic: snsTopic({ topicArn: environment('TOPIC_ARN') }),
    stackName: environment('STACK_NAME'),
  };
}

function textMap(name: string): ReadonlyMap<string, string> {
  const found: unknown = JSON.parse(environment(name));
  return new Map(Object.entries(found ?? {}).map(([key, value]) => [key, String(value)]));
}
