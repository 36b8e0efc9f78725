/** The provider for step-ca with the real program, and what is special about that CA. */
import { createPrivateKey, type KeyObject, randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodePem, pemBlocks } from '../../lambdas/domain/pem.ts';
import type { CaProvider, Clock, Credential, IssuedChain } from '../../lambdas/domain/ports.ts';
import { openStepCa } from '../../lambdas/providers/step-ca/index.ts';
import { stepCa as stepCaKind } from '../../lambdas/providers/step-ca/kind.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import { type PemHierarchy, pemHierarchy } from '../../testkit/cas/hierarchy.ts';
import { type LocalCa, type StepCaOptions, startStepCa, x5cProvisioner } from '../../testkit/cas/step-ca.ts';
import {
  clientAuth,
  commonNameOnly,
  extendedKeyUsage,
  extension,
  type Hierarchy,
  keyUsage,
  type LeafRequest,
  makeKey,
  makeLeaf,
  serverAuth,
  signCertificate,
  spkiOf,
  usualExtensions,
  utf8,
} from '../../testkit/certificates/index.ts';
import { providerOf, rekeyWith, renewWith } from '../../testkit/fakes/asking.ts';
import { signerFor } from '../../testkit/fakes/signer.ts';
import { stepCa } from '../../testkit/tools/go-tools.ts';
import { freePort } from '../../testkit/tools/process.ts';
import { describeFound } from '../support/local.ts';
import { caProviderSuite } from './ca.ts';
import { leafCaSuite } from './ca-leaves.ts';

const entropy = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const realClock: Clock = { now: () => Date.now(), sleep: setTimeout };
const providerAt = (url: string, root: string, timeoutMs = 10_000, clock = realClock): CaProvider =>
  providerOf(stepCaKind, openStepCa({ url, root }, { timeoutMs }), { clock, entropy });

/** step-ca with a provisioner for each claim that the tests need. */
async function start(options: StepCaOptions = {}): Promise<LocalCa> {
  const hierarchy = options.hierarchy ?? pemHierarchy();
  const named = (name: string, claims: object) => ({ ...x5cProvisioner(name, hierarchy.root.certificatePem), claims });
  return startStepCa({
    hierarchy,
    provisioners: [named('lenient', { allowRenewalAfterExpiry: true }), named('disabled', { disableRenewal: true })],
    ...options,
  });
}

function intermediateOf(ca: LocalCa): Pick<Hierarchy, 'intermediate' | 'intermediateKey' | 'intermediateName'> {
  const [block] = pemBlocks(ca.access.intermediatePem);
  if (block === undefined) throw new Error('the CA has no intermediate');
  return {
    intermediate: block.der,
    intermediateName: parseCertificate(block.der).subject,
    intermediateKey: createPrivateKey(ca.access.intermediateKeyPem),
  };
}

/** The same intermediate again, with the same key and name and another end. */
function withLongerIntermediate({ root, intermediate }: PemHierarchy): PemHierarchy {
  const [rootBlock] = pemBlocks(root.certificatePem);
  const [oldBlock] = pemBlocks(intermediate.certificatePem);
  if (rootBlock === undefined || oldBlock === undefined) throw new Error('the hierarchy has no certificates');
  const old = parseCertificate(oldBlock.der);
  const notAfter = Math.floor(Date.now() / 1000) * 1000 + 86_400_000;
  const der = signCertificate(
    { ...old, serialNumber: new Uint8Array(randomBytes(16)), notAfter },
    { subject: parseCertificate(rootBlock.der).subject, key: createPrivateKey(root.keyPem) },
  );
  return { root, intermediate: { ...intermediate, certificatePem: `${encodePem('CERTIFICATE', der)}\n` } };
}

/** Accepts connections and never answers. */
async function silentServer(): Promise<{ url: string; close: () => void }> {
  const port = await freePort();
  const server = createServer((socket) => socket.on('error', () => {})).listen(port, '127.0.0.1');
  return { url: `https://localhost:${port}`, close: () => server.close() };
}

const found = await stepCa();

