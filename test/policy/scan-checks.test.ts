/** The scan's decision about an enrolled secret, from its tags, and its message. */
import { describe, expect, it } from 'vitest';
import { formatInstant } from '../../lambdas/domain/instant.ts';
import type { SecretSummary } from '../../lambdas/domain/secret.ts';
import { noRoomLabel, tags } from '../../lambdas/domain/tags.ts';
import { newVersionId } from '../../lambdas/domain/version-id.ts';
import { hashFraction, renewalTime } from '../../lambdas/policy/renewal-time.ts';
import { checkScan } from '../../lambdas/policy/scan-checks.ts';
import { readTagSettings, resolveSettings } from '../../lambdas/policy/settings.ts';
import { readStatus } from '../../lambdas/policy/status.ts';
import { arn, hour, internal, noon, secretWith, statusTags } from './scenes.ts';

const minute = 60_000;
const day = 24 * hour;
const fresh = statusTags(noon - hour, noon + 23 * hour);
const renewAt = renewalTime(
  { notBefore: noon - hour, end: noon + 23 * hour },
  { timingSource: 'default' },
  arn,
).renewAt;
const failure = (count: number, at: number, code: string) => `${count} ${formatInstant(at)} ${code}`;

interface Row {
  readonly name: string;
  readonly tags?: Record<string, string>;
  readonly now?: number;
  readonly step?: number;
  readonly force?: boolean;
  readonly value?: 'none';
  readonly profilePaused?: boolean;
  readonly expect: `${'renew' | 'rekey' | 'inspect' | 'skip'} ${string}`;
  readonly message?: string;
}

/** The scan's decision. */
function scanned(row: Omit<Row, 'name' | 'expect'>, secretArn = arn, more: Partial<SecretSummary> = {}) {
  const now = row.now ?? noon;
  const noValue = { currentVersionId: undefined, versions: new Map() };
  const secret = { ...secretWith(row.tags, row.value === 'none' ? noValue : more), arn: secretArn };
  const profile = { ...internal, paused: row.profilePaused ?? false };
  const settings = resolveSettings(undefined, readTagSettings(secret.tags), profile);
  const status = readStatus(secret, now);
  const time = status.known && status.validity ? renewalTime(status.validity, settings, secretArn) : undefined;
  return checkScan({
    secret,
    profile,
    settings,
    status,
    time,
    force: row.force ?? false,
    now,
    step: row.step ?? 5 * minute,
  });
}

