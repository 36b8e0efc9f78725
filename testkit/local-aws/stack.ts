import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../tools/cache.ts';
import { type Finished, run } from '../tools/process.ts';
import { inTemporaryFolder } from '../tools/temporary.ts';
import { keepStack } from './calls.ts';
import { ACCOUNT, type Emulator, environmentFor, REGION } from './ministack.ts';

type Target = Pick<Emulator, 'env'>;

/** What a synthesis has left. */
export interface Assembly {
  /** A cdk.out. */
  readonly assembly: string;
  /** The stack's id in it; the stack's name may be another. */
  readonly artifact: string;
  /** Whether test/calls judges the roles of the stack. Default: true. */
  readonly isJudged?: boolean;
}

export interface DeployOptions {
  /** Path of the cert-renewer.json to deploy. */
  readonly config: string;
  /** Default: CertRenewer. */
  readonly stackName?: string;
  /** Where the cdk.json of the app is. Default: the repository's own. */
  readonly app?: string;
  /** More context, each given as `-c key=value`. */
  readonly context?: Readonly<Record<string, string>>;
}

/** A deploy takes about 15 s, most of it the synthesis; a custom resource that never answers would take an hour, and ignores SIGTERM. */
const DEPLOY_TIMEOUT = 300_000;

/** Prepare the account for the CDK, once per emulator (2 s). */
export async function bootstrap(target: Target): Promise<void> {
  await inTemporaryFolder('cdk', async (folder) => {
    // Away from cdk.json: there it would synthesise the app first.
    checked('cdk bootstrap', await cdk(target, folder, ['bootstrap', `aws://${ACCOUNT}/${REGION}`]));
  });
}

/** Deploy the app with this configuration, or what was synthesised before, and return the stack's outputs. @throws Error with what the CDK said. */
export async function deploy(target: Target, options: DeployOptions | Assembly): Promise<Record<string, string>> {
  return inTemporaryFolder('cdk', async (folder) => {
    const outputs = join(folder, 'outputs.json');
    const { artifact, assembly, args, cwd } = command(options, folder);
    const more = ['--require-approval', 'never', '--ci', '--outputs-file', outputs];
    checked('cdk deploy', await cdk(target, cwd, ['deploy', artifact, ...args, ...more]));
    const parsed: Record<string, Record<string, string>> = JSON.parse(await readFile(outputs, 'utf8'));
    const [[stackName, found] = [artifact, {}]] = Object.entries(parsed);
    const { isJudged = true } = 'assembly' in options ? options : {};
    if (isJudged) await keepStack(target.env, stackName, join(assembly, `${artifact}.template.json`));
    return found;
  });
}

/** Take the stack away again. */
export async function destroy(target: Target, options: DeployOptions | Assembly): Promise<void> {
  await inTemporaryFolder('cdk', async (folder) => {
    const { artifact, args, cwd } = command(options, folder);
    checked('cdk destroy', await cdk(target, cwd, ['destroy', artifact, ...args, '--force']));
  });
}

function command(options: DeployOptions | Assembly, folder: string) {
  if ('assembly' in options) return { ...options, args: ['--app', options.assembly, '--exclusively'], cwd: folder };
  const { app = projectRoot, stackName = 'CertRenewer' } = options;
  return { artifact: stackName, assembly: join(folder, 'cdk.out'), args: appArguments(options, folder), cwd: app };
}

/**
 * Synthesise several configurations at once, each as a stack of its own by the name of CertRenewer: one process that loads
 * the CDK, and one bundle of each function, for all. `folder` is for the cdk.out; each is then deployed by its id. Of two versions of
 * a stack the other one's id is `<version>/<id>`.
 */
export async function assemble<Id extends string>(
  folder: string,
  configs: Readonly<Record<Id, string>>,
): Promise<Readonly<Record<Id, Assembly>>> {
  const assembly = join(folder, 'cdk.out');
  const app = [
    '--app',
    `tsx ${join('testkit', 'local-aws', 'several-stacks.ts')}`,
    '-c',
    `configs=${JSON.stringify(configs)}`,
  ];
  checked('cdk synth', await cdk({ env: {} }, projectRoot, ['synth', '--quiet', ...app, '--output', assembly]));
  const made = {} as Record<Id, Assembly>;
  for (const id in configs) {
    const [artifact = id, version] = id.split('/').reverse();
    made[id] = { assembly: version === undefined ? assembly : `${assembly}-${version}`, artifact };
  }
  return made;
}

/** Synthesise only; needs no emulator. Returns what the CDK said, so that a test can look at a refusal. */
export async function synth(options: DeployOptions): Promise<Finished> {
  return inTemporaryFolder('cdk', (folder) =>
    cdk({ env: {} }, options.app ?? projectRoot, ['synth', '--quiet', ...appArguments(options, folder)]),
  );
}

function appArguments({ config, context = {} }: DeployOptions, folder: string): string[] {
  const given = Object.entries({ config, ...context }).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  return [...given, '--output', join(folder, 'cdk.out')]; // two deploys at once don't share a folder
}

function cdk(target: Target, cwd: string, args: readonly string[]): Promise<Finished> {
  const env = { ...environmentFor(target), CDK_DISABLE_VERSION_CHECK: '1', CI: 'true', NO_COLOR: '1' };
  const program = join(projectRoot, 'node_modules', '.bin', 'cdk');
  return run(program, ['--no-notices', '--no-version-reporting', ...args], { cwd, env, timeout: DEPLOY_TIMEOUT });
}

function checked(what: string, { code, output }: Finished): void {
  if (code === 0) return;
  const why = code === 124 ? `gave no end within ${DEPLOY_TIMEOUT / 1000} s` : `failed (exit ${code})`;
  throw new Error(`${what} ${why}:\n${output.trimEnd().split('\n').slice(-40).join('\n')}`);
}
