/** The reasons of decisions, word for word, and the boundaries that no message tells. */
import { describe, expect, it } from 'vitest';
import { tags } from '../../lambdas/domain/tags.ts';
import { checkDue, checkOwnership, checkScan, type ScanInput, type WorkerInput } from '../../lambdas/policy/checks.ts';
import { belowSchedule, hashFraction, renewalTime } from '../../lambdas/policy/renewal-time.ts';
import { readTagSettings, resolveSettings } from '../../lambdas/policy/settings.ts';
import { readStatus } from '../../lambdas/policy/status.ts';
import { arn, hour, internal, noon, secretWith, statusTags } from './scenes.ts';

const minute = 60_000;
const day = 24 * hour;
const validity = { notBefore: noon - hour, end: noon + 23 * hour };
const settings = resolveSettings(undefined, readTagSettings(new Map()), internal);
const time = renewalTime(validity, settings, arn);
const renewAt = new Date(time.renewAt).toISOString().replace(/\.\d+Z$/, 'Z');

describe('a secret that is not ours to write', () => {
  it.each([
    [
      { deletedAt: noon },
      'The secret is scheduled for deletion. Restore it (aws secretsmanager restore-secret) to have it renewed.',
    ],
    [
      { isReplica: true },
      'The secret is a replica, which only its primary Region may write. It follows when the primary is renewed there.',
    ],
    [
      { rotation: { enabled: true, functionArn: 'other' } },
      'Secrets Manager rotates this secret by another function. Switch that off (aws secretsmanager cancel-rotate-secret) to have it renewed here.',
    ],
    [{ owningService: 'rds' }, 'The secret belongs to the AWS service rds, which alone may change it.'],
  ])('%o', (more, message) => expect(checkOwnership({ secret: secretWith({}, more) })?.message).toBe(message));

  it('is rotated by nobody known where our own ARN is not known either', () => {
    const secret = secretWith({}, { rotation: { enabled: true } });
    expect(checkOwnership({ secret })?.code).toBe('RotationEnabled');
  });
});

describe('the scan says', () => {
  const input = (texts: Record<string, string>, change: Partial<ScanInput> = {}): ScanInput => {
    const now = change.now ?? noon;
    const secret = secretWith(texts);
    const status = readStatus(secret, now);
    const known = status.known && status.validity;
    return {
      secret,
      profile: internal,
      settings: resolveSettings(undefined, readTagSettings(secret.tags), internal),
      status,
      time: known ? renewalTime(known, settings, arn) : undefined,
      force: false,
      now,
      step: 5 * minute,
      ...change,
    };
  };
  const fresh = statusTags(validity.notBefore, validity.end);
  const failed = (count: number) => ({ ...fresh, [tags.failure]: `${count} 2026-11-22T11:59:00Z CaUnavailable` });

  it.each<[string, Record<string, string>, Partial<ScanInput>, string]>([
    ['not due', fresh, {}, `Not due before ${renewAt}.`],
    ['forced', fresh, { force: true }, 'The scan was asked to renew it whatever its time.'],
    ['new', {}, {}, 'The secret is new, or its value was replaced: a worker has to look.'],
    [
      'never read',
      { [tags.versionId]: 'v1' },
      {},
      'No certificate could be read from it so far: a worker has to look again.',
    ],
    [
      'paused by its tag',
      { ...fresh, [tags.paused]: 'true' },
      {},
      'Paused by the tag cert-renewer:paused. Use force to renew it all the same.',
    ],
    [
      'one failure',
      failed(1),
      {},
      '1 try failed, the last with CaUnavailable. Next try at 2026-11-22T12:04:00Z; force tries now.',
    ],
    [
      'two failures',
      failed(2),
      {},
      '2 tries failed, the last with CaUnavailable. Next try at 2026-11-22T12:09:00Z; force tries now.',
    ],
    ['due', fresh, { now: time.renewAt }, `It expires at 2026-11-23T11:00:00Z, and its time to act is ${renewAt}.`],
    ['expired', fresh, { now: validity.end }, 'The certificate expired at 2026-11-23T11:00:00Z.'],
  ])('%s', (_, texts, change, message) => expect(checkScan(input(texts, change)).message).toBe(message));

  it('a paused profile by name', () => {
    const profile = { ...internal, paused: true };
    const paused = resolveSettings(undefined, readTagSettings(new Map()), profile);
    expect(checkScan(input(fresh, { profile, settings: paused })).message).toBe(
      'Paused by the profile internal. Use force to renew it all the same.',
    );
  });

  /** Its time of day, in a validity so long that nothing else is due. */
  const inspected = (now: number, step: number) => {
    const long = statusTags(noon - day, noon + 1000 * day);
    return checkScan(input(long, { now, step }));
  };
  const turn = Math.floor(noon / day) * day + day + hashFraction(arn) * day;

  it.each<[string, number, number, boolean]>([
    ['the scan before its turn, as the next comes after it', turn - 5 * minute + 1, 5 * minute, true],
    ['a minute earlier, as the next scan may be late', turn - 6 * minute + 1, 5 * minute, true],
    ['and no earlier', turn - 6 * minute - 1, 5 * minute, false],
    ['a moment after its turn', turn + 1, 5 * minute, false],
    ['twelve hours after it', turn + 12 * hour, 5 * minute, false],
    ['any scan of a schedule by the day', turn + 12 * hour, day, true],
    ['any scan of one that leaves a minute of the day', turn + 12 * hour, day - minute, true],
  ])('the daily inspection falls to %s: %i', (_, now, step, isIt) => {
    const { action, code, message } = inspected(now, step);
    const expected = isIt ? 'inspect Unknown The inspection that every secret gets once a day.' : 'skip NotDue';
    expect(`${action} ${code} ${message}`.startsWith(expected)).toBe(true);
  });
});

