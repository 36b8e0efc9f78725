import { describe, expect, it } from 'vitest';
import * as d from '../../lambdas/asn1/writer.ts';
import type { Certificate, Extension } from '../../lambdas/domain/certificate.ts';
import { certificatesAbove } from '../../lambdas/x509/chain.ts';
import { oids } from '../../lambdas/x509/oids.ts';
import * as make from './issue.ts';
import { day, issue, now, party } from './issue.ts';

const [oldCa, newCa, interCa, leafParty] = [party('Old Root'), party('New Root'), party('Intermediate'), party('leaf')];
const [oldRoot, newRoot] = [oldCa, newCa].map((each) => issue(each, each, { ca: true, days: 100 }));
const inter = issue(newCa, interCa, { ca: true, days: 50 });
const cross = issue(oldCa, newCa, { ca: true, days: 40 });
const byOld = issue(oldCa, interCa, { ca: true, days: 30 });
const leaf = issue(interCa, leafParty, { days: 70 });
const ca = [make.basicConstraints(true), make.keyUsage(5, 6)];

const above = (pool: (Certificate | undefined)[], ...roots: (Certificate | undefined)[]) =>
  certificatesAbove(leaf, pool.filter(isThere), roots.filter(isThere), now);
const isThere = (certificate: Certificate | undefined) => certificate !== undefined;

describe('certificates of a CA’s answer that are kept', () => {
  const stranger = party('Stranger');
  it.each([
    ['both roots are trusted', [newRoot, oldRoot]],
    ['the new one only', [newRoot]],
    ['the old one only', [oldRoot]],
    ['neither', []],
  ])('the cross certificate of a root, if %s', (_, roots) => {
    expect(above([inter, cross], ...roots)).toEqual([inter, cross]);
    expect(above([cross, issue(stranger, interCa), inter, newRoot, oldRoot], ...roots)).toEqual([inter, cross]);
  });

  it('the cross certificate of an intermediate, and each is placed after one that it issued', () => {
    expect(above([byOld, inter], newRoot)).toEqual([inter, byOld]);
    const [upperCa, topCa] = [party('Upper'), party('Top')];
    const [upper, top] = [issue(topCa, upperCa, { ca: true, days: 60 }), issue(oldCa, topCa, { ca: true, days: 60 })];
    const byUpper = issue(upperCa, interCa, { ca: true, days: 60 });
    expect(above([top, upper, inter, byUpper], newRoot)).toEqual([byUpper, upper, top, inter]);
  });

  it('the certificate by which a CA with a changed key signs the new key with the old one, under one name', () => {
    const next = party('New Root');
    const newWithOld = issue(newCa, next, { ca: true });
    const interByNext = issue(next, interCa, { ca: true });
    const root = issue(next, next, { ca: true });
    expect(above([interByNext, newWithOld], root)).toEqual([interByNext, newWithOld]);
    expect(above([interByNext, newWithOld, newRoot, root], root, newRoot)).toEqual([interByNext, newWithOld]);
  });

  it('a trusted certificate that is no root, and the certificates above it', () => {
    expect(above([inter, cross], inter)).toEqual([inter, cross]);
  });

  it('each once', () => {
    expect(above([cross, inter, cross, inter, leaf], newRoot)).toEqual([inter, cross]);
  });
});

describe('certificates of a CA’s answer that are dropped', () => {
  const expired = { notAfter: d.time(now - 1000), notBefore: d.time(now - day) };
  const forged = { ...oldCa, key: make.ecKey() };
  const sha1 = { algorithm: d.sequence(d.oid('1.2.840.10045.4.1')), digest: 'sha1' };
  const constraint = (name: string) =>
    make.extension(
      oids.nameConstraints,
      d.sequence(d.context(0, d.sequence(make.directory(make.commonNameOnly(name))))),
      true,
    );
  const refused: [string, Certificate | undefined][] = [
    ['a stranger', issue(oldCa, party('Stranger'), { ca: true })],
    ['one of the right name and another key', issue(oldCa, party('New Root'), { ca: true })],
    ['a root', newRoot],
    ['an untrusted root', oldRoot],
    ['one that has expired', issue(oldCa, newCa, { ca: true, ...expired })],
    ['one that is not valid yet', issue(oldCa, newCa, { ca: true, notBefore: d.time(now + 1000) })],
    ['one that is signed with SHA-1', issue(oldCa, newCa, { ca: true, ...sha1 })],
    ['one that is no CA', issue(oldCa, newCa, { extensions: [make.basicConstraints(false)] })],
    ['one that may not sign', issue(oldCa, newCa, { extensions: [make.basicConstraints(true), make.keyUsage(6)] })],
    ['one that allows no CA below it', issue(oldCa, newCa, { ca: true, pathLength: 0 })],
    ['one for other names', issue(oldCa, newCa, { extensions: [...ca, constraint('Else')] })],
    [
      'one for other usages',
      issue(oldCa, newCa, {
        extensions: [...ca, make.extension(oids.extendedKeyUsage, d.sequence(d.oid(oids.codeSigning)))],
      }),
    ],
    [
      'one with an unknown critical extension',
      issue(oldCa, newCa, { extensions: [...ca, make.extension('1.2.3', d.nullValue(), true)] }),
    ],
  ];
  it.each(refused)('%s', (_, certificate) => {
    expect(above([inter, certificate], newRoot)).toEqual([inter]);
  });

  it('a certificate that its present issuer did not sign', () => {
    const claim = issue(forged, newCa, { ca: true });
    expect(above([inter, claim], newRoot, oldRoot)).toEqual([inter]);
    expect(above([inter, claim, oldRoot], newRoot)).toEqual([inter]);
  });

  it('a certificate that names the key of a present issuer which did not sign it, even with its own name', () => {
    const named = (...more: Extension[]) => ({ extensions: [...ca, ...more] });
    const root = issue(newCa, newCa, { ...named(make.subjectKeyIdentifier(newCa.spki)), days: 100 });
    const other = { ...newCa, key: make.ecKey() };
    expect(
      above(
        [
          inter,
          issue(other, newCa, named(make.subjectKeyIdentifier(newCa.spki), make.authorityKeyIdentifier(newCa.spki))),
        ],
        root,
      ),
    ).toEqual([inter]);
    const elsewhere = issue(
      other,
      newCa,
      named(make.subjectKeyIdentifier(newCa.spki), make.authorityKeyIdentifier(oldCa.spki)),
    );
    expect(above([inter, elsewhere], root)).toEqual([inter, elsewhere]);
  });

  it('everything above a dropped certificate', () => {
    const [gone, upperCa] = [party('Gone'), party('Upper')];
    const upper = issue(oldCa, upperCa, { ca: true });
    expect(above([inter, upper, issue(upperCa, gone, { ca: true })], newRoot)).toEqual([inter]);
    const weak = issue(upperCa, interCa, { ca: true, ...sha1 });
    expect(above([inter, weak, upper], newRoot)).toEqual([inter]);
  });

  it('everything above an expired leaf', () => {
    expect(certificatesAbove(leaf, [inter], [oldRoot ?? inter], leaf.notAfter + 1)).toEqual([]);
  });

  it('a known root that was not sent', () => {
    expect(above([], inter)).toEqual([]);
  });
});
