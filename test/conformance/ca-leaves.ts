import type { KeyObject } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Certificate, Extension } from '../../lambdas/domain/certificate.ts';
import type { ErrorCode } from '../../lambdas/domain/errors.ts';
import type { Instant } from '../../lambdas/domain/instant.ts';
import type { CaProvider, Credential, IssuedChain } from '../../lambdas/domain/ports.ts';
import type { Mode } from '../../lambdas/domain/profile.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import { verifyPath } from '../../lambdas/x509/chain.ts';
import {
  basicConstraints,
  commonNameOnly,
  extendedKeyUsage,
  type KeyKind,
  keyUsage,
  type LeafRequest,
  makeHierarchy,
  makeKey,
  makeLeaf,
  serverAuth,
  spkiOf,
} from '../../testkit/certificates/index.ts';
import { rekeyWith, renewWith } from '../../testkit/fakes/asking.ts';
import { signerFor } from '../../testkit/fakes/signer.ts';
import { certificateShapes, names } from './ca-shapes.ts';

/** The same CA in different states. */
export interface LeafCaWorld {
  now(): Instant;
  /** Makes a leaf of this CA, from a provisioner that does or does not renew after expiry. DER. */
  makeLeaf(request: LeafRequest, renewableAfterExpiry: boolean): { leaf: Uint8Array; chain: readonly Uint8Array[] };
  readonly provider: CaProvider;
  /** The same CA: not running, not answering (until a time limit), and with a certificate of another root. */
  readonly down: CaProvider;
  readonly silent: CaProvider;
  readonly untrusted: CaProvider;
  /** Allowed deviations of this CA. An authority of the stack has no server, only a key. */
  readonly ownWays?: {
    readonly rekeysWithoutClientAuth?: boolean;
    readonly codes?: Partial<Record<'down' | 'foreign', ErrorCode>>;
  };
  close(): Promise<void>;
}

const minute = 60_000;
const hour = 60 * minute;

const keyKinds: readonly KeyKind[] = ['P-256', 'P-384', 'P-521', 'Ed25519', 'RSA-2048', 'RSA-3072'];
const rsaKeys = new Map<KeyKind, KeyObject>();

function keyOfKind(kind: KeyKind): KeyObject {
  if (!kind.startsWith('RSA')) return makeKey(kind);
  const key = rsaKeys.get(kind) ?? makeKey(kind);
  rsaKeys.set(kind, key);
  return key;
}

