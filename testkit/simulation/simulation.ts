import type { KeyObject, X509Certificate } from 'node:crypto';
/** The world of one episode: fakes of AWS and of the CAs, a common virtual time, and the calls of the processes. */
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { RenewalEvent } from '../../lambdas/domain/result.ts';
import type { SecretSummary } from '../../lambdas/domain/secret.ts';
import { renewedSecret } from '../../lambdas/hooks/renewed-event.ts';
import { FakeKeyVault } from '../fakes/key-vault.ts';
import { type FakeSecretInput, FakeStore } from '../fakes/store.ts';
import { TimedQueue } from '../fakes/timed-queue.ts';
import { Cas } from './cas.ts';
import { Declarations } from './declarations.ts';
import { Ledger, SecretRecord } from './ledger.ts';
import { type CallName, type FaultKind, type Plan, type SecretPlan, start } from './plan.ts';
import { Invocation, never, type Task } from './process.ts';
import { Random } from './random.ts';
import { Rates } from './rates.ts';
import { Servers } from './servers.ts';
import { Timeline } from './timeline.ts';
import { Trace } from './trace.ts';
import { errorOf, Troubles } from './troubles.ts';
import { belongTogether, type Content, mark } from './values.ts';

/** A Lambda's timeout in milliseconds. */
export const lifetime = 90_000;
/** The longest staleness of a read. */
const longestLag = 300_000;
const lateBy = 100_000;

/** Texts that must not be written anywhere: marked values, keys in PEM, the first bytes of their DER, and tokens. */
const unspeakable = new RegExp(`${mark}|PRIVATE KEY|MC4CAQAwBQYDK2Vw|MIGHAgEAMBMGByq|eyJ[\\w-]{10,}\\.eyJ`);

type RenewedDetail = Extract<RenewalEvent, { type: 'Certificate Renewed' }>['detail'];

export class Simulation {
  readonly plan: Plan;
  readonly random: Random;
  readonly timeline: Timeline;
  readonly store: FakeStore;
  readonly vault: FakeKeyVault;
  readonly queue: TimedQueue;
  readonly cas: Cas;
  readonly declarations: Declarations;
  readonly rates: Rates;
  readonly ledger: Ledger;
  readonly trace: Trace;
  readonly troubles: Troubles;
  readonly entropy: (length: number) => Uint8Array;
  readonly #latency: Random;
  /** Earlier states of each secret, each with its end. */
  readonly #past = new Map<string, { readonly until: number; readonly summary: SecretSummary }[]>();
  /** Fingerprints of all issued certificates. */
  readonly issuedLeaves = new Set<string>();
  /** Private keys of the keys in KMS, by ARN. */
  readonly kmsKeys = new Map<string, KeyObject>();
  readonly disabledKeys = new Set<string>();
  readonly #belongs = new WeakMap<X509Certificate, { key: KeyObject | undefined; verdict: 'own' | 'other' }>();
  #invocations = 0;
  /** Undefined in an episode without servers. */
  readonly servers: Servers | undefined;
  /** Called before another version becomes AWSCURRENT. */
  beforeCurrent: (record: SecretRecord) => void = () => undefined;
  /** Called when the probe may have work. */
  onServing: () => void = () => undefined;
  /** Called when the workers may have work. */
  onQueued: () => void = () => undefined;

  constructor(plan: Plan, keepsStory = false) {
    this.plan = plan;
    this.servers = plan.serving && new Servers(plan.serving);
    this.random = new Random(plan.seed, 'events');
    this.#latency = new Random(plan.seed, 'latency');
    const entropy = new Random(plan.seed, 'entropy');
    this.entropy = (length) => entropy.bytes(length);
    this.timeline = new Timeline(start, new Random(plan.seed, 'turns'));
    const ids = new Random(plan.seed, 'ids');
    const newId = () => Buffer.from(ids.bytes(18)).toString('hex');
    this.store = new FakeStore({ clock: this.timeline, newId });
    this.vault = new FakeKeyVault(undefined, newId);
    this.queue = new TimedQueue(this.timeline);
    this.trace = new Trace(keepsStory);
    this.troubles = new Troubles(plan.faults);
    this.rates = new Rates(plan.quotas);
    this.ledger = new Ledger(() => this.timeline.now());
    this.cas = new Cas(this);
    this.declarations = new Declarations(plan, this.timeline);
  }

  /** Milliseconds since the start. */
  get elapsed(): number {
    return this.timeline.now() - start;
  }

