/** Sends a custom resource's answer to CloudFormation: one PUT to the address in the event. */
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { RenewalError } from '../domain/errors.ts';

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html */
export interface CustomResourceResponse {
  readonly Status: 'SUCCESS' | 'FAILED';
  /** Required with FAILED: the stack's events show it. */
  readonly Reason: string;
  readonly PhysicalResourceId: string;
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
  readonly Data?: Readonly<Record<string, string>>;
}

/** Bytes that CloudFormation accepts in total. */
const longestBody = 4_096;
const longestReason = 1_500;
const tries = 3;
const patience = 10_000;

/**
 * Sends the answer, with up to three tries: without an answer the deployment hangs for an hour. `url` is signed and as secret as a
 * password, so no message contains it. Throws Internal.
 */
export async function respond(url: string, response: CustomResourceResponse): Promise<void> {
  const body = bodyOf(response);
  let status = 'no answer';
  for (let attempt = 1; attempt <= tries; attempt++) {
    status = await put(url, body).then(
      (code) => `status ${code}`,
      (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : 'no answer'),
    );
    if (/^status 2/.test(status)) return;
  }
  throw new RenewalError(
    'Internal',
    `CloudFormation did not accept the answer (${status}): the deployment will time out.`,
  );
}

/** Returns the body. A long reason is cut, and cut again if its characters have several bytes each. */
function bodyOf(response: CustomResourceResponse): string {
  const withReason = (length: number) => JSON.stringify({ ...response, Reason: response.Reason.slice(0, length) });
  const body = withReason(longestReason);
  return Buffer.byteLength(body) <= longestBody ? body : withReason(longestReason / 3);
}

/** Sends the request. The signature covers an empty content type, so none may be sent. */
function put(url: string, body: string): Promise<number> {
  const target = new URL(url);
  const request = target.protocol === 'http:' ? requestHttp : requestHttps;
  const headers = { 'content-type': '', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const call = request(target, { method: 'PUT', headers, timeout: patience }, (answer) => {
      answer.resume();
      answer.once('end', () => resolve(answer.statusCode ?? 0));
      answer.once('error', reject);
    });
    call.once('timeout', () => call.destroy(new Error('timeout')));
    call.once('error', reject);
    call.end(body);
  });
}
