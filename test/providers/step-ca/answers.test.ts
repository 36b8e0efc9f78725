import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { RenewalError } from '../../../lambdas/domain/errors.ts';
import type { CaProvider, Credential } from '../../../lambdas/domain/ports.ts';
import { makeKey, pem } from '../../../testkit/certificates/index.ts';
import { rekeyWith, renewWith } from '../../../testkit/fakes/asking.ts';
import { signerFor } from '../../../testkit/fakes/signer.ts';
import { hierarchy } from '../../../testkit/fakes/tls-server.ts';
import { type Answer, credential, expired, hour, type MockCa, mockCa, now, success, type Wanted } from './mock-ca.ts';

const open: MockCa[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((ca) => ca.close()));
});

async function started(answers: Parameters<typeof mockCa>[0]): Promise<MockCa> {
  const ca = await mockCa(answers);
  open.push(ca);
  return ca;
}

const newKey = signerFor(makeKey('P-256'));
const renew = renewWith;
const rekey = (provider: CaProvider, current: Credential) => rekeyWith(provider, current, newKey);
const generic =
  'The request lacked necessary authorization to be completed. Please see the certificate authority logs for more info.';
const refused = (status: number, message: string): Answer => [status, { status, message }];

function cut(answer: ServerResponse): void {
  answer.writeHead(201, { 'content-length': '5000' }).write('{"crt":"');
  setTimeout(() => answer.socket?.destroy(), 10);
}

/** A renewal with a key in KMS is by token only, so there is one request. */
const failures: readonly [what: string, answer: Answer, code: string, wanted?: Wanted][] = [
  ['401', refused(401, generic), 'CaRejected'],
  [
    '401 of an older kind',
    [401, { type: 'unauthorized', detail: 'unauthorized', message: 'invalid issuer claim (iss)' }],
    'CaRejected',
  ],
  ['403', refused(403, 'not allowed'), 'CaRejected'],
  ['400', refused(400, 'missing csr'), 'CaRejected'],
  ['404, text', [404, '404 page not found\n'], 'CaRejected'],
  ['405 without a body', [405, ''], 'CaRejected'],
  ['429', refused(429, 'slow down'), 'CaUnavailable'],
  ['429, HTML', [429, '<html>'], 'CaUnavailable'],
  ['431, text', [431, '431 Request Header Fields Too Large'], 'CaRejected'],
  ['500', refused(500, 'The certificate authority encountered an Internal Server Error.'), 'CaUnavailable'],
  [
    '500 for the audience, which lasts',
    refused(500, 'error validating renew token: invalid audience claim (aud)'),
    'CaRejected',
  ],
  ['500 for the signature, which lasts', refused(500, 'error validating renew token'), 'CaRejected'],
  ['501', refused(501, 'not implemented'), 'CaUnavailable'],
  ['502, HTML', [502, '<html>Bad Gateway'], 'CaUnavailable'],
  ['503, JSON of a proxy', [503, { error: 'no upstream' }], 'CaUnavailable'],
  ['302', (answer) => answer.writeHead(302, { location: '/renew' }).end(), 'CaRejected'],
  ['200, HTML', [200, '<html>Welcome'], 'CaRejected'],
  ['201, empty', [201, ''], 'CaRejected'],
  ['204', [204, ''], 'CaRejected'],
  ['201, an array', [201, []], 'CaRejected'],
  ['201, null', [201, 'null'], 'CaRejected'],
  ['201, without a certificate', [201, { ca: pem(hierarchy.root) }], 'CaRejected'],
  ['201, a certificate that is a number', [201, { crt: 7, certChain: [7] }], 'CaRejected'],
  ['201, a certificate that is no PEM', [201, { crt: 'AAAA' }], 'CaRejected'],
  ['201, a certificate whose PEM is broken', [201, { crt: '-----BEGIN CERTIFICATE-----\nAA' }], 'CaRejected'],
  ['201, a public key', [201, { crt: '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----' }], 'CaRejected'],
  ['201, two certificates in one', [201, { crt: pem(hierarchy.root, hierarchy.root) }], 'CaRejected'],
  ['201, an endless chain', [201, { certChain: Array(1_000).fill(pem(hierarchy.root)) }], 'CaRejected'],
  ['201, not UTF-8', (answer) => answer.writeHead(201).end(Buffer.from([0x7b, 0xff, 0x7d])), 'CaRejected'],
  ['201, nested deep', [201, '['.repeat(500_000)], 'CaRejected'],
  ['201, __proto__', [201, `{"__proto__":{"crt":${JSON.stringify(pem(hierarchy.root))}}}`], 'CaRejected'],
  ['201, cut', (answer) => cut(answer), 'CaUnavailable'],
  ['201, 2 MiB', [201, 'x'.repeat(2 ** 21)], 'CaRejected'],
  ['503, 2 MiB', [503, 'x'.repeat(2 ** 21)], 'CaUnavailable'],
  [
    '401 for an expired certificate, plainly',
    refused(401, 'lacked authorization: certificate expired on 2026-01-01'),
    'CertificateExpired',
    expired,
  ],
  ['401 for an expired certificate, generic', refused(401, generic), 'CertificateExpired', expired],
  [
    "401 expired by the CA's clock alone",
    refused(401, 'lacked authorization: certificate expired on 2026-01-01'),
    'CertificateExpired',
  ],
  ['500 for an expired certificate', refused(500, 'database is locked'), 'CaUnavailable', expired],
  ['401 for one that is not valid yet', refused(401, generic), 'NotYetValid', { notBefore: now + hour / 2 }],
];

describe("the CA's answer", () => {
  test.each(failures)('%s', async (what, answer, code, wanted = {}) => {
    const ca = await started([answer]);
    const error: unknown = await renew(ca.provider(), credential({ ...wanted, inKms: true })).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(RenewalError);
    expect(error).toMatchObject({ code, busy: what.startsWith('429') });
    expect(ca.asked).toHaveLength(1);
  });

  test.each(failures.filter(([, , , wanted]) => wanted === undefined))('%s, to a rekey', async (_, answer, code) => {
    const ca = await started([answer]);
    await expect(rekey(ca.provider(), credential())).rejects.toMatchObject({ code });
  });

  test('is quoted on one line and cut, without what could be a token', async () => {
    const ca = await started((question) => [
      403,
      { message: `no\n${JSON.stringify(question.token)} ${'long '.repeat(200)}` },
    ]);
    const echo = await started(
      () => (answer) => answer.writeHead(403).end(JSON.stringify({ message: 'x'.repeat(90) })),
    );
    for (const { provider } of [ca, echo]) {
      const { message } = await renew(provider(), credential({ inKms: true })).then(
        () => new Error('no error'),
        (thrown: Error) => thrown,
      );
      expect(message).toMatch(/403/);
      expect(message).not.toMatch(/\n|[\w-]{60}/);
      expect(message.length).toBeLessThan(500);
    }
  });

  test('with crt and ca alone, or with status 200, is accepted too', async () => {
    const current = credential({ inKms: true });
    const { crt, ca: issuer, certChain } = success(makeKey('P-256'));
    const answers: readonly [Answer, string][] = [
      [[201, { crt, ca: issuer }], crt + issuer],
      [[200, { certChain }], crt + issuer],
      [[201, { crt, ca: '' }], crt],
    ];
    for (const [answer, chain] of answers) {
      const ca = await started([answer]);
      expect(pem(...(await renew(ca.provider(), current)).certificates)).toBe(chain);
    }
  });
});