  begin(
    kind: string,
    secrets: readonly string[],
    onEnd: () => void = () => undefined,
    longest: number = lifetime,
    isWriter = true,
  ): Invocation {
    const records = isWriter ? secrets.flatMap((name) => this.ledger.find(name) ?? []) : [];
    for (const record of records) {
      if (record.live > 0) record.overlaps += 1;
      record.live += 1;
    }
    const invocation = new Invocation(this.timeline, `${kind} ${++this.#invocations}`, secrets, () => {
      for (const record of records) record.live -= 1;
      onEnd();
    });
    this.ledger.counts.invocations += 1;
    invocation.after(longest, () => this.kill(invocation, 'its time was over'));
    this.note(invocation.label, 'begins', secrets);
    return invocation;
  }

  /** `isOwnFault`: no fault of a call was counted for it. */
  kill(invocation: Invocation, why: string, isOwnFault = true): void {
    this.note(invocation.label, `is killed: ${why}`, invocation.secrets);
    this.#hit(invocation, invocation.secrets);
    if (isOwnFault) this.#trouble(invocation.secrets);
    invocation.kill();
  }

  /**
   * Makes a call of a port. It waits for its turn and is then done at once, unless the plan has a fault for it.
   * `behind` returns a stale answer, if there is one.
   */
  async call<T>(
    task: Task,
    name: CallName,
    target: string | undefined,
    work: (trouble: FaultKind | undefined) => Promise<T>,
    behind?: (lag: number) => T | undefined,
  ): Promise<T> {
    await task.turn(this.#latency.logBetween(5, 300));
    this.ledger.counts.calls += 1;
    const { invocation } = task;
    const about = this.#about(task, target);
    const trouble = this.troubles.take(name, about, this.elapsed);
    if (trouble !== undefined) this.#hit(invocation, about);
    if (trouble !== undefined) this.#trouble(about);
    const refusal = this.rates.admit(name, this.timeline.now());
    const said = (outcome: string) => this.note(invocation.label, `${name} ${outcome}`, about);
    switch (trouble) {
      case 'killed before':
        this.kill(invocation, `before ${name}`, false);
        return never();
      case 'throttled':
      case 'busy':
      case 'refused':
        said(trouble);
        throw errorOf(name, trouble);
    }
    if (refusal !== undefined) {
      this.#hit(invocation, about);
      this.#trouble(about);
      said('over the quota');
      throw refusal;
    }
    const old = trouble === 'stale' ? behind?.(this.#latency.between(1, longestLag)) : undefined;
    if (old !== undefined) {
      said('gives what was there before');
      return old;
    }
    let answer: T;
    try {
      answer = await work(trouble);
      said(trouble ?? 'ok');
    } catch (error) {
      said(error instanceof RenewalError ? error.code : String(error));
      throw error;
    }
    if (trouble === 'killed after') this.kill(invocation, `after ${name}`, false);
    if (trouble === 'late') await task.turn(lateBy);
    if (invocation.state !== 'running') return never();
    if (trouble === 'lost') throw errorOf(name, trouble);
    return answer;
  }

  #about(task: Task, target: string | undefined): readonly string[] {
    const own = task.secret === undefined ? task.invocation.secrets : [task.secret];
    return target === undefined || own.includes(target) ? own : [...own, target];
  }

  #hit(invocation: Invocation, secrets: readonly string[]): void {
    invocation.hits += 1;
    this.ledger.counts.faults += 1;
    for (const name of secrets) {
      const record = this.ledger.find(name);
      if (record) record.hits += 1;
    }
  }

