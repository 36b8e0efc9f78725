/** Deploys the app once for a whole run of the `e2e` project, onto the local AWS that local-setup.ts started just before. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { progress } from '../../scripts/local/cache.ts';
import { bootstrap, deploy } from '../../scripts/local/stack.ts';
import { prepareE2e } from './e2e-config.ts';
import type { Started } from './local-setup.ts';

/** The outputs of the stack, by name: ScanFunctionName, RenewFunctionName, RenewalQueueUrl, DeadLetterQueueUrl, EventBusName. */
export interface StackAccess {
  readonly outputs: Readonly<Record<string, string>>;
}

declare module 'vitest' {
  interface ProvidedContext {
    stack: Started<StackAccess>;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { emulator, stepCa } = project.getProvidedContext();
  const missing = [emulator, stepCa].find((tool) => !tool.found);
  if (!emulator.found || !stepCa.found) {
    if (missing && !missing.found) project.provide('stack', missing);
    return async () => {};
  }
  const folder = await mkdtemp(join(tmpdir(), 'cert-renewer-e2e-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    progress('deploying the stack onto the local AWS (about 20 s)');
    const config = await prepareE2e(folder, emulator, stepCa);
    await bootstrap(emulator);
    project.provide('stack', { found: true, outputs: await deploy(emulator, { config }) });
  } catch (error) {
    await remove();
    throw error;
  }
  return remove;
}
