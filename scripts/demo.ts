/**
 * `npm run demo`: the main job before your eyes, on real parts. A local AWS with IAM on, a real step-ca (with Go) and an
 * authority of the stack's own, the stack as `cdk deploy` makes it, a few certificates, and the schedule that does the
 * rest. `-- --keep` leaves it all running.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { client, invoke } from '../testkit/local-aws/client.ts';
import { collectEvents } from '../testkit/local-aws/events.ts';
import { type Emulator, startEmulator } from '../testkit/local-aws/ministack.ts';
import { bootstrap, deploy } from '../testkit/local-aws/stack.ts';
import { cachePath } from '../testkit/tools/cache.ts';
import { ToolMissingError } from '../testkit/tools/tool.ts';
import { AUTHORITY_SECRET, configurationOf, type DemoCa, ownAuthority, stepCaOf } from './demo/cas.ts';
import { prove } from './demo/proof.ts';
import { type DemoSecret, describeSecret, enrolDue, enrolThree, readPair } from './demo/secrets.ts';
import { commandLine, heading, say, table, waiting } from './demo/telling.ts';

const keep = process.argv.includes('--keep');
const started = Date.now();
const undo: (() => Promise<unknown>)[] = [];

interface Plan {
  readonly plan: readonly {
    name: string;
    action: string;
    reason: { code: string; message: string };
    notAfter: string | null;
  }[];
}

async function main(): Promise<void> {
  heading('1. Real parts: a local AWS with IAM on, and CAs');
  const aws = await startEmulator();
  undo.push(() => aws.stop());
  say(`AWS answers at ${aws.endpoint}.`);
  const cas = await startCas(aws);

  heading('2. cdk deploy');
  const folder = await mkdtemp(join(tmpdir(), 'cert-renewer-demo-'));
  undo.push(() => rm(folder, { recursive: true, force: true }));
  const config = join(folder, 'cert-renewer.json');
  await writeFile(config, JSON.stringify(configurationOf(cas), null, 2));
  await bootstrap(aws);
  const outputs = await waiting(
    'deploying the stack (the CDK bundles and synthesises it first)',
    deploy(aws, { config }),
  );
  table([['output', 'value'], ...Object.entries(outputs)]);

  heading('3. Secrets: a fresh certificate, one that is due, one that is broken');
  const bus = await collectEvents(aws, outputs['EventBusName'] ?? '');
  const [first, ...others] = cas;
  if (!first) throw new Error('there is no CA');
  const secrets = await enrolThree(aws, first);
  for (const ca of others) secrets.push(await enrolDue(aws, ca));
  table([['secret', 'profile', 'it is'], ...secrets.map(({ name, ca, kind }) => [name, ca.profile, kind])]);
  const before = new Map(
    await Promise.all(secrets.map(async (secret) => [secret.name, await readPair(aws, secret.name)] as const)),
  );

  heading('4. The plan, from tags alone (a dry run of the scan)');
  const { payload } = await invoke<Plan>(aws, outputs['ScanFunctionName'] ?? '', { dryRun: true });
  table([
    ['secret', 'action', 'reason'],
    ...payload.plan.map(({ name, action, reason }) => [name, action, `${reason.code}: ${reason.message}`]),
  ]);
  say('Nobody has looked into them yet, so each goes to a worker first.');

  heading('5. The schedule fires by itself');
  const events = await waiting('waiting for the schedule (once a minute) and the workers', told(bus, secrets));

  heading('6. What happened');
  const rows = await Promise.all(secrets.map((secret) => describeSecret(aws, secret, before.get(secret.name), events)));
  table([['secret', 'it was', 'what happened', 'AWSCURRENT is', 'valid until'], ...rows]);
  const renewed = events.find((event) => event['detail-type'] === 'Certificate Renewed');
  say('The event of the renewal:');
  say(JSON.stringify(renewed?.detail, null, 2));

  heading('7. The proof, by openssl');
  const due = secrets.filter(({ kind }) => kind === 'due');
  for (const { name, ca } of due) {
    say(`${name}, of the profile ${ca.profile}:`);
    const { rootPem } = ca.access;
    await prove({ folder, before: before.get(name), after: await readPair(aws, name), rootPem });
  }
  const { payload: again } = await invoke<Record<string, number>>(aws, outputs['ScanFunctionName'] ?? '');
  say(`The next scan: ${JSON.stringify(again)}`);

  heading('8. cert-renewer status, as you see it from now on');
  await commandLine(aws.env, 'status');
  say('(Exit code 1 where anything is overdue or failing: the broken one is.)');
  // In the project's ignored folder, so that it is there to be opened when the demo is over.
  const page = cachePath('demo', 'certificates.html');
  await mkdir(dirname(page), { recursive: true });
  await commandLine(aws.env, 'report', '--html', page);
  await writeFile(cachePath('demo', 'widget.html'), await widgetOf(aws));
  say('Open the page in a browser: a timeline, and a table to sort and filter.');

  say(
    `\nDone in ${Math.round((Date.now() - started) / 1000)} s: what was due has a new pair, the others are as they were.`,
  );
  if (keep) await untilInterrupted(aws.env, outputs, due[0]?.name ?? '');
}

/** With Go a step-ca, which comes first; and always an authority of the stack's own, which needs no server. */
async function startCas(aws: Emulator): Promise<DemoCa[]> {
  const own = await ownAuthority(aws);
  const stepCa = await stepCaOf((message) => {
    say(`No step-ca: ${message}`);
    say("So the demo runs on an authority of the stack's own alone, which needs no server at all.");
  });
  if (stepCa) {
    undo.push(stepCa.close);
    say(`step-ca answers at ${String(stepCa.ca['url'])}: the profile internal.`);
  }
  say(`An authority of the stack's own, in the secret ${AUTHORITY_SECRET}: the profile own, of type offline.`);
  return stepCa ? [stepCa, own] : [own];
}

/** The due secrets' renewals and the broken one's failure; of the fresh one there is nothing to tell. */
async function told(bus: Awaited<ReturnType<typeof collectEvents>>, secrets: readonly DemoSecret[]) {
  const patience = 240_000;
  const about = (type: string, arn: string) => (event: { 'detail-type': string; resources: readonly string[] }) =>
    event['detail-type'] === type && event.resources.includes(arn);
  for (const { kind, name, arn } of secrets) {
    if (kind === 'due') await bus.next(`the renewal of ${name}`, about('Certificate Renewed', arn), patience);
    if (kind === 'broken') await bus.next(`the failure of ${name}`, about('Certificate Renewal Failed', arn), patience);
  }
  return bus.events();
}

/** What the dashboard would show. */
async function widgetOf(aws: Emulator): Promise<string> {
  const { Functions = [] } = await client(LambdaClient, aws).send(new ListFunctionsCommand({ MaxItems: 1000 }));
  const shows = Functions.find(({ Handler }) => Handler === 'show-inventory.handler');
  return String((await invoke(aws, shows?.FunctionName ?? '')).payload);
}

async function untilInterrupted(
  env: Readonly<Record<string, string>>,
  outputs: Record<string, string>,
  name: string,
): Promise<void> {
  heading('Still running (--keep). In another terminal:');
  for (const [key, value] of Object.entries(env)) say(`export ${key}=${value}`);
  const fn = outputs['RenewFunctionName'] ?? '';
  say(`aws lambda invoke --function-name ${fn} --cli-read-timeout 0 --cli-binary-format raw-in-base64-out \\`);
  say(`    --payload '{"secretId":"${name}","force":true}' /dev/stdout`);
  say(`aws secretsmanager get-secret-value --secret-id ${name} --query SecretString --output text`);
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