describe('the worker says', () => {
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
  const ours = { versionId: 'cert-renewer-01234567-x', versionCreatedAt: noon - minute };

  it.each<[string, Partial<WorkerInput>, string]>([
    [
      'not due',
      {},
      `NotDue Not due before ${renewAt}. Use force, or leave out expiresIn and rekeyPeriod, to renew it now.`,
    ],
    ['forced', { force: true }, 'Forced Forced: renewed whatever its time.'],
    ['asked for', { origin: 'request' }, 'Requested Asked for on demand.'],
    [
      'recent',
      { origin: 'request', ...ours },
      'RecentlyRenewed cert-renewer wrote it at 2026-11-22T11:59:00Z, under 10 minutes ago. Use force to renew it again.',
    ],
    [
      'ended by its chain soon',
      { endsWith: 'chain', now: time.renewAt },
      'ChainExpiring A certificate of its chain ends at 2026-11-23T11:00:00Z, before the leaf does.',
    ],
    [
      'ended by its chain',
      { endsWith: 'chain', now: validity.end },
      'ChainExpiring A certificate of its chain expired at 2026-11-23T11:00:00Z.',
    ],
    ['expired', { now: validity.end }, 'Expired The certificate expired at 2026-11-23T11:00:00Z.'],
    [
      'by its period',
      { time: { ...time, dueCode: 'PeriodElapsed', window: 16 * hour }, now: time.renewAt },
      'PeriodElapsed Its period of 16h has passed, or will have by the next scan.',
    ],
  ])('%s', (_, change, expected) => {
    const { code, message } = checkDue({ ...base, ...change });
    expect(`${code} ${message}`).toBe(expected);
  });

  it('an hour of validity has ten minutes to give away, a millisecond less has not', () => {
    const hourLong = { notBefore: noon - 30 * minute, end: noon + 30 * minute };
    const request = { origin: 'request', ...ours } as const;
    expect(checkDue({ ...base, ...request, validity: hourLong }).code).toBe('RecentlyRenewed');
    expect(checkDue({ ...base, ...request, validity: { ...hourLong, end: hourLong.end - 1 } }).code).toBe('Requested');
  });
});

