/** The CAs of an episode, and the certificates that they issue for operators. */
import { type KeyObject, X509Certificate } from 'node:crypto';
import type { Authority } from '../../lambdas/domain/authority.ts';
import type { Profile } from '../../lambdas/domain/profile.ts';
import { identityOf } from '../../lambdas/providers/index.ts';
import {
  clientAuth,
  commonNameOnly,
  extendedKeyUsage,
  type KeyKind,
  keyUsage,
  makeAuthority,
  makeHierarchy,
  makeKey,
  makeLeaf,
  serverAuth,
  subjectAltName,
} from '../certificates/index.ts';
import { authority, FakeAuthorities } from '../fakes/authorities.ts';
import { FakeCa } from '../fakes/ca.ts';
import type { FakeKeyVault } from '../fakes/key-vault.ts';
import { FakeProfiles } from '../fakes/profiles.ts';
import type { FakeStore } from '../fakes/store.ts';
import { keyPair } from './instant-crypto.ts';
import {
  day,
  importedPassword,
  issueDuration,
  type Plan,
  type ProfileName,
  passwordSecret,
  publicValidity,
  start,
} from './plan.ts';
import { PublicCa } from './public-ca.ts';
import { probeAllow } from './serving-plan.ts';
import type { Timeline } from './timeline.ts';
import { readValue, writeValue } from './values.ts';

const era = [start - 3000 * day, start + 9000 * day] as const;
/** The keys of CAs are made once in a process, because no decision depends on them. */
const hierarchies = {
  strict: makeHierarchy(...era, 'Strict'),
  lenient: makeHierarchy(...era, 'Lenient'),
  public: makeHierarchy(...era, 'Public'),
};
const caKeys = {
  root: makeKey('P-256'),
  issuing: makeKey('P-256'),
  imported: makeKey('P-256'),
  weak: makeKey('RSA-1024'),
};

/** Signed by the issuer, or self-signed. */
function caCertificate(name: string, key: KeyObject, pathLength: number, issuer?: { name: string; key: KeyObject }) {
  const request = { subject: commonNameOnly(name), key, notBefore: era[0], notAfter: era[1], pathLength };
  return makeAuthority(request, issuer && { subject: commonNameOnly(issuer.name), key: issuer.key });
}

export function newKey(kind: KeyKind): KeyObject {
  if (kind === 'Ed25519') return keyPair('ed25519').privateKey;
  if (kind.startsWith('RSA-')) return keyPair('rsa', { modulusLength: Number(kind.slice(4)) }).privateKey;
  return keyPair('ec', { namedCurve: kind }).privateKey;
}

/** The surroundings of the CAs. */
export interface CasScene {
  readonly plan: Pick<Plan, 'seed' | 'profiles' | 'weakAuthority' | 'period' | 'publicCa' | 'serving'>;
  readonly timeline: Pick<Timeline, 'now'>;
  readonly vault: FakeKeyVault;
  readonly store: Pick<FakeStore, 'value'>;
  readonly kmsKeys: Map<string, KeyObject>;
  addSecret(secret: { readonly name: string; readonly value: string }): string;
}

export class Cas {
  readonly profiles: FakeProfiles;
  readonly authorities: FakeAuthorities;
  readonly step: Readonly<Record<'strict' | 'lenient', FakeCa>>;
  /** Undefined in an episode without it. */
  readonly public: PublicCa | undefined;
  readonly importedKey: KeyObject;
  readonly #scene: CasScene;

