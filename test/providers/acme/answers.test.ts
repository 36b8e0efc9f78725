/** What else the CA may answer: roots, windows, broken answers. */
import { describe, expect, test } from 'vitest';
import type { CaProvider } from '../../../lambdas/domain/ports.ts';
import { openAcme } from '../../../lambdas/providers/acme/index.ts';
import { certificateId } from '../../../lambdas/providers/acme/renewal-info.ts';
import { parseCertificate } from '../../../lambdas/x509/certificate.ts';
import {
  authorityKeyIdentifier,
  commonNameOnly,
  extension,
  makeKey,
  makeLeaf,
  pem,
  sequence,
  signCertificate,
  spkiOf,
} from '../../../testkit/certificates/index.ts';
import { hierarchy, rootPem, tlsServer } from '../../../testkit/fakes/tls-server.ts';
import { ask, closeScenes, failureOf, type Scene, scene } from './scene.ts';

closeScenes();

const key = makeKey();
const leaf = parseCertificate(
  makeLeaf({ key, subject: commonNameOnly('x'), notBefore: 0, notAfter: 1_000 }, hierarchy),
);
const window = (provider: CaProvider, of = leaf) => provider.suggestedWindow?.({ leaf: of, chain: [] });

describe('the suggested window', () => {
  test.each([
    ['2026-01-02T04:00:00Z', '2026-01-03T04:00:00Z'],
    ['2026-01-02T04:00:00.5Z', '2026-01-03T04:00:00+02:00'],
  ])('from %s to %s is read', async (start, end) => {
    const at = await scene({ window: { start, end } });
    expect(await window(at.provider())).toEqual({ start: Date.parse(start), end: Date.parse(end) });
  });

  test.each([
    ['that ends first', { start: '2026-01-03T04:00:00Z', end: '2026-01-02T04:00:00Z' }],
    ['without an end', { start: '2026-01-03T04:00:00Z' }],
    ['of other texts', { start: 'now', end: 'later' }],
    ['that is no object', 7],
  ])('%s counts as no answer', async (_, wrong) => {
    const at = await scene({ window: wrong });
    expect(await failureOf(Promise.resolve(window(at.provider())))).toMatchObject({ code: 'CaUnavailable' });
  });

  test.each([
    ['where the CA has none for it', {}, leaf],
    ['where the CA has none at all', { hasRenewalInfo: false, window: {} }, leaf],
    [
      'for a certificate without an authority key identifier',
      { window: {} },
      parseCertificate(
        signCertificate(
          { subject: sequence(), spki: spkiOf(key), notBefore: 0, notAfter: 1_000, extensions: [] },
          { subject: sequence(), key },
        ),
      ),
    ],
  ])('is undefined %s', async (_, behaviour, of) => {
    const at = await scene(behaviour);
    expect(await window(at.provider(), of)).toBeUndefined();
  });

  test('is asked for by the id of RFC 9773 section 4.1', () => {
    const aki = Buffer.from('69885b6b87467841e1b37b847ba0ae2cde01c8d5', 'hex');
    const example = parseCertificate(
      signCertificate(
        {
          subject: sequence(),
          spki: spkiOf(key),
          notBefore: 0,
          notAfter: 1_000,
          serialNumber: Buffer.from('8765432100'.slice(0, 8), 'hex'),
          extensions: [extension('2.5.29.35', sequence(Uint8Array.of(0x80, aki.length), aki))],
        },
        { subject: sequence(), key },
      ),
    );
    expect(certificateId(example)).toBe('aYhba4dGeEHhs3uEe6CuLN4ByNU.AIdlQyE');
    expect(certificateId({ ...example, extensions: [authorityKeyIdentifier(spkiOf(key))] })).toMatch(/^[\w-]{27}\./);
  });
});

describe('the roots', () => {
  test('are the configured ones', async () => {
    const at = await scene();
    expect(await at.provider({ root: pem(hierarchy.root) }).roots()).toEqual([hierarchy.root]);
  });

  test('are the public CAs by default', async () => {
    const at = await scene();
    const provider = at.provider();
    const roots = await provider.roots();
    expect(roots.length).toBeGreaterThan(50);
    expect(await provider.roots()).toBe(roots);
  });
});

describe('the address', () => {
  const usual = { challenge: { type: 'none' } } as const;
  test.each([
    [
      'both',
      { directory: 'https://ca.example/dir', acmEndpoint: 'arn:aws:acm:eu-central-1:123456789012:acme-endpoint/e1' },
    ],
    ['neither', {}],
    ['http', { directory: 'http://ca.example/dir' }],
    ['another ARN', { acmEndpoint: 'arn:aws:acm:eu-central-1:123456789012:certificate/e1' }],
    ['a host in an ARN', { acmEndpoint: 'arn:aws:acm:evil.example/:123456789012:acme-endpoint/e1' }],
  ])('is refused with %s', (_, config) => {
    expect(() => openAcme({ ...usual, ...config })).toThrow(expect.objectContaining({ code: 'InvalidRequest' }));
  });

  test("of ACM's endpoint follows from its ARN", async () => {
    const acmEndpoint = 'arn:aws:acm:eu-central-1:123456789012:acme-endpoint/e-1';
    const { acmeCa } = await import('../../../lambdas/providers/acme/ca.ts');
    expect(acmeCa({ ...usual, acmEndpoint }, {}).address.href).toBe(
      'https://acm-acme-enroll.eu-central-1.api.aws/e-1/directory',
    );
  });
});

describe('a CA that answers', () => {
  test('can be reached', async () => {
    const at = await scene();
    await at.provider().answers?.();
    expect(at.ca.faults.calls.map(({ method }) => method)).toEqual(['directory']);
  });

  test('is not trusted with other roots than serverRoot', async () => {
    const at = await scene();
    const error = await failureOf(ask(at, at.provider({ serverRoot: undefined })));
    expect(error).toMatchObject({ code: 'CaUntrusted', message: expect.stringContaining('serverRoot') });
  });

  test.each([
    ['no JSON', 200, '<html>', 'CaRejected'],
    ['an empty directory', 200, '{}', 'CaRejected'],
    [
      'an address that is not https',
      200,
      '{"newNonce":"http://x/","newAccount":"http://x/","newOrder":"http://x/"}',
      'CaRejected',
    ],
    ['an address of a file', 200, '{"newNonce":"file:///etc/passwd"}', 'CaRejected'],
    ['a redirect', 302, '', 'CaRejected'],
    ['404', 404, 'not here', 'CaRejected'],
    ['503 of a proxy', 503, '<html>', 'CaUnavailable'],
    ['429 of a proxy', 429, '<html>', 'CaUnavailable'],
    ['a problem of odd types', 400, '{"type":7,"detail":{},"subproblems":{"a":1}}', 'CaRejected'],
  ])('with %s', async (_, status, body, code) => {
    const server = await tlsServer((_request, response) => response.writeHead(status).end(body));
    try {
      const at: Scene = await scene();
      const directory = `${server.url.origin}/directory`;
      const error = await failureOf(ask(at, at.provider({ directory, serverRoot: rootPem })));
      expect(error.code).toBe(code);
      expect(error.message).not.toMatch(/html|undefined|\[object/);
    } finally {
      await server.close();
    }
  });
});
