/**
 * The one place that reads the environment, the clock and randomness, and builds the adapters. What most invocations
 * don't need is imported when it is first used, so that a cold start doesn't pay for it.
 */
import { randomBytes } from 'node:crypto';
import type { CreationWorld } from './authority/create.ts';
import type { ApiAuth, CaApi } from './authority/http/api.ts';
import { acmImporter } from './aws/acm.ts';
import { eventBridgePublisher } from './aws/eventbridge.ts';
import { type PowertoolsJournal, powertoolsJournal } from './aws/journal.ts';
import { kmsKeyVault } from './aws/kms.ts';
import { functionStarter, lambdaFunctions } from './aws/lambda.ts';
import { ssmCommands } from './aws/run-command.ts';
import { secretsManagerStore } from './aws/secrets-manager.ts';
import { snsTopic } from './aws/sns.ts';
import { type SqsQueue, sqsQueue } from './aws/sqs.ts';
import { ssmAuthorities, ssmProfiles } from './aws/ssm.ts';
import type { FirstScanWorld } from './deployment/first-scan.ts';
import { RenewalError } from './domain/errors.ts';
import { hookTypes } from './domain/hook.ts';
import type { AuthoritySource, CaProvider, Clock } from './domain/ports.ts';
import type { Profile } from './domain/profile.ts';
import type { ImportHook, ImportWorld } from './hooks/import-certificate.ts';
import type { FunctionHook, FunctionWorld } from './hooks/invoke-function.ts';
import type { ReportWorld } from './hooks/report.ts';
import type { FailureWorld } from './hooks/report-failure.ts';
import type { CommandHook, CommandWorld } from './hooks/run-command.ts';
import type { NoticeWorld } from './notices/notice.ts';
import { parseProfile } from './policy/profile.ts';
import { loadSchedule } from './policy/schedule.ts';
import { providerFor } from './providers/index.ts';
import type { RenewalWorld, ScanWorld } from './renewal/world.ts';

type InventoryWorld = Omit<ScanWorld, 'queue' | 'publisher' | 'continueLater' | 'journal'> & {
  journal: PowertoolsJournal;
};

const clock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};
export const { now } = clock;
/** A signal that is aborted then; its timer keeps no process alive. */
export const abortedIn = (milliseconds: number): AbortSignal => AbortSignal.timeout(milliseconds);
const entropy = (length: number): Uint8Array => randomBytes(length);

/** Throws Internal: the stack sets every one of them (cdk/cert-renewer.ts). */
function environment(name: string): string {
  const value = process.env[name];
  if (value !== undefined && value !== '') return value;
  throw new RenewalError('Internal', `The environment variable ${name} is not set: deploy the stack again.`);
}

async function schedule() {
  const { next, longestGap } = await loadSchedule(environment('SCHEDULE'), process.env['SCHEDULE_TIMEZONE']);
  return { untilNextScan: (now: number) => (next(now) ?? now + longestGap) - now, longestGap };
}

/** Undefined in a stack without authorities of its own: it pays nothing for them. Throws Internal. */
function authoritySource(): AuthoritySource | undefined {
  const names = process.env['AUTHORITIES'];
  if (names === undefined || names === '') return undefined;
  return ssmAuthorities({
    names: nameList(names),
    prefix: environment('AUTHORITY_PREFIX'),
    parse: async (name, json) => (await import('./policy/authority.ts')).parseAuthority(name, json),
    clock,
  });
}

function nameList(json: string): readonly string[] {
  let names: unknown;
  try {
    names = JSON.parse(json);
  } catch {
    // told below
  }
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return names;
  throw new RenewalError(
    'Internal',
    'The environment variable AUTHORITIES is no JSON list of names: deploy the stack again.',
  );
}

/** The secret that holds today's roots and those that were renewed, where the stack has one. */
function trustBundle(world: Pick<RenewalWorld, 'store' | 'clock' | 'entropy'>): Pick<RenewalWorld, 'afterRenewal'> {
  const secretId = process.env['TRUST_BUNDLE_SECRET'];
  if (secretId === undefined || secretId === '') return {};
  return {
    afterRenewal: async (profile, leaf, previous) => {
      if (profile.ca.type !== 'authority') return;
      const { trustBundleUpkeep } = await import('./authority/trust-bundle.ts');
      await trustBundleUpkeep(world, secretId)(profile, leaf, previous);
    },
  };
}

function shared() {
  const journal = powertoolsJournal();
  const profiles = ssmProfiles({ prefix: environment('PROFILE_PREFIX'), parse: parseProfile, clock });
  const publisher = eventBridgePublisher({ eventBusName: environment('EVENT_BUS_NAME'), clock });
  return { journal, profiles, authorities: authoritySource(), publisher, clock, store: secretsManagerStore() };
}

export interface ComposedScan extends Omit<ScanWorld, 'continueLater'> {
  readonly journal: PowertoolsJournal;
  readonly start: ReturnType<typeof functionStarter>;
}

export async function composeScan(): Promise<ComposedScan> {
  const { untilNextScan } = await schedule();
  return {
    ...shared(),
    start: functionStarter(),
    queue: sqsQueue({ queueUrl: environment('QUEUE_URL'), clock }),
    untilNextScan,
    rotationFunctionArn: process.env['RENEW_FUNCTION_ARN'],
  };
}

/** For whoever looks at the inventory: what a scan reads, and nothing that writes. */
export async function composeInventory(): Promise<InventoryWorld> {
  const { untilNextScan } = await schedule();
  return {
    journal: powertoolsJournal(),
    profiles: ssmProfiles({ prefix: environment('PROFILE_PREFIX'), parse: parseProfile, clock }),
    authorities: authoritySource(),
    clock,
    store: secretsManagerStore(),
    untilNextScan,
    rotationFunctionArn: process.env['RENEW_FUNCTION_ARN'],
  };
}

