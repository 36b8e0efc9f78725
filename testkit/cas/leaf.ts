/** Leaves of a local CA: issued by the CA itself, or signed here with the key of its intermediate. */
import { createPrivateKey, type KeyObject, randomUUID, X509Certificate } from 'node:crypto';
import { Agent, request as httpsRequest } from 'node:https';
import { SignJWT } from 'jose';
import {
  type Attribute,
  clientAuth,
  codeSigning,
  commonNameOnly,
  distinguishedName,
  emailProtection,
  extendedKeyUsage,
  extension,
  type KeyKind,
  type KeyUsage,
  keyUsage,
  type LeafRequest as LeafInDer,
  makeKey,
  makeLeaf,
  pem,
  pemBlock,
  pkcs8Pem,
  serverAuth,
  signRequest,
  stepProvisioner,
  subjectAltName,
} from '../certificates/index.ts';
import { subjectOf } from '../certificates/kept.ts';
import type { PairText } from '../local-aws/enrolled.ts';

/** What a test needs to get certificates from a running step-ca. Serialisable, so that a test set-up can pass it to its tests. */
export interface CaAccess {
  readonly url: string;
  readonly rootPem: string;
  readonly intermediatePem: string;
  readonly intermediateKeyPem: string;
  readonly provisioner: { readonly name: string; readonly kid: string; readonly keyPem: string };
}

/** `dns:`, `ip:` (IPv4), `email:` or `uri:`, followed by the value. */
export type San = `${'dns' | 'ip' | 'email' | 'uri'}:${string}`;

const purposes = { serverAuth, clientAuth, codeSigning, emailProtection } as const;

export interface LeafRequest {
  /** Default: the first DNS name. '' gives a certificate without a common name. */
  readonly commonName?: string;
  /** More attributes of the subject, by their names in a step template: organization, country, serialNumber … */
  readonly subject?: Readonly<Record<string, string | readonly string[]>>;
  /** Default: `dns:leaf.example`. */
  readonly sans?: readonly San[];
  /** The kind of a new key (default P-256), or a key. */
  readonly key?: KeyKind | KeyObject;
  /** Default: a minute ago, as step-ca backdates. */
  readonly notBefore?: Date;
  /** Default: in 24 hours. */
  readonly notAfter?: Date;
  /** Default: digitalSignature, and keyEncipherment for RSA. */
  readonly keyUsage?: readonly KeyUsage[];
  /** Default: serverAuth, clientAuth. An empty list leaves the extension out. */
  readonly extKeyUsage?: readonly (keyof typeof purposes)[];
  /** More extensions. The value is DER. */
  readonly extensions?: readonly { readonly id: string; readonly critical?: boolean; readonly value: Uint8Array }[];
}

export interface Leaf {
  readonly certificate: X509Certificate;
  readonly certificatePem: string;
  /** The intermediate. */
  readonly chainPem: string;
  readonly key: KeyObject;
  /** PKCS#8. */
  readonly keyPem: string;
}

const minute = 60_000;
const hour = 60 * minute;

/**
 * The template of the JWK provisioner. It takes everything in the certificate from the one-time token, which only this file makes.
 * step-ca adds its provisioner extension, SKI and AKI.
 */
export const TEMPLATE = `{
  "subject": {{ toJson .Token.leaf.subject }},
  "sans": {{ toJson .Token.leaf.sans }},
  "keyUsage": {{ toJson .Token.leaf.keyUsage }},
  "extKeyUsage": {{ toJson .Token.leaf.extKeyUsage }},
  "extensions": {{ toJson .Token.leaf.extensions }}
}`;

/** Gets a certificate from step-ca. It has the provisioner extension, so /renew and /rekey accept it. Takes 10 ms, without the key. */
export async function issue(ca: CaAccess, request: LeafRequest = {}): Promise<Leaf> {
  const leaf = complete(request);
  const body = {
    csr: pemBlock('CERTIFICATE REQUEST', signRequest(leaf.key, commonNameOnly(''))),
    ott: await oneTimeToken(ca, '/1.0/sign', leaf.commonName || 'leaf', { leaf: templateData(leaf) }),
    notBefore: leaf.notBefore.toISOString(),
    notAfter: leaf.notAfter.toISOString(),
  };
  const { crt } = await post<{ crt: string }>(ca, '/1.0/sign', body);
  return finished(ca, crt, leaf.key);
}

/**
 * Makes a certificate like one of step-ca's, signed here with the key of its intermediate. For what step-ca refuses to sign:
 * an expired certificate, a weak key, an extension of the test's own.
 */
export async function forge(ca: CaAccess, request: LeafRequest = {}): Promise<Leaf> {
  const leaf = complete(request);
  const { name, kid } = ca.provisioner;
  const asked = [
    keyUsage(...leaf.keyUsage),
    ...leaf.extensions.map(({ id, critical, value }) => extension(id, value, critical)),
    ...(leaf.extKeyUsage.length > 0 ? [extendedKeyUsage(...leaf.extKeyUsage.map((each) => purposes[each]))] : []),
    ...(leaf.sans.length > 0 ? [subjectAltName(...leaf.sans)] : []),
  ];
  const der = signedBy(ca, {
    key: leaf.key,
    subject: subjectIn(leaf),
    notBefore: leaf.notBefore.getTime(),
    notAfter: leaf.notAfter.getTime(),
    extensions: asked,
    provisioner: stepProvisioner(name, 1, kid),
  });
  return finished(ca, pem(der), leaf.key);
}

/** Returns dates of a certificate that is not due: two of its twelve hours have passed. */
const fresh = () => ({ notBefore: new Date(Date.now() - 2 * hour), notAfter: new Date(Date.now() + 10 * hour) });

