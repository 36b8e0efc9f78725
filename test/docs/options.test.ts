/** Checks docs/coming-from-step.md and docs/options/: every example is valid or rejected as stated, and every option has a page. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { validateConfig } from '../../cdk/config/config.ts';
import { configProfile } from '../../cdk/config/config-schema.ts';
import { dueCodes, skipCodes, warningCodes } from '../../lambdas/domain/decision.ts';
import { errorCodes } from '../../lambdas/domain/errors.ts';
import { statusTags, tags } from '../../lambdas/domain/tags.ts';
import { onDemandSchema, parseOnDemandRequest, parseScanRequest } from '../../lambdas/policy/request.ts';
import { readTagSettings } from '../../lambdas/policy/settings.ts';
import { isRequest } from '../support/answer.ts';
import { flags, examples as stepExamples } from '../support/step-page.ts';

const docs = new URL('../../docs/', import.meta.url);
const optionPages = readdirSync(new URL('options/', docs)).map((name) => `options/${name}`);
const pages = ['coming-from-step.md', ...optionPages];
const textOf = (page: string): string => readFileSync(new URL(page, docs), 'utf8');

interface Block {
  readonly page: string;
  readonly kind: string;
  readonly text: string;
}

const blocks: Block[] = pages.flatMap((page) =>
  [...textOf(page).matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)].map(([, kind = '', text = '']) => ({
    page,
    kind,
    text,
  })),
);
const ofKind = (kind: string) => blocks.filter((block) => block.kind === kind);
const known: ReadonlySet<string> = new Set([...Object.keys(errorCodes), ...dueCodes, ...skipCodes, ...warningCodes]);
const examples = new URL('../../examples/', import.meta.url).pathname;

describe('the examples', () => {
  it('are of kinds that are looked at here', () => {
    const kinds = new Set(blocks.map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(['', 'json configuration', 'json refused', 'json request', 'json scan-request']);
  });

  it.each(ofKind('json request'))('$page: request $text', ({ text }) => {
    expect(() => parseOnDemandRequest(JSON.parse(text))).not.toThrow();
    expect(isRequest(JSON.parse(text))).toBe(true);
  });

  it.each(ofKind('json scan-request'))('$page: scan $text', ({ text }) => {
    expect(() => parseScanRequest(JSON.parse(text))).not.toThrow();
  });

  it.each(ofKind('json refused'))('$page: refused $text', ({ text }) => {
    const refusal = expect.objectContaining({ code: 'InvalidRequest' });
    expect(() => parseOnDemandRequest(JSON.parse(text))).toThrowError(refusal);
  });

  it.each(ofKind('json configuration'))('$page: configuration', ({ page, text }) => {
    expect(() => validateConfig(JSON.parse(text), { source: page, baseDirectory: examples })).not.toThrow();
  });

  const commands = ofKind('').flatMap(({ page, text }) => {
    const lines = text.replaceAll(/\\\n\s*/g, '').split('\n');
    // The line before may write the file of the payload.
    return lines.flatMap((line, i) => (line.startsWith('aws ') ? [{ page, line, before: lines[i - 1] ?? '' }] : []));
  });
  it.each(commands)('$page: $line', ({ line, before }) => {
    const set = [...line.matchAll(/Key=(\S+?),Value=(\S+)/g)].map(([, key = '', value = '']) => [key, value] as const);
    const ofUsers = Object.values(tags).filter((tag) => !(statusTags as readonly string[]).includes(tag));
    for (const [key] of set) expect(ofUsers).toContain(key);
    expect(() => readTagSettings(new Map(set))).not.toThrow();
    const payload = line.includes('fileb://request.json')
      ? /^echo '([^']*)' > request\.json$/.exec(before)?.[1]
      : undefined;
    if (payload !== undefined) expect(() => parseOnDemandRequest(JSON.parse(payload))).not.toThrow();
    expect(set.length > 0 || payload !== undefined || line.includes('rotate-secret')).toBe(true);
  });
});

describe.each(pages)('docs/%s', (page) => {
  const text = textOf(page);

  it('links to what is there', () => {
    for (const [, target = ''] of text.matchAll(/\]\(([^)#:]+\.md)(?:#[^)]*)?\)/g)) {
      expect(existsSync(new URL(target, new URL(page, docs))), target).toBe(true);
    }
  });

  it('names no code that there is not', () => {
    const table = text.split(/\n\| error[^\n]*\n/)[1] ?? '';
    const first = table.split('\n').map((line) => (line.startsWith('|') ? (line.split('|')[1] ?? '') : ''));
    const codes = first.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, code = '']) => code));
    for (const code of codes) expect(known, code).toContain(code);
    if (page.startsWith('options/') && page !== 'options/README.md') expect(codes.length).toBeGreaterThan(0);
  });
});

describe('no option has no page', () => {
  const index = textOf('options/README.md');

  it('is linked from the index', () => {
    const names = optionPages.map((page) => page.slice('options/'.length)).filter((name) => name !== 'README.md');
    for (const name of names) expect(index).toContain(`](${name})`);
  });

  it('of request, tags and profile', () => {
    const { secretId: _, ...request } = onDemandSchema.shape;
    const userTags = Object.values(tags).filter((tag) => !(statusTags as readonly string[]).includes(tag));
    for (const name of [...Object.keys(request), ...userTags, ...Object.keys(configProfile.shape)]) {
      expect(index, name).toContain(`\`${name}\``);
    }
  });
});

describe('docs/coming-from-step.md', () => {
  const text = textOf('coming-from-step.md');
  const [, mapping = ''] = text.split('\n## Flags\n');

  it.each(flags.map((flag) => [flag]))('has a line for %s', (flag) => {
    const rows = (mapping.split('\n## ')[0] ?? '').split('\n').map((line) => line.split('|')[1] ?? '');
    expect(rows.filter((row) => row.includes(`\`${flag}\``))).toHaveLength(1);
  });

  it.each(stepExamples)('has the example “$title”', ({ command }) => {
    expect(text.split('```').filter((part) => part === `\n${command}\n`)).toHaveLength(1);
  });
});
