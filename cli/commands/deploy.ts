/** `bootstrap`, `deploy`, `diff` and `destroy`: commands of the CDK, run with the app of cert-renewer. */
import { resolve } from 'node:path';
import type { CdkCommand, CdkEnd } from '../cdk.ts';
import { type Context, command } from '../command.ts';
import { CommandError, type Exit, UsageError } from '../exit.ts';
import { configWords, targetWords } from '../hints.ts';
import { assumeBootstrapRoles } from '../permissions.ts';

export const configOption = {
  config: { flags: '--config <file>', description: 'the configuration (default: cert-renewer.json)' },
} as const;

const behindIt =
  'The command runs the AWS CDK with its own app, and ignores a cdk.json in the working directory. The stack is the same as with `npx cdk deploy` in a clone.';

export const bootstrap = command({
  name: 'bootstrap',
  summary: 'prepare an account and Region for deployments, once',
  description: [
    'Runs `cdk bootstrap` for the account and Region of your credentials. It creates the stack CDKToolkit with a bucket and the roles that deployments use. Skip it if they are bootstrapped already, for example for another CDK app.',
  ],
  options: configOption,
  examples: [
    { command: 'cert-renewer bootstrap', says: 'for the default account and Region' },
    { command: 'cert-renewer bootstrap --profile-name production --region eu-central-1', says: 'for others' },
  ],
  needs: [
    {
      actions: ['cloudformation:*', 'ecr:*', 'iam:*', 's3:*', 'ssm:*'],
      on: 'all',
      when: 'usually an administrator runs it',
    },
  ],
  winds: true,
  run: async (context, _names, { config }) => {
    const end = await runCdk(context, { words: ['bootstrap'], config, stdout: 'stderr' });
    if (end === undefined) return 'interrupted';
    if (context.terminal.json) context.terminal.record({ bootstrapped: true });
    context.terminal.note(`Next: npx cert-renewer deploy${configWords(config)}${targetWords(context.session.target)}`);
    return 'ok';
  },
});

export const deploy = command({
  name: 'deploy',
  summary: 'deploy the stack of a configuration',
  description: [
    `Creates or updates the stack, waits until the certificates of the configuration are issued, and prints the outputs of the stack. ${behindIt}`,
    'If the deployment adds permissions, the command shows them and asks. Without a terminal such a deployment needs --yes.',
    'Outputs go to stdout, and the messages of the CDK to stderr. With --json the outputs are one JSON object.',
    'Ctrl-C ends the command. CloudFormation still completes an update that has begun.',
  ],
  options: {
    ...configOption,
    yes: { flags: '--yes', description: 'do not ask; accept added permissions' },
    outputsFile: { flags: '--outputs-file <file>', description: 'also write the outputs to this JSON file' },
  },
  examples: [
    { command: 'cert-renewer deploy', says: 'the configuration cert-renewer.json' },
    { command: 'cert-renewer deploy --yes --outputs-file outputs.json', says: 'in a pipeline' },
    { command: 'cert-renewer deploy --stack Staging --config staging.json', says: 'a second stack' },
  ],
  needs: [assumeBootstrapRoles],
  winds: true,
  run: async (context, _names, { config, yes, outputsFile }) => {
    const { terminal, session } = context;
    const end = await runCdk(context, {
      words: ['deploy', ...(yes ? ['--require-approval', 'never'] : [])],
      ...{ config, stdout: 'stderr' },
      outputsFile: outputsFile === undefined ? undefined : resolve(outputsFile),
      advice: yes || context.ask ? '' : ' Without a terminal, a deployment that adds permissions needs --yes.',
    });
    if (end === undefined) return interrupted(context);
    if (terminal.json) terminal.record(end.outputs);
    // On a terminal the CDK has shown them.
    else if (terminal.width === undefined) {
      for (const [name, value] of Object.entries(end.outputs)) terminal.print(`${name} ${value}`);
    }
    terminal.note(`Next: npx cert-renewer status${targetWords(session.target)}`);
    return 'ok';
  },
});

export const diff = command({
  name: 'diff',
  summary: 'show what a deployment would change',
  description: [
    'Compares the stack of the configuration with the deployed one, resource by resource. It changes nothing. The exit code is 0 with and without differences. Of the custom resources that declare certificates the CDK says "may be replaced": their function is called again, and no secret is replaced.',
    'With --json: { stack, changed }.',
  ],
  options: configOption,
  examples: [
    { command: 'cert-renewer diff', says: 'before cert-renewer deploy' },
    { command: 'cert-renewer diff --json | jq .changed', says: 'for a program' },
  ],
  needs: [assumeBootstrapRoles],
  winds: true,
  run: async (context, _names, { config }) => {
    const { terminal, session } = context;
    // --ci moves all but errors from stderr to stdout.
    const stdout = terminal.json ? 'returned' : 'stdout';
    const end = await runCdk(context, { words: ['diff', '--ci'], config, stdout });
    if (end === undefined) return interrupted(context);
    if (terminal.json) {
      terminal.note(end.text.trimEnd());
      terminal.record({ stack: session.target.stackName, changed: differences(end.text) > 0 });
    } else terminal.hint(aboutReplacement);
    return 'ok';
  },
});

