/** Every page is found from the index, and every link of a page leads somewhere. */
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectFiles, textOf } from '../support/sources.ts';
import { problemsIn } from './known.ts';

const index = 'docs/README.md';
const pages = projectFiles.filter((path) => path.startsWith('docs/') && path.endsWith('.md'));

/** The files of the project that a page links to, without anchors. */
const linksOf = (page: string): readonly string[] =>
  [...textOf(page).matchAll(/\]\(([^)\s#]+)[^)]*\)/g)].flatMap(([, target = '']) =>
    /^[a-z]+:/.test(target) ? [] : [normalize(join(dirname(page), target))],
  );

describe(index, () => {
  const linked = linksOf(index);
  /** An option's page is in the index of the options. */
  const expected = pages.filter((page) => page !== index && !/^docs\/options\/(?!README)/.test(page));

  it.each(expected)('links to %s', (page) => {
    expect(linked).toContain(page);
  });

  it('is linked from README.md', () => {
    expect(linksOf('README.md')).toContain(index);
  });
});

it('docs/options/README.md links to every option', () => {
  const options = pages.filter((page) => /^docs\/options\/(?!README)/.test(page));
  expect(linksOf('docs/options/README.md')).toEqual(expect.arrayContaining(options));
});

it('CHANGELOG.md links to what is there, though it may name what was', () => {
  expect(problemsIn({ path: 'CHANGELOG.md', line: 1, text: textOf('CHANGELOG.md') }, ['link'])).toEqual([]);
});
