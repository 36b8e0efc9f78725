/**
 * `npm run demo` shows the main job on real parts, starting from an empty account: a local AWS that enforces IAM, authorities of
 * the stack's own, and a real step-ca where Go is installed. One deployment issues the declared certificates, a second one changes
 * a name, and the schedule renews. Only the product and its CAs issue certificates here. `-- --keep` leaves everything running.
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
  heading('1. Start an empty local AWS that enforces IAM');
  const aws = await startEmulator();
  undo.push(() => aws.stop());
  say(`AWS answers at ${aws.endpoint}.`);
  const stepCa = await stepCaFor(aws);
  const folder = await mkdtemp(join(tmpdir(), 'cert-renewer-demo-'));
  undo.push(() => rm(folder, { recursive: true, force: true }));

  heading('2. cdk deploy: a root and an issuing authority with keys in KMS, and the declared certificates');
  const first = firstCertificates(stepCa);
  const configuration = configurationOf(stepCa, first);
  outline(configuration);
  const config = await writeConfiguration(folder, configuration);
  await bootstrap(aws);
  const deploying = deploy(aws, { config });
  const outputs = await waiting('deploying the stack (bundling and synthesis come first)', deploying);
  const scene: Scene = { aws, stepCa, folder, outputs };

  heading('3. The certificates exist: the deployment waits until they are issued');
  const issued = await snapshots(scene, first);
  for (const { name, pair } of issued) {
    say(`${name}:`);
    await proveOne(scene, first, { name, pair });
  }

  heading(`4. Add a name to ${CHANGED} and run cdk deploy again`);
  const bus = await collectEvents(aws, outputs['EventBusName'] ?? '');
  const second = withName(first, 'shop.svc.example');
  await writeConfiguration(folder, configurationOf(stepCa, second));
  await waiting('deploying', deploy(aws, { config }));
  const changed = await showChange(scene, second, { bus, issued });

  heading('5. Declare a name that the profile does not allow');
  await showRefusal(scene, withName(second, 'bank.example'));

  heading('6. Show the plan: a dry run of the scan, which reads only tags');
  await showPlan(scene);

  heading('7. Wait for the schedule to renew a certificate');
  const renewal = await waiting(
    `waiting until a scan (every minute) finds ${SHORT_LIVED} due`,
    bus.next(`the renewal of ${SHORT_LIVED}`, (event) => isRenewal(event, SHORT_LIVED, 'rekey'), 240_000),
  );
  await showRenewal(scene, second, { bus, renewal, before: changed });

  heading('8. Show the state of all certificates: cert-renewer status');
  await showStatus(aws);

  say(`\nDone in ${Math.round((Date.now() - started) / 1000)} s: from an empty account to renewed certificates.`);
  if (keep) await untilInterrupted(scene, config);
}

async function stepCaFor(aws: Emulator): Promise<DemoStepCa | undefined> {
  const stepCa = await startDemoStepCa(aws, (message) => {
    say(`The demo runs without step-ca: ${message}`);
    say("It uses only the stack's own authorities, which need no server.");
  });
  if (!stepCa) return undefined;
  undo.push(stepCa.close);
  say(`step-ca answers at ${stepCa.url}. The key of its provisioner is in KMS: ${stepCa.provisioner.kmsKeyArn}`);
  return stepCa;
}

async function untilInterrupted({ aws: { env }, outputs }: Scene, config: string): Promise<void> {
  heading('Everything is still running (--keep). Try this in another terminal:');
  for (const [key, value] of Object.entries(env)) say(`export ${key}=${value}`);
  const fn = outputs['RenewFunctionName'] ?? '';
  say(`aws lambda invoke --function-name ${fn} --cli-read-timeout 0 --cli-binary-format raw-in-base64-out \\`);
  say(`    --payload '{"secretId":"${CHANGED}","force":true}' /dev/stdout`);
  say(`aws secretsmanager get-secret-value --secret-id ${CHANGED} --query SecretString --output text`);
  say(`npx cdk deploy -c config=${config}     # after you have changed a name in this file`);
  say('npx cert-renewer --help');
  say('Press Ctrl-C here to stop everything and clean up.');
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
  for (const step of undo.reverse())
    await step().catch((error: unknown) => say(`Cleaning up failed: ${String(error)}`));
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
