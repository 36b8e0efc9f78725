/** How many calls come in one second, and what AWS refuses of them: a quota is an account's, whoever calls. */
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { CallName, Quota } from './plan.ts';

/**
 * Of SSM's reads and of writes to values docs/aws.md has the sources. Tags and new secrets are taken to have no more than values, and
 * KMS to sign as often as it does with its slowest kinds of keys.
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

  /** Why the call is refused: "too many requests", by which nothing is done. */
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

  /** Asked for in the busiest second, and refused in all. */
  of(name: string): { readonly most: number; readonly refused: number } {
    return this.#counts.get(name) ?? { most: 0, refused: 0 };
  }
}
