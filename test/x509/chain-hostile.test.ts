import { describe, expect, it, onTestFinished, vi } from 'vitest';
import * as d from '../../lambdas/asn1/writer.ts';
import { chainEnd, verifyPath } from '../../lambdas/x509/chain.ts';
import { oids } from '../../lambdas/x509/oids.ts';
import { cpuTime } from '../support/cpu-time.ts';
import * as make from './issue.ts';
import { commonNameOnly, issue, now, party } from './issue.ts';

const [rootCa, interCa, leafParty] = [party('Root'), party('Intermediate'), party('leaf')];
const root = issue(rootCa, rootCa, { ca: true, days: 100 });
const inter = issue(rootCa, interCa, { ca: true, days: 50, pathLength: 0 });
const leaf = issue(interCa, leafParty, { days: 2 });

const problemOf = (...args: Parameters<typeof verifyPath>) => {
  const result = verifyPath(...args);
  return result.ok ? 'a path' : result.problem;
};

describe('hostile pools', () => {
  const quickly = (act: () => void) => {
    const started = cpuTime();
    act();
    expect(cpuTime() - started).toBeLessThan(4_000);
  };

  it('1,000 intermediates of one name and a thousand keys', () => {
    const many = Array.from({ length: 1_000 }, () => issue(rootCa, party('Intermediate'), { ca: true, days: 60 }));
    quickly(() => expect(problemOf(leaf, [...many, inter], [root], now)).toContain('similar'));
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

  it('twelve intermediates with hundreds of names and constraints, 40 KB in all', () => {
    const names = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, i) => make.dns(`${prefix}${i.toString(36)}`));
    const nothing = d.sequence(d.context(1, ...names('z', 230).map((base) => d.sequence(base))));
    const many = make.subjectAltName(...names('a', 270));
    const extensions = [
      make.basicConstraints(true),
      make.keyUsage(5, 6),
      many,
      make.extension(oids.nameConstraints, nothing, true),
    ];
    // Two names in turn: each has six issuers by name, one of which signed it.
    const ring = Array.from({ length: 12 }, (_, i) => party(i % 2 === 0 ? 'A' : 'B'));
    const pool = ring.map((each, i) => issue(ring[(i + 1) % 12] ?? each, each, { extensions }));
    const bottom = issue(ring[0] ?? rootCa, leafParty, { extensions: [many] });
    const compared = vi.spyOn(String.prototype, 'endsWith');
    onTestFinished(() => compared.mockRestore());
    quickly(() => {
      expect(problemOf(bottom, pool, [root], now)).toMatch(/too many names and constraints|by the key of/);
      expect(compared.mock.calls.length).toBeLessThan(300_000);
      expect(chainEnd(bottom, pool, [root])).toEqual({ end: bottom.notAfter, endsWith: 'leaf' });
      expect(compared.mock.calls.length).toBeLessThan(600_000);
    });
    compared.mockRestore();
    const byRoot = issue(rootCa, ring[0] ?? rootCa, { ca: true, days: 70 });
    const path = [bottom, byRoot, root];
    quickly(() => expect(verifyPath(bottom, [...pool, byRoot], [root], now)).toMatchObject({ path }));
  }, 20_000);

  it('a chain of 1,000', () => {
    const parties = Array.from({ length: 1_000 }, (_, i) => ({ ...interCa, name: commonNameOnly(`CA ${i}`) }));
    const pool = parties.map((p, i) => issue(parties[i + 1] ?? rootCa, p, { ca: true }));
    const bottom = issue(parties[0] ?? rootCa, leafParty);
    quickly(() => expect(problemOf(bottom, pool, [root], now)).toContain('longer than 10'));
  }, 20_000);
});
