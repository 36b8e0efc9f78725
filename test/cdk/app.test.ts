import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'cert-renewer-app-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the app as the CDK's command line does. */
function runApp(config: string | undefined, context: Readonly<Record<string, string>> = {}) {
  const env = {
    PATH: process.env['PATH'],
    CDK_OUTDIR: join(folder, 'out'),
    CDK_CONTEXT_JSON: JSON.stringify({ ...context, ...(config !== undefined && { config }) }),
  };
  return spawnSync(process.execPath, ['--import', 'tsx', join(root, 'cdk/app.ts')], {
    cwd: root,
    env,
    encoding: 'utf8',
  });
}

it('makes the stack CertRenewer of the named file', () => {
  expect(runApp('examples/cert-renewer.json')).toMatchObject({ status: 0, stderr: '' });
  expect(readdirSync(join(folder, 'out'))).toContain('CertRenewer.template.json');
});

it('makes the stack by another name, with an event bus of its own', () => {
  expect(runApp('examples/cert-renewer.json', { stackName: 'Staging' })).toMatchObject({ status: 0, stderr: '' });
  expect(readFileSync(join(folder, 'out/Staging.template.json'), 'utf8')).toMatch(
    /"Name": ?"StagingCertRenewerBus\w+"/,
  );
});

it('reports an invalid file without a stack trace', () => {
  const file = join(folder, 'bad.json');
  writeFileSync(file, '{"profiles": {}, "oops": 1}');
  const { status, stderr } = runApp(file);
  expect(status).toBe(1);
  expect(stderr).toMatch(/bad\.json is not valid:\n {2}\$\.oops: unknown key/);
  expect(stderr).not.toMatch(/\bat .*\.ts:\d/);
});

it('reports an invalid configuration without a stack trace', () => {
  const file = join(folder, 'large.json');
  const ca = { type: 'infisical', url: 'https://eu.infisical.com', caId: 'x', authSecretId: 'pki/login' };
  const names = Array.from({ length: 240 }, (_, index) => `profile-${index}-${'x'.repeat(48)}`);
  writeFileSync(file, JSON.stringify({ profiles: Object.fromEntries(names.map((name) => [name, { ca }])) }));
  const { status, stderr } = runApp(file);
  expect(status).toBe(1);
  expect(stderr).toMatch(/^CertRenewer is not valid:\n {2}\$\.profiles: 240 profiles .* second stack\n/);
  expect(stderr).not.toMatch(/\bat .*\.ts:\d/);
});

it('explains the first step if there is no file', () => {
  const { status, stderr } = runApp(join(folder, 'none.json'));
  expect(status).toBe(1);
  expect(stderr).toContain('write one with cert-renewer init, or name another with -c config=path');
});
