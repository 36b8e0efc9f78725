/**
 * `npm run demo` shows the main job on real parts, starting from an empty account: a local AWS that enforces IAM, authorities of
 * the stack's own, and where Go is installed a real step-ca and Pebble, an ACME CA. One deployment issues the declared certificates, a second one changes
 * a name, and the schedule renews. Only the product and its CAs issue certificates here. `-- --keep` leaves everything running.
 */
import { writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { collectEvents, type EventCollector } from '../testkit/local-aws/events.ts';
import { type Emulator, startEmulator } from '../testkit/local-aws/ministack.ts';
import { bootstrap, deploy } from '../testkit/local-aws/stack.ts';
import { projectRoot } from '../testkit/tools/cache.ts';
import { temporaryFolder } from '../testkit/tools/temporary.ts';
import { ToolMissingError } from '../testkit/tools/tool.ts';
import { showTexts, showWaiting } from './demo/acme.ts';
import { startDemoPebble, startDemoStepCa } from './demo/cas.ts';
import { look } from './demo/certificates.ts';
import {
  ACME,
  CHANGED,
  configurationOf,
  type DemoCas,
  type DemoCertificates,
  firstCertificates,
  SHORT_LIVED,
  withName,
  writeConfiguration,
} from './demo/configuration.ts';
import { environmentText, keptText } from './demo/keeping.ts';
import { showServed, startDemoServer } from './demo/served.ts';
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
  const { path: folder, remove } = await temporaryFolder('demo');
  undo.push(remove);
  const cas = await casFor(aws, folder);
  const server = await startDemoServer();
  undo.push(server.close);

  heading('2. cdk deploy: a root and an issuing authority with keys in KMS, and the declared certificates');
  const first = firstCertificates(cas, server.place);
  const configuration = configurationOf(cas, first);
  outline(configuration);
  const config = await writeConfiguration(folder, configuration);
  await bootstrap(aws);
  const deploying = deploy(aws, { config });
  const outputs = await waiting('deploying the stack (bundling and synthesis come first)', deploying);
  const scene: Scene = { aws, cas, folder, outputs };

  heading('3. The certificates exist: the deployment waits until they are issued');
  const issued = await snapshots(scene, first);
  for (const { name, pair } of issued) {
    say(`${name}:`);
    await proveOne(scene, first, { name, pair });
  }
  if (cas.pebble) await showTexts(cas.pebble);
  server.reload((await look(aws, SHORT_LIVED)).pair);
  say(`A server at ${server.place} presents ${SHORT_LIVED}.`);

  heading(`4. Add a name to ${CHANGED} and run cdk deploy again`);
  const bus = await collectEvents(aws, outputs['EventBusName'] ?? '');
  const second = withName(first, 'shop.svc.example');
  await writeConfiguration(folder, configurationOf(cas, second));
  await waiting('deploying', deploy(aws, { config }));
  const changed = await showChange(scene, second, { bus, issued });

  heading('5. Declare a name that the profile does not allow');
  await showRefusal(scene, withName(second, 'bank.example'));

  heading('6. Renew a certificate of an ACME CA, which answers later');
  await acmeStep(scene, second, bus);

  heading('7. Show the plan: a dry run of the scan, which reads only tags');
  await commandLine(aws, 'plan');

  heading('8. Wait for the schedule to renew a certificate');
  const renewal = await waiting(
    `waiting until a scan (every minute) finds ${SHORT_LIVED} due`,
    bus.next(`the renewal of ${SHORT_LIVED}`, (event) => isRenewal(event, SHORT_LIVED, 'rekey'), 240_000),
  );
  await showRenewal(scene, second, { bus, renewal, before: changed });

  heading(`9. The server has the old certificate until it is reloaded: cert-renewer probe ${SHORT_LIVED}`);
  await showServed(aws, server, bus);

  heading('10. Show the state of all certificates: cert-renewer status');
  await showStatus(aws);

  say(`\nDone in ${Math.round((Date.now() - started) / 1000)} s: from an empty account to renewed certificates.`);
  isShown = true;
  if (keep) await untilInterrupted(scene, config);
}

async function casFor(aws: Emulator, folder: string): Promise<DemoCas> {
  const stepCa = await startDemoStepCa(aws, (message) => {
    say(`The demo runs without step-ca: ${message}`);
  });
  if (stepCa) {
    undo.push(stepCa.close);
    say(`step-ca answers at ${stepCa.url}. The key of its provisioner is in KMS: ${stepCa.provisioner.kmsKeyArn}`);
  }
  const pebble = await startDemoPebble(aws, folder, (message) => {
    say(`The demo runs without Pebble, an ACME CA: ${message}`);
  });
  if (pebble) {
    undo.push(pebble.close);
    say(
      `Pebble, an ACME CA, answers at ${pebble.directory}. It asks for TXT records in the hosted zone ${pebble.zoneId}.`,
    );
  }
  if (!stepCa && !pebble) say("It uses only the stack's own authorities, which need no server.");
  return { stepCa, pebble };
}

async function acmeStep(scene: Scene, certificates: DemoCertificates, bus: EventCollector): Promise<void> {
  const { aws, cas } = scene;
  if (!cas.pebble) return say('Left out: Pebble needs Go.');
  const before = await look(aws, ACME);
  const { name, pair } = await showWaiting(aws, cas.pebble, bus);
  say(`${name}, renewed with a new key:`);
  await proveOne(scene, certificates, { name, pair, before });
  await showTexts(cas.pebble);
}

/** Returns never: a signal ends the process. */
async function untilInterrupted({ aws, cas, folder }: Scene, configuration: string): Promise<void> {
  heading('Everything is still running (--keep)');
  const environment = join(folder, 'environment.sh');
  await writeFile(environment, environmentText(aws.env));
  const caGroup = cas.stepCa?.processGroup;
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
