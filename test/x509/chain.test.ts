import { describe, expect, it } from 'vitest';
import * as d from '../../lambdas/asn1/writer.ts';
import type { Certificate } from '../../lambdas/domain/certificate.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import { verifyPath } from '../../lambdas/x509/chain.ts';
import { oids } from '../../lambdas/x509/oids.ts';
import { golden } from './golden.ts';
import * as make from './issue.ts';
import { issue, now, party } from './issue.ts';

const [rootCa, interCa, leafParty] = [party('Root'), party('Intermediate'), party('leaf')];
const root = issue(rootCa, rootCa, { ca: true, days: 100 });
const inter = issue(rootCa, interCa, { ca: true, days: 50, pathLength: 0 });
const leaf = issue(interCa, leafParty, { days: 2 });

const problemOf = (...args: Parameters<typeof verifyPath>) => {
  const result = verifyPath(...args);
  return result.ok ? 'a path' : result.problem;
};

describe('verifyPath finds', () => {
  it('leaf, intermediate, root', () => {
    expect(verifyPath(leaf, [inter], [root], now)).toEqual({
      ok: true,
      path: [leaf, inter, root],
      end: leaf.notAfter,
      endsWith: 'leaf',
    });
  });

  it('the same in any order, with duplicates, the leaf, the root and unrelated certificates in the pool', () => {
    const stranger = party('Stranger');
    const pool = [issue(stranger, stranger, { ca: true }), leaf, root, parseCertificate(inter.der), leaf, inter];
    const result = verifyPath(leaf, pool, [issue(stranger, stranger, { ca: true }), root], now);
    expect(result).toMatchObject({ ok: true, end: leaf.notAfter });
    expect(result.ok && result.path.map(({ serialNumber }) => serialNumber)).toEqual(
      [leaf, inter, root].map(({ serialNumber }) => serialNumber),
    );
  });

  it('a leaf directly below the root, and the root itself', () => {
    const direct = issue(rootCa, leafParty);
    expect(verifyPath(direct, [], [root], now)).toMatchObject({ ok: true, path: [direct, root] });
    expect(verifyPath(root, [], [root], now)).toMatchObject({ ok: true, path: [root], endsWith: 'leaf' });
  });

  it('the golden chains of step and of step-ca', () => {
    const [goldenRoot, intermediate] = ['step-root', 'step-intermediate'].map(golden).map(parseCertificate);
    for (const name of ['step-leaf', 'step-renewed', 'step-rekeyed']) {
      const stepLeaf = parseCertificate(golden(name));
      if (!goldenRoot || !intermediate) throw new Error('no golden chain');
      expect(verifyPath(stepLeaf, [intermediate], [goldenRoot], stepLeaf.notAfter)).toMatchObject({ ok: true });
    }
  });

  it('keys of every kind', () => {
    for (const name of ['key-ed25519', 'key-rsa2048', 'key-p521', 'key-ed448', 'key-rsa-pss', 'signed-pss-sha256']) {
      const certificate = parseCertificate(golden(name));
      const renewed = { ...certificate, der: new Uint8Array(certificate.der) };
      // trusted by name and key, so its own signature is verified
      const trusted = { ...certificate, der: root.der };
      expect(verifyPath(renewed, [], [trusted], certificate.notBefore), name).toMatchObject({ ok: true });
    }
  });

  it('the end of the chain if it is before the leaf’s', () => {
    const long = issue(interCa, leafParty, { days: 70 });
    expect(verifyPath(long, [inter], [root], now)).toMatchObject({ end: inter.notAfter, endsWith: 'chain' });
    const shortRoot = issue(rootCa, rootCa, { ca: true, days: 10 });
    expect(verifyPath(long, [inter], [shortRoot], now)).toMatchObject({ end: shortRoot.notAfter, endsWith: 'chain' });
  });

  it('of two intermediates the one that ends later, at any place', () => {
    const old = issue(rootCa, interCa, { ca: true, days: 1 });
    for (const pool of [
      [old, inter],
      [inter, old],
    ]) {
      expect(verifyPath(leaf, pool, [root], now)).toMatchObject({ ok: true, path: [leaf, inter, root] });
    }
    expect(verifyPath(leaf, [old], [root], now)).toMatchObject({ end: old.notAfter, endsWith: 'chain' });
  });

  it('the path that ends later before one that is complete already', () => {
    const otherRoot = party('Other Root');
    const other = issue(otherRoot, otherRoot, { ca: true, days: 100 });
    const short = issue(rootCa, rootCa, { ca: true, days: 40 });
    const byOther = issue(otherRoot, interCa, { ca: true, days: 50 });
    const byShort = issue(rootCa, interCa, { ca: true, days: 60 });
    const long = issue(interCa, leafParty, { days: 70 });
    expect(verifyPath(long, [byOther, byShort], [short, other], now)).toMatchObject({
      path: [long, byOther, other],
      end: byOther.notAfter,
    });
  });

  it('of two paths with the same end the shorter one', () => {
    const mid = party('Mid');
    const detour = [issue(mid, interCa, { ca: true, days: 50 }), issue(rootCa, mid, { ca: true, days: 50 })];
    for (const pool of [
      [inter, ...detour],
      [...detour, inter],
    ]) {
      expect(verifyPath(leaf, pool, [root], now)).toMatchObject({ path: [leaf, inter, root] });
    }
  });

  it('an intermediate that is trusted itself, beside a root', () => {
    const stranger = party('Stranger');
    const roots = [issue(stranger, stranger, { ca: true }), inter];
    expect(verifyPath(leaf, [], roots, now)).toMatchObject({ ok: true, path: [leaf, inter] });
  });

  it('the longer path if it ends later, also with another root', () => {
    const otherRoot = party('Other Root');
    const other = issue(otherRoot, otherRoot, { ca: true, days: 100 });
    const crossed = issue(otherRoot, rootCa, { ca: true, days: 90 });
    const short = issue(rootCa, rootCa, { ca: true, days: 1 });
    const long = issue(interCa, leafParty, { days: 40 });
    expect(verifyPath(long, [inter, crossed], [short, other], now)).toMatchObject({
      ok: true,
      path: [long, inter, crossed, other],
      endsWith: 'leaf',
    });
  });

  it('a root that was renewed with its key, in the pool, and a root of another key with the same name', () => {
    const renewed = issue(rootCa, rootCa, { ca: true, days: 300 });
    const expired = issue(rootCa, rootCa, { ca: true, notAfter: d.time(now - 1_000) });
    expect(verifyPath(leaf, [inter, renewed], [expired], now)).toMatchObject({ path: [leaf, inter, renewed] });
    const impostor = party('Root');
    const imposing = issue(impostor, impostor, { ca: true, days: 400 });
    expect(verifyPath(leaf, [inter], [imposing, root], now)).toMatchObject({ path: [leaf, inter, root] });
    expect(problemOf(leaf, [inter, root], [imposing], now)).toContain('was not made by the key of');
  });

  it('a path around an expired cross certificate, and around a loop', () => {
    const expired = issue(rootCa, interCa, { ca: true, notAfter: d.time(now - 1_000) });
    const [a, b] = [party('A'), party('B')];
    const loop = [issue(a, b, { ca: true }), issue(b, a, { ca: true }), issue(a, interCa, { ca: true, days: 60 })];
    expect(verifyPath(leaf, [expired, ...loop, inter], [root], now)).toMatchObject({ path: [leaf, inter, root] });
    expect(problemOf(leaf, loop, [root], now)).toContain('is a circle');
  });

  it('a version 1 root, trusted as it is', () => {
    const v1 = issue(rootCa, rootCa, { version: undefined, extensions: [], days: 9 });
    expect(verifyPath(leaf, [inter], [v1], now)).toMatchObject({ ok: true, path: [leaf, inter, v1] });
  });

  it('a path through ten certificates, and no longer one', () => {
    const build = (length: number) => {
      const parties = Array.from({ length }, (_, i) => party(`CA ${i}`));
      const certificates = parties.map((p, i) => issue(parties[i - 1] ?? p, p, { ca: true }));
      const last = issue(parties.at(-1) ?? rootCa, leafParty);
      return verifyPath(last, certificates.slice(1), certificates.slice(0, 1), now);
    };
    expect(build(9)).toMatchObject({ ok: true });
    expect(build(10)).toMatchObject({ ok: false, problem: expect.stringContaining('longer than 10') });
  });
});

