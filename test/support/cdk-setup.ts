/**
 * One folder for everything that a run of the `cdk` project synthesises. By default the CDK leaves 20 MB in a new folder for
 * each app.
 */
import type { TestProject } from 'vitest/node';
import { temporaryFolder } from '../../testkit/tools/temporary.ts';

declare module 'vitest' {
  interface ProvidedContext {
    cdkFolder: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { path, remove } = await temporaryFolder('synthesised');
  project.provide('cdkFolder', path);
  return remove;
}
