/**
 * What users of `step ca rekey` (v0.30.6) run into, one test each. The title says what step does, and what happens here.
 * openssl and step itself judge.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { issue } from '../../testkit/cas/leaf.ts';
import { type KeyKind, makeKey, pkcs8Pem } from '../../testkit/certificates/index.ts';
import { nameOfKey } from '../../testkit/certificates/kept.ts';
import { waitFor } from '../../testkit/local-aws/client.ts';
import { fromShape } from '../../testkit/local-aws/enrolled.ts';
import { collectEvents } from '../../testkit/local-aws/events.ts';
import { step } from '../../testkit/tools/go-tools.ts';
import { isOutOfQueue } from '../support/leaks.ts';
import { describeFound, describeWith } from '../support/local.ts';
import { camel } from '../support/on-demand.ts';
import { beside } from '../support/programs.ts';
import { aged, isKeyOf, renewerOf, scanned, serialOf } from '../support/renewer.ts';
import { publicHalfOf, publicKeyOf } from './judges.ts';

const stepTool = await step();
const ours = { profile: 'internal', paused: 'true' };
const minutes = (number: number) => new Date(Date.now() + number * 60_000);

describeWith(['stack', 'step-ca'], 'where step ca rekey', (local) => {
  const { renew, refused, scan, fresh, put, reader, versions, look, deny, password } = renewerOf(local);
  const renewer = renewerOf(local);

  it('--daemon never changes the key: the schedule makes a new one every time', async () => {
    // Valid for 50 minutes, so that the second scan need not wait until the first renewal is ten minutes old.
    const dates = { notBefore: minutes(-5), notAfter: minutes(45) };
    const secret = await fresh({ tags: { 'rekey-period': '1s' } }, dates);
    const first = await scanned(renewer, secret, 2);
    await sleep(1_100); // a new certificate must end later, and ends have whole seconds
    await scan([secret.arn]);
    const second = await renewer.settled(secret, (found) => found.length === 3);
    const keys = [secret.leaf.certificate, first.certificate, second.certificate].map(({ publicKey }) =>
      publicKey.export({ type: 'spki', format: 'pem' }),
    );
    expect(new Set(keys).size).toBe(3);
  });

  it('--out-cert or --out-key alone leaves a certificate beside the wrong key: neither exists alone here', async () => {
    const secret = await fresh();
    const name = await put(undefined, ours);
    for (const out of [{}, { certificate: name }, { privateKey: name }, { secretId: name, certificate: name }, name]) {
      expect(await refused({ secretId: secret.arn, out })).toMatchObject({ errorType: 'InvalidRequest' });
    }
    await renew({ secretId: secret.arn, out: { secretId: name } });
    for (const pair of [(await reader(name)).pair, (await reader(secret.arn)).pair]) {
      expect(await publicHalfOf(pair.privateKey ?? '')).toBe(await publicKeyOf(pair.certificate));
    }
  });

  it('--private-key without --out-key leaves the old key beside the certificate: here the given key is stored with it', async () => {
    const secret = await fresh();
    const key = makeKey();
    await renew({ secretId: secret.arn, privateKey: { secretId: await put(pkcs8Pem(key), ours) } });
    const { pair, certificate } = await reader(secret.arn);
    expect(isKeyOf(key, certificate)).toBe(true);
    expect(await publicHalfOf(pair.privateKey ?? '')).toBe(await publicHalfOf(pkcs8Pem(key)));
  });

  it.each([
    ['PutSecretValue', 'the pair can’t be written'],
    ['UpdateSecretVersionStage', 'the pair can’t be promoted'],
  ])(
    'an --out-key that can’t be written loses the new key and overwrites the certificate: %s denied, nothing has changed',
    async (action) => {
      const secret = await fresh();
      const name = await put(camel(secret.leaf, secret.leaf.keyPem), ours);
      const { versionId: first } = await look(name);
      await deny(name, `secretsmanager:${action}`);
      const error = await refused({ secretId: secret.arn, out: { secretId: name }, force: true });
      expect(error).toMatchObject({ errorType: 'AccessDenied', errorMessage: expect.stringContaining(action) });
      for (const [secretId, versionId] of [
        [secret.arn, secret.versionId],
        [name, first],
      ] as const) {
        const found = await look(secretId);
        expect(found.versionId).toBe(versionId);
        expect(found.value).toBe(camel(secret.leaf, secret.leaf.keyPem));
      }
    },
  );

  it('the secret itself can’t be written: the old pair stays whole', async () => {
    const secret = await fresh();
    await deny(secret.arn, 'secretsmanager:PutSecretValue');
    expect(await refused({ secretId: secret.arn })).toMatchObject({ errorType: 'AccessDenied' });
    expect(serialOf((await reader(secret.arn)).certificate)).toBe(serialOf(secret.leaf.certificate));
    expect(await versions(secret.arn)).toEqual([secret.versionId]);
  });

  it.each<[KeyKind, string, object]>([
    ['RSA-2048', 'RSA 2048', {}],
    ['RSA-3072', 'RSA 3072', {}],
    ['P-384', 'EC P-384', {}],
    ['Ed25519', 'OKP Ed25519', {}],
    ['RSA-2048', 'EC P-256', { kty: 'EC' }],
  ])('no --kty makes an RSA key EC: %s becomes %s with %j', async (key, expected, fields) => {
    const { arn } = await fresh({}, { key });
    expect(await renew({ secretId: arn, ...fields })).toMatchObject({ outcome: 'rekeyed', keyAlgorithm: expected });
    expect(nameOfKey((await reader(arn)).pair.certificate)).toBe(expected);
  });

  it.each([{ kty: 'RSA' }, { kty: 'RSA', size: 3072 }, { kty: 'EC', curve: 'P-256' }])(
    '--private-key silently ignores --kty and --size: %j with privateKey is refused',
    async (fields) => {
      const secret = await fresh();
      const privateKey = { secretId: await put(pkcs8Pem(makeKey()), ours) };
      const error = await refused({ secretId: secret.arn, privateKey, ...fields });
      expect(error).toMatchObject({
        errorType: 'InvalidRequest',
        errorMessage: expect.stringContaining('$.privateKey'),
      });
      expect(await versions(secret.arn)).toEqual([secret.versionId]);
    },
  );

  it.each(['-8h', '-1ns', '24h', '1000h'])(
    '--expires-in negative or above the validity rekeys every time: %s is refused',
    async (expiresIn) => {
      const secret = await fresh();
      expect(await refused({ secretId: secret.arn, expiresIn })).toMatchObject({ errorType: 'InvalidRequest' });
      expect(await versions(secret.arn)).toEqual([secret.versionId]);
    },
  );

  it.each(['1ns', '19ns', '20ns'])(
    '--expires-in under 20 ns panics: %s is a window, and not yet reached',
    async (expiresIn) => {
      const { arn } = await fresh();
      const answer = await renew({ secretId: arn, expiresIn });
      expect(answer).toMatchObject({ outcome: 'skipped', reason: { code: 'NotDue' } });
      expect(answer.warnings.map(({ code }) => code)).toEqual(['WindowBelowSchedule']);
    },
  );

  it.each([
    ['expires-in', '24h'],
    ['expires-in', '1000h'],
    ['rekey-period', '24h'],
  ])(
    '--daemon with a window not below the validity is a hot loop: with tag %s %s a third applies, with a warning',
    async (tag, value) => {
      const secret = await fresh({ tags: { [tag]: value } });
      for (let round = 0; round < 3; round++) {
        await scan([secret.arn]);
        await renewer.settled(secret, (found) => found.length === 1);
      }
      const { reason, warnings } = await renew({ secretId: secret.arn, dryRun: true });
      expect(reason.code).toBe('Requested');
      expect(warnings.map(({ code }) => code)).toEqual(['WindowClamped']);
      expect((await renew({ secretId: secret.arn })).outcome).toBe('rekeyed');
      expect(await renew({ secretId: secret.arn })).toMatchObject({ reason: { code: 'RecentlyRenewed' } });
    },
  );

  it('--daemon with a certificate of some minutes is a hot loop: one scan is one renewal', async () => {
    const secret = await fresh({}, { notBefore: minutes(-2), notAfter: minutes(1) });
    await scanned(renewer, secret, 2);
    await waitFor('the worker to be done', () =>
      isOutOfQueue(local.emulator, local.outputs['RenewalQueueUrl'], [secret]),
    );
    expect(await versions(secret.arn)).toHaveLength(2);
    await reader(secret.arn);
  });

  it('--daemon with a certificate of 30 s is a hot loop: a new one that is expired by the CA’s backdate is tried once', async () => {
    const dates = { notBefore: new Date(Date.now() - 1_000), notAfter: new Date(Date.now() + 29_000) };
    const secret = await fresh({}, dates);
    await scan([secret.arn]);
    const failure = await waitFor('the failure', async () => (await look(secret.arn)).tags.get('cert-renewer:failure'));
    expect(failure).toMatch(/^1 \S+ CertificateRejected$/);
    expect(await scan([secret.arn])).toMatchObject({ enqueued: 0, backingOff: 1 });
    expect(await versions(secret.arn)).toEqual([secret.versionId]);
    await reader(secret.arn);
  });

  it('prints a line and exits with 0 for a certificate that is not due: here the answer says so', async () => {
    const { arn } = await fresh();
    const { outcome, reason, renewAt } = await renew({ secretId: arn, expiresIn: '8h' });
    expect({ outcome, code: reason.code }).toEqual({ outcome: 'skipped', code: 'NotDue' });
    expect(reason.message).toContain(renewAt);
  });

  it('refuses an expired certificate: here it is renewed by token and then rekeyed, if the CA allows it', async () => {
    const { access } = local.stack.lenient;
    const dates = { notBefore: minutes(-600), notAfter: minutes(-1) };
    const secret = await fresh({ profile: 'lenient', ca: access }, dates);
    expect(await renew({ secretId: secret.arn })).toMatchObject({ outcome: 'rekeyed', reason: { code: 'Expired' } });
    expect(isKeyOf(secret.leaf.key, (await reader(secret.arn)).certificate)).toBe(false);
    expect(await versions(secret.arn)).toHaveLength(2);
  });

  it('--exec fails after the files are replaced, with exit code 1: here the renewal stays, and an event reports the hook', async () => {
    const secret = await fresh({ profile: 'hooks-fail' });
    const events = await collectEvents(local.emulator, local.outputs['EventBusName'] ?? '', {
      resources: [secret.arn],
    });
    const answer = await renew({ secretId: secret.arn });
    expect(answer.outcome).toBe('rekeyed');
    const told = await events.next('the event', (event) => event['detail-type'] === 'Certificate Hook Failed');
    expect(told.detail).toMatchObject({ secretArn: secret.arn, versionId: answer.versionId });
    expect((await reader(secret.arn)).versionId).toBe(answer.versionId);
    expect(await versions(secret.arn)).toHaveLength(2);
  });

  describeFound([stepTool], '(judged by step)', () => {
    it('writes the new key of an encrypted one unencrypted: here it is encrypted again, with the same password', async () => {
      if (!stepTool.found) throw new Error(stepTool.message);
      const { path } = stepTool;
      const secretPassword = await password();
      const leaf = await issue(local.ca, aged(1));
      const encrypted = await beside({ 'leaf.key': leaf.keyPem, password: secretPassword }, async ({ call, read }) => {
        await call(path, 'crypto', 'change-pass', '--force', '--new-password-file', 'password', 'leaf.key');
        return (await read('leaf.key')).toString();
      });
      expect(encrypted).toContain('Proc-Type: 4,ENCRYPTED');
      const name = await put(camel(leaf, encrypted), { profile: 'encrypted' });
      await renew({ secretId: name });
      const { certificate, privateKey = '' } = fromShape('camel', (await look(name)).value);
      const [, kind] =
        /^(-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC),/.exec(privateKey) ?? [];
      expect(kind).toBeDefined();
      expect(privateKey).not.toBe(encrypted);
      expect(() => createPrivateKey(privateKey)).toThrow();
      await beside({ 'leaf.key': privateKey, password: secretPassword }, async ({ call }) => {
        const publicKey = await call(path, 'crypto', 'key', 'public', '--password-file', 'password', 'leaf.key');
        expect(publicKey).toBe(new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'pem' }));
      });
    });
  });
});
