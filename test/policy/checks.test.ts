import { describe, expect, it } from 'vitest';
import { formatInstant } from '../../lambdas/domain/instant.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { checkDue, checkOwnership, checkScan, type WorkerInput } from '../../lambdas/policy/checks.ts';
import { renewalTime } from '../../lambdas/policy/renewal-time.ts';
import { readTagSettings, resolveSettings } from '../../lambdas/policy/settings.ts';
import { readStatus, retryAt } from '../../lambdas/policy/status.ts';
import { arn, hour, internal, noon, secretWith, statusTags } from './scenes.ts';

const minute = 60_000;
/** A window of 8 h without the jitter in the way: the period's start is exact when the jitter is subtracted. */
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
}

const scanRows: Row[] = [
  { name: 'fresh', tags: fresh, expect: 'skip NotDue' },
  {
    name: 'a second before the scan that is the last one in time',
    tags: fresh,
    now: renewAt - 5 * minute - 1000,
    expect: 'skip NotDue',
  },
  { name: 'due before the next scan', tags: fresh, now: renewAt - 5 * minute, expect: 'rekey Expiring' },
  { name: 'due', tags: fresh, now: renewAt, expect: 'rekey Expiring' },
  { name: 'due, by mode renew', tags: { ...fresh, [tags.mode]: 'renew' }, now: renewAt, expect: 'renew Expiring' },
  { name: 'at its end', tags: fresh, now: noon + 23 * hour, expect: 'rekey Expired' },
  {
    name: 'period elapsed',
    tags: { ...fresh, [tags.rekeyPeriod]: '2h' },
    now: noon + hour,
    expect: 'rekey PeriodElapsed',
  },
  { name: 'never seen', tags: {}, expect: 'inspect Unknown' },
  { name: 'replaced by another version', tags: { ...fresh, [tags.versionId]: 'v0' }, expect: 'inspect Unknown' },
  { name: 'with rubbish in the status tags', tags: { ...fresh, [tags.notAfter]: 'soon' }, expect: 'inspect Unknown' },
  { name: 'without a value', tags: {}, value: 'none', expect: 'skip NotDue' },
  { name: 'paused by tag, due', tags: { ...fresh, [tags.paused]: 'true' }, now: renewAt, expect: 'skip Paused' },
  { name: 'paused by profile', tags: fresh, profilePaused: true, expect: 'skip Paused' },
  { name: 'paused, forced', tags: { ...fresh, [tags.paused]: 'true' }, force: true, expect: 'rekey Forced' },
  { name: 'fresh, forced', tags: fresh, force: true, expect: 'rekey Forced' },
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
    name: 'a failure of another version does not hold',
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
    name: 'a failure nobody wrote is ignored',
    tags: { ...fresh, [tags.failure]: 'x y z' },
    now: renewAt,
    expect: 'rekey Expiring',
  },
  {
    name: 'the last twentieth knows no pause',
    tags: { ...fresh, [tags.failure]: failure(9, noon + 22 * hour, 'CaRejected') },
    now: noon + 22 * hour,
    expect: 'rekey Expiring',
  },
  {
    name: 'after the end the pause holds again',
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
  },
];

describe('the scan', () => {
  it.each(scanRows)('$name: $expect', (row) => {
    const now = row.now ?? noon;
    const secret = secretWith(
      row.tags,
      row.value === 'none' ? { currentVersionId: undefined, versions: new Map() } : {},
    );
    const profile = { ...internal, paused: row.profilePaused ?? false };
    const settings = resolveSettings(undefined, readTagSettings(secret.tags), profile);
    const status = readStatus(secret, now);
    const time = status.known && status.validity ? renewalTime(status.validity, settings, arn) : undefined;
    const { action, code, message } = checkScan({
      secret,
      profile,
      settings,
      status,
      time,
      force: row.force ?? false,
      now,
      step: row.step ?? 5 * minute,
    });
    expect(`${action} ${code}`).toBe(row.expect);
    expect(message).toMatch(/\w\.$/);
  });

  it('inspects every secret once a day, whatever its tags say', () => {
    const counts = Array.from({ length: 40 }, (_, i) => {
      const secret = { ...secretWith(statusTags(noon - hour, noon + 9000 * hour)), arn: `${arn}${i}` };
      const settings = resolveSettings(undefined, readTagSettings(secret.tags), internal);
      return Array.from({ length: 24 }, (_, h) => {
        const now = noon + h * hour;
        const status = readStatus(secret, now);
        const time = status.known && status.validity ? renewalTime(status.validity, settings, secret.arn) : undefined;
        return checkScan({ secret, profile: internal, settings, status, time, force: false, now, step: hour }).action;
      }).filter((action) => action === 'inspect').length;
    });
    // The minute's overlap that covers a late scan may show a secret to two scans; none is missed.
    expect(Math.min(...counts)).toBe(1);
    expect(Math.max(...counts)).toBeLessThanOrEqual(2);
    expect(counts.filter((n) => n === 1).length).toBeGreaterThan(30);
  });
});

