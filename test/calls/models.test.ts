/**
 * Every request of another shape that a role of the stack made in the whole run, by AWS's own models: the local AWS takes a
 * parameter that AWS does not know, and lengths, patterns and values that AWS refuses. Runs after e2e, over what its
 * emulators wrote down (testkit/local-aws/asked.py). That the judge finds what is wrong is for test/aws/models.local.test.ts.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { DeployedStack, RecordedRequest } from '../../testkit/local-aws/calls.ts';
import { emulatorPython } from '../../testkit/local-aws/ministack.ts';
import { required } from '../../testkit/tools/tool.ts';
import { type Judged, judgeRequests } from '../support/aws-model.ts';
import { rolesOf } from '../support/deployed-policies.ts';

const folder = process.env['CALLS_FOLDER'];

const read = (file: string): string => readFileSync(join(folder ?? '', file), 'utf8');

/** Of the stacks' roles, and not of a test that acts as one (test/support/roles.ts). */
function requestsOfStacks(): RecordedRequest[] {
  const stacks = readdirSync(folder ?? '')
    .filter((file) => file.startsWith('stack-'))
    .map((file) => JSON.parse(read(file)) as DeployedStack);
  return stacks.flatMap((stack) => {
    const roles = new Set(rolesOf(stack).map(({ roleName }) => roleName));
    const recorded = read(`requests-${stack.port}.jsonl`)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as RecordedRequest);
    return recorded.filter(({ role, session }) => roles.has(role) && !session.startsWith('act-as-'));
  });
}

describe.runIf(folder !== undefined)('the requests of the whole run', () => {
  let requests: readonly RecordedRequest[] = [];
  let judgements: readonly Judged[] = [];
  beforeAll(async () => {
    requests = requestsOfStacks();
    judgements = await judgeRequests(required(await emulatorPython()), requests);
  });

  it('are of every service that the product asks', () => {
    expect(requests.length).toBeGreaterThan(50);
    expect([...new Set(requests.map(({ service }) => service))].sort()).toEqual(
      expect.arrayContaining(['acm', 'events', 'kms', 'lambda', 'secretsmanager', 'sns', 'sqs', 'ssm']),
    );
  });

  it('are as the models of AWS have them', () => {
    const found = requests.flatMap(({ role, service, session }, index) =>
      (judgements[index]?.problems ?? []).map(
        (problem) => `${role} (${session}): ${service} ${judgements[index]?.operation}: ${problem}`,
      ),
    );
    expect(found, found.join('\n')).toEqual([]);
  });
});
