import { describe, expect, it } from 'vitest';
import { tags } from '../../lambdas/domain/tags.ts';
import { readStatus, retryAt } from '../../lambdas/policy/status.ts';
import { hour, noon, secretWith, statusTags } from './scenes.ts';

const minute = 60_000;
const validity = { notBefore: noon - hour, end: noon + 23 * hour };

describe('retryAt', () => {
  it.each([
    ['CaUnavailable', [5, 10, 20, 40, 60, 60]],
    ['CaRejected', [60, 120, 240, 480, 960, 1920, 1920]],
  ] as const)('%s pauses for %j minutes', (code, minutes) => {
    expect(minutes.map((_, i) => (retryAt({ count: i + 1, at: noon, code }) - noon) / minute)).toEqual([...minutes]);
    expect(Number.isFinite(retryAt({ count: 999_999, at: noon, code }))).toBe(true);
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

  it('without a current version mean nothing', () => {
    expect(readStatus(secretWith({}, { currentVersionId: undefined }), noon)).toEqual({ known: false });
  });
});
