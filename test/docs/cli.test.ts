import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { commands } from '../../cli/commands/index.ts';
import { cliPage } from '../../scripts/cli-page.ts';
import { stage } from '../cli/stage.ts';

const page = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');

it('docs/cli.md is what the commands say of themselves (npm run cli:page)', () => {
  expect(page).toBe(cliPage());
});

it.each(commands.map(({ name }) => name))(
  'the help of %s begins with examples and has every option of the page',
  async (name) => {
    const { code, stdout, stderr } = await stage().cli(name, '--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Examples:\n {2}\S/);
    const [, section = ''] = page.split(`\n## ${name}\n`);
    const flags = section.split('\n## ')[0]?.match(/^\| `--[^`]+`/gm) ?? [];
    for (const flag of flags) expect(stdout).toContain(flag.replace(/^\| `|`$/g, ''));
    expect(stdout).toContain('--json');
  },
);
