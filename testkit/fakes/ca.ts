/**
 * A CA in this process that issues real certificates by step-ca's rules: it copies every extension but AKI (and SKI on
 * a rekey), keeps the duration to the second, and backdates by a minute. It demands the same proofs from the caller. A test can
 * change its answers and make its calls fail.
 */
import { createPublicKey, randomBytes, verify } from 'node:crypto';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { Instant } from '../../lambdas/domain/instant.ts';
import type { CaAnswer, CaProvider, CaRequest, Clock, Credential, IssuedChain } from '../../lambdas/domain/ports.ts';
import type { Mode, Operation } from '../../lambdas/domain/profile.ts';
import type { Signer } from '../../lambdas/domain/signer.ts';
import { operationOf } from '../../lambdas/domain/wanted.ts';
import {
  type AskedOperation,
  askedFor,
  issuesNothing,
  newKeyOf,
  refuseReceipt,
} from '../../lambdas/providers/request.ts';
import { stepCa } from '../../lambdas/providers/step-ca/kind.ts';
import { generalNameOf } from '../../lambdas/x509/declared-names.ts';
import { oids } from '../../lambdas/x509/oids.ts';
import {
  authorityKeyIdentifier,
  type CertificateTemplate,
  clientAuth,
  der,
  distinguishedName,
  extendedKeyUsage,
  type Hierarchy,
  keyUsage,
  type LeafRequest,
  makeHierarchy,
  makeLeaf,
  oid,
  signCertificate,
  spkiOf,
  subjectAltName,
  subjectKeyIdentifier,
} from '../certificates/index.ts';
import { Faults } from './faults.ts';

const minute = 60_000;
const day = 86_400_000;

export interface FakeCaOptions {
  /** The CA's own certificates are valid from 100 days before this until ten years after it. */
  readonly now: Instant;
  /** The CA's clock. Default: always `now`. */
  readonly clock?: Pick<Clock, 'now'>;
  readonly hierarchy?: Hierarchy;
  readonly allowRenewalAfterExpiry?: boolean;
}

export type Tamper = (template: CertificateTemplate, operation: Operation) => CertificateTemplate;

/** Faults can be set on `renew`, `rekey` and `answers`. */
export class FakeCa implements CaProvider {
  readonly type = stepCa.type;
  readonly can: CaProvider['can'] = stepCa.can;
  issues = true;
  identity: readonly unknown[] = ['fake'];
  readonly faults = new Faults();
  clock: Pick<Clock, 'now'>;
  /** Changed when the CA changes its intermediate. */
  hierarchy: Hierarchy;
  allowRenewalAfterExpiry: boolean;
  /** Changes a certificate before it is signed. */
  tamper: Tamper = (template) => template;
  /** Changes the answer. The leaf is first. */
  tamperChain: (certificates: readonly Uint8Array[]) => readonly Uint8Array[] = (certificates) => certificates;
  /** Never answers, but ends when the signal aborts. */
  silent = false;
  /** DER of every issued leaf. */
  readonly issued: Uint8Array[] = [];

  constructor({ now, clock = { now: () => now }, hierarchy, allowRenewalAfterExpiry = false }: FakeCaOptions) {
    this.clock = clock;
    this.hierarchy = hierarchy ?? makeHierarchy(now - 100 * day, now + 3650 * day);
    this.allowRenewalAfterExpiry = allowRenewalAfterExpiry;
  }

  issueLeaf(request: LeafRequest): { leaf: Uint8Array; chain: readonly Uint8Array[] } {
    return { leaf: makeLeaf(request, this.hierarchy), chain: [this.hierarchy.intermediate] };
  }

  async roots(): Promise<readonly Uint8Array[]> {
    return [this.hierarchy.root];
  }

  ask(request: CaRequest): Promise<CaAnswer> {
    const operation = operationOf(request.wanted);
    const { current, key } = request;
    const args = operation === 'renew' ? [current, request] : [current, key, request];
    const answer = async (signal?: AbortSignal) => {
      await this.#wait(signal);
      return this.answer(request);
    };
    return this.faults.around(operation, args, answer, 'ask');
  }

