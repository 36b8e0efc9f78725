import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { commands } from '../../cli/commands/index.ts';
import { run } from '../../testkit/tools/process.ts';
import { stage } from './stage.ts';

const cases: [string[], string[]][] = [
  [['cert-renewer', 'st'], ['status']],
  [['cert-renewer', 'renew', '--dry'], ['--dry-run']],
  [
    ['cert-renewer', '--json', 'renew', '--kty', ''],
    ['EC', 'OKP', 'RSA'],
  ],
  [
    ['cert-renewer', 'export', '--format', 'p'],
    ['pem', 'p12'],
  ],
  [['cert-renewer', 'completion', 'z'], ['zsh']],
];

it('bash completes commands, options and their values', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cert-renewer-completion-'));
  const { stdout } = await stage().cli('completion', 'bash');
  const calls = cases.map(([words]) => {
    const list = words.map((word) => `'${word}'`).join(' ');
    return `COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _cert_renewer; echo "\${COMPREPLY[*]}"`;
  });
  const script = join(folder, 'try.bash');
  await writeFile(script, `${stdout}\n${calls.join('\n')}\n`);
  const ended = await run('bash', ['--norc', script]);
  await rm(folder, { recursive: true });
  expect(ended.output.trimEnd().split('\n')).toEqual(cases.map(([, expected]) => expected.join(' ')));
});

it('zsh and fish get every command and option', async () => {
  const [zsh, fish] = [await stage().cli('completion', 'zsh'), await stage().cli('completion', 'fish')];
  for (const { name } of commands) {
    expect(zsh.stdout).toContain(`    ${name})`);
    expect(fish.stdout).toContain(`-f -a ${name} -d`);
  }
  expect(fish.stdout).toContain("-l kty -x -a 'EC OKP RSA'");
  expect((await stage().cli('completion', 'tcsh')).code).toBe(2);
});
