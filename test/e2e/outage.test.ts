/**
 * The CA is away for three minutes and comes back: nothing is lost, there is no flood of requests, and all due certificates
 * are renewed in the end. It has a local AWS of its own, because the schedule fires here and the dead letters are counted. It
 * takes about three and a half minutes, because the pauses between the deliveries are the real ones. So it begins first.
 */
import { SecretsManagerClient, TagResourceCommand } from '@aws-sdk/client-secrets-manager';
import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { listResources } from '../../cli/aws/cloudformation.ts';
import { formatInstant } from '../../lambdas/domain/instant.ts';
import type { PlanEntry, ScanResult } from '../../lambdas/domain/result.ts';
import { redriveTag } from '../../lambdas/domain/tags.ts';
import { forge, issue, type Leaf } from '../../testkit/cas/leaf.ts';
import { client, invoke, ROOT, waitFor } from '../../testkit/local-aws/client.ts';
import { type EnrolledSecret, enrol, fromShape, look } from '../../testkit/local-aws/enrolled.ts';
import { collectEvents, type EventCollector } from '../../testkit/local-aws/events.ts';
import { install } from '../../testkit/local-aws/install.ts';
import { type Emulator, REGION, startEmulator } from '../../testkit/local-aws/ministack.ts';
import { bootstrap, destroy } from '../../testkit/local-aws/stack.ts';
import { awsCli } from '../../testkit/tools/aws-cli.ts';
import { required } from '../../testkit/tools/tool.ts';
import { records } from '../cli/stage.ts';
import { inPipe } from '../support/command-line.ts';
import { gateKeeper } from '../support/gate.ts';
import { isOutOfQueue, leaks, queuedMessages, secretsOf, tracesOf } from '../support/leaks.ts';
import { describeFound, describeWith } from '../support/local.ts';
import { type LogEntry, logEntries, logOf, metricValues } from '../support/logs.ts';
import { loseSchedule } from '../support/lost-schedule.ts';
import { camel, dueDates, hour } from '../support/on-demand.ts';
import { permitted } from '../support/permitted.ts';
import { isAtRest } from '../support/plan.ts';
import { findProgram } from '../support/programs.ts';
import { bareRole } from '../support/roles.ts';
import { blocksOf, runbookCommands } from '../support/runbook.ts';
import { typeAll } from '../support/runbook-shell.ts';
import { refusals } from './judges.ts';

const minute = 60_000;
const stackName = 'CertRenewer';
/** No library may print into the answer of a command. */
const printedByLibrary = /SQSClient|Warning:/;
const [python, jq] = [await awsCli(), await findProgram('jq', ['--version'], 'install jq.')];

