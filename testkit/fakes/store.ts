import { randomUUID } from 'node:crypto';
import type { NewSecret, SecretMaker } from '../../lambdas/domain/declaring.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { Clock, SecretPage, Store } from '../../lambdas/domain/ports.ts';
import type { SecretSummary, SecretValue, SecretVersion } from '../../lambdas/domain/secret.ts';
import { versionWithStage } from '../../lambdas/domain/secret.ts';
import { noRoomLabel, orderLabel, tags as ownTags } from '../../lambdas/domain/tags.ts';
import { FakeClock } from './clock.ts';
import { Faults } from './faults.ts';

const region = 'us-east-1';
const pageSize = 100;
const largestValue = 65_536;
const mostTags = 50;

/** A new secret. A text is a SecretString. Without a value the secret has no version, as on AWS. */
export interface FakeSecretInput {
  readonly name: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly value?: SecretValue | string;
  readonly versionId?: string;
  readonly primaryRegion?: string;
  readonly rotation?: SecretSummary['rotation'];
  readonly owningService?: string;
  readonly encryptionKey?: string;
}

interface Version {
  /** Undefined between the moment when native rotation gives the version its stage and the moment when it is written. */
  readonly value: SecretValue | undefined;
  readonly createdAt: number;
  stages: string[];
}

interface Secret {
  readonly arn: string;
  readonly name: string;
  readonly createdAt: number;
  readonly tags: Map<string, string>;
  /** With and without stages, because a token can't be used again. */
  readonly versions: Map<string, Version>;
  readonly primaryRegion: string | undefined;
  rotation: SecretSummary['rotation'];
  readonly owningService: string | undefined;
  encryptionKey: string | undefined;
  deletedAt: number | undefined;
}

/** Secrets Manager in memory, with AWS's rules for versions, stages and tokens. */
export class FakeStore implements Store, SecretMaker {
  readonly faults: Faults;
  readonly #clock: Clock;
  readonly #newId: () => string;
  readonly #secrets = new Map<string, Secret>();
  readonly #byArn = new Map<string, Secret>();

  /** `newId` makes what AWS chooses at random: the end of an ARN, and the id of a version without a token. */
  constructor(options: { readonly clock?: Clock; readonly faults?: Faults; readonly newId?: () => string } = {}) {
    this.#clock = options.clock ?? new FakeClock();
    this.faults = options.faults ?? new Faults();
    this.#newId = options.newId ?? randomUUID;
  }

  // What users and other programs do.

  /** CreateSecret. Returns the ARN. */
  add(input: FakeSecretInput): string {
    const arn = `arn:aws:secretsmanager:${region}:000000000000:secret:${input.name}-${this.#newId().slice(0, 6)}`;
    const { rotation = { enabled: false }, owningService, primaryRegion } = input;
    const tags = new Map(Object.entries(input.tags ?? {}));
    const rest = { owningService, primaryRegion, encryptionKey: input.encryptionKey, deletedAt: undefined };
    const secret = {
      arn,
      name: input.name,
      createdAt: this.#clock.now(),
      tags,
      versions: new Map(),
      rotation,
      ...rest,
    };
    this.#secrets.set(input.name, secret);
    this.#byArn.set(arn, secret);
    if (input.value !== undefined) this.write(arn, input.value, input.versionId);
    return arn;
  }

