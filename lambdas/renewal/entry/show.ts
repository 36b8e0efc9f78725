/** What is in a secret and what the schedule would do with it, for `cert-renewer status <name>`. Writes nothing. */
import type { Certificate } from '../../domain/certificate.ts';
import type { Decision, Reason, Warning } from '../../domain/decision.ts';
import type { DeclaredUsage } from '../../domain/declaration.ts';
import { formatDuration } from '../../domain/duration.ts';
import { toRenewalError } from '../../domain/errors.ts';
import { formatInstant } from '../../domain/instant.ts';
import { formatKeySpec, sameKeySpec } from '../../domain/key-spec.ts';
import { checkRoom } from '../../policy/room.ts';
import { waitingForCa } from '../../policy/scan-checks.ts';
import { type ShownOrder, shownOrder } from '../../policy/shown-order.ts';
import { departures } from '../../x509/declared-correspondence.ts';
import { type CertificateDescription, describeCertificate } from '../../x509/facts.ts';
import { formatName } from '../../x509/names.ts';
import { noValue } from '../cycle.ts';
import { checkLasting } from '../fitness.ts';
import { planFor, rehearse } from '../issuing.ts';
import type { Job } from '../job.ts';
import { canBeIssued, type Place, type Subject } from '../place.ts';
import { described, enrolmentOf, gather } from '../steps/1-gather.ts';
import { decide } from '../steps/2-decide.ts';
import type { RenewalWorld } from '../world.ts';

/** The answer to `{ "show": <secret> }` (docs/invoke.md). It contains no key. A field that does not apply is null. */
export interface Shown {
  readonly secretArn: string;
  readonly profile: string;
  /** The version that was read. */
  readonly versionId: string | null;
  /** Null for a secret whose value was not read, and for a declared certificate that is missing. */
  readonly certificate: ShownCertificate | null;
  readonly declaration: ShownDeclaration | null;
  /** The order that is to replace the current version. Null without one, and for a CA that answers at once. */
  readonly order: ShownOrder | null;
  /** When the schedule will act, by the certificate itself and not by the tags. RFC 3339. */
  readonly renewAt: string | null;
  /** What the schedule would do now. */
  readonly decision: Decision;
  readonly warnings: readonly Warning[];
  /** The error that the next try will end with, as far as that is known without asking the CA. */
  readonly obstacle: Reason | null;
}

export interface ShownCertificate extends CertificateDescription {
  /** RFC 4514. */
  readonly issuer: string;
  /** Where the private key is. */
  readonly keyIn: 'secret' | 'kms' | 'ca';
  /** The certificates above it in the secret, without a root. */
  readonly chain: readonly ShownIssuer[];
  /** The end of the path to a root, RFC 3339: the earliest notAfter. */
  readonly end: string;
  /** Which certificate has that end. */
  readonly endsWith: 'leaf' | 'chain';
}

export interface ShownIssuer {
  /** RFC 4514. */
  readonly subject: string;
  /** RFC 3339. */
  readonly notAfter: string;
}

export interface ShownDeclaration {
  readonly subject: string | null;
  readonly names: readonly string[];
  readonly usages: readonly DeclaredUsage[];
  /** A Go duration, from the declaration or its profile. Null: the CA's default. */
  readonly duration: string | null;
  /** Null: as the present key. */
  readonly keyAlgorithm: string | null;
  readonly kmsKeyId: string | null;
  /** Whether the certificate was issued for this declaration. False if there is none. */
  readonly isMet: boolean;
  /** How the certificate differs, in words. Empty without a certificate. */
  readonly differences: readonly string[];
}

/**
 * Reads a secret as the schedule's worker would, and describes it. Renews, tags, notes and publishes nothing. Only an unexpected
 * error is logged, because its message refers to the log.
 *
 * Throws the errors of reading a secret: SecretNotFound, SecretNotEnrolled, UnknownProfile, InvalidTag, UnsupportedSecret,
 * PasswordRequired, InvalidCertificate, KeyMismatch, KmsDenied …
 */
export async function show(world: RenewalWorld, secretId: string): Promise<Shown> {
  try {
    return await look(world, secretId);
  } catch (thrown) {
    const error = toRenewalError(thrown);
    if (error.code === 'Internal') world.journal.failure({ secretArn: null, error: thrown, step: 'show' });
    throw error;
  }
}