  #trouble(secrets: readonly string[]): void {
    for (const name of secrets) {
      const record = this.ledger.find(name);
      if (record === undefined) continue;
      record.troubles += 1;
      record.troubledAt = this.timeline.now();
    }
  }

  note(who: string, what: string, about: readonly string[] = []): void {
    this.trace.note(this.elapsed, who, what, about);
  }

  nameOf(secretId: string): string {
    return this.ledger.find(secretId)?.name ?? secretId;
  }

  /** Must be called before a secret changes. */
  willChange(secretId: string): void {
    const record = this.ledger.find(secretId);
    if (!record) return;
    const past = this.#past.get(record.arn) ?? [];
    this.#past.set(record.arn, [
      ...past.slice(-5),
      { until: this.timeline.now(), summary: this.store.summary(record.arn) },
    ]);
  }

  /** Returns the secret's state at an earlier time. Undefined if it has not changed since. */
  before(arn: string, lag: number): SecretSummary | undefined {
    const then = this.timeline.now() - lag;
    return this.#past.get(arn)?.find(({ until }) => until > then)?.summary;
  }

  /** Searches for texts that must not be written anywhere. */
  see(place: string, secret: string, text: string): void {
    if (unspeakable.test(text)) this.ledger.violate('a secret was told', secret, `${place}: ${text.slice(0, 300)}`);
  }

  /** Puts an event on the bus. Its consumers get it. */
  deliver(event: RenewalEvent): void {
    this.ledger.counts.events += 1;
    const detail = { version: '1', ...event.detail };
    const arn = 'secretArn' in event ? event.secretArn : undefined;
    const text = JSON.stringify({
      source: 'cert-renewer',
      'detail-type': event.type,
      resources: arn ? [arn] : [],
      detail,
    });
    const record = this.ledger.find(arn);
    this.see('an event', record?.name ?? '', text);
    if (event.type === 'Certificate Renewal Failed') {
      record?.failures.push({ at: this.timeline.now(), code: event.detail.code });
    }
    if (event.type === 'Certificate Renewed') this.#runHook(JSON.parse(text), event.detail);
  }

  /** Does what a hook does: reads the version id of the event, and fetches that version. */
  #runHook(event: unknown, { profile, operation, reason: { code } }: RenewedDetail): void {
    const { secretArn, versionId } = renewedSecret(event, profile);
    const record = this.ledger.find(secretArn);
    if (!record) {
      this.ledger.violate('a version that is not there', secretArn, `An event tells of ${versionId}.`);
      return;
    }
    record.served = versionId;
    const promotion = record.promotionOf(versionId);
    promotion?.told.push(this.timeline.now());
    if (operation === 'issue') promotion?.toldAsIssued.push(this.timeline.now());
    if (code === 'Unknown' && promotion) promotion.isToldLate = true;
    if (!record.wereCurrent.has(versionId))
      this.ledger.violate('told and not done', record.name, `An event tells of ${versionId}, which never was current.`);
  }

  /** Tells whether the key of a pair belongs to the certificate, by a signature. */
  keyOf({ key, kmsKeyId, leaf }: Extract<Content, { kind: 'pair' }>): 'own' | 'other' {
    const own = kmsKeyId === undefined ? key : this.kmsKeys.get(kmsKeyId);
    const known = this.#belongs.get(leaf);
    if (known?.key === own && known) return known.verdict;
    const verdict = own !== undefined && belongTogether(own, leaf) ? 'own' : 'other';
    this.#belongs.set(leaf, { key: own, verdict });
    return verdict;
  }

  /** From now on there are no actions and no faults. */
  get isQuiet(): boolean {
    return this.elapsed >= this.plan.quietFrom;
  }

  /** Returns the secret, or the secrets that depend on it. */
  dependentsOf(name: string | undefined): SecretRecord[] {
    const all = [...this.ledger.secrets.values()];
    if (name === undefined || name.startsWith('pki/')) return all;
    return all.filter((record) => record.name === name);
  }

  isEnabled(kmsKeyId: string): boolean {
    return !this.disabledKeys.has(kmsKeyId);
  }

  /** CreateSecret. Returns the ARN. */
  addSecret(input: FakeSecretInput, plan?: SecretPlan): string {
    return this.adopt(this.store.add(input), plan);
  }

  /** Starts the record of an existing secret. Returns the ARN. */
  adopt(arn: string, plan?: SecretPlan): string {
    const record = new SecretRecord(this.store.summary(arn).name, arn, plan);
    this.ledger.add(record);
    const { currentVersionId } = this.store.summary(arn);
    if (currentVersionId !== undefined) {
      record.written(currentVersionId, this.store.value(arn), 'the owner');
      this.nowCurrent(record, currentVersionId);
    }
    return arn;
  }

  /** Must be called when a version has become AWSCURRENT. */
  nowCurrent(record: SecretRecord, versionId: string): void {
    this.beforeCurrent(record);
    record.wereCurrent.add(versionId);
    record.currents.push({ at: this.timeline.now(), versionId });
  }

  /** Returns the record of an existing secret. */
  record(name: string): SecretRecord {
    const record = this.ledger.find(name);
    if (record) return record;
    throw new Error(`there is no secret ${name}`);
  }
}
