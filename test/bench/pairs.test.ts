import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { comparison, isWorse, type Measurement, quantile, Turns } from '../../bench/pairs.ts';
import { sizesOf } from '../../bench/versions.ts';

/** A version is the result of its measurement. */
const measured = (order: number[] = []): Measurement<number> => ({
  name: 'scan',
  pairs: 1,
  measure: async (version) => {
    order.push(version);
    return [{ what: 'CPU', unit: 'ms', value: version }];
  },
});

describe('two versions', () => {
  it('are measured in turns, and each is first equally often', async () => {
    const order: number[] = [];
    const turns = new Turns(1, 2);
    for (let pair = 0; pair < 4; pair++) await turns.take(measured(order));
    expect(order).toEqual([2, 1, 1, 2, 2, 1, 1, 2]);
    expect(turns.pairs).toEqual([{ what: 'scan: CPU', unit: 'ms', before: [1, 1, 1, 1], after: [2, 2, 2, 2] }]);
  });

  it('differ from a twentieth on, and not below', async () => {
    const pairs = { what: 'scan: CPU', unit: 'ms', before: [100, 200, 100] };
    expect(isWorse({ ...pairs, after: [105, 210, 900] })).toBe(false);
    expect(isWorse({ ...pairs, after: [106, 212, 50] })).toBe(true);
  });

  it('are shown with the quartiles of their ratios and the ratio of their minimums', () => {
    const text = comparison([{ what: 'x', unit: 'ms', before: [1, 2, 4], after: [2, 3, 4] }]);
    expect(text.split('\n').at(-1)).toBe('| x | **1.5** (1.25–1.75) | 2 | 2 ms (1–4) | 3 ms (2–4) | **worse** |');
    const once = comparison([{ what: 'x', unit: 'kB', before: [4], after: [4] }]);
    expect(once.split('\n').at(-1)).toBe('| x | **1** | 1 | 4 kB | 4 kB |  |');
  });
});

it.each([
  { part: 0.25, expected: 1.75 },
  { part: 0.5, expected: 2.5 },
  { part: 1, expected: 4 },
])('the quantile $part of four', ({ part, expected }) => expect(quantile([4, 1, 3, 2], part)).toBe(expected));

it('the code that a start reads is what is imported statically, without source maps', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cert-renewer-sizes-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const files = {
    'scan.mjs': 'import{a}from"./chunk-A.mjs";import("./later.mjs");',
    'chunk-A.mjs': 'import"./chunk-B.mjs";',
    'chunk-B.mjs': '1;',
    'later.mjs': '2;',
    'scan.mjs.map': '{"version":3}',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const atOnce = files['scan.mjs'].length + files['chunk-A.mjs'].length + files['chunk-B.mjs'].length;
  expect(sizesOf(join(folder, 'scan.mjs'))).toEqual({ start: atOnce, all: atOnce + files['later.mjs'].length });
});
