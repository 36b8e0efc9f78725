/**
 * The one place that reads the environment, the clock and randomness, and builds the adapters. What most invocations
 * don't need is imported when it is first used, so that a cold start doesn't pay for it.
 */
import { randomBytes } from 'node:crypto';
import { eventBridgePublisher } from './aws/eventbridge.ts';
import { type PowertoolsJournal, powertoolsJournal } from './aws/journal.ts';
import { kmsKeyVault } from './aws/kms.ts';
import { secretsManagerStore } from './aws/secrets-manager.ts';
import { type SqsQueue, sqsQueue } from './aws/sqs.ts';
import { ssmProfiles } from './aws/ssm.ts';
import { RenewalError } from './domain/errors.ts';
import type { CaProvider, Clock } from './domain/ports.ts';
import type { Profile } from './domain/profile.ts';
import { parseProfile } from './policy/profile.ts';
import { loadSchedule } from './policy/schedule.ts';
import { providerFor } from './providers/index.ts';
import type { RenewalWorld, ScanWorld } from './renewal/world.ts';

const clock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};
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

function shared() {
  const journal = powertoolsJournal();
  const profiles = ssmProfiles({ prefix: environment('PROFILE_PREFIX'), parse: parseProfile, clock });
  const publisher = eventBridgePublisher({ eventBusName: environment('EVENT_BUS_NAME'), clock });
  return { journal, profiles, publisher, clock, store: secretsManagerStore() };
}

export async function composeScan(): Promise<ScanWorld & { journal: PowertoolsJournal }> {
  const { untilNextScan } = await schedule();
  return { ...shared(), queue: sqsQueue({ queueUrl: environment('QUEUE_URL'), clock }), untilNextScan };
}

export async function composeRenewal(): Promise<RenewalWorld & { journal: PowertoolsJournal; queue: SqsQueue }> {
  const world = { ...shared(), ...(await schedule()) };
  const providers = new Map<string, Promise<CaProvider>>();
  const build = (profile: Profile) => providerFor(profile, { clock, entropy });
  return {
    ...world,
    entropy,
    vault: kmsKeyVault({ clock }),
    queue: sqsQueue({ queueUrl: environment('QUEUE_URL'), clock }),
    // One a profile and process: it keeps the CA's connections and trust. A failure to build is not kept.
    providerFor: (profile) => {
      const known = providers.get(profile.name) ?? build(profile);
      providers.set(profile.name, known);
      known.catch(() => providers.delete(profile.name));
      return known;
    },
  };
}
