/**
 * The first scan and the schedules of a deployment of its own look after 300 certificates of every kind, of which 200 are due. One more is
 * due and served by nginx, which nobody reloads. No test invokes anything before all this is done.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ScanCounts } from '../../lambdas/domain/result.ts';
import { keyAlgorithm } from '../../testkit/certificates/index.ts';
import { bytesKept, nameOfKey } from '../../testkit/certificates/kept.ts';
import { client, type Endpoint, invoke, waitFor } from '../../testkit/local-aws/client.ts';
import { type Found, fromShape, look, type PairText } from '../../testkit/local-aws/enrolled.ts';
import { type BusEvent, collectEvents, type EventCollector } from '../../testkit/local-aws/events.ts';
import { install } from '../../testkit/local-aws/install.ts';
import { startEmulator } from '../../testkit/local-aws/ministack.ts';
import { bootstrap } from '../../testkit/local-aws/stack.ts';
import { nginx } from '../../testkit/tools/nginx.ts';
import { enrolFleet, type Member } from '../support/fleet.ts';
import { dueInNginx, type InNginx } from '../support/in-nginx.ts';
import { describeFound, describeWith } from '../support/local.ts';
import { refusals } from './judges.ts';

const minute = 60_000;
const program = await nginx();

const title = 'the schedule, once a minute, with 300 certificates of which 200 are due';

describeWith(['stack', 'step-ca'], title, (local) => {
  const { ca } = local;
  const undo: (() => Promise<unknown>)[] = [];
  let fleet: Member[];
  /** Undefined without nginx. */
  let served: InNginx | undefined;
  let probe: () => Promise<unknown>;
  let bus: EventCollector;
  let listed: number;
  let after: ReadonlyMap<Member, Found>;
  let renewals: readonly BusEvent[];
  let others: readonly BusEvent[];
  let firstScan: ScanCounts;
  let nextScan: ScanCounts;
  let deadLetters: number;

  beforeAll(async () => {
    const aws = await startEmulator();
    undo.push(aws.stop);
    // All exist before the schedule does.
    [fleet] = await Promise.all([enrolFleet(aws, ca, 'internal'), bootstrap(aws)]);
    if (program.found) {
      served = await dueInNginx(aws, ca, { program });
      undo.push(served.stop);
    }
    listed = fleet.length + (served ? 1 : 0);
    const outputs = await install(aws, local.stack.own['before/schedule']);
    bus = await collectEvents(aws, outputs['EventBusName'] ?? '');
    const { ProbeFunctionName = '' } = await install(aws, local.stack.own.schedule); // which starts the first scan
    probe = () => invoke(aws, ProbeFunctionName);
    firstScan = await nextScanOf(bus, 0, 2 * minute);

    await settled(aws, listed, outputs['RenewalQueueUrl'] ?? '');
    nextScan = await nextScanOf(bus, Date.now(), 2 * minute);
    await settled(aws, listed, outputs['RenewalQueueUrl'] ?? '');

    const events = (await bus.events()).filter((event) => !isAbout(served, event));
    renewals = events.filter((event) => event['detail-type'] === 'Certificate Renewed');
    others = events.filter((event) => !['Certificate Renewed', 'Scan Completed'].includes(event['detail-type']));
    const secrets = client(SecretsManagerClient, aws);
    const found = fleet.map(async (member) => [member, await look(aws, member.secret.arn, secrets)] as const);
    after = new Map(await Promise.all(found));
    deadLetters = (await depth(aws, outputs['DeadLetterQueueUrl'] ?? '')).all;
  }, 8 * minute);

  afterAll(() => Promise.all(undo.map((step) => step())));

  /** The certificates with a new version, and their values now. */
  const renewed = (): { member: Member; now: PairText; found: Found }[] =>
    [...after].flatMap(([member, found]) =>
      found.versionId === member.secret.versionId ? [] : [{ member, found, now: fromShape(member.shape, found.value) }],
    );

  test('inspects every one, and renews exactly the 200', () => {
    expect(fleet.filter(({ isDue }) => isDue)).toHaveLength(200);
    expect(firstScan).toMatchObject({ listed, enqueued: listed, unknown: listed });
    const names = (members: readonly Member[]) => members.map(({ secret }) => secret.name).sort();
    expect(names(renewed().map(({ member }) => member))).toEqual(names(fleet.filter(({ isDue }) => isDue)));
  });

  test('leaves the other 100 as they are, and writes their tags', () => {
    const left = [...after].filter(([{ isDue }]) => !isDue);
    expect(left).toHaveLength(100);
    for (const [{ secret, value }, found] of left) {
      expect(found).toMatchObject({ value, versionId: secret.versionId });
      expect([...found.stages]).toEqual([['AWSCURRENT', secret.versionId]]);
      expect(found.tags.get('cert-renewer:version-id')).toBe(secret.versionId);
    }
  });

  test('leaves the old pair as AWSPREVIOUS, and AWSPENDING on no other version', () => {
    for (const { member, found } of renewed()) {
      expect(found.versionId).toMatch(/^cert-renewer-/);
      expect(found.stages.get('AWSPREVIOUS')).toBe(member.secret.versionId);
      expect(found.stages.get('AWSPENDING') ?? found.versionId).toBe(found.versionId);
    }
  });

  test('makes certificates that openssl verifies', async () => {
    const pairs = renewed().map(({ now }) => now);
    expect(new Set(pairs.map(({ chain }) => chain))).toEqual(new Set([ca.intermediatePem]));
    const certificates = pairs.map(({ certificate }) => certificate);
    expect(await refusals(certificates, { root: ca.rootPem, chain: ca.intermediatePem })).toEqual([]);
    expect(new Set(certificates).size).toBe(200);
  });

  test('leaves each certificate with its own key: a new one after a rekey, the old one after a renewal', () => {
    const operations = { renew: 0, rekey: 0 };
    for (const { member, now } of renewed()) {
      operations[member.operation] += 1;
      const [was, is] = [member.pair, now].map(({ certificate }) => new X509Certificate(certificate));
      if (now.kmsKeyId === undefined) expect(is?.checkPrivateKey(createPrivateKey(now.privateKey ?? ''))).toBe(true);
      expect(now.kmsKeyId).toBe(member.pair.kmsKeyId);
      expect(is?.publicKey.equals(was?.publicKey ?? is.publicKey)).toBe(member.operation === 'renew');
      expect(nameOfKey(now.certificate)).toBe(keyAlgorithm(member.kind));
    }
    expect(operations.renew).toBeGreaterThan(40); // the keys in KMS, and those with a tag for it
    expect(operations.rekey).toBeGreaterThan(130);
  });

  test('keeps the contents and the validity of every certificate', () => {
    for (const { member, now } of renewed()) {
      expect(bytesKept(now.certificate, member.operation)).toEqual(
        bytesKept(member.pair.certificate, member.operation),
      );
      expect(new X509Certificate(now.certificate).validToDate.getTime()).toBeGreaterThan(Date.now() + 23 * 60 * minute);
    }
  });

  test('reports every renewal, and no failure', () => {
    // An event may come twice, if the next scan came before a worker had finished. But it comes for each of the 200 and for no
    // other.
    const told = new Map(renewals.map(({ resources: [arn], detail }) => [arn, detail]));
    expect(told.size).toBe(200);
    for (const { member, found } of renewed()) {
      expect(told.get(member.secret.arn)).toMatchObject({
        operation: member.operation,
        versionId: found.versionId,
        previousVersionId: member.secret.versionId,
        keyAlgorithm: keyAlgorithm(member.kind),
      });
    }
    const codes = new Set(renewals.map(({ detail }) => (detail['reason'] as { code: string }).code));
    expect([...codes]).toEqual(expect.arrayContaining(['Expiring', 'PeriodElapsed']));
    expect(others).toEqual([]);
    expect(deadLetters).toBe(0);
  });

  test('in its next scan sends only the inspections of the day', () => {
    expect(nextScan).toMatchObject({ listed, paused: 0, backingOff: 0, invalid: 0, overdue: 0 });
    expect(nextScan.enqueued).toBe(nextScan.unknown);
    // One certificate in 720 has its time of day within the two minutes of a scan: 0.4 of 300.
    expect(nextScan.unknown).toBeLessThanOrEqual(5);
    expect(nextScan.notDue).toBe(listed - nextScan.unknown);
  });

  describeFound([program], 'the certificate in nginx', () => {
    const told = async (type: string) =>
      (await bus.events()).filter((event) => isAbout(served, event) && event['detail-type'] === type);

    test('is renewed and still the old one there: the schedule of the probe finds it, and an event tells which it is', async () => {
      const { endpoint, before } = served ?? {};
      const found = await bus.next(
        'the event',
        (event) => event['detail-type'] === 'Certificate Not Served',
        3 * minute,
      );
      expect(isAbout(served, found)).toBe(true);
      const { serialNumber, notAfter } = before ?? {};
      expect(found.detail['endpoints']).toMatchObject([{ endpoint, state: 'stale', serialNumber, notAfter }]);
      expect(await told('Certificate Renewed')).toHaveLength(1);
      expect(await served?.now()).toEqual(before);
    });

    test('is reloaded: an event tells once that it is served', async () => {
      await served?.write();
      await served?.reload();
      await probe();
      const found = await bus.next('the event', (event) => event['detail-type'] === 'Certificate Served');
      expect(found.detail['fingerprintSha256']).toBe((await served?.now())?.fingerprint);
      await probe();
      expect(await told('Certificate Served')).toHaveLength(1);
      expect(await told('Certificate Not Served')).toHaveLength(1);
    });
  });
});

