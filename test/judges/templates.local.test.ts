/**
 * Judges that know AWS but not this project read the templates of each example and of large configurations: AWS's limits,
 * IAM's data about actions, cfn-lint, and the check of dead-letter queues.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../testkit/tools/temporary.ts';
import { examples } from '../cdk/fixtures.ts';
import { describeFound } from '../support/local.ts';
import { type Assembly, assemblyOfBodies, type ResourceBody, resourcesOf } from './assembly.ts';
import { type Lint, lint } from './cfn-lint.ts';
import { undelivered } from './dead-letters.ts';
import { judgeStatement } from './iam.ts';
import { type ActionsMeant, actionsMeant } from './iam-data.ts';
import { judge } from './limits/limit.ts';
import { limits } from './limits.ts';
import { judgesPython } from './python.ts';
import { sameNames } from './same-names.ts';
import { statementsOf } from './statements.ts';
import { names, synthesised } from './synthesised.ts';

const python = await judgesPython();
const assemblies = new Map<string, Assembly>();
const failures = new Map<string, unknown>();
for (const name of names) {
  await synthesised(name).then(
    (assembly) => assemblies.set(name, assembly),
    (error: unknown) => failures.set(name, error),
  );
}
const { path: folder, remove } = await temporaryFolder('judges');
afterAll(remove);

/** @throws the error of its synthesis. */
function assembly(name: string): Assembly {
  const found = assemblies.get(name);
  if (found) return found;
  throw failures.get(name);
}

it('has every example', () => {
  // The other JSON file is the configuration of a CA.
  const files = readdirSync(examples).filter(
    (file) => file.endsWith('.json') && 'profiles' in JSON.parse(readFileSync(`${examples}${file}`, 'utf8')),
  );
  expect(names.filter((name) => name.endsWith('.json')).sort()).toEqual(files.map((file) => `examples/${file}`).sort());
});

describe.each(names)('%s', (name) => {
  it('stays within the limits of AWS', () => {
    const findings = judge(assembly(name), limits);
    expect(findings.map(({ template, id, what, source }) => `${template} ${id}: ${what} (${source})`)).toEqual([]);
  });

  it('has no two resources of a type with the same name', () => {
    expect(sameNames(assembly(name))).toEqual([]);
  });

  it('keeps events that its rules can not deliver', () => {
    // ReloadRule belongs to the example's app and not to the construct: the app itself handles its events.
    expect(undelivered(assembly(name)).filter((each) => !/ \w*ReloadRule\w*: /.test(each))).toEqual([]);
    expect(resourcesOf(assembly(name), 'AWS::Events::Rule').length).toBeGreaterThan(1);
  });
});

/** A queue that CloudFormation accepts, except for the given changes. */
const queue = (more: object = {}): ResourceBody => ({
  Type: 'AWS::SQS::Queue',
  Properties: { DelaySeconds: 1, ...more },
});

const named = (id: string) => ({ KmsMasterKeyId: { 'Fn::GetAtt': [id, 'QueueName'] } });

const faulty: Assembly = assemblyOfBodies('faulty', {
  Resources: {
    Good: queue(),
    Referring: queue(named('Good')),
    Misspelt: queue({ VisibilityTimeOut: 30 }),
    OfAnotherType: queue({ DelaySeconds: 'long' }),
    Nowhere: queue({ KmsMasterKeyId: { Ref: 'Absent' } }),
    Old: {
      Type: 'AWS::Lambda::Function',
      Properties: {
        Runtime: 'nodejs14.x',
        Handler: 'h.h',
        Role: 'arn:aws:iam::111122223333:role/r',
        Code: { ZipFile: '1' },
      },
    },
  },
});
const faultyAmongMany: Assembly = assemblyOfBodies('faulty among many', {
  Resources: {
    ...Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`Queue${n}`, queue({ QueueName: `queue-${n}` })])),
    Misspelt: queue({ QueueName: 'queue-40', VisibilityTimeOut: 30 }),
    // A circle with a resource that was judged before, so it is only an outline.
    Referring: queue(named('Circle')),
    Circle: queue({ ...named('Referring'), QueueName: 'circle' }),
  },
});

describeFound([python], 'by the service authorisation data', () => {
  let meant: ActionsMeant = {};
  beforeAll(async () => {
    const statements = [...assemblies.values()].flatMap(statementsOf);
    meant = await actionsMeant(
      python.found ? python.path : '',
      statements.flatMap(({ actions }) => actions),
    );
  });

  it.each(names)('valid statements: %s', (name) => {
    const statements = statementsOf(assembly(name));
    expect(statements.length).toBeGreaterThan(30);
    expect(statements.flatMap((statement) => judgeStatement(statement, meant))).toEqual([]);
  });
});

describeFound([python], 'cfn-lint', () => {
  let lints: readonly Lint[] = [];
  beforeAll(async () => {
    const all = [...assemblies.values()];
    const first = all.filter(({ name }) => name === 'examples/cert-renewer.json');
    const others = all.filter((each) => !first.includes(each));
    lints = await lint(python.found ? python.path : '', folder, [faulty, ...first], [faultyAmongMany, ...others]);
  });

  it.each(names)('accepts %s', (name) => {
    assembly(name);
    const own = lints.filter((each) => each.assembly === name);
    expect(own.map(({ file, rule, text }) => `${file}: ${rule} ${text}`)).toEqual([]);
  });

  it.each([
    ['faulty', 'E3002', /Misspelt.*VisibilityTimeOut/],
    ['faulty', 'E3012', /OfAnotherType/],
    ['faulty', 'E1020', /Nowhere.*Absent/],
    ['faulty', 'E2531', /Old.*nodejs14/],
    ['faulty among many', 'E3002', /Misspelt.*VisibilityTimeOut/],
    ['faulty among many', 'E3004', /Circular.*Circle/],
  ])('finds in %s: %s %s', (name, rule, text) => {
    const own = lints.filter((each) => each.assembly === name && each.rule === rule);
    expect(own.map((each) => each.text).join('\n')).toMatch(text);
  });
});
