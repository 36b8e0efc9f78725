/**
 * Checks that events which a rule can't deliver are kept: each target has a dead-letter queue, and the queue's policy accepts
 * messages of this rule.
 */
import { type Assembly, type Resource, referred, resourcesOf } from './assembly.ts';
import { filled, textOf } from './filled.ts';

interface Target {
  readonly Id: string;
  readonly DeadLetterConfig?: { readonly Arn: unknown };
}

interface Statement {
  readonly Effect: string;
  readonly Principal: { readonly Service?: string | readonly string[] };
  readonly Action: string | readonly string[];
  readonly Condition?: { readonly ArnLike?: Readonly<Record<string, string | readonly string[]>> };
}

/** Returns the problems of the targets of all rules, one text each: `<template> <logical id>: …`. */
export function undelivered(assembly: Assembly): string[] {
  return resourcesOf(assembly, 'AWS::Events::Rule').flatMap((rule) =>
    ((rule.properties['Targets'] ?? []) as readonly Target[]).flatMap((target) => {
      const problem = problemOf(assembly, rule, target);
      return problem === undefined ? [] : [`${rule.template.file} ${rule.id}: ${problem}`];
    }),
  );
}

function problemOf(assembly: Assembly, rule: Resource, { Id, DeadLetterConfig }: Target): string | undefined {
  if (DeadLetterConfig === undefined) return `${Id} has no dead-letter queue`;
  const queue = referred(assembly, rule.template, DeadLetterConfig.Arn);
  if (queue?.type !== 'AWS::SQS::Queue') return `the dead-letter queue of ${Id} is none of the stack`;
  const ruleArn = textOf(assembly, rule.template, { 'Fn::GetAtt': [rule.id, 'Arn'] });
  const allowed = statementsOf(assembly, queue).some((statement) => lets(statement, ruleArn));
  return allowed ? undefined : `${queue.id} takes nothing of ${ruleArn}`;
}

/** Returns the statements of this queue's policies, filled in. */
function statementsOf(assembly: Assembly, queue: Resource): Statement[] {
  return resourcesOf(assembly, 'AWS::SQS::QueuePolicy')
    .filter(({ template, properties }) =>
      (properties['Queues'] as readonly unknown[]).some((each) => {
        const found = referred(assembly, template, each);
        return found?.id === queue.id && found.template === queue.template;
      }),
    )
    .flatMap(({ template, properties }) => {
      const { Statement } = filled(assembly, template, properties['PolicyDocument']) as { Statement: Statement[] };
      return Statement;
    });
}

function lets({ Effect, Principal, Action, Condition }: Statement, ruleArn: string): boolean {
  if (Effect !== 'Allow' || !list(Principal.Service).includes('events.amazonaws.com')) return false;
  if (!list(Action).includes('sqs:SendMessage')) return false;
  const patterns = Condition?.ArnLike?.['aws:SourceArn'];
  return patterns === undefined || list(patterns).some((pattern) => globOf(pattern).test(ruleArn));
}

const list = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : [value].flat();

const globOf = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  );
