/** The main job with real parts: a schedule's scan, the queue, a worker, a CA, the promotion. openssl judges the result. */
import { X509Certificate } from 'node:crypto';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { beforeAll, describe, expect, test } from 'vitest';
import type { PlanEntry, RenewalResult, ScanResult } from '../../lambdas/domain/result.ts';
import { type CaAccess, forge, issue, type Leaf } from '../../testkit/cas/leaf.ts';
import { client, type Endpoint, invoke, waitFor } from '../../testkit/local-aws/client.ts';
import {
  type EnrolledSecret,
  enrol,
  type Found,
  fromShape,
  inShape,
  look,
  versionIds,
} from '../../testkit/local-aws/enrolled.ts';
import { type BusEvent, collectEvents, type EventCollector } from '../../testkit/local-aws/events.ts';
import { type GateKeeper, gateKeeper } from '../support/gate.ts';
import { isOutOfQueue } from '../support/leaks.ts';
import { describeWith } from '../support/local.ts';
import { keptStatements, particulars, publicHalfOf, publicKeyOf, refusals } from './judges.ts';

const hour = 3_600_000;
const patience = 60_000;

/** Two of its 24 hours are left. */
function dueLeaf(ca: CaAccess, name: string): Promise<Leaf> {
  return forge(ca, {
    subject: { organization: 'Example', country: 'CH' },
    sans: [`dns:${name}.example`, `dns:*.${name}.example`, 'ip:10.0.0.7'],
    notBefore: new Date(Date.now() - 22 * hour),
    notAfter: new Date(Date.now() + 2 * hour),
  });
}

const paired = (leaf: Leaf, privateKey = leaf.keyPem): string =>
  inShape('camel', { certificate: leaf.certificatePem, chain: leaf.chainPem, privateKey });

async function scan(aws: Endpoint, scanFunction: string, secrets: readonly EnrolledSecret[], dryRun = false) {
  const secretIds = secrets.map(({ arn }) => arn);
  const { payload, error } = await invoke<ScanResult>(aws, scanFunction, { secretIds, dryRun });
  expect(error).toBeUndefined();
  return payload;
}

