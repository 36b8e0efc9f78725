/** A record of everything that has happened. It contains only observed facts, and no claims of the product. */
import type { QueueMessage } from '../../lambdas/domain/request.ts';
import type { SecretValue } from '../../lambdas/domain/secret.ts';
import type { SecretPlan } from './plan.ts';
import type { Invocation } from './process.ts';
import { type Content, readValue } from './values.ts';

/** A broken guarantee. */
export interface Violation {
  /** Its name, in two or three words. */
  readonly rule: string;
  readonly secret: string;
  readonly at: number;
  readonly text: string;
  /** When the problem started, if known. The story starts there. */
  readonly since?: number;
}

/** A version of cert-renewer's that became AWSCURRENT. */
export interface Promotion {
  readonly versionId: string;
  readonly at: number;
  readonly by: string;
  /** When it was announced on the bus. */
  readonly told: number[];
  /** When it was announced as an issuance. */
  readonly toldAsIssued: number[];
  /** true if a later inspection has announced it, from what it can see. */
  isToldLate?: boolean;
  /** Why it could not be announced. */
  excused?: string;
}

/** The last event of a certificate at its endpoints. */
export interface Told {
  readonly type: 'Certificate Served' | 'Certificate Not Served';
  readonly fingerprint: string;
  readonly places: string | undefined;
  readonly at: number;
}

export class SecretRecord {
  readonly name: string;
  readonly arn: string;
  readonly plan: SecretPlan | undefined;
  readonly contents = new Map<string, Content>();
  /** The writer of each version. */
  readonly writers = new Map<string, string>();
  /** The process that wrote each version of cert-renewer. */
  readonly stagedBy = new Map<string, Invocation>();
  readonly promotions: Promotion[] = [];
  /** Versions that were AWSCURRENT at some time, from any writer. */
  readonly wereCurrent = new Set<string>();
  /** The number of certificates that a CA has issued for it. */
  readonly issued: number[] = [];
  /** The number of those that were stored in another secret. */
  givenAway = 0;
  /** Fingerprints of certificates that were issued by declaration. */
  readonly declaredLeaves = new Set<string>();
  /** Fingerprints of those that replaced one of the same declaration because of its time, or by request. */
  readonly renewedLeaves = new Set<string>();
  readonly failures: { readonly at: number; readonly code: string }[] = [];
  readonly enqueued: number[] = [];
  /** Events, each of which may cause an issuance. */
  hits = 0;
  overlaps = 0;
  /** Faults, each counted once. A kill by a fault is one, and is two `hits`. */
  troubles = 0;
  troubledAt = Number.NEGATIVE_INFINITY;
  readonly deeds: number[] = [];
  /** Those after which another certificate may be wanted. */
  changes = 0;
  /** Invocations that currently work on it. */
  live = 0;
  /** A running native rotation. `quietAttempts` counts the attempts since the last fault. */
  rotation: { token: string; startedAt: number; attempts: number; quietAttempts?: number } | undefined;
  /** Its messages in the queue. */
  messages = 0;
  /** Open orders that another one took the place of. */
  lostOrders = 0;
  /** Since when the CA answers that it is not ready. */
  waiting: { readonly since: number; readonly disturbances: number } | undefined;
  /** The CA takes no order until then. `at`: the first such answer. */
  limited: { readonly at: number; readonly until: number; readonly disturbances: number } | undefined;
  /** When which version became AWSCURRENT. */
  readonly currents: { readonly at: number; readonly versionId: string }[] = [];
  /** When the last other fingerprint was noted. */
  notedAt: number | undefined;
  /** The last event about its servers. */
  told: Told | undefined;
  /** The last version that its hook has seen. */
  served: string | undefined;

  constructor(name: string, arn: string, plan: SecretPlan | undefined) {
    this.name = name;
    this.arn = arn;
    this.plan = plan;
  }

  written(versionId: string, value: SecretValue, by: string): void {
    this.contents.set(versionId, readValue(value));
    this.writers.set(versionId, by);
  }

  /** The last promotion, because a version may be promoted again after a rollback. */
  promotionOf(versionId: string | undefined): Promotion | undefined {
    return this.promotions.findLast((each) => each.versionId === versionId);
  }

  /** The number of events that may cause wasted or repeated work. */
  get slack(): number {
    return this.hits + this.overlaps + this.deeds.length;
  }
}

export interface DeadLetter {
  readonly message: QueueMessage;
  readonly sentAt: number;
  readonly at: number;
  /** A fault kept the worker from reporting the failure of its last delivery. */
  readonly excused: boolean;
}

export class Ledger {
  readonly violations: Violation[] = [];
  readonly secrets = new Map<string, SecretRecord>();
  readonly #byArn = new Map<string, SecretRecord>();
  readonly scans: number[] = [];
  readonly deadLetters: DeadLetter[] = [];
  readonly counts = { renewals: 0, issued: 0, faults: 0, events: 0, deeds: 0, calls: 0, invocations: 0 };
  onViolation: (rule: string) => void = () => undefined;
  #clock: () => number;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  add(record: SecretRecord): void {
    this.secrets.set(record.name, record);
    this.#byArn.set(record.arn, record);
  }

  /** By name or ARN. */
  find(secretId: string | undefined): SecretRecord | undefined {
    return secretId === undefined ? undefined : (this.#byArn.get(secretId) ?? this.secrets.get(secretId));
  }

  violate(rule: string, secret: string, text: string, since?: number): void {
    if (this.violations.some((each) => each.rule === rule && each.secret === secret)) return;
    this.violations.push({ rule, secret, at: this.#clock(), text, ...(since !== undefined && { since }) });
    this.onViolation(rule);
  }
}
