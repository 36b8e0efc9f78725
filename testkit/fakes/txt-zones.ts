/** TXT records of hosted zones in memory. A change is in sync after `syncMs` of the clock. */
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { Instant } from '../../lambdas/domain/instant.ts';
import type { Clock, TxtValue, TxtZones } from '../../lambdas/domain/ports.ts';
import { FakeClock } from './clock.ts';
import { Faults } from './faults.ts';

export interface TxtRecordSet {
  /** Seconds that a resolver may keep it. */
  readonly keptFor: number;
  readonly values: readonly string[];
}

export class FakeTxtZones implements TxtZones {
  readonly faults = new Faults();
  readonly #clock: Clock;
  readonly #syncMs: number;
  /** Record sets by zone and name. */
  readonly #zones = new Map<string, Map<string, TxtRecordSet>>();
  /** When all name servers have a value, by name and value. Missing for one of another writer. */
  readonly #publishedAt = new Map<string, Instant>();
  /** When a change is in sync. */
  readonly #changes = new Map<string, number>();

  constructor({ clock = new FakeClock(), syncMs = 0 }: { readonly clock?: Clock; readonly syncMs?: number } = {}) {
    this.#clock = clock;
    this.#syncMs = syncMs;
  }

  /** Makes an empty zone. */
  addZone(zoneId: string): void {
    this.#zones.set(zoneId, new Map());
  }

  /** Makes or replaces a record set, as another writer does. */
  setRecord(zoneId: string, name: string, set: TxtRecordSet): void {
    this.#zone(zoneId).set(name, set);
  }

  recordOf(zoneId: string, name: string): TxtRecordSet | undefined {
    return this.#zone(zoneId).get(name);
  }

  /** Returns the values of all zones for a name. */
  valuesOf(name: string): readonly string[] {
    return [...this.#zones.values()].flatMap((zone) => zone.get(name)?.values ?? []);
  }

  /** Returns those that all name servers have, for a DNS server: a CA that is told too early does not find the others. */
  publishedOf(name: string): readonly string[] {
    const now = this.#clock.now();
    return this.valuesOf(name).filter((value) => (this.#publishedAt.get(`${name} ${value}`) ?? now) <= now);
  }

  /** Returns all names with values. */
  names(): readonly string[] {
    return [...this.#zones.values()].flatMap((zone) => [...zone.keys()]);
  }

  add(zoneId: string, texts: readonly TxtValue[]): Promise<string | undefined> {
    return this.faults.around('changeTexts', [zoneId, texts], () => {
      const zone = this.#zone(zoneId);
      const missing = texts.filter(({ name, value }) => !zone.get(name)?.values.includes(value));
      for (const { name, value } of missing) {
        const { keptFor = 60, values = [] } = zone.get(name) ?? {};
        zone.set(name, { keptFor, values: [...new Set([...values, value])] });
        this.#publishedAt.set(`${name} ${value}`, this.#clock.now() + this.#syncMs);
      }
      const isSettled = [...this.#changes.values()].every((inSyncAt) => inSyncAt <= this.#clock.now());
      if (missing.length === 0 && isSettled) return undefined;
      const changeId = `C${this.#changes.size + 1}`;
      this.#changes.set(changeId, this.#clock.now() + this.#syncMs);
      return changeId;
    });
  }

  remove(zoneId: string, texts: readonly TxtValue[]): Promise<void> {
    return this.faults.around('changeTexts', [zoneId, texts], () => {
      const zone = this.#zone(zoneId);
      for (const { name, value } of texts) {
        const set = zone.get(name);
        const values = set?.values.filter((each) => each !== value) ?? [];
        if (set && values.length > 0) zone.set(name, { ...set, values });
        else zone.delete(name);
      }
    });
  }

  isInSync(changeId: string): Promise<boolean> {
    return this.faults.around('isInSync', [changeId], () => this.#clock.now() >= (this.#changes.get(changeId) ?? 0));
  }

  #zone(zoneId: string): Map<string, TxtRecordSet> {
    const zone = this.#zones.get(zoneId);
    if (zone !== undefined) return zone;
    throw new RenewalError('InvalidRequest', `There is no hosted zone ${zoneId}.`);
  }
}
