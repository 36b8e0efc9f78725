import { X509Certificate } from 'node:crypto';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import * as d from '../../lambdas/asn1/writer.ts';
import { isSignedBy, weakSignature } from '../../lambdas/x509/signature.ts';
import { spkiOf as fakeSpkiOf, makeKey } from '../../testkit/certificates/index.ts';
import { issue, party } from './issue.ts';

const ca = party('CA');
const root = issue(ca, ca, { ca: true });
const leaf = issue(ca, party('leaf'));

describe('a certificate is signed by', () => {
  /** Spies on X509Certificate.verify for one test. */
  const watchVerify = () => {
    const verify = vi.spyOn(X509Certificate.prototype, 'verify');
    onTestFinished(() => verify.mockRestore());
    return verify;
  };

  it('the key of its issuer, which is verified once', () => {
    const verify = watchVerify();
    for (let time = 0; time < 2; time++) expect(isSignedBy(leaf, root)).toBe(true);
    expect(verify).toHaveBeenCalledTimes(1);
  });

  it.each([
    ['a certificate', leaf.der],
    ['one that is none', d.sequence()],
  ])('one of several issuers, for which %s is parsed once', (_, der) => {
    let reads = 0;
    const counting = {
      ...leaf,
      get der() {
        reads++;
        return der;
      },
    };
    for (let time = 0; time < 2; time++) isSignedBy(counting, { ...root });
    expect(reads).toBe(1);
  });

  it.each(['P-256', 'P-384', 'P-521', 'Ed25519', 'RSA-2048'] as const)('no other key, of kind %s', (kind) => {
    expect(isSignedBy(leaf, { ...root, spki: fakeSpkiOf(makeKey(kind)) })).toBe(false);
  });

  it('no key that OpenSSL does not accept', () => {
    expect(isSignedBy(leaf, { ...root, spki: d.sequence() })).toBe(false);
  });

  it('nobody, if OpenSSL does not accept the certificate', () => {
    expect(isSignedBy({ ...leaf, der: d.sequence() }, root)).toBe(false);
  });

  it('nobody, if OpenSSL fails on it', () => {
    watchVerify().mockImplementation(() => {
      throw new Error('unsupported');
    });
    expect(isSignedBy({ ...leaf }, root)).toBe(false);
  });
});

describe('RSASSA-PSS is', () => {
  const pss = (...parameters: Uint8Array[]) =>
    issue(ca, party('leaf'), { algorithm: d.sequence(d.oid('1.2.840.113549.1.1.10'), ...parameters) });
  const hash = (oid: string) => d.sequence(d.context(0, d.sequence(d.oid(oid))));

  it.each<[string, string | undefined, Uint8Array[]]>([
    ['weak with MD5', 'RSASSA-PSS with hash 1.2.840.113549.2.5', [hash('1.2.840.113549.2.5')]],
    ['weak with SHA-1', 'RSASSA-PSS with hash 1.3.14.3.2.26', [hash('1.3.14.3.2.26')]],
    ['weak with SHA-1, which needs no name', 'RSASSA-PSS with hash SHA-1', [d.sequence()]],
    ['weak without parameters', "RSASSA-PSS with parameters that can't be read", []],
    ['weak with others', "RSASSA-PSS with parameters that can't be read", [d.nullValue()]],
    ['strong with SHA-256', undefined, [hash('2.16.840.1.101.3.4.2.1')]],
  ])('%s', (_, name, parameters) => expect(weakSignature(pss(...parameters))).toBe(name));
});
