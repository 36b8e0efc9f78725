/** A stack with its own authorities around the real use cases: a root and an issuing authority, with keys in KMS. */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createAuthority } from '../../lambdas/authority/create.ts';
import { trustBundleUpkeep } from '../../lambdas/authority/trust-bundle.ts';
import type { Authority } from '../../lambdas/domain/authority.ts';
import type { Certificate } from '../../lambdas/domain/certificate.ts';
import type { KeySpec } from '../../lambdas/domain/key-spec.ts';
import { pemBlocks } from '../../lambdas/domain/pem.ts';
import type { Profile } from '../../lambdas/domain/profile.ts';
import type { SecretValue } from '../../lambdas/domain/secret.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import type { RenewalWorld } from '../../lambdas/renewal/world.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import { commonNameOnly, makeLeaf, pem } from '../../testkit/certificates/index.ts';
import { providerFor } from '../../testkit/fakes/asking.ts';
import { authority, FakeAuthorities } from '../../testkit/fakes/authorities.ts';
import { hour, newKey, pairValue, start, World } from '../renewal/world.ts';

export { hour, start };
export const day = 24 * hour;
export const year = 365 * day;

export const offline: Profile = {
  name: 'offline',
  ca: { type: 'offline', authority: 'issuing' },
  mode: 'rekey',
  paused: false,
};

const keys = new Map<string, KeyObject>();

/** RSA keys are made once in a run: one of 4096 bits takes seconds. */
export function keyOf(spec: KeySpec): KeyObject {
  if (spec.kty === 'EC') return generateKeyPairSync('ec', { namedCurve: spec.curve }).privateKey;
  if (spec.kty === 'OKP') return generateKeyPairSync('ed25519').privateKey;
  const kind = `RSA ${spec.size}`;
  const key = keys.get(kind) ?? generateKeyPairSync('rsa', { modulusLength: spec.size }).privateKey;
  keys.set(kind, key);
  return key;
}

export interface AuthorityOptions extends Partial<Omit<Authority, 'name'>> {
  readonly spec?: KeySpec;
}

export class Stack extends World {
  readonly authorities = new FakeAuthorities();
  override readonly providerFor: World['providerFor'] = ({ ca }) => providerFor(ca, this);
  readonly bundle: string;
  readonly keepBundle: NonNullable<RenewalWorld['keepBundle']>;
  readonly keys = new Map<string, KeyObject>();

  constructor(...profiles: readonly Profile[]) {
    super(...(profiles.length > 0 ? profiles : [offline]));
    this.bundle = this.store.add({ name: 'TrustBundle', value: '{}', versionId: 'v0' });
    this.keepBundle = trustBundleUpkeep(this, this.bundle);
  }

  /** Adds an authority as CloudFormation leaves it: the key, and `{}` in the secret. Returns the secret's ARN. */
  declare(name: string, { spec = { kty: 'EC', curve: 'P-256' }, ...more }: AuthorityOptions = {}): string {
    const privateKey = keyOf(spec);
    this.keys.set(name, privateKey);
    const kmsKeyArn = this.vault.add({ spec, privateKey });
    const secretId = this.store.add({ name: `pki/${name}`, value: '{}', versionId: 'v0' });
    this.authorities.set(authority(name, { secretId, kmsKeyArn, ...more }));
    return secretId;
  }

  /** Adds a root for ten years and an issuing authority for three, a minute old. */
  async hierarchy(more: { root?: AuthorityOptions; issuing?: AuthorityOptions } = {}): Promise<this> {
    const root = { subject: 'CN=Example Root', validity: 10 * year, pathLength: 1 };
    const issuing = { subject: 'CN=Example Issuing,O=Example', validity: 3 * year, pathLength: 0 };
    this.declare('root', { create: root, ...more.root });
    this.declare('issuing', { create: issuing, parent: 'root', ...more.issuing });
    await createAuthority(this, 'root');
    await createAuthority(this, 'issuing');
    return this;
  }

  /** Puts a CA certificate into an authority's secret, as a user would. */
  install(name: string, certificate: Uint8Array, chain: readonly Uint8Array[] = []): string {
    const secretId = `pki/${name}`;
    const kmsKeyId = this.kmsKeyOf(name);
    return this.store.write(
      secretId,
      JSON.stringify({ certificate: pem(certificate), kmsKeyId, certificateChain: pem(...chain) }),
    );
  }

  kmsKeyOf(name: string): string {
    return this.authorities.all.get(name)?.kmsKeyArn ?? '';
  }

  /** Returns the current certificate of an authority. */
  certificateOf(name: string): Certificate {
    return certificatesIn(this.store.value(`pki/${name}`)).leaf;
  }

  /** Enrols a leaf of the issuing authority. */
  enrolLeaf(
    more: {
      readonly name?: string;
      readonly key?: KeyObject;
      readonly notBefore?: number;
      readonly notAfter?: number;
      readonly provisioner?: string | null;
      readonly extensions?: Parameters<typeof makeLeaf>[0]['extensions'];
      readonly tags?: Readonly<Record<string, string>>;
    } = {},
  ): { arn: string; leaf: Certificate; key: KeyObject } {
    const { name = 'web/tls', key = newKey(), notBefore = start - 22 * hour, notAfter = start + 2 * hour } = more;
    const { provisioner, extensions } = more;
    const issuer = { intermediateKey: this.keyOf('issuing'), intermediateName: this.certificateOf('issuing').subject };
    const der = makeLeaf(
      {
        key,
        subject: commonNameOnly('leaf.example'),
        notBefore,
        notAfter,
        ...(provisioner !== undefined && { provisioner }),
        ...(extensions && { extensions }),
      },
      issuer,
    );
    const value = pairValue(der, [this.certificateOf('issuing').der], key);
    const arn = this.store.add({ name, value, versionId: 'v1', tags: { [tags.profile]: 'offline', ...more.tags } });
    return { arn, leaf: parseCertificate(der), key };
  }

  keyOf(name: string): KeyObject {
    const key = this.keys.get(name);
    if (key === undefined) throw new Error(`no key of ${name}`);
    return key;
  }

  /** Returns the roots in the bundle. */
  bundled(): Certificate[] {
    const value = this.store.value(this.bundle);
    return value.kind === 'string' ? pemBlocks(value.text).map(({ der }) => parseCertificate(der)) : [];
  }
}

/** Returns the certificates of a JSON secret, and its private key if it has one. */
export function certificatesIn(value: SecretValue): {
  leaf: Certificate;
  chain: Certificate[];
  key: KeyObject | undefined;
} {
  if (value.kind !== 'string') throw new Error('expected a string');
  const { certificate, certificateChain = '', privateKey } = JSON.parse(value.text);
  const [leaf] = pemBlocks(certificate).map(({ der }) => parseCertificate(der));
  if (!leaf) throw new Error('no certificate');
  const chain = pemBlocks(certificateChain).map(({ der }) => parseCertificate(der));
  return { leaf, chain, key: privateKey === undefined ? undefined : createPrivateKey(privateKey) };
}