describeFound([found], 'with a real step-ca', () => {
  caProviderSuite('step-ca', async () => {
    const ca = await start();
    const issuer = intermediateOf(ca);
    return {
      now: () => Date.now(),
      can: {
        renews: true,
        rekeys: true,
        rekeysInKms: false,
        answers: 'at once',
        keyHolder: 'secret',
        wantsPath: true,
      },
      provider: providerAt(ca.url, ca.rootPem),
      credential: ({ inKms = false } = {}) => {
        const key = makeKey('P-256');
        const second = Math.floor(Date.now() / 1000) * 1000;
        const dates = { notBefore: second - 3_600_000, notAfter: second + 3_600_000 };
        const leaf = makeLeaf({ key, subject: commonNameOnly('leaf.example'), ...dates }, issuer);
        const chain = [parseCertificate(issuer.intermediate)];
        return { leaf: parseCertificate(leaf), chain, key: signerFor(key, { inKms }) };
      },
      close: () => ca.close(),
    };
  });

  leafCaSuite('step-ca', async () => {
    const ca = await start();
    const silent = await silentServer();
    const issuer = intermediateOf(ca);
    const other = pemHierarchy({ name: 'Other' });
    return {
      now: () => Date.now(),
      makeLeaf: (request, renewableAfterExpiry) => ({
        leaf: makeLeaf({ ...request, provisioner: renewableAfterExpiry ? 'lenient' : 'local' }, issuer),
        chain: [issuer.intermediate],
      }),
      provider: providerAt(ca.url, ca.rootPem),
      down: providerAt(`https://localhost:${await freePort()}`, ca.rootPem),
      silent: providerAt(silent.url, ca.rootPem, 300),
      untrusted: providerAt(ca.url, other.root.certificatePem),
      close: async () => {
        silent.close();
        await ca.close();
      },
    };
  });

  describe('step-ca in particular', () => {
    let ca: LocalCa;
    let provider: CaProvider;
    beforeAll(async () => {
      ca = await start();
      provider = providerAt(ca.url, ca.rootPem);
    });
    afterAll(() => ca?.close());

    interface Wanted extends Partial<LeafRequest> {
      readonly minutes?: number;
      readonly inKms?: boolean;
      readonly alone?: boolean;
    }

    function credential({ minutes = 60, inKms = false, alone = false, ...rest }: Wanted = {}): Credential {
      const now = Math.floor(Date.now() / 1000) * 1000;
      const key: KeyObject = rest.key ?? makeKey('P-256');
      const dates = { notBefore: now - 3_600_000, notAfter: now + minutes * 60_000 };
      const issuer = intermediateOf(ca);
      const leaf = makeLeaf({ subject: commonNameOnly('leaf.example'), ...dates, ...rest, key }, issuer);
      const chain = alone ? [] : [parseCertificate(issuer.intermediate)];
      return { leaf: parseCertificate(leaf), chain, key: signerFor(key, { inKms }) };
    }

    const renew = (current: Credential, by = provider): Promise<IssuedChain> => renewWith(by, current);
    const rekey = (current: Credential, key = makeKey('P-256')): Promise<IssuedChain> =>
      rekeyWith(provider, current, signerFor(key));
    const leafOf = ({ certificates: [leaf] }: IssuedChain) => parseCertificate(leaf ?? new Uint8Array());

    test('a leaf without its intermediate is renewed and rekeyed, also with a key in KMS and after its end', async () => {
      for (const wanted of [{}, { inKms: true }, { minutes: -1, provisioner: 'lenient' }]) {
        expect((await renew(credential({ ...wanted, alone: true }))).certificates).toHaveLength(2);
        if (!('inKms' in wanted))
          expect((await rekey(credential({ ...wanted, alone: true }))).certificates).toHaveLength(2);
      }
    });

    test.each<[string, Wanted]>([
      ['without a provisioner extension', { provisioner: null }],
      [
        'without digitalSignature',
        { extensions: [keyUsage('keyEncipherment'), extendedKeyUsage(serverAuth, clientAuth)] },
      ],
      ['without a key usage', { extensions: [extendedKeyUsage(serverAuth, clientAuth)] }],
      ['that outlives its intermediate', { minutes: 60 * 24 * 4_000 }],
    ])('a certificate %s, whose token the CA refuses, is renewed by TLS', async (_, wanted) => {
      const current = credential(wanted);
      expect(Buffer.compare(leafOf(await renew(current)).spki, current.leaf.spki)).toBe(0);
      await expect(renew(credential({ ...wanted, inKms: true }))).rejects.toMatchObject({ code: 'CaRejected' });
    });

    test.each<[string, Wanted]>([
      ['a removed provisioner', { provisioner: 'gone' }],
      ['renewal disabled', { provisioner: 'disabled' }],
      ['an unknown critical extension', { extensions: [...usualExtensions, extension('1.2.3.4', utf8('x'), true)] }],
    ])('%s: CaRejected, and what to do', async (_, wanted) => {
      const failure = { code: 'CaRejected', retryable: false, message: expect.stringMatching(/log/) };
      await expect(renew(credential(wanted))).rejects.toMatchObject(failure);
      await expect(rekey(credential(wanted))).rejects.toMatchObject(failure);
    });

    test('a certificate without clientAuth can’t be renewed by step-ca', async () => {
      const current = credential({ extensions: [keyUsage('digitalSignature'), extendedKeyUsage(serverAuth)] });
      await expect(renew(current)).rejects.toMatchObject({
        code: 'CaRejected',
        message: expect.stringMatching(/clientAuth.*serverAuth/),
      });
    });

    test('an RSA key of 1024 bits is replaced', async () => {
      const next = makeKey('RSA-2048');
      const answer = await rekey(credential({ key: makeKey('RSA-1024') }), next);
      expect(Buffer.compare(leafOf(answer).spki, spkiOf(next))).toBe(0);
    });

    test('a certificate that expires during the call is rekeyed as an expired one', async () => {
      const current = credential({ minutes: -0.05, provisioner: 'lenient' });
      const before = current.leaf.notAfter - 1_000; // our clock is late: it still sees a valid certificate
      const late = providerAt(ca.url, ca.rootPem, 10_000, { ...realClock, now: () => before });
      const answer = await rekeyWith(late, current, signerFor(makeKey('P-256')));
      expect(leafOf(answer).notAfter).toBeGreaterThan(Date.now());
    });

    test('/1.0 in the url is kept', async () => {
      const prefixed = providerAt(`${ca.url}/1.0/`, ca.rootPem);
      expect((await renew(credential(), prefixed)).certificates).toHaveLength(2);
      const wrong = renew(credential({ inKms: true }), providerAt(`${ca.url}/pki`, ca.rootPem));
      await expect(wrong).rejects.toMatchObject({ code: 'CaRejected', message: expect.stringMatching(/404/) });
    });

    test('a kept connection that the CA has ended is noticed and replaced', async () => {
      for (const inKms of [true, false]) {
        await Promise.all([1, 2, 3].map(() => renew(credential({ inKms }))));
        await ca.start();
        expect((await renew(credential({ inKms }))).certificates).toHaveLength(2);
      }
    });
  });

  describe('step-ca with a changed intermediate', () => {
    /** Certificates of a step-ca with the old intermediate, and the current step-ca under the same root. */
    async function changed(successor: (before: PemHierarchy) => Promise<PemHierarchy> | PemHierarchy) {
      const before = pemHierarchy({ intermediateNotAfter: new Date(Date.now() + 3_600_000) });
      const ca = await start({ hierarchy: before });
      const issuer = intermediateOf(ca);
      await ca.start({ hierarchy: await successor(before) });
      const credential = (minutes: number, { inKms = false, alone = false } = {}): Credential => {
        const now = Math.floor(Date.now() / 1000) * 1000;
        const key = makeKey('P-256');
        const dates = { notBefore: now - 60_000, notAfter: now + minutes * 60_000 };
        const leaf = parseCertificate(makeLeaf({ key, subject: commonNameOnly('leaf.example'), ...dates }, issuer));
        return { leaf, chain: alone ? [] : [parseCertificate(issuer.intermediate)], key: signerFor(key, { inKms }) };
      };
      return { ca, provider: providerAt(ca.url, ca.rootPem), credential };
    }

    test('by another key: certificates of the old one are renewed if the secret has the old one', async () => {
      const { ca, provider, credential } = await changed(({ root }) => pemHierarchy({ root }));
      try {
        const newKey = signerFor(makeKey('P-256'));
        const today = parseCertificate(intermediateOf(ca).intermediate).serialNumber;
        const answers = [
          await renewWith(provider, credential(30, { inKms: true })),
          await renewWith(provider, credential(30)),
          await rekeyWith(provider, credential(30), newKey),
        ];
        for (const { certificates } of answers) {
          expect(certificates.slice(1).map((der) => parseCertificate(der).serialNumber)).toEqual([today]);
        }
        const lost = credential(30, { alone: true });
        await expect(renewWith(provider, lost)).rejects.toMatchObject({ code: 'CaRejected' });
        await expect(rekeyWith(provider, lost, newKey)).rejects.toMatchObject({
          code: 'CaRejected',
          message: expect.stringMatching(/intermediate/),
        });
      } finally {
        await ca.close();
      }
    });

    test('by the same key with a later end: it verifies certificates that outlive the old one', async () => {
      const { ca, provider, credential } = await changed(withLongerIntermediate);
      try {
        // It ends after the intermediate in the secret. The CA's own list has one that ends later.
        for (const current of [credential(90, { inKms: true }), credential(90, { inKms: true, alone: true })]) {
          expect((await renewWith(provider, current)).certificates).toHaveLength(2);
        }
      } finally {
        await ca.close();
      }
    });
  });

  test('a revoked certificate is CaRejected', async () => {
    const { issue, revoke } = await import('../../testkit/cas/leaf.ts');
    const ca = await start({ database: true });
    try {
      const issued = await issue(ca.access);
      const [chain] = pemBlocks(issued.chainPem);
      const current = {
        leaf: parseCertificate(new Uint8Array(issued.certificate.raw)),
        chain: chain ? [parseCertificate(chain.der)] : [],
        key: signerFor(issued.key),
      };
      const provider = providerAt(ca.url, ca.rootPem);
      await renewWith(provider, current);
      await revoke(ca.access, issued);
      const refused = { code: 'CaRejected', retryable: false, message: expect.stringMatching(/revoked/) };
      await expect(renewWith(provider, current)).rejects.toMatchObject(refused);
      const newKey = signerFor(makeKey('P-256'));
      await expect(rekeyWith(provider, current, newKey)).rejects.toMatchObject(refused);
    } finally {
      await ca.close();
    }
  });
});
