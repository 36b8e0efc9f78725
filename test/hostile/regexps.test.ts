/** Every regular expression of the product, with strings that make a careless one backtrack. */
import { readdirSync, readFileSync } from 'node:fs';
import { createContext, Script } from 'node:vm';
import ts from 'typescript-api';
import { describe, expect, it } from 'vitest';
import { durationPattern } from '../../lambdas/policy/vocabulary.ts';
import { cpuTime } from '../support/cpu-time.ts';

interface Found {
  readonly file: string;
  readonly literal: string;
}

function literalsOf(file: string): Found[] {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const found: Found[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) found.push({ file, literal: node.text });
    node.forEachChild(visit);
  };
  visit(source);
  return found;
}

const files = ['lambdas', 'cdk'].flatMap((room) =>
  readdirSync(room, { recursive: true })
    .map((name) => `${room}/${name}`)
    .filter((name) => name.endsWith('.ts')),
);
const literals = files.flatMap(literalsOf);

/** Quadratic expressions, with the longest input that the code before them allows, in characters. */
const bounded: ReadonlyMap<string, number> = new Map([
  // domain/duration.ts: 256 characters at most.
  ['/^[+-]?(?:0|(?:(?:\\d+(?:\\.\\d*)?|\\.\\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/', 256],
  // The path of a profile's url. The configuration of a deployed stack is a parameter of 8 KB at most.
  ['/\\/+$/', 8_192],
  ['/(\\d*)(?:\\.(\\d*))?(ns|us|µs|μs|ms|s|m|h)/g', 256],
]);

/** Characters that the expression names, one of each common class, and one that it does not expect. */
function alphabetOf(literal: string): string[] {
  const spoken = [...literal.replace(/\\[a-zA-Z]/g, '')].filter((character) => !/[()[\]{}?*+^$|\\]/.test(character));
  return [...new Set([...spoken, ...'aA0 .-/"\\@:\n\t\r'])].slice(0, 40);
}

function attacks(literal: string, length: number): string[] {
  const alphabet = alphabetOf(literal);
  const repeated = alphabet.map((character) => character.repeat(length));
  const neighbours = alphabet.map((character, i) => `${character}${alphabet[i + 1] ?? 'a'}`.repeat(length / 2));
  const body = literal.slice(1, literal.lastIndexOf('/'));
  // A required prefix lets the attack reach the rest: `Bearer `, `https://`, `cron(`.
  const prefix = /^\^?([A-Za-z0-9:\-" ]*)/.exec(body)?.[1] ?? '';
  return [...repeated, ...neighbours].flatMap((text) => [`${text}\0`, `${prefix}${text}\0`, text]);
}

/** Milliseconds of CPU. */
const limit = 250;

/** Returns the milliseconds of CPU for the slowest attack; Infinity if one was stopped because it took too long. */
function slowest(literal: string, length: number): number {
  const context = createContext({ text: '' });
  const script = new Script(`${literal}.test(text)`);
  const timeOf = (text: string, timeout = 2 * limit): number => {
    context['text'] = text;
    const started = cpuTime();
    try {
      script.runInContext(context, { timeout });
    } catch {
      // Stopped by real time: on a busy machine it may have used little CPU.
      return cpuTime() - started > limit ? Number.POSITIVE_INFINITY : timeOf(text, 2 * timeout);
    }
    return cpuTime() - started;
  };
  return attacks(literal, length).reduce((most, text) => (most < Infinity ? Math.max(most, timeOf(text)) : most), 0);
}

describe('regular expressions', () => {
  it('are found', () => {
    expect(literals.length).toBeGreaterThan(100);
    for (const literal of bounded.keys()) expect(literals.map((each) => each.literal)).toContain(literal);
  });

  it('of the product answer within 250 ms of CPU, for any text', () => {
    const slow = [...new Set(literals.map(({ literal }) => literal))].filter(
      (literal) => slowest(literal, bounded.get(literal) ?? 20_000) > limit,
    );
    expect(slow).toEqual([]);
  }, 60_000);

  it('that are built from parts do so too', () => {
    const whole = `/^(?:\\+?${durationPattern}|\\d{1,3}(?:\\.\\d{1,9})?(?:%|pct))$/`;
    expect(slowest(whole, 20_000)).toBeLessThan(limit);
  });

  it('with a planted fault are found', () => {
    expect(slowest('/^(?:a+)+$/', 30)).toBe(Number.POSITIVE_INFINITY);
    expect(slowest('/\\s*$/', 200_000)).toBe(Number.POSITIVE_INFINITY);
  });
});