describeWith(['stack', 'step-ca'], 'an outage of the CA', ({ ca, stack }) => {
  // The CA is behind a gate of its own, because other tests use the CA too.
  const gate = gateKeeper(stack.outageControl);
  let aws: Emulator;
  let outputs: Readonly<Record<string, string>>;
  let collector: EventCollector;
  let back: number;
  const leaves: Leaf[] = [];
  /** Two of profile `one`, one of profile `two`; one that is about to expire; one that is not due. */
  const secrets: Record<'first' | 'second' | 'third' | 'urgent' | 'fresh', EnrolledSecret> = {} as never; // filled below
  const due = () => [secrets.first, secrets.second, secrets.third];

  beforeAll(async () => {
    aws = await startEmulator();
    const add = async (leaf: Leaf, profileName: string): Promise<EnrolledSecret> => {
      leaves.push(leaf);
      return enrol(aws, { value: camel(leaf, leaf.keyPem), profile: profileName, name: 'outage' });
    };
    const now = Date.now();
    const lastHalfHour = { notBefore: new Date(now - 23.5 * hour), notAfter: new Date(now + hour / 2) };
    const [fresh, urgent] = [await issue(ca), await forge(ca, lastHalfHour)];
    await gate.leave();
    Object.assign(secrets, {
      first: await add(await forge(ca, dueDates()), 'one'),
      second: await add(await forge(ca, dueDates()), 'two'),
      third: await add(await forge(ca, dueDates()), 'one'),
      urgent: await add(urgent, 'one'),
      fresh: await add(fresh, 'one'),
    });
    await bootstrap(aws);
    outputs = await install(aws, stack.own.outage); // which starts the first scan
    collector = await collectEvents(aws, outputs['EventBusName'] ?? '');
  }, 180_000);

  afterAll(async () => {
    await aws?.stop();
  });

  async function scan(request: object): Promise<ScanResult> {
    const { payload, error } = await invoke<ScanResult>(aws, outputs['ScanFunctionName'] ?? '', request);
    expect(error).toBeUndefined();
    return payload;
  }

  async function planned({ arn }: EnrolledSecret): Promise<PlanEntry | undefined> {
    return (await scan({ dryRun: true })).plan.find(({ secretArn }) => secretArn === arn);
  }

  const tagOf = async ({ arn }: EnrolledSecret, tag: string) => (await look(aws, arn)).tags.get(`cert-renewer:${tag}`);
  const failures = async ({ arn }: EnrolledSecret): Promise<LogEntry[]> =>
    (await logOf(aws, arn)).filter(({ reason }) => reason?.code === 'CaUnavailable');
  const deadLetters = async (): Promise<string[]> =>
    (await queuedMessages(aws))
      .filter(({ queue }) => outputs['DeadLetterQueueUrl']?.endsWith(queue))
      .map(({ Body }) => Body);

  /** The metric of the alarm DeadLetters, which is raised above 0. */
  async function visibleDeadLetters(): Promise<number> {
    const QueueUrl = outputs['DeadLetterQueueUrl'];
    const get = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages'] });
    return Number((await client(SQSClient, aws).send(get)).Attributes?.['ApproximateNumberOfMessages']);
  }

  async function outOfQueue(wanted: readonly EnrolledSecret[], within = 60_000): Promise<void> {
    await waitFor('an empty queue', () => isOutOfQueue(aws, outputs['RenewalQueueUrl'], wanted), { within });
  }

  async function expectRenewed(secret: EnrolledSecret, within = 20_000): Promise<void> {
    await waitFor(
      `the renewal of ${secret.name}`,
      async () => {
        const { versionId, tags } = await look(aws, secret.arn);
        return versionId.startsWith('cert-renewer-') && tags.get('cert-renewer:version-id') === versionId;
      },
      { within },
    );
    const { value, stages, tags } = await look(aws, secret.arn);
    const { certificate, chain } = fromShape('camel', value);
    expect(await refusals([certificate], { root: ca.rootPem, chain })).toEqual([]);
    expect(stages.get('AWSPREVIOUS')).toBe(secret.versionId);
    expect(tags.has('cert-renewer:failure')).toBe(false);
  }

  it('is noted after the first try, without an event', async () => {
    for (const secret of due()) {
      const failure = await waitFor('the failure tag', async () => tagOf(secret, 'failure'));
      expect(failure).toMatch(/^1 20\S{17}Z CaUnavailable$/);
    }
    await waitFor('the log of the try', async () => (await failures(secrets.third)).length > 0);
    expect(await failures(secrets.first)).toMatchObject([{ level: 'WARN', retryable: true, final: false }]);
    expect((await collector.events()).map(({ 'detail-type': type }) => type)).not.toContain(
      'Certificate Renewal Failed',
    );
    expect(metricValues(await logEntries(aws), 'Failed', 'one')).toEqual([]);
  });

  it('makes the schedule back off, except for the one that is about to expire', async () => {
    const entry = await planned(secrets.first);
    expect(entry).toMatchObject({ action: 'skip', reason: { code: 'BackingOff' } });
    expect(entry?.reason.message).toMatch(/^1 try failed, the last with CaUnavailable\. The next try is at 20/);
    expect(await planned(secrets.urgent)).toMatchObject({ action: 'rekey', reason: { code: 'Expiring' } });
  });

  it('changes nothing for a certificate that is not due', async () => {
    expect(await planned(secrets.fresh)).toSatisfy(isAtRest);
    expect(await tagOf(secrets.fresh, 'failure')).toBeUndefined();
  });

  it('ends after three tries with growing pauses in an event, a metric and a dead letter', {
    timeout: 240_000,
  }, async () => {
    for (const secret of due()) {
      const event = await collector.next(
        'the event',
        ({ 'detail-type': type, resources }) => type === 'Certificate Renewal Failed' && resources.includes(secret.arn),
        200_000,
      );
      expect(event.detail).toMatchObject({
        code: 'CaUnavailable',
        message: expect.stringMatching(/can't be reached \(ECONNREFUSED\): check that the CA runs/),
        retryable: true,
        failures: 1,
        notAfter: expect.stringMatching(/^20\S{17}Z$/),
      });
    }
    await waitFor('the dead letters', async () => {
      const bodies = (await deadLetters()).join();
      return due().every(({ arn }) => bodies.includes(arn));
    });
    for (const secret of due()) {
      await waitFor('the last line of the log', async () => (await failures(secret)).length === 3);
      const tries = await failures(secret);
      expect(tries.map(({ final }) => final)).toEqual([false, false, true]);
      const [first = 0, second = 0, third = 0] = tries.map(({ timestamp }) => Date.parse(String(timestamp)));
      expect(Math.round((second - first) / 1000)).toBeGreaterThanOrEqual(30);
      expect(second - first).toBeLessThan(minute);
      expect(Math.round((third - second) / 1000)).toBeGreaterThanOrEqual(120);
      expect(third - second).toBeLessThan(3 * minute);
      expect(await tagOf(secret, 'failure')).toMatch(/^1 20\S{17}Z CaUnavailable$/);
    }
    const entries = await logEntries(aws);
    expect(metricValues(entries, 'Failed', 'two')).toEqual([1]);
    expect(metricValues(entries, 'Failed', 'one').length).toBeGreaterThanOrEqual(2);
  });

  it('causes no flood: after two scans of the schedule, only the urgent one was tried more often', async () => {
    const scans = (await collector.events()).filter(({ 'detail-type': type }) => type === 'Scan Completed');
    expect(scans.length).toBeGreaterThanOrEqual(2);
    for (const secret of due()) expect(await failures(secret)).toHaveLength(3);
    expect((await failures(secrets.urgent)).length).toBeGreaterThan(3);
    expect((await logOf(aws, secrets.first.arn)).some(({ reason }) => reason?.code === 'BackingOff')).toBe(true);
  });

  it('is reported as overdue by each scan, and the dead letters raise their alarm', async () => {
    const overdue = (await collector.events()).filter(({ 'detail-type': type }) => type.endsWith('Overdue'));
    for (const { arn } of due()) expect(overdue.some(({ resources }) => resources.includes(arn))).toBe(true);
    expect(await visibleDeadLetters()).toBeGreaterThanOrEqual(due().length);
  });

  it('ends when the CA is back: a scan with force renews the profile', async () => {
    await gate.comeBack();
    back = Date.now();
    expect(await scan({ profile: 'two', force: true })).toMatchObject({ listed: 1, enqueued: 1 });
    await expectRenewed(secrets.second);
  });

  it('ends for the rest by itself, when the back-off has passed', { timeout: 150_000 }, async () => {
    // Moves the time in the tag back by six minutes.
    const Value = `1 ${formatInstant(Date.now() - 6 * minute)} CaUnavailable`;
    const tag = { SecretId: secrets.third.arn, Tags: [{ Key: 'cert-renewer:failure', Value }] };
    await client(SecretsManagerClient, aws).send(new TagResourceCommand(tag));
    await Promise.all([secrets.third, secrets.urgent].map((secret) => expectRenewed(secret, 100_000)));
  });

  it('has dead letters that the command line shows, and leaves where they are', async () => {
    const letters = await visibleDeadLetters();
    const { code, stdout, output } = await permitted(aws, ['dead-letters', '--json'], {}, inPipe);
    expect(code, output).toBe(1);
    expect(output).not.toMatch(printedByLibrary);
    const names = records(stdout).map(({ queue, name }) => `${queue} ${name}`);
    expect(names.filter((name) => name.startsWith('renewals '))).toHaveLength(letters);
    expect(names).toEqual(expect.arrayContaining(due().map(({ name }) => `renewals ${name}`)));
    expect(await visibleDeadLetters()).toBe(letters);
  });

  it('ends for dead letters that are moved back; those of secrets that were renewed meanwhile do nothing', async () => {
    const renewed = await Promise.all([secrets.second, secrets.third].map(({ arn }) => look(aws, arn)));
    expect((await look(aws, secrets.first.arn)).versionId).toBe(secrets.first.versionId);
    const letters = await visibleDeadLetters();
    const refused = await permitted(aws, ['redrive']);
    expect({ code: refused.code, letters: letters > 0 }, refused.output).toEqual({ code: 3, letters: true });
    expect(refused.output).toContain(`${redriveTag} = true`);
    expect(await visibleDeadLetters()).toBe(letters);
    const { code, stdout, output } = await permitted(aws, ['redrive', '--json'], { [redriveTag]: 'true' }, inPipe);
    expect(output).not.toMatch(printedByLibrary);
    expect({ code, records: records(stdout) }, output).toEqual({
      code: 0,
      records: [{ moved: letters, left: 0, status: 'COMPLETED' }],
    });
    await expectRenewed(secrets.first);
    await outOfQueue(due());
    expect(await Promise.all([secrets.second, secrets.third].map(({ arn }) => look(aws, arn)))).toEqual(renewed);
  });

  it('empties a queue of dead letters', async () => {
    const target = { endpoint: aws.endpoint, region: REGION, credentials: ROOT };
    const queue = (await listResources(target, stackName)).find(({ logicalId }) => /ScanDeadLetters/.test(logicalId));
    await client(SQSClient, aws).send(new SendMessageCommand({ QueueUrl: queue?.id, MessageBody: '{}' }));
    const words = ['dead-letters', '--queue', 'scan'];
    expect((await permitted(aws, words)).code).toBe(1);
    const { stdout, output } = await permitted(aws, [...words, '--purge', '--json']);
    expect(records(stdout), output).toEqual([{ queue: 'scan', deleted: 1 }]);
    expect((await permitted(aws, words)).code).toBe(0);
  });

  it('leaves nothing behind', async () => {
    expect(await visibleDeadLetters()).toBe(0);
    const { plan, ...counts } = await scan({ dryRun: true });
    expect(plan.map(isAtRest)).toEqual([true, true, true, true, true]);
    expect(counts).toMatchObject({ listed: 5, backingOff: 0, overdue: 0 });
    expect(counts.notDue + counts.unknown).toBe(5);
    const late = (await collector.events()).filter(
      ({ 'detail-type': type, time }) => type === 'Certificate Renewal Failed' && Date.parse(time) > back + 1000,
    );
    expect(late).toEqual([]);
    const keys = leaves.map(({ key }, index) => secretsOf(`key ${index}`, key));
    expect(leaks(await tracesOf(aws, await collector.events()), keys)).toEqual([]);
  });

  const blocks = blocksOf('outage.test.ts');
  /** What stands on the page for a reader's own. */
  const names = () => ({ 'web/tls': secrets.first.name, 'api/tls': secrets.third.name, internal: 'two' });

  it('has a runbook, whose every command works with its permissions', { timeout: 240_000 }, async () => {
    const ours: Readonly<Record<string, string>> = names();
    for (const { section, words } of runbookCommands(blocks)) {
      const typed = words.map((word) => ours[word] ?? word);
      const { code, output } = await permitted(aws, typed, { [redriveTag]: 'true' });
      expect(code, `${section}: ${words.join(' ')}: ${output}`).toBeLessThan(2);
      // Two renewals of one secret at a time would be in each other's way, and the second is tried again half a minute later.
      await outOfQueue(due());
    }
    // A try of the urgent one may still wait for its last pause, of two minutes.
    await outOfQueue(Object.values(secrets), 150_000);
  });

  describeFound([python, jq], 'the rest of the runbook', () => {
    it('works as it is on the page', { timeout: 60_000 }, async () => {
      const withOthers = blocks.filter(({ commands }) => commands.some((line) => !/^npx [^|]+$/.test(line)));
      const programs = { python: required(python) };
      const role = await bareRole(aws);
      const lost = await loseSchedule(aws, stackName, outputs['ScanFunctionName'] ?? '');
      const ours = { ...names(), ...lost.names, '<role>': role.name };
      const ran = await typeAll(withOthers, programs, { env: aws.env, names: ours });
      for (const { section, command, code, output } of ran) expect(code, `${section}: ${command}: ${output}`).toBe(0);
      expect(ran.length).toBeGreaterThanOrEqual(3);
      expect(await role.tags()).toEqual([{ Key: redriveTag, Value: 'true' }]);
      expect(await lost.target()).toBe(lost.names['<ARN of the scan function>']);
    });
  });

  it('leaves every certificate in place, even when the stack is deleted', { timeout: 120_000 }, async () => {
    const before = await Promise.all(Object.values(secrets).map(({ arn }) => look(aws, arn)));
    await destroy(aws, stack.own.outage);
    expect(await Promise.all(Object.values(secrets).map(({ arn }) => look(aws, arn)))).toEqual(before);
  });
});
