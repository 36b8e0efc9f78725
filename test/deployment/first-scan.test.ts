import { describe, expect, it } from 'vitest';
import { answered, parseCustomResourceEvent } from '../../lambdas/deployment/custom-resource.ts';
import { handleFirstScan } from '../../lambdas/deployment/first-scan.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { FakeClock } from '../../testkit/fakes/clock.ts';
import { FakeJournal } from '../../testkit/fakes/journal.ts';

const event = (RequestType: string, more: object = {}) => ({
  RequestType,
  ResponseURL: 'https://cloudformation.example/?signature=secret',
  StackId: 'arn:aws:cloudformation:eu-central-1:111122223333:stack/CertRenewer/1',
  RequestId: 'request-1',
  LogicalResourceId: 'FirstScan',
  ...more,
});

/** `fails`: errors of the first tries. */
function setUp(...fails: Error[]) {
  const started: number[] = [];
  const clock = new FakeClock();
  const startScan = async () => {
    started.push(clock.now());
    const error = fails.shift();
    if (error) throw error;
  };
  return { clock, journal: new FakeJournal(), startScan, started };
}

const handle = (world: ReturnType<typeof setUp>, given: object) =>
  handleFirstScan(world, parseCustomResourceEvent(given), world.clock.now() + 60_000);
const denied = () => new RenewalError('AccessDenied', 'Not yet.');

describe('the first scan of a stack', () => {
  it('is started when the stack is made', async () => {
    const world = setUp();
    expect(await handle(world, event('Create'))).toMatchObject({
      Status: 'SUCCESS',
      Reason: expect.stringMatching(/was started/),
    });
    expect(world.started).toHaveLength(1);
  });

  it.each(['Update', 'Delete'])('is not started again by an %s', async (type) => {
    const world = setUp();
    const PhysicalResourceId = 'cert-renewer-first-scan';
    expect(await handle(world, event(type, { PhysicalResourceId }))).toMatchObject({
      Status: 'SUCCESS',
      PhysicalResourceId,
    });
    expect(world.started).toEqual([]);
  });

  it('waits for the permissions of a new role', async () => {
    const world = setUp(denied(), denied());
    const answer = await handle(world, event('Create'));
    expect(answer.Reason).toContain('was started');
    expect(world.started).toHaveLength(3);
  });

  it.each([
    ['is denied for good', Array.from({ length: 100 }, denied), 12],
    ['fails otherwise', [new RenewalError('Internal', 'Broken.')], 1],
  ])('does not fail the deployment if it %s', async (_, errors, tries) => {
    const world = setUp(...errors);
    const answer = await handle(world, event('Create'));
    expect(answer).toMatchObject({ Status: 'SUCCESS' });
    expect(answer.Reason).toMatch(/could not be started\. The schedule starts the next/);
    expect(world.started).toHaveLength(tries);
    expect(world.journal.failures).toHaveLength(1);
  });
});

describe('an event of CloudFormation', () => {
  it('that CloudFormation did not send is refused, without quoting its signed address', () => {
    expect(() => parseCustomResourceEvent(event('Scan'))).toThrow(
      expect.objectContaining({ code: 'InvalidRequest', message: expect.not.stringContaining('signature') }),
    );
  });

  it('is always answered', async () => {
    const answers: object[] = [];
    const respond = async (url: string, answer: object) => void answers.push({ url, ...answer });
    await answered(respond, parseCustomResourceEvent(event('Create')), () => Promise.reject(new Error('a key')));
    expect(answers).toMatchObject([
      { url: event('').ResponseURL, Status: 'FAILED', RequestId: 'request-1', PhysicalResourceId: 'failed-request-1' },
    ]);
    expect(JSON.stringify(answers)).not.toContain('a key');
  });
});
