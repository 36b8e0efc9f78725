/** Exact versions and the hash of each archive, so that npm installs only reviewed code. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { lockedPackages, lockFile, projectFile, read } from './lock-file.ts';

const exact = /^(?:npm:(?:@[\w.-]+\/)?[\w.-]+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/;

describe('package.json', () => {
  it('has exact versions', () => {
    const ranges = Object.entries(projectFile.devDependencies).filter(([, version]) => !exact.test(version));
    expect(ranges, 'pin each to one version, as npm install --save-exact does').toEqual([]);
  });

  it('has nothing that an installed package would ask npm for, but its peers', () => {
    expect(projectFile).not.toHaveProperty('dependencies');
    expect(projectFile).not.toHaveProperty('optionalDependencies');
  });

  it.each(['^1.2.3', '~1.2.3', '1.2', '1.x', '*', 'latest', '>=1.2.3', '1.2.3 || 1.2.4', 'file:../x', 'git+ssh://x'])(
    '%s is not exact',
    (range) => expect(range).not.toMatch(exact),
  );

  it('says of each package with a script whether it may run at installation', () => {
    const withScript = new Set(lockedPackages.filter((each) => each.hasInstallScript).map(({ name }) => name));
    // The script of @scarf/scarf reports the installation to its maker. Nothing needs it.
    expect(projectFile.allowScripts).toMatchObject({ '@scarf/scarf': false });
    expect([...withScript].sort(), 'look at the script, then name the package in allowScripts').toEqual(
      Object.keys(projectFile.allowScripts).sort(),
    );
  });
});

describe('package-lock.json', () => {
  it('is npm 7’s or later, and of this package.json', () => {
    expect(lockFile.lockfileVersion).toBeGreaterThanOrEqual(3);
    const { peerDependencies, devDependencies } = projectFile;
    expect(lockFile.packages['']).toMatchObject({ peerDependencies, devDependencies });
  });

  it('has the hash of every archive', () => {
    const archives = lockedPackages.filter(({ inBundle }) => !inBundle);
    expect(archives.length).toBeGreaterThan(100);
    const without = archives.filter(({ integrity }) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ''));
    expect(without.map(({ path }) => path)).toEqual([]);
  });

  it('takes a package without a hash of its own from an archive that has one', () => {
    const paths = new Map(lockedPackages.map((each) => [each.path, each]));
    const orphans = lockedPackages.filter(({ inBundle, path }) => {
      const around = path.split('/node_modules/').slice(0, -1).join('/node_modules/');
      return inBundle && paths.get(around)?.integrity === undefined && !paths.get(around)?.inBundle;
    });
    expect(orphans.map(({ path }) => path)).toEqual([]);
  });

  it('has no source but the registry', () => {
    const elsewhere = lockedPackages.filter(({ resolved, link }) => link || resolved !== undefined);
    expect(
      elsewhere.map(({ path }) => path),
      'no git, file or other address: .npmrc leaves the registry’s out',
    ).toEqual([]);
  });
});

describe('tools of the tests', () => {
  const folder = new URL('../../testkit/tools/', import.meta.url);
  const files = readdirSync(folder).filter((name) => /^requirements.*\.txt$/.test(name));

  it.each(files)('%s pins every package', (name) => {
    const lines = read(`testkit/tools/${name}`)
      .split('\n')
      .filter((line) => !/^\s*(?:#|$)/.test(line));
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(line).toMatch(/^[A-Za-z0-9_.-]+==[\w.]+$/);
  });

  it('go builds pinned versions', () => {
    const versions = [...read('testkit/tools/go-tools.ts').matchAll(/version: '([^']+)'/g)].map(([, each]) => each);
    expect(versions.length).toBeGreaterThan(1);
    for (const version of versions) expect(version).toMatch(/^v\d+\.\d+\.\d+$/);
  });
});
