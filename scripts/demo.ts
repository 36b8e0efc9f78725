/**
 * `npm run demo` shows the main job on real parts, starting from an empty account: a local AWS that enforces IAM, authorities of
 * the stack's own, and a real step-ca where Go is installed. One deployment issues the declared certificates, a second one changes
 * a name, and the schedule renews. Only the product and its CAs issue certificates here. `-- --keep` leaves everything running.
 */
import { writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { collectEvents } from '../testkit/local-aws/events.ts';
import { type Emulator, startEmulator } from '../testkit/local-aws/ministack.ts';
import { bootstrap, deploy } from '../testkit/local-aws/stack.ts';
import { projectRoot } from '../testkit/tools/cache.ts';
import { temporaryFolder } from '../testkit/tools/temporary.ts';
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
import { environmentText, keptText } from './demo/keeping.ts';
import {
  isRenewal,
  proveOne,
  type Scene,
  showChange,
  showRefusal,
  showRenewal,
  showStatus,
  snapshots,
} from './demo/showing.ts';
import { commandLine, heading, outline, say, waiting } from './demo/telling.ts';

const keep = process.argv.includes('--keep');
const started = Date.now();
const undo: (() => Promise<unknown>)[] = [];
/** All steps have been shown. Only --keep still runs. */
let isShown = false;

async function main(): Promise<void> {
  heading('1. Start an empty local AWS that enforces IAM');
  const aws = await startEmulator();
  undo.push(() => aws.stop());
  say(`AWS answers at ${aws.endpoint}.`);
  const stepCa = await stepCaFor(aws);
  const { path: folder, remove } = await temporaryFolder('demo');
  undo.push(remove);

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
  await commandLine(aws, 'plan');

  heading('7. Wait for the schedule to renew a certificate');
  const renewal = await waiting(
    `waiting until a scan (every minute) finds ${SHORT_LIVED} due`,
    bus.next(`the renewal of ${SHORT_LIVED}`, (event) => isRenewal(event, SHORT_LIVED, 'rekey'), 240_000),
  );
  await showRenewal(scene, second, { bus, renewal, before: changed });

  heading('8. Show the state of all certificates: cert-renewer status');
  await showStatus(aws);

  say(`\nDone in ${Math.round((Date.now() - started) / 1000)} s: from an empty account to renewed certificates.`);
  isShown = true;
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

/** Returns never: a signal ends the process. */
async function untilInterrupted({ aws, stepCa, folder }: Scene, configuration: string): Promise<void> {
  heading('Everything is still running (--keep)');
  const environment = join(folder, 'environment.sh');
  await writeFile(environment, environmentText(aws.env));
  const caGroup = stepCa?.processGroup;
  say(keptText({ project: projectRoot, configuration, environment, caGroup }, process.pid));
  await new Promise<void>(() => setInterval(() => undefined, 60_000));
}

let cleaning: Promise<void> | undefined;
/** Stops and removes what the demo has started, once. */
function cleanUp(): Promise<void> {
  cleaning ??= (async () => {
    for (const step of undo.reverse())
      await step().catch((error: unknown) => say(`Cleaning up failed: ${String(error)}`));
  })();
  return cleaning;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  const code = 128 + constants.signals[signal];
  process.on(signal, () => void cleanUp().then(() => process.exit(isShown ? 0 : code)));
}
try {
  await main();
} catch (error) {
  // After a signal the steps fail because of the cleaning.
  if (!cleaning) {
    say(
      error instanceof ToolMissingError
        ? error.message
        : `The demo failed: ${error instanceof Error ? error.message : String(error)}`,
    );
    process.exitCode = 1;
  }
} finally {
  await cleanUp();
}
