/** Words that documents and comments avoid: readers whose English is a second language stumble over them. */
import ts from 'typescript-api';
import { describe, expect, it } from 'vitest';
import { codeBelow, nodesOf, parse, projectFiles, textOf } from '../support/sources.ts';
import { codeOfTheProject, lineAt, type Passage } from './known.ts';

/** Each with what to write instead. */
const avoided: readonly (readonly [words: RegExp, instead: string])[] = [
  [/\bwhoever\b/gi, 'a user, a caller, another writer'],
  [/\breckon(?:s|ed|ing)?\b/gi, 'count, compute, expect'],
  [/\bgoes on\b(?! (?:the|a|its|top|line)\b)/gi, 'continue'],
  [/\b(?:is|are|be|was|were) held to\b/gi, 'must, a test compares'],
  [/\bnone is\b/gi, 'there is no'],
  [/\bas they would\b/gi, 'say what happens'],
];

/** Line breaks count as spaces, and the decoration of a comment's lines too; both keep their length. */
const flat = (text: string): string =>
  text.replace(/\n[ \t]*(?:\*(?!\/)|\/\/|#)?/g, (found) => ' '.repeat(found.length));

function found({ path, line, text }: Passage): readonly string[] {
  const words = flat(text);
  return avoided.flatMap(([pattern, instead]) =>
    [...words.matchAll(new RegExp(pattern.source.replaceAll(' ', '\\s+'), pattern.flags))].map(
      ({ 0: word, index }) => `${path}:${line - 1 + lineAt(text, index)}: "${word.replace(/\s+/g, ' ')}": ${instead}`,
    ),
  );
}

describe('words to avoid', () => {
  it('are in no document', () => {
    const pages = projectFiles.filter((path) => path.endsWith('.md'));
    expect(pages.length).toBeGreaterThan(20);
    expect(pages.flatMap((path) => found({ path, line: 1, text: textOf(path) }))).toEqual([]);
  });

  it('are in no comment', () => {
    const { comments } = codeOfTheProject();
    expect(comments.length).toBeGreaterThan(1000);
    expect(comments.flatMap(found)).toEqual([]);
  });

  it('are in no message of the product, nor in its help', () => {
    const messages = codeBelow('lambdas', 'cdk', 'cli').flatMap((path) => {
      const source = parse(path);
      const texts = nodesOf(source).filter((node) => ts.isStringLiteralLike(node) || ts.isTemplateExpression(node));
      return texts.map((node) => ({
        path,
        line: source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1,
        text: node.getText(source),
      }));
    });
    expect(messages.length).toBeGreaterThan(1000);
    expect(messages.flatMap(found)).toEqual([]);
  });

  it.each([
    ['Whoever invokes it', 'Whoever'],
    ['A batch reckons with its end', 'reckons'],
    ['the scan\n * goes\n * on in another', 'goes on'],
    ['What is read is held\nto a schema', 'is held to'],
    ['where none is set', 'none is'],
  ])('are found: %s', (text, word) => {
    expect(found({ path: 'a.ts', line: 3, text })).toEqual([expect.stringContaining(`"${word}"`)]);
  });

  it('and other words are not', () => {
    const text = 'A test holds the code to the table. It goes on the schedule. None of them. The reckless.';
    expect(found({ path: 'a.ts', line: 1, text })).toEqual([]);
  });
});
