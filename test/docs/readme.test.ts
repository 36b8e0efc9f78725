/** README.md: its length, the steps of its quick start, its picture. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { flowPicture } from '../../scripts/flow-picture.ts';
import { commandsOf, readmeApp, readmeSteps, readmeText } from '../support/readme.ts';

const mostLines = 200;

describe('README.md', () => {
  const text = readmeText();

  it('has 200 lines at most, and of prose 140 characters a line', () => {
    const lines = text.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(mostLines);
    expect(lines.filter((line) => line.length > 140 && !line.startsWith('|'))).toEqual([]);
  });

  it('names the two commands: the demo and the tests', () => {
    for (const command of ['npm run demo', 'npm test']) {
      expect(text).toMatch(new RegExp(`^${command}$`, 'm'));
      expect(text).toContain(`**\`${command}\`**`);
    }
  });

  it('has a quick start of five steps', () => {
    const steps = readmeSteps();
    expect(steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);
    for (const { step, commands } of steps) expect(commands.length, `step ${step}`).toBeGreaterThan(0);
    const all = steps.flatMap(({ commands }) => commands);
    for (const name of ['init', 'bootstrap', 'deploy', 'status', 'plan'])
      expect(all.filter((line) => line.startsWith(`npx cert-renewer ${name}`)).length, name).toBeGreaterThan(0);
    expect(all.some((line) => line.startsWith('openssl verify'))).toBe(true);
  });

  it('changes what step 1 has written: the name that step 4 adds is not in the example', () => {
    const [change = ''] = readmeSteps().find(({ step }) => step === 4)?.commands ?? [];
    const [, from = '', to = ''] = /^sed -i\.bak 's\/(.+)\/(.+)\/' cert-renewer\.json$/.exec(change) ?? [];
    const [, example = ''] = /^```json configuration\n([\s\S]*?)^```$/m.exec(text) ?? [];
    expect(example.split(from)).toHaveLength(2);
    const names = JSON.parse(example.replace(from, to)).certificates['web/tls'].dnsNames;
    expect(names).toEqual(['web.svc.example', 'shop.svc.example']);
  });

  it('has an app that imports the package by its name', () => {
    expect(readmeApp()).toMatch(/^import \{[^}]+\} from 'cert-renewer';$/m);
  });
});

describe('the steps of a page', () => {
  it.each([
    ['in a list', '1. Do:\n\n   <!-- step 1 -->\n   ```\n   a\n   b "c"\n   ```\n', [['a', 'b "c"']]],
    ['two of them', '<!-- step 1 -->\n```\na\n```\n\n<!-- step 2 -->\n```sh\nb\n```\n', [['a'], ['b']]],
    ['no other block', '```\nx\n```\n<!-- step 1 -->\n```\na\n```\n```\ny\n```\n', [['a']]],
    ['nothing', 'Step 1\n```\na\n```\n', []],
  ])('%s', (_what, text, commands) => {
    expect(readmeSteps(text).map((step) => step.commands)).toEqual(commands);
  });

  it('a comment without a block is an error', () => {
    expect(() => readmeSteps('<!-- step 1 -->\n\nWords first.\n\n```\na\n```\n')).toThrow('after step 1');
    expect(() => readmeSteps('<!-- step 1 -->\n')).toThrow('after step 1');
  });

  it('has each command on one line, without comments', () => {
    expect(commandsOf('a \\\n    --b c\n\n# all of it\nd   # why\ne "#1"\n')).toEqual(['a --b c', 'd', 'e "#1"']);
  });
});

it('docs/pictures/flow.svg is what scripts/flow-picture.ts draws (npm run flow)', () => {
  const picture = readFileSync(new URL('../../docs/pictures/flow.svg', import.meta.url), 'utf8');
  expect(picture).toBe(flowPicture());
  expect(readmeText()).toContain('](docs/pictures/flow.svg)');
});