describe('verifyPath refuses', () => {
  const withInter = (more: Parameters<typeof issue>[2]) => [issue(rootCa, interCa, { ca: true, ...more })];
  const rsa = parseCertificate(golden('signed-sha1'));
  const notAfterPast = d.time(now - 1_000);
  const notBeforeAhead = d.time(now + 60_000);
  const constraint = (base: Uint8Array) =>
    make.extension(oids.nameConstraints, d.sequence(d.context(0, d.sequence(base))), true);
  const caExtensions = [make.basicConstraints(true), make.keyUsage(5)];
  const cases: [what: string, problem: string, leaf: Certificate, pool: Certificate[], roots: Certificate[]][] = [
    ['a leaf without its intermediate', 'contain "CN=Intermediate", which issued "CN=leaf"', leaf, [], [root]],
    ['an unknown root', 'contain "CN=Root"', leaf, [inter], []],
    ['a root that is only in the pool', 'circle', root, [root], []],
    [
      'an expired leaf',
      '"CN=leaf" expired at 2026-11-22T11:59:59Z',
      issue(interCa, leafParty, { notAfter: notAfterPast }),
      [inter],
      [root],
    ],
    [
      'a leaf that is not valid yet',
      '"CN=leaf" is not valid before',
      issue(interCa, leafParty, { notBefore: notBeforeAhead }),
      [inter],
      [root],
    ],
    ['an expired intermediate', '"CN=Intermediate" expired', leaf, withInter({ notAfter: notAfterPast }), [root]],
    [
      'an expired root',
      '"CN=Root" expired',
      leaf,
      [inter],
      [issue(rootCa, rootCa, { ca: true, notAfter: notAfterPast })],
    ],
    [
      'an intermediate that is no CA',
      '"CN=Intermediate" is not a CA',
      leaf,
      withInter({ extensions: [make.basicConstraints(false)] }),
      [root],
    ],
    [
      'an intermediate without basicConstraints',
      'is not a CA',
      leaf,
      withInter({ extensions: [make.keyUsage(5)] }),
      [root],
    ],
    ['a version 1 intermediate', 'is not a CA', leaf, withInter({ version: undefined, extensions: [] }), [root]],
    [
      'a root that says it is no CA',
      '"CN=Root" is not a CA',
      leaf,
      [inter],
      [issue(rootCa, rootCa, { extensions: [make.basicConstraints(false)] })],
    ],
    [
      'an intermediate without keyCertSign',
      'may not sign',
      leaf,
      withInter({ extensions: [make.basicConstraints(true), make.keyUsage(0, 6)] }),
      [root],
    ],
    [
      'an unknown critical extension',
      '1.2.3.4, which is not known',
      leaf,
      withInter({ extensions: [...caExtensions, make.extension('1.2.3.4', d.nullValue(), true)] }),
      [root],
    ],
    [
      'a signature by another key',
      'was not made by the key of',
      issue({ ...interCa, key: make.ecKey() }, leafParty),
      [inter],
      [root],
    ],
    [
      'an intermediate with a forged signature',
      'was not made by the key of "CN=Root"',
      leaf,
      [issue({ ...rootCa, key: make.ecKey() }, interCa, { ca: true })],
      [root],
    ],
    [
      'a forged root of the right name and key',
      "root's key did not sign it",
      leaf,
      [inter, issue({ ...rootCa, key: make.ecKey() }, rootCa, { ca: true, days: 999 })],
      [issue(rootCa, rootCa, { ca: true, notAfter: notAfterPast })],
    ],
    [
      'a name outside of the constraints',
      'name of kind dns that is not permitted by "CN=Intermediate"',
      issue(interCa, leafParty, { extensions: [make.subjectAltName(make.dns('b.example'))] }),
      withInter({ extensions: [...caExtensions, constraint(make.dns('a.example'))] }),
      [root],
    ],
    [
      'constraints that can not be read',
      "can't be read",
      leaf,
      withInter({ extensions: [...caExtensions, make.extension(oids.nameConstraints, d.nullValue(), true)] }),
      [root],
    ],
    [
      'SHA-1 below the root',
      'signed with sha1WithRSAEncryption, which is too weak',
      { ...rsa, issuer: make.commonNameOnly('Root') },
      [],
      [root],
    ],
    ['SHA-1 on a root of the pool', "root's key did not sign it", rsa, [], [{ ...rsa, der: root.der }]],
  ];
  it.each(cases)('%s', (_, problem, subject, pool, roots) => {
    const at = subject === rsa || subject.serialNumber === rsa.serialNumber ? rsa.notBefore : now;
    expect(problemOf(subject, pool, roots, at)).toContain(problem);
  });

  it('more CAs than pathLenConstraint allows; a self-issued one does not count', () => {
    const sub = party('Sub');
    const below = issue(interCa, sub, { ca: true });
    const deep = issue(sub, leafParty);
    expect(problemOf(deep, [below, inter], [root], now)).toContain(
      'allows 0 CA certificates below it, but there are 1',
    );
    const rolled = party('Intermediate');
    const rollover = issue(interCa, rolled, { ca: true });
    const byNewKey = issue(rolled, leafParty);
    expect(verifyPath(byNewKey, [rollover, inter], [root], now)).toMatchObject({
      path: [byNewKey, rollover, inter, root],
    });
    // A CA certificate at the end of the path is no intermediate (RFC 5280, section 4.2.1.9).
    expect(verifyPath(below, [inter], [root], now)).toMatchObject({ ok: true });
  });

  it('a leaf outside of the constraints, even one with the name of its CA', () => {
    const constrained = withInter({ extensions: [...caExtensions, constraint(make.dns('a.example'))] });
    const namesake = { ...leafParty, name: interCa.name };
    const under = (name: string) => issue(interCa, namesake, { extensions: [make.subjectAltName(make.dns(name))] });
    expect(verifyPath(under('x.a.example'), constrained, [root], now)).toMatchObject({ ok: true });
    expect(problemOf(under('b.example'), constrained, [root], now)).toContain('that is not permitted');
  });

  it('a CA below that is outside of the constraints, unless it is self-issued; unknown extensions are allowed', () => {
    const directories = make.extension(
      oids.nameConstraints,
      d.sequence(d.context(0, d.sequence(make.directory(make.commonNameOnly('Inside'))))),
      true,
    );
    const harmless = make.extension('1.2.3.4', d.nullValue());
    const constrained = issue(rootCa, interCa, {
      ca: true,
      extensions: [make.basicConstraints(true), directories, harmless],
    });
    const [sub, rolled, nameless] = [party('Outside'), party('Intermediate'), party('')];
    const below = issue(interCa, sub, { ca: true });
    const byOutsider = issue(sub, nameless, { extensions: [make.subjectAltName(make.dns('leaf.example'))] });
    expect(problemOf(byOutsider, [below, constrained], [root], now)).toContain('"CN=Outside" has a name');
    const rollover = issue(interCa, rolled, { ca: true });
    const byRolled = issue(rolled, nameless, { extensions: [make.subjectAltName(make.dns('leaf.example'))] });
    expect(verifyPath(byRolled, [rollover, constrained], [root], now)).toMatchObject({ ok: true });
  });

  it('a leaf before its first and after its last second', () => {
    expect(verifyPath(leaf, [inter], [root], leaf.notAfter)).toMatchObject({ ok: true });
    expect(verifyPath(leaf, [inter], [root], leaf.notAfter + 1)).toMatchObject({ ok: false });
    expect(verifyPath(leaf, [inter], [root], leaf.notBefore)).toMatchObject({ ok: true });
    expect(verifyPath(leaf, [inter], [root], leaf.notBefore - 1)).toMatchObject({ ok: false });
  });
});

