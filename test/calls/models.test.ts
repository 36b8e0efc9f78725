/**
 * Checks every distinct request of a role of the stack in the whole run with AWS's own models. The local AWS accepts
 * parameters that AWS does not know, and lengths, patterns and values that AWS refuses. Runs after e2e, over the records of
 * its emulators (testkit/local-aws/asked.py). test/aws/models.local.test.ts proves the judge.
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

/** Requests of the stacks' roles, without those of a test that uses a role (test/support/roles.ts). */
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

  it('cover every service that the product calls', () => {
    expect(requests.length).toBeGreaterThan(50);
    expect([...new Set(requests.map(({ service }) => service))].sort()).toEqual(
      expect.arrayContaining([
        'acm',
        'ecs',
        'events',
        'kms',
        'lambda',
        'route53',
        'secretsmanager',
        'sns',
        'sqs',
        'ssm',
      ]),
    );
  });

  it('follow the models of AWS', () => {
    const found = requests.flatMap(({ role, service, session }, index) =>
      (judgements[index]?.problems ?? []).map(
        (problem) => `${role} (${session}): ${service} ${judgements[index]?.operation}: ${problem}`,
      ),
    );
    expect(found, found.join('\n')).toEqual([]);
  });
});
