import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { App, CloudFormationValidatePlugin } from 'aws-cdk-lib';
import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { readConfigFile } from '../../cdk/config/config.ts';
import { CertRenewerStack } from '../../cdk/stack.ts';
import manifest from '../../cdk.json' with { type: 'json' };

const root = fileURLToPath(new URL('../../', import.meta.url));
const example = join(root, 'examples/cert-renewer.json');
const folder = mkdtempSync(join(tmpdir(), 'cert-renewer-app-'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const environment = (config: string, context: Readonly<Record<string, string>> = {}) => ({
  CDK_OUTDIR: join(folder, 'out'),
  CDK_CONTEXT_JSON: JSON.stringify({ ...context, config }),
});

let runs = 0;
/** Runs the app in this process, which has loaded aws-cdk-lib already. */
async function runApp(config: string, context: Readonly<Record<string, string>> = {}) {
  for (const [name, value] of Object.entries(environment(config, context))) vi.stubEnv(name, value);
  const said: unknown[] = [];
  vi.spyOn(console, 'error').mockImplementation((...words) => void said.push(...words));
  const exited = new Error('exited');
  const exit = vi.spyOn(process, 'exit').mockImplementation(() => {
    throw exited;
  });
  runs += 1;
  const others = process.listeners('beforeExit');
  const url = `../../cdk/app.ts?run=${runs}`; // a module of its own, because a module runs once
  await import(/* @vite-ignore */ url).catch((thrown) => {
    if (thrown !== exited) throw thrown;
  });
  // The CDK synthesizes again when the process ends, and this process ends without the folder.
  for (const listener of process.listeners('beforeExit')) {
    if (!others.includes(listener)) process.removeListener('beforeExit', listener);
  }
  return { status: exit.mock.calls[0]?.[0] ?? 0, stderr: said.join('\n') };
}

it('makes the stack CertRenewer of the named file', async () => {
  expect(await runApp(example)).toEqual({ status: 0, stderr: '' });
  expect(readdirSync(join(folder, 'out'))).toContain('CertRenewer.template.json');
});

it('makes the stack by another name, with an event bus of its own', async () => {
  expect(await runApp(example, { stackName: 'Staging' })).toEqual({ status: 0, stderr: '' });
  expect(readFileSync(join(folder, 'out/Staging.template.json'), 'utf8')).toMatch(
    /"Name": ?"StagingCertRenewerBus\w+"/,
  );
});

it('makes a template in which the CDK’s own check finds nothing', () => {
  // The check is on, as in a user's own app. It is off in the app and in the other tests, because it takes seconds in each process.
  const app = new App({ context: manifest.context, outdir: join(folder, 'checked') });
  const check = vi.spyOn(CloudFormationValidatePlugin.prototype, 'validate');
  new CertRenewerStack(app, 'CertRenewer', { config: readConfigFile(example) });
  app.synth();
  expect(check.mock.results.map(({ value }) => value)).toEqual([{ success: true, violations: [] }]);
});

it('reports an invalid file without a stack trace', async () => {
  const file = join(folder, 'bad.json');
  writeFileSync(file, '{"profiles": {}, "oops": 1}');
  const { status, stderr } = await runApp(file);
  expect(status).toBe(1);
  expect(stderr).toMatch(/bad\.json is not valid:\n {2}\$\.oops: unknown key/);
  expect(stderr).not.toMatch(/\bat .*\.ts:\d/);
});

it('reports an invalid configuration without a stack trace, in a process of its own', () => {
  const file = join(folder, 'large.json');
  const ca = { type: 'infisical', url: 'https://eu.infisical.com', caId: 'x', authSecretId: 'pki/login' };
  const names = Array.from({ length: 240 }, (_, index) => `profile-${index}-${'x'.repeat(48)}`);
  writeFileSync(file, JSON.stringify({ profiles: Object.fromEntries(names.map((name) => [name, { ca }])) }));
  // As the CDK's command line runs it.
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', join(root, 'cdk/app.ts')], {
    cwd: root,
    env: { PATH: process.env['PATH'], ...environment(file) },
    encoding: 'utf8',
  });
  expect(status).toBe(1);
  expect(stderr).toMatch(/^CertRenewer is not valid:\n {2}\$\.profiles: 240 profiles .* second stack\n/);
  expect(stderr).not.toMatch(/\bat .*\.ts:\d/);
});

it('explains the first step if there is no file', async () => {
  const { status, stderr } = await runApp(join(folder, 'none.json'));
  expect(status).toBe(1);
  expect(stderr).toContain('write one with cert-renewer init, or name another with -c config=path');
});