describe('retryAt', () => {
  it.each([
    ['CaUnavailable', [5, 10, 20, 40, 60, 60]],
    ['CaRejected', [60, 120, 240, 480, 960, 1920, 1920]],
  ] as const)('%s pauses for %j minutes', (code, minutes) => {
    expect(minutes.map((_, i) => (retryAt({ count: i + 1, at: noon, code }) - noon) / minute)).toEqual([...minutes]);
    expect(Number.isFinite(retryAt({ count: 999_999, at: noon, code }))).toBe(true);
  });
});

describe('whose secret it is', () => {
  it.each([
    ['ours', {}, undefined],
    ['being deleted', { deletedAt: noon }, 'SecretNotFound'],
    ['a replica', { isReplica: true }, 'Replica'],
    ['rotated by others', { rotation: { enabled: true, functionArn: 'other' } }, 'RotationEnabled'],
    ['rotated by us', { rotation: { enabled: true, functionArn: 'ours' } }, undefined],
    ['a service’s', { owningService: 'rds' }, 'ManagedByService'],
  ])('%s', (_, more, code) => {
    expect(checkOwnership({ secret: secretWith({}, more), rotationFunctionArn: 'ours' })?.code).toBe(code);
  });
});

describe('the worker', () => {
  const validity = { notBefore: noon - hour, end: noon + 23 * hour };
  const settings = resolveSettings(undefined, readTagSettings(new Map()), internal);
  const time = renewalTime(validity, settings, arn);
  const base: WorkerInput = {
    profile: internal,
    settings,
    validity,
    endsWith: 'leaf',
    time,
    versionId: 'v1',
    versionCreatedAt: noon - hour,
    origin: 'schedule',
    windowAsked: false,
    force: false,
    now: noon,
    step: 0,
  };
  const ours = { versionId: 'cert-renewer-01234567-x', versionCreatedAt: noon - 9 * minute };
  const short = { notBefore: noon - 20 * minute, end: noon + 39 * minute };

  it.each<[string, Partial<WorkerInput>, string]>([
    ['not due', {}, 'skip NotDue'],
    ['a second before', { now: renewAt - 1000 }, 'skip NotDue'],
    ['due to the millisecond', { now: renewAt }, 'rekey Expiring'],
    ['due before the next scan', { now: renewAt - hour, step: hour }, 'rekey Expiring'],
    ['by the chain', { now: renewAt, endsWith: 'chain' }, 'rekey ChainExpiring'],
    ['expired', { now: validity.end }, 'rekey Expired'],
    ['forced', { force: true }, 'rekey Forced'],
    ['asked for', { origin: 'request' }, 'rekey Requested'],
    ['asked for, and due', { origin: 'request', now: renewAt }, 'rekey Requested'],
    ['asked for, and expired', { origin: 'request', now: validity.end }, 'rekey Expired'],
    ['asked for if due', { origin: 'request', windowAsked: true }, 'skip NotDue'],
    ['asked for if due, and it is', { origin: 'request', windowAsked: true, now: renewAt }, 'rekey Expiring'],
    ['asked for if due, forced', { origin: 'request', windowAsked: true, force: true }, 'rekey Forced'],
    ['asked for, paused', { origin: 'request', settings: { ...settings, paused: true } }, 'skip Paused'],
    [
      'asked for, paused, forced',
      { origin: 'request', force: true, settings: { ...settings, paused: true } },
      'rekey Forced',
    ],
    ['asked for, written by us just now', { origin: 'request', ...ours }, 'skip RecentlyRenewed'],
    [
      'due, written by us just now',
      { now: renewAt, ...ours, versionCreatedAt: renewAt - minute },
      'skip RecentlyRenewed',
    ],
    [
      'written by us ten minutes ago',
      { origin: 'request', ...ours, versionCreatedAt: noon - 10 * minute },
      'rekey Requested',
    ],
    ['written by someone just now', { origin: 'request', versionCreatedAt: noon }, 'rekey Requested'],
    ['written by us just now, forced', { ...ours, force: true }, 'rekey Forced'],
    ['not due, written by us just now', { ...ours }, 'skip NotDue'],
    ['written by us just now, valid under an hour', { origin: 'request', ...ours, validity: short }, 'rekey Requested'],
  ])('%s', (_, change, expected) => {
    const { action, code } = checkDue({ ...base, ...change });
    expect(`${action} ${code}`).toBe(expected);
  });
});
