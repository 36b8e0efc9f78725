import { describe, expect, it } from 'vitest';
import { commands } from '../../cli/commands/index.ts';
import { stage } from './stage.ts';

const { session: usual } = stage();
const parameter = (id: string) => ({ type: 'AWS::SSM::Parameter', logicalId: 'P', id });

describe('completion', () => {
  it.each(['bash', 'zsh', 'fish'])('%s: has every command and option', async (shell) => {
    const { code, stdout } = await stage().cli('completion', shell);
    expect(code).toBe(0);
    for (const { name, hidden, options } of commands) {
      if (hidden) {
        expect(stdout).not.toMatch(new RegExp(`^    ${name}\\)|-a ${name} `, 'm'));
        continue;
      }
      expect(stdout).toMatch(new RegExp(shell === 'fish' ? `-f -a ${name} -d` : `^    ${name}\\) `, 'm'));
      for (const { flags } of Object.values(options)) {
        const [long = ''] = /--[a-z0-9-]+/.exec(flags) ?? [];
        expect(stdout).toContain(shell === 'fish' ? ` -l ${long.slice(2)}` : long);
      }
    }
  });

  it('refuses another shell', async () => {
    expect((await stage().cli('completion', 'tcsh')).code).toBe(2);
  });
});

describe('the words of a completion script', () => {
  const page = (...names: string[]) =>
    names.map((name) => ({ name, arn: `arn:${name}`, description: '', tags: new Map() }));
  async function* tagged(prefix = '') {
    yield page('web/tls', 'db/tls').filter(({ name }) => name.startsWith(prefix));
  }
  async function* all() {
    yield page('web/tls', 'plain', 'web/tls');
  }
  const secrets = { ...usual.secrets, tagged, all };
  const resources = async () => [
    parameter('/cert-renewer/CertRenewer/profiles/internal'),
    parameter('/cert-renewer/CertRenewer/authorities/issuing'),
    { type: 'AWS::SQS::Queue', logicalId: 'Q', id: '/cert-renewer/CertRenewer/profiles/no' },
  ];

  const cases: [string[], string][] = [
    [['names'], 'db/tls\nweb/tls\n'],
    [['names', '--prefix=we'], 'web/tls\n'],
    [['secrets'], 'plain\nweb/tls\n'],
    [['secrets', '--prefix=p'], 'plain\n'],
    [['profiles'], 'internal\n'],
    [['profiles', '--prefix=x'], ''],
  ];
  it.each(cases)('%j', async (words, expected) => {
    const { cli, exits } = stage({ session: { secrets, resources } });
    expect(await cli('__complete', ...words)).toEqual({ code: 0, stdout: expected, stderr: '' });
    expect(exits).toEqual([0]); // a call that is not answered does not keep the program
  });

  it('are none, without a word, if AWS refuses', async () => {
    const refused = () => Promise.reject(new Error('no credentials'));
    const ended = await stage({ session: { resources: refused } }).cli('__complete', 'profiles');
    expect(ended).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('are none that a shell could run', async () => {
    async function* hostile() {
      yield page('$(reboot)', '`id`', 'a b', 'a\nb', "it's", '\u001b[2J', 'web/tls_1.a+b=c@d-e');
    }
    const ended = await stage({ session: { secrets: { ...secrets, all: hostile } } }).cli('__complete', 'secrets');
    expect(ended.stdout).toBe('web/tls_1.a+b=c@d-e\n');
  });

  it('are those that came in time', async () => {
    async function* slow() {
      yield page('web/tls');
      await new Promise(() => undefined);
    }
    const ended = await stage({ session: { secrets: { ...secrets, tagged: slow } } }).cli('__complete', 'names');
    expect(ended).toEqual({ code: 0, stdout: 'web/tls\n', stderr: '' });
  });

  it('are not in the help', async () => {
    expect((await stage().cli('--help')).stdout).not.toContain('__complete');
  });
});
