/** The mark in the tag `version-id`: its meaning, its form, and its limits. */
import { describe, expect, it } from 'vitest';
import type { SecretSummary } from '../../lambdas/domain/secret.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { newVersionId } from '../../lambdas/domain/version-id.ts';
import { isOutputMark, outputMark, owedMark, unannounced } from '../../lambdas/policy/unannounced.ts';
import { secretWith } from './scenes.ts';

const ours = (basedOn: string) => newVersionId(basedOn, (length) => new Uint8Array(length));
const second = ours('v1');
const third = ours(second);
const token = '3b1a3ea0-56a4-4f3c-9c0f-000000000001';

/** A secret with this mark, whose versions are `current` and `previous`. */
const marked = (
  mark: string | undefined,
  current: string,
  previous?: string,
  more: Partial<SecretSummary> = {},
): SecretSummary =>
  secretWith(mark === undefined ? {} : { [tags.versionId]: mark }, {
    versions: new Map([[current, ['AWSCURRENT']], ...(previous ? [[previous, ['AWSPREVIOUS']] as const] : [])]),
    currentVersionId: current,
    ...more,
  });

/** Native rotation: Secrets Manager leaves AWSPENDING on the version that it has promoted. */
const rotated = (labels: readonly string[], enabled: boolean) =>
  marked('v1', token, 'v1', {
    versions: new Map([
      ['v1', ['AWSPREVIOUS']],
      [token, labels],
    ]),
    rotation: { enabled },
  });

const owed = (versionId: string, previousVersionId: string | undefined) => ({ versionId, previousVersionId });

const cases: [string, SecretSummary, ReturnType<typeof unannounced>][] = [
  ['announced', marked(second, second, 'v1'), []],
  ['another writer’s, never inspected', marked(undefined, 'v1'), []],
  ['ours, without the tag version-id', marked(undefined, second, 'v1'), [owed(second, 'v1')]],
  ['ours, and the tag names the previous one', marked('v1', second, 'v1'), [owed(second, 'v1')]],
  ['ours, and no earlier one of ours was reported', marked(`- +${second}`, second, 'v1'), [owed(second, undefined)]],
  ['two of them: one is in the tag', marked(`v1 +${second}`, third, second), [owed(second, 'v1'), owed(third, second)]],
  ['both in the tag', marked(`v1 +${second} +${third}`, third, second), [owed(second, 'v1'), owed(third, second)]],
  ['another writer’s later version', marked(`v1 +${second}`, 'by-hand', second), []],
  ['the pair of an out', marked(`${second} =web/tls`, second), [{ ...owed(second, undefined), source: 'web/tls' }]],
  ['a rotation’s, which is current', marked(`v1 @${token}`, token, 'v1'), [owed(token, 'v1')]],
  ['a rotation’s, which lost its race', marked(`v1 @${token}`, 'by-hand', 'v1'), []],
  ['no version at all, and no tag', { ...marked(undefined, 'v1'), currentVersionId: undefined }, []],
  ['no version at all', { ...marked('v1', 'v1'), currentVersionId: undefined }, []],
  [
    'no version at all, and an owed one in the tag',
    { ...marked(`v1 +${second}`, second), currentVersionId: undefined },
    [],
  ],
  ['a token that holds both labels, rotated', rotated(['AWSCURRENT', 'AWSPENDING'], true), [owed(token, 'v1')]],
  ['the same without rotation', rotated(['AWSCURRENT', 'AWSPENDING'], false), []],
  ['a token without AWSPENDING', rotated(['AWSCURRENT'], true), []],
  [
    'a current version whose labels are not listed',
    marked('v1', token, 'v1', { versions: new Map([['v1', ['AWSPREVIOUS']]]), rotation: { enabled: true } }),
    [],
  ],
];

describe('an unsent event', () => {
  it.each(cases)('%s', (_, secret, expected) => expect(unannounced(secret)).toEqual(expected));

  it('is read back from the tag that was written for it', () => {
    const before = unannounced(marked('v1', second, 'v1'));
    const mark = owedMark(before);
    expect(mark).toBe(`v1 +${second}`);
    expect(unannounced(marked(mark, third, second))).toEqual([...before, owed(third, second)]);
  });
});

describe('the tag version-id', () => {
  it('starts with a hyphen if nothing was reported before, as for an out', () => {
    expect(owedMark([owed(second, undefined)])).toBe(`- +${second}`);
    expect(owedMark([{ ...owed(second, 'v1'), source: 'web/tls' }])).toBe(`- +${second}`);
    expect(owedMark([], owed(token, 'v1'))).toBe(`v1 @${token}`);
    expect(owedMark([])).toBe('-');
  });

  it('has up to 256 characters, the limit of a tag’s value, and no more', () => {
    const source = 's'.repeat(256 - `${second} =`.length);
    expect(outputMark(second, source)).toBe(`${second} =${source}`);
    expect(outputMark(second, `${source}s`)).toBe(`${second} =-`);
    expect(owedMark([second, third, second, third].map((id) => owed(id, 'v1')))).toBe(
      `v1 +${second} +${third} +${second} +${third}`,
    );
    expect(owedMark(Array.from({ length: 5 }, () => owed(second, 'v1')))).toBeUndefined();
  });

  it('belongs to an out if it names a source', () => {
    expect(isOutputMark(marked(`${second} =web/tls`, second))).toBe(true);
    expect(isOutputMark(marked(`v1 +${second}`, second))).toBe(false);
    expect(isOutputMark(marked(undefined, second))).toBe(false);
  });
});
