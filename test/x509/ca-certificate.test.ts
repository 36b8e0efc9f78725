import { expect, it } from 'vitest';
import * as d from '../../lambdas/asn1/write.ts';
import { signatureAlgorithmDer } from '../../lambdas/x509/algorithms.ts';
import { buildCaCertificate } from '../../lambdas/x509/ca-certificate.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import { findExtension } from '../../lambdas/x509/extensions.ts';
import { oids } from '../../lambdas/x509/oids.ts';
import { day, dns, now, party } from './issue.ts';

it.each<[what: string, permitted: Uint8Array[], excluded: Uint8Array[], hex: string | undefined]>([
  ['none', [], [], undefined],
  ['a permitted one', [dns('a')], [], '3007a0053003820161'],
  ['an excluded one', [], [dns('b')], '3007a1053003820162'],
  ['one of each', [dns('a')], [dns('b')], '300ea0053003820161a1053003820162'],
])('name constraints: %s', (_, permitted, excluded, hex) => {
  const ca = party('CA');
  const issuerKeySpec = { kty: 'EC', curve: 'P-256' } as const;
  const tbs = buildCaCertificate({
    subject: ca.name,
    spki: ca.spki,
    issuer: 'self',
    issuerKeySpec,
    serialNumber: Uint8Array.of(1),
    pathLength: 0,
    permitted,
    excluded,
    notBefore: now,
    notAfter: now + day,
  });
  const certificate = parseCertificate(
    d.sequence(tbs, signatureAlgorithmDer(issuerKeySpec), d.bitString(Uint8Array.of(1))),
  );
  const found = findExtension(certificate, oids.nameConstraints);
  expect(found && Buffer.from(found.value).toString('hex')).toBe(hex);
});
