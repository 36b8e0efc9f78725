/** Declared leaves by an authority of the stack: their contents, the rules for them, and that a refusal costs no signature. */
import type { KeyObject } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { issueLeaf } from '../../lambdas/authority/issue-leaf.ts';
import { loadAuthority } from '../../lambdas/authority/load.ts';
import { type DeclaredUsage, declaredUsages } from '../../lambdas/domain/declaration.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { formatKeySpec, type KeySpec } from '../../lambdas/domain/key-spec.ts';
import type { Signer } from '../../lambdas/domain/signer.ts';
import type { DeclaredContent } from '../../lambdas/domain/wanted.ts';
import { localSigner } from '../../lambdas/keys/local.ts';
import { parseAnswer, verifyIssued } from '../../lambdas/renewal/steps/5-verify.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import { departures } from '../../lambdas/x509/declared-correspondence.ts';
import { type NameKind, readDeclaredName } from '../../lambdas/x509/declared-names.ts';
import { subjectAltNames } from '../../lambdas/x509/general-names.ts';
import { parseName } from '../../lambdas/x509/name-text.ts';
import { forgeable, forgedKey } from '../../testkit/certificates/forged.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  clientAuth,
  extendedKeyUsage,
  type KeyKind,
  keyUsage,
  makeKey,
  serverAuth,
  signCertificate,
  spkiOf,
  subjectKeyIdentifier,
} from '../../testkit/certificates/index.ts';
import { signerFor } from '../../testkit/fakes/signer.ts';
import { opensslVerify } from './openssl.ts';
import { type AuthorityOptions, day, hour, Stack, start, year } from './world.ts';

const minute = 60_000;
const p256: KeySpec = { kty: 'EC', curve: 'P-256' };

const web: DeclaredContent = {
  kind: 'declared',
  names: ['dns:web.svc.example', 'dns:*.svc.example', 'ip:10.0.0.7', 'ip:2001:db8::1', 'email:ops@svc.example'],
  subject: undefined,
  usages: ['serverAuth', 'clientAuth'],
  duration: undefined,
};

const rsaKeys = new Map<KeyKind, KeyObject>();
function keyOfKind(kind: KeyKind): KeyObject {
  const key = rsaKeys.get(kind) ?? makeKey(kind);
  if (kind.startsWith('RSA')) rsaKeys.set(kind, key);
  return key;
}

/** Issues by the authority `issuing`, as the provider does. */
async function issued(stack: Stack, more: Partial<DeclaredContent> = {}, key: Signer = signerFor(makeKey())) {
  const options = { now: stack.clock.now(), entropy: stack.entropy };
  const { certificates } = await issueLeaf(await loadAuthority(stack, 'issuing'), { ...web, ...more }, key, options);
  const [leaf = new Uint8Array(), ...chain] = certificates;
  return { leaf: parseCertificate(leaf), chain };
}

/** Counts signatures of the authority's own key in KMS. */
const signatures = (stack: Stack): number =>
  stack.faults.calls.filter(({ method, args: [arn] }) => method === 'sign' && arn === stack.kmsKeyOf('issuing')).length;

const issuing = (more: Partial<AuthorityOptions> = {}): { issuing: AuthorityOptions } => ({
  issuing: { create: { subject: 'CN=Example Issuing', validity: 3 * year, pathLength: 0 }, parent: 'root', ...more },
});

