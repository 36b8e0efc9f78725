/** Whether a client that has only the roots can verify what is presented. */
import { describe, expect, it } from 'vitest';
import { anchorsOf } from '../../lambdas/probes/anchors.ts';
import { type Anchors, isComplete, parsedChain } from '../../lambdas/probes/chain.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import {
  commonNameOnly,
  makeAuthority,
  makeHierarchy,
  makeKey,
  makeLeaf,
  pem,
} from '../../testkit/certificates/index.ts';
import { authority, FakeAuthorities } from '../../testkit/fakes/authorities.ts';

const day = 86_400_000;
const [from, to] = [Date.UTC(2026, 0, 1), Date.UTC(2027, 0, 1)];
const hierarchy = makeHierarchy(from, to);
const { root, rootKey, rootName, intermediate, intermediateKey, intermediateName } = hierarchy;
const other = makeHierarchy(from, to, 'Other');
const key = makeKey();
const leafDer = makeLeaf({ key, subject: commonNameOnly('x'), notBefore: from, notAfter: from + day }, hierarchy);
const leaf = parseCertificate(leafDer);

/** The intermediate with its name and key, signed by the other root. */
const crossSigned = makeAuthority(
  { subject: intermediateName, key: intermediateKey, notBefore: from, notAfter: to, pathLength: 0 },
  { subject: other.rootName, key: other.rootKey },
);
/** The intermediate before its key was replaced. */
const oldIntermediate = makeAuthority(
  { subject: intermediateName, key: makeKey(), notBefore: from, notAfter: to, pathLength: 0 },
  { subject: rootName, key: rootKey },
);
const ended = makeAuthority(
  { subject: intermediateName, key: intermediateKey, notBefore: from - 2 * day, notAfter: from - day, pathLength: 0 },
  { subject: rootName, key: rootKey },
);
const underRoot = parseCertificate(
  makeLeaf(
    { key, subject: commonNameOnly('x'), notBefore: from, notAfter: to },
    { intermediateKey: rootKey, intermediateName: rootName },
  ),
);

const anchors: readonly (readonly [string, Anchors])[] = [
  ['the root', { kind: 'certificates', roots: [parseCertificate(root)] }],
  ['the name of the root', { kind: 'name', subject: rootName }],
];

describe.each(anchors)('by %s', (_, anchor) => {
  it.each([
    ['the intermediate', [intermediate], true],
    ['the intermediate and the root', [intermediate, root], true],
    ['the wrong order, between others', [root, other.root, other.intermediate, intermediate], true],
    ['cross-signed too, first', [crossSigned, intermediate], true],
    ['cross-signed too, last', [intermediate, crossSigned], true],
    ['cross-signed only', [crossSigned], false],
    ['cross-signed with the other root', [crossSigned, other.root], false],
    ['an intermediate that ended', [ended], true], // dates are not checked
    ['nothing', [], false],
    ['the root alone', [root], false],
    ['the intermediate of another CA', [other.intermediate], false],
    ['the intermediate of the same name with its earlier key', [oldIntermediate], false],
    ['the leaf again', [leafDer], false],
    ['the leaf again, then the intermediate', [leafDer, intermediate], true],
    ['what is no certificate, then the intermediate', [Uint8Array.of(1, 2, 3), intermediate], true],
  ] as const)('%s', (_name, above, expected) => {
    expect(isComplete(leaf, parsedChain(above), anchor)).toBe(expected);
  });

  it('a leaf of the root itself needs nothing', () => {
    expect(isComplete(underRoot, [], anchor)).toBe(true);
  });

  it('certificates that name each other end', () => {
    const [a, b] = [commonNameOnly('a'), commonNameOnly('b')];
    const dates = { notBefore: from, notAfter: to, pathLength: 5 };
    const above = [
      makeAuthority({ subject: a, key: intermediateKey, ...dates }, { subject: b, key: rootKey }),
      makeAuthority({ subject: b, key: rootKey, ...dates }, { subject: a, key: intermediateKey }),
    ];
    const looping = parseCertificate(
      makeLeaf({ key, subject: a, notBefore: from, notAfter: to }, { intermediateKey, intermediateName: a }),
    );
    expect(isComplete(looping, parsedChain(above), anchor)).toBe(false);
  });
});

describe('the anchors of a profile', () => {
  const create = (subject: string) => ({ create: { subject, validity: day } });
  const authorities = new FakeAuthorities(
    authority('root', create('CN=Test Root')),
    authority('middle', { ...create('CN=Middle'), parent: 'root' }),
    authority('low', { ...create('CN=Low'), parent: 'middle' }),
    authority('imported'),
  );

  it('are the configured root', async () => {
    const found = await anchorsOf({ type: 'step-ca', url: 'https://ca.example', root: pem(root) }, undefined);
    expect(found).toMatchObject({ kind: 'certificates', roots: [{ subject: rootName }] });
  });

  it('are the system’s roots for an ACME CA without one', async () => {
    const found = await anchorsOf({ type: 'acme', directoryUrl: 'https://ca.example/directory' }, undefined);
    expect(found?.kind === 'certificates' && found.roots.length).toBeGreaterThan(50);
    expect(found && isComplete(leaf, parsedChain([intermediate]), found)).toBe(false);
  });

  it('are the name of the root above an authority of the stack', async () => {
    for (const name of ['root', 'low']) {
      const found = await anchorsOf({ type: 'offline', authority: name }, authorities);
      expect(found).toEqual({ kind: 'name', subject: rootName });
      expect(found && isComplete(leaf, parsedChain([intermediate]), found)).toBe(true);
    }
  });

  it('are not known for an imported authority', async () => {
    expect(await anchorsOf({ type: 'offline', authority: 'imported' }, authorities)).toBeUndefined();
  });
});
