/** Probes the endpoints of one certificate, sends the event, and notes the state in the tag `served`. */

import { RenewalError } from '../domain/errors.ts';
import type { Instant } from '../domain/instant.ts';
import type { ProbeTerms, Profile } from '../domain/profile.ts';
import { quote } from '../domain/quote.ts';
import type { SecretSummary } from '../domain/secret.ts';
import type { EndpointReport, ServedReport } from '../domain/serving.ts';
import { hasRoomFor, tags } from '../domain/tags.ts';
import { type Enrolment, enrolment, profileToFind } from '../policy/enrolment.ts';
import { isInspectionTime } from '../policy/inspection.ts';
import {
  afterProbe,
  fingerprintOf,
  formatServing,
  newServing,
  nextProbe,
  notedKeyType,
  type Outcome,
  readServing,
  type Serving,
} from '../policy/served.ts';
import { probeEndpoint } from './endpoint.ts';
import { judgeEndpoint } from './judgement.ts';
import type { ProbeWorld } from './world.ts';

/** A certificate with endpoints that may be probed. */
export interface Probable {
  readonly secret: SecretSummary;
  readonly profile: Profile;
  readonly terms: ProbeTerms;
  readonly endpoints: Extract<Enrolment, { kind: 'enrolled' }>['endpoints'];
  readonly fingerprint: string;
  /** Undefined: nothing is known, and the secret has no room for the tag or the probe has not begun. */
  readonly serving: Serving | undefined;
}

/** Returns the certificate, or why its endpoints are not probed. Throws the errors of looking up a profile. */
export async function probable(
  { profiles, rotationFunctionArn }: Pick<ProbeWorld, 'profiles' | 'rotationFunctionArn'>,
  secret: SecretSummary,
  now: Instant,
): Promise<Probable | RenewalError> {
  const name = profileToFind({ secret }, rotationFunctionArn);
  const profile = name === undefined ? undefined : await profiles.find(name);
  const found = enrolment({ secret }, profile, rotationFunctionArn);
  if (found.kind === 'refused') return found.error;
  const no = (message: string) => new RenewalError('InvalidRequest', message, { concerns: 'request' });
  if (found.kind === 'left') return no(found.decision.message);
  const { endpoints } = found;
  const { probe: terms } = found.profile;
  if (endpoints.length === 0) return no(`The secret ${quote(secret.name)} has no tag ${tags.endpoints}.`);
  if (terms === undefined) return no('This stack probes nothing: add "probe" to its configuration and deploy.');
  const fingerprint = fingerprintOf(secret);
  if (fingerprint === undefined) {
    return no(`No worker has noted the fingerprint of the current version of ${quote(secret.name)} yet: scan first.`);
  }
  return { secret, profile: found.profile, terms, endpoints, fingerprint, serving: readServing(secret, now) };
}

/** Returns whether the endpoints are to be probed now, by the schedule. */
export function isDue({ secret, terms, serving }: Probable, now: Instant): boolean {
  if (serving !== undefined) return now >= nextProbe(secret.arn, serving, terms.within);
  return hasRoomFor(secret.tags, tags.served) || isDaily(secret.arn, now);
}

/** The result for one certificate. */
export interface Probed {
  readonly report: ServedReport;
  readonly serving: Serving;
}

/** Probes all endpoints. Throws the errors of describing and tagging the secret, and of the event bus. */
export async function probeSecret(world: ProbeWorld, found: Probable): Promise<Probed> {
  const { secret, profile, fingerprint } = found;
  const { endpoints, warnings } = await look(world, found);
  const now = world.clock.now();
  const report: ServedReport = {
    secretArn: secret.arn,
    name: secret.name,
    profile: profile.name,
    versionId: secret.currentVersionId ?? '',
    fingerprintSha256: fingerprint,
    notAfter: secret.tags.get(tags.notAfter) ?? null,
    endpoints,
    warnings,
  };
  // A renewal may have ended meanwhile, and its worker has begun the tag anew. Or another run has noted what it has found since.
  const fresh = await world.store.describe(secret.arn);
  const isUnchanged = [tags.endpoints, tags.served].every((tag) => fresh.tags.get(tag) === secret.tags.get(tag));
  const isSame = fingerprintOf(fresh) === fingerprint && isUnchanged;
  const before = readServing(fresh, now) ?? newServing(now, notedKeyType(fresh));
  if (!isSame) return { report, serving: before };
  const isServed = endpoints.every(({ state }) => state === 'served');
  const isStale = endpoints.some(({ state }) => state === 'stale');
  const outcome = afterProbe(before, { isServed, isStale }, found.terms.within, now);
  await note(world, { ...found, secret: fresh }, before, outcome, report);
  log(world, report, outcome);
  return { report, serving: outcome.serving };
}