describe('a declared leaf', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await new Stack().hierarchy();
  });
  const extensionOf = (leaf: { extensions: readonly { oid: string; value: Uint8Array }[] }, oid: string) =>
    Buffer.from(leaf.extensions.find((each) => each.oid === oid)?.value ?? []).toString('hex');

  it('has the extensions of a leaf by RFC 5280, critical names without a subject, and nothing else', async () => {
    const key = makeKey();
    const { leaf, chain } = await issued(stack, {}, signerFor(key));
    expect(leaf.extensions.map(({ oid, critical }) => [oid, critical])).toEqual([
      ['2.5.29.15', true],
      ['2.5.29.37', false],
      ['2.5.29.14', false],
      ['2.5.29.35', false],
      ['2.5.29.17', true],
    ]);
    const hex = (value: Uint8Array) => Buffer.from(value).toString('hex');
    expect(extensionOf(leaf, '2.5.29.14')).toBe(hex(subjectKeyIdentifier(spkiOf(key)).value));
    expect(extensionOf(leaf, '2.5.29.35')).toBe(hex(authorityKeyIdentifier(spkiOf(stack.keyOf('issuing'))).value));
    expect(extensionOf(leaf, '2.5.29.37')).toBe(hex(extendedKeyUsage(serverAuth, clientAuth).value));
    expect(subjectAltNames(leaf)).toEqual(web.names);
    expect(hex(leaf.subject)).toBe('3000');
    expect(hex(leaf.issuer)).toBe(hex(stack.certificateOf('issuing').subject));
    expect(chain.map(hex)).toEqual([hex(stack.certificateOf('issuing').der)]);
  });

  it('with a subject has names that are not critical', async () => {
    const subject = parseName('CN=web.svc.example,O=Exämple', 'It');
    const { leaf } = await issued(stack, { subject });
    expect(Buffer.from(leaf.subject).equals(subject)).toBe(true);
    expect(leaf.extensions.find(({ oid }) => oid === '2.5.29.17')?.critical).toBe(false);
  });

  it.each<[KeyKind, string]>([
    ['P-256', '03020780'],
    ['P-384', '03020780'],
    ['P-521', '03020780'],
    ['Ed25519', '03020780'],
    ['RSA-2048', '030205a0'],
    ['RSA-3072', '030205a0'],
  ])('for a key of %s has the key usages of its kind', async (kind, usage) => {
    const { leaf } = await issued(stack, {}, signerFor(keyOfKind(kind)));
    expect(extensionOf(leaf, '2.5.29.15')).toBe(usage);
  });

  it.each(declaredUsages.map((usage) => [usage]))('for %s only', async (usage) => {
    const { leaf } = await issued(stack, { usages: [usage] });
    expect(departures(leaf, { ...web, usages: [usage] })).toEqual({ problems: [], missing: [] });
  });

  it('has another serial number each time', async () => {
    const key = signerFor(makeKey());
    const leaves = await Promise.all(Array.from({ length: 8 }, () => issued(stack, {}, key)));
    expect(new Set(leaves.map(({ leaf }) => leaf.serialNumber)).size).toBe(8);
  });

  it('with a key in KMS, which signs only the proof', async () => {
    const arn = stack.vault.add({ spec: { kty: 'EC', curve: 'P-384' } });
    const [before, calls] = [signatures(stack), stack.faults.calls.length];
    await issued(stack, {}, await stack.vault.signer(arn));
    const signers = stack.faults.calls.slice(calls).filter(({ method }) => method === 'sign');
    expect(signers.map(({ args: [signer] }) => signer)).toEqual([arn, stack.kmsKeyOf('issuing')]);
    expect(signatures(stack)).toBe(before + 1);
  });

  it('comes from a root too, which is not in the chain', async () => {
    const options = { now: start, entropy: stack.entropy };
    const root = await loadAuthority(stack, 'root');
    const { certificates } = await issueLeaf(root, web, signerFor(makeKey()), options);
    expect(certificates).toHaveLength(1);
    const [leaf = new Uint8Array()] = certificates;
    expect(opensslVerify(leaf, { roots: [stack.certificateOf('root').der], now: start }).output).toMatch(/OK/);
  });
});

