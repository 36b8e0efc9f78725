import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudFormationClient, CreateStackCommand, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { cachePath, projectRoot } from '../tools/cache.ts';
import { type Finished, run } from '../tools/process.ts';
import { inTemporaryFolder } from '../tools/temporary.ts';
import { keepStack } from './calls.ts';
import { client, type Endpoint, waitFor } from './client.ts';
import { type Emulator, environmentFor } from './ministack.ts';

type Target = Pick<Emulator, 'env'>;

/** The result of a synthesis. */
export interface Assembly {
  /** The folder cdk.out. */
  readonly assembly: string;
  /** The stack's id in the assembly. The stack's name may differ. */
  readonly artifact: string;
  /** true if test/calls judges the roles of the stack, after `install`. Default: true. */
  readonly isJudged?: boolean;
}

export interface DeployOptions {
  /** Path of cert-renewer.json. */
  readonly config: string;
  /** Default: CertRenewer. */
  readonly stackName?: string;
  /** The folder of the app's cdk.json. Default: the repository. */
  readonly app?: string;
  /** More context, each given as `-c key=value`. */
  readonly context?: Readonly<Record<string, string>>;
}

/** A deployment takes about 15 s, mostly synthesis. Without a limit, a custom resource that never answers takes an hour. */
const DEPLOY_TIMEOUT = 300_000;

/** Prepares the account for the CDK, once for each emulator. Uses the template and the defaults of `cdk bootstrap`, without its process. */
export async function bootstrap(aws: Endpoint): Promise<void> {
  const template = join(projectRoot, 'node_modules', 'aws-cdk', 'lib', 'api', 'bootstrap', 'bootstrap-template.yaml');
  const cloudFormation = client(CloudFormationClient, aws);
  const StackName = 'CDKToolkit';
  const parameters = {
    FileAssetsBucketKmsKeyId: 'AWS_MANAGED_KEY',
    CloudFormationExecutionPolicies: 'arn:aws:iam::aws:policy/AdministratorAccess',
  };
  await cloudFormation.send(
    new CreateStackCommand({
      StackName,
      TemplateBody: await readFile(template, 'utf8'),
      Capabilities: ['CAPABILITY_NAMED_IAM'],
      Parameters: Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({
        ParameterKey,
        ParameterValue,
      })),
    }),
  );
  await waitFor('the stack of the CDK', async () => {
    const { Stacks: [stack] = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));
    if (stack?.StackStatus?.includes('ROLLBACK')) throw new Error(`${StackName}: ${stack.StackStatusReason}`);
    return stack?.StackStatus === 'CREATE_COMPLETE';
  });
}

/** Deploys the app with this configuration, or an assembly. Returns the stack's outputs. @throws Error with the CDK's output. */
export async function deploy(target: Target, options: DeployOptions | Assembly): Promise<Record<string, string>> {
  return inTemporaryFolder('cdk', async (folder) => {
    const outputs = join(folder, 'outputs.json');
    const { artifact, assembly, args, cwd } = command(options, folder);
    // Without a change set a deployment takes the CDK a second less of CPU time.
    const more = ['--require-approval', 'never', '--ci', '--method', 'direct', '--outputs-file', outputs];
    checked('cdk deploy', await cdk(target, cwd, ['deploy', artifact, ...args, ...more]));
    const parsed: Record<string, Record<string, string>> = JSON.parse(await readFile(outputs, 'utf8'));
    const [[stackName, found] = [artifact, {}]] = Object.entries(parsed);
    await keepStack(target.env, stackName, join(assembly, `${artifact}.template.json`));
    return found;
  });
}

/** Deletes the stack. */
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
 * Synthesises several configurations in one process, each as a stack with the name CertRenewer, so that the CDK is loaded once and each
 * function is bundled once. The process gets what the CDK's command line gives an app: the folder, and the context of cdk.json. A second
 * version of a stack has the id `<version>/<id>`.
 */
export async function assemble<Configs extends Readonly<Record<string, string | undefined>>>(
  folder: string,
  configs: Configs,
): Promise<Readonly<{ [Id in keyof Configs]: Assembly }>> {
  const assembly = join(folder, 'cdk.out');
  const { context } = JSON.parse(await readFile(join(projectRoot, 'cdk.json'), 'utf8'));
  const env = {
    ...process.env,
    CDK_OUTDIR: assembly,
    CDK_CONTEXT_JSON: JSON.stringify(context),
    CDK_VALIDATION: 'false', // the CDK's own check of the templates takes longer than all the rest. A synthesis by its command line makes it.
    NODE_COMPILE_CACHE: cachePath('compiled'),
  };
  const app = [join(import.meta.dirname, 'several-stacks.ts'), JSON.stringify(configs)];
  checked('the synthesis', await run(process.execPath, app, { cwd: projectRoot, env, timeout: DEPLOY_TIMEOUT }));
  const made = {} as { [Id in keyof Configs]: Assembly };
  for (const id in configs) {
    const [artifact = id, version] = id.split('/').reverse();
    made[id] = { assembly: version === undefined ? assembly : `${assembly}-${version}`, artifact };
  }
  return made;
}

/** Synthesises without an emulator. Returns the CDK's output, so that a test can check a rejection. */
export async function synth(options: DeployOptions): Promise<Finished> {
  return inTemporaryFolder('cdk', (folder) =>
    cdk({ env: {} }, options.app ?? projectRoot, ['synth', '--quiet', ...appArguments(options, folder)]),
  );
}

function appArguments({ config, context = {} }: DeployOptions, folder: string): string[] {
  const given = Object.entries({ config, ...context }).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  return [...given, '--output', join(folder, 'cdk.out')]; // a folder of its own, because two deployments may run at once
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
