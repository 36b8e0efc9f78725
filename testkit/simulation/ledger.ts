/** What has happened, as somebody knows it who sees everything: nothing here is taken from the product's word. */
import type { QueueMessage } from '../../lambdas/domain/request.ts';
import type { SecretValue } from '../../lambdas/domain/secret.ts';
import type { SecretPlan } from './plan.ts';
import type { Invocation } from './process.ts';
import { type Content, readValue } from './values.ts';

/** A promise that was broken. */
export interface Violation {
  /** Which, in two or three words. */
  readonly rule: string;
  readonly secret: string;
  readonly at: number;
  readonly text: string;
  /** When it began, where that is known: what was before is not told. */
  readonly since?: number;
}

/** A version of cert-renewer's that became AWSCURRENT. */
export interface Promotion {
  readonly versionId: string;
  readonly at: number;
  readonly by: string;
  /** When the bus was told of it. */
  readonly told: number[];
  /** And of these, when it was told as an issuance. */
  readonly toldAsIssued: number[];
  /** Told by a look that came later, which knows what it can see. */
  isToldLate?: boolean;
  /** Why nobody could be told of it. */
  excused?: string;
}

export class SecretRecord {
  readonly name: string;
  readonly arn: string;
  readonly plan: SecretPlan | undefined;
  readonly contents = new Map<string, Content>();
  /** By version: who wrote it. */
  readonly writers = new Map<string, string>();
  /** By version of cert-renewer's: the process that wrote it. */
  readonly stagedBy = new Map<string, Invocation>();
  readonly promotions: Promotion[] = [];
  /** Versions that were AWSCURRENT at some time, whoever made them so. */
  readonly wereCurrent = new Set<string>();
  /** Certificates that a CA has made for it. */
  readonly issued: number[] = [];
  /** Of those, how many went to another secret. */
  givenAway = 0;
  /** Fingerprints of those that were issued by a declaration. */
  readonly declaredLeaves = new Set<string>();
  readonly failures: { readonly at: number; readonly code: string }[] = [];
  readonly enqueued: number[] = [];
  /** What may cost an issuance each. */
  hits = 0;
  overlaps = 0;
  readonly deeds: number[] = [];
  /** Invocations that work on it now. */
  live = 0;
  /** Native rotation under way; `quietAttempts` are those since nothing fails any more. */
  rotation: { token: string; startedAt: number; attempts: number; quietAttempts?: number } | undefined;
  /** The version that its hook has seen last. */
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

  /** The last one: a version may be rolled back from and promoted again. */
  promotionOf(versionId: string | undefined): Promotion | undefined {
    return this.promotions.findLast((each) => each.versionId === versionId);
  }

  /** How often something may have been done in vain, or twice. */
  get slack(): number {
    return this.hits + this.overlaps + this.deeds.length;
  }
}

export interface DeadLetter {
  readonly message: QueueMessage;
  readonly sentAt: number;
  readonly at: number;
  /** Something went wrong with its last delivery that kept the worker from saying so. */
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