const authorityKeys: readonly KeySpec[] = [
  p256,
  { kty: 'EC', curve: 'P-384' },
  { kty: 'EC', curve: 'P-521' },
  { kty: 'RSA', size: 2048 },
  { kty: 'RSA', size: 3072 },
  { kty: 'OKP', curve: 'Ed25519' },
];
const leafKeys: readonly KeyKind[] = ['P-256', 'P-384', 'P-521', 'Ed25519', 'RSA-2048', 'RSA-3072'];

describe.each(authorityKeys.map((spec) => [formatKeySpec(spec), spec] as const))(
  'openssl accepts what an authority of %s issues',
  (_, spec) => {
    let stack: Stack;
    beforeAll(async () => {
      stack = await new Stack().hierarchy({ root: { spec }, ...issuing({ spec }) });
    });

    it.each(leafKeys)('for a key of %s', async (kind) => {
      const { leaf, chain } = await issued(stack, {}, signerFor(keyOfKind(kind)));
      const roots = [stack.certificateOf('root').der];
      expect(opensslVerify(leaf.der, { roots, chain, now: start }).output).toMatch(/: OK/);
    });
  },
);

describe('its validity', () => {
  it.each<[string, number | undefined, Partial<AuthorityOptions>, number]>([
    ['a day, by default', undefined, {}, day],
    ['by the claim defaultTLSCertDuration', undefined, { claims: { defaultDuration: 90 * day } }, 90 * day],
    ['as declared', 30 * day, { claims: { defaultDuration: 90 * day } }, 30 * day],
    ['the maximum of the claims', 30 * day, { claims: { maxDuration: 30 * day } }, 30 * day],
    ['the minimum of the claims', hour, { claims: { minDuration: hour } }, hour],
    ['not by the claims of a provisioner', day, { provisionerClaims: new Map([['p', { maxDuration: hour }]]) }, day],
    ['whole seconds', 1_500_999, {}, 1_500_000],
  ])('%s', async (_, duration, more, expected) => {
    const stack = await new Stack().hierarchy(issuing(more));
    stack.clock.advance(250);
    const { leaf } = await issued(stack, { duration });
    expect([leaf.notBefore - start, leaf.notAfter - start]).toEqual([-minute, expected]);
  });

  it('starts the backdate ago, which is added', async () => {
    const stack = await new Stack().hierarchy(issuing({ backdate: 5 * minute, claims: { maxDuration: day } }));
    const { leaf } = await issued(stack, { duration: day });
    expect([leaf.notBefore, leaf.notAfter]).toEqual([start - 5 * minute, start + day]);
  });

  it.each<[string, AuthorityOptions]>([
    ['the authority’s own', { create: { subject: 'CN=Root', validity: 10 * year, pathLength: 1 } }],
    ['that of a root which ends sooner', { create: { subject: 'CN=Root', validity: year, pathLength: 1 } }],
  ])('never exceeds the end of its path: %s', async (_, root) => {
    const stack = await new Stack().hierarchy({ root });
    const end = Math.min(stack.certificateOf('root').notAfter, stack.certificateOf('issuing').notAfter);
    const { leaf } = await issued(stack, { duration: 20 * year });
    expect(leaf.notAfter).toBe(end);
  });
});

