/** Parts of `status <name>`: the message in the log, and the layout. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { failureMessage, spanAround } from '../../cli/show/failure-message.ts';
import { layOut } from '../../cli/show/layout.ts';
import { start } from '../renewal/world.ts';
import { logLine } from './show-scenes.ts';

describe('the message of a failure', () => {
  const arn = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:web-abcdef';
  const failure = { code: 'CaRejected', at: start } as const;
  const find = (...lines: Parameters<typeof failureMessage>[0]) => failureMessage(lines, arn, failure);

  it('is that of the last line at or before the noted time, in whole seconds', () => {
    const lines = [
      logLine(arn, 'CaRejected', 'the first', start - 60_000),
      logLine(arn, 'CaRejected', 'the second', start + 900),
      logLine(arn, 'CaRejected', 'a later one', start + 10_000),
    ];
    expect(find(...lines)).toBe('the second');
    expect(find(...lines.reverse())).toBe('the second');
    for (const { at } of lines.slice(1)) expect(at).toBeLessThanOrEqual(spanAround(start).to);
  });

  it.each([
    ['about another secret', logLine(`${arn}2`, 'CaRejected', 'x', start)],
    ['with another code', logLine(arn, 'CaUnavailable', 'x', start)],
    ['long before', logLine(arn, 'CaRejected', 'x', start - 600_000)],
    ['about the note of the failure', logLine(arn, 'CaRejected', 'x', start, { step: 'recording the failure' })],
    ['of Lambda', { at: start, text: `START RequestId: 1 ${arn}` }],
    ['that is no object', { at: start, text: 'null' }],
  ])('is not that of a line %s', (_, line) => {
    expect(find(line)).toBeUndefined();
  });
});

it('the layout cuts nothing, and breaks lines at spaces only', () => {
  const word = fc.string({ minLength: 1, maxLength: 80, unit: fc.constantFrom('a', 'b', '/', '-') });
  const text = fc.array(word, { minLength: 1, maxLength: 12 }).map((words) => words.join(' '));
  const entry = fc.record({
    label: fc.constantFrom('Name', 'Not before'),
    values: fc.array(fc.record({ text }), { minLength: 1, maxLength: 3 }),
  });
  fc.assert(
    fc.property(
      fc.array(fc.array(entry, { maxLength: 4 }), { maxLength: 4 }),
      fc.integer({ min: 20, max: 160 }),
      (groups, width) => {
        const lines = layOut(groups, width, (_, painted) => painted);
        const words = groups.flat().flatMap(({ label, values }) => [label, ...values.map((value) => value.text)]);
        expect(lines.join(' ').split(/ +/).filter(Boolean)).toEqual(words.join(' ').split(' ').filter(Boolean));
        for (const line of lines) if (line.length > width) expect(line.trim()).not.toContain(' ');
      },
    ),
  );
});
