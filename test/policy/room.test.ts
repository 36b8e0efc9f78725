import { describe, expect, it } from 'vitest';
import { noRoomLabel } from '../../lambdas/domain/tags.ts';
import { checkRoom, isToldOfNoRoom, saysNoRoom } from '../../lambdas/policy/room.ts';
import { checkScan } from '../../lambdas/policy/scan-checks.ts';
import { readTagSettings, resolveSettings } from '../../lambdas/policy/settings.ts';
import { readStatus } from '../../lambdas/policy/status.ts';
import { internal, noon, secretWith, statusTags } from './scenes.ts';

/** With so many tags that are not cert-renewer's to write; the profile's is one of them. */
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
      "The secret has 47 tags besides cert-renewer's own, and AWS takes 50: expected 46 at most, for cert-renewer writes 4 (cert-renewer:version-id, cert-renewer:not-before, cert-renewer:not-after, cert-renewer:failure). Remove a tag.",
    ],
  ])('beside %i tags', (count, message) => expect(checkRoom(crowded(count))).toBe(message));

  it.each([
    ['none, and it is not told', crowded(47), false, 'inspect UnsupportedSecret'],
    ['none, and the label says so', crowded(47, [noRoomLabel]), true, 'skip UnsupportedSecret'],
    ['enough, and the label is of before', crowded(46, [noRoomLabel]), false, 'rekey Expired'],
  ])('%s', (_, secret, told, decided) => {
    const settings = resolveSettings(undefined, readTagSettings(new Map()), internal);
    const now = noon;
    const status = readStatus(secret, now);
    const time = { renewAt: noon, window: 1, dueCode: 'Expiring', warnings: [] } as const;
    const input = { secret, profile: internal, settings, status, time, force: false, now, step: 0 };
    const { action, code } = checkScan(input);
    expect({ told: isToldOfNoRoom(secret), decided: `${action} ${code}` }).toEqual({ told, decided });
  });

  it('is not told of a secret without a current version', () => {
    expect(saysNoRoom(secretWith({}, { currentVersionId: undefined }))).toBe(false);
  });
});
