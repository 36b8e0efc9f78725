import { describe, expect, test } from 'vitest';
import { rootsOf } from '../../lambdas/providers/roots.ts';
import { makeKey, pem } from '../../testkit/certificates/index.ts';
import { renewWith } from '../../testkit/fakes/asking.ts';
import { hierarchy, rootPem } from '../../testkit/fakes/tls-server.ts';
import { credential, mockCa, success } from './step-ca/mock-ca.ts';

/** The same root, in different texts. */
const texts: [string, string][] = [
  ['a byte order mark', `\uFEFF${rootPem}`],
  ['an indentation', rootPem.replaceAll(/^(?=.)/gm, '\t')],
  ['CRLF', rootPem.replaceAll('\n', '\r\n')],
  ["OpenSSL's old label", rootPem.replaceAll(' CERTIFICATE', ' X509 CERTIFICATE')],
  ['text around it', `# ours\n${rootPem}# end`],
];

describe.each(texts)('roots with %s', (_, text) => {
  test('are the same', () => {
    expect(rootsOf(text)).toEqual({ certificates: [new Uint8Array(hierarchy.root)], pem: rootPem });
  });

  test('are trusted in TLS', async () => {
    const ca = await mockCa([[201, success(makeKey('P-256'))]]);
    try {
      await renewWith(ca.provider({ root: text }), credential());
      expect(ca.asked).toHaveLength(1);
    } finally {
      await ca.close();
    }
  });
});

test('several stay in their order', () => {
  expect(rootsOf(`${rootPem}${pem(hierarchy.intermediate)}`).pem).toBe(rootPem + pem(hierarchy.intermediate));
});
