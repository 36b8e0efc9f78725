import { describe, expect, test } from 'vitest';
import type { CaAnswer, CaProvider, CaRequest, Credential } from '../../lambdas/domain/ports.ts';
import type { Signer } from '../../lambdas/domain/signer.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import { makeKey } from '../../testkit/certificates/index.ts';
import { wantedAfter } from '../../testkit/fakes/asking.ts';
import { signerFor } from '../../testkit/fakes/signer.ts';

export interface OrderScene {
  readonly provider: CaProvider;
  /** Returns another one each time. */
  credential(): Credential;
  /** The number of certificates that the CA has issued so far. */
  issued(): number;
}

/** More questions than any order of the scene takes. */
const mostLooks = 20;

/** A request for an existing certificate. */
type Copying = CaRequest & { readonly current: Credential };

const renewal = (current: Credential): Copying => ({
  wanted: wantedAfter(current, { kind: 'same' }),
  current,
  key: current.key,
});

const rekeying = (current: Credential, key: Signer): Copying => ({
  wanted: wantedAfter(current, { kind: 'given', signer: key }),
  current,
  key,
});

/** Tests of a CA that may answer later: the rules for an order, for each seed. */
export function caOrderSuite(name: string, open: (seed: number) => OrderScene): void {
  describe(`orders of a CA: ${name}`, () => {
    /** Asks until the certificate is issued. */
    async function complete(provider: CaProvider, request: CaRequest, first: CaAnswer) {
      let answer = first;
      for (let looks = 0; answer.kind === 'pending'; looks++) {
        if (looks > mostLooks) throw new Error('the order has no end');
        answer = await provider.ask({ ...request, receipt: answer.receipt });
      }
      if (answer.kind === 'gone') throw new Error(answer.says);
      return parseCertificate(answer.certificates[0] ?? new Uint8Array());
    }

    /** Returns the scene of the first seed with a pending renewal. */
    async function pending() {
      for (let seed = 0; ; seed++) {
        const scene = open(seed);
        const request = renewal(scene.credential());
        const answer = await scene.provider.ask(request);
        if (answer.kind === 'pending') return { ...scene, request, receipt: answer.receipt };
        if (seed > mostLooks) throw new Error('it answers everything at once');
      }
    }

    test('it says that it may answer later, and over some seeds does both', async () => {
      const kinds = new Set<string>();
      for (let seed = 0; seed < mostLooks; seed++) {
        const { provider, credential } = open(seed);
        expect(provider.can.answers).toBe('later');
        kinds.add((await provider.ask(renewal(credential()))).kind);
      }
      expect([...kinds].sort()).toEqual(['issued', 'pending']);
    });

    test.each(Array.from({ length: 8 }, (_, seed) => seed))(
      'seed %i: both operations end in a certificate',
      async (seed) => {
        const { provider, credential } = open(seed);
        for (const next of [undefined, signerFor(makeKey('P-256'))]) {
          const current = credential();
          const request = next ? rekeying(current, next) : renewal(current);
          const leaf = await complete(provider, request, await provider.ask(request));
          expect(Buffer.compare(leaf.spki, (next ?? current.leaf).spki)).toBe(0);
          expect(leaf.serialNumber).not.toBe(current.leaf.serialNumber);
        }
      },
    );

    test('a pending answer has the receipt and the time of the next question, and nothing else', async () => {
      const { provider, request, receipt } = await pending();
      const answer = await provider.ask({ ...request, receipt });
      if (answer.kind === 'pending') {
        expect(answer.receipt).toBe(receipt);
        expect(answer.after).toBeGreaterThan(0);
        expect(answer).not.toHaveProperty('certificates');
      }
      expect(receipt).toMatch(/^[\x21-\x7e]{1,500}$/);
    });

    test('a receipt works for its order any number of times, and nothing is issued twice', async () => {
      const { provider, request, receipt, issued } = await pending();
      const first = await complete(provider, request, await provider.ask({ ...request, receipt }));
      for (let again = 0; again < 3; again++) {
        const later = await complete(provider, request, await provider.ask({ ...request, receipt }));
        expect(Buffer.compare(later.der, first.der)).toBe(0);
      }
      expect(issued()).toBe(1);
    });

    test('an unknown receipt is refused, and nothing is issued', async () => {
      const { provider, request, issued } = await pending();
      for (const receipt of ['', 'order-of-another']) {
        const refused = { code: 'CaRejected', retryable: false };
        await expect(provider.ask({ ...request, receipt })).rejects.toMatchObject(refused);
      }
      expect(issued()).toBe(0);
    });

    test('two orders are independent', async () => {
      const { provider, credential, request, receipt } = await pending();
      const other = renewal(credential());
      const placed = await provider.ask(other);
      if (placed.kind === 'pending') expect(placed.receipt).not.toBe(receipt);
      await expect(provider.ask({ ...other, receipt })).rejects.toMatchObject({ code: 'CaRejected' });
      const another = rekeying(request.current, signerFor(makeKey('P-256')));
      await expect(provider.ask({ ...another, receipt })).rejects.toMatchObject({ code: 'CaRejected' });
      const leaf = await complete(provider, request, await provider.ask({ ...request, receipt }));
      expect(Buffer.compare(leaf.spki, request.current.leaf.spki)).toBe(0);
      const otherLeaf = await complete(provider, other, placed);
      expect(Buffer.compare(otherLeaf.spki, other.current.leaf.spki)).toBe(0);
    });

    test('the same certificate ordered twice has two orders', async () => {
      const { provider, request, receipt } = await pending();
      const second = await provider.ask(request);
      if (second.kind === 'pending') expect(second.receipt).not.toBe(receipt);
      const leaves = [await provider.ask({ ...request, receipt }), second].map((each) =>
        complete(provider, request, each),
      );
      const [a, b] = await Promise.all(leaves);
      expect(a?.serialNumber).not.toBe(b?.serialNumber);
    });
  });
}
