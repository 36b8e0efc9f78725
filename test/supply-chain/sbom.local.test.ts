/** The bill of materials matches the lock file: each production package, with version, licence and hash. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { projectRoot } from '../../testkit/tools/cache.ts';
import { run } from '../../testkit/tools/process.ts';
import { productionPaths } from '../../testkit/tools/production.ts';
import { inTemporaryFolder } from '../../testkit/tools/temporary.ts';
import { lockedPackages } from './lock-file.ts';

interface Component {
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly unknown[];
}

it('npm run sbom', async () => {
  const text = await inTemporaryFolder('sbom', async (folder) => {
    const file = join(folder, 'sbom.json');
    const { code, output } = await run(process.execPath, ['--import', 'tsx', 'scripts/sbom.ts', file], {
      cwd: projectRoot,
    });
    expect(code, output).toBe(0);
    return readFile(file, 'utf8');
  });
  const bill = JSON.parse(text);
  expect(bill).toMatchObject({ bomFormat: 'CycloneDX', metadata: { component: { name: 'cert-renewer' } } });
  expect(bill.specVersion).toMatch(/^1\.[5-9]$/);
  const components: readonly Component[] = bill.components;
  const production = productionPaths();
  const wanted = lockedPackages.filter(({ path }) => production.has(path));
  expect(wanted.length).toBeGreaterThan(50);
  const key = ({ name, version }: { name: string; version: string }) => `${name}@${version}`;
  expect(new Set(components.map(key))).toEqual(new Set(wanted.map(key)));
  const refs = new Set(bill.dependencies.map(({ ref }: { ref: string }) => ref));
  const named: string[] = bill.dependencies.flatMap(({ dependsOn }: { dependsOn: string[] }) => dependsOn);
  expect(named.filter((ref) => !refs.has(ref))).toEqual([]);
  for (const { name, version, integrity, license, path } of wanted) {
    const listed = components.filter((each) => each.name === name && each.version === version);
    for (const { purl, licenses } of listed) {
      expect(decodeURIComponent(purl), path).toContain(`pkg:npm/${name}@${version}`);
      expect(JSON.stringify(licenses), path).toContain(license);
    }
    if (integrity === undefined) continue;
    const hash = Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex');
    const hashes = listed.flatMap((each) => each.hashes ?? []);
    expect(hashes, path).toContainEqual({ alg: 'SHA-512', content: hash });
  }
});
