/** The state of the fake ACME CA: accounts, orders, authorisations and certificates. */
import { createHash } from 'node:crypto';
import 'reflect-metadata';
import { Pkcs10CertificateRequest, SubjectAlternativeNameExtension } from '@peculiar/x509';
import {
  authorityKeyIdentifier,
  commonNameOnly,
  extendedKeyUsage,
  extension,
  type Hierarchy,
  keyUsage,
  makeAuthority,
  makeHierarchy,
  makeKey,
  pem,
  serverAuth,
  signCertificate,
  spkiOf,
} from '../../certificates/index.ts';

export interface Identifier {
  readonly type: string;
  readonly value: string;
}

export interface FakeProblem {
  readonly type: string;
  readonly detail: string;
  readonly subproblems?: readonly object[];
}

export interface FakeAuthorization {
  readonly id: number;
  readonly identifier: Identifier;
  readonly wildcard: boolean;
  status: string;
  readonly challenges: FakeChallenge[];
}

export interface FakeChallenge {
  readonly id: number;
  readonly type: string;
  readonly token: string;
  status: string;
  /** How often the client said that it is ready. */
  told: number;
  /** The result, which looks at the order show later. */
  result?: 'valid' | FakeProblem;
  error?: FakeProblem;
}

export interface FakeOrder {
  readonly id: number;
  readonly account: number;
  readonly identifiers: readonly Identifier[];
  readonly authorizations: readonly FakeAuthorization[];
  readonly expires: number;
  readonly profile: string | undefined;
  readonly replaces: string | undefined;
  status: 'pending' | 'ready' | 'processing' | 'valid' | 'invalid';
  error?: FakeProblem;
  /** Looks until the next change of its status. */
  looksLeft: number;
  finalised: number;
  /** PEM of the chains; the first one is the default. */
  chains: string[];
}

export interface FakeAccount {
  readonly id: number;
  readonly thumbprint: string;
  readonly jwk: Record<string, unknown>;
  contact: readonly string[];
}

/** Issues for CSRs, as the root "ACME Root" and its intermediate. Another chain leads to "Other Root". */
export class FakeIssuer {
  readonly hierarchy: Hierarchy;
  readonly #cross: Uint8Array;
  readonly #now: () => number;

  constructor(now: () => number) {
    const day = 86_400_000;
    const dates = { notBefore: now() - day, notAfter: now() + 1000 * day };
    this.#now = now;
    this.hierarchy = makeHierarchy(dates.notBefore, dates.notAfter, 'ACME');
    const { intermediateKey, intermediateName: subject } = this.hierarchy;
    const other = { subject: commonNameOnly('Other Root'), key: makeKey() };
    this.#cross = makeAuthority({ subject, key: intermediateKey, ...dates, pathLength: 0 }, other);
  }

  /** Returns the chains in PEM. Throws a FakeProblem for a CSR with other names than the order's. */
  issue(csr: Uint8Array, identifiers: readonly Identifier[]): string[] {
    const request = new Pkcs10CertificateRequest(Buffer.from(csr));
    const names = request.extensions.find((each) => each instanceof SubjectAlternativeNameExtension);
    const found = names?.names.items.map(({ type, value }) => `${type}:${value}`).sort() ?? [];
    const wanted = identifiers.map(({ type, value }) => `${type}:${value}`).sort();
    if (names === undefined || found.join() !== wanted.join()) {
      throw Object.assign(new Error('badCSR'), { problem: { type: 'badCSR', detail: `names ${found.join()}` } });
    }
    const { intermediateKey, intermediateName, intermediate } = this.hierarchy;
    const leaf = signCertificate(
      {
        subject: new Uint8Array(request.subjectName.toArrayBuffer()),
        spki: new Uint8Array(request.publicKey.rawData),
        notBefore: this.#now() - 60_000,
        notAfter: this.#now() + 90 * 86_400_000,
        extensions: [
          keyUsage('digitalSignature'),
          extendedKeyUsage(serverAuth),
          extension('2.5.29.17', new Uint8Array(names.value), names.critical),
          authorityKeyIdentifier(spkiOf(intermediateKey)),
        ],
      },
      { subject: intermediateName, key: intermediateKey },
    );
    return [pem(leaf, intermediate), pem(leaf, this.#cross)];
  }
}

/** Returns the reason why a challenge fails, or `valid`. `txt`: what DNS has. */
export function judge(
  challenge: FakeChallenge,
  { identifier }: FakeAuthorization,
  { thumbprint, uri }: { readonly thumbprint: string; readonly uri: string },
  txt: (name: string) => readonly string[],
): 'valid' | FakeProblem {
  const refused = (detail: string) => ({ type: 'unauthorized', detail });
  if (challenge.type === 'dns-01') {
    const name = `_acme-challenge.${identifier.value}`;
    const wanted = createHash('sha256').update(`${challenge.token}.${thumbprint}`).digest('base64url');
    return txt(name).includes(wanted) ? 'valid' : refused(`No matching TXT record found at ${name}`);
  }
  const name = `_validation-persist.${identifier.value}`;
  return txt(name).includes(`${issuerName}; accounturi=${uri}`) ? 'valid' : refused(`No matching record at ${name}`);
}

/** The issuer domain name of dns-persist-01. */
export const issuerName = 'ca.example';