  answers(): Promise<void> {
    return this.faults.around('answers', [], (signal) => this.#wait(signal), 'reach');
  }

  protected async answer(request: CaRequest): Promise<CaAnswer> {
    refuseReceipt(request);
    await this.judge(request);
    return { kind: 'issued', ...this.issue(request) };
  }

  /** Throws the error with which the CA refuses the request. */
  protected async judge(request: CaRequest): Promise<void> {
    const asked = askedFor(request);
    if (asked.kind === 'issue') {
      const { keySpec } = asked.key;
      if (!this.issues) throw issuesNothing('give the fake a provisioner');
      if (keySpec.kty === 'RSA' && keySpec.size < 2048) throw new RenewalError('CaRejected', 'The key is too weak.');
      if (await holds(asked.key)) return;
      throw new RenewalError('CaRejected', 'The CSR is not signed by its key.');
    }
    const { current } = asked;
    const newKey = newKeyOf(asked);
    if (newKey !== undefined) {
      if (current.key !== undefined && current.key.privateKey === undefined) {
        throw new RenewalError('InvalidRequest', 'A key in KMS proves nothing by TLS.');
      }
      if (!isClient(current)) throw new RenewalError('InvalidRequest', 'The certificate has no clientAuth.');
    }
    await this.#authorize(current, this.clock.now());
    if (newKey !== undefined && !(await holds(newKey))) {
      throw new RenewalError('CaRejected', 'The CSR is not signed by its key.');
    }
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

  protected issue(request: CaRequest): IssuedChain {
    const asked = askedFor(request);
    if (asked.kind === 'issue') return this.#issueDeclared(asked);
    const { leaf } = asked.current;
    const operation = asked.kind;
    const spki = newKeyOf(asked)?.spki ?? leaf.spki;
    const now = this.clock.now();
    const { intermediateKey } = this.hierarchy;
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
    return this.#signed(template, operation);
  }

  /** By step-ca's default template: the names, the usual usages, and a duration of a day by default. */
  #issueDeclared({ content, key }: Extract<AskedOperation, { kind: 'issue' }>): IssuedChain {
    const notBefore = Math.floor(this.clock.now() / 1000) * 1000 - minute;
    const subject = content.subject ?? distinguishedName();
    const template: CertificateTemplate = {
      subject,
      spki: key.spki,
      serialNumber: new Uint8Array(randomBytes(16)),
      notBefore,
      notAfter: notBefore + minute + Math.floor((content.duration ?? day) / 1000) * 1000,
      extensions: [
        keyUsage('digitalSignature', ...(key.keySpec.kty === 'RSA' ? (['keyEncipherment'] as const) : [])),
        extendedKeyUsage(...content.usages.map((usage) => oids[usage])),
        subjectKeyIdentifier(key.spki),
        authorityKeyIdentifier(spkiOf(this.hierarchy.intermediateKey)),
        { ...subjectAltName(...content.names.map(generalNameDer)), critical: content.subject === undefined },
      ],
    };
    return this.#signed(template, 'issue');
  }

  #signed(template: CertificateTemplate, operation: Operation): IssuedChain {
    const { intermediateKey, intermediateName, intermediate } = this.hierarchy;
    const leaf = signCertificate(this.tamper(template, operation), { subject: intermediateName, key: intermediateKey });
    this.issued.push(leaf);
    return { certificates: this.tamperChain([leaf, intermediate]) };
  }
}

const nameTags: Readonly<Record<string, number>> = { email: 0x81, dns: 0x82, uri: 0x86, ip: 0x87 };

function generalNameDer(text: string): Uint8Array {
  const { kind, value } = generalNameOf(text);
  return der(nameTags[kind] ?? 0, value);
}

/** Tells whether the certificate has no extended key usage, or has clientAuth or any. */
function isClient({ leaf }: Pick<Credential, 'leaf'>): boolean {
  const value = leaf.extensions.find((extension) => extension.oid === '2.5.29.37')?.value;
  return (
    value === undefined ||
    [clientAuth, '2.5.29.37.0'].some((each) => Buffer.from(value).includes(Buffer.from(oid(each))))
  );
}

/** Tells whether the signer has the private key of its public key. */
async function holds(signer: Signer): Promise<boolean> {
  const challenge = randomBytes(32);
  const signature = await signer.sign(challenge);
  const publicKey = createPublicKey({ key: Buffer.from(signer.spki), format: 'der', type: 'spki' });
  const { kty } = signer.keySpec;
  const digests = { 'P-256': 'sha256', 'P-384': 'sha384', 'P-521': 'sha512' } as const;
  const digest = signer.keySpec.kty === 'EC' ? digests[signer.keySpec.curve] : kty === 'RSA' ? 'sha256' : null;
  return verify(digest, challenge, publicKey, signature);
}
