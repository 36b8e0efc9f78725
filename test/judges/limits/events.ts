/** Limits of EventBridge and its Scheduler. */
import { type Assembly, type Resource, referred, resourcesOf } from '../assembly.ts';
import { property, textOf } from '../filled.ts';
import { each, type Limit, lengthOf, measured, numberOf } from './limit.ts';

const quotas = 'https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html';
const api = (page: string) => `https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_${page}.html`;
const scheduler = (page: string) => `https://docs.aws.amazon.com/scheduler/latest/APIReference/API_${page}.html`;

interface Target {
  readonly Input?: string;
  readonly InputTransformer?: { readonly InputTemplate: string; readonly InputPathsMap?: object };
  readonly RetryPolicy?: { readonly MaximumRetryAttempts?: number; readonly MaximumEventAgeInSeconds?: number };
}

/** Returns the largest value among a rule's targets; undefined if no target has the value. */
const ofTargets = (value: (target: Target) => number | undefined, choose = Math.max): Limit['measure'] =>
  each('AWS::Events::Rule', (rule, assembly) => {
    const targets = (property(assembly, rule, 'Targets') ?? []) as Target[];
    const found = targets.map(value).filter((each) => each !== undefined);
    return found.length === 0 ? undefined : choose(...found);
  });

/** Rules by bus, from all templates. The bus is the account's default or one of the stack. */
const rulesOfBus: Limit['measure'] = (assembly) => {
  const rules = resourcesOf(assembly, 'AWS::Events::Rule').map((rule) => ({ rule, bus: busOf(assembly, rule) }));
  return [...new Set(rules.map(({ bus }) => bus))].flatMap((bus) => {
    const own = rules.filter((each) => each.bus === bus);
    return own.slice(0, 1).map(({ rule: { template } }) => measured({ template, id: bus }, own.length));
  });
};

function busOf(assembly: Assembly, { template, properties }: Resource): string {
  const bus = properties['EventBusName'];
  return bus === undefined ? 'default' : (referred(assembly, template, bus)?.id ?? textOf(assembly, template, bus));
}

export const eventLimits: readonly Limit[] = [
  { what: 'rules of an event bus', most: 300, source: quotas, measure: rulesOfBus },
  {
    what: 'targets of a rule',
    most: 5,
    source: quotas,
    measure: each('AWS::Events::Rule', ({ properties }) => [properties['Targets'] ?? []].flat().length),
  },
  {
    // PutRule accepts 4,096; an account's default quota is 2,048.
    what: "characters of a rule's pattern",
    most: 2_048,
    source: quotas,
    measure: each('AWS::Events::Rule', ({ template, properties }, assembly) =>
      properties['EventPattern'] === undefined
        ? undefined
        : textOf(assembly, template, properties['EventPattern']).length,
    ),
  },
  lengthOf('AWS::Events::Rule', 'Name', 64, api('PutRule')),
  lengthOf('AWS::Events::Rule', 'Description', 512, api('PutRule')),
  {
    what: "characters of a target's input",
    most: 8_192,
    source: api('Target'),
    measure: ofTargets(({ Input }) => Input?.length),
  },
  {
    what: "characters of a target's template",
    least: 1,
    most: 8_192,
    source: api('InputTransformer'),
    measure: ofTargets(({ InputTransformer }) => InputTransformer?.InputTemplate.length),
  },
  {
    what: "paths of a target's template",
    most: 100,
    source: api('InputTransformer'),
    measure: ofTargets(({ InputTransformer }) => Object.keys(InputTransformer?.InputPathsMap ?? {}).length),
  },
  {
    what: 'tries of a target after the first',
    most: 185,
    source: api('RetryPolicy'),
    measure: ofTargets(({ RetryPolicy }) => RetryPolicy?.MaximumRetryAttempts),
  },
  {
    what: "the age of a target's events, in seconds",
    least: 60,
    most: 86_400,
    source: api('RetryPolicy'),
    measure: ofTargets(({ RetryPolicy }) => RetryPolicy?.MaximumEventAgeInSeconds),
  },
  lengthOf('AWS::Scheduler::Schedule', 'Name', 64, scheduler('CreateSchedule')),
  lengthOf('AWS::Scheduler::Schedule', 'Description', 512, scheduler('CreateSchedule')),
  lengthOf('AWS::Scheduler::Schedule', 'ScheduleExpression', 256, scheduler('CreateSchedule')),
  lengthOf('AWS::Scheduler::Schedule', 'ScheduleExpressionTimezone', 50, scheduler('CreateSchedule')),
  numberOf('AWS::Scheduler::Schedule', 'Target.RetryPolicy.MaximumRetryAttempts', [0, 185], scheduler('RetryPolicy')),
  numberOf(
    'AWS::Scheduler::Schedule',
    'Target.RetryPolicy.MaximumEventAgeInSeconds',
    [60, 86_400],
    scheduler('RetryPolicy'),
  ),
];
