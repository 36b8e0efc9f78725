import type { KeyObject } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DeclaredUsage, declaredUsages } from '../../lambdas/domain/declaration.ts';
import type { ErrorCode } from '../../lambdas/domain/errors.ts';
import type { Instant } from '../../lambdas/domain/instant.ts';
import type { CaProvider, CaRequest, Credential, IssuedChain } from '../../lambdas/domain/ports.ts';
import type { Signer } from '../../lambdas/domain/signer.ts';
import type { DeclaredContent } from '../../lambdas/domain/wanted.ts';
import { localSigner } from '../../lambdas/keys/local.ts';
import { parseAnswer, verifyIssued } from '../../lambdas/renewal/steps/5-verify.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import { subjectAltNames } from '../../lambdas/x509/general-names.ts';
import { parseName } from '../../lambdas/x509/name-text.ts';
import { forgeable, forgedKey } from '../../testkit/certificates/forged.ts';
import { type KeyKind, makeKey } from '../../testkit/certificates/index.ts';
import { wantedAfter } from '../../testkit/fakes/asking.ts';
import { signerFor } from '../../testkit/fakes/signer.ts';

export interface IssuingWorld {
  now(): Instant;
  readonly provider: CaProvider;
  /** Returns the number of certificates so far; undefined if it is not counted. */
  issued?(): number;
  /** Further declarations that the CA refuses without issuing. */
  readonly refusals?: readonly IssuingRefusal[];
  readonly ownWays?: IssuingWays;
  close(): Promise<void>;
}

export interface IssuingRefusal {
  readonly name: string;
  readonly declared: Partial<DeclaredContent>;
  readonly code: ErrorCode;
}

