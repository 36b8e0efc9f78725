/**
 * Deploys the app once for a run of the `e2e` project, onto the local AWS of local-setup.ts. Synthesises the stacks of tests
 * with a local AWS of their own at the same time.
 */
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { type PemHierarchy, pemHierarchy } from '../../testkit/cas/hierarchy.ts';
import type { CaAccess } from '../../testkit/cas/leaf.ts';
import { jwkProvisioner, startStepCa } from '../../testkit/cas/step-ca.ts';
import { makeKey } from '../../testkit/certificates/index.ts';
import { type Assembly, assemble, bootstrap, deploy } from '../../testkit/local-aws/stack.ts';
import { progress } from '../../testkit/tools/cache.ts';
import { temporaryFolder } from '../../testkit/tools/temporary.ts';
import { type AcmeStack, prepareAcme } from './acme-stack.ts';
import { buildCommandLine } from './built-command-line.ts';
import { type DeclaredStack, type DeclaredVersion, prepareDeclared } from './declared-stack.ts';
import { ADMIN, type OwnStack, prepareE2e, prepareOwn } from './e2e-config.ts';
import { startGate } from './gate.ts';
import type { Started } from './local-setup.ts';

/** The outputs of the stack, by name: ScanFunctionName, RenewFunctionName, RenewalQueueUrl, DeadLetterQueueUrl, EventBusName. */
export interface StackAccess {
  readonly outputs: Readonly<Record<string, string>>;
  /** Control URL of the gate of the profile `gated`: see gateKeeper. */
  readonly gateControl: string;
  /** Control URL of the gate that is the only way to the CA of the stack `outage`. */
  readonly outageControl: string;
  /** Assemblies that are synthesised here, and deployed by their tests. */
  readonly own: Readonly<Record<OwnStack | DeclaredVersion, Assembly>>;
  /** The CA of the profile `lenient`, with its keys. It has a database, so it can revoke. */
  readonly lenient: { readonly access: CaAccess; readonly hierarchy: PemHierarchy };
  /** The local AWS for the stack `declared`. */
  readonly declared: DeclaredStack;
  /** The local AWS for the stack `acme`, with its assembly; or what is missing for Pebble. */
  readonly acme: Started<AcmeStack & { readonly assembly: Assembly }>;
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
  const { path: folder, remove } = await temporaryFolder('e2e');
  const undo: (() => unknown)[] = [remove];
  const clear = async (): Promise<void> => {
    await Promise.all(undo.map((step) => step()));
  };
  try {
    progress('deploying the stack onto the local AWS (about 20 s)');
    const [gate, outageGate] = await Promise.all([startGate(stepCa.url), startGate(stepCa.url)]);
    undo.push(gate.close, outageGate.close);
    const hierarchy = pemHierarchy({ name: 'Lenient' });
    const admin = await jwkProvisioner(ADMIN.name, makeKey('P-256'), ADMIN);
    const lenient = await startStepCa({
      ...{ hierarchy, claims: { allowRenewalAfterExpiry: true } },
      ...{ provisioners: [admin], database: true },
    });
    undo.push(lenient.close);
    const { access } = lenient;
    const CertRenewer = await prepareE2e(folder, emulator, stepCa, { gated: gate, lenient: access });
    const others = await prepareOwn(folder, { ca: stepCa, outage: outageGate });
    const declared = await prepareDeclared(folder);
    undo.push(declared.close);
    const acme = await prepareAcme(folder);
    if (acme.found) undo.push(acme.close);
    const configs = { CertRenewer, ...others, ...declared.files, ...(acme.found && { acme: acme.file }) };
    const built = buildCommandLine(join(folder, 'package'));
    const [made, commandLine] = await Promise.all([assemble(folder, configs), built, bootstrap(emulator)]);
    project.provide('commandLine', commandLine);
    const { CertRenewer: shared, acme: acmeAssembly, ...own } = made;
    const outputs = await deploy(emulator, shared);
    const controls = { gateControl: gate.control, outageControl: outageGate.control };
    project.provide('stack', {
      ...{ found: true, outputs, own },
      ...controls,
      lenient: { access, hierarchy },
      declared: declared.access,
      acme: acme.found ? { found: true, ...acme.access, assembly: acmeAssembly ?? shared } : acme,
    });
  } catch (error) {
    await clear();
    throw error;
  }
  return clear;
}
