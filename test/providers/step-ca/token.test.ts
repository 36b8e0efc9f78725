import { createPublicKey } from 'node:crypto';
import { decodeProtectedHeader, jwtVerify } from 'jose';
import { describe, expect, test } from 'vitest';
import { renewalToken } from '../../../lambdas/providers/step-ca/token.ts';
import { parseCertificate } from '../../../lambdas/x509/certificate.ts';
import {
  commonNameOnly,
  distinguishedName,
  type KeyKind,
  makeHierarchy,
  makeKey,
  makeLeaf,
} from '../../../testkit/certificates/index.ts';
import { fakeEntropy } from '../../../testkit/fakes/entropy.ts';
import { signerFor } from '../../../testkit/fakes/signer.ts';

const now = Date.parse('2026-11-22T08:00:00.900Z');
const hour = 3_600_000;
const hierarchy = makeHierarchy(now - hour, now + hour);
const intermediate = parseCertificate(hierarchy.intermediate);

function made(kind: KeyKind, subject = commonNameOnly('leaf.example')) {
  const key = makeKey(kind);
  const leaf = makeLeaf({ key, subject, notBefore: now - hour, notAfter: now + hour }, hierarchy);
  const request = {
    leaf: parseCertificate(leaf),
    issuers: [intermediate],
    audience: 'https://ca.example:9000/renew',
    now,
    entropy: fakeEntropy(),
  };
  return { key, request };
}

describe('the renewal token', () => {
  test.each([
    ['P-256', 'ES256'],
    ['P-384', 'ES384'],
    ['P-521', 'ES512'],
    ['Ed25519', 'EdDSA'],
    ['RSA-2048', 'RS256'],
  ] as const)('of a key of %s is a JWT that another library verifies as %s', async (kind, alg) => {
    const { key, request } = made(kind);
    // R and S may have different lengths; test/x509 tries every length.
    for (let round = 0; round < (kind.startsWith('P-') ? 12 : 2); round++) {
      const token = await renewalToken(request, signerFor(key, { inKms: true }));
      const options = { algorithms: [alg], currentDate: new Date(now), audience: request.audience };
      const { payload, protectedHeader } = await jwtVerify(token, createPublicKey(key), options);
      expect(protectedHeader.alg).toBe(alg);
      expect(payload.iss).toBe('step-ca-client/1.0');
    }
  });

  test('has the chain in standard base64, and the claims that step-ca requires', async () => {
    const { key, request } = made('P-256');
    const token = await renewalToken(request, signerFor(key));
    const base64 = (der: Uint8Array): string => Buffer.from(der).toString('base64');
    expect(decodeProtectedHeader(token)).toEqual({
      alg: 'ES256',
      typ: 'JWT',
      x5cInsecure: [base64(request.leaf.der), base64(hierarchy.intermediate)],
    });
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    const seconds = Date.parse('2026-11-22T08:00:00Z') / 1000;
    expect(claims).toEqual({
      iss: 'step-ca-client/1.0',
      aud: 'https://ca.example:9000/renew',
      sub: 'leaf.example',
      jti: expect.stringMatching(/^[0-9a-f]{32}$/),
      iat: seconds - 30,
      nbf: seconds - 30,
      exp: seconds + 300,
    });
  });

  test.each<[string, Uint8Array, string]>([
    ['the last of several', distinguishedName([['CN', 'a']], [['CN', 'b']]), 'b'],
    ['beyond ASCII', commonNameOnly('Zürich ✓'), 'Zürich ✓'],
    ['none', distinguishedName([['O', 'Leaf']]), ''],
    ['an empty subject', distinguishedName(), ''],
  ])('has the common name as its subject: %s', async (_, subject, sub) => {
    const { key, request } = made('P-256', subject);
    const token = await renewalToken(request, signerFor(key));
    expect(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())).toMatchObject({ sub });
  });

  test('is never the same twice', async () => {
    const { key, request } = made('Ed25519'); // deterministic signatures
    const tokens = await Promise.all(Array.from({ length: 50 }, () => renewalToken(request, signerFor(key))));
    expect(new Set(tokens).size).toBe(50);
  });
});