/** Makes a certificate byte by byte, signed with the CA's intermediate. The default dates are `fresh`. `key` may be a public key. */
export function bareLeaf(ca: CaAccess, request: Partial<LeafInDer> & Pick<LeafInDer, 'key'>): PairText {
  const dates = { notBefore: fresh().notBefore.getTime(), notAfter: fresh().notAfter.getTime() };
  const der = signedBy(ca, { subject: commonNameOnly('leaf.example'), ...dates, ...request });
  const { key } = request;
  const pair = { certificate: pem(der), chain: ca.intermediatePem };
  return key.type === 'private' ? { ...pair, privateKey: pkcs8Pem(key) } : pair;
}

/** Makes a certificate with `forge` and returns it as a pair for a secret. The default dates are `fresh`. */
export async function forgedPair(ca: CaAccess, request: LeafRequest): Promise<PairText> {
  const { certificatePem, chainPem, keyPem } = await forge(ca, { ...fresh(), ...request });
  return { certificate: certificatePem, chain: chainPem, privateKey: keyPem };
}

function signedBy(ca: CaAccess, request: LeafInDer): Uint8Array {
  return makeLeaf(request, {
    intermediateName: subjectOf(new X509Certificate(ca.intermediatePem)),
    intermediateKey: createPrivateKey(ca.intermediateKeyPem),
  });
}
/** Revokes a certificate. The CA must have been started with `database`. */
export async function revoke(ca: CaAccess, leaf: Leaf): Promise<void> {
  const serial = BigInt(`0x${leaf.certificate.serialNumber}`).toString();
  await post(ca, '/1.0/revoke', { serial, passive: true, ott: await oneTimeToken(ca, '/1.0/revoke', serial, {}) });
}

type Complete = Required<Omit<LeafRequest, 'key'>> & { readonly key: KeyObject };

function complete(request: LeafRequest): Complete {
  const sans = request.sans ?? ['dns:leaf.example'];
  const key = typeof request.key === 'object' ? request.key : makeKey(request.key);
  return {
    commonName: request.commonName ?? sans.find((san) => san.startsWith('dns:'))?.slice(4) ?? 'leaf',
    subject: request.subject ?? {},
    sans,
    key,
    notBefore: request.notBefore ?? new Date(Date.now() - minute),
    notAfter: request.notAfter ?? new Date(Date.now() + 24 * hour),
    keyUsage:
      request.keyUsage ??
      (key.asymmetricKeyType === 'rsa' ? ['digitalSignature', 'keyEncipherment'] : ['digitalSignature']),
    extKeyUsage: request.extKeyUsage ?? ['serverAuth', 'clientAuth'],
    extensions: request.extensions ?? [],
  };
}

function templateData(leaf: Complete): Record<string, unknown> {
  return {
    subject: { ...(leaf.commonName ? { commonName: leaf.commonName } : {}), ...leaf.subject },
    sans: leaf.sans.map((san) => ({ type: san.slice(0, san.indexOf(':')), value: san.slice(san.indexOf(':') + 1) })),
    keyUsage: leaf.keyUsage,
    extKeyUsage: leaf.extKeyUsage,
    extensions: leaf.extensions.map(({ id, critical = false, value }) => ({
      id,
      critical,
      value: Buffer.from(value).toString('base64'),
    })),
  };
}

function oneTimeToken(ca: CaAccess, path: string, subject: string, claims: Record<string, unknown>): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ ...claims, sans: [subject] })
    .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: ca.provisioner.kid })
    .setIssuer(ca.provisioner.name)
    .setAudience(`${ca.url}${path}`)
    .setSubject(subject)
    .setJti(randomUUID())
    .setIssuedAt(now)
    .setNotBefore(now)
    .setExpirationTime(now + 60)
    .sign(createPrivateKey(ca.provisioner.keyPem));
}

const agents = new Map<string, Agent>();

function post<T>(ca: CaAccess, path: string, body: unknown): Promise<T> {
  const known = ca.url + ca.rootPem;
  const agent = agents.get(known) ?? new Agent({ ca: ca.rootPem, keepAlive: true });
  agents.set(known, agent);
  const text = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const options = {
      method: 'POST',
      agent,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
    };
    const sent = httpsRequest(new URL(path, ca.url), options, (answer) => {
      let received = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        received += part;
      });
      answer.on('end', () => {
        if (answer.statusCode === 201 || answer.statusCode === 200) resolve(JSON.parse(received) as T);
        else reject(new Error(`step-ca answered ${path} with ${answer.statusCode}: ${received}`));
      });
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(text);
  });
}

function finished(ca: CaAccess, certificatePem: string, key: KeyObject): Leaf {
  const certificate = new X509Certificate(certificatePem);
  return { certificate, certificatePem, chainPem: ca.intermediatePem, key, keyPem: pkcs8Pem(key) };
}

/** The order in which Go writes a subject. The common name follows these, and the serial number is last. */
const attributes: Readonly<Record<string, Attribute[0]>> = {
  country: 'C',
  organization: 'O',
  organizationalUnit: 'OU',
  locality: 'L',
  province: 'ST',
};

const printable = 0x13;

function subjectIn({ subject, commonName }: Complete): Uint8Array {
  const values = (name: string): readonly string[] => [subject[name] ?? []].flat();
  const parts = Object.entries(attributes).flatMap(([name, type]) =>
    values(name).map((value): Attribute => [type, value, type === 'C' ? printable : undefined]),
  );
  const common: Attribute[] = commonName ? [['CN', commonName]] : [];
  const serial = values('serialNumber').map((value): Attribute => ['serialNumber', value, printable]);
  return distinguishedName(...[...parts, ...common, ...serial].map((each) => [each]));
}
