/** CloudFormation's custom resource `Custom::CertRenewerFirstScan`: a scan as soon as the stack is there. */
import { toRenewalError } from '../domain/errors.ts';
import type { Clock, Journal } from '../domain/ports.ts';
import type { CustomResourceAnswer, CustomResourceEvent } from './custom-resource.ts';

export interface FirstScanWorld {
  readonly clock: Clock;
  readonly journal: Pick<Journal, 'decision' | 'failure'>;
  /** Starts the scan function, and does not wait for its end. Throws AccessDenied, Throttled. */
  readonly startScan: () => Promise<void>;
}

/** A new role's permissions take some seconds to reach Lambda; milliseconds between two tries. */
const pause = 5_000;

/**
 * What is answered; never throws, and never fails a deployment: a scan that could not be started is made up for by the
 * schedule. Later deployments start none.
 *
 * @param deadline instant after which no other try is begun
 */
export async function handleFirstScan(
  world: FirstScanWorld,
  { RequestType, PhysicalResourceId = 'cert-renewer-first-scan' }: CustomResourceEvent,
  deadline: number,
): Promise<CustomResourceAnswer> {
  const answer = (Reason: string): CustomResourceAnswer => ({ Status: 'SUCCESS', Reason, PhysicalResourceId });
  if (RequestType !== 'Create') return answer('A stack has one first scan.');
  for (;;) {
    try {
      await world.startScan();
      const message = 'The first scan of the stack was started';
      world.journal.decision({ secretArn: '', reason: { code: 'Requested', message } });
      return answer(message);
    } catch (thrown) {
      const { code, message, retryable } = toRenewalError(thrown);
      const mayPass = retryable || code === 'AccessDenied';
      if (!mayPass || world.clock.now() + pause >= deadline) {
        world.journal.failure({ secretArn: null, error: thrown });
        return answer(`The first scan could not be started, the schedule starts the next: ${code}: ${message}`);
      }
      await world.clock.sleep(pause);
    }
  }
}
