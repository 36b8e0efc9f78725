import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'cert-renewer-app-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** As the CDK's command line runs it. */
function runApp(config: string | undefined) {
  const env = {
    PATH: process.env['PATH'],
    CDK_OUTDIR: join(folder, 'out'),
    CDK_CONTEXT_JSON: JSON.stringify(config === undefined ? {} : { config }),
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

it('says what is wrong with a file, without a stack trace', () => {
  const file = join(folder, 'bad.json');
  writeFileSync(file, '{"profiles": {}, "oops": 1}');
  const { status, stderr } = runApp(file);
  expect(status).toBe(1);
  expect(stderr).toMatch(/bad\.json is not valid:\n {2}\$\.oops: unknown key/);
  expect(stderr).not.toMatch(/\bat .*\.ts:\d/);
});

it('says what does not fit, without a stack trace', () => {
  const file = join(folder, 'large.json');
  const ca = { type: 'infisical', url: 'https://eu.infisical.com', caId: 'x', authSecretId: 'pki/login' };
  const names = Array.from({ length: 240 }, (_, index) => `profile-${index}-${'x'.repeat(48)}`);
  writeFileSync(file, JSON.stringify({ profiles: Object.fromEntries(names.map((name) => [name, { ca }])) }));
  const { status, stderr } = runApp(file);
  expect(status).toBe(1);
  expect(stderr).toMatch(/^CertRenewer is not valid:\n {2}\$\.profiles: 240 profiles .* second stack\n/);
  expect(stderr).not.toMatch(/\bat .*\.ts:\d/);
});

it('says where to begin when there is none', () => {
  const { status, stderr } = runApp(join(folder, 'none.json'));
  expect(status).toBe(1);
  expect(stderr).toContain('Copy examples/cert-renewer.json');
});