describe('is refused before the authority’s key is asked to sign', () => {
  const narrow = (nameConstraints: { permitted: string[]; excluded: string[] }) =>
    issuing({ create: { subject: 'CN=Narrow', validity: 3 * year, pathLength: 0, nameConstraints } });
  const permitted = { permitted: ['dns:svc.example'], excluded: [] };

  async function expectRefused(stack: Stack, asking: Promise<unknown>, code: string, message: RegExp) {
    const before = signatures(stack);
    const error = await asking.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(RenewalError);
    expect(error).toMatchObject({ name: code, retryable: false, message: expect.stringMatching(message) });
    expect(signatures(stack)).toBe(before);
  }

  it.each<[string, Parameters<Stack['hierarchy']>[0], Partial<DeclaredContent>, RegExp]>([
    [
      'a name outside of the name constraints',
      narrow(permitted),
      { names: ['dns:web.svc.example', 'dns:evil.example'] },
      /^The authority issuing can't issue this certificate: "dns:web.svc.example" has a name of kind dns that is not permitted by "CN=Narrow"\. Declare a certificate that it may issue, correct/,
    ],
    [
      'a name that they exclude',
      narrow({ permitted: [], excluded: ['dns:secret.svc.example'] }),
      { names: ['dns:db.secret.svc.example'] },
      /that is excluded by "CN=Narrow"/,
    ],
    [
      'a wildcard that covers what they exclude',
      narrow({ permitted: [], excluded: ['dns:secret.svc.example'] }),
      { names: ['dns:*.svc.example'] },
      /that is excluded/,
    ],
    [
      'an address outside of theirs',
      narrow({ permitted: ['ip:10.0.0.0/24'], excluded: [] }),
      { names: ['ip:10.0.1.1'] },
      /a name of kind ip that is not permitted/,
    ],
    [
      'a mailbox outside of theirs',
      narrow({ permitted: ['email:svc.example'], excluded: [] }),
      { names: ['email:ops@example.com'] },
      /a name of kind email that is not permitted/,
    ],
    [
      'a URI outside of theirs',
      narrow({ permitted: ['uri:.svc.example'], excluded: [] }),
      { names: ['uri:https://evil.example/'] },
      /a name of kind uri that is not permitted/,
    ],
    [
      'a duration above the claim',
      issuing({ claims: { maxDuration: day } }),
      { duration: day + 1000 },
      /would be valid for 24h1s, but the claim maxTLSCertDuration of authority issuing is 24h: declare a shorter duration, or change the claim and deploy/,
    ],
    [
      'a duration below the claim',
      issuing({ claims: { minDuration: day } }),
      { duration: day - 1000 },
      /valid for 23h59m59s, but the claim minTLSCertDuration of authority issuing is 24h: declare a longer duration/,
    ],
    [
      'the usual duration above the claim',
      issuing({ claims: { maxDuration: hour } }),
      {},
      /valid for 24h, but the claim maxTLSCertDuration of authority issuing is 1h/,
    ],
    [
      'what the end of the authority leaves too short',
      issuing({ claims: { minDuration: 4 * year } }),
      { duration: 5 * year },
      /valid for 26279h59m, because the authority or one above it ends at 20\d\d-.*Z, but the claim minTLSCertDuration of authority issuing is 35040h: renew that authority first/,
    ],
    ['a disabled authority', issuing(), {}, /The authority issuing is disabled, so it signs nothing: enable it/],
  ])('%s', async (what, more, content, message) => {
    const stack = await new Stack().hierarchy(more);
    const known = await stack.authorities.find('issuing');
    if (known && what === 'a disabled authority') stack.authorities.set({ ...known, disabled: true });
    await expectRefused(stack, issued(stack, content), 'CaRejected', message);
  });

  it.each(['issuing', 'root'])('an expired path: the certificate of %s', async (name) => {
    const root = { create: { subject: 'CN=Root', validity: name === 'root' ? year : 10 * year, pathLength: 1 } };
    const stack = await new Stack().hierarchy({ root });
    stack.clock.set(stack.certificateOf(name).notAfter);
    const expired = /^The certificate of authority issuing, or one above it, expired at 20.*: renew it first\.$/;
    await expectRefused(stack, issued(stack), 'CaRejected', expired);
  });

  /** Puts another certificate of the same key into the authority's secret. */
  function install(stack: Stack, pathLength: number, ...usages: readonly string[]) {
    const spki = spkiOf(stack.keyOf('issuing'));
    const certificate = signCertificate(
      {
        ...{ subject: stack.certificateOf('issuing').subject, spki },
        ...{ notBefore: start - hour, notAfter: start + year },
        extensions: [
          keyUsage('keyCertSign', 'cRLSign'),
          basicConstraints(true, pathLength),
          extendedKeyUsage(...usages),
          subjectKeyIdentifier(spki),
          authorityKeyIdentifier(spkiOf(stack.keyOf('root'))),
        ],
      },
      { subject: stack.certificateOf('root').subject, key: stack.keyOf('root') },
    );
    stack.install('issuing', certificate);
  }

  it('a path that is longer than the root allows', async () => {
    const stack = await new Stack().hierarchy();
    const key = stack.keyOf('root');
    const subject = stack.certificateOf('root').subject;
    const shallow = signCertificate(
      {
        ...{ subject, spki: spkiOf(key), notBefore: start - hour, notAfter: start + year },
        extensions: [keyUsage('keyCertSign'), basicConstraints(true, 0), subjectKeyIdentifier(spkiOf(key))],
      },
      { subject, key },
    );
    stack.install('root', shallow);
    await expectRefused(stack, issued(stack), 'CaRejected', /allows 0 CA certificates below it, but there are 1/);
  });

  it.each<[readonly string[], DeclaredUsage[], RegExp]>([
    [[serverAuth], ['serverAuth', 'clientAuth'], /its path does not allow clientAuth \(extendedKeyUsage\)\. Declare/],
    [[clientAuth], ['serverAuth'], /does not allow serverAuth \(extendedKeyUsage\)/],
  ])('usages that the authority’s own certificate does not have: %j', async (own, usages, message) => {
    const stack = await new Stack().hierarchy();
    install(stack, 0, ...own);
    await expectRefused(stack, issued(stack, { usages }), 'CaRejected', message);
    expect((await issued(stack, { usages: [own[0] === serverAuth ? 'serverAuth' : 'clientAuth'] })).chain).toHaveLength(
      1,
    );
  });

  it('a key of RSA 1024: WeakKey', async () => {
    const stack = await new Stack().hierarchy();
    const asking = issued(stack, {}, signerFor(makeKey('RSA-1024')));
    await expectRefused(stack, asking, 'WeakKey', /^The certificate's key is RSA 1024: expected at least 2048 bits\./);
  });

  it.each(forgeable)('a key of %s whose public half is another’s: InvalidRequest', async (kind) => {
    const stack = await new Stack().hierarchy();
    const asking = issued(stack, {}, localSigner(forgedKey(makeKey(kind), kind)));
    await expectRefused(stack, asking, 'InvalidRequest', /does not verify.*don't belong together/);
  });

  it('a key that signs with another one of its kind', async () => {
    const stack = await new Stack().hierarchy();
    for (const kind of leafKeys) {
      const key = signerFor(keyOfKind(kind));
      const other = signerFor(kind.startsWith('RSA') ? makeKey('RSA-2048') : makeKey(kind));
      await expectRefused(stack, issued(stack, {}, { ...key, sign: other.sign }), 'InvalidRequest', /does not verify/);
    }
  });

  it('names that can’t be written: CertificateRejected, without a quote', async () => {
    const stack = await new Stack().hierarchy();
    const asking = issued(stack, { names: ['ip:no address'] });
    await expectRefused(stack, asking, 'CertificateRejected', /^(?!.*no address).*would differ from the declaration/);
  });

  it('an authority whose key does not belong to its certificate: KeyMismatch', async () => {
    const stack = await new Stack().hierarchy();
    const known = await stack.authorities.find('issuing');
    if (known) stack.authorities.set({ ...known, kmsKeyArn: stack.vault.add({ spec: p256 }) });
    await expectRefused(stack, issued(stack), 'KeyMismatch', /The key of authority issuing .* does not belong to its/);
  });

  it('public data that are refused cost no signature of the certificate’s own key either', async () => {
    const stack = await new Stack().hierarchy(issuing({ claims: { maxDuration: hour } }));
    const own = await stack.vault.signer(stack.vault.add({ spec: p256 }));
    await expect(issued(stack, { duration: day }, own)).rejects.toMatchObject({ name: 'CaRejected' });
    expect(stack.faults.calls.some(({ method, args: [arn] }) => method === 'sign' && arn === own.kmsKeyArn)).toBe(
      false,
    );
  });

  it('a disabled key of the authority: KmsDenied, as KMS reports', async () => {
    const stack = await new Stack().hierarchy();
    stack.vault.setEnabled(stack.kmsKeyOf('issuing'), false);
    await expect(issued(stack)).rejects.toMatchObject({ name: 'KmsDenied' });
  });
});

// ---- Any declaration ------------------------------------------------------------------------------------------------

const letters = (alphabet: string, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength: 1, maxLength });
const label = letters('abcdefghijklmnopqrstuvwxyz0123456789', 20);
const host = fc
  .tuple(fc.array(label, { maxLength: 4 }), letters('abcdefghij', 8))
  .map(([labels, top]) => [...labels, top].join('.'));
const values: Readonly<Record<NameKind, fc.Arbitrary<string>>> = {
  dns: fc.tuple(fc.boolean(), host).map(([isWild, name]) => (isWild ? `*.${name}` : name)),
  ip: fc.oneof(fc.ipV4(), fc.ipV6()),
  email: fc.tuple(letters("abcXYZ019!#$%&'*+/=?^_`{|}~-", 30), host).map(([mailbox, at]) => `${mailbox}@${at}`),
  uri: fc.oneof(
    fc.tuple(host, label).map(([at, path]) => `spiffe://${at}/${path}`),
    fc.webUrl(),
    fc.uuid().map((id) => `urn:uuid:${id}`),
  ),
};
const kinds: readonly NameKind[] = ['dns', 'ip', 'email', 'uri'];
/** Names as a declaration has them. Those that readDeclaredName refuses are left out. */
const anyName = fc
  .constantFrom(...kinds)
  .chain((kind) => values[kind].map((value) => readDeclaredName(kind, value)).filter((read) => read.ok));
const subjectText = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .filter((text) => /^[^\s"+,;<>\\=#]+$/u.test(text));

const anyDeclaration: fc.Arbitrary<DeclaredContent> = fc.record({
  kind: fc.constant('declared' as const),
  names: fc
    .uniqueArray(anyName, { minLength: 1, maxLength: 20, selector: ({ text }) => text })
    .map((names) => names.map(({ text }) => text)),
  subject: fc.option(
    fc.tuple(subjectText, subjectText).map(([cn, o]) => parseName(`CN=${cn},O=${o}`, 'It')),
    { nil: undefined },
  ),
  usages: fc.subarray([...declaredUsages], { minLength: 1 }),
  duration: fc.option(fc.integer({ min: minute, max: 2 * year }), { nil: undefined }),
});

it('any declaration: the certificate has exactly its contents', async () => {
  const stack = await new Stack().hierarchy();
  const roots = [stack.certificateOf('root')];
  const key = signerFor(makeKey());
  await fc.assert(
    fc.asyncProperty(anyDeclaration, async (content) => {
      const { leaf, chain } = await issued(stack, content, key);
      expect(departures(leaf, content)).toEqual({ problems: [], missing: [] });
      const wanted = {
        content,
        key: { kind: 'given', signer: key } as const,
        end: { laterThan: start, orEqual: false },
      };
      const verified = verifyIssued(parseAnswer([leaf.der, ...chain]), { wanted, spki: key.spki, roots }, start);
      expect(verified.warnings).toEqual([]);
      const [, ...fewer] = content.names;
      expect(departures(leaf, { ...content, names: fewer }).problems).not.toEqual([]);
      expect(departures(leaf, { ...content, names: [...content.names, 'dns:one.more.example.org'] }).problems).toEqual([
        'subjectAltName: dns:one.more.example.org is missing',
      ]);
    }),
    { numRuns: 60 },
  );
});
