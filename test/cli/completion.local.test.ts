/** The completion scripts in real shells, with the tab key. */
import { describe, expect, it } from 'vitest';
import { command } from '../../cli/command.ts';
import { bashScript, zshScript } from '../../cli/completion/bash.ts';
import { fishScript } from '../../cli/completion/fish.ts';
import { completedOf } from '../../cli/completion/words.ts';
import { inventoryStates } from '../../lambdas/inventory/states.ts';
import { hasShell, type Shell, typeInto } from '../support/in-shell.ts';
import { stage } from './stage.ts';

const answers = {
  names: ['web/tls', 'db/tls', 'authority:root', 'mail@example'],
  secrets: ['web/tls', 'plain/secret'],
  profiles: ['internal', 'authority:issuing'],
};

/** What is typed before the tab, and the words that the program gets after it. */
const cases: readonly (readonly [typed: string, got: readonly string[]])[] = [
  ['cert-renewer stat', ['cert-renewer', 'status']],
  ['cert-renewer renew --dry', ['cert-renewer', 'renew', '--dry-run']],
  ['cert-renewer --json renew --kty R', ['cert-renewer', '--json', 'renew', '--kty', 'RSA']],
  ['cert-renewer export --format pe', ['cert-renewer', 'export', '--format', 'pem']],
  ['cert-renewer completion z', ['cert-renewer', 'completion', 'zsh']],
  ['cert-renewer renew we', ['cert-renewer', 'renew', 'web/tls']],
  ['cert-renewer renew db/tls we', ['cert-renewer', 'renew', 'db/tls', 'web/tls']],
  ['cert-renewer renew authority:r', ['cert-renewer', 'renew', 'authority:root']],
  ['cert-renewer pause mai', ['cert-renewer', 'pause', 'mail@example']],
  ['cert-renewer renew web/tls --out db', ['cert-renewer', 'renew', 'web/tls', '--out', 'db/tls']],
  ['cert-renewer enrol pl', ['cert-renewer', 'enrol', 'plain/secret']],
  ['cert-renewer plan --profile int', ['cert-renewer', 'plan', '--profile', 'internal']],
  ['cert-renewer plan --profile=int', ['cert-renewer', 'plan', '--profile=internal']],
  ['cert-renewer renew --profile authority:i', ['cert-renewer', 'renew', '--profile', 'authority:issuing']],
  [
    'cert-renewer export web/tls --out-cert ~/.zsh',
    ['cert-renewer', 'export', 'web/tls', '--out-cert', expect.stringMatching(/\/\.zshrc$/) as never],
  ],
  ['npx cert-renewer stat', ['npx', 'cert-renewer', 'status']],
  ['npx --yes cert-renewer renew we', ['npx', '--yes', 'cert-renewer', 'renew', 'web/tls']],
];

const shells: readonly Shell[] = ['bash', 'zsh', 'fish'];
const present = shells.map((shell) => [shell, hasShell(shell)] as const);

describe.each(present)('%s', (shell, isThere) => {
  it.skipIf(!isThere)(
    'completes commands, options, their values, names and profiles',
    { timeout: 120_000 },
    async () => {
      const { stdout } = await stage().cli('completion', shell);
      const { ran, output } = await typeInto(
        shell,
        stdout,
        answers,
        cases.map(([typed]) => `${typed}\t`),
      );
      expect(ran, output).toEqual(cases.map(([, got]) => got));
    },
  );

  it.skipIf(!isThere)('asks AWS for words that begin so, in the stack of the line', { timeout: 60_000 }, async () => {
    const { stdout } = await stage().cli('completion', shell);
    const lines = [
      'cert-renewer --stack Other --region=eu-west-1 renew we\t',
      'npx cert-renewer plan --profile int\t',
      'cert-renewer renew --js\t',
    ];
    const { asked, output } = await typeInto(shell, stdout, answers, lines);
    const [first, second, ...more] = [...new Set(asked.map((words) => words.join(' ')))];
    expect(first, output).toBe('cert-renewer __complete names --prefix=we --stack Other --region=eu-west-1');
    expect(second).toBe('npx --no --offline cert-renewer __complete profiles --prefix=int');
    expect(more).toEqual([]);
  });

  it.skipIf(!isThere)('keeps a value with a space in one word', { timeout: 60_000 }, async () => {
    const state = { flags: '--state <state>', description: 'only these', choices: inventoryStates };
    const spec = command({
      ...{ name: 'show', summary: 'show', description: [], examples: [], needs: [], run: async () => 'ok' as const },
      options: { state },
    });
    const script = { bash: bashScript, zsh: zshScript, fish: fishScript }[shell]([completedOf(spec)]);
    const { ran, output } = await typeInto(shell, script, answers, [
      'cert-renewer show --state not\t',
      'cert-renewer show --state exp\t',
    ]);
    expect(ran, output).toEqual([
      ['cert-renewer', 'show', '--state', 'not served'],
      ['cert-renewer', 'show', '--state', 'expired'],
    ]);
  });
});

it.each(['bash', 'zsh'] as const)('%s: keeps the completion that npx had', { timeout: 60_000 }, async (shell) => {
  if (!hasShell(shell)) return;
  const { stdout } = await stage().cli('completion', shell);
  const before = {
    bash: 'before() { COMPREPLY=(other-program); }; complete -F before npx',
    zsh: 'before() { compadd other-program; }; compdef before npx',
  };
  // Twice, as a person does who reads the file again.
  const script = `${before[shell]}\n${stdout}\n${stdout}`;
  const { ran, output } = await typeInto(shell, script, answers, ['npx oth\t', 'npx cert-renewer stat\t']);
  expect(ran, output).toEqual([
    ['npx', 'other-program'],
    ['npx', 'cert-renewer', 'status'],
  ]);
});
