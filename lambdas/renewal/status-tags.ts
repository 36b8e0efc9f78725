/**
 * The status tags, written here and nowhere else. `version-id` is more than a cache: it says that the version it names has
 * been announced (policy/unannounced.ts). So a look and a failure don't write it while an event is owed.
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
 * The end of step 7: the version was announced. Its window is noted, and the failure of the one before is over. `issued`: hash of the
 * declaration that the certificate was issued for; without it that tag stays as it is.
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
 * A look that found nothing to do: what it saw of the version that is current. A failure of that very version stays, for only
 * a success ends it; one of an earlier version goes. Nothing is written that is there already, or while an event is owed.
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
 * A failed try at the current version, which is announced by now. The window of another version must not be taken for its own.
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
 * Before another renewal while events are owed: nothing but the mark would tell of them once their versions have lost their
 * labels. `next`: the version of that renewal, where its id does not tell that it is ours. Throws Throttled where the mark
 * can hold no more, and what writing a tag throws.
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
      `The events of the last ${owed.length} renewals could not be sent yet, so this one waits. See in the log what the bus answers.`,
    );
  }
  await write(store, secret, { [tags.versionId]: mark }, []);
}

/** Before the pair of an `out` is written: whose it is, so that its event can be made up for. */
export async function noteOutput(
  store: Tagging,
  output: SecretSummary,
  versionId: string,
  source: Pick<SecretSummary, 'name'>,
): Promise<void> {
  await store.tag(output.arn, { [tags.versionId]: outputMark(versionId, source.name) }, []);
}

/**
 * Writes the mark as it is, or with what is owed. Whatever can't be noted would be told again by every scan, so that it is
 * worth a call to know beforehand. Throws what writing a tag throws.
 */
export async function probe(store: Tagging, secret: SecretSummary): Promise<void> {
  const owed = unannounced(secret);
  const isOutput = owed.some(({ source }) => source !== undefined);
  const mark = owed.length === 0 || isOutput ? undefined : owedMark(owed);
  await store.tag(secret.arn, { [tags.versionId]: mark ?? secret.tags.get(tags.versionId) ?? '-' }, []);
}

/** For a secret that takes no more tags. */
export async function noteNoRoom(store: Pick<Store, 'labelNoRoom'>, secret: SecretSummary): Promise<void> {
  const { currentVersionId } = secret;
  const holder = versionWithStage(secret, noRoomLabel);
  if (currentVersionId === undefined || holder === currentVersionId) return;
  await store.labelNoRoom(secret.arn, holder, currentVersionId);
}

/** There is room again: should it be lost once more, that is news. The label would also keep an old version alive. */
async function takeOffLabel(store: Noting, secret: SecretSummary): Promise<void> {
  const holder = versionWithStage(secret, noRoomLabel);
  if (holder !== undefined && checkRoom(secret) === undefined) await store.labelNoRoom(secret.arn, holder, undefined);
}

function windowOf(validity: Validity | undefined): Record<string, string> {
  if (validity === undefined) return {};
  return { [tags.notBefore]: formatInstant(validity.notBefore), [tags.notAfter]: formatInstant(validity.end) };
}

/**
 * What the tag is to say of a version of ours that is announced now, and was issued for another declaration than the one of today: as
 * much as its id tells. Else the tag of the version before would pass for its own.
 */
function declarationOfNew(secret: SecretSummary, versionId: string): string | undefined {
  if (!secret.tags.has(tags.declared) || unannounced(secret).length === 0) return undefined;
  const made = declarationIn(versionId);
  return made === undefined || secret.tags.get(tags.issued)?.startsWith(made) ? undefined : made;
}

/** Else the tags would say of it that it was issued here. */
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
