import type { Journal } from '../../lambdas/domain/ports.ts';

type Entry<M extends 'decision' | 'failure'> = Parameters<Journal[M]>[0];

/** A journal that keeps its entries. */
export class FakeJournal implements Journal {
  readonly decisions: Entry<'decision'>[] = [];
  readonly failures: Entry<'failure'>[] = [];
  readonly metrics: { readonly metric: string; readonly profile: string; readonly value: number }[] = [];

  decision(entry: Entry<'decision'>): void {
    this.decisions.push(entry);
  }

  failure(entry: Entry<'failure'>): void {
    this.failures.push(entry);
  }

  count(metric: string, profile: string, value: number): void {
    this.metrics.push({ metric, profile, value });
  }

  measure(metric: string, profile: string, value: number): void {
    this.metrics.push({ metric, profile, value });
  }

  /** All values of one metric together. */
  total(metric: string, profile?: string): number {
    return this.metrics
      .filter((each) => each.metric === metric && (profile === undefined || each.profile === profile))
      .reduce((sum, { value }) => sum + value, 0);
  }
}
