import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { openSession, type Session } from '../../cli/session.ts';
import { FakeClock } from '../../testkit/fakes/clock.ts';

let server: Server | undefined;

/** Opens a session in front of a CloudFormation that knows one stack, with this status and no outputs. */
async function sessionOf(status: string): Promise<Session> {
  const answer = `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>Mine</StackName>
    <StackId>arn:aws:cloudformation:eu-central-1:111122223333:stack/Mine/1</StackId>
    <CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>${status}</StackStatus>
    </member></Stacks></DescribeStacksResult></DescribeStacksResponse>`;
  const started = createServer((request, response) => request.resume().on('end', () => response.end(answer)));
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

it('finds no stack if its first deployment ended at its question: only a change set exists', async () => {
  const session = await sessionOf('REVIEW_IN_PROGRESS');
  await expect(session.stack()).rejects.toThrow(/^There is no stack Mine .*cert-renewer deploy\.$/);
});

it('names the status of a stack without outputs, as after a first deployment that failed', async () => {
  const session = await sessionOf('ROLLBACK_COMPLETE');
  expect(await session.stack()).toMatchObject({ status: 'ROLLBACK_COMPLETE', account: '111122223333' });
  await expect(session.output('ScanFunctionName')).rejects.toThrow(
    /^The stack Mine \(ROLLBACK_COMPLETE\) has no output ScanFunctionName: its deployment is not complete/,
  );
});
