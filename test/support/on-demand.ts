/** Invoking the renew function as `aws lambda invoke` does, and what a user may rely on in its answer. */
import type { RenewalResult } from '../../lambdas/domain/result.ts';
import type { Leaf } from '../../testkit/cas/leaf.ts';
import { type Endpoint, type Invocation, invoke } from '../../testkit/local-aws/client.ts';
import { inShape } from '../../testkit/local-aws/enrolled.ts';
import { checkAnswer } from './answer.ts';

/** Invokes the renew function. Throws where it did not answer, or where the answer is not what its schema says. */
export async function renewNow(aws: Endpoint, functionName: string, request: unknown): Promise<RenewalResult> {
  const { payload, error } = await invoke<RenewalResult>(aws, functionName, request);
  if (error) throw new Error(`${error.errorType}: ${error.errorMessage}`);
  checkAnswer(payload);
  return payload;
}

/** Invokes it where it is to fail, and returns what `aws lambda invoke` shows. */
export async function refusal(
  aws: Endpoint,
  functionName: string,
  request: unknown,
): Promise<NonNullable<Invocation<unknown>['error']>> {
  const { payload, error } = await invoke(aws, functionName, request);
  if (!error) throw new Error(`it was not refused: ${JSON.stringify(payload)}`);
  return error;
}

/** A pair in the camel shape: what is left of a leaf and its chain in a secret. */
export function camel({ certificatePem, chainPem }: Leaf, keyPem: string): string {
  return inShape('camel', { certificate: certificatePem, chain: chainPem, privateKey: keyPem });
}

export const hour = 3_600_000;

/** Dates of a certificate that is due by a third of its validity, but is no emergency. */
export const dueDates = () => ({
  notBefore: new Date(Date.now() - 22 * hour),
  notAfter: new Date(Date.now() + 2 * hour),
});
