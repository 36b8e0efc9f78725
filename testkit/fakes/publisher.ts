import type { Publisher } from '../../lambdas/domain/ports.ts';
import type { RenewalEvent } from '../../lambdas/domain/result.ts';
import { Faults } from './faults.ts';

/** A bus that keeps what was published. */
export class FakePublisher implements Publisher {
  readonly faults: Faults;
  readonly events: RenewalEvent[] = [];

  /** Fakes that share their faults share a process: a crash ends all of them. */
  constructor(faults = new Faults()) {
    this.faults = faults;
  }

  publish(event: RenewalEvent): Promise<void> {
    return this.faults.around('publish', [event], () => {
      // As JSON, the way a consumer gets it: what does not survive that is missing here too.
      this.events.push(JSON.parse(JSON.stringify(event)));
    });
  }

  flush(): void {}

  /** The events of one type, in order. */
  of<T extends RenewalEvent['type']>(type: T): Extract<RenewalEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<RenewalEvent, { type: T }> => event.type === type);
  }
}
