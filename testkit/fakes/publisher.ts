import type { Publisher } from '../../lambdas/domain/ports.ts';
import type { RenewalEvent } from '../../lambdas/domain/result.ts';
import { Faults } from './faults.ts';

/** A bus that keeps the published events. */
export class FakePublisher implements Publisher {
  readonly faults: Faults;
  readonly events: RenewalEvent[] = [];

  /** Fakes that share their faults share a process. A crash ends all of them. */
  constructor(faults = new Faults()) {
    this.faults = faults;
  }

  publish(event: RenewalEvent): Promise<void> {
    return this.faults.around('publish', [event], () => {
      // A consumer gets JSON. What JSON can't hold is missing here too.
      this.events.push(JSON.parse(JSON.stringify(event)));
    });
  }

  flush(): void {}

  /** Returns the events of one type, in order. */
  of<T extends RenewalEvent['type']>(type: T): Extract<RenewalEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<RenewalEvent, { type: T }> => event.type === type);
  }
}