describe('windows that do not fit', () => {
  const timing = (texts: object, timingSource: 'tag' | 'request') => {
    const read = readTagSettings(new Map(Object.entries(texts)));
    return { ...(read.timing && { timing: read.timing }), timingSource };
  };
  it.each([
    [{ [tags.expiresIn]: '24h' }, 'window 24h'],
    [{ [tags.rekeyPeriod]: '24h' }, 'rekey period 24h'],
  ])('%o from a tag: a third, and a warning', (texts, name) => {
    const { warnings, window } = renewalTime(validity, timing(texts, 'tag'), arn);
    expect(window).toBe(8 * hour);
    expect(warnings).toEqual([
      {
        code: 'WindowClamped',
        message: `The ${name} is not less than the validity of 24h, so a third of it (8h) applies. Shorten it, or have the CA issue for longer.`,
      },
    ]);
  });
  it.each([
    [{ [tags.expiresIn]: '24h' }, '$.expiresIn'],
    [{ [tags.rekeyPeriod]: '24h' }, '$.rekeyPeriod'],
  ])('%o from a request: refused', (texts, field) => {
    expect(() => renewalTime(validity, timing(texts, 'request'), arn)).toThrowError(
      expect.objectContaining({
        code: 'InvalidRequest',
        message: `${field} is 24h, and the certificate is valid for 24h: expected less than its validity.`,
      }),
    );
  });
  it('shorter than the schedule’s step: a warning, but not for a period', () => {
    const short = { ...time, window: hour };
    expect(belowSchedule(short, 2 * hour)).toEqual({
      code: 'WindowBelowSchedule',
      message:
        'The window of 1h is shorter than the longest time between two scans (2h): scan more often, or widen the window.',
    });
    expect(belowSchedule(short, hour)).toBeUndefined();
    expect(belowSchedule({ ...short, dueCode: 'PeriodElapsed' }, 2 * hour)).toBeUndefined();
  });
});

describe('the status tags', () => {
  const read = (texts: Record<string, string>) => readStatus(secretWith(texts), noon);
  const fresh = statusTags(validity.notBefore, validity.end);
  const at = '2026-11-22T11:00:00Z';

  it.each<[string, Record<string, string>, object]>([
    ['none', {}, { known: false }],
    ['of another version', { ...fresh, [tags.versionId]: 'v0' }, { known: false }],
    ['a window', fresh, { known: true, validity, failure: undefined }],
    ['half a window', { [tags.versionId]: 'v1', [tags.notAfter]: at }, { known: true, validity: undefined }],
    ['the other half', { [tags.versionId]: 'v1', [tags.notBefore]: at }, { known: true, validity: undefined }],
    ['an empty window', statusTags(noon, noon), { known: true, validity: undefined }],
    ['a window backwards', statusTags(noon, noon - hour), { known: true, validity: undefined }],
    [
      'a failure',
      { ...fresh, [tags.failure]: `12 ${at} CaRejected` },
      { failure: { count: 12, at: noon - hour, code: 'CaRejected' } },
    ],
    [
      'a failure of this very moment',
      { ...fresh, [tags.failure]: '1 2026-11-22T12:00:00Z CaRejected' },
      { failure: { count: 1, at: noon } },
    ],
    ['none counted', { ...fresh, [tags.failure]: `0 ${at} CaRejected` }, { failure: { count: 1 } }],
    ['words before', { ...fresh, [tags.failure]: `x1 ${at} CaRejected` }, { failure: undefined }],
    ['words after', { ...fresh, [tags.failure]: `1 ${at} CaRejected x` }, { failure: undefined }],
    ['another code', { ...fresh, [tags.failure]: `1 ${at} Nothing` }, { failure: undefined }],
    ['another time', { ...fresh, [tags.failure]: '1 2026-11-22T11:00:0xZ CaRejected' }, { failure: undefined }],
  ])('%s', (_, texts, expected) => expect(read(texts)).toMatchObject(expected));

  it('of a secret without a current version mean nothing', () => {
    expect(readStatus(secretWith({}, { currentVersionId: undefined }), noon)).toEqual({ known: false });
  });
});
