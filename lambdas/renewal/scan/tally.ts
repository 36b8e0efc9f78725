import type { Instant } from '../../domain/instant.ts';
import type { ScanSums } from '../../domain/request.ts';
import type { ScanCounts } from '../../domain/result.ts';
import type { Judgement } from '../../policy/judgement.ts';

type Bucket = 'enqueued' | 'notDue' | 'paused' | 'backingOff' | 'waiting' | 'invalid';

/** The count that a skip decision belongs to. Any other code counts as not due (also replicas, rotated and deleted secrets). */
const bucketOfSkip: Readonly<Partial<Record<Judgement['decision']['code'], Bucket>>> = {
  Paused: 'paused',
  BackingOff: 'backingOff',
  UnsupportedSecret: 'backingOff', // published already; a person has to change something
  WaitingForCa: 'waiting',
  InvalidTag: 'invalid',
  UnknownProfile: 'invalid',
};

interface ProfileTally {
  managed: number;
  overdue: number;
  /** The smallest value. Undefined while no certificate is known. */
  secondsToExpiry: number | undefined;
}

/** A scan's running sums, a few numbers for each profile. */
export class Tally {
  readonly profiles = new Map<string, ProfileTally>();
  #buckets: Record<Bucket, number> = { enqueued: 0, notDue: 0, paused: 0, backingOff: 0, waiting: 0, invalid: 0 };
  #unknown = 0;
  #overdue = 0;

  /** `sums`: the counts of earlier invocations of the same scan. */
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
    if (decision.code === 'UnknownProfile') return; // a tag must not create a metric dimension
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