describeWith(['stack'], 'the main job', ({ emulator, ca, outputs, stack }) => {
  const scanFunction = outputs['ScanFunctionName'] ?? '';
  const renewFunction = outputs['RenewFunctionName'] ?? '';

  describe('a fresh, a due and a broken secret', () => {
    let secrets: Record<'fresh' | 'due' | 'broken', EnrolledSecret>;
    let before: Record<'fresh' | 'due' | 'broken', string>;
    let first: ScanResult;
    let event: BusEvent;
    let failure: BusEvent;
    let bus: EventCollector;

    beforeAll(async () => {
      const due = await dueLeaf(ca, 'due');
      const fresh = await issue(ca, { sans: ['dns:fresh.example'] });
      const other = await issue(ca, { sans: ['dns:broken.example'] });
      before = { fresh: paired(fresh), due: paired(due), broken: paired(other, due.keyPem) };
      secrets = {
        fresh: await enrol(emulator, { name: 'fresh', value: before.fresh }),
        due: await enrol(emulator, { name: 'due', value: before.due }),
        broken: await enrol(emulator, { name: 'broken', value: before.broken }),
      };
      const all = Object.values(secrets);
      bus = await collectEvents(emulator, outputs['EventBusName'] ?? '', { resources: all.map(({ arn }) => arn) });
      first = await scan(emulator, scanFunction, all);
      const about =
        (type: string, { arn }: EnrolledSecret) =>
        (found: BusEvent) =>
          found['detail-type'] === type && found.resources.includes(arn);
      event = await bus.next('the renewal', about('Certificate Renewed', secrets.due), patience);
      failure = await bus.next('the failure', about('Certificate Renewal Failed', secrets.broken), patience);
      for (const { arn } of all) {
        await waitFor(
          'the status tags',
          async () => {
            const { tags, versionId } = await look(emulator, arn);
            return tags.get('cert-renewer:version-id') === versionId;
          },
          { within: patience },
        );
      }
    }, 2 * patience);

    const pair = async ({ arn }: EnrolledSecret) => fromShape('camel', (await look(emulator, arn)).value);

    test('the scan sends those that it does not know yet to the workers', () => {
      expect(first).toMatchObject({ listed: 3, enqueued: 3, unknown: 3, notDue: 0, invalid: 0, overdue: 0 });
    });

    test('the due one has a new certificate that openssl verifies, with a new key', async () => {
      const was = fromShape('camel', before.due);
      const { certificate, chain, privateKey = '' } = await pair(secrets.due);
      expect(await refusals([certificate], { root: ca.rootPem, chain })).toEqual([]);
      expect(await publicHalfOf(privateKey)).toBe(await publicKeyOf(certificate));
      expect(await publicKeyOf(certificate)).not.toBe(await publicKeyOf(was.certificate));
      expect(Date.parse((await particulars(certificate)).notAfter)).toBeGreaterThan(Date.now() + 23 * hour);
    });

    test('subject and SANs are the same, and so is everything except for the key identifiers', async () => {
      const was = await keptStatements(fromShape('camel', before.due).certificate, 'rekey');
      const is = await keptStatements((await pair(secrets.due)).certificate, 'rekey');
      expect(was.get('subject')).toContain('CN=');
      expect(was.get('X509v3 Subject Alternative Name')).toContain('DNS:*.due.example, IP Address:10.0.0.7');
      expect(is).toEqual(was);
    });

    test('the old pair is AWSPREVIOUS, and AWSPENDING is on no other version', async () => {
      const { stages, versionId } = await look(emulator, secrets.due.arn);
      expect(versionId).toMatch(/^cert-renewer-/);
      expect(stages.get('AWSCURRENT')).toBe(versionId);
      expect(stages.get('AWSPREVIOUS')).toBe(secrets.due.versionId);
      expect(stages.get('AWSPENDING') ?? versionId).toBe(versionId);
      expect(await versionIds(emulator, secrets.due.arn)).toHaveLength(2);
    });

    test.each(['fresh', 'broken'] as const)('the %s one is untouched', async (kind) => {
      const { value, versionId } = await look(emulator, secrets[kind].arn);
      expect(value).toBe(before[kind]);
      expect(versionId).toBe(secrets[kind].versionId);
      expect(await versionIds(emulator, secrets[kind].arn)).toEqual([secrets[kind].versionId]);
    });

    test('the event has every field', async () => {
      const { certificate } = await pair(secrets.due);
      const facts = await particulars(certificate);
      const { versionId } = await look(emulator, secrets.due.arn);
      expect(event).toMatchObject({ source: 'cert-renewer', resources: [secrets.due.arn] });
      expect(event.detail).toEqual({
        version: '1',
        operation: 'rekey',
        outcome: 'rekeyed',
        reason: { code: 'Expiring', message: expect.stringMatching(/./) },
        warnings: [],
        secretArn: secrets.due.arn,
        versionId,
        previousVersionId: secrets.due.versionId,
        profile: 'internal',
        ...facts,
        sans: ['dns:due.example', 'dns:*.due.example', 'ip:10.0.0.7'],
        previousSerialNumber: (await particulars(fromShape('camel', before.due).certificate)).serialNumber,
        renewAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        keyAlgorithm: 'EC P-256',
      } satisfies Record<keyof Omit<RenewalResult, 'out'> | 'version' | 'operation', unknown>);
      // A third of the validity is left, or a twentieth of that third more.
      const left = (Date.parse(facts.notAfter) - Date.parse(String(event.detail['renewAt']))) / (24 * hour);
      expect(left).toBeGreaterThanOrEqual(1 / 3 - 1e-5);
      expect(left).toBeLessThan(1.05 / 3 + 1e-5);
    });

    test('the broken one is reported with its own code', () => {
      expect(failure).toMatchObject({ source: 'cert-renewer', resources: [secrets.broken.arn] });
      expect(failure.detail).toEqual({
        version: '1',
        secretArn: secrets.broken.arn,
        name: secrets.broken.name,
        profile: 'internal',
        code: 'KeyMismatch',
        message: expect.stringMatching(/does not match the certificate/),
        retryable: false,
        failures: 1,
        notAfter: null,
      });
    });

    test('the next scan sends only the inspections of the day', async () => {
      const all = Object.values(secrets);
      const { plan } = await scan(emulator, scanFunction, all, true);
      const actions = new Map(plan.map(({ secretArn, action }) => [secretArn, action]));
      expect(actions.size).toBe(3);
      expect(actions.get(secrets.broken.arn)).toBe('skip');
      expect(plan.filter(isWork)).toEqual([]);
      const before = await state(emulator, bus, all);
      const counts = await scan(emulator, scanFunction, all);
      expect(counts).toMatchObject({ listed: 3, backingOff: 1, invalid: 0, paused: 0 });
      expect(counts.enqueued).toBe(counts.unknown);
      await waitFor('the workers to be done', () => isOutOfQueue(emulator, outputs['RenewalQueueUrl'], all));
      expect(await state(emulator, bus, all)).toEqual(before);
    });
  });

  describe('a value that someone writes while the worker waits for the CA', () => {
    let gate: GateKeeper;
    let before: Leaf;
    let written: string;
    let secret: EnrolledSecret;

    beforeAll(async () => {
      gate = gateKeeper(stack.gateControl);
    });

    /** Starts work on a due secret, writes the secret when the worker has asked the CA, and then lets the CA answer. */
    async function writtenMeanwhile<T>(work: () => Promise<T>): Promise<T> {
      before = await dueLeaf(ca, 'race');
      written = paired(await issue(ca, { sans: ['dns:written-by-hand.example'] }));
      secret = await enrol(emulator, { name: 'race', profile: 'gated', value: paired(before) });
      return gate.alone(async () => {
        await gate.shut();
        try {
          const working = work();
          await waitFor('the worker to ask the CA', async () => (await gate.waiting()) > 0);
          const put = new PutSecretValueCommand({ SecretId: secret.arn, SecretString: written });
          await client(SecretsManagerClient, emulator).send(put);
          await gate.open();
          return await working;
        } finally {
          await gate.open();
        }
      });
    }

    /** Checks that readers get the written value, and that our version has no stage left. */
    async function stays(): Promise<Found> {
      const found = await look(emulator, secret.arn);
      expect(found.value).toBe(written);
      expect(found.stages.get('AWSPREVIOUS')).toBe(secret.versionId);
      expect(found.stages.get('AWSPENDING') ?? found.versionId).toBe(found.versionId);
      const versions = await versionIds(emulator, secret.arn);
      // The CA has issued and the pair was staged, so the worker really lost the swap.
      expect(versions.filter((id) => id.startsWith('cert-renewer-'))).toHaveLength(1);
      expect(versions).toHaveLength(3);
      return found;
    }

    test('stays, if the schedule wanted the renewal', async () => {
      await writtenMeanwhile(() => scan(emulator, scanFunction, [secret]));
      // It stages its pair, fails to promote it, and removes its AWSPENDING.
      await waitFor('the worker to lose', async () => {
        if ((await versionIds(emulator, secret.arn)).length < 3) return false; // it has not staged yet
        const { stages, versionId } = await look(emulator, secret.arn);
        return (stages.get('AWSPENDING') ?? versionId) === versionId;
      });
      await stays();
      await scan(emulator, scanFunction, [secret]);
      await waitFor('the inspection', async () => {
        const { tags, versionId } = await look(emulator, secret.arn);
        return tags.get('cert-renewer:version-id') === versionId;
      });
      const { tags } = await stays();
      expect(tags.has('cert-renewer:failure')).toBe(false);
    });

    test('stays, if a request on demand wanted the renewal: its answer reports that another version came meanwhile', async () => {
      const request = () => invoke<RenewalResult>(emulator, renewFunction, { secretId: secret.arn });
      const { payload, error } = await writtenMeanwhile(request);
      expect(error).toBeUndefined();
      expect(payload).toMatchObject({
        outcome: 'skipped',
        reason: { code: 'AlreadyRenewed' },
        sans: ['dns:written-by-hand.example'],
      });
      const { versionId, value } = await stays();
      expect(payload.versionId).toBe(versionId);
      const { serialNumber } = new X509Certificate(fromShape('camel', value).certificate);
      expect(payload.serialNumber).toBe(serialNumber.toLowerCase());
    });
  });
});

const isWork = ({ action }: PlanEntry): boolean => action !== 'skip' && action !== 'inspect';

/** Returns the number of events, and the versions. */
async function state(aws: Endpoint, bus: EventCollector, secrets: readonly EnrolledSecret[]): Promise<unknown> {
  return [(await bus.events()).length, await Promise.all(secrets.map(({ arn }) => versionIds(aws, arn)))];
}