/** Tests of a CA that issues leaves: what it renews and rekeys, and what it refuses. */
export function leafCaSuite(name: string, open: () => Promise<LeafCaWorld>): void {
  describe(`CA of leaves: ${name}`, () => {
    let world: LeafCaWorld;
    beforeAll(async () => {
      world = await open();
    });
    afterAll(() => world?.close());

    interface Wanted extends Partial<LeafRequest> {
      readonly renewableAfterExpiry?: boolean;
      readonly inKms?: boolean;
      /** Milliseconds from now. */
      readonly from?: number;
      readonly to?: number;
    }

    function credential({
      from = -hour,
      to = hour,
      inKms = false,
      renewableAfterExpiry = false,
      ...rest
    }: Wanted = {}): Credential {
      const second = Math.floor(world.now() / 1000) * 1000;
      const key = rest.key ?? makeKey('P-256');
      const request = {
        subject: commonNameOnly('leaf.example'),
        ...rest,
        key,
        notBefore: second + from,
        notAfter: second + to,
      };
      const { leaf, chain } = world.makeLeaf(request, renewableAfterExpiry);
      return { leaf: parseCertificate(leaf), chain: chain.map(parseCertificate), key: signerFor(key, { inKms }) };
    }

    const renew = (current: Credential, provider = world.provider): Promise<IssuedChain> =>
      renewWith(provider, current);
    const rekey = (current: Credential, key = makeKey('P-256'), provider = world.provider): Promise<IssuedChain> =>
      rekeyWith(provider, current, signerFor(key));

    async function expectSuccessor(
      { certificates }: IssuedChain,
      { leaf: old }: Credential,
      key: KeyObject,
    ): Promise<void> {
      const [leaf, ...chain] = certificates.map((der) => parseCertificate(der));
      if (leaf === undefined) throw new Error('no certificate came');
      expect(Buffer.compare(leaf.spki, spkiOf(key))).toBe(0);
      expect(leaf.serialNumber).not.toBe(old.serialNumber);
      expect(Buffer.compare(leaf.subject, old.subject)).toBe(0);
      expect(leaf.notAfter - leaf.notBefore).toBe(old.notAfter - old.notBefore);
      const backdated = world.now() - leaf.notBefore;
      expect(backdated).toBeGreaterThanOrEqual(minute - 1_000);
      expect(backdated).toBeLessThan(minute + 10_000);
      const replaced = Buffer.compare(old.spki, leaf.spki) === 0 ? ['2.5.29.35'] : ['2.5.29.35', '2.5.29.14'];
      expect(kept(leaf, replaced)).toEqual(kept(old, replaced));
      const roots = (await world.provider.roots()).map((der) => parseCertificate(der));
      expect(verifyPath(leaf, chain, roots, world.now())).toMatchObject({ ok: true });
    }

    test.each(keyKinds)('renews a certificate with a key of %s', async (kind) => {
      const key = keyOfKind(kind);
      const current = credential({ key });
      await expectSuccessor(await renew(current), current, key);
    });

    test.each(keyKinds)('rekeys from a key of %s', async (kind) => {
      const next = makeKey('P-256');
      const current = credential({ key: keyOfKind(kind) });
      await expectSuccessor(await rekey(current, next), current, next);
    });

    test.each(keyKinds)('rekeys to a key of %s', async (kind) => {
      const next = keyOfKind(kind);
      const current = credential();
      await expectSuccessor(await rekey(current, next), current, next);
    });

    test('rekeys to a key in KMS', async () => {
      const next = makeKey('P-384');
      const current = credential();
      const answer = await rekeyWith(world.provider, current, signerFor(next, { inKms: true }));
      await expectSuccessor(answer, current, next);
    });

    describe.each(certificateShapes)('a certificate with %s', (_, part) => {
      test('is renewed', async () => {
        const key = makeKey('P-256');
        const current = credential({ ...part, key });
        await expectSuccessor(await renew(current), current, key);
      });

      test('is rekeyed', async () => {
        const next = makeKey('P-256');
        const current = credential(part);
        await expectSuccessor(await rekey(current, next), current, next);
      });
    });

    test.each([90_000, 24 * hour + 1_000, 9_000 * hour])('keeps a validity of %i ms', async (validity) => {
      const key = makeKey('P-256');
      const current = credential({ key, from: -30_000, to: validity - 30_000 });
      await expectSuccessor(await renew(current), current, key);
      const next = makeKey('P-256');
      await expectSuccessor(await rekey(current, next), current, next);
    });

    test('a chain in another order, with unrelated certificates, does no harm', async () => {
      const stranger = credential();
      const roots = (await world.provider.roots()).map((der) => parseCertificate(der));
      const current = credential({ inKms: true });
      const mixed = { ...current, chain: [stranger.leaf, ...roots, ...current.chain] };
      expect((await renew(mixed)).certificates.length).toBeGreaterThan(1);
    });

    test('a key in KMS renews, expired or not', async () => {
      const key = makeKey('P-256');
      for (const to of [hour, -minute]) {
        const current = credential({ key, inKms: true, to, renewableAfterExpiry: true });
        await expectSuccessor(await renew(current), current, key);
      }
    });

    test('a key in KMS is not rekeyed, and the error says why', async () => {
      await expect(rekey(credential({ inKms: true }))).rejects.toMatchObject({
        code: 'InvalidRequest',
        message: expect.stringMatching(/KMS/),
      });
    });

    test('a certificate without clientAuth is rekeyed, or the error says why not', async () => {
      const current = credential({ extensions: [keyUsage('digitalSignature'), extendedKeyUsage(serverAuth), names] });
      if (world.ownWays?.rekeysWithoutClientAuth) {
        const next = makeKey('P-256');
        return expectSuccessor(await rekey(current, next), current, next);
      }
      await expect(rekey(current)).rejects.toMatchObject({
        code: 'InvalidRequest',
        message: expect.stringMatching(/clientAuth/),
      });
    });

    describe('the check in advance', () => {
      const now = () => world.now();
      const fits = (current: Credential, operation: Mode, provider = world.provider) =>
        Promise.all(
          [true, false].map((lasting) => provider.checkFitness?.(current, operation, { now: now(), lasting })),
        );

      test.each(['renew', 'rekey'] as const)('accepts what the CA accepts (%s)', async (operation) => {
        for (const part of [...certificateShapes.map(([, shape]) => shape), ...keyKinds.map((kind) => ({ kind }))]) {
          const key = 'kind' in part ? keyOfKind(part.kind) : makeKey('P-256');
          await fits(credential({ ...part, key }), operation, world.down);
        }
        if (operation === 'renew') await fits(credential({ inKms: true }), operation, world.down);
      });

      test('reports a permanent refusal with the same code, and asks nobody', async () => {
        const extensions = [keyUsage('digitalSignature'), extendedKeyUsage(serverAuth), names];
        const refused: [Wanted, Mode][] = world.ownWays?.rekeysWithoutClientAuth
          ? [[{ extensions: [basicConstraints(true), keyUsage('keyCertSign')] }, 'renew']]
          : [
              [{ inKms: true }, 'rekey'],
              [{ extensions }, 'rekey'],
              [{ extensions }, 'renew'],
              [{ extensions, inKms: true }, 'renew'],
            ];
        for (const [wanted, operation] of refused) {
          const current = credential(wanted);
          const answer = operation === 'renew' ? renew(current) : rekey(current);
          const { code } = await answer.catch((error: unknown) => Object(error));
          expect(code).toMatch(/^(InvalidRequest|CaRejected|CaUntrusted)$/);
          await expect(fits(current, operation, world.down)).rejects.toMatchObject({ code });
        }
      });
    });

    describe('an expired certificate', () => {
      test('is renewed if the CA allows it', async () => {
        const key = makeKey('P-256');
        const current = credential({ key, to: -minute, renewableAfterExpiry: true });
        await expectSuccessor(await renew(current), current, key);
      });

      test.each(keyKinds)('of %s is rekeyed if the CA allows it', async (kind) => {
        const next = makeKey('P-256');
        const current = credential({ key: keyOfKind(kind), to: -minute, renewableAfterExpiry: true });
        await expectSuccessor(await rekey(current, next), current, next);
      });

      test('is CertificateExpired if it does not', async () => {
        const current = credential({ to: -minute });
        await expect(renew(current)).rejects.toMatchObject({ code: 'CertificateExpired', retryable: false });
        await expect(rekey(current)).rejects.toMatchObject({ code: 'CertificateExpired', retryable: false });
      });
    });

    test('a certificate that is not valid yet is NotYetValid', async () => {
      const current = credential({ from: 10 * minute });
      await expect(renew(current)).rejects.toMatchObject({ code: 'NotYetValid', retryable: false });
      await expect(rekey(current)).rejects.toMatchObject({ code: 'NotYetValid', retryable: false });
    });

    test("another certificate's key is KeyMismatch", async () => {
      for (const kind of ['P-256', 'Ed25519'] as const) {
        const wrong = { ...credential(), key: signerFor(makeKey(kind)) };
        await expect(renew(wrong)).rejects.toMatchObject({ code: 'KeyMismatch' });
        await expect(rekey(wrong)).rejects.toMatchObject({ code: 'KeyMismatch' });
      }
    });

    test('a certificate of another CA is refused', async () => {
      const code = world.ownWays?.codes?.foreign ?? 'CaRejected';
      const now = Math.floor(world.now() / 1000) * 1000;
      const other = makeHierarchy(now - hour, now + hour, 'Other');
      const key = makeKey('P-256');
      const leaf = makeLeaf(
        { key, subject: commonNameOnly('leaf.example'), notBefore: now - hour, notAfter: now + minute },
        other,
      );
      const foreign = {
        leaf: parseCertificate(leaf),
        chain: [parseCertificate(other.intermediate)],
        key: signerFor(key),
      };
      await expect(renew(foreign)).rejects.toMatchObject({ code, retryable: false });
      await expect(rekey(foreign)).rejects.toMatchObject({ code, retryable: false });
    });

    test.each([
      ['down', 'CaUnavailable', true],
      ['silent', 'CaUnavailable', true],
      ['untrusted', 'CaUntrusted', false],
    ] as const)('a CA that is %s is %s', async (which, usually, retryable) => {
      const code = (which === 'down' ? world.ownWays?.codes?.down : undefined) ?? usually;
      await expect(renew(credential(), world[which])).rejects.toMatchObject({ code, retryable });
      await expect(renew(credential({ inKms: true }), world[which])).rejects.toMatchObject({ code, retryable });
      await expect(rekey(credential(), makeKey('P-256'), world[which])).rejects.toMatchObject({ code, retryable });
    });

    test('a certificate without its key is InvalidRequest: nothing proves its owner', async () => {
      const current = { ...credential(), key: undefined };
      await expect(renew(current)).rejects.toMatchObject({ code: 'InvalidRequest', retryable: false });
      await expect(rekey(current)).rejects.toMatchObject({ code: 'InvalidRequest', retryable: false });
    });

    test('concurrent calls all get a certificate of their own', async () => {
      const current = credential();
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, at) => (at % 2 ? renew(current) : rekey(current))),
      );
      const serials = answers.map(({ certificates: [leaf] }) => leaf && parseCertificate(leaf).serialNumber);
      expect(new Set(serials).size).toBe(8);
    });
  });
}

/** Returns the extensions in a fixed order, without those that may change. */
function kept(
  { extensions }: Certificate,
  replaced: readonly string[],
): readonly (Omit<Extension, 'value'> & { hex: string })[] {
  return extensions
    .filter(({ oid }) => !replaced.includes(oid))
    .map(({ oid, critical, value }) => ({ oid, critical, hex: Buffer.from(value).toString('hex') }))
    .sort((a, b) => a.oid.localeCompare(b.oid));
}
