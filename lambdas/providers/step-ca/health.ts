/** GET /health: whether the CA can be reached by the url and the root of the profile. */
import { RenewalError } from '../../domain/errors.ts';
import { toCaError } from '../../net/transport-error.ts';
import { jsonObject } from '../ca-answer.ts';
import type { StepCaClient } from './client.ts';

/** Throws CaUnavailable, CaRejected or CaUntrusted if the CA can't be reached. */
export async function health(ca: StepCaClient, signal: AbortSignal | undefined): Promise<void> {
  const answer = await ca
    .converse(signal)
    .send(async () => ({ method: 'GET', path: '/health' }))
    .catch((error: unknown) => {
      throw toCaError(error);
    });
  if (answer.status === 200 && jsonObject(answer)?.['status'] === 'ok') return;
  throw new RenewalError(
    answer.status >= 500 ? 'CaUnavailable' : 'CaRejected',
    `The CA at ${ca.host} answered its health check with status ${answer.status}: check that the url of the profile leads to step-ca itself, and see the CA's log.`,
  );
}
