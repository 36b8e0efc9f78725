/** The declarations of an episode: the history of the parameters and their meaning, read without code of the product. */
import type { X509Certificate } from 'node:crypto';
import { FakeDeclarationKeeper } from '../fakes/declaration-keeper.ts';
import { FakeDeclarations } from '../fakes/declarations.ts';
import type { SecretRecord } from './ledger.ts';
import { issueDuration, mayIssue, minute, type Plan, publicValidity } from './plan.ts';
import type { Content as SecretContent } from './values.ts';

type Pair = Extract<SecretContent, { kind: 'pair' }>;

/** A declaration as the oracle reads it. */
export interface Content {
  readonly profile: string;
  /** `DNS:…` and `IP Address:…`, sorted, as Node shows a certificate's names. */
  readonly names: readonly string[];
  /** OIDs, sorted. */
  readonly usages: readonly string[];
  readonly commonName: string | undefined;
  /** Milliseconds. */
  readonly duration: number;
  /** The kind of key as Node names it. Undefined allows any. */
  readonly key: string | undefined;
  /** Equal for declarations of the same certificate. */
  readonly id: string;
}

const usageOids: Readonly<Record<string, string>> = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
};
const curves: Readonly<Record<string, string>> = { 'P-256': 'prime256v1', 'P-384': 'secp384r1' };

/** The plan writes durations only in minutes. */
export function contentOf(text: string, plan: Pick<Plan, 'period'>): Content {
  const document = JSON.parse(text);
  const isPublic = document.profile === 'public';
  const { dnsNames = [], ipAddresses = [], usages = ['serverAuth', 'clientAuth'], duration, kty, curve } = document;
  const names = [
    ...dnsNames.map((name: string) => `DNS:${name}`),
    ...ipAddresses.map((name: string) => `IP Address:${name}`),
  ].sort();
  const usualDuration = isPublic ? publicValidity(plan.period) : issueDuration(plan.period);
  const content = {
    profile: String(document.profile),
    names,
    usages: usages.map((usage: string) => usageOids[usage]).sort(),
    commonName: typeof document.commonName === 'string' ? document.commonName : undefined,
    duration: duration === undefined ? usualDuration : Number.parseInt(duration, 10) * minute,
    key: kty === undefined ? undefined : kty === 'EC' ? curves[curve ?? 'P-256'] : 'ed25519',
  };
  return { ...content, id: JSON.stringify(Object.values(content)) };
}

/** Implements `issue.allow` of every profile again: below svc.example, 10.0.0.0/8, and one common name. */
export function isAllowedName(name: string): boolean {
  const [, kind, value = ''] = /^(dns|DNS|ip|IP Address):(.*)$/.exec(name) ?? [];
  if (kind === undefined) return false;
  return kind.toLowerCase() === 'dns' ? /(?:^|\.)svc\.example$/.test(value) : value.startsWith('10.');
}

export const allowedCommonName = 'Fleet';

export function isAllowed({ profile, names, commonName }: Content): boolean {
  const values = names.map((name) => name.slice(name.indexOf(':') + 1));
  const isKnown = commonName === undefined || commonName === allowedCommonName || values.includes(commonName);
  return mayIssue(profile) && names.every(isAllowedName) && isKnown;
}

/** Returns the parts in which a certificate differs from its declaration. `key` is compared only where it matters. */
export function departuresOf({ leaf, notAfter, notBefore }: Pair, content: Content, isJustIssued: boolean): string[] {
  const found = (leaf.subjectAltName ?? '').split(', ').sort();
  const left = (leaf.keyUsage ?? []).toSorted();
  const key = leaf.publicKey.asymmetricKeyDetails?.namedCurve ?? leaf.publicKey.asymmetricKeyType;
  const commonName = /^CN=(.*)$/m.exec(leaf.subject ?? '')?.[1];
  const isLonger = notAfter - notBefore > content.duration + 2 * minute;
  return [
    ...(found.join() === content.names.join() ? [] : [`names ${found.join()}`]),
    ...(left.join() === content.usages.join() ? [] : [`usages ${left.join()}`]),
    ...(content.key === undefined || content.key === key ? [] : [`key ${key}`]),
    ...(commonName === content.commonName ? [] : [`common name ${commonName}`]),
    ...(isJustIssued && isLonger ? [`valid for ${(notAfter - notBefore) / minute} minutes`] : []),
  ];
}

interface Entry {
  readonly at: number;
  readonly content: Content | undefined;
}

export class Declarations {
  readonly parameters = new FakeDeclarations();
  readonly keeper = new FakeDeclarationKeeper({ source: this.parameters });
  readonly #plan: Pick<Plan, 'period'>;
  readonly #clock: { now(): number };
  readonly #history = new Map<string, Entry[]>();
  /** The declaration for which the secret's tag `declared` was last written. */
  readonly #marked = new Map<string, string>();
  /** For each fingerprint, the declaration for which the certificate, or the original of a copy, was issued. */
  readonly #origins = new Map<string, string>();

  constructor(plan: Pick<Plan, 'period'>, clock: { now(): number }) {
    this.#plan = plan;
    this.#clock = clock;
  }

  read(text: string): Content {
    return contentOf(text, this.#plan);
  }

  /** Records a change or the deletion of a parameter. */
  changed(name: string, text: string | undefined): void {
    const entries = this.#history.get(name) ?? [];
    this.#history.set(name, [
      ...entries,
      { at: this.#clock.now(), content: text === undefined ? undefined : this.read(text) },
    ]);
  }

  of(name: string): Content | undefined {
    return this.#history.get(name)?.at(-1)?.content;
  }

  /** Returns all declarations since a time. */
  since(name: string, from: number): readonly (Content | undefined)[] {
    const entries = this.#history.get(name) ?? [];
    return entries
      .filter((_, n) => (entries[n + 1]?.at ?? Number.POSITIVE_INFINITY) >= from)
      .map(({ content }) => content);
  }

  changedSince(name: string, from: number): boolean {
    return (this.#history.get(name)?.at(-1)?.at ?? 0) >= from;
  }

  mark(name: string, text: string): void {
    this.#marked.set(name, this.read(text).id);
  }

  /** Tells whether the tag belongs to the present parameter: no change without the tag, and no unfinished declaration. */
  isConsistent(name: string): boolean {
    return this.#marked.get(name) === this.of(name)?.id;
  }

  issuedFor(leaf: X509Certificate, id: string): void {
    this.#origins.set(leaf.fingerprint256, id);
  }

  copied(leaf: X509Certificate, from: string | undefined): void {
    const origin = from === undefined ? undefined : this.#origins.get(from);
    if (origin !== undefined) this.#origins.set(leaf.fingerprint256, origin);
  }

  originOf(leaf: X509Certificate): string | undefined {
    return this.#origins.get(leaf.fingerprint256);
  }

  /** Tells whether the pair is the declared one. A certificate from elsewhere is judged by its content. */
  isDeclared({ name }: Pick<SecretRecord, 'name'>, pair: Pair): boolean {
    const content = this.of(name);
    if (content === undefined) return true;
    const origin = this.originOf(pair.leaf);
    return origin === undefined ? departuresOf(pair, content, false).length === 0 : origin === content.id;
  }
}
