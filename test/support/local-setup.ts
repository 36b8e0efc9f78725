/**
 * Starts one local AWS and one step-ca for a run of the `local` or the `e2e` project, and stops them at its end. A part that
 * can't start because a tool is missing is handed on as missing: see describeWith in local.ts.
 */
import type { TestProject } from 'vitest/node';
import type { CaAccess } from '../../testkit/cas/leaf.ts';
import { startStepCa } from '../../testkit/cas/step-ca.ts';
import { type EmulatorAccess, startEmulator } from '../../testkit/local-aws/ministack.ts';
import { type MissingTool, ToolMissingError } from '../../testkit/tools/tool.ts';

export type Started<T> = ({ readonly found: true } & T) | MissingTool;

declare module 'vitest' {
  interface ProvidedContext {
    emulator: Started<EmulatorAccess>;
    stepCa: Started<CaAccess>;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const stops: (() => Promise<void>)[] = [];
  const emulator = await unlessMissing(async () => {
    const started = await startEmulator();
    stops.push(started.stop);
    const { endpoint, env, logFile, callsFile, pid } = started;
    return { endpoint, env, logFile, callsFile, pid };
  });
  const stepCa = await unlessMissing(async () => {
    const ca = await startStepCa();
    stops.push(ca.close);
    return ca.access;
  });
  project.provide('emulator', emulator);
  project.provide('stepCa', stepCa);
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}

async function unlessMissing<T extends object>(start: () => Promise<T>): Promise<Started<T>> {
  try {
    return { found: true, ...(await start()) };
  } catch (error) {
    if (error instanceof ToolMissingError) return error.missing;
    throw error;
  }
}
