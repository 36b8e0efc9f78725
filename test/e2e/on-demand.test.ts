/** docs/invoke.md on the deployed function, as `aws lambda invoke` calls it. */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import { formatInstant } from '../../lambdas/domain/instant.ts';
import type { RenewalResult, ScanResult } from '../../lambdas/domain/result.ts';
import { issue, type LeafRequest } from '../../testkit/cas/leaf.ts';
import { client, invoke, waitFor } from '../../testkit/local-aws/client.ts';
import { type EnrolledSecret, enrol, fromShape, look, versionIds } from '../../testkit/local-aws/enrolled.ts';
import { describeWith } from '../support/local.ts';
import { logOf } from '../support/logs.ts';
import { camel, dueDates, hour, refusal, renewNow } from '../support/on-demand.ts';

const instant = /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

describeWith(['stack', 'step-ca'], 'on demand', ({ emulator, ca, outputs }) => {
  const renewFunction = () => outputs['RenewFunctionName'] ?? '';
  const renew = (request: unknown): Promise<RenewalResult> => renewNow(emulator, renewFunction(), request);
  const refused = (request: unknown) => refusal(emulator, renewFunction(), request);

  /** A certificate of 24 hours, issued an hour ago. It is not due, and a new one ends later. */
  const dates = () => ({ notBefore: new Date(Date.now() - hour), notAfter: new Date(Date.now() + 23 * hour) });

  async function fresh(enrolment: { profile?: string; tags?: Record<string, string> } = {}, request: LeafRequest = {}) {
    const leaf = await issue(ca, { ...dates(), ...request });
    const secret = await enrol(emulator, { value: camel(leaf, leaf.keyPem), name: 'on-demand', ...enrolment });
    return { ...secret, leaf };
  }

  /** Returns the current certificate, and the public half of its key. */
  async function reader(secret: EnrolledSecret) {
    const { value, ...found } = await look(emulator, secret.arn);
    const pair = fromShape('camel', value);
    const certificate = new X509Certificate(pair.certificate);
    const publicKey = createPublicKey(createPrivateKey(pair.privateKey ?? ''));
    expect(certificate.publicKey.equals(publicKey)).toBe(true);
    return { ...found, certificate, publicKey };
  }

  describe('an answer', () => {
    const sans = [
      'dns:web.example',
      'dns:*.web.example',
      'email:it@web.example',
      'ip:10.0.0.7',
      'uri:https://web.example',
    ];

    it('describes the new certificate completely', async () => {
      const secret = await fresh({}, { sans: sans as LeafRequest['sans'] & {}, subject: { organization: 'Example' } });
      const answer = await renew({ secretId: secret.name });
      const { certificate, versionId, stages } = await reader(secret);
      const notAfter = Date.parse(certificate.validTo);
      const validity = notAfter - Date.parse(certificate.validFrom);
      expect(answer).toEqual({
        outcome: 'rekeyed',
        reason: { code: 'Requested', message: expect.any(String) },
        warnings: [],
        secretArn: secret.arn,
        versionId,
        previousVersionId: secret.versionId,
        profile: 'internal',
        subject: 'CN=web.example,O=Example',
        sans,
        serialNumber: certificate.serialNumber.toLowerCase(),
        previousSerialNumber: secret.leaf.certificate.serialNumber.toLowerCase(),
        notBefore: formatInstant(Date.parse(certificate.validFrom)),
        notAfter: formatInstant(notAfter),
        renewAt: expect.stringMatching(instant),
        keyAlgorithm: 'EC P-256',
        fingerprintSha256: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
      });
      expect(versionId).toMatch(/^cert-renewer-[0-9a-f]{8}-/);
      expect(stages.get('AWSPREVIOUS')).toBe(secret.versionId);
      // A third of the validity before the end, and up to a twentieth of that earlier.
      const window = notAfter - Date.parse(answer.renewAt ?? '');
      expect(window).toBeGreaterThanOrEqual(validity / 3 - 1000);
      expect(window).toBeLessThanOrEqual((validity / 3) * 1.05 + 1000);
    });

    it('is the same by ARN', async () => {
      const secret = await fresh();
      expect(await renew({ secretId: secret.arn })).toMatchObject({ outcome: 'rekeyed', secretArn: secret.arn });
    });

    it('describes the current certificate if the request is skipped', async () => {
      const secret = await fresh();
      const { certificate } = secret.leaf;
      expect(await renew({ secretId: secret.arn, expiresIn: '8h' })).toEqual({
        outcome: 'skipped',
        reason: { code: 'NotDue', message: expect.stringContaining('force') },
        warnings: [],
        secretArn: secret.arn,
        versionId: secret.versionId,
        previousVersionId: null,
        profile: 'internal',
        subject: 'CN=leaf.example',
        sans: ['dns:leaf.example'],
        serialNumber: certificate.serialNumber.toLowerCase(),
        previousSerialNumber: null,
        notBefore: formatInstant(Date.parse(certificate.validFrom)),
        notAfter: formatInstant(Date.parse(certificate.validTo)),
        renewAt: expect.stringMatching(instant),
        keyAlgorithm: 'EC P-256',
        fingerprintSha256: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
      });
      expect((await look(emulator, secret.arn)).versionId).toBe(secret.versionId);
    });
  });

  describe('mode', () => {
    it.each([
      ['internal', undefined, undefined, 'rekeyed'],
      ['internal', 'renew', undefined, 'renewed'],
      ['same-key', undefined, undefined, 'renewed'],
      ['same-key', 'rekey', undefined, 'rekeyed'],
      ['internal', undefined, 'renew', 'renewed'],
      ['internal', 'rekey', 'renew', 'rekeyed'],
    ])('in the profile %s, %s in the request, %s in the tag: %s', async (profile, requested, tagged, outcome) => {
      const secret = await fresh({ profile, ...(tagged && { tags: { mode: tagged } }) });
      const answer = await renew({ secretId: secret.arn, ...(requested && { mode: requested }) });
      expect(answer.outcome).toBe(outcome);
      const { publicKey, certificate } = await reader(secret);
      expect(publicKey.equals(secret.leaf.certificate.publicKey)).toBe(outcome === 'renewed');
      expect(certificate.serialNumber).not.toBe(secret.leaf.certificate.serialNumber);
    });
  });

  describe('expiresIn and rekeyPeriod', () => {
    it.each([
      [{ expiresIn: '20h' }, 'skipped', 'NotDue'],
      [{ expiresIn: '23h30m' }, 'rekeyed', 'Expiring'],
      [{ expiresIn: '80%' }, 'skipped', 'NotDue'],
      [{ expiresIn: '98pct' }, 'rekeyed', 'Expiring'],
      [{ rekeyPeriod: '8h' }, 'skipped', 'NotDue'],
      [{ rekeyPeriod: '59m' }, 'rekeyed', 'PeriodElapsed'],
      [{ rekeyPeriod: '8h', force: true }, 'rekeyed', 'Forced'],
    ])('%j on a certificate of 24 hours, an hour old: %s, %s', async (fields, outcome, code) => {
      const secret = await fresh();
      expect(await renew({ secretId: secret.arn, ...fields })).toMatchObject({ outcome, reason: { code } });
    });

    it('override the tag, for this request only', async () => {
      const secret = await fresh({ tags: { 'rekey-period': '23h' } });
      const answer = await renew({ secretId: secret.arn, expiresIn: '23h30m' });
      expect(answer.outcome).toBe('rekeyed');
      // The next time is by the tag again: 23 h after the start, up to a twentieth of that earlier.
      const afterStart = Date.parse(answer.renewAt ?? '') - Date.parse(answer.notBefore ?? '');
      expect(afterStart).toBeGreaterThan(21.8 * hour);
      expect(afterStart).toBeLessThanOrEqual(23 * hour);
    });

    it('that are not less than the validity, in a tag: a third applies, and the answer warns', async () => {
      const secret = await fresh({ tags: { 'expires-in': '48h' } });
      const { outcome, warnings } = await renew({ secretId: secret.arn });
      expect(outcome).toBe('rekeyed');
      expect(warnings).toEqual([{ code: 'WindowClamped', message: expect.stringContaining('48h') }]);
    });

    it('shorter than the schedule: the answer warns', async () => {
      const secret = await fresh({ tags: { 'expires-in': '30m' } });
      const { warnings } = await renew({ secretId: secret.arn });
      expect(warnings).toEqual([{ code: 'WindowBelowSchedule', message: expect.stringContaining('30m') }]);
    });
  });

  describe('force', () => {
    it('renews again directly after a renewal', async () => {
      const { arn } = await fresh();
      const { versionId } = await renew({ secretId: arn });
      const again = await renew({ secretId: arn });
      expect(again).toMatchObject({ outcome: 'skipped', reason: { code: 'RecentlyRenewed' }, versionId });
      expect(again.reason.message).toContain('force');
      expect(await renew({ secretId: arn, force: true })).toMatchObject({
        outcome: 'rekeyed',
        reason: { code: 'Forced' },
        previousVersionId: versionId,
      });
    });

    it.each([
      ['a tag', { tags: { paused: 'true' } }],
      ['the profile', { profile: 'paused' }],
    ])('renews a secret that %s has paused', async (_what, enrolment) => {
      const secret = await fresh(enrolment);
      const left = await renew({ secretId: secret.arn });
      expect(left).toMatchObject({ outcome: 'skipped', reason: { code: 'Paused' } });
      expect(left.reason.message).toContain('force');
      expect(await renew({ secretId: secret.arn, force: true })).toMatchObject({ outcome: 'rekeyed' });
    });
  });

  describe('dryRun', () => {
    it.each([
      [{}, 'planned', 'Requested'],
      [{ expiresIn: '8h' }, 'skipped', 'NotDue'],
      [{ expiresIn: '8h', force: true }, 'planned', 'Forced'],
      [{ mode: 'renew' }, 'planned', 'Requested'],
    ])('%j: %s, %s, and nothing is changed', async (fields, outcome, code) => {
      const secret = await fresh();
      const before = await look(emulator, secret.arn);
      const answer = await renew({ secretId: secret.arn, dryRun: true, ...fields });
      expect(answer).toMatchObject({ outcome, reason: { code }, versionId: secret.versionId, previousVersionId: null });
      expect(answer.serialNumber).toBe(secret.leaf.certificate.serialNumber.toLowerCase());
      expect(await look(emulator, secret.arn)).toEqual(before);
      expect(await versionIds(emulator, secret.arn)).toEqual([secret.versionId]);
    });

    it('fails as the renewal would, and changes nothing either', async () => {
      const [one, other] = await Promise.all([issue(ca), issue(ca)]);
      const secret = await enrol(emulator, { value: camel(one, other.keyPem), name: 'on-demand' });
      const before = await look(emulator, secret.arn);
      expect(await refused({ secretId: secret.arn, dryRun: true })).toMatchObject({ errorType: 'KeyMismatch' });
      expect(await look(emulator, secret.arn)).toEqual(before);
    });
  });

  it('starts from the value that another writer has just put', async () => {
    const secret = await fresh();
    const next = await issue(ca, dates());
    const put = new PutSecretValueCommand({ SecretId: secret.arn, SecretString: camel(next, next.keyPem) });
    await client(SecretsManagerClient, emulator).send(put);
    const answer = await renew({ secretId: secret.arn });
    expect(answer).toMatchObject({
      outcome: 'rekeyed',
      previousSerialNumber: next.certificate.serialNumber.toLowerCase(),
    });
  });

  describe('two requests at once', () => {
    it('leave one new version; the loser is skipped', async () => {
      const warmUp = await Promise.all([fresh(), fresh()]);
      await Promise.all(warmUp.map(({ arn }) => renew({ secretId: arn })));
      for (let round = 0; round < 3; round++) {
        const secret = await fresh();
        const answers = await Promise.all([renew({ secretId: secret.arn }), renew({ secretId: secret.arn })]);
        expect(answers.map(({ outcome }) => outcome).sort()).toEqual(['rekeyed', 'skipped']);
        const [winner, loser] = [...answers].sort((a, b) => a.outcome.localeCompare(b.outcome));
        expect(['AlreadyRenewed', 'RecentlyRenewed']).toContain(loser?.reason.code);
        expect(loser).toMatchObject({ versionId: winner?.versionId, serialNumber: winner?.serialNumber });
        const found = await reader(secret);
        expect(found.versionId).toBe(winner?.versionId);
        expect(found.stages.get('AWSPREVIOUS')).toBe(secret.versionId);
        expect([undefined, found.versionId]).toContain(found.stages.get('AWSPENDING'));
      }
    });

    it('leave one new version if one of them is from the schedule', async () => {
      const secret = await fresh({}, dueDates());
      const [answer, scanned] = await Promise.all([
        renew({ secretId: secret.arn }),
        invoke<ScanResult>(emulator, outputs['ScanFunctionName'] ?? '', { secretIds: [secret.arn] }),
      ]);
      expect(['rekeyed', 'skipped']).toContain(answer.outcome);
      // The message of the scan may come before or after the other renewal. It is finished when the worker has logged its
      // decision.
      await waitFor('the log of the worker', async () => {
        const words = (await logOf(emulator, secret.arn)).filter(({ outcome }) => outcome !== undefined);
        return words.length === 1 + scanned.payload.enqueued;
      });
      const { versionId, stages } = await reader(secret);
      expect(versionId).toMatch(/^cert-renewer-/);
      expect(stages.get('AWSPREVIOUS')).toBe(secret.versionId);
    });
  });
});
