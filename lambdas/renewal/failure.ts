/** What is left behind by a try that failed: a tag that makes the schedule back off, an event, a metric and a log line. */
import { type ErrorCode, type RenewalError, toRenewalError } from '../domain/errors.ts';
import { formatInstant } from '../domain/instant.ts';
import type { SecretSummary } from '../domain/secret.ts';
import { tags } from '../domain/tags.ts';
import { formatFailure, readStatus } from '../policy/status.ts';
import type { Trace } from './renew.ts';
import type { RenewalWorld } from './world.ts';

/** These are no certificate's failure: the secret isn't ours to tag. They are logged only. */
const notTheCertificates: ReadonlySet<ErrorCode> = new Set([
  'SecretNotFound',
  'SecretNotEnrolled',
  'UnknownProfile',
  'OutputExists',
  'WeakKey',
]);

export interface FailureOptions {
  /** Whether this counts as another failure, or is the same message tried again. */
  readonly counts: boolean;
  /** Whether it is over for this time: then the world is told. */
  readonly final: boolean;
  /** A dry run touches nothing: the log has it, and the caller. */
  readonly readOnly?: boolean;
  /** Somebody asked for it: InvalidRequest is then their request's. From the queue it says what the CA can't do for this certificate. */
  readonly onDemand?: boolean;
}

/** Writes down a failed try. Never throws: what can't be written is logged, and the failure itself is the caller's. */
export async function recordFailure(
  world: RenewalWorld,
  trace: Trace,
  thrown: unknown,
  options: FailureOptions,
): Promise<RenewalError> {
  const error = toRenewalError(thrown);
  const { secret } = trace;
  world.journal.failure({ secretArn: secret?.arn ?? null, error: thrown, final: options.final });
  if (!secret || options.readOnly || trace.requestAtFault || notTheCertificates.has(error.code)) return error;
  if (options.onDemand && error.code === 'InvalidRequest') return error;
  const now = world.clock.now();
  const status = readStatus(secret, now);
  const before = (status.known ? status.failure?.count : undefined) ?? 0;
  const count = Math.max(1, before + (options.counts ? 1 : 0));
  try {
    if (options.final) {
      world.journal.count('Failed', profileOf(trace, secret), 1);
      await publishFailed(world, trace, secret, error, count);
    }
    await tagFailure(world, trace, secret, formatFailure({ count, at: now, code: error.code }));
  } catch (second) {
    world.journal.failure({ secretArn: secret.arn, error: second, step: 'recording the failure' });
  }
  return error;
}

/** An authority's secret has no profile tag, and its profile is known by the time that anything can fail. */
function profileOf(trace: Trace, secret: SecretSummary): string {
  return trace.profile ?? secret.tags.get(tags.profile) ?? 'unknown';
}

function publishFailed(
  world: Pick<RenewalWorld, 'publisher'>,
  trace: Trace,
  secret: SecretSummary,
  error: RenewalError,
  failures: number,
): Promise<void> {
  const notAfter = trace.subject ? formatInstant(trace.subject.leaf.notAfter) : secret.tags.get(tags.notAfter);
  return world.publisher.publish({
    type: 'Certificate Renewal Failed',
    secretArn: secret.arn,
    detail: {
      secretArn: secret.arn,
      name: secret.name,
      profile: profileOf(trace, secret),
      code: error.code,
      message: error.message,
      retryable: error.retryable,
      failures,
      notAfter: notAfter ?? null,
    },
  });
}

/** The failure belongs to the version that was current; a window of another version must not be taken for its own. */
async function tagFailure(world: RenewalWorld, trace: Trace, secret: SecretSummary, failure: string): Promise<void> {
  const { currentVersionId } = secret;
  if (currentVersionId === undefined) return;
  const set: Record<string, string> = { [tags.versionId]: currentVersionId, [tags.failure]: failure };
  const validity = trace.subject?.version.versionId === currentVersionId ? trace.subject.validity : undefined;
  if (validity) {
    set[tags.notBefore] = formatInstant(validity.notBefore);
    set[tags.notAfter] = formatInstant(validity.end);
  }
  const isStale = !validity && secret.tags.get(tags.versionId) !== currentVersionId;
  const remove = isStale ? [tags.notBefore, tags.notAfter].filter((tag) => secret.tags.has(tag)) : [];
  await world.store.tag(secret.arn, set, remove);
}
