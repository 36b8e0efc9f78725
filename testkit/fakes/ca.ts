/**
 * A CA in this process that issues real certificates by step-ca's rules: it copies every extension but AKI (and SKI on
 * a rekey), keeps the duration to the second, and backdates by a minute. It demands the same proofs of the caller. What
 * it answers can be tampered with, and its calls can be made to fail.
 */
import { createPublicKey, type KeyObject, randomBytes, verify } from 'node:crypto';
import type { Extension } from '../../lambdas/domain/certificate.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { Instant } from '../../lambdas/domain/instant.ts';
import type { CaProvider, Credential, IssuedChain, IssueOptions } from '../../lambdas/domain/ports.ts';
import type { Mode } from '../../lambdas/domain/profile.ts';
import type { Signer } from '../../lambdas/domain/signer.ts';
import {
  authorityKeyIdentifier,
  type CertificateTemplate,
  clientAuth,
  extendedKeyUsage,
  type Hierarchy,
  keyUsage,
  makeHierarchy,
  oid,
  serverAuth,
  signCertificate,
  spkiOf,
  stepProvisioner,
  subjectAltName,
  subjectKeyIdentifier,
} from './certificates.ts';
import { Faults } from './faults.ts';

const minute = 60_000;
const day = 86_400_000;

export interface FakeCaOptions {
  /** Around which the CA's own certificates are valid, 100 days back and ten years on. */
  readonly now: Instant;
  readonly hierarchy?: Hierarchy;
  readonly allowRenewalAfterExpiry?: boolean;
}

/** What a certificate to begin with is made of; anything left out is what most have. */
export interface LeafRequest {
  readonly key: KeyObject;
  readonly subject: Uint8Array;
  readonly notBefore: Instant;
  readonly notAfter: Instant;
  /** Default: digitalSignature; serverAuth and clientAuth; the name leaf.example. SKI, AKI and provisioner are added. */
  readonly extensions?: readonly Extension[];
  /** Name in step-ca's provisioner extension; null leaves it out. */
  readonly provisioner?: string | null;
}

export const usualExtensions: readonly Extension[] = [
  keyUsage('digitalSignature'),
  extendedKeyUsage(serverAuth, clientAuth),
  subjectAltName('dns:leaf.example'),
];

/** A leaf as step-ca issues it, signed with its intermediate's key. DER. */
export function makeLeaf(
  request: LeafRequest,
  issuer: Pick<Hierarchy, 'intermediateKey' | 'intermediateName'>,
): Uint8Array {
  const { key, subject, notBefore, notAfter, extensions = usualExtensions, provisioner = 'local' } = request;
  const spki = spkiOf(key);
  return signCertificate(
    {
      subject,
      spki,
      notBefore,
      notAfter,
      extensions: [
        ...extensions,
        subjectKeyIdentifier(spki),
        authorityKeyIdentifier(spkiOf(issuer.intermediateKey)),
        ...(provisioner === null ? [] : [stepProvisioner(provisioner)]),
      ],
    },
    { subject: issuer.intermediateName, key: issuer.intermediateKey },
  );
}

export type Tamper = (template: CertificateTemplate, operation: 'renew' | 'rekey') => CertificateTemplate;

/** Faults are on `renew` and `rekey`. */
export class FakeCa implements CaProvider {
  readonly faults = new Faults();
  /** Changed when the CA changes its intermediate. */
  hierarchy: Hierarchy;
  allowRenewalAfterExpiry: boolean;
  /** Changes what is about to be signed. */
  tamper: Tamper = (template) => template;
  /** Changes the answer, leaf first. */
  tamperChain: (certificates: readonly Uint8Array[]) => readonly Uint8Array[] = (certificates) => certificates;
  /** Never answers, but heeds the signal. */
  silent = false;
  /** DER of every leaf that it has issued for a call. */
  readonly issued: Uint8Array[] = [];

  constructor({ now, hierarchy, allowRenewalAfterExpiry = false }: FakeCaOptions) {
    this.hierarchy = hierarchy ?? makeHierarchy(now - 100 * day, now + 3650 * day);
    this.allowRenewalAfterExpiry = allowRenewalAfterExpiry;
  }

  issueLeaf(request: LeafRequest): { leaf: Uint8Array; chain: readonly Uint8Array[] } {
    return { leaf: makeLeaf(request, this.hierarchy), chain: [this.hierarchy.intermediate] };
  }

  async roots(): Promise<readonly Uint8Array[]> {
    return [this.hierarchy.root];
  }

  renew(current: Credential, options: IssueOptions): Promise<IssuedChain> {
    return this.faults.around('renew', [current, options], async () => {
      await this.#wait(options.signal);
      await this.#authorize(current, options.now);
      return this.#issue(current, current.leaf.spki, 'renew', options.now);
    });
  }