async function look(world: RenewalWorld, secretId: string): Promise<Shown> {
  const secret = await described(world, secretId);
  const enrolment = await enrolmentOf(world, secret, undefined);
  const { profile } = enrolment;
  const unread = (decision: Decision): Shown => {
    const order = shownOrder(secret, world.clock.now());
    const nothing = { certificate: null, declaration: null, order, renewAt: null };
    const versionId = secret.currentVersionId ?? null;
    return { secretArn: secret.arn, profile, versionId, ...nothing, decision, warnings: [], obstacle: null };
  };
  if (enrolment.kind === 'left') return unread(enrolment.decision);
  if (enrolment.kind === 'refused') throw enrolment.error;
  if (secret.currentVersionId === undefined) throw noValue(secret);
  const gathered = await gather(world, enrolment.enrolled, secret.currentVersionId);
  if (gathered.kind === 'left') return unread(gathered.decision);
  const { place } = gathered;
  const job: Job = { secretId, force: false, dryRun: true };
  const now = world.clock.now();
  const { decision, time, warnings } = decide(place, job, world, now);
  const waits = decision.action === 'skip' ? undefined : waitingForCa({ secret, now });
  return {
    ...unread(waits ?? decision),
    certificate: place.leaf === undefined ? null : certificateIn(place),
    declaration: declarationOf(place),
    renewAt: time === undefined ? null : formatInstant(time.renewAt),
    warnings,
    obstacle: await obstacleOf(world, place, job, decision),
  };
}

function certificateIn({ leaf, chain, key, validity, endsWith }: Subject): ShownCertificate {
  return {
    ...describeCertificate(leaf),
    issuer: formatName(leaf.issuer),
    keyIn: key === undefined ? 'ca' : key.kmsKeyArn === undefined ? 'secret' : 'kms',
    chain: chain.map(({ subject, notAfter }) => ({ subject: formatName(subject), notAfter: formatInstant(notAfter) })),
    end: formatInstant(validity.end),
    endsWith,
  };
}

function declarationOf(place: Place): ShownDeclaration | null {
  if (place.declared === undefined) return null;
  const { declaration } = place.declared;
  const { subject, names, usages, kmsKeyId = null } = declaration;
  const duration = declaration.duration ?? place.profile.issue?.duration;
  const key = kmsKeyId === null ? (declaration.key ?? place.profile.key) : undefined;
  return {
    subject: subject === undefined ? null : formatName(subject),
    names,
    usages,
    duration: duration === undefined ? null : formatDuration(duration),
    keyAlgorithm: key === undefined ? null : formatKeySpec(key),
    kmsKeyId,
    isMet: place.leaf !== undefined && place.isAsDeclared,
    differences: place.leaf === undefined ? [] : differences(place, { duration, key }),
  };
}

interface Declared {
  readonly duration: number | undefined;
  readonly key: Certificate['keySpec'];
}

/** Of a certificate that was issued for another declaration, the key and the duration are compared too. */
function differences({ leaf, declared, isAsDeclared }: Subject, { duration, key }: Declared): string[] {
  if (declared === undefined) return [];
  const { problems, missing } = departures(leaf, declared.declaration);
  const usages = missing.map((usage) => `extendedKeyUsage: ${usage} is missing`);
  if (isAsDeclared) return [...problems, ...usages];
  const length = leaf.notAfter - leaf.notBefore;
  return [
    ...problems,
    ...usages,
    ...(key && leaf.keySpec && !sameKeySpec(key, leaf.keySpec)
      ? [`key: ${formatKeySpec(leaf.keySpec)}; declared is ${formatKeySpec(key)}`]
      : []),
    ...(duration !== undefined && Math.abs(length - duration) > tolerance
      ? [`duration: ${formatDuration(length)}; declared is ${formatDuration(duration)}`]
      : []),
  ];
}

/** CAs date certificates back by some minutes, so that clocks may differ. In milliseconds. */
const tolerance = 10 * 60_000;

/** Rehearses what the schedule would do. Errors that pass by themselves are no obstacle. */
async function obstacleOf(world: RenewalWorld, place: Place, job: Job, decision: Decision): Promise<Reason | null> {
  const noRoom = checkRoom(place.secret);
  if (noRoom !== undefined) return { code: 'UnsupportedSecret', message: noRoom };
  try {
    if (decision.action === 'skip') await checkUnchanged(world, place, decision);
    else {
      const plan = await planFor(world, place, job, decision);
      await rehearse(world, place, { reason: decision, plan, warnings: [], owed: [] });
    }
    return null;
  } catch (thrown) {
    const { code, message, retryable } = toRenewalError(thrown);
    return retryable ? null : { code, message };
  }
}

/** As the worker does for a certificate that is not due. */
async function checkUnchanged({ clock }: RenewalWorld, place: Place, { code }: Decision): Promise<void> {
  if (code === 'Paused' || place.leaf === undefined || canBeIssued(place)) return;
  await checkLasting(place, place.settings.asked, clock.now());
}
