/** Every case of x509-limbo and BetterTLS, and Wycheproof's cases of signatures and keys. */
import { createPublicKey, verify } from 'node:crypto';
import { afterAll, expect, it, vi } from 'vitest';
import * as d from '../../lambdas/asn1/writer.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { derToRawEcdsa, keySpecOfSpki, rawToDerEcdsa } from '../../lambdas/x509/algorithms.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import { verifyPath } from '../../lambdas/x509/chain.ts';
import { isSignedBy, weakSignature } from '../../lambdas/x509/signature.ts';
import {
  base64,
  type PathCase,
  type PathSuite,
  pathSuite,
  type SignatureGroup,
  wycheproof,
} from '../support/suites.ts';
import { issue, party } from './issue.ts';

/** Seconds of CPU time, on a machine that may be busy with other tests. */
vi.setConfig({ testTimeout: 60_000 });
afterAll(() => vi.resetConfig());

/** Returns what `read` returns; undefined if it fails with an error of ours. */
function unlessRefused<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RenewalError) return undefined;
    throw error;
  }
}

function judged({ certificates }: PathSuite, { leaf, pool, roots, now, avoid = [] }: PathCase): string {
  const parsed = (index: number) => parseCertificate(base64(certificates[index] ?? ''));
  const path = unlessRefused(() => verifyPath(parsed(leaf), pool.map(parsed), roots.map(parsed), Date.parse(now)));
  if (!path?.ok) return 'reject';
  const shunned = new Set(avoid.map((index) => certificates[index]));
  const isShunned = path.path.some(({ der }) => shunned.has(Buffer.from(der).toString('base64')));
  return isShunned ? 'accept, by a certificate to avoid' : 'accept';
}

it.each([
  ['limbo', 177],
  ['bettertls', 521],
] as const)('paths: all of %s', (name, count) => {
  const suite = pathSuite(name);
  const wrong = suite.cases.flatMap((each) => {
    const found = judged(suite, each);
    return found === each.should ? [] : [`${each.id}: ${found}`];
  });
  expect([suite.cases.length, wrong]).toEqual([count, []]);
});

const suite = wycheproof();

/** Returns the tests of the groups with another result than expected, and the number of all tests. */
function otherwise(
  groups: readonly SignatureGroup[],
  isValid: (group: SignatureGroup, message: Uint8Array, signature: Uint8Array) => boolean,
) {
  const wrong: string[] = [];
  let count = 0;
  for (const group of groups) {
    for (const [number, comment, message, signature, valid] of group.tests) {
      count++;
      if (isValid(group, base64(message), base64(signature)) === valid) continue;
      wrong.push(`${group.file}#${number} ${comment}`);
    }
  }
  return { count, wrong };
}

const keyOf = (spki: string) => createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' });

it('ECDSA signatures of X.509, converted to JWS', () => {
  const keys = new Map(suite.ecdsaDer.map(({ spki }) => [spki, keyOf(spki)]));
  const found = otherwise(suite.ecdsaDer, ({ curve, hash, spki }, message, signature) => {
    const raw = unlessRefused(() => derToRawEcdsa(signature, curve));
    const key = keys.get(spki);
    return raw !== undefined && key !== undefined && verify(hash, message, { key, dsaEncoding: 'ieee-p1363' }, raw);
  });
  expect(found).toEqual({ count: 3098, wrong: [] });
});

it('ECDSA signatures of JWS, converted to X.509', () => {
  const keys = new Map(suite.ecdsaP1363.map(({ spki }) => [spki, keyOf(spki)]));
  const found = otherwise(suite.ecdsaP1363, ({ curve, hash, spki }, message, signature) => {
    const der = unlessRefused(() => rawToDerEcdsa(signature, curve));
    const key = keys.get(spki);
    return der !== undefined && key !== undefined && verify(hash, message, key, der);
  });
  expect(found).toEqual({ count: 860, wrong: [] });
});

it('Ed25519 signatures, by a known key', () => {
  const wrong = suite.ed25519.flatMap(({ spki, tests }) => {
    const isKnown = keySpecOfSpki(base64(spki))?.kty === 'OKP';
    const key = keyOf(spki);
    return tests
      .filter(([, , message, signature, valid]) => {
        return !isKnown || verify(null, base64(message), key, base64(signature)) !== valid;
      })
      .map(([number, comment]) => `#${number} ${comment}`);
  });
  expect(wrong).toEqual([]);
});

it('signatures of certificates', () => {
  const issuer = issue(party('i'), party('i'), { ca: true });
  let count = 0;
  const wrong = suite.transplanted.flatMap(({ file, issuerSpki, tbs, algorithm, tests }) => {
    const above = { ...issuer, spki: base64(issuerSpki) };
    return tests.flatMap(([number, comment, signature, valid]) => {
      count++;
      const der = d.sequence(base64(tbs), base64(algorithm), d.bitString(base64(signature)));
      const certificate = unlessRefused(() => parseCertificate(der));
      const isSigned = certificate !== undefined && isSignedBy(certificate, above);
      return isSigned === valid ? [] : [`${file}#${number} ${comment}`];
    });
  });
  expect({ count, wrong }).toEqual({ count: 1145, wrong: [] });
});

it('weak parameters of RSASSA-PSS', () => {
  const ca = party('CA');
  const wrong = suite.pssParameters.filter(([, , , , algorithm, weak]) => {
    const signed = issue(ca, ca, { algorithm: base64(algorithm) });
    return (weakSignature(signed) !== undefined) !== weak;
  });
  expect([suite.pssParameters.length, wrong.map(([id]) => id)]).toEqual([150, []]);
});

/** Returns 'bad' for a key that is refused, or that OpenSSL does not read. */
function kindOf(spki: string): string {
  const kind = unlessRefused(() => keySpecOfSpki(base64(spki)) ?? 'unknown');
  if (kind === undefined) return 'bad';
  try {
    keyOf(spki);
  } catch {
    return 'bad';
  }
  return kind !== 'unknown' && kind.kty !== 'RSA' ? kind.curve : 'unknown';
}

it('kinds of public keys', () => {
  const wrong = suite.spki.flatMap(([id, comment, spki, expected]) => {
    const found = kindOf(spki);
    const isFine = found === expected || (expected === 'bad' && found === 'unknown');
    return isFine ? [] : [`${id} ${comment}: ${found}, not ${expected}`];
  });
  expect([suite.spki.length, wrong]).toEqual([798, []]);
});
