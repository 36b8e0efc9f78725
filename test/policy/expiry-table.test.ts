/** Decisions about time, compared with a table that another program computed with exact fractions (test/golden/policy). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Instant, parseInstant } from '../../lambdas/domain/instant.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { checkDue } from '../../lambdas/policy/due-checks.ts';
import { isEmergency, isOverdue, renewalTime } from '../../lambdas/policy/renewal-time.ts';
import { parseOnDemandRequest } from '../../lambdas/policy/request.ts';
import { checkScan } from '../../lambdas/policy/scan-checks.ts';
import { readTagSettings, resolveSettings } from '../../lambdas/policy/settings.ts';
import { readStatus } from '../../lambdas/policy/status.ts';
import { internal, secretWith, statusTags } from './scenes.ts';

interface Row {
  readonly arn: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly kind: 'expiresIn' | 'rekeyPeriod' | null;
  readonly setting: string | null;
  readonly latest: string;
  readonly earliest: string;
  readonly due: string;
  readonly overdue: string;
  readonly emergency: string;
}

const rows: Row[] = JSON.parse(readFileSync(new URL('../golden/policy/expiry.json', import.meta.url), 'utf8'));
const second = 1000;
const tagOf = { expiresIn: tags.expiresIn, rekeyPeriod: tags.rekeyPeriod };

function instant(text: string): Instant {
  const found = parseInstant(text);
  if (found === undefined) throw new Error(text);
  return found;
}

/** Builds a secret with the row's dates and tag. A tag can't contain a percent sign. */
function scene(row: Row) {
  const validity = { notBefore: instant(row.notBefore), end: instant(row.notAfter) };
  const tagged = row.kind && row.setting ? { [tagOf[row.kind]]: row.setting.replace('%', 'pct') } : {};
  const secret = secretWith({ ...statusTags(validity.notBefore, validity.end), ...tagged }, { arn: row.arn });
  return { validity, secret, settings: resolveSettings(undefined, readTagSettings(secret.tags), internal) };
}

/** Returns the worker's decision. `asked`: with the same window in the request. */
function worker(row: Row, now: Instant, asked: boolean): string {
  const { validity, settings: tagged } = scene(row);
  const request = asked ? parseOnDemandRequest({ secretId: 's', [row.kind ?? '']: row.setting }) : undefined;
  const settings = request ? resolveSettings(request, { paused: false }, internal) : tagged;
  return checkDue({
    ...{ profile: internal, settings, validity, endsWith: 'leaf', versionId: 'v1', versionCreatedAt: 0 },
    ...{ time: renewalTime(validity, settings, row.arn), origin: request ? 'request' : 'schedule' },
    ...{ windowAsked: asked, isAsDeclared: true, force: false, now, step: 0 },
  }).code;
}

function scan(row: Row, now: Instant, step: number): string {
  const { validity, secret, settings } = scene(row);
  return checkScan({
    ...{ secret, profile: internal, settings, status: readStatus(secret, now), force: false, now, step },
    time: renewalTime(validity, settings, row.arn),
  }).code;
}

const notDue = expect.stringMatching(/^(?:NotDue|Unknown)$/); // Unknown: the day's inspection

describe.each(rows)('$notBefore to $notAfter, $kind $setting', (row) => {
  const due = instant(row.due);
  const code = row.kind === 'rekeyPeriod' ? 'PeriodElapsed' : 'Expiring';

  it('is due to the second: for the worker, on demand, and for the scan', () => {
    for (const [offset, expected] of [
      [-second, 'NotDue'],
      [0, code],
      [second, code],
    ] as const) {
      expect(worker(row, due + offset, false)).toBe(expected);
      if (row.kind) expect(worker(row, due + offset, true)).toBe(expected);
      expect(scan(row, due + offset, 0)).toEqual(expected === 'NotDue' ? notDue : expected);
    }
  });

  it('is due one step earlier for a scan whose successor would be too late', () => {
    const step = 30 * second;
    expect(scan(row, due - step - second, step)).toEqual(notDue);
    expect(scan(row, due - step, step)).toBe(code);
  });

  it('has a jitter between zero and a twentieth, earlier', () => {
    const [earliest, latest] = [instant(row.earliest), instant(row.latest)];
    expect(due).toBeGreaterThanOrEqual(earliest);
    expect(due).toBeLessThanOrEqual(latest);
    expect(worker(row, earliest - second, false)).toBe('NotDue');
    expect(worker(row, latest, false)).toBe(code);
  });

  it('is overdue, and in its last twentieth, to the second', () => {
    const { validity, settings } = scene(row);
    const time = renewalTime(validity, settings, row.arn);
    const [overdue, emergency] = [instant(row.overdue), instant(row.emergency)];
    expect([-second, 0, second].map((offset) => isOverdue(time, overdue + offset))).toEqual([false, true, true]);
    const inLast = [-second, 0, second].map((offset) => isEmergency(validity, emergency + offset));
    expect(inLast).toEqual([false, true, true]);
  });
});

it('the table has rows with every kind of setting, and some with a jitter above a minute', () => {
  expect(new Set(rows.map(({ kind }) => kind))).toEqual(new Set([null, 'expiresIn', 'rekeyPeriod']));
  expect(rows.length).toBeGreaterThan(100);
  expect(rows.filter((row) => instant(row.latest) - instant(row.due) > 60 * second).length).toBeGreaterThan(50);
});
