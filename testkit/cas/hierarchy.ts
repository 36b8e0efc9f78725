/** A CA's certificates and keys in PEM. They are valid from a day ago: the intermediate for a year, the root for ten years. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { commonNameOnly, type KeyKind, makeAuthority, makeKey, pem, pkcs8Pem } from '../certificates/index.ts';
import { subjectOf } from '../certificates/kept.ts';

export interface CaPair {
  readonly certificatePem: string;
  /** PKCS#8, not encrypted. */
  readonly keyPem: string;
}

/** A root and an intermediate signed by it. Serialisable, so that a test set-up can pass it to its tests. */
export interface PemHierarchy {
  readonly root: CaPair;
  readonly intermediate: CaPair;
}

export interface HierarchyOptions {
  /** Default: "Local". The certificates are called "<name> Root" and "<name> Intermediate". */
  readonly name?: string;
  /** Default: P-256, for both. */
  readonly key?: KeyKind;
  /** The root that signs the intermediate, for a CA that changes its intermediate. Default: a new root. */
  readonly root?: CaPair;
  readonly intermediateNotAfter?: Date;
}

const day = 86_400_000;

export function pemHierarchy(options: HierarchyOptions = {}): PemHierarchy {
  const { name = 'Local', key: kind = 'P-256', intermediateNotAfter } = options;
  const now = Math.floor(Date.now() / 1000) * 1000;
  const root = options.root ?? selfSigned(`${name} Root`, kind, now);
  const key = makeKey(kind);
  const certificate = makeAuthority(
    {
      subject: commonNameOnly(`${name} Intermediate`),
      key,
      notBefore: now - day,
      notAfter: intermediateNotAfter?.getTime() ?? now + 365 * day,
      pathLength: 0,
    },
    { subject: subjectOf(new X509Certificate(root.certificatePem)), key: createPrivateKey(root.keyPem) },
  );
  return { root, intermediate: { certificatePem: pem(certificate), keyPem: pkcs8Pem(key) } };
}

function selfSigned(name: string, kind: KeyKind, now: number): CaPair {
  const key = makeKey(kind);
  const dates = { notBefore: now - day, notAfter: now + 3650 * day };
  const certificate = makeAuthority({ subject: commonNameOnly(name), key, ...dates, pathLength: 1 });
  return { certificatePem: pem(certificate), keyPem: pkcs8Pem(key) };
}
