import type { Instant } from '../../domain/instant.ts';
import type { ScanSums } from '../../domain/request.ts';
import type { ScanCounts } from '../../domain/result.ts';
import type { Judgement } from '../../policy/judgement.ts';

type Bucket = 'enqueued' | 'notDue' | 'paused' | 'backingOff' | 'waiting' | 'invalid';

/** Where a decision to skip is counted; whatever is not named counts as not due (replicas, rotated and deleted ones too). */
const bucketOfSkip: Readonly<Partial<Record<Judgement['decision']['code'], Bucket>>> = {
  Paused: 'paused',
  BackingOff: 'backingOff',
  UnsupportedSecret: 'backingOff', // told, and waits for somebody to change something
  WaitingForCa: 'waiting',
  InvalidTag: 'invalid',
  UnknownProfile: 'invalid',
};

interface ProfileTally {
  managed: number;
  overdue: number;
  /** The least of all; undefined while no certificate is known. */
  secondsToExpiry: number | undefined;
}

/** A scan's running sums: a few numbers a profile, however many secrets there are. */
export class Tally {
  readonly profiles = new Map<string, ProfileTally>();
  #buckets: Record<Bucket, number> = { enqueued: 0, notDue: 0, paused: 0, backingOff: 0, waiting: 0, invalid: 0 };
  #unknown = 0;
  #overdue = 0;

  /** `sums`: what earlier invocations of the same scan have counted. */
  constructor(sums?: ScanSums) {
    if (sums === undefined) return;
    const { unknown, overdue, profiles, ...buckets } = sums;
    this.#buckets = { ...buckets };
    this.#unknown = unknown;
    this.#overdue = overdue;
    for (const [name, { managed, overdue: late, secondsToExpiry }] of Object.entries(profiles)) {
      this.profiles.set(name, { managed, overdue: late, secondsToExpiry });
    }
  }

  sums(): ScanSums {
    const profiles = Object.fromEntries(this.profiles);
    return { ...this.#buckets, unknown: this.#unknown, overdue: this.#overdue, profiles };
  }

  add({ decision, overdue, profile, status }: Judgement, now: Instant): void {
    this.#buckets[decision.action === 'skip' ? (bucketOfSkip[decision.code] ?? 'notDue') : 'enqueued'] += 1;
    if (decision.action === 'inspect') this.#unknown += 1;
    if (overdue) this.#overdue += 1;
    if (decision.code === 'UnknownProfile') return; // a metric's dimension must not be made by anyone's tag
    const sums = this.profiles.get(profile) ?? { managed: 0, overdue: 0, secondsToExpiry: undefined };
    sums.managed += 1;
    if (overdue) sums.overdue += 1;
    if (status.known && status.validity) {
      const seconds = Math.floor((status.validity.end - now) / 1000);
      sums.secondsToExpiry = Math.min(sums.secondsToExpiry ?? seconds, seconds);
    }
    this.profiles.set(profile, sums);
  }

  counts(durationMs: number): ScanCounts {
    const { enqueued, notDue, paused, backingOff, waiting, invalid } = this.#buckets;
    const listed = enqueued + notDue + paused + backingOff + waiting + invalid;
    const buckets = { listed, enqueued, notDue, paused, backingOff, waiting, invalid };
    return { ...buckets, unknown: this.#unknown, overdue: this.#overdue, durationMs };
  }
}
