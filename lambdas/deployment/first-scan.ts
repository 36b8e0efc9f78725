/** CloudFormation's custom resource `Custom::CertRenewerFirstScan`: a scan directly after the stack's creation. */
import { toRenewalError } from '../domain/errors.ts';
import type { Clock, Journal } from '../domain/ports.ts';
import type { CustomResourceAnswer, CustomResourceEvent } from './custom-resource.ts';

export interface FirstScanWorld {
  readonly clock: Clock;
  readonly journal: Pick<Journal, 'decision' | 'failure'>;
  /** Starts the scan function and does not wait for it. Throws AccessDenied, Throttled. */
  readonly startScan: () => Promise<void>;
}

/** Milliseconds between two tries. A new role's permissions take some seconds to reach Lambda. */
const pause = 5_000;

/**
 * Starts the scan at the stack's creation and returns the answer. Never throws and never fails a deployment, because the schedule
 * starts the next scan in any case.
 *
 * @param deadline instant after which no other try begins
 */
export async function handleFirstScan(
  world: FirstScanWorld,
  { RequestType, PhysicalResourceId = 'cert-renewer-first-scan' }: CustomResourceEvent,
  deadline: number,
): Promise<CustomResourceAnswer> {
  const answer = (Reason: string): CustomResourceAnswer => ({ Status: 'SUCCESS', Reason, PhysicalResourceId });
  if (RequestType !== 'Create') return answer('Only the creation of the stack starts a first scan.');
  for (;;) {
    try {
      await world.startScan();
      const message = 'The first scan of the stack was started.';
      world.journal.decision({ secretArn: '', reason: { code: 'Requested', message } });
      return answer(message);
    } catch (thrown) {
      const { code, message, retryable } = toRenewalError(thrown);
      const mayPass = retryable || code === 'AccessDenied';
      if (!mayPass || world.clock.now() + pause >= deadline) {
        world.journal.failure({ secretArn: null, error: thrown });
        return answer(`The first scan could not be started. The schedule starts the next one. ${code}: ${message}`);
      }
      await world.clock.sleep(pause);
    }
  }
}