describe('a pool is searched', () => {
  /** This many certificates with the intermediate's name and key and an unknown issuer: none leads anywhere. */
  const deadEnds = (count: number, days: number) => {
    const one = issue(party('Nobody'), interCa, { ca: true, days });
    return Array.from({ length: count }, (_, i) => ({ ...one, der: Uint8Array.of(i >> 8, i) }));
  };
  const found = expect.objectContaining({ ok: true, path: [leaf, inter, root] });
  const tooMany = {
    ok: false,
    problem: 'the chain contains too many similar certificates to find a path.',
  };
  const look = (pool: readonly Certificate[]) => verifyPath(leaf, pool, [root], now);

  it('up to 100 signatures', () => {
    const wrong = Array.from({ length: 101 }, () => issue(rootCa, party('Intermediate'), { ca: true, days: 60 }));
    // The signatures of the leaf and of the intermediate are two more.
    expect(look([...wrong.slice(0, 98), inter])).toEqual(found);
    expect(look([...wrong.slice(0, 99), inter])).toEqual(tooMany);
    expect(problemOf(leaf, wrong.slice(0, 100), [root], now)).toContain('was not made by the key of');
    expect(look(wrong)).toEqual(tooMany);
  });

  it('up to 1,000 steps, and a signature by one key is verified once', () => {
    const long = issue(interCa, leafParty, { days: 70 });
    const lookFor = (pool: readonly Certificate[]) => verifyPath(long, pool, [root], now);
    // The leaf, the intermediate and the root are three more.
    expect(lookFor([...deadEnds(997, 60), inter])).toMatchObject({ path: [long, inter, root] });
    expect(lookFor([...deadEnds(998, 60), inter])).toEqual(tooMany);
  });

  it('up to 5,000 waiting paths', () => {
    expect(look([...deadEnds(4_999, 1), inter])).toEqual(found);
    expect(look([...deadEnds(5_000, 1), inter])).toEqual(tooMany);
  });

  it('and a complete path is taken before those that do not end later', () => {
    expect(look([inter, ...deadEnds(2_000, 60)])).toEqual(found);
  });

  it('and a repeated certificate counts once', () => {
    const [deadEnd] = deadEnds(1, 60);
    if (deadEnd === undefined) throw new Error('no dead end');
    const long = issue(interCa, leafParty, { days: 70 });
    const pool = [...Array.from({ length: 2_000 }, () => deadEnd), inter];
    expect(verifyPath(long, pool, [root], now)).toMatchObject({ path: [long, inter, root] });
  });
});

it('and three of the problems are reported, with the number of the others', () => {
  const expired = [1, 2, 3, 4, 5].map((seconds) =>
    issue(rootCa, interCa, { ca: true, notAfter: d.time(now - seconds * 1_000) }),
  );
  const told = [59, 58, 57].map((second) => `"CN=Intermediate" expired at 2026-11-22T11:59:${second}Z`).join('; ');
  expect(problemOf(leaf, expired.slice(0, 3), [root], now)).toBe(`${told}.`);
  expect(problemOf(leaf, expired, [root], now)).toBe(`${told}; and 2 more.`);
});
