/** Checks that a secret has room for the status tags. Without room nothing is issued, because the result could not be noted. */
import type { SecretSummary } from '../domain/secret.ts';
import { foreignTags, mostTags, noRoomLabel, statusTagsOf } from '../domain/tags.ts';

/** Returns a message if the secret has no room for all status tags, else undefined. */
export function checkRoom({ tags }: Pick<SecretSummary, 'tags'>): string | undefined {
  const own = statusTagsOf(tags);
  const most = mostTags - own.length;
  const found = foreignTags(tags);
  if (found <= most) return undefined;
  return `The secret has ${found} tags besides the status tags: expected at most ${most}. AWS allows ${mostTags} tags, and cert-renewer writes ${own.length} status tags (${own.join(', ')}). Remove a tag.`;
}

/** Returns whether the current version has the label that replaces the status tags of a secret without room. */
export function saysNoRoom({ versions, currentVersionId }: SecretSummary): boolean {
  return versions.get(currentVersionId ?? '')?.includes(noRoomLabel) === true;
}

/** Returns whether there is no room, and the label says that this failure and all earlier events were published. */
export function isToldOfNoRoom(secret: SecretSummary): boolean {
  return checkRoom(secret) !== undefined && saysNoRoom(secret);
}
