/**
 * Writes the status tags. No other file writes them. `version-id` is more than a cache: it marks the version as announced
 * (policy/unannounced.ts). So a look and a failure do not write it while an event is owed.
 */
import { RenewalError } from '../domain/errors.ts';
import { formatInstant } from '../domain/instant.ts';
import type { Store } from '../domain/ports.ts';
import { type SecretSummary, versionWithStage } from '../domain/secret.ts';
import { foreignIssue, noRoomLabel, tags } from '../domain/tags.ts';
import { declarationIn } from '../domain/version-id.ts';
import type { Validity } from '../policy/renewal-time.ts';
import { checkRoom } from '../policy/room.ts';
import { type Failure, formatFailure } from '../policy/status.ts';
import { isOutputMark, outputMark, owedMark, type Unannounced, unannounced } from '../policy/unannounced.ts';

type Tagging = Pick<Store, 'tag'>;
type Noting = Pick<Store, 'tag' | 'labelNoRoom'>;

/**
 * Ends step 7: notes that the version was announced, and its validity, and removes the failure of the version before. `issued` is
 * the hash of the declaration that the certificate was issued for. Without it that tag stays unchanged.
 */
export async function noteRenewal(
  store: Noting,
  secret: SecretSummary,
  versionId: string,
  validity: Validity | undefined,
  issued?: string,
): Promise<void> {
  const wanted = {
    [tags.versionId]: versionId,
    ...windowOf(validity),
    ...issuedTag(issued ?? declarationOfNew(secret, versionId)),
  };
  await write(store, secret, wanted, [...staleWindow(validity), tags.failure]);
  await takeOffLabel(store, secret);
}

/**
 * Notes the current version after a look that found nothing to do. A failure of the same version stays, because only a success ends
 * it. A failure of an earlier version is removed. Writes only changes, and nothing while an event is owed.
 */
export async function noteLook(
  store: Noting,
  secret: SecretSummary,
  validity: Validity,
  issued?: string,
): Promise<void> {
  const { currentVersionId } = secret;
  if (currentVersionId === undefined || unannounced(secret).length > 0) return;
  const isSameVersion = secret.tags.get(tags.versionId) === currentVersionId || isOutputMark(secret);
  const wanted = {
    [tags.versionId]: currentVersionId,
    ...windowOf(validity),
    ...issuedTag(issued ?? issuedOfForeign(secret)),
  };
  await write(store, secret, wanted, isSameVersion ? [] : [tags.failure]);
  await takeOffLabel(store, secret);
}

/**
 * Notes a failed try of the current version, which is announced already. Removes the validity of another version.
 */
export async function noteFailure(
  store: Tagging,
  secret: SecretSummary,
  failure: Failure,
  validity: Validity | undefined,
): Promise<void> {
  const { currentVersionId } = secret;
  if (currentVersionId === undefined) return;
  const wanted = {
    [tags.versionId]: currentVersionId,
    [tags.failure]: formatFailure(failure),
    ...windowOf(validity),
    ...issuedTag(declarationOfNew(secret, currentVersionId) ?? issuedOfForeign(secret)),
  };
  const isSameVersion = secret.tags.get(tags.versionId) === currentVersionId;
  await write(store, secret, wanted, isSameVersion ? [] : staleWindow(validity));
}

/**
 * Writes the owed events into the tag `version-id` before another renewal, because afterwards no staging label shows these versions.
 * `next` is the version of that renewal, if its id does not show that cert-renewer wrote it. Throws Throttled if they do not fit, and the
 * errors of writing a tag.
 */
export async function keepTrack(
  store: Tagging,
  secret: SecretSummary,
  owed: readonly Unannounced[],
  next?: Unannounced,
): Promise<void> {
  if (owed.length === 0 && next === undefined) return;
  const mark = owedMark(owed, next);
  if (mark === undefined) {
    throw new RenewalError(
      'Throttled',
      `The events of the last ${owed.length} renewals could not be sent yet, so this renewal waits. See the log for the errors of the event bus.`,
    );
  }
  await write(store, secret, { [tags.versionId]: mark }, []);
}

/** Notes the source of an `out` before its pair is written, so that a later try can send its event. */
export async function noteOutput(
  store: Tagging,
  output: SecretSummary,
  versionId: string,
  source: Pick<SecretSummary, 'name'>,
): Promise<void> {
  await store.tag(output.arn, { [tags.versionId]: outputMark(versionId, source.name) }, []);
}

/**
 * Tests whether tags can be written: writes `version-id` as it is, or with the owed events. Without this test, every scan would
 * send an event again that can't be noted. Throws the errors of writing a tag.
 */
export async function probe(store: Tagging, secret: SecretSummary): Promise<void> {
  const owed = unannounced(secret);
  const isOutput = owed.some(({ source }) => source !== undefined);
  const mark = owed.length === 0 || isOutput ? undefined : owedMark(owed);
  await store.tag(secret.arn, { [tags.versionId]: mark ?? secret.tags.get(tags.versionId) ?? '-' }, []);
}

/** Sets the label on a secret that has no room for tags. */
export async function noteNoRoom(store: Pick<Store, 'labelNoRoom'>, secret: SecretSummary): Promise<void> {
  const { currentVersionId } = secret;
  const holder = versionWithStage(secret, noRoomLabel);
  if (currentVersionId === undefined || holder === currentVersionId) return;
  await store.labelNoRoom(secret.arn, holder, currentVersionId);
}

/**
 * Removes the label when there is room again, so that the next lack of room is published. The label would also keep an old version.
 */
async function takeOffLabel(store: Noting, secret: SecretSummary): Promise<void> {
  const holder = versionWithStage(secret, noRoomLabel);
  if (holder !== undefined && checkRoom(secret) === undefined) await store.labelNoRoom(secret.arn, holder, undefined);
}

function windowOf(validity: Validity | undefined): Record<string, string> {
  if (validity === undefined) return {};
  return { [tags.notBefore]: formatInstant(validity.notBefore), [tags.notAfter]: formatInstant(validity.end) };
}

/**
 * Returns the value of the tag `issued` for a version that is announced now and was issued for an earlier declaration: the digits
 * in its id. Otherwise the value for the version before would seem to be about this one.
 */
function declarationOfNew(secret: SecretSummary, versionId: string): string | undefined {
  if (!secret.tags.has(tags.declared) || unannounced(secret).length === 0) return undefined;
  const made = declarationIn(versionId);
  return made === undefined || secret.tags.get(tags.issued)?.startsWith(made) ? undefined : made;
}

/** Returns foreignIssue for another writer's version. Otherwise the tags would say that it was issued by the declaration. */
function issuedOfForeign(secret: SecretSummary): string | undefined {
  const isKnown = secret.tags.get(tags.versionId) === secret.currentVersionId || isOutputMark(secret);
  const isForeign = secret.tags.has(tags.issued) && !isKnown && unannounced(secret).length === 0;
  return isForeign ? foreignIssue : undefined;
}

const issuedTag = (issued: string | undefined) => (issued === undefined ? {} : { [tags.issued]: issued });

const staleWindow = (validity: Validity | undefined) => (validity === undefined ? [tags.notBefore, tags.notAfter] : []);

async function write(
  store: Tagging,
  secret: SecretSummary,
  wanted: Readonly<Record<string, string>>,
  unwanted: readonly string[],
): Promise<void> {
  const isThere = Object.entries(wanted).every(([tag, value]) => secret.tags.get(tag) === value);
  const remove = unwanted.filter((tag) => secret.tags.has(tag));
  if (isThere && remove.length === 0) return;
  await store.tag(secret.arn, isThere ? {} : wanted, remove);
}
