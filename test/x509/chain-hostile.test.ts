import { describe, expect, it } from 'vitest';
import { verifyPath } from '../../lambdas/x509/chain.ts';
import { cpuTime } from '../support/cpu-time.ts';
import { issue, named, now, party } from './issue.ts';

const [rootCa, interCa, leafParty] = [party('Root'), party('Intermediate'), party('leaf')];
const root = issue(rootCa, rootCa, { ca: true, days: 100 });
const inter = issue(rootCa, interCa, { ca: true, days: 50, pathLength: 0 });
const leaf = issue(interCa, leafParty, { days: 2 });

const problemOf = (...args: Parameters<typeof verifyPath>) => {
  const result = verifyPath(...args);
  return result.ok ? 'a path' : result.problem;
};

describe('pools that were made to hurt', () => {
  const quickly = (act: () => void) => {
    const started = cpuTime();
    act();
    expect(cpuTime() - started).toBeLessThan(4_000);
  };

  it('1,000 intermediates of one name and a thousand keys', () => {
    const many = Array.from({ length: 1_000 }, () => issue(rootCa, party('Intermediate'), { ca: true, days: 60 }));
    quickly(() => expect(problemOf(leaf, [...many, inter], [root], now)).toContain('look alike'));
  }, 20_000);

  it('1,000 intermediates of one name and one key: the first that fits is found', () => {
    const many = Array.from({ length: 1_000 }, () => issue(rootCa, interCa, { ca: true, days: 60 }));
    quickly(() => expect(verifyPath(leaf, many, [root], now)).toMatchObject({ ok: true }));
  }, 20_000);

  it('layers that cross-sign one another, with no root', () => {
    const layers = Array.from({ length: 8 }, (_, i) => party(`Layer ${i}`));
    const pool = layers.flatMap((p, i) => Array.from({ length: 40 }, () => issue(layers[i + 1] ?? p, p, { ca: true })));
    const bottom = issue(layers[0] ?? rootCa, leafParty);
    quickly(() => expect(problemOf(bottom, pool, [root], now)).not.toBe('a path'));
  }, 20_000);

  it('a chain of 1,000', () => {
    const parties = Array.from({ length: 1_000 }, (_, i) => ({ ...interCa, name: named(`CA ${i}`) }));
    const pool = parties.map((p, i) => issue(parties[i + 1] ?? rootCa, p, { ca: true }));
    const bottom = issue(parties[0] ?? rootCa, leafParty);
    quickly(() => expect(problemOf(bottom, pool, [root], now)).toContain('longer than 10'));
  }, 20_000);
});
