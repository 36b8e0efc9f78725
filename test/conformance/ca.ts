import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Instant } from '../../lambdas/domain/instant.ts';
import type { CaCapabilities, CaProvider, Credential, IssuedChain } from '../../lambdas/domain/ports.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import { verifyPath } from '../../lambdas/x509/chain.ts';
import { makeKey } from '../../testkit/certificates/index.ts';
import { rekeyWith, renewWith, wantedAfter } from '../../testkit/fakes/asking.ts';
import { signerFor } from '../../testkit/fakes/signer.ts';

export interface CaWorld {
  now(): Instant;
  /** The CA's capabilities, in the words of the port. Anything else is refused. */
  readonly can: CaCapabilities;
  readonly provider: CaProvider;
  /** Returns a certificate that this CA renews, with its key in KMS if possible. */
  credential(options?: { readonly inKms?: boolean }): Credential;
  close(): Promise<void>;
}

/** Tests of every CA that answers at once. */
export function caProviderSuite(name: string, open: () => Promise<CaWorld>): void {
  describe(`CA: ${name}`, () => {
    let world: CaWorld;
    beforeAll(async () => {
      world = await open();
    });
    afterAll(() => world?.close());

    const newKey = (inKms = false) => signerFor(makeKey('P-256'), { inKms });

    async function expectSuccessor(
      { certificates }: IssuedChain,
      { leaf: old, chain: pool }: Credential,
      spki = old.spki,
    ) {
      const [leaf, ...chain] = certificates.map((der) => parseCertificate(der));
      if (leaf === undefined) throw new Error('no certificate came');
      expect(Buffer.compare(leaf.spki, spki)).toBe(0);
      expect(Buffer.compare(leaf.subject, old.subject)).toBe(0);
      expect(leaf.serialNumber).not.toBe(old.serialNumber);
      expect(leaf.notAfter).toBeGreaterThan(old.notAfter);
      const roots = (await world.provider.roots({ leaf: old, chain: pool })).map((der) => parseCertificate(der));
      expect(verifyPath(leaf, chain, roots, world.now())).toMatchObject({ ok: true });
    }

    async function expectRefused(current: Credential, operation: 'renew' | 'rekey', inKms = false): Promise<void> {
      const refused = { code: 'InvalidRequest', retryable: false };
      const { provider } = world;
      const answer = operation === 'renew' ? renewWith(provider, current) : rekeyWith(provider, current, newKey(inKms));
      await expect(answer).rejects.toMatchObject(refused);
      for (const lasting of [true, false]) {
        const look = provider.checkFitness?.(current, operation, { now: world.now(), lasting });
        await expect(look ?? Promise.reject(new Error('it can not tell'))).rejects.toMatchObject(refused);
      }
    }

    test('reports its capabilities', () => {
      expect(world.provider.can).toEqual(world.can);
      expect(world.provider.type).toMatch(/^[a-z-]+$/);
    });

    test('renews, or reports that it does not', async () => {
      const current = world.credential();
      if (!world.can.renews) return expectRefused(current, 'renew');
      await expectSuccessor(await renewWith(world.provider, current), current);
    });

    test('rekeys, or reports that it does not', async () => {
      const current = world.credential();
      if (!world.can.rekeys) return expectRefused(current, 'rekey');
      const next = newKey();
      await expectSuccessor(await rekeyWith(world.provider, current, next), current, next.spki);
    });

    test('rekeys from KMS to KMS, or reports that it does not', async () => {
      const current = world.credential({ inKms: true });
      if (!world.can.rekeysInKms) return expectRefused(current, 'rekey', true);
      const next = newKey(true);
      await expectSuccessor(await rekeyWith(world.provider, current, next), current, next.spki);
    });

    test('holds the key itself, if it says so', async () => {
      if (world.can.keyHolder === 'secret') return;
      const current = { ...world.credential(), key: undefined };
      await expectSuccessor(await renewWith(world.provider, current), current);
    });

    test('makes no key for a rekey', async () => {
      const current = world.credential();
      const wanted = wantedAfter(current, { kind: 'new', spec: { kty: 'EC', curve: 'P-256' } });
      const answer = world.provider.ask({ wanted, current, key: undefined });
      await expect(answer).rejects.toMatchObject({ code: 'InvalidRequest' });
    });

    test('accepts no receipt', async () => {
      const current = world.credential();
      const wanted = wantedAfter(current, { kind: 'same' });
      const answer = world.provider.ask({ wanted, current, key: current.key, receipt: 'order-1' });
      await expect(answer).rejects.toMatchObject({ code: 'CaRejected', retryable: false });
    });

    test('reports that it could be asked now', async () => {
      await world.provider.answers?.();
    });

    test('gives each of several callers a certificate of their own', async () => {
      const current = world.credential();
      const answers = await Promise.all(Array.from({ length: 8 }, () => renewWith(world.provider, current)));
      const serials = answers.map(({ certificates: [leaf] }) => leaf && parseCertificate(leaf).serialNumber);
      expect(new Set(serials).size).toBe(8);
    });
  });
}
