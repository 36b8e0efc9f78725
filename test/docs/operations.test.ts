/** Checks docs/operations.md: every alarm, log field and payload on the page exists in the stack and the code. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { redriveTag, statusTags, tags } from '../../lambdas/domain/tags.ts';
import { parseOnDemandRequest, parseScanRequest } from '../../lambdas/policy/request.ts';
import { config, synthesize } from '../cdk/fixtures.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const page = read('docs/operations.md');

/** The commands of the page, one a line. */
const commands = [...page.matchAll(/^```\n([\s\S]*?)^```$/gm)]
  .flatMap(([, block = '']) => block.replace(/\\\n\s+/g, '').split('\n'))
  .filter((line) => line !== '');

describe('docs/operations.md', () => {
  it('has a section for each alarm of the stack, and none for others', () => {
    const hooks = [{ type: 'exec', command: 'true', targetTag: { key: 'Role', value: 'web' } } as const];
    const { template } = synthesize({ profiles: { internal: { ...config.profiles.internal, hooks } } });
    const ids = Object.keys(template.findResources('AWS::CloudWatch::Alarm')).map(
      (id) => /Monitoring([A-Za-z]+?)(?:internal)?[0-9A-F]{8}$/.exec(id)?.[1] ?? id,
    );
    const [, section = ''] = /## Alarms\n([\s\S]*?)\n## /.exec(page) ?? [];
    expect([...section.matchAll(/^### (\w+)$/gm)].map(([, id]) => id).sort()).toEqual(ids.sort());
    for (const id of ids) expect(section).toMatch(new RegExp(`^\\| \`${id}(-<profile>)?\` \\|`, 'm'));
  });

  it('invokes with payloads that are valid', () => {
    const payloads = commands.flatMap((line) => {
      const [, name = '', payload] = /--function-name <(\w+)>.*--payload '([^']+)'/.exec(line) ?? [];
      return payload === undefined ? [] : [{ name, payload: JSON.parse(payload) }];
    });
    expect(payloads.length).toBeGreaterThanOrEqual(5);
    for (const { name, payload } of payloads) {
      expect(['ScanFunctionName', 'RenewFunctionName']).toContain(name);
      const parse = name === 'ScanFunctionName' ? parseScanRequest : parseOnDemandRequest;
      expect(() => parse(payload)).not.toThrow();
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

  it('gives the AWS CLI version 2 what it needs to take JSON as it is', () => {
    for (const line of commands.filter((command) => command.startsWith('aws lambda invoke'))) {
      expect(line).toContain('--cli-binary-format raw-in-base64-out');
    }
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
