/** The addresses of documents in messages, alarms and e-mails lead to a page and to one of its headings. */
import { describe, expect, it } from 'vitest';
import { alarmTexts } from '../../cdk/observe/alarm-text.ts';
import { docs } from '../../lambdas/domain/docs.ts';
import { noticedEvents, noticeOf } from '../../lambdas/notices/notice.ts';
import { codeBelow, textOf } from '../support/sources.ts';
import { headingsOf } from './known.ts';

const folder = docs('');

/** The address of each call of `docs` with literals. */
const inCode = codeBelow('lambdas', 'cdk', 'cli').flatMap((path) =>
  [...textOf(path).matchAll(/\bdocs\('([^']+)'(?:, '([^']+)')?\)/g)].map(([, page = '', heading]) => [
    path,
    docs(page, heading),
  ]),
);
const ofAlarms = Object.keys(alarmTexts).map((kind) => [kind, docs('operations.md', kind.toLowerCase())]);
const ofNotices = noticedEvents.map((type) => {
  const { text } = noticeOf({ source: 'cert-renewer', 'detail-type': type, detail: {} }, 'CertRenewer');
  return [type, /https:\S+/.exec(text)?.[0] ?? 'none'];
});

describe('a link to the documents', () => {
  it('is in the code, in every e-mail and in every alarm', () => {
    expect(inCode.length).toBeGreaterThan(3);
  });

  it.each([...inCode, ...ofAlarms, ...ofNotices])('of %s leads to a heading: %s', (_from, address = '') => {
    expect(address.startsWith(folder)).toBe(true);
    const [page = '', heading] = address.slice(folder.length).split('#');
    expect(headingsOf(`docs/${page}`)).not.toEqual([]);
    if (heading !== undefined) expect(headingsOf(`docs/${page}`)).toContain(heading);
  });
});
