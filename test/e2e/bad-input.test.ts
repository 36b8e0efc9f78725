/**
 * Bad input (docs/guarantees.md, G4): every kind of it in one scan, beside a certificate that is due. Each appears with its
 * code in plan, event and log, with what was found and what to do. It leaves the secret as it was and stops no other.
 */
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DescribeSecretCommand, GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { beforeAll, describe, expect, it } from 'vitest';
import type { PlanEntry, RenewalResult, ScanResult } from '../../lambdas/domain/result.ts';
import { statusTags } from '../../lambdas/domain/tags.ts';
import { forge } from '../../testkit/cas/leaf.ts';
import { client, invoke, waitFor } from '../../testkit/local-aws/client.ts';
import { enrol, look } from '../../testkit/local-aws/enrolled.ts';
import { type BusEvent, collectEvents, type EventCollector } from '../../testkit/local-aws/events.ts';
import { type BadInput, badInputs } from '../support/bad-input.ts';
import { describeWith } from '../support/local.ts';
import { type LogEntry, logEntries, logOf, metricValues } from '../support/logs.ts';
import { camel, dueDates } from '../support/on-demand.ts';

interface Snapshot {
  readonly value: unknown;
  readonly versions: unknown;
  readonly tags: ReadonlyMap<string, string>;
}