const scanRows: Row[] = [
  { name: 'fresh', tags: fresh, expect: 'skip NotDue', message: `Not due before ${formatInstant(renewAt)}.` },
  {
    name: 'a second before the scan that is the last one in time',
    tags: fresh,
    now: renewAt - 5 * minute - 1000,
    expect: 'skip NotDue',
  },
  { name: 'due before the next scan', tags: fresh, now: renewAt - 5 * minute, expect: 'rekey Expiring' },
  {
    name: 'due',
    tags: fresh,
    now: renewAt,
    expect: 'rekey Expiring',
    message: `It expires at 2026-11-23T11:00:00Z and is due at ${formatInstant(renewAt)}.`,
  },
  { name: 'due, by mode renew', tags: { ...fresh, [tags.mode]: 'renew' }, now: renewAt, expect: 'renew Expiring' },
  {
    name: 'at its end',
    tags: fresh,
    now: noon + 23 * hour,
    expect: 'rekey Expired',
    message: 'The certificate expired at 2026-11-23T11:00:00Z.',
  },
  {
    name: 'period elapsed',
    tags: { ...fresh, [tags.rekeyPeriod]: '2h' },
    now: noon + hour,
    expect: 'rekey PeriodElapsed',
  },
  {
    name: 'never seen',
    tags: {},
    expect: 'inspect Unknown',
    message: 'The secret is new, or its value was replaced: a worker reads it.',
  },
  { name: 'replaced by another version', tags: { ...fresh, [tags.versionId]: 'v0' }, expect: 'inspect Unknown' },
  { name: 'with rubbish in the status tags', tags: { ...fresh, [tags.notAfter]: 'soon' }, expect: 'inspect Unknown' },
  {
    name: 'without a value',
    tags: {},
    value: 'none',
    expect: 'skip NotDue',
    message: 'The secret has no value yet: store the first certificate and its key in it.',
  },
  {
    name: 'paused by tag, due',
    tags: { ...fresh, [tags.paused]: 'true' },
    now: renewAt,
    expect: 'skip Paused',
    message: 'Paused by the tag cert-renewer:paused. Use force to renew it anyway.',
  },
  {
    name: 'paused by profile',
    tags: fresh,
    profilePaused: true,
    expect: 'skip Paused',
    message: 'Paused by the profile internal. Use force to renew it anyway.',
  },
  { name: 'paused, forced', tags: { ...fresh, [tags.paused]: 'true' }, force: true, expect: 'rekey Forced' },
  {
    name: 'fresh, forced',
    tags: fresh,
    force: true,
    expect: 'rekey Forced',
    message: 'Renewal forced by the scan request.',
  },
  { name: 'never seen, forced', tags: {}, force: true, expect: 'rekey Forced' },
  {
    name: 'failed a minute ago',
    tags: { ...fresh, [tags.failure]: failure(1, renewAt - minute, 'CaUnavailable') },
    now: renewAt,
    expect: 'skip BackingOff',
  },
  {
    name: 'failed a minute ago, forced',
    tags: { ...fresh, [tags.failure]: failure(1, renewAt - minute, 'CaUnavailable') },
    now: renewAt,
    force: true,
    expect: 'rekey Forced',
  },
  {
    name: 'its first pause over',
    tags: { ...fresh, [tags.failure]: failure(1, renewAt - 5 * minute, 'CaUnavailable') },
    now: renewAt,
    expect: 'rekey Expiring',
  },
  {
    name: 'a permanent failure pauses an hour',
    tags: { ...fresh, [tags.failure]: failure(1, renewAt - 59 * minute, 'CaRejected') },
    now: renewAt,
    expect: 'skip BackingOff',
  },
  {
    name: 'and no longer',
    tags: { ...fresh, [tags.failure]: failure(1, renewAt - 60 * minute, 'CaRejected') },
    now: renewAt,
    expect: 'rekey Expiring',
  },
  {
    name: 'a failure of another version is ignored',
    tags: { ...fresh, [tags.versionId]: 'v0', [tags.failure]: failure(9, noon, 'CaRejected') },
    expect: 'inspect Unknown',
  },
  {
    name: 'a failure in the future is ignored',
    tags: { ...fresh, [tags.failure]: failure(9, renewAt + hour, 'CaRejected') },
    now: renewAt,
    expect: 'rekey Expiring',
  },
  {
    name: 'an invalid failure tag is ignored',
    tags: { ...fresh, [tags.failure]: 'x y z' },
    now: renewAt,
    expect: 'rekey Expiring',
  },
  {
    name: 'in the last twentieth there is no pause',
    tags: { ...fresh, [tags.failure]: failure(9, noon + 22 * hour, 'CaRejected') },
    now: noon + 22 * hour,
    expect: 'rekey Expiring',
  },
  {
    name: 'after the end the pause applies again',
    tags: { ...fresh, [tags.failure]: failure(9, noon + 22 * hour, 'CaRejected') },
    now: noon + 23 * hour,
    expect: 'skip BackingOff',
  },
  {
    name: 'never readable, paused',
    tags: { [tags.versionId]: 'v1', [tags.failure]: failure(1, noon - minute, 'UnsupportedSecret') },
    expect: 'skip BackingOff',
  },
  {
    name: 'never readable, pause over',
    tags: { [tags.versionId]: 'v1', [tags.failure]: failure(1, noon - hour, 'UnsupportedSecret') },
    expect: 'inspect Unknown',
    message: 'No worker has found a certificate in this version yet: a worker reads it again.',
  },
  {
    name: 'failed once',
    tags: { ...fresh, [tags.failure]: '1 2026-11-22T11:59:00Z CaUnavailable' },
    expect: 'skip BackingOff',
    message:
      '1 try failed, the last with CaUnavailable. The next try is at 2026-11-22T12:04:00Z. Use force to try now.',
  },
  {
    name: 'failed twice',
    tags: { ...fresh, [tags.failure]: '2 2026-11-22T11:59:00Z CaUnavailable' },
    expect: 'skip BackingOff',
    message:
      '2 tries failed, the last with CaUnavailable. The next try is at 2026-11-22T12:09:00Z. Use force to try now.',
  },
];

