/** Invokes the renew function as `aws lambda invoke` does, and checks the answer against its schema. */
import type { RenewalResult } from '../../lambdas/domain/result.ts';
import type { Leaf } from '../../testkit/cas/leaf.ts';
import { type Endpoint, type Invocation, invoke } from '../../testkit/local-aws/client.ts';
import { inShape } from '../../testkit/local-aws/enrolled.ts';
import { checkAnswer } from './answer.ts';

/** Invokes the renew function. Throws if it fails, or if the answer does not match its schema. */
export async function renewNow(aws: Endpoint, functionName: string, request: unknown): Promise<RenewalResult> {
  const { payload, error } = await invoke<RenewalResult>(aws, functionName, request);
  if (error) throw new Error(`${error.errorType}: ${error.errorMessage}`);
  checkAnswer(payload);
  return payload;
}

/** Invokes it with a request that must fail, and returns what `aws lambda invoke` shows. */
export async function refusal(
  aws: Endpoint,
  functionName: string,
  request: unknown,
): Promise<NonNullable<Invocation<unknown>['error']>> {
  const { payload, error } = await invoke(aws, functionName, request);
  if (!error) throw new Error(`it was not refused: ${JSON.stringify(payload)}`);
  return error;
}

/** Returns a pair in the camel shape. */
export function camel({ certificatePem, chainPem }: Leaf, keyPem: string): string {
  return inShape('camel', { certificate: certificatePem, chain: chainPem, privateKey: keyPem });
}

export const hour = 3_600_000;

/** Dates of a certificate that is due by the default window of a third, but not urgent. */
export const dueDates = () => ({
  notBefore: new Date(Date.now() - 22 * hour),
  notAfter: new Date(Date.now() + 2 * hour),
});
