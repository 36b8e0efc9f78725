/** Compares docs/aws.md with the patches of the local AWS, the tests, and the lines of `npm run check-aws`. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { options } from '../../scripts/check-aws/options.ts';
import { groups } from '../../scripts/check-aws/table.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const page = read('docs/aws.md');

const columns = ['Behaviour', 'AWS says', 'Emulator', 'Patch', 'Test', 'check-aws'];

interface Row {
  readonly behaviour: string;
  readonly source: string;
  readonly emulator: string;
  readonly patch: string;
  readonly test: string;
  readonly check: string;
}

const cellsOf = (line: string): string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

/** The rows of all tables with these columns. */
const rows: Row[] = page.split('\n## ').flatMap((section) => {
  const [, table = ''] = section.split(`| ${columns.join(' | ')} |\n|---|---|---|---|---|---|\n`);
  return table.split('\n').flatMap((line) => {
    if (!line.startsWith('|')) return [];
    const [behaviour = '', source = '', emulator = '', patch = '', test = '', check = '', ...more] = cellsOf(line);
    expect(more, line).toEqual([]);
    return [{ behaviour, source, emulator, patch, test, check }];
  });
});

/** Names in backticks. */
const named = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);

const patches = readdirSync(new URL('testkit/local-aws/patches/', root))
  .filter((file) => file.endsWith('.py'))
  .flatMap((file) => [...read(`testkit/local-aws/patches/${file}`).matchAll(/^@patch\("(.+)"\)$/gm)])
  .map(([, name = '']) => name);

/** The SDK client of a service, by the service's name in botocore. */
const clients: Readonly<Record<string, string>> = {
  ...{ acm: 'acm', cloudwatch: 'cloudwatch', events: 'eventbridge', iam: 'iam', kms: 'kms', lambda: 'lambda' },
  ...{ ecs: 'ecs', scheduler: 'scheduler', secretsmanager: 'secrets-manager', sns: 'sns', sqs: 'sqs', ssm: 'ssm' },
};

/** Returns true for a page on a domain of AWS. */
const isPage = (source: string): boolean =>
  /^<https:\/\/(?:docs\.aws\.amazon\.com|www\.repost\.aws\/knowledge-center)\/\S+>$/.test(source);

describe('docs/aws.md', () => {
  it('has rows, each once and with nothing left empty', () => {
    expect(rows.length).toBeGreaterThan(60);
    expect(new Set(rows.map(({ behaviour }) => behaviour)).size).toBe(rows.length);
    for (const row of rows)
      expect(
        Object.values(row).filter((cell) => cell === ''),
        row.behaviour,
      ).toEqual([]);
  });

  it('has all patches, and no others', () => {
    const cells = rows
      .filter(({ patch }) => patch !== 'needs no patch')
      .map((row) => ({ row, found: named(row.patch) }));
    for (const { row, found } of cells) expect(found.length, row.behaviour).toBeGreaterThan(0);
    expect(new Set(cells.flatMap(({ found }) => found))).toEqual(new Set(patches));
  });

  it('has a test in each row, which is there', () => {
    for (const row of rows) {
      const found = named(row.test);
      expect(found.length, row.behaviour).toBeGreaterThan(0);
      for (const name of found) expect(existsSync(new URL(name, root)), name).toBe(true);
    }
  });

  it.each(rows.filter(({ patch }) => patch !== 'needs no patch'))(
    'has a test that names the patch: $behaviour',
    ({ patch, test }) => {
      const texts = named(test).map(read);
      for (const name of named(patch)) {
        const quoted = new RegExp(`(?:patch: |it\\()'${name}(?:'|: )`);
        expect(texts.filter((text) => quoted.test(text)).length, `${test}: ${name}`).toBeGreaterThan(0);
      }
    },
  );

  it.each(rows)('says where AWS says so: $behaviour', ({ source }) => {
    if (source === 'not established' || isPage(source)) return;
    const [, service = '', operation = ''] = /^`botocore: (\w+) (\w+)`$/.exec(source) ?? [];
    expect(clients, source).toHaveProperty(service);
    const command = `node_modules/@aws-sdk/client-${clients[service]}/dist-types/commands/${operation}Command.d.ts`;
    expect(existsSync(new URL(command, root)), `${source} is an operation`).toBe(true);
  });

  const lines = groups.flatMap(({ behaviours }) => behaviours.map(({ line }) => line));

  it.each(rows)('names lines of check-aws that there are: $behaviour', ({ source, check }) => {
    const numbers = [...check.matchAll(/\d+\.\d+/g)].map(([number]) => number);
    for (const number of numbers) expect(lines).toContain(number);
    if (numbers.length > 0) expect(check).toBe(numbers.join(', '));
    else if (source === 'not established') expect(check, 'why a script can not').toMatch(/^no: \w.{20,}/);
    else expect(check).toBe('–');
  });

  it('names every line of check-aws', () => {
    const all = rows.map(({ check }) => check).join(' ');
    expect(lines.filter((line) => !new RegExp(`(?<![\\d.])${line.replace('.', '\\.')}(?!\\d)`).test(all))).toEqual([]);
  });

  it('names the options that the script has', () => {
    const named = [...page.matchAll(/^\| `--([\w-]+) /gm)].map(([, option = '']) => option);
    expect([...named, 'yes'].sort()).toEqual(Object.keys(options).sort());
  });
});
