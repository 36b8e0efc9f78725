/**
 * Finds versions that were promoted and whose event was not sent yet. The tag `version-id` records this. It names the last
 * announced version (or one that needs no event), and then the versions whose events are still owed. So if anything fails between
 * the swap and the event bus, tags and staging labels keep the information for as long as necessary. Pure.
 */
import { type SecretSummary, versionWithStage } from '../domain/secret.ts';
import { tags, tagValueLimit } from '../domain/tags.ts';
import { isBasedOn } from '../domain/version-id.ts';

/** A version of cert-renewer whose event `Certificate Renewed` is owed. */
export interface Unannounced {
  readonly versionId: string;
  /** The replaced version. Undefined for the pair of an `out`, which is a renewal of another secret's certificate. */
  readonly previousVersionId: string | undefined;
  /** For an `out`: name of the secret with the renewed certificate. */
  readonly source?: string;
}

/**
 * The tag's value: `<announced>`, then ` +<owed>` for each version that was replaced before its event could be sent, then `
 * @<next>` for a version that is about to be promoted. `next` counts only while it is current, because its promotion may fail. For
 * an `out`: `<version> =<source>`. Other readers treat a value that is more than one id as unknown.
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

/** In the tag: a source whose name does not fit. The event of such an `out` names the `out` itself. */
export const unnamed = '-';

/** Returns the value of the tag `version-id` for an `out` that is about to be written. */
export function outputMark(versionId: string, source: string): string {
  return ifItFits(`${versionId} =${source}`) ?? `${versionId} =${unnamed}`;
}

/** Returns whether the tag `version-id` names an `out`. If writing the `out` failed, it is not about the current version. */
export function isOutputMark(secret: Pick<SecretSummary, 'tags'>): boolean {
  return readMark(secret).source !== undefined;
}

/**
 * Returns the value of the tag `version-id` with the owed events, to write before the next promotion. `next` is the next version, if its
 * id does not show that cert-renewer wrote it. Undefined if it is too long for a tag.
 */
export function owedMark(owed: readonly Unannounced[], next?: Unannounced): string | undefined {
  const first = owed[0] ?? next;
  const announced = first?.source === undefined ? first?.previousVersionId : '-';
  const parts = [announced ?? '-', ...owed.map(({ versionId }) => `+${versionId}`)];
  return ifItFits([...parts, ...(next ? [`@${next.versionId}`] : [])].join(' '));
}

const ifItFits = (mark: string) => (mark.length <= tagValueLimit ? mark : undefined);

/**
 * Returns the owed events, oldest first. A version that an operator rolled back to is based on a version before AWSPREVIOUS, and
 * owes none.
 */
export function unannounced(secret: SecretSummary): readonly Unannounced[] {
  const { currentVersionId: current } = secret;
  const { announced, source, next, ...mark } = readMark(secret);
  const owed = next === current && next !== undefined ? [...mark.owed, next] : mark.owed;
  if (current === undefined || (announced === current && source === undefined)) return [];
  if (announced === current) return [{ versionId: current, previousVersionId: undefined, ...(source && { source }) }];
  const previous = versionWithStage(secret, 'AWSPREVIOUS');
  const isOfOurs = previous !== undefined && isOurs(secret, current, previous);
  // Another writer has replaced the value since.
  if (!isOfOurs && owed.at(-1) !== current) return [];
  const chain = [announced === '-' ? undefined : announced, ...owed];
  const noted = owed.map((versionId, i) => ({ versionId, previousVersionId: chain[i] }));
  return owed.at(-1) === current ? noted : [...noted, { versionId: current, previousVersionId: previous }];
}

/**
 * Returns whether cert-renewer wrote the current version. In native rotation its id is Secrets Manager's token. Then it must still
 * have AWSPENDING, which the rotation leaves there. A value that a person writes does not get both labels.
 */
function isOurs({ versions, rotation }: SecretSummary, current: string, previous: string): boolean {
  if (isBasedOn(current, previous)) return true;
  return rotation.enabled && versions.get(current)?.includes('AWSPENDING') === true;
}