/** The CDK can't know what a custom resource does with other properties. */
const aboutReplacement =
  'Where the CDK says "may be replaced" of the custom resources that declare certificates, their function is called again. No secret is replaced.';

function differences(text: string): number {
  const [, count] = /Number of stacks with differences: (\d+)/.exec(text) ?? [];
  if (count !== undefined) return Number(count);
  throw new CommandError('CdkFailed', 'The CDK did not report the number of stacks with differences.');
}

const outliving = [
  'These stay when the stack is deleted:',
  '  - every secret with its current certificate and key, which is not renewed any more.',
  "  - the KMS keys and the secrets of the stack's own authorities. AWS charges for them until you delete them.",
  '  - declarations made with cert-renewer declare (SSM parameters).',
  'See Uninstalling in docs/operations.md.',
].join('\n');

export const destroy = command({
  name: 'destroy',
  summary: 'delete the stack; its secrets stay',
  description: [
    'Asks, then deletes the stack with its functions, queues, logs, alarms and trust bundle. From then on nothing is renewed.',
    "Every secret of a certificate stays, with its current certificate and key. The KMS keys and secrets of the stack's own authorities stay too, and so do declarations made with `cert-renewer declare`. See Uninstalling in docs/operations.md.",
  ],
  options: { ...configOption, yes: { flags: '--yes', description: 'do not ask' } },
  examples: [
    { command: 'cert-renewer destroy', says: 'the stack CertRenewer' },
    { command: 'cert-renewer destroy --stack Staging --config staging.json --yes', says: 'another one, in a pipeline' },
  ],
  needs: [assumeBootstrapRoles],
  winds: true,
  run: async (context, _names, { config, yes }) => {
    const { terminal, session, ask } = context;
    const { stackName } = session.target;
    if (!yes && !ask) throw new UsageError('destroy asks before it deletes. Without a terminal it needs --yes.');
    await context.cdk.checkFile(config ?? defaultConfig);
    terminal.note(outliving);
    const answer = yes ? 'y' : await ask?.(`Delete the stack ${stackName}? (y/n) `);
    const isMeant = /^y(?:es)?$/i.test(answer?.trim() ?? '');
    if (isMeant) {
      const end = await runCdk(context, { words: ['destroy', '--force'], config, stdout: 'stderr' });
      if (end === undefined) return interrupted(context);
    } else {
      terminal.note('Nothing was deleted.');
      if (context.interrupted.aborted) return 'interrupted';
    }
    if (terminal.json) terminal.record({ stack: stackName, destroyed: isMeant });
    return 'ok';
  },
});

const defaultConfig = 'cert-renewer.json';

interface Wanted extends Pick<CdkCommand, 'words' | 'stdout' | 'outputsFile'> {
  readonly config: string | undefined;
  /** A sentence for an error, with a space before it. */
  readonly advice?: string;
}

/** Returns undefined after Ctrl-C. Throws UsageError for a wrong configuration, and CdkFailed. */
async function runCdk({ cdk, session: { target }, interrupted }: Context, wanted: Wanted): Promise<CdkEnd | undefined> {
  const { config = defaultConfig, advice = '', ...rest } = wanted;
  // A rule of CloudFormation. The app would fail with a stack trace.
  if (!/^[A-Za-z][A-Za-z0-9-]{0,127}$/.test(target.stackName)) {
    throw new UsageError(
      `--stack: ${target.stackName} is not a valid name of a stack; expected at most 128 letters, digits and hyphens, with a letter first.`,
    );
  }
  await cdk.checkFile(config);
  const end = await cdk.run({ ...rest, target, config: resolve(config), interrupted });
  if (interrupted.aborted) return undefined;
  if (end.code === 0) return end;
  throw new CommandError(
    'CdkFailed',
    `cdk ${rest.words[0]} has failed (exit code ${end.code}). Its messages above say why.${advice}`,
  );
}

function interrupted({ terminal, session }: Context): Exit {
  terminal.note(
    `Interrupted. CloudFormation still completes an operation that has begun: see the events of the stack ${session.target.stackName}.`,
  );
  return 'interrupted';
}
