/** Counts the calls of each second, and throttles them by AWS's quotas. A quota is for the whole account. */
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { CallName, Quota } from './plan.ts';

/**
 * docs/aws.md has the sources for reads of SSM and writes of values. This assumes the same quota for tags and new secrets, and
 * KMS's quota for its slowest kinds of keys.
 */
export const quotas = {
  declarations: { calls: ['parameter'], most: 40 },
  values: { calls: ['stage', 'promote'], most: 50 },
  tags: { calls: ['tag'], most: 50 },
  secrets: { calls: ['create'], most: 50 },
  signatures: { calls: ['sign'], most: 300 },
} as const satisfies Record<string, Quota>;
export type QuotaName = keyof typeof quotas;

interface Count {
  readonly quota: Quota;
  second: number;
  count: number;
  most: number;
  refused: number;
}

export class Rates {
  readonly #counts = new Map<string, Count>();

  constructor(more: Readonly<Record<string, Quota>> = {}) {
    for (const [name, quota] of Object.entries({ ...quotas, ...more }))
      this.#counts.set(name, { quota, second: 0, count: 0, most: 0, refused: 0 });
  }

  /** Returns the refusal "too many requests" of a throttled call, which has no effect. */
  admit(call: CallName, now: number): RenewalError | undefined {
    const second = Math.floor(now / 1000);
    let refusal: RenewalError | undefined;
    for (const each of this.#counts.values()) {
      if (!each.quota.calls.includes(call)) continue;
      each.count = each.second === second ? each.count + 1 : 1;
      each.second = second;
      each.most = Math.max(each.most, each.count);
      if (each.count <= each.quota.most) continue;
      each.refused += 1;
      refusal = new RenewalError('Throttled', `${call}: too many requests.`, { busy: true });
    }
    return refusal;
  }

  /** Calls in the busiest second, and refused calls in all. */
  of(name: string): { readonly most: number; readonly refused: number } {
    return this.#counts.get(name) ?? { most: 0, refused: 0 };
  }
}
