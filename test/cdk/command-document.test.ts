import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type CommandDocument, execDocument, signalDocument } from '../../cdk/hooks/command-document.ts';

const folder = mkdtempSync(join(tmpdir(), "cert-renewer-hook's-"));
afterAll(() => rmSync(folder, { recursive: true }));

const secretArn = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:web/lb+x@y=1-AbCdEf';
const versionId = 'cert-renewer-0123abcd-0123456789abcdef0123456789abcdef';
const agent = { SSM_secretArn: secretArn, SSM_versionId: versionId };

/** Runs it as the agent does: the lines in one file, with sh. */
function run(document: CommandDocument, env: Record<string, string> = agent) {
  const file = join(folder, '_script.sh');
  writeFileSync(file, document.mainSteps[0]?.inputs.runCommand.join('\n') ?? '');
  return spawnSync('sh', [file], { env: { PATH: process.env['PATH'] ?? '', ...env }, encoding: 'utf8' });
}

describe('the document', () => {
  const all = [execDocument('nginx -s reload'), signalDocument('/run/nginx.pid', 1)];

  it('takes two parameters, as variables of the environment', () => {
    for (const { schemaVersion, parameters } of all) {
      expect(schemaVersion).toBe('2.2');
      expect(Object.keys(parameters)).toEqual(['secretArn', 'versionId']);
      for (const { type, interpolationType } of Object.values(parameters)) {
        expect({ type, interpolationType }).toEqual({ type: 'String', interpolationType: 'ENV_VAR' });
      }
    }
  });

  it('has nothing that SSM would replace', () => {
    for (const document of all) expect(JSON.stringify(document.mainSteps)).not.toContain('{{');
  });

  it.each(['$(id)', '`id`', 'a;b', 'a b', 'a"b', "a'b", 'a\\b', 'a\nb', 'a|b', 'a>b', 'a&b', '{{ssm:x}}', ''])(
    'passes on no text with a meaning to a shell: %j',
    (text) => {
      const { secretArn: arn, versionId: version } = execDocument('x').parameters;
      const matches = (pattern: string | undefined, value: string) => new RegExp(pattern ?? '').test(value);
      expect(matches(arn?.['allowedPattern'], secretArn)).toBe(true);
      expect(matches(version?.['allowedPattern'], versionId)).toBe(true);
      expect(matches(arn?.['allowedPattern'], `${secretArn}${text}`)).toBe(text === '');
      expect(matches(version?.['allowedPattern'], `${versionId}${text}`)).toBe(text === '');
    },
  );
});

describe('exec', () => {
  it('runs the command with the secret and its version in its environment', () => {
    const { status, stdout } = run(
      execDocument('sh -c \'echo "$CERT_RENEWER_SECRET_ARN"\'\nprintf %s "$CERT_RENEWER_VERSION_ID"'),
    );
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${secretArn}\n${versionId}` });
  });

  it('fails if the command fails', () => {
    expect(run(execDocument('exit 7')).status).toBe(7);
    expect(run(execDocument('no-such-program-anywhere')).status).toBe(127);
  });

  it('takes the values of the variables as text', () => {
    const marker = join(folder, 'marker');
    const evil = `$(touch '${marker}')\`id\`"; touch "${marker}`;
    const { stdout } = run(execDocument('printf %s "$CERT_RENEWER_SECRET_ARN"'), { ...agent, SSM_secretArn: evil });
    expect(stdout).toBe(evil);
    expect(spawnSync('ls', [marker]).status).not.toBe(0);
  });

  it.each<[string, Record<string, string>]>([
    ['neither', {}],
    ['only one', { SSM_secretArn: secretArn }],
  ])('runs nothing if the agent is too old and passes %s', (_, env) => {
    const { status, stdout, stderr } = run(execDocument('echo ran'), env);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain('update it to 3.3.2746.0');
  });
});

describe('signal', () => {
  const pidFile = join(folder, "it's $(touch x) `x` \\.pid"); // a path is quoted, with any characters
  const signalled = async (signal: number, content: (pid: number) => string) => {
    const child = spawn('sleep', ['30']);
    writeFileSync(pidFile, content(child.pid ?? 0));
    const ended = new Promise<string | null>((resolve) => child.once('exit', (_, name) => resolve(name)));
    const { status, stderr } = run(signalDocument(pidFile, signal));
    if (status !== 0) child.kill('SIGKILL');
    return { status, stderr, ended: await ended };
  };

  it.each([
    [1, 'SIGHUP'],
    [15, 'SIGTERM'],
    [12, 'SIGUSR2'],
  ])('%d reaches the process as %s', async (signal, name) => {
    expect(await signalled(signal, (pid) => `${pid}\n`)).toEqual({ status: 0, stderr: '', ended: name });
  });

  it.each([
    ['a group', (pid: number) => `-${pid}`],
    ['all that it may signal', () => '-1'],
    ['its own group', () => '0'],
    ['two processes', (pid: number) => `${pid} ${pid}`],
    ['two lines', (pid: number) => `${pid}\n1`],
    ['a job', () => '%1'],
    ['a command', (pid: number) => `${pid}; touch x`],
    ['an option', () => '-l'],
    ['nothing', () => ''],
  ])('%s in the file is refused', async (_, content) => {
    const { status, stderr, ended } = await signalled(1, content);
    expect({ status, ended }).toEqual({ status: 1, ended: 'SIGKILL' });
    expect(stderr).toContain('holds no process id');
  });

  it('fails if there is no such file or process', () => {
    expect(run(signalDocument(join(folder, 'none.pid'), 1))).toMatchObject({ status: 1, stdout: '' });
    writeFileSync(pidFile, '999999999');
    expect(run(signalDocument(pidFile, 1)).status).not.toBe(0);
  });
});