  constructor(scene: CasScene) {
    this.#scene = scene;
    const ca = (name: 'strict' | 'lenient') =>
      new FakeCa({
        now: start,
        clock: scene.timeline,
        hierarchy: hierarchies[name],
        allowRenewalAfterExpiry: name === 'lenient',
      });
    this.step = { strict: ca('strict'), lenient: ca('lenient') };
    const { seed, period, publicCa } = scene.plan;
    this.public =
      publicCa &&
      new PublicCa({
        ...{ seed, start, now: start, clock: scene.timeline, plan: publicCa },
        ...{ hierarchy: hierarchies.public, validity: publicValidity(period) },
      });
    const acmeCa = { type: 'acme', directory: 'https://acme.example/directory', challenge: { type: 'none' } } as const;
    if (this.public) this.public.identity = identityOf(acmeCa);
    const provisioner = { name: 'renewer', keySecretId: 'pki/provisioner' };
    const stepCa = { type: 'step-ca', url: 'https://ca.example:9000', root: 'PEM', provisioner } as const;
    for (const step of Object.values(this.step)) step.identity = identityOf(stepCa);
    const allow = ['dns:svc.example', 'ip:10.0.0.0/8', 'cn:Fleet'];
    const issue = { allow, duration: issueDuration(scene.plan.period) };
    const profiles: readonly Profile[] = [
      { name: 'strict', ca: stepCa, mode: 'rekey', paused: false, issue },
      { name: 'lenient', ca: stepCa, mode: 'renew', paused: false, passwordSecretId: passwordSecret, issue },
      { name: 'offline', ca: { type: 'offline', authority: 'issuing' }, mode: 'rekey', paused: false, issue },
      { name: 'imported', ca: { type: 'offline', authority: 'imported' }, mode: 'rekey', paused: false },
      { name: 'public', ca: acmeCa, mode: 'rekey', paused: false, issue: { allow } },
    ];
    const { serving } = scene.plan;
    const probe = serving && { probe: { allow: probeAllow, within: serving.within } };
    const isThere = (name: string): boolean => scene.plan.profiles.some((each) => each === name);
    this.profiles = new FakeProfiles(
      ...profiles.filter(({ name }) => isThere(name)).map((profile) => ({ ...profile, ...probe })),
    );
    this.importedKey = scene.plan.weakAuthority ? caKeys.weak : caKeys.imported;
    this.authorities = new FakeAuthorities(...this.#makeAuthorities(isThere));
  }

  #makeAuthorities(isThere: (profile: ProfileName) => boolean): Authority[] {
    const { vault } = this.#scene;
    const root = caCertificate('Own Root', caKeys.root, 1);
    const issuing = caCertificate('Own Issuing', caKeys.issuing, 0, { name: 'Own Root', key: caKeys.root });
    const imported = caCertificate('Imported', this.importedKey, 0);
    const inKms = (
      name: string,
      key: KeyObject,
      leaf: Uint8Array,
      chain: readonly Uint8Array[],
      parent?: string,
    ): Authority => {
      const kmsKeyArn = vault.add({ spec: { kty: 'EC', curve: 'P-256' }, privateKey: key });
      this.#scene.kmsKeys.set(kmsKeyArn, key);
      const value = writeValue({ shape: 'camel', leaf, chain, key: { kmsKeyId: kmsKeyArn }, note: name });
      return authority(name, { secretId: this.#add(`pki/${name}`, value), kmsKeyArn, ...(parent && { parent }) });
    };
    const text = writeValue({
      shape: 'camel encrypted',
      leaf: imported,
      chain: [],
      key: this.importedKey,
      note: 'imported',
    });
    return [
      ...(isThere('offline')
        ? [inKms('root', caKeys.root, root, []), inKms('issuing', caKeys.issuing, issuing, [root], 'root')]
        : []),
      ...(isThere('imported')
        ? [authority('imported', { secretId: this.#add('pki/imported', text), passwordSecretId: importedPassword })]
        : []),
    ];
  }

  #add(name: string, value: string): string {
    return this.#scene.addSecret({ name, value });
  }

  /** Issues a certificate of the profile's CA for an operator. */
  issueByHand(
    profile: ProfileName,
    {
      name,
      publicKey,
      notBefore,
      notAfter,
    }: { name: string; publicKey: KeyObject; notBefore: number; notAfter: number },
  ): { leaf: Uint8Array; chain: readonly Uint8Array[] } {
    const request = {
      key: publicKey,
      subject: commonNameOnly(name),
      notBefore: Math.floor(notBefore / 1000) * 1000,
      notAfter: Math.floor(notAfter / 1000) * 1000,
      extensions: [
        keyUsage('digitalSignature'),
        extendedKeyUsage(serverAuth, clientAuth),
        subjectAltName(`dns:${name.replace('/', '.')}.example`),
      ],
    };
    if (profile === 'strict' || profile === 'lenient') return this.step[profile].issueLeaf(request);
    if (profile === 'public') return publicLeaf(request);
    const key = profile === 'offline' ? caKeys.issuing : this.importedKey;
    const intermediateName = commonNameOnly(profile === 'offline' ? 'Own Issuing' : 'Imported');
    const leaf = makeLeaf({ ...request, provisioner: null }, { intermediateKey: key, intermediateName });
    return { leaf, chain: profile === 'offline' ? [this.certificateOf('issuing')] : [] };
  }

  /** Returns the current certificate of an authority. DER. */
  certificateOf(name: 'root' | 'issuing' | 'imported'): Uint8Array {
    const content = readValue(this.#scene.store.value(`pki/${name}`));
    if (content.kind === 'pair') return new Uint8Array(content.leaf.raw);
    throw new Error(`authority ${name} has no certificate`);
  }

  /** Returns the roots that readers of a profile's certificates trust. */
  rootsOf(profile: ProfileName): readonly X509Certificate[] {
    if (profile === 'strict' || profile === 'lenient' || profile === 'public') return [caRoots[profile]];
    return [ownRoots[profile === 'offline' ? 'root' : this.importedKey === caKeys.weak ? 'weak' : 'imported']];
  }
}

function publicLeaf(request: Parameters<typeof makeLeaf>[0]) {
  return { leaf: makeLeaf(request, hierarchies.public), chain: [hierarchies.public.intermediate] };
}

const caRoots = {
  strict: new X509Certificate(hierarchies.strict.root),
  lenient: new X509Certificate(hierarchies.lenient.root),
  public: new X509Certificate(hierarchies.public.root),
};
const ownRoots = {
  root: new X509Certificate(caCertificate('Own Root', caKeys.root, 1)),
  imported: new X509Certificate(caCertificate('Imported', caKeys.imported, 0)),
  weak: new X509Certificate(caCertificate('Imported', caKeys.weak, 0)),
};
