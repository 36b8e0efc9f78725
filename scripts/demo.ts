/**
 * `npm run demo`: the main job before your eyes, on real parts, from nothing. A local AWS with IAM on, authorities of the
 * stack's own, (with Go) a real step-ca, and declared certificates: a deployment has them issued, another one changes a name,
 * and the schedule renews. No certificate is made by anything but the product and its CAs. `-- --keep` leaves it all running.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { collectEvents } from '../testkit/local-aws/events.ts';
import { type Emulator, startEmulator } from '../testkit/local-aws/ministack.ts';
import { bootstrap, deploy } from '../testkit/local-aws/stack.ts';
import { ToolMissingError } from '../testkit/tools/tool.ts';
import { type DemoStepCa, startDemoStepCa } from './demo/cas.ts';
import {
  CHANGED,
  configurationOf,
  firstCertificates,
  SHORT_LIVED,
  withName,
  writeConfiguration,
} from './demo/configuration.ts';
import {
  isRenewal,
  proveOne,
  type Scene,
  showChange,
  showPlan,
  showRefusal,
  showRenewal,
  showStatus,
  snapshots,
} from './demo/showing.ts';
import { heading, outline, say, waiting } from './demo/telling.ts';

const keep = process.argv.includes('--keep');
const started = Date.now();
const undo: (() => Promise<unknown>)[] = [];

async function main(): Promise<void> {
  heading('1. Real parts: a local AWS with IAM on, and nothing in it');
  const aws = await startEmulator();
  undo.push(() => aws.stop());
  say(`AWS answers at ${aws.endpoint}.`);
  const stepCa = await stepCaFor(aws);
  const folder = await mkdtemp(join(tmpdir(), 'cert-renewer-demo-'));
  undo.push(() => rm(folder, { recursive: true, force: true }));

  heading(
    '2. cdk deploy: a root and an issuing authority with their keys in KMS, and the certificates that there are to be',
  );
  const first = firstCertificates(stepCa);
  const configuration = configurationOf(stepCa, first);
  outline(configuration);
  const config = await writeConfiguration(folder, configuration);
  await bootstrap(aws);
  const deploying = deploy(aws, { config });
  const outputs = await waiting('deploying the stack (the CDK bundles and synthesises it first)', deploying);
  const scene: Scene = { aws, stepCa, folder, outputs };

  heading('3. There they are: the deployment ends when its certificates have been issued');
  const issued = await snapshots(scene, first);
  for (const { name, pair } of issued) {
    say(`${name}:`);
    await proveOne(scene, first, { name, pair });
  }

  heading(`4. A name more for ${CHANGED}, and cdk deploy again`);
  const bus = await collectEvents(aws, outputs['EventBusName'] ?? '');
  const second = withName(first, 'shop.svc.example');
  await writeConfiguration(folder, configurationOf(stepCa, second));
  await waiting('deploying', deploy(aws, { config }));
  const changed = await showChange(scene, second, { bus, issued });

  heading('5. A name that the profile does not allow');
  await showRefusal(scene, withName(second, 'bank.example'));

  heading('6. The plan, from tags alone (a dry run of the scan)');
  await showPlan(scene);

  heading('7. Time passes, and the schedule renews');
  const renewal = await waiting(
    `waiting until the schedule (once a minute) finds ${SHORT_LIVED} due`,
    bus.next(`the renewal of ${SHORT_LIVED}`, (event) => isRenewal(event, SHORT_LIVED, 'rekey'), 240_000),
  );
  await showRenewal(scene, second, { bus, renewal, before: changed });

  heading('8. cert-renewer status, as you see it from now on');
  await showStatus(aws);

  say(
    `\nDone in ${Math.round((Date.now() - started) / 1000)} s, from an empty account to certificates that are renewed.`,
  );
  if (keep) await untilInterrupted(scene, config);
}

async function stepCaFor(aws: Emulator): Promise<DemoStepCa | undefined> {
  const stepCa = await startDemoStepCa(aws, (message) => {
    say(`No step-ca: ${message}`);
    say("So the demo runs on authorities of the stack's own alone, which need no server at all.");
  });
  if (!stepCa) return undefined;
  undo.push(stepCa.close);
  say(`step-ca answers at ${stepCa.url}. Its provisioner's key is in KMS: ${stepCa.provisioner.kmsKeyArn}`);
  return stepCa;
}

async function untilInterrupted({ aws: { env }, outputs }: Scene, config: string): Promise<void> {
  heading('Still running (--keep). In another terminal:');
  for (const [key, value] of Object.entries(env)) say(`export ${key}=${value}`);
  const fn = outputs['RenewFunctionName'] ?? '';
  say(`aws lambda invoke --function-name ${fn} --cli-read-timeout 0 --cli-binary-format raw-in-base64-out \\`);
  say(`    --payload '{"secretId":"${CHANGED}","force":true}' /dev/stdout`);
  say(`aws secretsmanager get-secret-value --secret-id ${CHANGED} --query SecretString --output text`);
  say(`npx cdk deploy -c config=${config}     # change a name in it before`);
  say('npx cert-renewer --help');
  say('Ctrl-C ends it and cleans up.');
  await new Promise<void>((resolve) => {
    const alive = setInterval(() => undefined, 60_000);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        clearInterval(alive);
        resolve();
      });
    }
  });
}

async function cleanUp(): Promise<void> {
  for (const step of undo.reverse()) await step().catch((error: unknown) => say(`cleaning up: ${String(error)}`));
}

if (!keep) {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void cleanUp().then(() => process.exit(130)));
}
try {
  await main();
} catch (error) {
  say(
    error instanceof ToolMissingError
      ? error.message
      : `The demo failed: ${error instanceof Error ? error.message : String(error)}`,
  );
  process.exitCode = 1;
} finally {
  await cleanUp();
}
