/**
 * Writes the status tags. No other file writes them. `version-id` is more than a cache: it marks the version as announced
 * (policy/unannounced.ts). So a look and a failure do not write it while an event is owed.
 */
import type { Certificate } from '../domain/certificate.ts';
import { RenewalError } from '../domain/errors.ts';
import { formatInstant, type Instant } from '../domain/instant.ts';
import type { Store } from '../domain/ports.ts';
import { type SecretSummary, versionWithStage } from '../domain/secret.ts';
import {
  foreignIssue,
  hasRoomFor,
  mostTags,
  noRoomLabel,
  optionalTags,
  orderTags,
  servingTags,
  tags,
} from '../domain/tags.ts';
import { declarationIn } from '../domain/version-id.ts';
import type { Validity } from '../policy/renewal-time.ts';
import { checkRoom } from '../policy/room.ts';
import { formatServing, newServing } from '../policy/served.ts';
import { type Failure, formatFailure } from '../policy/status.ts';
import { isOutputMark, outputMark, owedMark, type Unannounced, unannounced } from '../policy/unannounced.ts';
import { formatWait, isOldWait, type Wait } from '../policy/waiting.ts';
import { fingerprintSha256 } from '../x509/certificate.ts';

type Tagging = Pick<Store, 'tag'>;
type Noting = Pick<Store, 'tag' | 'labelNoRoom'>;

/** The dates of a certificate that the tags hold. */
interface Dates {
  readonly validity: Validity;
  /** When the CA suggests to renew it. */
  readonly suggested: Instant | undefined;
}

/** The certificate that the endpoints are to serve from `now` on. */
export interface ToServe {
  readonly certificate: Certificate;
  readonly now: Instant;
}

/**
 * Ends step 7: notes that the version was announced, and its validity, and removes the failure of the version before. `issued` is
 * the hash of the declaration that the certificate was issued for. Without it that tag stays unchanged.
 */
export async function noteRenewal(
  store: Noting,
  secret: SecretSummary,
  versionId: string,
  validity: Validity | undefined,
  { issued, toServe }: { readonly issued?: string | undefined; readonly toServe?: ToServe | undefined } = {},
): Promise<void> {
  const serving = servingOf(secret, toServe);
  const wanted = {
    [tags.versionId]: versionId,
    ...windowOf(validity),
    ...issuedTag(issued ?? declarationOfNew(secret, versionId)),
    ...serving.set,
  };
  await write(store, secret, wanted, [...staleWindow(validity), tags.failure, ...orderTags, ...serving.remove]);
  await takeOffLabel(store, secret);
}

/**
 * Notes the current version after a look that found nothing to do. A failure of the same version stays, because only a success ends
 * it. A failure of an earlier version is removed. Writes only changes, and nothing while an event is owed.
 */
export async function noteLook(
  store: Noting,
  secret: SecretSummary,
  { validity, suggested }: Dates,
  { issued, toServe }: { readonly issued?: string | undefined; readonly toServe?: ToServe | undefined } = {},
): Promise<void> {
  const { currentVersionId } = secret;
  if (currentVersionId === undefined || unannounced(secret).length > 0) return;
  const isSameVersion = secret.tags.get(tags.versionId) === currentVersionId || isOutputMark(secret);
  const suggestion = suggestionTag(secret, suggested);
  const serving = servingOf(secret, toServe, suggestion);
  const wanted = {
    [tags.versionId]: currentVersionId,
    ...windowOf(validity),
    ...suggestion,
    ...issuedTag(issued ?? issuedOfForeign(secret)),
    ...serving.set,
  };
  const unwanted = [
    ...serving.remove,
    ...(isSameVersion ? [] : [tags.failure]),
    ...(suggested === undefined ? [tags.renewAt] : []),
    ...(isOldWait(secret) ? [tags.order] : []),
  ];
  await write(store, secret, wanted, unwanted);
  await takeOffLabel(store, secret);
}

