/** Leaves as step-ca issues them. */
import type { KeyObject } from 'node:crypto';
import type { Extension } from '../../lambdas/domain/certificate.ts';
import type { Instant } from '../../lambdas/domain/instant.ts';
import { signCertificate } from './certificate.ts';
import {
  authorityKeyIdentifier,
  clientAuth,
  extendedKeyUsage,
  keyUsage,
  serverAuth,
  stepProvisioner,
  subjectAltName,
  subjectKeyIdentifier,
} from './extensions.ts';
import type { Hierarchy } from './hierarchy.ts';
import { spkiOf } from './keys.ts';

/** The content of a certificate. Omitted fields have the usual value. */
export interface LeafRequest {
  readonly key: KeyObject;
  readonly subject: Uint8Array;
  readonly notBefore: Instant;
  readonly notAfter: Instant;
  /** Default: digitalSignature; serverAuth and clientAuth; the name leaf.example. SKI, AKI and provisioner are added. */
  readonly extensions?: readonly Extension[];
  /** step-ca's provisioner extension, or the provisioner's name in it. null omits it. */
  readonly provisioner?: Extension | string | null;
}

export const usualExtensions: readonly Extension[] = [
  keyUsage('digitalSignature'),
  extendedKeyUsage(serverAuth, clientAuth),
  subjectAltName('dns:leaf.example'),
];

/** Returns a leaf signed with the intermediate's key. DER. */
export function makeLeaf(
  request: LeafRequest,
  issuer: Pick<Hierarchy, 'intermediateKey' | 'intermediateName'>,
): Uint8Array {
  const { key, subject, notBefore, notAfter, extensions = usualExtensions, provisioner = 'local' } = request;
  const spki = spkiOf(key);
  const named = typeof provisioner === 'string' ? stepProvisioner(provisioner) : provisioner;
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
        ...(named === null ? [] : [named]),
      ],
    },
    { subject: issuer.intermediateName, key: issuer.intermediateKey },
  );
}
