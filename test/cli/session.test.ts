import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import {
  openSession,
  profileOfSecret,
  requireProfile,
  requireProfileOrAuthority,
  type Session,
} from '../../cli/session.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { SecretSummary } from '../../lambdas/domain/secret.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { FakeClock } from '../../testkit/fakes/clock.ts';

let server: Server | undefined;

interface Scene {
  readonly status?: string;
  /** Undefined: AWS refuses to tell it. */
  readonly account?: string;
  /** The profiles on each page. Undefined: the caller may not list them. */
  readonly profiles?: readonly (readonly string[])[];
}

/** Opens a session in front of an AWS that knows one stack, with this status, and the name of one function in its outputs. */
async function sessionOf({ status = 'CREATE_COMPLETE', account, profiles }: Scene): Promise<Session> {
  const outputs = status.startsWith('CREATE')
    ? '<Outputs><member><OutputKey>ScanFunctionName</OutputKey><OutputValue>scan</OutputValue></member></Outputs>'
    : '';
  const stack = `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>Mine</StackName>
    <StackId>arn:aws:cloudformation:eu-central-1:111122223333:stack/Mine/1</StackId>
    <CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>${status}</StackStatus>${outputs}
    </member></Stacks></DescribeStacksResult></DescribeStacksResponse>`;
  const identity = `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>${account}</Account>
    </GetCallerIdentityResult></GetCallerIdentityResponse>`;
  const settings = {
    Environment: { Variables: { PROFILE_PREFIX: '/cert-renewer/Mine/profiles', SCHEDULE: 'rate(1 hour)' } },
  };
  const started = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    const target = String(request.headers['x-amz-target'] ?? '');
    const refuse = (code: string) =>
      response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ __type: code }));
    if (target.endsWith('.GetParametersByPath')) {
      if (profiles === undefined) return refuse('AccessDeniedException');
      const { NextToken: at = '0', Path: path } = JSON.parse(body);
      const page = (profiles[Number(at)] ?? []).map((name) => ({ Name: `${path}${name}` }));
      const next = Number(at) + 1 < profiles.length ? { NextToken: String(Number(at) + 1) } : {};
      return response.end(JSON.stringify({ Parameters: page, ...next }));
    }
    if (target.endsWith('.GetParameter')) return refuse('ParameterNotFound');
    if (request.url?.includes('/functions/')) return response.end(JSON.stringify(settings));
    if (!body.includes('GetCallerIdentity')) return response.end(stack);
    return account === undefined ? refuse('AccessDenied') : response.end(identity);
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(started.address() as AddressInfo).port}`;
  const aws = { endpoint, region: 'eu-central-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } };
  return openSession({ stackName: 'Mine', aws }, '1.2.3', new FakeClock());
}

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

it('finds no stack if its first deployment ended at its question, and names the account and the Region', async () => {
  const session = await sessionOf({ status: 'REVIEW_IN_PROGRESS', account: '111122223333' });
  await expect(session.stack()).rejects.toMatchObject({
    code: 'NoStack',
    message: expect.stringMatching(/^There is no stack Mine in the account 111122223333 and the Region eu-central-1: /),
  });
});

it('says how to see the account, if AWS does not tell it', async () => {
  const session = await sessionOf({ status: 'REVIEW_IN_PROGRESS' });
  await expect(session.stack()).rejects.toThrow(/in your account \(aws sts get-caller-identity .* eu-central-1: /);
});

describe('an unknown profile', () => {
  const profiles = [['web', 'offline'], ['internal']];
  it.each<[string, (session: Session) => Promise<unknown>, Scene, RegExp]>([
    ['lists all', (of) => requireProfile(of, 'other'), { profiles }, /are internal, offline, web\. Correct --profile/],
    ['knows the nearest', (of) => requireProfile(of, 'intenal'), { profiles }, /intenal \(did you mean internal\?\)\./],
    ['also by its case', (of) => requireProfileOrAuthority(of, 'Web'), { profiles }, /\(did you mean web\?\)/],
    ['quotes an odd one', (of) => requireProfile(of, 'a b'), { profiles }, /no profile "a b"\./],
    ['without the right to list', (of) => requireProfile(of, 'web'), {}, /could not be listed \(AccessDenied\)\. Corr/],
  ])('%s', async (_, ask, scene, message) => {
    const session = await sessionOf(scene);
    await expect(ask(session)).rejects.toMatchObject({
      code: 'UnknownProfile',
      message: expect.stringMatching(message),
    });
  });

  it('in the tag of a secret is an error of that secret', async () => {
    const secret = { arn: 'arn', name: 'web', tags: new Map([[tags.profile, 'other']]) } as unknown as SecretSummary;
    await expect(profileOfSecret(await sessionOf({ profiles }), secret)).rejects.toBeInstanceOf(RenewalError);
  });
});

it('names the status of a stack without outputs, as after a first deployment that failed', async () => {
  const session = await sessionOf({ status: 'ROLLBACK_COMPLETE' });
  expect(await session.stack()).toMatchObject({ status: 'ROLLBACK_COMPLETE', account: '111122223333' });
  await expect(session.output('ScanFunctionName')).rejects.toThrow(
    /^The stack Mine \(ROLLBACK_COMPLETE\) has no output ScanFunctionName: its deployment is not complete/,
  );
});