/** Makes the handshakes with all endpoints, and judges what they present. Writes nothing. Never throws but by `anchorsOf`. */
export async function look(
  world: Pick<ProbeWorld, 'network' | 'anchorsOf' | 'clock'>,
  { secret, profile, terms, endpoints, fingerprint }: Probable,
) {
  const wished = { keyType: notedKeyType(secret) };
  const [anchors, presented] = await Promise.all([
    world.anchorsOf(profile),
    Promise.all(endpoints.map((endpoint) => probeEndpoint(world.network, endpoint, terms, wished))),
  ]);
  const judged = endpoints.map((endpoint, index) =>
    judgeEndpoint(endpoint, presented[index] ?? [], { fingerprint, anchors, now: world.clock.now() }),
  );
  return {
    endpoints: judged.map(({ report }): EndpointReport => report),
    warnings: judged.flatMap(({ warnings }) => warnings),
  };
}

/**
 * Sends the event and writes the tag. The tag is written before the event too, with this probe only: an event that can't be noted would be
 * sent again by every run. Such a `Certificate Not Served` is sent once a day nevertheless.
 */
async function note(
  world: ProbeWorld,
  { secret, fingerprint }: Probable,
  before: Serving,
  { serving, event }: Outcome,
  report: ServedReport,
): Promise<void> {
  const write = (next: Serving) =>
    world.store.tag(secret.arn, { [tags.served]: formatServing(fingerprint, secret.tags, next) }, []);
  const canNote = hasRoomFor(secret.tags, tags.served);
  if (event === undefined) return canNote ? write(serving) : undefined;
  // Without the tag nobody knows whether it is the first time.
  if (!canNote) return;
  try {
    await write(tried(before, world.clock.now()));
  } catch (error) {
    if (event === 'Certificate Not Served' && isDaily(secret.arn, world.clock.now())) await send(world, event, report);
    throw error;
  }
  await send(world, event, report);
  await write(serving);
}

/** The state if the event can't be sent. After `served` it is not that any more, or the next probe would be a day later. */
function tried(before: Serving, now: Instant): Serving {
  return { ...before, state: before.state === 'served' ? 'lost' : before.state, tries: before.tries + 1, probed: now };
}

async function send(
  { publisher }: Pick<ProbeWorld, 'publisher'>,
  event: NonNullable<Outcome['event']>,
  report: ServedReport,
): Promise<void> {
  const sent = publisher.publish({ type: event, secretArn: report.secretArn, detail: report });
  publisher.flush();
  await sent;
}

/** Returns whether it is the certificate's own minute of the day. The clock alone says so, where nothing can be noted. */
const isDaily = (secretArn: string, now: Instant): boolean => isInspectionTime(`${secretArn}\nprobe`, now, 60_000);

function log({ journal }: ProbeWorld, report: ServedReport, { event, serving }: Outcome): void {
  const { secretArn, profile, endpoints, warnings } = report;
  const bad = endpoints.filter(({ state }) => state !== 'served');
  if (bad.length === 0 && event === undefined && warnings.length === 0) return;
  const message =
    bad.length === 0
      ? 'All endpoints present the new certificate.'
      : bad.map(({ endpoint, message: says }) => `${endpoint}: ${says}`).join(' ');
  const reason = { code: bad.length === 0 ? 'Served' : 'NotServed', message } as const;
  journal.decision({ secretArn, reason, profile, state: serving.state, endpoints, warnings });
}
