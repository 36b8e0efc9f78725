/**
 * What was promoted and has not been announced. The tag `version-id` is the one mark of it: it names the last version that
 * was announced, or that needed no event, and after it what is owed since. So whatever fails between the swap and the bus,
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

/**
 * The tag's value: `<announced>`, and behind it in order ` +<owed>` for versions that were replaced before their event
 * could be sent, then ` @<next>` for one that is about to be promoted: it counts while it is current, as its promotion may
 * have been refused. For an `out`: `<version> =<source>`. What is more than an id alone counts as unknown to every other reader.
 */
interface Mark {
  readonly announced: string | undefined;
  readonly owed: readonly string[];
  readonly next: string | undefined;
  readonly source: string | undefined;
}

function readMark(secret: Pick<SecretSummary, 'tags'>): Mark {
  const [announced, ...more] = (secret.tags.get(tags.versionId) ?? '').split(' ');
  const behind = (sign: string) => more.filter((part) => part.startsWith(sign)).map((part) => part.slice(1));
  const [[next], [source]] = [behind('@'), behind('=')];
  return { announced: announced || undefined, owed: behind('+'), next, source };
}

/** Stands in a mark for a source whose name a tag can't hold: such an `out` is announced under its own name. */
export const unnamed = '-';

/** The mark of an `out` that is about to be written. */
export function outputMark(versionId: string, source: string): string {
  return ifItFits(`${versionId} =${source}`) ?? `${versionId} =${unnamed}`;
}

/** Whether the tag is the mark of an `out`: should that have failed, it says nothing of the version that is current. */
export function isOutputMark(secret: Pick<SecretSummary, 'tags'>): boolean {
  return readMark(secret).source !== undefined;
}

/**
 * The mark of what is owed, before another version takes the place of the last of it; `next` is that version, where its id
 * does not tell that it is ours. Undefined where it is too much.
 */
export function owedMark(owed: readonly Unannounced[], next?: Unannounced): string | undefined {
  const first = owed[0] ?? next;
  const announced = first?.source === undefined ? first?.previousVersionId : '-';
  const parts = [announced ?? '-', ...owed.map(({ versionId }) => `+${versionId}`)];
  return ifItFits([...parts, ...(next ? [`@${next.versionId}`] : [])].join(' '));
}

const ifItFits = (mark: string) => (mark.length <= tagValueLimit ? mark : undefined);

/**
 * The events that are owed, oldest first. A version that an operator rolled back to is based on something older than
 * AWSPREVIOUS, and is no news.
 */
export function unannounced(secret: SecretSummary): readonly Unannounced[] {
  const { currentVersionId: current } = secret;
  const { announced, source, next, ...mark } = readMark(secret);
  const owed = next === current && next !== undefined ? [...mark.owed, next] : mark.owed;
  if (current === undefined || (announced === current && source === undefined)) return [];
  if (announced === current) return [{ versionId: current, previousVersionId: undefined, ...(source && { source }) }];
  const previous = versionWithStage(secret, 'AWSPREVIOUS');
  const isOfOurs = previous !== undefined && isOurs(secret, current, previous);
  // What somebody else has written since is what counts now.
  if (!isOfOurs && owed.at(-1) !== current) return [];
  const chain = [announced === '-' ? undefined : announced, ...owed];
  const noted = owed.map((versionId, i) => ({ versionId, previousVersionId: chain[i] }));
  return owed.at(-1) === current ? noted : [...noted, { versionId: current, previousVersionId: previous }];
}

/**
 * A version of native rotation has Secrets Manager's token for an id. It is ours where it holds AWSPENDING still, as
 * Secrets Manager's own writes leave it: nobody who writes a value by hand gives it both labels.
 */
function isOurs({ versions, rotation }: SecretSummary, current: string, previous: string): boolean {
  if (isBasedOn(current, previous)) return true;
  return rotation.enabled && versions.get(current)?.includes('AWSPENDING') === true;
}
