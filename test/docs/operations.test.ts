/** Checks docs/operations.md: every alarm, command, tag and output on the page exists in the stack and the code. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { commands as all } from '../../cli/commands/index.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { redriveTag, statusTags, tags } from '../../lambdas/domain/tags.ts';
import { config, synthesize } from '../cdk/fixtures.ts';
import { journalLines } from '../support/journal-lines.ts';
import { runbookBlocks, runbookCommands, trialOf, unusedRules } from '../support/runbook.ts';
import { rowsOf } from './tables.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const page = read('docs/operations.md');

/** The commands of the page, one a line. */
const commands = [...page.matchAll(/^```\n([\s\S]*?)^```$/gm)]
  .flatMap(([, block = '']) => block.replace(/\\\n\s+/g, '').split('\n'))
  .filter((line) => line !== '');
const commandNames = all.map(({ name }) => name);

describe('docs/operations.md', () => {
  it('has a row and a section for each alarm of the stack, with its name, and none for others', () => {
    const hooks = [{ type: 'exec', command: 'true', targetTag: { key: 'Role', value: 'web' } } as const];
    const { template } = synthesize({
      profiles: { internal: { ...config.profiles.internal, hooks } },
      probe: { allow: ['dns:example.com'] },
    });
    const names = Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(({ Properties }) =>
      Properties.AlarmName.replace(/^CertRenewer-/, '<stack>-').replace(/-internal$/, '-<profile>'),
    );
    expect(rowsOf(page, 'Alarms').map(({ name }) => name)).toEqual(expect.arrayContaining(names));
    expect(rowsOf(page, 'Alarms')).toHaveLength(names.length);
    const [, section = ''] = /## Alarms\n([\s\S]*?)\n## /.exec(page) ?? [];
    const kinds = names.map((name) => name.split('-')[1]);
    expect([...section.matchAll(/^### (\w+)$/gm)].map(([, kind]) => kind).sort()).toEqual(kinds.sort());
  });

  it('has no call of AWS that a command of cert-renewer makes', () => {
    const calls = commands.flatMap((line) => /^aws ([\w-]+ [\w-]+)/.exec(line)?.[1] ?? []);
    // What a command makes, by hand: rolling back, the first certificate, the tags. And what no command does: roles, keys, deletions.
    expect([...new Set(calls)].sort()).toEqual([
      'cloudwatch describe-alarms',
      'iam tag-role',
      'kms schedule-key-deletion',
      'scheduler create-schedule',
      'secretsmanager create-secret',
      'secretsmanager delete-secret',
      'secretsmanager list-secret-version-ids',
      'secretsmanager list-secrets',
      'secretsmanager tag-resource',
      'secretsmanager untag-resource',
      'secretsmanager update-secret-version-stage',
      'ssm delete-parameter',
    ]);
    for (const { words } of runbookCommands()) expect(commandNames, words.join(' ')).toContain(words[0]);
  });

  it.each(runbookBlocks())('has a test that runs it, or a reason: $section: $commands.0', (block) => {
    expect(trialOf(block)).toBeDefined();
  });

  it('has a block for each rule of where it is run', () => {
    expect(unusedRules(runbookBlocks())).toEqual([]);
    const added = [{ section: 'Alarms of tomorrow', commands: ['aws cloudwatch describe-alarms'] }];
    expect(added.map(trialOf)).toEqual([undefined]);
    expect(unusedRules(added).length).toBeGreaterThan(10);
  });

  const queues: [string, string][] = [
    ['DeadLetters', 'renewals'],
    ['ScanDeadLetters', 'scan'],
    ['NoticeDeadLetters', 'notices'],
    ['HookDeadLetters', 'hooks'],
  ];
  it.each(queues)('%s: says how to read and how to empty the queue', (section, queue) => {
    const lines = runbookCommands()
      .filter((each) => each.section === section)
      .map(({ words }) => words.join(' '));
    expect(lines).toContain(`dead-letters --queue ${queue}`);
    expect(lines).toContain(`dead-letters --queue ${queue} --purge`);
  });

  it('names fields that the log lines have, and a query that finds the failures', () => {
    const failures = [new RenewalError('CaUnavailable', 'Down.', { cause: new TypeError('x') }), new Error('y')];
    const lines = journalLines((journal) => {
      for (const error of failures) journal.failure({ secretArn: 'arn:web', error, final: true });
    }).map((line) => JSON.parse(line));
    const [query = ''] = runbookBlocks().find(({ section }) => section === 'Logs')?.commands ?? [];
    const [, fields = '', levels = ''] =
      /^fields (.*?) \| filter level in (\[.*?\]) \| sort @timestamp desc$/.exec(query) ?? [];
    expect(lines.map(({ level }) => level)).toEqual(JSON.parse(levels));
    const told = rowsOf(page, 'Logs').filter(({ cells }) => ['all', 'failures'].includes(cells[1] ?? ''));
    const names = told.flatMap(({ cells: [cell = ''] }) =>
      [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name ?? ''),
    );
    expect(names).toHaveLength(8);
    for (const name of [...names, ...fields.split(', ').filter((field) => !field.startsWith('@'))]) {
      for (const line of lines) expect(line).toHaveProperty(name);
    }
  });

  it('names outputs that the stack has', () => {
    const { template } = synthesize();
    const outputs = Object.keys(template.findOutputs('*'));
    for (const [, name = ''] of page.matchAll(/<([A-Z]\w+(?:Name|Url))>/g)) expect(outputs).toContain(name);
  });

  it('names tags that there are', () => {
    const known = new Set<string>([...Object.values(tags), redriveTag]);
    for (const [tag] of page.matchAll(/cert-renewer:[a-z-]+/g)) expect(known).toContain(tag);
    const untag = commands.find((line) => line.includes('untag-resource')) ?? '';
    for (const tag of [tags.profile, ...statusTags]) expect(untag).toContain(tag);
  });

  it('links to what is there', () => {
    const anchors = (text: string): string[] =>
      [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
        title
          .toLowerCase()
          .replace(/[^\w\- ]/g, '')
          .replaceAll(' ', '-'),
      );
    for (const source of ['docs/operations.md', 'docs/invoke.md']) {
      for (const [, path = '', anchor] of read(source).matchAll(/\]\(([^)#]*)(?:#([^)]*))?\)/g)) {
        const target = path === '' ? source : path.startsWith('../') ? path.slice(3) : `docs/${path}`;
        const text = read(target);
        if (anchor !== undefined) expect(anchors(text)).toContain(anchor);
      }
    }
    expect(read('README.md')).toContain('](docs/operations.md)');
  });
});
