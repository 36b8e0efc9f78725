/** `bootstrap`, `deploy`, `diff` and `destroy`: what the CDK is asked to do, and what the user sees. */
import { writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TemporaryFolder, temporaryFolder } from '../../testkit/tools/temporary.ts';
import { stage } from './stage.ts';

const config = fileURLToPath(new URL('../../examples/declared.json', import.meta.url));
const outputs = { ScanFunctionName: 'scan', EventBusName: 'bus' };

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder('deploy');
});
afterAll(() => folder.remove());

describe('deploy', () => {
  it('hands the CDK an absolute configuration, the name of the stack, Region and profile', async () => {
    const { cli, cdkCommands } = stage({ cdk: { outputs } });
    const globals = ['--stack', 'Staging', '--region', 'eu-central-1', '--profile-name', 'dev'];
    const { code, stdout, stderr } = await cli(...globals, 'deploy', '--config', 'examples/declared.json', '--yes');
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'ScanFunctionName scan\nEventBusName bus\n' });
    expect(stderr).toBe('Next: npx cert-renewer status --stack Staging --region eu-central-1 --profile-name dev\n');
    expect(cdkCommands).toMatchObject([
      {
        words: ['deploy', '--require-approval', 'never'],
        target: { stackName: 'Staging', aws: { region: 'eu-central-1', profile: 'dev' } },
        ...{ config, stdout: 'stderr', outputsFile: undefined },
      },
    ]);
  });

  it('prints the outputs as one JSON object with --json, and no outputs on a terminal, where the CDK has shown them', async () => {
    const words = ['deploy', '--config', config];
    const { stdout } = await stage({ cdk: { outputs } }).cli(...words, '--json');
    expect(JSON.parse(stdout)).toEqual(outputs);
    expect((await stage({ cdk: { outputs }, tty: true }).cli(...words)).stdout).toBe('');
  });

  it('asks unless there is --yes, and passes the file for the outputs', async () => {
    const { cli, cdkCommands } = stage({ answers: [] });
    await cli('deploy', '--config', config, '--outputs-file', 'outputs.json');
    expect(cdkCommands[0]?.words).toEqual(['deploy']);
    expect(isAbsolute(cdkCommands[0]?.outputsFile ?? '')).toBe(true);
  });

  it('fails with the exit code of the CDK in the message, and what to do without a terminal', async () => {
    const { code, stderr } = await stage({ cdk: { code: 1 } }).cli('deploy', '--config', config);
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr:
        'CdkFailed: cdk deploy has failed (exit code 1). Its messages above say why. Without a terminal, a deployment that adds permissions needs --yes.\n',
    });
    expect((await stage({ cdk: { code: 1 }, answers: [] }).cli('deploy', '--config', config)).stderr).not.toContain(
      '--yes',
    );
  });

  it.each(['bootstrap', 'deploy', 'diff', 'destroy --yes'])(
    '%s: a wrong configuration, a missing one and a bad stack name are errors of usage, and the CDK is not started',
    async (line) => {
      const bad = join(folder.path, 'bad.json');
      writeFileSync(bad, '{"profiles": {}, "oops": 1}');
      const { cli, cdkCommands } = stage();
      const words = line.split(' ');
      expect(await cli(...words, '--config', bad)).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/bad\.json is not valid:\n {2}\$\.oops: unknown key/),
      });
      expect(await cli(...words, '--config', join(folder.path, 'none.json'))).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/There is no file .*none\.json: .*cert-renewer init.*--config/),
      });
      expect(await cli(...words, '--config', config, '--stack', 'my_stack')).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/--stack: my_stack .*letters, digits and hyphens/),
      });
      expect(cdkCommands).toEqual([]);
    },
  );

  it('Ctrl-C reaches the CDK; the exit code is that of an interruption', async () => {
    const staged = stage({
      onCdk: async ({ interrupted }) => {
        const aborted = new Promise((resolve) => interrupted.addEventListener('abort', resolve));
        staged.interrupt();
        await aborted;
        return { code: 130 };
      },
    });
    const { code, stderr } = await staged.cli('deploy', '--config', config);
    expect({ code, exits: staged.exits }).toEqual({ code: 130, exits: [] });
    expect(stderr).toMatch(/CloudFormation still completes .* stack CertRenewer/);
  });
});

describe('diff', () => {
  it('shows the differences on stdout', async () => {
    const { cli, cdkCommands } = stage();
    expect((await cli('diff', '--config', config)).code).toBe(0);
    expect(cdkCommands).toMatchObject([{ words: ['diff', '--ci'], stdout: 'stdout' }]);
  });

  it.each([
    ['✨  Number of stacks with differences: 0\n', false],
    ['[+] Output\n\n✨  Number of stacks with differences: 1\n', true],
  ])('reports with --json whether there are any: %j', async (text, changed) => {
    const { stdout, stderr } = await stage({ cdk: { text } }).cli('diff', '--config', config, '--json');
    expect(JSON.parse(stdout)).toEqual({ stack: 'CertRenewer', changed });
    expect(stderr).toContain(text.trimEnd());
  });

  it('does not guess when the CDK does not report it', async () => {
    expect((await stage().cli('diff', '--config', config, '--json')).code).toBe(3);
  });
});

describe('destroy', () => {
  it.each([
    ['y', [['destroy', '--force']], /stay when the stack is deleted/],
    ['n', [], /Nothing was deleted/],
    ['', [], /Nothing was deleted/],
  ])('says what stays, asks, and takes %j for an answer', async (answer, words, said) => {
    const { cli, cdkCommands, questions } = stage({ answers: [answer] });
    const { code, stderr } = await cli('destroy', '--config', config);
    expect(code).toBe(0);
    expect(questions).toEqual(['Delete the stack CertRenewer? (y/n) ']);
    expect(cdkCommands.map((command) => command.words)).toEqual(words);
    expect(stderr).toMatch(said);
    expect(stderr).toContain('every secret with its current certificate');
  });

  it('needs --yes without a terminal', async () => {
    const { cli, cdkCommands } = stage();
    expect(await cli('destroy', '--config', config)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--yes'),
    });
    const { stdout } = await cli('destroy', '--config', config, '--yes', '--json');
    expect(JSON.parse(stdout)).toEqual({ stack: 'CertRenewer', destroyed: true });
    expect(cdkCommands).toHaveLength(1);
  });
});

it('bootstrap says what comes next', async () => {
  const { cli, cdkCommands } = stage();
  expect(await cli('bootstrap', '--config', config)).toMatchObject({
    code: 0,
    stderr: `Next: npx cert-renewer deploy --config ${config}\n`,
  });
  expect(cdkCommands[0]?.words).toEqual(['bootstrap']);
  expect(JSON.parse((await cli('bootstrap', '--config', config, '--json')).stdout)).toEqual({ bootstrapped: true });
});
