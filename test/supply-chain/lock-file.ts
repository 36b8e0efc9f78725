/** The parts of package-lock.json and package.json that the tests here read. */
import { readFileSync } from 'node:fs';

const root = new URL('../../', import.meta.url);
export const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

export interface LockedPackage {
  readonly version: string;
  readonly license?: string;
  /** `sha512-<base64>`; absent if the package is in the archive of another one. */
  readonly integrity?: string;
  readonly inBundle?: boolean;
  readonly dev?: boolean;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}

interface LockFile {
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

interface ProjectFile {
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
}

export const lockFile: LockFile = JSON.parse(read('package-lock.json'));
export const projectFile: ProjectFile = JSON.parse(read('package.json'));

export interface Located extends LockedPackage {
  readonly path: string;
  /** `@scope/name` */
  readonly name: string;
}

/** All packages except for the project itself. */
export const lockedPackages: readonly Located[] = Object.entries(lockFile.packages)
  .filter(([path]) => path !== '')
  .map(([path, locked]) => ({ ...locked, path, name: path.split('node_modules/').at(-1) ?? '' }));
