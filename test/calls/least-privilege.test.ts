/**
 * Compares every call that a role of the stack made in the whole test run with the synthesised policies. They allow all of
 * these calls, and each permission is needed by one. Runs after e2e, over the records of its emulators
 * (testkit/local-aws/journal.py).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DeployedStack } from '../../testkit/local-aws/calls.ts';
import { type RolePolicies, rolesOf } from '../support/deployed-policies.ts';
import { type Call, type Decision, decide, fits, list, type Statement } from '../support/iam-policy.ts';

interface Recorded extends Call {
  /** The ARN of a session: …:assumed-role/<role>/<session>. */
  readonly principal: string;
  readonly decision: Decision;
}

/** A role of a stack. */
interface RoleCalls extends RolePolicies {
  readonly stackName: string;
  readonly calls: readonly Recorded[];
}

const folder = process.env['CALLS_FOLDER'];

function readLines<T>(file: string): T[] {
  return readFileSync(join(folder ?? '', file), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

function readRoles(): RoleCalls[] {
  if (folder === undefined) return [];
  const stacks = readdirSync(folder).filter((file) => file.startsWith('stack-'));
  return stacks.flatMap((file) => {
    const stack = JSON.parse(readFileSync(join(folder, file), 'utf8')) as DeployedStack;
    // A key as a secret's name (test/e2e/leaks.test.ts). AWS refuses its line ends before it asks IAM.
    const recorded = readLines<Recorded>(`journal-${stack.port}.jsonl`).filter(
      ({ resource }) => !resource.includes('\n'),
    );
    return rolesOf(stack).map((role) => ({
      ...role,
      stackName: stack.stackName,
      calls: recorded.filter(({ principal }) => principal.split('/')[1] === role.roleName),
    }));
  });
}

/** Whether a test called with the role (test/support/roles.ts), and not the product. */
const byTest = ({ principal }: Recorded): boolean => principal.split('/')[2]?.startsWith('act-as-') ?? false;

const told = (role: string, { action, resource, keys }: Recorded): string =>
  `${role}: ${action} on ${resource} with ${JSON.stringify(keys)}`;

/** One action of one statement, with a short name for the list of exceptions. */
interface Permission {
  readonly name: string;
  readonly action: string;
  readonly statement: Statement;
}

function permissionsOf({ role: whole, statements }: RolePolicies): Permission[] {
  // Functions of hooks differ in what they run. They get all other statements from one line of cdk/hooks/hook.ts, and so do
  // topics.
  const role = whole.replace(/^Hooks.*Run$/, 'HookRun').replace(/^Hooks.*sns$/, 'HookTopic');
  return statements
    .filter(({ Effect }) => Effect === 'Allow')
    .flatMap((statement) =>
      list(statement.Action).map((action) => ({
        name: `${role} ${statement.Sid ?? '-'} ${action}`,
        action,
        statement,
      })),
    );
}

/** Whether a call of the product would be denied without it. */
function needed({ action, statement }: Permission, { calls, statements }: RoleCalls): boolean {
  const alone = { ...statement, Action: action };
  const rest = statements.map((other) =>
    other === statement ? { ...other, Action: list(other.Action).filter((each) => each !== action) } : other,
  );
  return calls.some((call) => !byTest(call) && fits(call, alone) && decide(call, rest) !== 'Allow');
}

/**
 * Permissions that no call of the run can need, because the local AWS does not ask IAM for them or lacks the feature. By the
 * end of a permission's name.
 */
const notAsked: readonly (readonly [RegExp, string])[] = [
  [
    / logs:(CreateLogStream|PutLogEvents)$/,
    'Lambda writes logs in the name of the role; the local AWS writes them itself',
  ],
  [/ sqs:(ReceiveMessage|ChangeMessageVisibility|GetQueueUrl|DeleteMessage|GetQueueAttributes)$/, "Lambda's poller"],
  [/^(?:Probe)?Schedule - (lambda:InvokeFunction|sqs:SendMessage)$/, "EventBridge Scheduler's own call"],
  [
    /^(HookRun|Scan|HooksReporter|MonitoringNoticesSender) - sqs:SendMessage$/,
    "Lambda's destination for failures, in the name of the role",
  ],
  [
    /^Scan Continue lambda:InvokeFunction$/,
    'asked for after a quarter of an hour (test/renewal/scan-continued.test.ts)',
  ],
  [/^HookRun Targets ssm:SendCommand$/, 'AWS judges the instances that a tag stands for; the local AWS has none'],
];

/** Calls of the product that IAM refuses because a test provokes this. */
const provoked: readonly (readonly [RegExp, string])[] = [
  [/^Renew: kms:GetPublicKey on /, 'bad-input.test.ts has keys without a tag'],
];
const among = (rules: readonly (readonly [RegExp, string])[], name: string): boolean =>
  rules.some(([pattern]) => pattern.test(name));

describe.runIf(folder !== undefined)('the calls of the whole run', () => {
  const roles = readRoles();
  it('exist', () => {
    expect(roles.map(({ role }) => role)).toEqual(expect.arrayContaining(['Scan', 'Renew']));
    expect(roles.flatMap(({ calls }) => calls).length).toBeGreaterThan(200);
  });

  it('are decided by the synthesised policies as by the local AWS', () => {
    const others = roles.flatMap(({ role, calls, statements }) =>
      calls
        .filter((call) => decide(call, statements) !== call.decision)
        .map((call) => `${told(role, call)}: ${call.decision} there, ${decide(call, statements)} here`),
    );
    expect(others, others.join('\n')).toEqual([]);
  });

  it('are all allowed, except for those that a test provokes', () => {
    const denied = roles.flatMap(({ role, calls }) =>
      calls
        .filter((call) => call.decision !== 'Allow' && !byTest(call))
        .map((call) => told(role, call))
        .filter((name) => !among(provoked, name)),
    );
    expect(denied, denied.join('\n')).toEqual([]);
  });

  it('need every action of every statement', () => {
    // The stacks of a run have different profiles. A permission that one of them needs, all may have.
    const all = roles.flatMap((role) => permissionsOf(role).map((permission) => ({ role, permission })));
    const inUse = new Set(
      all.filter(({ role, permission }) => needed(permission, role)).map(({ permission }) => permission.name),
    );
    const unneeded = new Set(all.map(({ permission }) => permission.name).filter((name) => !inUse.has(name)));
    const left = [...unneeded].filter((name) => !among(notAsked, name)).sort();
    expect(left, left.join('\n')).toEqual([]);
  });
});
