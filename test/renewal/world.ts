/** A world of fakes around the use cases: a store, a CA, a bus, and one clock for all. */
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { CallPolicy } from '../../lambdas/domain/calls.ts';
import type { Extension } from '../../lambdas/domain/certificate.ts';
import { encodePem, pemBlocks } from '../../lambdas/domain/pem.ts';
import type { Profile } from '../../lambdas/domain/profile.ts';
import type { ScanRequest } from '../../lambdas/domain/request.ts';
import { type SecretValue, versionWithStage } from '../../lambdas/domain/secret.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { type DeclarationDocument, readDeclaration } from '../../lambdas/policy/declaration.ts';
import { declarationHash } from '../../lambdas/policy/declaration-identity.ts';
import type { RenewalWorld, ScanWorld } from '../../lambdas/renewal/world.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import { commonNameOnly } from '../../testkit/certificates/index.ts';
import { FakeCa } from '../../testkit/fakes/ca.ts';
import { FakeClock } from '../../testkit/fakes/clock.ts';
import { FakeDeclarations } from '../../testkit/fakes/declarations.ts';
import { fakeEntropy } from '../../testkit/fakes/entropy.ts';
import { Faults } from '../../testkit/fakes/faults.ts';
import { FakeJournal } from '../../testkit/fakes/journal.ts';
import { FakeKeyVault } from '../../testkit/fakes/key-vault.ts';
import { FakeProfiles } from '../../testkit/fakes/profiles.ts';
import { FakePublisher } from '../../testkit/fakes/publisher.ts';
import { FakeQueue } from '../../testkit/fakes/queue.ts';
import { FakeStore } from '../../testkit/fakes/store.ts';

export const hour = 3_600_000;
export const start = Date.UTC(2026, 10, 22, 12);

export const internal: Profile = {
  name: 'internal',
  ca: { type: 'step-ca', url: 'https://ca.example:9000', root: 'PEM' },
  mode: 'rekey',
  paused: false,
};

/** A profile that issues too. */
export const issuing: Profile = { ...internal, issue: { allow: ['dns:svc.example', 'ip:10.0.0.0/8'] } };

export interface EnrolOptions {
  readonly name?: string;
  readonly key?: KeyObject;
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly tags?: Readonly<Record<string, string>>;
  readonly extensions?: readonly Extension[];
  readonly versionId?: string;
}

export const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

/** Two hours are left of a validity of one day: it is due by default. */
export const dueDates = { notBefore: start - 22 * hour, notAfter: start + 2 * hour };
export const freshDates = { notBefore: start - hour, notAfter: start + 23 * hour };

function idsInOrder(): () => string {
  let count = 0;
  return () => createHash('sha256').update(String(++count)).digest('hex').slice(0, 36);
}

export class World implements RenewalWorld, ScanWorld {
  readonly clock = new FakeClock(start);
  readonly faults = new Faults();
  /** The ids are the same in each run, because a secret's ARN determines its jitter and its time of inspection. */
  readonly store = new FakeStore({ clock: this.clock, faults: this.faults, newId: idsInOrder() });
  readonly publisher = new FakePublisher(this.faults);
  readonly queue: FakeQueue = new FakeQueue(this.faults);
  readonly journal = new FakeJournal();
  readonly vault = new FakeKeyVault(this.faults);
  readonly declarations = new FakeDeclarations(this.faults);
  readonly ca = new FakeCa({ now: start, clock: this.clock });
  readonly entropy = fakeEntropy();
  readonly profiles: FakeProfiles;
  readonly longestGap = hour;
  providersMade = 0;

  constructor(...profiles: readonly Profile[]) {
    this.profiles = new FakeProfiles(...(profiles.length > 0 ? profiles : [internal]));
    this.limitTo({ patience: this }); // as in the queue's invocations
  }

  /** The call policy of all fakes of this world, from now on. */
  limitTo(policy: CallPolicy): void {
    for (const { faults } of [this, this.ca, this.profiles]) faults.policy = policy;
  }

  readonly untilNextScan = () => hour;
  /** Requests that a scan has left for another invocation. */
  readonly continued: ScanRequest[] = [];
  readonly continueLater = async (request: ScanRequest) => void this.continued.push(request);
  readonly providerFor: RenewalWorld['providerFor'] = async () => this.ca;

  /** Enrols a secret in the shape `{ certificate, privateKey, certificateChain }`. Returns its ARN. */
  enrol({ name = 'web/tls', key = newKey(), tags: more = {}, versionId = 'v1', ...dates }: EnrolOptions = {}): string {
    const { notBefore = dueDates.notBefore, notAfter = dueDates.notAfter, extensions } = dates;
    const subject = commonNameOnly('leaf.example');
    const { leaf, chain } = this.ca.issueLeaf({ key, subject, notBefore, notAfter, ...(extensions && { extensions }) });
    const value = pairValue(leaf, chain, key);
    return this.store.add({ name, value, versionId, tags: { [tags.profile]: 'internal', ...more } });
  }

  /**
   * Declares a certificate as a deployment does: an empty secret if there is none, the parameter, and the tag with the hash.
   * Returns the secret's ARN.
   */
  async declareCertificate(more: Partial<DeclarationDocument> = {}): Promise<string> {
    const document = { secretName: 'web/tls', profile: 'internal', dnsNames: ['web.svc.example'], ...more };
    this.declarations.set(document);
    const { declaration } = readDeclaration(document);
    const profile = await this.profiles.find(document.profile);
    const { identity } = await this.providerFor(profile ?? internal);
    const marked = {
      [tags.profile]: document.profile,
      [tags.declared]: declarationHash(declaration, profile ?? internal, identity),
    };
    const { secretName: name } = document;
    const known = this.arnOf(name);
    if (known === undefined) return this.store.add({ name, value: '{}', versionId: 'v1', tags: marked });
    this.store.setTags(known, marked);
    return known;
  }

  /** Undefined if there is no secret of this name. */
  arnOf(name: string): string | undefined {
    try {
      return this.store.summary(name).arn;
    } catch {
      return undefined;
    }
  }

  versionOf(secretId: string): string {
    return this.store.summary(secretId).currentVersionId ?? '';
  }

  /** The labels of every labelled version. */
  labels(secretId: string): Record<string, readonly string[]> {
    return Object.fromEntries(this.store.summary(secretId).versions);
  }

  pending(secretId: string): string | undefined {
    return versionWithStage(this.store.summary(secretId), 'AWSPENDING');
  }
}

export function pairValue(leaf: Uint8Array, chain: readonly Uint8Array[], key: KeyObject): string {
  return JSON.stringify({
    certificate: `${encodePem('CERTIFICATE', leaf)}\n`,
    privateKey: String(key.export({ format: 'pem', type: 'pkcs8' })),
    certificateChain: chain.map((der) => `${encodePem('CERTIFICATE', der)}\n`).join(''),
  });
}

/** Returns leaf and key as a reader of the secret gets them. */
export function pairOf(value: SecretValue) {
  if (value.kind !== 'string') throw new Error('expected a string');
  const { certificate, privateKey } = JSON.parse(value.text);
  const [block] = pemBlocks(certificate);
  if (!block) throw new Error('no certificate');
  const leaf = parseCertificate(block.der);
  const key = createPrivateKey(privateKey);
  return { leaf, key };
}
