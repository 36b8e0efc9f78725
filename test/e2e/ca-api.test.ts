/** docs/ca-api.md over HTTP, on the deployed stack with bearer tokens: each status, in the order of the table. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { beforeAll, describe, expect, it } from 'vitest';
import document from '../../docs/ca-api.openapi.json' with { type: 'json' };
import { forge } from '../../testkit/cas/leaf.ts';
import {
  callCaApi,
  type HttpAnswer,
  type HttpCall,
  newPath,
  newToken,
  oldPath,
  renewalUntil,
} from '../../testkit/local-aws/ca-api.ts';
import { client, invoke, uniqueName, waitFor } from '../../testkit/local-aws/client.ts';
import { opensslVerify } from '../authority/openssl.ts';
import { crowd, saysNoRoom } from '../support/crowded.ts';
import { apiAuthorities, TOKEN_SECRET } from '../support/e2e-config.ts';
import { describeWith } from '../support/local.ts';
import { serialOf } from '../support/renewer.ts';

const all = newToken(Object.keys(apiAuthorities));
const onlyRoot = newToken(['api-root']);
const ended = newToken(['api-root'], '2026-01-01T00:00:00Z');
const ajv = new Ajv2020({ strict: false, formats: { 'date-time': true }, discriminator: false });
ajv.addSchema(document, 'api');

/** Checks that the OpenAPI document describes the answer for this status. */
function expectDescribed({ status, body, headers }: HttpAnswer): void {
  const { responses } = document.paths['/api/v1/pki/ca/{caId}/renew'].post;
  const { $ref } = responses[String(status) as keyof typeof responses];
  const judge = ajv.compile({ $ref: `api${$ref}/content/application~1json/schema` });
  expect({ valid: judge(body), errors: judge.errors }).toMatchObject({ valid: true });
  expect(headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' });
}

describeWith(['stack'], 'the CA API with bearer tokens', ({ emulator, outputs }) => {
  const ask = (call: HttpCall) => callCaApi(outputs['CaApiUrl'] ?? '', call);
  const secrets = client(SecretsManagerClient, emulator);
  const read = async (SecretId: string): Promise<Record<string, string>> =>
    JSON.parse((await secrets.send(new GetSecretValueCommand({ SecretId }))).SecretString ?? '{}');

  beforeAll(async () => {
    const SecretString = JSON.stringify([all.entry, onlyRoot.entry, ended.entry]);
    await secrets.send(new PutSecretValueCommand({ SecretId: TOKEN_SECRET, SecretString }));
  });

  const good = { token: all.token };
  const large = renewalUntil('2035-01-01T00:00:00.000Z').padEnd(16 * 1024 + 1);
  const cases: [number, string, string, HttpCall][] = [
    // One fault each.
    [404, 'NotFound', 'another route', { ...good, path: '/api/v1/pki/ca' }],
    [404, 'NotFound', 'another method', { ...good, method: 'PUT', path: newPath('api-root') }],
    [401, 'Unauthorized', 'no token', { path: newPath('api-root') }],
    [401, 'Unauthorized', 'an unknown token', { path: newPath('api-root'), token: newToken([]).token }],
    [401, 'Unauthorized', 'a token that has ended', { path: newPath('api-root'), token: ended.token }],
    [401, 'Unauthorized', 'another scheme', { path: newPath('api-root'), authorization: `Basic ${all.token}` }],
    [400, 'BadRequest', 'over 16 KiB', { ...good, path: newPath('api-root'), body: large }],
    [400, 'BadRequest', 'no JSON', { ...good, path: newPath('api-root'), body: '{' }],
    [400, 'BadRequest', 'nothing', { ...good, path: newPath('api-root'), body: '' }],
    [422, 'ValidationFailure', 'no object', { ...good, path: newPath('api-root'), body: '[]' }],
    [
      422,
      'ValidationFailure',
      'another type',
      { ...good, path: newPath('api-root'), body: '{"type":"new","notAfter":"2035-01-01T00:00:00.000Z"}' },
    ],
    [
      422,
      'ValidationFailure',
      'no milliseconds',
      { ...good, path: newPath('api-root'), body: renewalUntil('2035-01-01T00:00:00Z') },
    ],
    [
      422,
      'ValidationFailure',
      'an unknown key',
      { ...good, path: newPath('api-root'), body: '{"type":"existing","notAfter":"2035-01-01T00:00:00.000Z","x":1}' },
    ],
    [404, 'NotFound', 'an unknown authority', { ...good, path: newPath('nobody') }],
    [403, 'PermissionDenied', 'a token of another authority', { path: newPath('api-issuing'), token: onlyRoot.token }],
    [400, 'BadRequest', 'no certificate yet', { ...good, path: newPath('api-empty') }],
    [400, 'BadRequest', 'a disabled authority', { ...good, path: newPath('api-off') }],
    [
      400,
      'BadRequest',
      'a time that is past',
      { ...good, path: newPath('api-root'), body: renewalUntil('2020-01-01T00:00:00.000Z') },
    ],
    [
      400,
      'BadRequest',
      'no later than today',
      { ...good, path: newPath('api-root'), body: renewalUntil('2027-06-01T00:00:00.000Z') },
    ],
    [
      400,
      'BadRequest',
      'beyond the parent',
      { ...good, path: newPath('api-issuing'), body: renewalUntil('2099-01-01T00:00:00.000Z') },
    ],
    [
      500,
      'InternalServerError',
      'a key that is not the certificate’s',
      { ...good, path: newPath('api-broken'), body: renewalUntil('2040-01-01T00:00:00.000Z') },
    ],
    // Two faults each: the one that is earlier in the table is reported.
    [404, 'NotFound', 'route before credentials', { path: '/api/v1/pki/ca/api-root' }],
    [401, 'Unauthorized', 'credentials before JSON', { path: newPath('api-root'), body: '{' }],
    [400, 'BadRequest', 'JSON before authority', { ...good, path: newPath('nobody'), body: '{' }],
    [422, 'ValidationFailure', 'schema before authority', { ...good, path: newPath('nobody'), body: '{}' }],
    [
      422,
      'ValidationFailure',
      'schema before permission',
      { path: newPath('api-off'), token: onlyRoot.token, body: '{}' },
    ],
    [404, 'NotFound', 'authority before permission', { path: newPath('nobody'), token: onlyRoot.token }],
    [403, 'PermissionDenied', 'permission before rules', { path: newPath('api-off'), token: onlyRoot.token }],
  ];

  it.each(cases)('%i %s: %s', async (status, error, _, call) => {
    const answer = await ask(call);
    expect(answer).toMatchObject({ status, body: { statusCode: status, error, reqId: expect.stringMatching(/\S/) } });
    expectDescribed(answer);
    if (status === 403) expect(answer.body.details).toEqual(expect.anything());
    if (status === 422)
      expect(answer.body.message).toContainEqual(expect.objectContaining({ message: expect.any(String) }));
  });

  it('400: the parent’s key is elsewhere', async () => {
    const token = newToken(['own']);
    const SecretString = JSON.stringify([all.entry, onlyRoot.entry, ended.entry, token.entry]);
    await secrets.send(new PutSecretValueCommand({ SecretId: TOKEN_SECRET, SecretString }));
    const answer = await ask({ path: newPath('own'), token: token.token });
    expect(answer).toMatchObject({ status: 400, body: { error: 'BadRequest' } });
  });

  describe('200', () => {
    /** Makes a leaf of `api-issuing`, in a secret of the profile `api-issued`. */
    async function leafOf(issuing: Record<string, string>) {
      const { certificate: intermediatePem = '', privateKey: intermediateKeyPem = '' } = issuing;
      const provisioner = { name: 'api', kid: 'api', keyPem: '' };
      const ca = { url: '', rootPem: '', intermediatePem, intermediateKeyPem, provisioner };
      const leaf = await forge(ca, { sans: ['dns:api-leaf.example'] });
      const value = { certificate: leaf.certificatePem, privateKey: leaf.keyPem, certificateChain: intermediatePem };
      const Tags = [{ Key: 'cert-renewer:profile', Value: 'api-issued' }];
      const Name = uniqueName('api-leaf');
      await secrets.send(new CreateSecretCommand({ Name, SecretString: JSON.stringify(value), Tags }));
      return { name: Name, leaf };
    }
    const der = (pem: string | undefined) => new X509Certificate(pem ?? '').raw;

    it('renews root and intermediate; old and new leaves verify under both', async () => {
      const now = Date.now();
      const [root, issuing] = [await read('e2e/api-root'), await read('e2e/api-issuing')];
      const { name, leaf } = await leafOf(issuing);

      const renewedRoot = await ask({
        ...good,
        path: oldPath('api-root'),
        body: renewalUntil('2045-01-01T00:00:00.000Z'),
      });
      expect(renewedRoot).toMatchObject({ status: 200, body: { certificateChain: '' } });
      expectDescribed(renewedRoot);
      const renewedIssuing = await ask({
        ...good,
        path: newPath('api-issuing'),
        body: renewalUntil('2044-01-01T00:00:00.000Z'),
      });
      expect(renewedIssuing.status).toBe(200);
      expectDescribed(renewedIssuing);
      expect(renewedIssuing.body.certificateChain).toBe(renewedRoot.body.certificate);

      const stored = await read('e2e/api-issuing');
      expect(new X509Certificate(stored['certificate'] ?? '').fingerprint256).toBe(
        new X509Certificate(renewedIssuing.body.certificate).fingerprint256,
      );
      expect(serialOf(new X509Certificate(renewedIssuing.body.certificate))).toBe(renewedIssuing.body.serialNumber);
      const after = await invoke<{ outcome: string }>(emulator, outputs['RenewFunctionName'] ?? '', { secretId: name });
      expect(after).toMatchObject({ error: undefined, payload: { outcome: 'rekeyed' } });
      const { certificate: leafAfter = '', privateKey = '' } = await read(name);
      expect(new X509Certificate(leafAfter).checkPrivateKey(createPrivateKey(privateKey))).toBe(true);

      for (const each of [leaf.certificate.raw, der(leafAfter)]) {
        for (const chain of [der(issuing['certificate']), der(renewedIssuing.body.certificate)]) {
          for (const anchor of [der(root['certificate']), der(renewedRoot.body.certificate)]) {
            expect(opensslVerify(each, { roots: [anchor], chain: [chain], now: now + 1000 })).toMatchObject({
              ok: true,
            });
          }
        }
      }
    });

    it('renews an authority when its secret, its password and the token are encrypted with a customer key', async () => {
      const { secretId } = apiAuthorities['api-sealed'];
      const { privateKey } = await read(secretId);
      const body = renewalUntil('2045-01-01T00:00:00.000Z');
      const answer = await ask({ ...good, path: newPath('api-sealed'), body });
      expect(answer).toMatchObject({ status: 200, body: { certificateChain: '' } });
      const stored = await read(secretId);
      expect(der(stored['certificate']).equals(der(answer.body.certificate))).toBe(true);
      expect(stored['privateKey']).toBe(privateKey);
    });

    it('refuses a secret without room for the status tags; API and workers both put the label on it', async () => {
      const { secretId } = apiAuthorities['api-crowded'];
      await crowd(secrets, secretId);
      const body = renewalUntil('2044-01-01T00:00:00.000Z');
      const { status } = await ask({ ...good, path: newPath('api-crowded'), body });
      expect(status).toBeGreaterThanOrEqual(400);
      await waitFor('the note', () => saysNoRoom(secrets, secretId));

      const SecretString = JSON.stringify(await read(secretId));
      await secrets.send(new PutSecretValueCommand({ SecretId: secretId, SecretString }));
      expect(await saysNoRoom(secrets, secretId)).toBe(false);
      await invoke(emulator, outputs['ScanFunctionName'] ?? '', { profile: 'authority:api-crowded' });
      await waitFor('the note', () => saysNoRoom(secrets, secretId));
    });

    it('renews once for three requests at once, and refuses the others', async () => {
      const body = renewalUntil('2046-01-01T00:00:00.000Z');
      const answers = await Promise.all([1, 2, 3].map(() => ask({ ...good, path: newPath('api-root'), body })));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400]);
    });
  });
});
