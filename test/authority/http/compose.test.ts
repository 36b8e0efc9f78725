/** The environment that the function needs. It calls nothing before the first request. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { answer } from '../../../lambdas/authority/http/api.ts';
import { composeCaApi } from '../../../lambdas/compose.ts';
import { noLimits } from '../../../lambdas/domain/calls.ts';
import { usual } from './scene.ts';

const environment = {
  AWS_REGION: 'eu-central-1',
  PROFILE_PREFIX: '/cert-renewer/test/profiles',
  AUTHORITY_PREFIX: '/cert-renewer/test/authorities',
  AUTHORITIES: '["root","issuing"]',
  EVENT_BUS_NAME: 'bus',
  SCHEDULE: 'rate(1 hour)',
  CA_API_AUTH: 'bearer',
  TOKEN_SECRET_ID: 'api/tokens',
};

beforeEach(() => {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

test('with bearer it knows its authorities and requires a token', async () => {
  const api = (await composeCaApi()).api(noLimits);
  expect(api.renewal.names).toEqual(['root', 'issuing']);
  expect(api.auth).toEqual({ kind: 'bearer', tokenSecretId: 'api/tokens' });
  expect((await answer(api, { ...usual, authorization: undefined })).status).toBe(401);
});

test('with iam it needs no token secret', async () => {
  vi.stubEnv('CA_API_AUTH', 'iam');
  vi.stubEnv('TOKEN_SECRET_ID', undefined);
  const api = (await composeCaApi()).api(noLimits);
  expect(api.auth).toEqual({ kind: 'iam' });
  expect((await answer(api, { ...usual, path: '/api/v1/pki/ca/other/renew' })).status).toBe(404);
});

test.each([
  ['CA_API_AUTH', undefined],
  ['CA_API_AUTH', 'none'],
  ['CA_API_AUTH', 'IAM'],
  ['TOKEN_SECRET_ID', undefined],
  ['TOKEN_SECRET_ID', ''],
  ['AUTHORITIES', undefined],
  ['EVENT_BUS_NAME', undefined],
])('does not start with %s %j, so that a mistake opens nothing', async (name, value) => {
  vi.stubEnv(name, value);
  await expect(composeCaApi()).rejects.toMatchObject({ code: 'Internal' });
});
