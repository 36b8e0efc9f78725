import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TemporaryFolder, temporaryFolder } from '../../testkit/tools/temporary.ts';
import { stage } from './stage.ts';

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder('report');
});
afterAll(() => folder.remove());

it('writes the inventory as a page, and replaces an existing file', async () => {
  const file = join(folder.path, 'certificates.html');
  const { cli } = stage();
  expect((await cli('report', '--html', file)).stdout).toMatch(/certificates\.html: \d+ certificates/);
  const { code, stdout } = await cli('report', '--html', file, '--profile', 'resting', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ file, certificates: 1 });
  const [, data = ''] = /id="data">(.*?)<\/script>/.exec(readFileSync(file, 'utf8')) ?? [];
  expect(JSON.parse(data).rows).toMatchObject([{ profile: 'resting', state: 'overdue', also: 'paused', rank: 0 }]);
  expect(readdirSync(folder.path)).toEqual(['certificates.html']);
});

it('names the stack and the Region in the commands', async () => {
  const file = join(folder.path, 'staging.html');
  await stage().cli('report', '--html', file, '--stack', 'Staging', '--region', 'eu-central-1');
  const page = readFileSync(file, 'utf8');
  expect(page).toContain('"next":"cert-renewer renew due --stack Staging --region eu-central-1"');
});

it('fails without a file name, or if the file can’t be written', async () => {
  const { cli } = stage();
  expect(await cli('report')).toMatchObject({ code: 2, stderr: expect.stringContaining('--html') });
  const nowhere = await cli('report', '--html', join(folder.path, 'no', 'such', 'folder.html'));
  expect(nowhere).toMatchObject({ code: 3, stderr: expect.stringContaining("can't be written") });
});
