/** A worker's decision after it has read the certificate, and its message. */
import { describe, expect, it } from 'vitest';
import { formatInstant } from '../../lambdas/domain/instant.ts';
import { checkDue, type WorkerInput } from '../../lambdas/policy/due-checks.ts';
import { renewalTime } from '../../lambdas/policy/renewal-time.ts';
import { readTagSettings, resolveSettings } from '../../lambdas/policy/settings.ts';
import { arn, hour, internal, noon } from './scenes.ts';

const minute = 60_000;

describe('the worker', () => {
  const validity = { notBefore: noon - hour, end: noon + 23 * hour };
  const settings = resolveSettings(undefined, readTagSettings(new Map()), internal);
  const time = renewalTime(validity, settings, arn);
  const { renewAt } = time;
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
    isAsDeclared: true,
    force: false,
    now: noon,
    step: 0,
  };
  const ours = { versionId: 'cert-renewer-01234567-x', versionCreatedAt: noon - 9 * minute };
  const short = { notBefore: noon - 20 * minute, end: noon + 39 * minute };

  it.each<[name: string, change: Partial<WorkerInput>, expected: string, message?: string]>([
    [
      'not due',
      {},
      'skip NotDue',
      `Not due before ${formatInstant(renewAt)}. To renew it now, use force, or leave out expiresIn and rekeyPeriod.`,
    ],
    ['a second before', { now: renewAt - 1000 }, 'skip NotDue'],
    [
      'due to the millisecond',
      { now: renewAt },
      'rekey Expiring',
      `It expires at 2026-11-23T11:00:00Z and is due at ${formatInstant(renewAt)}.`,
    ],
    ['due before the next scan', { now: renewAt - hour, step: hour }, 'rekey Expiring'],
    [
      'by the chain',
      { now: renewAt, endsWith: 'chain' },
      'rekey ChainExpiring',
      'A certificate in its chain expires at 2026-11-23T11:00:00Z, before the leaf.',
    ],
    [
      'by the chain, which has ended',
      { now: validity.end, endsWith: 'chain' },
      'rekey ChainExpiring',
      'A certificate in its chain expired at 2026-11-23T11:00:00Z.',
    ],
    [
      'by its period',
      { time: { ...time, dueCode: 'PeriodElapsed', window: 16 * hour }, now: renewAt },
      'rekey PeriodElapsed',
      'Its rekey period of 16h has passed, or will pass before the next scan.',
    ],
    ['expired', { now: validity.end }, 'rekey Expired', 'The certificate expired at 2026-11-23T11:00:00Z.'],
    ['forced', { force: true }, 'rekey Forced', 'Renewal forced by the request.'],
    ['asked for', { origin: 'request' }, 'rekey Requested', 'Requested on demand.'],
    ['asked for, and due', { origin: 'request', now: renewAt }, 'rekey Requested'],
    ['asked for, and expired', { origin: 'request', now: validity.end }, 'rekey Expired'],
    ['asked for if due', { origin: 'request', windowAsked: true }, 'skip NotDue'],
    ['asked for if due, and it is', { origin: 'request', windowAsked: true, now: renewAt }, 'rekey Expiring'],
    ['asked for if due, forced', { origin: 'request', windowAsked: true, force: true }, 'rekey Forced'],
    [
      'asked for if due, forced, and it is',
      { origin: 'request', windowAsked: true, force: true, now: renewAt },
      'rekey Expiring',
    ],
    [
      'asked for, paused',
      { origin: 'request', settings: { ...settings, paused: true } },
      'skip Paused',
      'Paused by the tag cert-renewer:paused. Use force to renew it anyway.',
    ],
    [
      'asked for, paused, forced',
      { origin: 'request', force: true, settings: { ...settings, paused: true } },
      'rekey Forced',
    ],
    [
      'asked for, written by us just now',
      { origin: 'request', ...ours },
      'skip RecentlyRenewed',
      'cert-renewer wrote this version at 2026-11-22T11:51:00Z, less than 10 minutes ago. Use force to renew it again.',
    ],
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
  ])('%s', (_, change, expected, said) => {
    const { action, code, message } = checkDue({ ...base, ...change });
    expect(`${action} ${code}`).toBe(expected);
    if (said !== undefined) expect(message).toBe(said);
  });

  it('an hour of validity can lose ten minutes, a millisecond less can’t', () => {
    const hourLong = { notBefore: noon - 30 * minute, end: noon + 30 * minute };
    const request = { origin: 'request', ...ours } as const;
    expect(checkDue({ ...base, ...request, validity: hourLong }).code).toBe('RecentlyRenewed');
    expect(checkDue({ ...base, ...request, validity: { ...hourLong, end: hourLong.end - 1 } }).code).toBe('Requested');
  });
});
