/** The cases of public suites in test/golden/suites; its README describes them. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const read = (name: string): unknown =>
  JSON.parse(gunzipSync(readFileSync(new URL(`../golden/suites/${name}-cases.json.gz`, import.meta.url))).toString());

export const base64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

export interface PathCase {
  readonly id: string;
  readonly now: string;
  readonly leaf: number;
  readonly pool: readonly number[];
  readonly roots: readonly number[];
  readonly should: 'accept' | 'reject';
  readonly shouldIssued?: 'accept' | 'reject';
  readonly avoid?: readonly number[];
}

export interface PathSuite {
  readonly certificates: readonly string[];
  readonly cases: readonly PathCase[];
}

export const pathSuite = (name: 'limbo' | 'bettertls') => read(name) as PathSuite;

type SignatureTest = readonly [number: number, comment: string, message: string, signature: string, valid: boolean];

export interface SignatureGroup {
  readonly file: string;
  readonly curve: 'P-256' | 'P-384' | 'P-521';
  /** The name of the digest in node:crypto. */
  readonly hash: string;
  readonly spki: string;
  readonly tests: readonly SignatureTest[];
}

export interface Wycheproof {
  readonly ecdsaDer: readonly SignatureGroup[];
  readonly ecdsaP1363: readonly SignatureGroup[];
  readonly ed25519: readonly Pick<SignatureGroup, 'spki' | 'tests'>[];
  readonly transplanted: readonly {
    readonly file: string;
    readonly issuerSpki: string;
    readonly tbs: string;
    readonly algorithm: string;
    readonly tests: readonly (readonly [number: number, comment: string, signature: string, valid: boolean])[];
  }[];
  readonly pssParameters: readonly (readonly [
    id: string,
    hash: string,
    maskHash: string,
    salt: number,
    algorithm: string,
    weak: boolean,
  ])[];
  readonly pbes2: readonly (readonly [
    id: string,
    comment: string,
    info: string,
    password: string,
    plain: string,
    opens: boolean,
  ])[];
  readonly pbkdf2: readonly (readonly [
    id: string,
    comment: string,
    info: string,
    password: string,
    iterations: number,
    opens: boolean,
  ])[];
  readonly spki: readonly (readonly [id: string, comment: string, spki: string, curve: string])[];
  readonly pkcs8: readonly (readonly [id: string, comment: string, pkcs8: string, curve: string | null])[];
  readonly rsaSignatures: readonly {
    readonly file: string;
    readonly pkcs8: string;
    readonly tests: readonly (readonly [number: number, comment: string, message: string, signature: string])[];
  }[];
  readonly jwkP256: readonly (readonly [
    id: string,
    comment: string,
    publicKey: Readonly<Record<string, unknown>>,
    privateKey: Readonly<Record<string, unknown>>,
    valid: boolean,
  ])[];
}

export const wycheproof = () => read('wycheproof') as Wycheproof;
