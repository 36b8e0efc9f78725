import { describe, expect, it } from 'vitest';
import { noRoomLabel } from '../../lambdas/domain/tags.ts';
import { checkRoom, isToldOfNoRoom, saysNoRoom } from '../../lambdas/policy/room.ts';
import { checkScan } from '../../lambdas/policy/scan-checks.ts';
import { readTagSettings, resolveSettings } from '../../lambdas/policy/settings.ts';
import { readStatus } from '../../lambdas/policy/status.ts';
import { internal, noon, secretWith, statusTags } from './scenes.ts';

/** The number of tags that are not cert-renewer's, the profile's included. */
const crowded = (count: number, labels: readonly string[] = []) => {
  const others = Object.fromEntries(Array.from({ length: count - 1 }, (_, i) => [`team:${i}`, 'x']));
  return secretWith(
    { ...statusTags(noon - 1000, noon), ...others },
    { versions: new Map([['v1', ['AWSCURRENT', ...labels]]]) },
  );
};

describe('room for the status tags', () => {
  it.each([
    [46, undefined],
    [
      47,
      'The secret has 47 tags besides the status tags: expected at most 46. AWS allows 50 tags, and cert-renewer writes 4 status tags (cert-renewer:version-id, cert-renewer:not-before, cert-renewer:not-after, cert-renewer:failure). Remove a tag.',
    ],
  ])('beside %i tags', (count, message) => expect(checkRoom(crowded(count))).toBe(message));

  it.each([
    ['none, and not reported yet', crowded(47), false, 'inspect UnsupportedSecret'],
    ['none, and the label is set', crowded(47, [noRoomLabel]), true, 'skip UnsupportedSecret'],
    ['enough, with an old label', crowded(46, [noRoomLabel]), false, 'rekey Expired'],
  ])('%s', (_, secret, told, decided) => {
    const settings = resolveSettings(undefined, readTagSettings(new Map()), internal);
    const now = noon;
    const status = readStatus(secret, now);
    const time = { renewAt: noon, window: 1, dueCode: 'Expiring', warnings: [] } as const;
    const input = { secret, profile: internal, settings, status, time, force: false, now, step: 0 };
    const { action, code } = checkScan(input);
    expect({ told: isToldOfNoRoom(secret), decided: `${action} ${code}` }).toEqual({ told, decided });
  });

  it('is not reported for a secret without a current version', () => {
    expect(saysNoRoom(secretWith({}, { currentVersionId: undefined }))).toBe(false);
  });
});
