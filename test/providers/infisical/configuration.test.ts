import { describe, expect, test } from 'vitest';
import { RenewalError } from '../../../lambdas/domain/errors.ts';
import type { SecretValue } from '../../../lambdas/domain/secret.ts';
import { parseCertificate } from '../../../lambdas/x509/certificate.ts';
import { makeHierarchy, pem } from '../../../testkit/certificates/index.ts';
import { ca, credential, day, login, now } from '../../../testkit/fakes/infisical.ts';
import { rootPem, tcpServer } from '../../../testkit/fakes/tls-server.ts';
import { failureOf, renew, servers } from './servers.ts';

const { keep, started } = servers();

describe('trust', () => {
  test("is in the profile's root only, or in the system's if there is none", async () => {
    const fake = await started();
    const stranger = pem(makeHierarchy(now - day, now + day).root);
    for (const root of [stranger, undefined]) {
      await expect(renew(fake.provider({ root }))).rejects.toMatchObject({ code: 'CaUntrusted' });
    }
    expect(fake.asked).toEqual([]);
  });

  test('sends nothing to a server without TLS', async () => {
    const heard: string[] = [];
    const server = await tcpServer((socket) => {
      socket.on('data', (data) => heard.push(data.toString('latin1')));
      socket.end('HTTP/1.1 200 OK\r\n\r\n{}');
    });
    keep(server);
    const fake = await started();
    const renewal = renew(fake.provider({ url: server.url.origin }));
    await expect(renewal).rejects.toMatchObject({ code: expect.stringMatching(/CaRejected|CaUnavailable/) });
    expect(heard.join()).not.toContain(login.clientSecret);
  });

  const { leaf, chain } = credential();
  const root = parseCertificate(ca.root);
  const intermediate = parseCertificate(makeHierarchy(now - day, now + day).intermediate);
  const stranger = parseCertificate(makeHierarchy(now - day, now + day).root);

  test.each([
    ["the profile's alone, and not the secret's own", rootPem, { leaf, chain }, rootPem],
    ['all of the profile’s', rootPem + pem(ca.root), { leaf, chain }, rootPem + pem(ca.root)],
    ["the profile's alone for a root itself", rootPem, { leaf: root, chain: [] }, rootPem],
    ["the secret's own alone", undefined, { leaf, chain }, pem(ca.root)],
    ['a root itself', undefined, { leaf: root, chain: [] }, pem(ca.root)],
    ['no root that it does not lead to', undefined, { leaf, chain: [stranger, root, intermediate] }, pem(ca.root)],
    ["the profile's where nothing is known of the secret", rootPem, undefined, rootPem],
  ])('a chain may end in %s', async (_, own, current, expected) => {
    const fake = await started();
    expect(pem(...(await fake.provider({ root: own }).roots(current)))).toBe(expected);
  });

  test('without any root the error says where to put one', async () => {
    const fake = await started();
    await expect(fake.provider({ root: undefined }).roots({ leaf, chain: [] })).rejects.toMatchObject({
      code: 'CaUntrusted',
      message: expect.stringMatching(/root of the profile/),
    });
  });
});

describe('the auth secret', () => {
  const string = (value: unknown): SecretValue => ({
    kind: 'string',
    text: typeof value === 'string' ? value : JSON.stringify(value),
  });
  test.each<[string, SecretValue]>([
    ['binary', { kind: 'binary', bytes: Buffer.from(JSON.stringify(login)) }],
    ['no JSON', string('client-1:the-client-secret')],
    ['a list', string([login])],
    ['empty', string({})],
    ['half of it', string({ clientId: 'client-1' })],
    ['the other half', string({ clientSecret: login.clientSecret })],
    ['empty fields', string({ clientId: '', clientSecret: '' })],
    ['fields of another kind', string({ clientId: 1, clientSecret: 2 })],
    ['both kinds', string({ ...login, token: 'the-token' })],
    ['a token of two lines', string({ token: 'the-token\nx' })],
    ['an empty token', string({ token: '' })],
  ])('%s is UnsupportedSecret, with what is expected and without a quote', async (_, secret) => {
    const fake = await started();
    fake.secret = secret;
    const error = await failureOf(renew(fake.provider()));
    expect(error).toMatchObject({
      code: 'UnsupportedSecret',
      message: expect.stringMatching(/clientId and clientSecret/),
    });
    expect(error.message).not.toMatch(/the-client-secret|the-token|client-1/);
    expect(fake.asked).toEqual([]);
  });

  test('that is missing is UnsupportedSecret too; other errors of the store are passed on', async () => {
    const fake = await started();
    const failing = (code: 'SecretNotFound' | 'AccessDenied') =>
      renew(fake.provider({}, { store: { read: () => Promise.reject(new RenewalError(code, 'x')) } }));
    await expect(failing('SecretNotFound')).rejects.toMatchObject({ code: 'UnsupportedSecret' });
    await expect(failing('AccessDenied')).rejects.toMatchObject({ code: 'AccessDenied' });
  });

  test('may have more fields', async () => {
    const fake = await started();
    fake.secret = string({ ...login, comment: 'renewal of the issuing CA' });
    await renew(fake.provider());
  });
});

describe('the provider can’t be made', () => {
  test.each<[string, Record<string, string>]>([
    ['with http', { url: 'http://infisical.example' }],
    ['with no url', { url: 'infisical' }],
    ['with a root that is none', { root: 'root_ca.crt' }],
    ['with a root that is no certificate', { root: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' }],
    ['with an empty caId', { caId: '' }],
    ['with a caId that leads elsewhere', { caId: '..' }],
    ...[
      'api/v1',
      '/a/../{caId}',
      '/a/./{caId}/renew',
      '/a?x={caId}',
      '/a#{caId}',
      '/a/{caid}',
      '//evil.example/{caId}',
      '/a/%2e%2e/{caId}',
      '/{caId}\n',
      `/${'a'.repeat(600)}`,
      '',
    ].map((apiPath): [string, Record<string, string>] => [
      `with the apiPath ${JSON.stringify(apiPath).slice(0, 30)}`,
      { apiPath },
    ]),
  ])('%s', async (_, options) => {
    const fake = await started();
    expect(() => fake.provider(options)).toThrow(RenewalError);
  });
});