async function renewalWorld(): Promise<RenewalWorld & { journal: PowertoolsJournal }> {
  const world = { ...shared(), ...(await schedule()), entropy, vault: kmsKeyVault({ clock }) };
  const providers = new Map<string, Promise<CaProvider>>();
  const build = (profile: Profile) => providerFor(profile, world);
  return {
    ...world,
    ...trustBundle(world),
    // One a profile and process: it keeps the CA's connections and trust. A failure to build is not kept.
    providerFor: (profile) => {
      const known = providers.get(profile.name) ?? build(profile);
      providers.set(profile.name, known);
      known.catch(() => providers.delete(profile.name));
      return known;
    },
  };
}

export async function composeRenewal(): Promise<RenewalWorld & { journal: PowertoolsJournal; queue: SqsQueue }> {
  return { ...(await renewalWorld()), queue: sqsQueue({ queueUrl: environment('QUEUE_URL'), clock }) };
}

/** For the HTTP API. Throws Internal. */
export async function composeCaApi(): Promise<CaApi & { journal: PowertoolsJournal }> {
  const world = await renewalWorld();
  const { authorities, store, vault, journal } = world;
  if (!authorities) throw noAuthorities();
  const { renewalOnRequest } = await import('./authority/http/on-request.ts');
  const { renewWithEnd } = await import('./renewal/entry/with-end.ts');
  const renew: Parameters<typeof renewalOnRequest>[0]['renew'] = (job) => renewWithEnd(world, job);
  const renewal = renewalOnRequest({ authorities, store, vault, clock, renew });
  return { renewal, auth: apiAuth(), store, clock, journal };
}

function apiAuth(): ApiAuth {
  const kind = environment('CA_API_AUTH');
  if (kind === 'iam') return { kind };
  if (kind === 'bearer') return { kind, tokenSecretId: environment('TOKEN_SECRET_ID') };
  throw new RenewalError('Internal', 'The environment variable CA_API_AUTH is neither iam nor bearer: deploy again.');
}

const noAuthorities = () => new RenewalError('Internal', 'This stack has no authorities: deploy the stack again.');

/** For the custom resource that makes the first certificate of an authority. */
export function composeCreation(): CreationWorld & { journal: PowertoolsJournal } {
  const authorities = authoritySource();
  if (!authorities) throw noAuthorities();
  const store = secretsManagerStore();
  return { authorities, store, vault: kmsKeyVault({ clock }), clock, entropy, journal: powertoolsJournal() };
}

/** For the custom resource that starts the first scan. */
export function composeFirstScan(): FirstScanWorld & { journal: PowertoolsJournal } {
  const start = functionStarter();
  return { clock, journal: powertoolsJournal(), startScan: () => start(environment('SCAN_FUNCTION_ARN'), {}) };
}

// ---- Hooks --------------------------------------------------------------------------------------------------------

function reportWorld(): ReportWorld & { journal: PowertoolsJournal } {
  const publisher = eventBridgePublisher({ eventBusName: environment('EVENT_BUS_NAME'), clock });
  return { journal: powertoolsJournal(), publisher };
}

/** One exec or signal hook. Throws Internal, as the others here. */
export function composeCommandHook(): { world: CommandWorld & { journal: PowertoolsJournal }; hook: CommandHook } {
  const hook: CommandHook = {
    profile: environment('PROFILE'),
    type: environment('HOOK') === 'signal' ? 'signal' : 'exec',
    documentName: environment('DOCUMENT_NAME'),
    target: { key: environment('TARGET_KEY'), value: environment('TARGET_VALUE') },
  };
  return { world: { ...reportWorld(), commands: ssmCommands() }, hook };
}

export function composeImportHook(): { world: ImportWorld & { journal: PowertoolsJournal }; hook: ImportHook } {
  const hook: ImportHook = {
    profile: environment('PROFILE'),
    type: 'acm',
    certificates: textMap('CERTIFICATES'),
    passwordSecretId: process.env['PASSWORD_SECRET_ID'] || undefined,
  };
  return { world: { ...reportWorld(), store: secretsManagerStore(), importer: acmImporter() }, hook };
}

export function composeFunctionHook(): { world: FunctionWorld & { journal: PowertoolsJournal }; hook: FunctionHook } {
  const hook: FunctionHook = {
    profile: environment('PROFILE'),
    type: 'lambda',
    functionArn: environment('FUNCTION_ARN'),
  };
  return { world: { ...reportWorld(), functions: lambdaFunctions() }, hook };
}

export function composeHookReport(): FailureWorld & { journal: PowertoolsJournal } {
  const queues = [...textMap('QUEUES')].flatMap(([arn, type]) => {
    const known = hookTypes.find((each) => each === type);
    return known === undefined ? [] : [[arn, known] as const];
  });
  const documentPrefix = environment('DOCUMENT_PREFIX');
  return { ...reportWorld(), commands: ssmCommands(), queues: new Map(queues), documentPrefix };
}

// ---- Notices ------------------------------------------------------------------------------------------------------

export function composeNotice(): NoticeWorld & { journal: PowertoolsJournal } {
  return { journal: powertoolsJournal(), topic: snsTopic({ topicArn: environment('TOPIC_ARN') }) };
}

function textMap(name: string): ReadonlyMap<string, string> {
  const found: unknown = JSON.parse(environment(name));
  return new Map(Object.entries(found ?? {}).map(([key, value]) => [key, String(value)]));
}