/** Notes a wait for the CA. The tag is left out if the secret has no room for it: the scan then looks too often. */
export async function noteWait(store: Tagging, secret: SecretSummary, wait: Wait): Promise<void> {
  const { currentVersionId } = secret;
  if (currentVersionId === undefined) return;
  if (hasRoomFor(secret.tags, tags.order))
    await write(store, secret, { [tags.order]: formatWait(currentVersionId, wait) }, []);
}

/**
 * Notes a failed try of the current version, which is announced already. Removes the validity of another version. `isFinal: false`: its
 * message comes again, so a wait for the CA has not ended. It would otherwise begin anew without an event, and never last a day.
 */
export async function noteFailure(
  store: Tagging,
  secret: SecretSummary,
  failure: Failure,
  {
    validity,
    suggested,
    toServe,
    isFinal = true,
  }: Partial<Dates> & { readonly toServe?: ToServe; readonly isFinal?: boolean },
): Promise<void> {
  const { currentVersionId } = secret;
  if (currentVersionId === undefined) return;
  const suggestion = suggestionTag(secret, suggested);
  const serving = servingOf(secret, toServe, suggestion);
  const wanted = {
    [tags.versionId]: currentVersionId,
    [tags.failure]: formatFailure(failure),
    ...windowOf(validity),
    ...suggestion,
    ...issuedTag(declarationOfNew(secret, currentVersionId) ?? issuedOfForeign(secret)),
    ...serving.set,
  };
  const isSameVersion = secret.tags.get(tags.versionId) === currentVersionId;
  // A failure ends the wait: from now on the back-off says when the next try is.
  const waits = isFinal ? [tags.order] : [];
  const ofAnother = [...staleWindow(validity), ...(suggested === undefined ? [tags.renewAt] : [])];
  await write(store, secret, wanted, [...waits, ...(isSameVersion ? [] : [...ofAnother, ...serving.remove])]);
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

/** The tag is left out if the secret has no room for it: the daily inspection asks again. */
function suggestionTag(secret: SecretSummary, suggested: Instant | undefined): Record<string, string> {
  if (suggested === undefined || !hasRoomFor(secret.tags, tags.renewAt)) return {};
  return { [tags.renewAt]: formatInstant(suggested) };
}

/**
 * Returns the tags for the probe: the fingerprint, and the beginning of `served` with each new certificate, and where that tag is missing.
 * Without a certificate or without endpoints they are removed. `served` is left out if the secret has no room for it beside `others`, the
 * optional tags that are written with it: the probe then tells nothing of this certificate.
 */
function servingOf(
  { tags: found }: SecretSummary,
  toServe: ToServe | undefined,
  others: Readonly<Record<string, string>> = {},
): { readonly set: Record<string, string>; readonly remove: readonly string[] } {
  if (toServe === undefined || !found.has(tags.endpoints)) return { set: {}, remove: servingTags };
  const { certificate, now } = toServe;
  const fingerprint = fingerprintSha256(certificate);
  const set = { [tags.fingerprint]: fingerprint };
  if (found.get(tags.fingerprint) === fingerprint && found.has(tags.served)) return { set, remove: [] };
  if (!hasRoomFor(new Map([...found, ...Object.entries(others)]), tags.served)) return { set, remove: [tags.served] };
  const serving = newServing(now, certificate.keySpec?.kty);
  return { set: { ...set, [tags.served]: formatServing(fingerprint, found, serving) }, remove: [] };
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
  const isFull = new Set([...secret.tags.keys(), ...Object.keys(wanted)]).size > mostTags;
  // Tags that may be left out make room for the others.
  const extra = isFull ? optionalTags.filter((tag) => !(tag in wanted)) : [];
  const remove = [...new Set([...unwanted, ...extra])].filter((tag) => secret.tags.has(tag));
  if (isThere && remove.length === 0) return;
  if (!isFull) return store.tag(secret.arn, isThere ? {} : wanted, remove);
  if (remove.length > 0) await store.tag(secret.arn, {}, remove); // first, because AWS refuses a 51st tag
  await store.tag(secret.arn, wanted, []);
}
