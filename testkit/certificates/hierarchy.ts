import type { KeyObject } from 'node:crypto';
import type { Instant } from '../../lambdas/domain/instant.ts';
import { signCertificate } from './certificate.ts';
import { authorityKeyIdentifier, basicConstraints, keyUsage, subjectKeyIdentifier } from './extensions.ts';
import { makeKey, spkiOf } from './keys.ts';
import { commonNameOnly } from './names.ts';

/** A root and an intermediate under it, as most private CAs have. */
export interface Hierarchy {
  readonly root: Uint8Array;
  readonly rootKey: KeyObject;
  readonly rootName: Uint8Array;
  readonly intermediate: Uint8Array;
  readonly intermediateKey: KeyObject;
  readonly intermediateName: Uint8Array;
}

export interface AuthorityRequest {
  readonly subject: Uint8Array;
  readonly key: KeyObject;
  readonly notBefore: Instant;
  readonly notAfter: Instant;
  readonly pathLength: number;
}

/** Returns the certificate of a private CA, signed by `issuer` or self-signed. DER. */
export function makeAuthority(
  { subject, key, notBefore, notAfter, pathLength }: AuthorityRequest,
  issuer = { subject, key },
): Uint8Array {
  const extensions = [
    keyUsage('keyCertSign', 'cRLSign'),
    basicConstraints(true, pathLength),
    subjectKeyIdentifier(spkiOf(key)),
    authorityKeyIdentifier(spkiOf(issuer.key)),
  ];
  return signCertificate({ subject, spki: spkiOf(key), notBefore, notAfter, extensions }, issuer);
}

/** Makes "<name> Root" and "<name> Intermediate". */
export function makeHierarchy(
  notBefore: Instant,
  notAfter: Instant,
  name = 'Test',
  intermediateKey = makeKey(),
  rootKey = makeKey(),
): Hierarchy {
  const rootName = commonNameOnly(`${name} Root`);
  const intermediateName = commonNameOnly(`${name} Intermediate`);
  const dates = { notBefore, notAfter };
  return {
    root: makeAuthority({ subject: rootName, key: rootKey, ...dates, pathLength: 1 }),
    rootKey,
    rootName,
    intermediate: makeAuthority(
      { subject: intermediateName, key: intermediateKey, ...dates, pathLength: 0 },
      { subject: rootName, key: rootKey },
    ),
    intermediateKey,
    intermediateName,
  };
}