describeWith(['stack', 'step-ca'], 'bad input', ({ emulator, ca, outputs }) => {
  const arns = new Map<BadInput, string>();
  const before = new Map<string, Snapshot>();
  let healthy: string;
  let collector: EventCollector;
  let plan: ReadonlyMap<string, PlanEntry>;
  let scanned: ScanResult;
  let started: number;

  const profile = 'bad-input';
  const arnOf = (input: BadInput): string => arns.get(input) ?? '';
  const of = (foundBy: BadInput['foundBy']): BadInput[] => badInputs.filter((input) => input.foundBy === foundBy);

  async function scan(request: object): Promise<ScanResult> {
    const secretIds = [...arns.values(), healthy];
    const answer = await invoke<ScanResult>(emulator, outputs['ScanFunctionName'] ?? '', { secretIds, ...request });
    expect(answer.error).toBeUndefined();
    return answer.payload;
  }

  async function planOf(): Promise<ReadonlyMap<string, PlanEntry>> {
    const { plan: entries } = await scan({ dryRun: true });
    return new Map(entries.map((entry) => [entry.secretArn, entry]));
  }

  async function snapshot(arn: string): Promise<Snapshot> {
    const secrets = client(SecretsManagerClient, emulator);
    const { VersionIdsToStages, Tags = [] } = await secrets.send(new DescribeSecretCommand({ SecretId: arn }));
    const value = await secrets.send(new GetSecretValueCommand({ SecretId: arn })).then(
      ({ SecretString, SecretBinary, VersionId }) => ({ SecretString, SecretBinary, VersionId }),
      (error: Error) => error.name, // it has none, or is being deleted
    );
    return { value, versions: VersionIdsToStages, tags: new Map(Tags.map(({ Key = '', Value = '' }) => [Key, Value])) };
  }

  async function eventsOf(arn: string): Promise<BusEvent[]> {
    return (await collector.events()).filter(({ resources }) => resources.includes(arn));
  }

  beforeAll(async () => {
    started = Date.now();
    collector = await collectEvents(emulator, outputs['EventBusName'] ?? '');
    const get = new GetFunctionConfigurationCommand({ FunctionName: outputs['ScanFunctionName'] });
    const { FunctionArn: anyFunctionArn = '' } = await client(LambdaClient, emulator).send(get);
    for (const input of badInputs) arns.set(input, await input.make({ aws: emulator, ca, anyFunctionArn, profile }));
    const leaf = await forge(ca, dueDates());
    healthy = (await enrol(emulator, { value: camel(leaf, leaf.keyPem), name: 'healthy' })).arn;
    for (const arn of arns.values()) before.set(arn, await snapshot(arn));
    plan = await planOf();
    scanned = await scan({});
    // A log line appears when its invocation has ended, which is after the tag and the event.
    await waitFor('the log of what the workers did', async () => {
      const told = new Set((await logEntries(emulator, started)).map(({ secretArn }) => secretArn));
      return [...of('worker').map(arnOf), healthy].every((arn) => told.has(arn));
    });
  });

  it('is counted', () => {
    expect(scanned).toMatchObject({
      listed: badInputs.length + 1,
      enqueued: of('worker').length + 1,
      unknown: of('worker').length + 1,
      invalid: badInputs.filter(({ code }) => code === 'InvalidTag' || code === 'UnknownProfile').length,
      notDue: of('plan').length - 1,
      paused: 0,
      backingOff: 0,
    });
  });

  it('stops no other: a due secret beside it is renewed', async () => {
    const event = await collector.next('the renewal', ({ resources }) => resources.includes(healthy));
    expect(event['detail-type']).toBe('Certificate Renewed');
    expect((await look(emulator, healthy)).versionId).toMatch(/^cert-renewer-/);
  });

  describe.each(badInputs.map((input) => [input.what, input] as const))('%s', (_what, input) => {
    const { code, says, foundBy } = input;
    const secretArn = () => arnOf(input);

    it('is in the plan', async () => {
      const entry = plan.get(secretArn());
      if (foundBy === 'worker') {
        expect(entry).toMatchObject({ action: 'inspect', reason: { code: 'Unknown' } });
        // The outcome is known from then on.
        const after = (await planOf()).get(secretArn());
        expect(after).toMatchObject({ action: 'skip', reason: { code: 'BackingOff' } });
        expect(after?.reason.message).toMatch(
          new RegExp(`^1 try failed, the last with ${code}\\. The next try is at 20`),
        );
      } else {
        expect(entry).toMatchObject({ action: 'skip', reason: { code } });
        expect(entry?.reason.message).toMatch(says);
      }
    });

    it('is in the log', async () => {
      const lines = (await logOf(emulator, secretArn())).filter(({ reason }) => reason?.code === code);
      expect(lines.length).toBeGreaterThan(code === 'NotDue' ? -1 : 0);
      for (const { reason, requestId } of lines) {
        expect(reason?.message).toMatch(says);
        expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
      }
    });

    it('causes an event if somebody must act', async () => {
      const events = await eventsOf(secretArn());
      if (foundBy === 'plan') return expect(events).toEqual([]);
      expect(events[0]).toMatchObject({
        source: 'cert-renewer',
        'detail-type': 'Certificate Renewal Failed',
        resources: [secretArn()],
        detail: {
          version: '1',
          secretArn: secretArn(),
          profile,
          code,
          message: expect.stringMatching(says),
          retryable: false,
          failures: 1,
        },
      });
      // One for each scan, or for each message that a worker gave up.
      const tellers = (await logOf(emulator, secretArn())).filter(({ reason }) => reason?.code === code);
      expect(events.length).toBe(new Set(tellers.map(({ requestId }) => requestId)).size);
    });

    it('leaves the secret as it was', async () => {
      const [was, is] = [before.get(secretArn()), await snapshot(secretArn())];
      expect(is.value).toEqual(was?.value);
      expect(is.versions).toEqual(was?.versions);
      if (foundBy !== 'worker') return expect(is.tags).toEqual(was?.tags);
      const [kept, written] = partition(is.tags);
      expect(kept).toEqual(was?.tags);
      expect(written.get('cert-renewer:failure')).toMatch(new RegExp(`^1 20\\d\\d-\\d\\d-\\d\\dT[\\d:]{8}Z ${code}$`));
      expect(written.get('cert-renewer:version-id')).toBe(Object.keys(is.versions ?? {})[0]);
    });

    it('is the error on demand', async () => {
      const request = { secretId: secretArn(), dryRun: true };
      const { payload, error } = await invoke<RenewalResult>(emulator, outputs['RenewFunctionName'] ?? '', request);
      const skips = ['Replica', 'RotationEnabled', 'ManagedByService'];
      if (skips.includes(code)) {
        expect(payload).toMatchObject({ outcome: 'skipped', reason: { code }, secretArn: secretArn() });
      } else if (code === 'NotDue') {
        expect(error?.errorType).toBe('UnsupportedSecret');
      } else if (['CertificateExpired', 'CaRejected'].includes(code)) {
        expect(payload).toMatchObject({ outcome: 'planned' }); // only the CA can tell, and a dry run does not ask it
      } else {
        expect(error?.errorType).toBe(code);
        expect(error?.errorMessage).toMatch(says);
      }
    });
  });

  it('counts in the metric Failed, once for each message', async () => {
    const mine = new Set(of('worker').map(arnOf));
    const entries = await logEntries(emulator, started);
    const failures = entries.filter(({ secretArn, final }) => mine.has(secretArn ?? '') && final === true);
    expect(failures.length).toBeGreaterThanOrEqual(mine.size);
    expect(metricValues(entries, 'Failed', profile).length).toBeGreaterThanOrEqual(mine.size);
  });

  it('has one of the codes, and is never an unexpected error', async () => {
    const mine = new Set([...arns.values(), healthy]);
    const internal = (entry: LogEntry) => mine.has(entry.secretArn ?? '') && entry.reason?.code === 'Internal';
    expect((await logEntries(emulator, started)).filter(internal)).toEqual([]);
  });
});

/** Separates the user's tags from those that cert-renewer writes. */
function partition(tags: ReadonlyMap<string, string>): [Map<string, string>, Map<string, string>] {
  const written = new Set<string>(statusTags);
  const entries = [...tags];
  return [new Map(entries.filter(([tag]) => !written.has(tag))), new Map(entries.filter(([tag]) => written.has(tag)))];
}
