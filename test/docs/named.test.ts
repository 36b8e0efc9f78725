/**
 * Checks that every name in comments and documents exists. A reader can follow each name, and a rename must change the comments too. The
 * test reads the comments of all code, including Python, and every page except CHANGELOG.md, which describes the past.
 *
 * It checks these notations:
 * - a path with a folder, and a bare file name with an ending of our code or pages. A bare name means the file nearby. It is wrong if
 *   several files could be meant. A user's file such as `ca.json` or `web.crt` is not checked.
 * - a folder in backquotes that begins with one of our folders;
 * - an identifier in backquotes, and any word with a capital in its middle. It must be a word of code or data here. A name after a dot is a
 *   member, and must be in the file that declares its owner. Names of standards and of AWS count if our code uses them. Names in
 *   comments alone are listed, with their origin (test/docs/foreign.ts).
 * - a test by file and title, as in docs/guarantees.md; a guarantee; a decision; `npm run …`; links and their anchors;
 * - a document that a reader does not have. It must not be cited.
 *
 * It does not check plain English words, commands and values that a user types, or whether a statement about a name is true.
 */
import { describe, expect, it } from 'vitest';
import { projectFiles, textOf } from '../support/sources.ts';
import { codeOfTheProject, type Passage, problemsIn } from './known.ts';

const pages: readonly Passage[] = projectFiles
  .filter((path) => path.endsWith('.md') && path !== 'CHANGELOG.md')
  .map((path) => ({ path, line: 1, text: textOf(path) }));

describe('what is named is there', () => {
  it('in documents', () => {
    expect(pages.length).toBeGreaterThan(20);
    expect(pages.flatMap((page) => problemsIn(page))).toEqual([]);
  });

  it('in comments', () => {
    const { comments } = codeOfTheProject();
    expect(comments.length).toBeGreaterThan(1000);
    expect(comments.flatMap((comment) => problemsIn(comment))).toEqual([]);
  });

  it('and no title of a test cites what a reader does not have', () => {
    expect(codeOfTheProject().titles.flatMap((title) => problemsIn(title, ['elsewhere', 'guarantee']))).toEqual([]);
  });
});

describe('what is not there is found', () => {
  const planted = (text: string, path = 'lambdas/policy/checks.ts') =>
    problemsIn({ text, path, line: 7 }).map((problem) => problem.replace(/^.*?:7: /, ''));

  it.each([
    ['/** As steps/swapped.ts has it. */', 'there is no steps/swapped.ts'],
    ['/** lambdas/policy/unannounced.json says so. */', 'there is no lambdas/policy/unannounced.json'],
    ['// see vocabularies.ts', 'there is no vocabularies.ts'],
    ['// see test/renewal/murdered.local.test.ts', 'there is no test/renewal/murdered.local.test.ts'],
    ['// every test/conformity/*.ts', 'no file is like test/conformity/*.ts'],
    ['// `lambdas/wishes` is pure', 'there is no lambdas/wishes'],
    ['// `checkNothingAtAll` is the worker’s', 'nothing is called checkNothingAtAll'],
    ['// `grumble()` waits', 'nothing is called grumble'],
    ['// throws SecretVanished', 'nothing is called SecretVanished'],
    ['// `RenewalError.blames` says whose fault it is', 'RenewalError has no blames'],
    ['// `npm run nothing`', 'package.json has no script nothing'],
    ['// decision 0999', 'no decision 0999'],
    ['// docs/guarantees.md, G99', 'docs/guarantees.md has no G99'],
    ['// `test/architecture.test.ts`: "are never there"', 'test/architecture.test.ts has no test "are never there"'],
    ['// by contract 6.8', 'contract … is nothing that a reader has'],
    ['// (design, decision 4)', 'design, decision … is nothing that a reader has'],
  ])('in a comment: %s', (text, problem) => {
    expect(planted(text)).toEqual([expect.stringContaining(problem)]);
  });

  it.each([
    ['See [the cycle](renewal-circle.md).', 'links to docs/renewal-circle.md, which is not there'],
    ['See [the cycle](renewal-cycle.md#running-late).', 'links to #running-late, which is no heading'],
    ['Several are called `index.ts`.', 'index.ts may be cdk/index.ts or'],
  ])('in a page: %s', (text, problem) => {
    expect(planted(text, 'docs/operations.md')).toEqual([expect.stringContaining(problem)]);
  });

  it.each([
    '/** lambdas/policy/vocabulary.ts, policy/vocabulary.ts, vocabulary.ts, ../domain/tags.ts, test/policy/*.test.ts */',
    '// `lambdas/domain`, `policy/`, `RenewalError.concerns`, notBefore, SecretChanged, `npm run demo`, docs/decisions/0006',
    '// a user’s `ca.json`, internal.crt and web/tls; https://pkg.go.dev/time#ParseNothing; RFC 5280, section 4.2.1.10',
  ])('and what is there is not: %s', (text) => {
    expect(planted(text)).toEqual([]);
  });

  it('and a fence in a page is the user’s', () => {
    expect(planted('```\nnode mine.ts someFunction\n```', 'docs/operations.md')).toEqual([]);
  });
});
