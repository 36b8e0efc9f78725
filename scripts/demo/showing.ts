/** Shows and proves the result of each step. Each function throws if a claim of the demo does not hold. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { count } from '../../lambdas/domain/count.ts';
import type { ScanResult } from '../../lambdas/domain/result.ts';
import { client, invoke } from '../../testkit/local-aws/client.ts';
import type { BusEvent, EventCollector } from '../../testkit/local-aws/events.ts';
import type { Emulator } from '../../testkit/local-aws/ministack.ts';
import { synth } from '../../testkit/local-aws/stack.ts';
import { cachePath } from '../../testkit/tools/cache.ts';
import { describe, look, type Snapshot, trustBundle } from './certificates.ts';
import {
  CHANGED,
  configurationOf,
  type DemoCas,
  type DemoCertificates,
  SHORT_LIVED,
  writeConfiguration,
} from './configuration.ts';
import { claim, prove } from './proof.ts';
import { commandLine, say, table } from './telling.ts';

/** What a step needs from the steps before it. */
export interface Scene {
  readonly aws: Emulator;
  readonly cas: DemoCas;
  readonly folder: string;
  readonly outputs: Readonly<Record<string, string>>;
}

export async function snapshots({ aws }: Scene, certificates: DemoCertificates): Promise<Snapshot[]> {
  const found = await Promise.all(Object.keys(certificates).map((name) => look(aws, name)));
  table([['secret', 'issued by', 'valid until'], ...found.map(describe)]);
  return found;
}

export async function proveOne(
  { aws, cas, folder, outputs }: Scene,
  certificates: DemoCertificates,
  { name, pair, before }: Pick<Snapshot, 'name' | 'pair'> & { before?: Snapshot | undefined },
): Promise<void> {
  const declared = certificates[name];
  if (!declared) throw new Error(`${name} is not declared`);
  const roots = { own: undefined, internal: cas.stepCa?.rootPem, public: cas.pebble?.rootPem };
  const rootPem = roots[declared.profile] ?? (await trustBundle(aws, outputs['TrustBundleSecretArn'] ?? ''));
  await prove({ folder, pair, rootPem, declared, before: before?.pair });
}

export const isRenewal = (
  { 'detail-type': type, resources, detail }: BusEvent,
  name: string,
  operation: string,
): boolean =>
  type === 'Certificate Renewed' &&
  detail['operation'] === operation &&
  resources.some((arn) => new RegExp(`:secret:${name}-[^-]{6}$`).test(arn));

/** Proves that the changed certificate has one new version, and that the others have none unless the schedule has renewed them. */
export async function showChange(
  scene: Scene,
  certificates: DemoCertificates,
  { bus, issued }: { bus: EventCollector; issued: readonly Snapshot[] },
): Promise<Snapshot[]> {
  const now = await snapshots(scene, certificates);
  const event = await bus.next(`that ${CHANGED} was issued`, (each) => isRenewal(each, CHANGED, 'issue'));
  const events = await bus.events();
  for (const snapshot of now) {
    const { name, versions, pair } = snapshot;
    const before = issued.find((each) => each.name === name);
    const added = versions.filter((version) => !before?.versions.includes(version));
    const byDeclaration = events.filter((each) => isRenewal(each, name, 'issue'));
    if (name !== CHANGED) {
      const renewed = events.some((each) => isRenewal(each, name, 'rekey'));
      if (renewed) claim(`${name}: not issued again (the schedule has renewed it)`, byDeclaration.length === 0);
      else claim(`${name}: unchanged`, added.length === 0 && snapshot.current === before?.current);
      continue;
    }
    claim(`${name}: exactly one new version`, added.length === 1 && byDeclaration.length === 1);
    claim('the old pair is AWSPREVIOUS', snapshot.previous === before?.current);
    await proveOne(scene, certificates, { name, pair, before });
  }
  say('The event on the bus:');
  say(JSON.stringify(event.detail, null, 2));
  return now;
}

/** Shows that the synthesis rejects a name outside of the profile. The stack stays unchanged. */
export async function showRefusal({ cas, folder }: Scene, certificates: DemoCertificates): Promise<void> {
  const apart = join(folder, 'refused');
  await mkdir(apart);
  const { code, output } = await synth({
    config: await writeConfiguration(apart, configurationOf(cas, certificates)),
  });
  if (code === 0) throw new Error('the synthesis has accepted a name that the profile does not allow');
  say('$ npx cdk synth');
  const lines = output.split('\n').filter((line) => /certificates|outside of/.test(line));
  say(lines.map((line) => `  ${line.trim()}`).join('\n'));
}

export async function showRenewal(
  scene: Scene,
  certificates: DemoCertificates,
  told: { bus: EventCollector; renewal: BusEvent; before: readonly Snapshot[] },
): Promise<void> {
  const rows = (await told.bus.events()).flatMap(({ time, resources: [arn], detail, 'detail-type': type }) => {
    const name = Object.keys(certificates).find((each) => arn?.includes(`:secret:${each}-`));
    return name === undefined ? [] : [[time, type, String(detail['operation'] ?? detail['code'] ?? ''), name]];
  });
  table([['time', 'event', '', 'secret'], ...rows]);
  const now = await look(scene.aws, SHORT_LIVED);
  const previous = told.renewal.detail['previousVersionId'];
  const before = told.before.find(({ name, current }) => name === SHORT_LIVED && current === previous);
  say(`${SHORT_LIVED}, renewed with a new key:`);
  await proveOne(scene, certificates, { name: now.name, pair: now.pair, before });
  const { payload } = await invoke<ScanResult>(scene.aws, scene.outputs['ScanFunctionName'] ?? '');
  say(`The next scan: ${scanText(payload)}`);
}

const counts = {
  enqueued: 'sent to the workers',
  notDue: 'not due',
  paused: 'paused',
  backingOff: 'tried again later',
  waiting: 'waiting for a CA',
  invalid: 'with a tag that is not valid',
} as const;

/** Returns the counts of a scan in words: "5 secrets: 1 sent to the workers, 4 not due". */
export function scanText(result: Pick<ScanResult, 'listed' | keyof typeof counts>): string {
  const found = Object.entries(counts).flatMap(([key, words]) => {
    const number = result[key as keyof typeof counts];
    return number > 0 ? [`${number} ${words}`] : [];
  });
  return [count(result.listed, 'secret'), found.join(', ')].filter((text) => text !== '').join(': ');
}

export async function showStatus(aws: Emulator): Promise<void> {
  await commandLine(aws, 'status');
  // In the ignored folder .cache, so that the page can be opened after the demo.
  const page = cachePath('demo', 'certificates.html');
  await mkdir(dirname(page), { recursive: true });
  await commandLine(aws, 'report', '--html', page);
  await writeFile(cachePath('demo', 'widget.html'), await widgetOf(aws));
  say('Open the page in a browser. It shows what is wrong and why, what comes, and a table to filter and sort.');
}

/** Returns the HTML of the dashboard's widget. */
async function widgetOf(aws: Emulator): Promise<string> {
  const { Functions = [] } = await client(LambdaClient, aws).send(new ListFunctionsCommand({ MaxItems: 1000 }));
  const shows = Functions.find(({ Handler }) => Handler === 'show-inventory.handler');
  return String((await invoke(aws, shows?.FunctionName ?? '')).payload);
}
