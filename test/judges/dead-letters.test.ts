/** Tests of the judge of dead-letter queues: it finds what is wrong, in nested stacks too. */
import { describe, expect, it } from 'vitest';
import { type Assembly, assemblyOfBodies, type ResourceBody } from './assembly.ts';
import { undelivered } from './dead-letters.ts';

const arnOf = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });
const ofBus = { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':events:*:*:rule/', { Ref: 'Bus' }, '/*']] };

const rule = (target: object, EventBusName?: unknown): ResourceBody => ({
  Type: 'AWS::Events::Rule',
  Properties: {
    Targets: [{ Id: 'Target0', Arn: 'x', ...target }],
    ...(EventBusName !== undefined && { EventBusName }),
  },
});

/** Returns a queue whose policy accepts messages of rules with this ARN. */
const queueFor = (sourceArn: unknown): Record<string, ResourceBody> => ({
  Bus: { Type: 'AWS::Events::EventBus' },
  Queue: { Type: 'AWS::SQS::Queue' },
  Policy: {
    Type: 'AWS::SQS::QueuePolicy',
    Properties: {
      Queues: [{ Ref: 'Queue' }],
      PolicyDocument: {
        Statement: [
          {
            Effect: 'Allow',
            Principal: { Service: 'events.amazonaws.com' },
            Action: 'sqs:SendMessage',
            Condition: { ArnLike: { 'aws:SourceArn': sourceArn } },
          },
        ],
      },
    },
  },
});

const kept = { DeadLetterConfig: { Arn: arnOf('Queue') } };
const bus = { Ref: 'Bus' };
const judged = (sourceArn: unknown, given: ResourceBody): string[] =>
  undelivered(assemblyOfBodies('one', { Resources: { ...queueFor(sourceArn), Rule: given } }));

describe('a target of a rule', () => {
  it('passes if its queue accepts what the rule can’t deliver', () => {
    expect(judged(ofBus, rule(kept, bus))).toEqual([]);
    expect(judged(arnOf('Rule'), rule(kept))).toEqual([]);
  });

  it.each<[string, unknown, ResourceBody, RegExp]>([
    ['no queue', ofBus, rule({}, bus), /Rule: Target0 has no dead-letter queue/],
    ['another’s queue', ofBus, rule({ DeadLetterConfig: { Arn: 'arn:x' } }, bus), /is none of the stack/],
    ['a queue for the rules of another bus', ofBus, rule(kept), /Queue takes nothing of arn/],
    ['a queue for another rule', 'arn:aws:events:*:*:rule/other', rule(kept, bus), /Queue takes nothing of arn/],
  ])('with %s fails', (_, sourceArn, given, expected) => {
    expect(judged(sourceArn, given)).toEqual([expect.stringMatching(expected)]);
  });

  it('in a nested stack is judged like any other', () => {
    const nested = (Resources: Record<string, ResourceBody>): Assembly =>
      assemblyOfBodies(
        'nested',
        {
          Resources: {
            ...queueFor(ofBus),
            Part: {
              Type: 'AWS::CloudFormation::Stack',
              Properties: { Parameters: { Letters: arnOf('Queue'), OfBus: bus } },
            },
          },
        },
        { nestedIn: [0, 'Part'], Parameters: { Letters: {}, OfBus: {} }, Resources },
      );
    const target = { DeadLetterConfig: { Arn: { Ref: 'Letters' } } };
    expect(undelivered(nested({ Rule: rule(target, { Ref: 'OfBus' }) }))).toEqual([]);
    expect(undelivered(nested({ Rule: rule({}, { Ref: 'OfBus' }) }))).toHaveLength(1);
  });
});
