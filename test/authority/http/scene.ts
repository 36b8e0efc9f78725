/** The HTTP API in front of a stack with a root and an issuing authority, with keys in KMS: the real use case on fakes. */
import { createHash } from 'node:crypto';
import { type ApiAnswer, type ApiRequest, answer, type CaApi } from '../../../lambdas/authority/http/api.ts';
import { renewalOnRequest } from '../../../lambdas/authority/http/on-request.ts';
import type { CaRenewal } from '../../../lambdas/authority/http/port.ts';
import type { ProblemBody } from '../../../lambdas/authority/http/problems.ts';
import { renewWithEnd } from '../../../lambdas/renewal/entry/with-end.ts';
import { Stack } from '../world.ts';

export const oldPath = (caId: string): string => `/api/v1/pki/ca/${caId}/renew`;
export const newPath = (caId: string): string => `/api/v1/cert-manager/ca/internal/${caId}/renew`;

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Tokens of 32 bytes each. */
export const tokens = {
  all: 'YWxsIG9mIHRoZSBhdXRob3JpdGllcyBvZiB0aGlzIHN0YWNr',
  issuing: 'b25seSB0aGUgYXV0aG9yaXR5IHRoYXQgaXMgaXNzdWluZyAh',
  ended: 'dGhpcyBvbmUgZW5kZWQgYW4gaG91ciBiZWZvcmUgdGhlIHRlc3Q',
  unknown: 'bm9ib2R5IGV2ZXIgcHV0IHRoaXMgb25lIGludG8gYSBzZWNyZXQ',
} as const;

export const tokenSecret = [
  { sha256: sha256(tokens.all), authorities: ['root', 'issuing'] },
  { sha256: sha256(tokens.issuing), authorities: ['issuing'], expires: '2060-11-22T12:00:00Z' },
  { sha256: sha256(tokens.ended), authorities: ['root', 'issuing'], expires: '2026-11-22T11:00:00Z' },
];

export interface Scene extends CaApi {
  readonly stack: Stack;
  ask(request?: Partial<ApiRequest>): Promise<ApiAnswer>;
}

export type Prepare = (stack: Stack) => unknown;

/** `auth`: default bearer. */
export async function scene(
  options: {
    readonly auth?: 'iam' | 'bearer';
    readonly prepare?: Prepare;
    readonly stack?: Stack;
    readonly renewal?: (real: CaRenewal, stack: Stack) => CaRenewal;
  } = {},
): Promise<Scene> {
  const { auth = 'bearer', prepare = () => undefined } = options;
  const stack = options.stack ?? (await new Stack().hierarchy());
  stack.store.add({ name: 'api/tokens', value: JSON.stringify(tokenSecret) });
  await prepare(stack);
  const { authorities, store, vault, clock, journal } = stack;
  const real = renewalOnRequest({ authorities, store, vault, clock, renew: (job) => renewWithEnd(stack, job) });
  const api: CaApi = {
    renewal: options.renewal?.(real, stack) ?? real,
    auth: auth === 'iam' ? { kind: 'iam' } : { kind: 'bearer', tokenSecretId: 'api/tokens' },
    store,
    clock,
    journal,
  };
  return { ...api, stack, ask: (request) => answer(api, { ...usual, ...request }) };
}

export const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
export const wanted = (notAfter = '2031-01-01T00:00:00.000Z'): Uint8Array => json({ type: 'existing', notAfter });

/** A request that succeeds. */
export const usual: ApiRequest = {
  id: 'request-1',
  method: 'POST',
  path: newPath('root'),
  isRouted: true,
  authorization: `Bearer ${tokens.all}`,
  body: wanted('2040-01-01T00:00:00.000Z'),
};

/** Returns the body of an error. */
export function problemOf({ body }: ApiAnswer): ProblemBody {
  if ('error' in body) return body;
  throw new Error('it is no problem');
}