/** Allowed deviations of this CA. */
export interface IssuingWays {
  /** Default: InvalidRequest and WeakKey, from a check before the CA is asked. A server refuses with CaRejected. */
  readonly codes?: Partial<Record<'unproven' | 'weak', ErrorCode>>;
  /** Usages that the CA writes. Default: all. */
  readonly usages?: readonly DeclaredUsage[];
  /** It always writes exactly these usages, for any declaration. */
  readonly usagesTogether?: true;
  /** By default it writes the subject byte for byte. `common name`: it writes only the common name, and may omit it. */
  readonly subject?: 'common name';
  /** Milliseconds by which its clock may differ from `now`. */
  readonly tolerance?: number;
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
/** More questions than any order takes. */
const mostLooks = 20;

const keyKinds: readonly KeyKind[] = ['P-256', 'P-384', 'P-521', 'Ed25519', 'RSA-2048', 'RSA-3072'];
const rsaKeys = new Map<KeyKind, KeyObject>();

/** RSA keys are made once: each takes up to a second. */
function keyOfKind(kind: KeyKind): KeyObject {
  const key = rsaKeys.get(kind) ?? makeKey(kind);
  if (kind.startsWith('RSA')) rsaKeys.set(kind, key);
  return key;
}

const web: DeclaredContent = {
  kind: 'declared',
  names: ['dns:web.svc.example'],
  subject: undefined,
  usages: ['serverAuth', 'clientAuth'],
  duration: undefined,
};

const declaredNames: readonly [name: string, names: readonly string[]][] = [
  ['a DNS name', ['dns:web.svc.example']],
  ['a wildcard', ['dns:*.svc.example']],
  ['an international name', ['dns:xn--zrich-kva.example']],
  ['an IPv4 address', ['ip:10.0.0.7']],
  ['an IPv6 address', ['ip:2001:db8::1']],
  ['a mailbox', ['email:Ops@svc.example']],
  ['a URI', ['uri:spiffe://svc.example/web']],
  [
    'names of each kind',
    ['dns:web.svc.example', 'dns:*.svc.example', 'ip:10.0.0.7', 'email:ops@svc.example', 'uri:urn:example:web'],
  ],
  ['a hundred names', Array.from({ length: 100 }, (_, i) => `dns:web-${i}.svc.example`)],
];

/** A request without a current certificate. */
function requestOf(content: DeclaredContent, signer: Signer, now: Instant): CaRequest {
  const wanted = { content, key: { kind: 'given', signer } as const, end: { laterThan: now, orEqual: false } };
  return { wanted, current: undefined, key: signer };
}

/** Asks until the certificate is issued. */
async function complete(provider: CaProvider, request: CaRequest): Promise<IssuedChain> {
  let answer = await provider.ask(request);
  for (let looks = 0; answer.kind === 'pending'; looks++) {
    if (looks > mostLooks) throw new Error('the order has no end');
    answer = await provider.ask({ ...request, receipt: answer.receipt });
  }
  if (answer.kind === 'gone') throw new Error(answer.says);
  return answer;
}

/** Tests of every CA that issues declared certificates, at once or later. */
export function caIssuingSuite(name: string, open: () => Promise<IssuingWorld>): void {
  describe(`a CA that issues: ${name}`, () => {
    let world: IssuingWorld;
    beforeAll(async () => {
      world = await open();
    });
    afterAll(() => world?.close());

    const ways = (): IssuingWays => world.ownWays ?? {};
    const usages = (): readonly DeclaredUsage[] => ways().usages ?? declaredUsages;

    /** Asserts that the answer passes the worker's proof, with nothing left out or shortened. */
    async function issue(more: Partial<DeclaredContent> = {}, key: Signer = signerFor(makeKey())) {
      const { provider } = world;
      const request = requestOf({ ...web, ...more }, key, world.now());
      const answer = parseAnswer((await complete(provider, request)).certificates);
      const roots = (await provider.roots()).map((der) => parseCertificate(der));
      const verified = verifyIssued(answer, { wanted: request.wanted, spki: key.spki, roots }, world.now());
      expect(verified.warnings).toEqual([]);
      return verified;
    }

    async function expectRefused(content: Partial<DeclaredContent>, key: Signer | undefined, code: ErrorCode) {
      const before = world.issued?.();
      const request = requestOf({ ...web, ...content }, key ?? signerFor(makeKey()), world.now());
      const asking = complete(world.provider, { ...request, key });
      await expect(asking).rejects.toMatchObject({ code, retryable: false });
      expect(world.issued?.()).toBe(before);
    }

    test('reports that it issues', () => {
      expect(world.provider.issues).toBe(true);
    });

    test.each(declaredNames)('issues exactly the names: %s', async (_, names) => {
      const { leaf } = await issue({ names });
      expect(subjectAltNames(leaf).sort()).toEqual([...names].sort());
    });

    test('issues for each usage that it writes, and for all of them', async () => {
      const each = ways().usagesTogether ? [] : usages();
      for (const usage of each) await issue({ usages: [usage] }).catch(told(usage));
      await issue({ usages: usages() });
    });

    test.each(['', 'CN=web.svc.example', 'CN=Web & Söhne', 'CN=web.svc.example,OU=Ops,O=Example,C=CH'])(
      'issues the subject "%s"',
      async (text) => {
        const isCommonName = !text.includes(',');
        const writesAll = ways().subject !== 'common name';
        if (!writesAll && !isCommonName) return;
        const subject = text === '' ? undefined : parseName(text, 'It');
        const { leaf } = await issue({ subject });
        if (writesAll) expect(Buffer.from(leaf.subject).equals(subject ?? Uint8Array.of(0x30, 0))).toBe(true);
        const names = leaf.extensions.find(({ oid }) => oid === '2.5.29.17');
        if (leaf.subject.length === 2) expect(names?.critical).toBe(true); // RFC 5280, section 4.2.1.6
      },
    );

    test.each(keyKinds)('certifies a key of %s', async (kind) => {
      const key = signerFor(keyOfKind(kind));
      const { leaf } = await issue({}, key);
      expect(Buffer.compare(leaf.spki, key.spki)).toBe(0);
    });

    test.each<KeyKind>(['P-256', 'RSA-2048'])('certifies a key of %s in KMS', async (kind) => {
      await issue({}, signerFor(keyOfKind(kind), { inKms: true }));
    });

    test.each([
      ['a day, by default', undefined, day],
      ['an hour', hour, hour],
      ['thirty days', 30 * day, 30 * day],
      ['no part of a second', hour + 999, hour],
    ])('issues for %s', async (_, duration, expected) => {
      const { tolerance = 0 } = ways();
      const { leaf } = await issue({ duration });
      const second = Math.floor(world.now() / 1000) * 1000;
      expect(Math.abs(leaf.notAfter - (second + expected))).toBeLessThanOrEqual(tolerance);
      expect(leaf.notBefore).toBeLessThanOrEqual(second + tolerance);
      expect(leaf.notBefore).toBeGreaterThanOrEqual(second - hour);
    });

    test('issues another certificate for each request, even for the same key and names', async () => {
      const key = signerFor(makeKey());
      const serials = [await issue({}, key), await issue({}, key)].map(({ leaf }) => leaf.serialNumber);
      expect(new Set(serials).size).toBe(2);
      const beside = await Promise.all(Array.from({ length: 4 }, () => issue()));
      expect(new Set(beside.map(({ leaf }) => leaf.serialNumber)).size).toBe(4);
    });

    test('renews and rekeys what it issued', async () => {
      const key = signerFor(makeKey());
      const { leaf, chain } = await issue({ duration: hour }, key);
      const current: Credential = { leaf, chain, key };
      const next = signerFor(makeKey());
      const end = { laterThan: world.now(), orEqual: false };
      for (const [wanted, asked] of [
        [wantedAfter(current, { kind: 'same' }, { end }), key],
        [wantedAfter(current, { kind: 'given', signer: next }, { end }), next],
      ] as const) {
        const { certificates } = await complete(world.provider, { wanted, current, key: asked });
        const [after] = certificates.map((der) => parseCertificate(der));
        expect(after && Buffer.compare(after.spki, asked.spki)).toBe(0);
        expect(after && subjectAltNames(after)).toEqual(web.names);
      }
    });

    test.each(forgeable)('refuses a key of %s whose public half is another’s', async (kind) => {
      const forged = localSigner(forgedKey(keyOfKind(kind), kind));
      await expectRefused({}, forged, ways().codes?.unproven ?? 'InvalidRequest');
    });

    test('refuses a key that signs with another one', async () => {
      const [shown, other] = [signerFor(makeKey()), signerFor(makeKey())];
      await expectRefused({}, { ...shown, sign: other.sign }, ways().codes?.unproven ?? 'InvalidRequest');
    });

    test('refuses a key of RSA 1024', async () => {
      await expectRefused({}, signerFor(makeKey('RSA-1024')), ways().codes?.weak ?? 'WeakKey');
    });

    test('makes no key', () => expectRefused({}, undefined, 'InvalidRequest'));

    test('refuses a receipt that it did not give, or gave for another declaration', async () => {
      const { provider } = world;
      const request = requestOf(web, signerFor(makeKey()), world.now());
      const first = await provider.ask(request);
      const before = world.issued?.();
      const others = requestOf({ ...web, names: ['dns:other.svc.example'] }, signerFor(makeKey()), world.now());
      for (const receipt of ['order-of-nobody', ...(first.kind === 'pending' ? [first.receipt] : [])]) {
        await expect(provider.ask({ ...others, receipt })).rejects.toMatchObject({ code: 'CaRejected' });
      }
      expect(world.issued?.()).toBe(before);
    });

    test('refuses what it may not issue, and issues nothing', async () => {
      for (const { name: what, declared, code } of world.refusals ?? []) {
        await expectRefused(declared, signerFor(makeKey()), code).catch(told(what));
      }
    });
  });
}

/** Adds the row of a loop to a failed expectation. */
const told = (what: string) => (cause: unknown) => {
  throw new Error(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
};

export interface NotIssuingWorld {
  readonly provider: CaProvider;
  /** Returns the number of questions to the CA; undefined if it can't be counted. */
  asked?(): number;
  close(): Promise<void>;
}

/** Tests of every other CA: a declaration fails, and the CA is not asked. */
export function caNotIssuingSuite(name: string, open: () => Promise<NotIssuingWorld>): void {
  describe(`a CA that does not issue: ${name}`, () => {
    let world: NotIssuingWorld;
    beforeAll(async () => {
      world = await open();
    });
    afterAll(() => world?.close());

    test('reports that it does not issue', () => {
      expect(world.provider.issues).toBe(false);
    });

    test('refuses a declaration with IssuanceNotAllowed, and names what would issue it', async () => {
      const before = world.asked?.();
      await expect(world.provider.ask(requestOf(web, signerFor(makeKey()), 0))).rejects.toMatchObject({
        code: 'IssuanceNotAllowed',
        retryable: false,
        message: expect.stringMatching(/^The CA of this profile does not issue declared certificates: .+\.$/),
      });
      expect(world.asked?.()).toBe(before);
    });
  });
}