  /** PutSecretValue without stages: the new version is AWSCURRENT at once. Returns its id. */
  write(secretId: string, value: SecretValue | string, versionId: string = this.#newId()): string {
    const secret = this.#find(secretId);
    const content = typeof value === 'string' ? { kind: 'string' as const, text: value } : copy(value);
    secret.versions.set(versionId, { value: content, createdAt: this.#clock.now(), stages: [] });
    moveCurrent(secret, versionId);
    return versionId;
  }

  /** UpdateSecretVersionStage by a user, for example a rollback. */
  moveStage(secretId: string, stage: string, versionId: string): void {
    const secret = this.#find(secretId);
    if (stage === 'AWSCURRENT') moveCurrent(secret, versionId);
    else move(secret, stage, versionId);
  }

  setTags(secretId: string, set: Readonly<Record<string, string>>, remove: readonly string[] = []): void {
    const secret = this.#find(secretId);
    for (const [key, value] of Object.entries(set)) secret.tags.set(key, value);
    for (const key of remove) secret.tags.delete(key);
  }

  /** RotateSecret: the version gets its stage before the rotation function writes it. */
  beginRotation(secretId: string, token: string): void {
    const secret = this.#find(secretId);
    secret.versions.set(token, { value: undefined, createdAt: this.#clock.now(), stages: [] });
    move(secret, 'AWSPENDING', token);
  }

  /** RotateSecret with RotateImmediately false: a version with the current value, which has no stage after the test. */
  stageAsPending(secretId: string, versionId: string, value: SecretValue): void {
    const secret = this.#find(secretId);
    secret.versions.set(versionId, { value: copy(value), createdAt: this.#clock.now(), stages: [] });
    move(secret, 'AWSPENDING', versionId);
  }

  dropPending(secretId: string, versionId: string): void {
    const version = this.#find(secretId).versions.get(versionId);
    if (version) version.stages = version.stages.filter((stage) => stage !== 'AWSPENDING');
  }

  setRotation(secretId: string, rotation: SecretSummary['rotation']): void {
    this.#find(secretId).rotation = rotation;
  }

  /** DeleteSecret with a recovery window of 30 days. */
  delete(secretId: string): void {
    this.#find(secretId).deletedAt = this.#clock.now() + 30 * 86_400_000;
  }

  /** RestoreSecret. */
  restore(secretId: string): void {
    this.#find(secretId).deletedAt = undefined;
  }

  // For assertions of tests: without faults, and not counted as calls.

  summary(secretId: string): SecretSummary {
    return summarize(this.#find(secretId));
  }

  tagsOf(secretId: string): Record<string, string> {
    return Object.fromEntries(this.#find(secretId).tags);
  }

  /** Returns the value of the version with this stage or id. Throws if there is none. */
  value(secretId: string, stageOrVersionId = 'AWSCURRENT'): SecretValue {
    const secret = this.#find(secretId);
    const version = secret.versions.get(versionWithStage(summarize(secret), stageOrVersionId) ?? stageOrVersionId);
    if (!version?.value) throw new Error(`${secretId} has no version ${stageOrVersionId}`);
    return copy(version.value);
  }

  /** Returns all versions, also those without a stage. */
  versionIds(secretId: string): string[] {
    return [...this.#find(secretId).versions.keys()];
  }

  // The port.

  async *list(from = '0', tag: string = ownTags.profile): AsyncGenerator<SecretPage> {
    const enrolled = [...this.#secrets.values()].filter(({ tags }) => tags.has(ownTags.profile) && tags.has(tag));
    const first = Number(from);
    for (let start = first; start === first || start < enrolled.length; start += pageSize) {
      const next = start + pageSize < enrolled.length ? String(start + pageSize) : undefined;
      yield await this.faults.around('list', [start], () =>
        Object.assign(enrolled.slice(start, start + pageSize).map(summarize), { next }),
      );
    }
  }

  describe(secretId: string): Promise<SecretSummary> {
    return this.faults.around('describe', [secretId], () => summarize(this.#find(secretId)));
  }

  read(secretId: string, versionId?: string): Promise<SecretVersion> {
    return this.faults.around('read', [secretId, versionId], () => {
      const secret = this.#live(secretId);
      const id = versionId ?? versionWithStage(summarize(secret), 'AWSCURRENT') ?? '';
      const version = secret.versions.get(id);
      if (!version?.value) throw new RenewalError('SecretNotFound', `${secretId} has no value there.`);
      return { versionId: id, value: copy(version.value), createdAt: version.createdAt };
    });
  }

  stage(secretArn: string, versionId: string, value: SecretValue): Promise<void> {
    return this.faults.around('stage', [secretArn, versionId, value], () => {
      if (this.#put(secretArn, versionId, value, 'AWSPENDING')) return;
      throw new RenewalError('SecretChanged', `Version ${versionId} has other content.`);
    });
  }

  keepOrder(secretArn: string, versionId: string, value: SecretValue): Promise<boolean> {
    return this.faults.around('keepOrder', [secretArn, versionId, value], () =>
      this.#put(secretArn, versionId, value, orderLabel),
    );
  }

  dropOrder(secretArn: string, versionId: string): Promise<void> {
    return this.faults.around('dropOrder', [secretArn, versionId], () =>
      this.#removeLabel(secretArn, orderLabel, versionId),
    );
  }

  /** PutSecretValue with one stage. Returns false if the version has another value. */
  #put(secretArn: string, versionId: string, value: SecretValue, label: string): boolean {
    const size = value.kind === 'string' ? Buffer.byteLength(value.text) : value.bytes.byteLength;
    if (size > largestValue)
      throw new RenewalError('UnsupportedSecret', `${size} bytes are more than ${largestValue}.`);
    const secret = this.#writable(secretArn);
    if (versionId.length < 32 || versionId.length > 64)
      throw new RenewalError('Internal', 'A version id has 32 to 64 characters.');
    const present = secret.versions.get(versionId);
    if (present?.value) return same(present.value, value);
    secret.versions.set(versionId, { value: copy(value), createdAt: this.#clock.now(), stages: [] });
    move(secret, label, versionId);
    // The first version of a secret becomes AWSCURRENT, with any requested stages.
    if (versionWithStage(summarize(secret), 'AWSCURRENT') === undefined) moveCurrent(secret, versionId);
    return true;
  }

  #removeLabel(secretArn: string, label: string, versionId: string): void {
    const version = this.#writable(secretArn).versions.get(versionId);
    if (version) version.stages = version.stages.filter((stage) => stage !== label);
  }

  promote(secretArn: string, from: string | undefined, to: string): Promise<void> {
    return this.faults.around('promote', [secretArn, from, to], () => {
      const secret = this.#writable(secretArn);
      const current = versionWithStage(summarize(secret), 'AWSCURRENT');
      const moved = from === undefined ? current !== undefined && current !== to : current !== from;
      if (moved || !secret.versions.has(to)) {
        throw new RenewalError('SecretChanged', `Version ${from} is not the AWSCURRENT of ${secretArn}.`);
      }
      moveCurrent(secret, to);
    });
  }

  discard(secretArn: string, versionId: string): Promise<void> {
    return this.faults.around('discard', [secretArn, versionId], () =>
      this.#removeLabel(secretArn, 'AWSPENDING', versionId),
    );
  }

  tag(secretArn: string, set: Readonly<Record<string, string>>, remove: readonly string[]): Promise<void> {
    return this.faults.around('tag', [secretArn, set, remove], () => {
      const secret = this.#writable(secretArn);
      const unfit = Object.values(set).find(
        (value) => value.length > 256 || /[^\p{L}\p{Z}\p{N}_.:/=+\-@]/u.test(value),
      );
      const count = new Set([...secret.tags.keys(), ...Object.keys(set)]).size;
      if (unfit !== undefined || count > mostTags) throw new RenewalError('UnsupportedSecret', 'No such tag is taken.');
      for (const [key, value] of Object.entries(set)) secret.tags.set(key, value);
      for (const key of remove) secret.tags.delete(key);
    });
  }

  create({ name, tags, encryptionKey, versionId }: NewSecret): Promise<string | undefined> {
    return this.faults.around('create', [name, versionId], () => {
      const known = this.#secrets.get(name);
      if (known?.deletedAt !== undefined) {
        throw new RenewalError('SecretNotFound', `${name} is scheduled for deletion: restore it first.`);
      }
      if (known) return undefined;
      return this.add({ name, tags, value: '{}', versionId, ...(encryptionKey !== undefined && { encryptionKey }) });
    });
  }

  setEncryptionKey(secretArn: string, encryptionKey: string): Promise<void> {
    return this.faults.around('setEncryptionKey', [secretArn, encryptionKey], () => {
      this.#writable(secretArn).encryptionKey = encryptionKey;
    });
  }

  labelNoRoom(secretArn: string, from: string | undefined, to: string | undefined): Promise<void> {
    return this.faults.around('labelNoRoom', [secretArn, from, to], () => {
      const secret = this.#writable(secretArn);
      const holder = versionWithStage(summarize(secret), noRoomLabel);
      if (holder !== from || (to !== undefined && !secret.versions.has(to))) {
        throw new RenewalError('SecretChanged', `Version ${from} of ${secretArn} does not hold the label.`);
      }
      move(secret, noRoomLabel, to ?? '');
    });
  }

  /** Finds a secret by name, ARN, or ARN without its last six characters. */
  #find(secretId: string): Secret {
    const withoutSuffix = (secret: Secret) => secret.arn.slice(0, -7) === secretId;
    const known = this.#byArn.get(secretId) ?? this.#secrets.get(secretId);
    const secret = known ?? [...this.#secrets.values()].find(withoutSuffix);
    if (secret) return secret;
    throw new RenewalError('SecretNotFound', `There is no secret ${secretId}.`);
  }

  #live(secretId: string): Secret {
    const secret = this.#find(secretId);
    if (secret.deletedAt === undefined) return secret;
    throw new RenewalError('SecretNotFound', `${secretId} is scheduled for deletion.`);
  }

  #writable(secretId: string): Secret {
    const secret = this.#live(secretId);
    if (!summarize(secret).isReplica) return secret;
    throw new RenewalError('InvalidRequest', `${secretId} is a replica: write to it in its primary Region.`);
  }
}

function summarize(secret: Secret): SecretSummary {
  const labelled = [...secret.versions].filter(([, { stages }]) => stages.length > 0);
  return {
    arn: secret.arn,
    name: secret.name,
    createdAt: secret.createdAt,
    tags: new Map(secret.tags),
    versions: new Map(labelled.map(([id, { stages }]) => [id, [...stages]])),
    currentVersionId: labelled.find(([, { stages }]) => stages.includes('AWSCURRENT'))?.[0],
    isReplica: secret.primaryRegion !== undefined && secret.primaryRegion !== region,
    rotation: secret.rotation,
    ...(secret.owningService === undefined ? {} : { owningService: secret.owningService }),
    ...(secret.encryptionKey === undefined ? {} : { encryptionKey: secret.encryptionKey }),
    ...(secret.deletedAt === undefined ? {} : { deletedAt: secret.deletedAt }),
  };
}

/** Only one version has a stage. */
function move(secret: Secret, stage: string, to: string): void {
  for (const [id, version] of secret.versions) {
    version.stages = version.stages.filter((each) => each !== stage);
    if (id === to) version.stages.push(stage);
  }
}

/** The version that loses AWSCURRENT gets AWSPREVIOUS. */
function moveCurrent(secret: Secret, to: string): void {
  const from = versionWithStage(summarize(secret), 'AWSCURRENT');
  if (from === to) return;
  move(secret, 'AWSCURRENT', to);
  if (from !== undefined) move(secret, 'AWSPREVIOUS', from);
}

function copy(value: SecretValue): SecretValue {
  return value.kind === 'string' ? { ...value } : { kind: 'binary', bytes: Uint8Array.from(value.bytes) };
}

function same(a: SecretValue, b: SecretValue): boolean {
  if (a.kind === 'string') return b.kind === 'string' && a.text === b.text;
  return b.kind === 'binary' && Buffer.from(a.bytes).equals(b.bytes);
}