const isAbout = (served: InNginx | undefined, { resources }: BusEvent): boolean =>
  served !== undefined && resources.includes(served.secret.arn);

/** Returns the counts of the first scan that began at or after `since` (ms since 1970; an event's time has whole seconds). */
async function nextScanOf(bus: EventCollector, since: number, within: number): Promise<ScanCounts> {
  const counts = ({ detail }: BusEvent) => detail as unknown as ScanCounts; // the test itself checks the fields
  const event = await bus.next(
    'a scan by the schedule',
    (each) => each['detail-type'] === 'Scan Completed' && Date.parse(each.time) - counts(each).durationMs >= since,
    within,
  );
  return counts(event);
}

/** Waits until every secret's tags name its current version and the queue is empty. */
async function settled(aws: Endpoint, all: number, queueUrl: string): Promise<void> {
  const isDone = async () => (await known(aws)) === all && (await depth(aws, queueUrl)).all === 0;
  await waitFor('the workers to be done', isDone, { within: 4 * minute });
}

/** Counts the secrets whose tags name their current version. */
async function known(aws: Endpoint): Promise<number> {
  const secrets = client(SecretsManagerClient, aws);
  let count = 0;
  for (let NextToken: string | undefined; ; ) {
    const page = await secrets.send(new ListSecretsCommand({ MaxResults: 100, ...(NextToken && { NextToken }) }));
    for (const { SecretVersionsToStages = {}, Tags = [] } of page.SecretList ?? []) {
      const versionId = Tags.find(({ Key }) => Key === 'cert-renewer:version-id')?.Value ?? '';
      if (SecretVersionsToStages[versionId]?.includes('AWSCURRENT')) count += 1;
    }
    NextToken = page.NextToken;
    if (NextToken === undefined) return count;
  }
}

/** Counts the messages in a queue, those in flight included. */
async function depth(aws: Endpoint, QueueUrl: string): Promise<{ all: number }> {
  const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
  const request = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...names] });
  const { Attributes = {} } = await client(SQSClient, aws).send(request);
  return { all: names.reduce((sum, name) => sum + Number(Attributes[name] ?? Number.NaN), 0) };
}