  rekey(current: Credential, newKey: Signer, options: IssueOptions): Promise<IssuedChain> {
    return this.faults.around('rekey', [current, newKey, options], async () => {
      if (current.key !== undefined && current.key.privateKey === undefined) {
        throw new RenewalError('InvalidRequest', 'A key in KMS proves nothing by TLS.');
      }
      if (!isClient(current)) throw new RenewalError('InvalidRequest', 'The certificate has no clientAuth.');
      await this.#wait(options.signal);
      await this.#authorize(current, options.now);
      if (!(await holds(newKey))) throw new RenewalError('CaRejected', 'The CSR is not signed by its key.');
      return this.#issue(current, newKey.spki, 'rekey', options.now);
    });
  }

  async checkFitness({ leaf, key }: Credential, operation: Mode): Promise<void> {
    if (operation === 'rekey' && key?.privateKey === undefined) {
      throw new RenewalError('InvalidRequest', 'A key in KMS proves nothing by TLS.');
    }
    if (isClient({ leaf })) return;
    throw new RenewalError(
      operation === 'rekey' ? 'InvalidRequest' : 'CaRejected',
      'The certificate has no clientAuth.',
    );
  }

  async #wait(signal: AbortSignal | undefined): Promise<void> {
    if (!this.silent) return;
    const gaveUp = new RenewalError('CaUnavailable', 'The CA gave no answer.');
    await new Promise<never>((_, reject) => {
      if (signal === undefined || signal.aborted) reject(gaveUp);
      signal?.addEventListener('abort', () => reject(gaveUp));
    });
  }

  async #authorize({ leaf, key }: Credential, now: Instant): Promise<void> {
    if (key === undefined) throw new RenewalError('InvalidRequest', 'There is no key.');
    if (Buffer.compare(leaf.spki, key.spki) !== 0) throw new RenewalError('KeyMismatch', 'Another key.');
    if (
      !isClient({ leaf }) ||
      Buffer.compare(leaf.issuer, this.hierarchy.intermediateName) !== 0 ||
      !(await holds(key))
    ) {
      throw new RenewalError('CaRejected', 'The certificate is not one that this CA renews.');
    }
    if (now < leaf.notBefore) throw new RenewalError('NotYetValid', 'Not yet valid.');
    if (now > leaf.notAfter && !this.allowRenewalAfterExpiry) throw new RenewalError('CertificateExpired', 'Expired.');
  }

  #issue({ leaf }: Credential, spki: Uint8Array, operation: 'renew' | 'rekey', now: Instant): IssuedChain {
    const { intermediateKey, intermediateName, intermediate } = this.hierarchy;
    const replaced = operation === 'rekey' ? ['2.5.29.35', '2.5.29.14'] : ['2.5.29.35'];
    const notBefore = Math.floor(now / 1000) * 1000 - minute;
    const template: CertificateTemplate = {
      subject: leaf.subject,
      spki,
      serialNumber: new Uint8Array(randomBytes(16)),
      notBefore,
      notAfter: notBefore + (leaf.notAfter - leaf.notBefore),
      extensions: [
        ...leaf.extensions.filter((extension) => !replaced.includes(extension.oid)),
        ...(operation === 'rekey' ? [subjectKeyIdentifier(spki)] : []),
        authorityKeyIdentifier(spkiOf(intermediateKey)),
      ],
    };
    const der = signCertificate(this.tamper(template, operation), { subject: intermediateName, key: intermediateKey });
    this.issued.push(der);
    return { certificates: this.tamperChain([der, intermediate]) };
  }
}

/** No extended key usage, or one with clientAuth or any. */
function isClient({ leaf }: Pick<Credential, 'leaf'>): boolean {
  const value = leaf.extensions.find((extension) => extension.oid === '2.5.29.37')?.value;
  return (
    value === undefined ||
    [clientAuth, '2.5.29.37.0'].some((each) => Buffer.from(value).includes(Buffer.from(oid(each))))
  );
}

/** Whether the signer really has the key that it shows. */
async function holds(signer: Signer): Promise<boolean> {
  const challenge = randomBytes(32);
  const signature = await signer.sign(challenge);
  const publicKey = createPublicKey({ key: Buffer.from(signer.spki), format: 'der', type: 'spki' });
  const { kty } = signer.keySpec;
  const digests = { 'P-256': 'sha256', 'P-384': 'sha384', 'P-521': 'sha512' } as const;
  const digest = signer.keySpec.kty === 'EC' ? digests[signer.keySpec.curve] : kty === 'RSA' ? 'sha256' : null;
  return verify(digest, challenge, publicKey, signature);
}
