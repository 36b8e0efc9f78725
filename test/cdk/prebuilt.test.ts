/** The bundles of the published package: written as they were built, and refused when they are damaged. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { bundle, DamagedPackageError } from '../../cdk/functions/prebuilt.ts';
import { type TemporaryFolder, temporaryFolder } from '../../testkit/tools/temporary.ts';

const code = 'export const handler = 1;';
const digest = createHash('sha256').update(code).digest('hex');

let temporary: TemporaryFolder;
let lambdas: string;
let outdir: string;
beforeEach(async () => {
  temporary = await temporaryFolder('prebuilt');
  [lambdas, outdir] = [join(temporary.path, 'lambdas'), join(temporary.path, 'out', 'scan')];
  mkdirSync(lambdas);
  writeFileSync(join(lambdas, `${digest}.mjs`), code);
  writeManifest(JSON.stringify({ scan: { 'scan.mjs': digest } }));
});
afterEach(() => temporary.remove());

const writeManifest = (text: string) => writeFileSync(join(lambdas, 'manifest.json'), text);

it('writes the files of one handler, and removes those of an earlier synthesis', () => {
  mkdirSync(outdir, { recursive: true });
  writeFileSync(join(outdir, 'earlier.mjs'), '');
  bundle('scan.ts', outdir, lambdas);
  expect(readdirSync(outdir)).toEqual(['scan.mjs']);
  expect(readFileSync(join(outdir, 'scan.mjs'), 'utf8')).toBe(code);
});

it.each([
  ['a changed file', () => writeFileSync(join(lambdas, `${digest}.mjs`), `${code}//`), /has been changed/],
  ['no such file', () => writeManifest(`{"scan": {"scan.mjs": "${'0'.repeat(64)}"}}`), /0\.mjs can't be read .*ENOENT/],
  ['a manifest cut short', () => writeManifest('{"scan":'), /manifest\.json is not JSON/],
  ['no such function', () => writeManifest('{}'), /scan is not in manifest\.json/],
  ...['../scan.mjs', '/scan.mjs', '..', 'a/scan.mjs', '..\\scan.mjs', ''].map(
    (file) =>
      [
        `the file name ${JSON.stringify(file)}`,
        () => writeManifest(JSON.stringify({ scan: { [file]: digest } })),
        /has a file named/,
      ] as const,
  ),
] as const)('refuses %s, and writes nothing', (_name, damage, message) => {
  damage();
  expect(() => bundle('scan.ts', outdir, lambdas)).toThrow(DamagedPackageError);
  expect(() => bundle('scan.ts', outdir, lambdas)).toThrow(message);
  expect(() => bundle('scan.ts', outdir, lambdas)).toThrow(/Install it again/);
  expect(existsSync(join(temporary.path, 'out'))).toBe(false);
});
