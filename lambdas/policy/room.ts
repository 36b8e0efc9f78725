/** Room for the status tags: nothing is issued that could not be noted. */
import type { SecretSummary } from '../domain/secret.ts';
import { foreignTags, mostTags, noRoomLabel, statusTagsOf } from '../domain/tags.ts';

/** What is in the way of the status tags, for a message; undefined where each of them has room. */
export function checkRoom({ tags }: Pick<SecretSummary, 'tags'>): string | undefined {
  const own = statusTagsOf(tags);
  const most = mostTags - own.length;
  const found = foreignTags(tags);
  if (found <= most) return undefined;
  return `The secret has ${found} tags besides cert-renewer's own, and AWS takes ${mostTags}: expected ${most} at most, for cert-renewer writes ${own.length} (${own.join(', ')}). Remove a tag.`;
}

/** Whether the current version carries the label that stands for the status tags where they have no room. */
export function saysNoRoom({ versions, currentVersionId }: SecretSummary): boolean {
  return versions.get(currentVersionId ?? '')?.includes(noRoomLabel) === true;
}

/** There is no room, and the label says that this, and all before it, was told: a worker has nothing to add. */
export function isToldOfNoRoom(secret: SecretSummary): boolean {
  return checkRoom(secret) !== undefined && saysNoRoom(secret);
}
