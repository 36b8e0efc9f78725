import { tags } from '../../lambdas/domain/tags.ts';
import { hour, internal, start, World } from './world.ts';

/** Status tags of a version. */
export const status = (notBefore: number, notAfter: number, versionId = 'v1') => ({
  [tags.versionId]: versionId,
  [tags.notBefore]: `${new Date(notBefore).toISOString().slice(0, 19)}Z`,
  [tags.notAfter]: `${new Date(notAfter).toISOString().slice(0, 19)}Z`,
});
/** Valid for so long that only the daily inspection can make it due. */
const fresh = status(start - hour, start + 9000 * hour);
export const due = status(start - 22 * hour, start + 2 * hour);

/** Builds a world at the time `start`, with a secret of each kind that the scan knows. */
export function zoo(): World {
  const world = new World(internal, { ...internal, name: 'resting', paused: true });
  const add = (name: string, more: Record<string, string>, extra: Parameters<World['store']['add']>[0] | object = {}) =>
    world.store.add({ name, value: '{}', versionId: 'v1', tags: { [tags.profile]: 'internal', ...more }, ...extra });
  add('fresh', fresh);
  add('due', due);
  add('overdue', status(start - 23 * hour, start + hour));
  add('expired', status(start - 48 * hour, start - 24 * hour));
  add('new', {});
  add('replaced', { ...fresh, [tags.versionId]: 'v0' });
  add('paused', { ...due, [tags.paused]: 'true' });
  add('resting', { ...due, [tags.profile]: 'resting' });
  add('backing-off', { ...due, [tags.failure]: '1 2026-11-22T11:59:00Z CaRejected' });
  add('bad-tag', { ...due, [tags.expiresIn]: 'soon' });
  add('unknown-profile', { [tags.profile]: 'nowhere' });
  add('replica', due, { primaryRegion: 'eu-central-1' });
  add('rotated', due, { rotation: { enabled: true, functionArn: 'arn:other' } });
  add('managed', due, { owningService: 'rds' });
  world.store.delete(add('deleted', due));
  add('empty', {}, { value: undefined });
  world.store.add({ name: 'not-ours', value: '{}', tags: { Role: 'web' } });
  return world;
}
