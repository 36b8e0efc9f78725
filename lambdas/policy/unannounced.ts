/**
 * What was promoted and has not been announced. The tag `version-id` is the one mark of it: cert-renewer writes it only after
 * the event of that version went out, or for a version that needs none. So whatever fails between the swap and the bus,
 * tags and staging labels still tell it, for as long as it takes. Pure.
 */
import { type SecretSummary, versionWithStage } from '../domain/secret.ts';
import { tags, tagValueLimit } from '../domain/tags.ts';
import { isBasedOn } from '../domain/version-id.ts';

/** A version of ours whose event `Certificate Renewed` is owed. */
export interface Unannounced {
  readonly versionId: string;
  /** What it replaced; undefined for the pair of an `out`, which replaced nothing of its own certificate. */
  readonly previousVersionId: string | undefined;
  /** Name of the secret that the pair was made of, where that is another one (`out`). */
  readonly source?: string;
}

/** What the tag `version-id` says. */
interface Mark {
  readonly versionId: string | undefined;
  readonly source: string | undefined;
}

function readMark(secret: Pick<SecretSummary, 'tags'>): Mark {
  const [versionId, source] = (secret.tags.get(tags.versionId) ?? '').split(' ');
  return { versionId: versionId || undefined, source };
}

/**
 * The mark of an `out` that is about to be written: a version, and the name of its source. As it is no version's id it
 * counts as unknown to every reader of the tag, until the announced version takes its place. Undefined where a tag can't hold
 * the name: such an `out` is announced under its own name, should it come to that.
 */
export function outputMark(versionId: string, source: string): string | undefined {
  const mark = `${versionId} ${source}`;
  return mark.length <= tagValueLimit ? mark : undefined;
}

/**
 * The events that are owed, oldest first: of the current version, and of the one before it where two renewals in a row could
 * not be announced. A version that an operator rolled back to is based on something older than AWSPREVIOUS, and is no news.
 */
export function unannounced(secret: SecretSummary): readonly Unannounced[] {
  const { currentVersionId: current } = secret;
  const mark = readMark(secret);
  if (current === undefined || (mark.versionId === current && mark.source === undefined)) return [];
  if (mark.versionId === current) return [{ versionId: current, previousVersionId: undefined, ...sourceOf(mark) }];
  const previous = versionWithStage(secret, 'AWSPREVIOUS');
  if (previous === undefined || !isOurs(secret, current, previous)) return [];
  const latest: Unannounced = { versionId: current, previousVersionId: previous };
  if (mark.versionId === previous && mark.source !== undefined) {
    return [{ versionId: previous, previousVersionId: undefined, ...sourceOf(mark) }, latest];
  }
  if (mark.versionId === undefined || !isBasedOn(previous, mark.versionId)) return [latest];
  return [{ versionId: previous, previousVersionId: mark.versionId }, latest];
}

const sourceOf = ({ source }: Mark) => (source === undefined ? {} : { source });

/**
 * A version of native rotation has Secrets Manager's token for an id. It is ours where it holds AWSPENDING still, as
 * Secrets Manager's own writes leave it: nobody who writes a value by hand gives it both labels.
 */
function isOurs({ versions, rotation }: SecretSummary, current: string, previous: string): boolean {
  if (isBasedOn(current, previous)) return true;
  return rotation.enabled && versions.get(current)?.includes('AWSPENDING') === true;
}
