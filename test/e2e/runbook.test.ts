/** Commands of docs/operations.md, as calls of the same API, and their effects. In runbook-typed.test.ts they are typed. */
import { createPrivateKey } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  SecretsManagerClient,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ScanResult } from '../../lambdas/domain/result.ts';
import { forge, issue, type Leaf } from '../../testkit/cas/leaf.ts';
import { client, invoke, waitFor } from '../../testkit/local-aws/client.ts';
import { type EnrolledSecret, enrol, look } from '../../testkit/local-aws/enrolled.ts';
import { collectEvents, type EventCollector } from '../../testkit/local-aws/events.ts';
import { run } from '../../testkit/tools/process.ts';
import { describeWith } from '../support/local.ts';
import { logOf } from '../support/logs.ts';
import { camel, dueDates, hour, renewNow } from '../support/on-demand.ts';
import { isAtRest } from '../support/plan.ts';

describeWith(['stack', 'step-ca'], 'the runbook', ({ emulator, ca, outputs }) => {
  const secrets = () => client(SecretsManagerClient, emulator);
  const renew = (request: object) => renewNow(emulator, outputs['RenewFunctionName'] ?? '', request);
  let collector: EventCollector;
  let folder: string;

  beforeAll(async () => {
    collector = await collectEvents(emulator, outputs['EventBusName'] ?? '');
    folder = await mkdtemp(join(tmpdir(), 'cert-renewer-runbook-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function scan(request: object): Promise<ScanResult> {
    const answer = await invoke<ScanResult>(emulator, outputs['ScanFunctionName'] ?? '', request);
    expect(answer.error).toBeUndefined();
    return answer.payload;
  }

  const enrolled = (leaf: Leaf): Promise<EnrolledSecret> =>
    enrol(emulator, { value: camel(leaf, leaf.keyPem), name: 'runbook' });

  /** `aws secretsmanager update-secret-version-stage`, as on the page. */
  async function rollBack(arn: string): Promise<{ readonly from: string; readonly to: string }> {
    const { stages } = await look(emulator, arn);
    const [from, to] = [stages.get('AWSCURRENT') ?? '', stages.get('AWSPREVIOUS') ?? ''];
    const move = { VersionStage: 'AWSCURRENT', RemoveFromVersionId: from, MoveToVersionId: to };
    await secrets().send(new UpdateSecretVersionStageCommand({ SecretId: arn, ...move }));
    return { from, to };
  }

  /** Scans the secret, and waits for the worker's log line. */
  async function scanned(arn: string, code: string): Promise<void> {
    const before = new Date().toISOString();
    await scan({ secretIds: [arn] });
    await waitFor(`the log line ${code}`, async () =>
      (await logOf(emulator, arn)).some(
        ({ reason, timestamp }) => reason?.code === code && String(timestamp) >= before,
      ),
    );
  }

  describe('rolling back', () => {
    it('stays, if the previous version is not due', async () => {
      const now = Date.now();
      const { arn } = await enrolled(
        await issue(ca, { notBefore: new Date(now - hour), notAfter: new Date(now + 23 * hour) }),
      );
      await renew({ secretId: arn });
      const { from, to } = await rollBack(arn);
      await scanned(arn, 'NotDue');
      const { versionId, stages, tags } = await look(emulator, arn);
      expect(versionId).toBe(to);
      expect(stages.get('AWSPREVIOUS')).toBe(from);
      expect(tags.get('cert-renewer:version-id')).toBe(to);
      const { plan } = await scan({ secretIds: [arn], dryRun: true });
      expect(plan.map(isAtRest)).toEqual([true]);
      const told = (await collector.events()).filter(({ resources }) => resources.includes(arn));
      expect(told).toHaveLength(1); // of the renewal: a version that a user rolls back to causes no event
    });

    it('of one that is due stays while it is paused, and is renewed again after that', async () => {
      const { arn } = await enrolled(await forge(ca, dueDates()));
      await renew({ secretId: arn });
      const Tags = [{ Key: 'cert-renewer:paused', Value: 'true' }];
      await secrets().send(new TagResourceCommand({ SecretId: arn, Tags }));
      const { from, to } = await rollBack(arn);
      await scanned(arn, 'Paused');
      expect((await look(emulator, arn)).versionId).toBe(to);
      await secrets().send(new UntagResourceCommand({ SecretId: arn, TagKeys: ['cert-renewer:paused'] }));
      await scanned(arn, 'Expiring');
      const { versionId, stages } = await look(emulator, arn);
      expect(versionId).toMatch(/^cert-renewer-/);
      expect(versionId).not.toBe(from); // a new pair, and not the one that the user rolled back from
      expect(stages.get('AWSPREVIOUS')).toBe(to);
    });
  });

  describe('the first certificate', () => {
    async function openssl(...args: string[]): Promise<void> {
      const { code, output } = await run('openssl', args, { cwd: folder });
      expect(`${code} ${output}`).toMatch(/^0/);
    }

    it.each([
      ['an EC key', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'web.key'], 'EC PRIVATE KEY'],
      ['an RSA key', ['genrsa', '-traditional', '-out', 'web.key', '2048'], 'RSA PRIVATE KEY'],
      ['a PKCS#8 key', ['genpkey', '-algorithm', 'ED25519', '-out', 'web.key'], 'PRIVATE KEY'],
    ])('by openssl, with %s: in the files that the CA and openssl write', async (_what, args, label) => {
      await openssl(...args);
      const privateKey = await readFile(join(folder, 'web.key'), 'utf8');
      expect(privateKey).toContain(`BEGIN ${label}`);
      const leaf = await forge(ca, { ...dueDates(), key: createPrivateKey(privateKey) });
      // The result of `jq --rawfile` with web.crt, which has the leaf and its chain, and web.key.
      const value = JSON.stringify({ certificate: leaf.certificatePem + leaf.chainPem, privateKey });
      const secret = await enrol(emulator, { value, name: 'runbook' });
      expect(await renew({ secretId: secret.name })).toMatchObject({ outcome: 'rekeyed' });
      const after = JSON.parse((await look(emulator, secret.arn)).value);
      expect(Object.keys(after)).toEqual(['certificate', 'privateKey']);
      expect(after.privateKey).toContain(`BEGIN ${label}`);
      expect(after.certificate.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    });
  });
});
