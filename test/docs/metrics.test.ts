/** docs/metrics.md has every metric, with its unit, as the journal writes it. */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { powertoolsJournal } from '../../lambdas/aws/journal.ts';
import type { Journal } from '../../lambdas/domain/ports.ts';
import { rowsOf } from './tables.ts';

const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');

type Count = Parameters<Journal['count']>[0];
type Measure = Parameters<Journal['measure']>[0];
/** A metric that is new fails the type check here. */
const counts = {
  Renewed: true,
  Failed: true,
  Overdue: true,
  Managed: true,
  HookFailed: true,
  NotServed: true,
} as const satisfies Record<Count, true>;
const measures = { SecondsToExpiry: true, RenewalDuration: true } as const satisfies Record<Measure, true>;

/** What one metric is written as, in EMF. */
function written(write: (journal: Journal) => void): unknown {
  const lines: string[] = [];
  vi.stubEnv('POWERTOOLS_DEV', '');
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    lines.push(String(chunk));
    return true;
  });
  write(powertoolsJournal());
  vi.restoreAllMocks();
  return JSON.parse(lines.at(-1) ?? '{}')._aws?.CloudWatchMetrics?.[0];
}

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const rows = rowsOf(page, 'Metrics');
const told = (name: string) => ({
  Namespace: 'CertRenewer',
  Dimensions: [['Profile']],
  Metrics: [expect.objectContaining({ Name: name, Unit: rows.find((row) => row.name === name)?.cells[1] })],
});

describe('docs/metrics.md', () => {
  it('has a row for every metric, and no other', () => {
    const all = [...Object.keys(counts), ...Object.keys(measures)];
    expect(rows.map(({ name }) => name).sort()).toEqual(all.sort());
    for (const { name, cells } of rows)
      expect(
        cells.filter((cell) => cell === ''),
        name,
      ).toEqual([]);
  });

  it.each(Object.keys(counts) as Count[])('%s: unit and dimension are as it is written', (name) => {
    expect(written((journal) => journal.count(name, 'internal', 1))).toMatchObject(told(name));
  });

  it.each(Object.keys(measures) as Measure[])('%s: unit and dimension are as it is written', (name) => {
    expect(written((journal) => journal.measure(name, 'internal', 1))).toMatchObject(told(name));
  });
});