describe('the scan', () => {
  it.each(scanRows)('$name: $expect', (row) => {
    const { action, code, message } = scanned(row);
    expect(`${action} ${code}`).toBe(row.expect);
    expect(message).toMatch(/\w\.$/);
    if (row.message !== undefined) expect(message).toBe(row.message);
  });
});

describe('a renewal that was not reported', () => {
  const versionId = newVersionId('v1', (size) => new Uint8Array(size));
  const decided = (more: Record<string, string>, labels: readonly string[] = []) => {
    const versions = new Map([
      [versionId, ['AWSCURRENT', ...labels]],
      ['v1', ['AWSPREVIOUS']],
    ]);
    const { action, code, message } = scanned({ tags: { ...fresh, ...more }, now: renewAt }, arn, {
      currentVersionId: versionId,
      versions,
    });
    return `${action} ${code} ${message}`;
  };
  const crowd = Object.fromEntries(Array.from({ length: 46 }, (_, i) => [`team:${i}`, 'x']));
  const toAnnounce = 'inspect Unknown The event of the last renewal was not sent yet: a worker sends it.';

  it.each<[string, Record<string, string>, readonly string[], string]>([
    ['is sent to a worker', {}, [], toAnnounce],
    ['also of a paused secret', { [tags.paused]: 'true' }, [], toAnnounce],
    ['also of one without room', crowd, [], toAnnounce],
    ['is finished if the label for no room is set', crowd, [noRoomLabel], 'skip UnsupportedSecret The secret has 47'],
    ['is finished if the tag names the version', { [tags.versionId]: versionId }, [], 'rekey Expiring'],
  ])('%s', (_, more, labels, expected) => expect(decided(more, labels)).toContain(expected));
});

describe('the daily inspection', () => {
  it('comes to every secret, with any tags', () => {
    const texts = statusTags(noon - hour, noon + 9000 * hour);
    const hours = Array.from({ length: 24 }, (_, h) => noon + h * hour);
    const counts = Array.from(
      { length: 40 },
      (_, i) =>
        hours.filter((now) => scanned({ tags: texts, now, step: hour }, `${arn}${i}`).action === 'inspect').length,
    );
    // Scans overlap by a minute to cover a late one. So a secret may be in two scans, but never in none.
    expect(Math.min(...counts)).toBe(1);
    expect(Math.max(...counts)).toBeLessThanOrEqual(2);
    expect(counts.filter((n) => n === 1).length).toBeGreaterThan(30);
  });

  const turn = Math.floor(noon / day) * day + day + hashFraction(arn) * day;

  it.each<[string, number, number, boolean]>([
    ['the scan before its turn, as the next comes after it', turn - 5 * minute + 1, 5 * minute, true],
    ['a minute earlier, as the next scan may be late', turn - 6 * minute + 1, 5 * minute, true],
    ['and no earlier', turn - 6 * minute - 1, 5 * minute, false],
    ['a moment after its turn', turn + 1, 5 * minute, false],
    ['twelve hours after it', turn + 12 * hour, 5 * minute, false],
    ['any scan of a schedule by the day', turn + 12 * hour, day, true],
    ['any scan of one that leaves a minute of the day', turn + 12 * hour, day - minute, true],
  ])('is in %s: %i', (_, now, step, isIt) => {
    // The validity is so long that nothing else is due.
    const { action, code, message } = scanned({ tags: statusTags(noon - day, noon + 1000 * day), now, step });
    const expected = isIt
      ? 'inspect Unknown The daily inspection: a worker reads every secret once a day.'
      : 'skip NotDue';
    expect(`${action} ${code} ${message}`.startsWith(expected)).toBe(true);
  });
});
