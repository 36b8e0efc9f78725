/**
 * Tests that a thinned template has one resource of each kind with the resources that it refers to, and that every reference
 * resolves.
 */
import { describe, expect, it } from 'vitest';
import type { ResourceBody, TemplateBody } from './assembly.ts';
import { assemblyOfBodies } from './assembly.ts';
import { sameNames } from './same-names.ts';
import { isOutline, thinned } from './thinned.ts';

const queue = (name: string, more: object = {}): ResourceBody => ({
  Type: 'AWS::SQS::Queue',
  Properties: { QueueName: name, ...more },
});
const policy = (...ids: readonly string[]): ResourceBody => ({
  Type: 'AWS::SQS::QueuePolicy',
  Properties: { Queues: ids.map((Ref) => ({ Ref })), PolicyDocument: { Id: `of-${ids[0]}` } },
});
const body: TemplateBody = {
  Resources: {
    Queue1AAAAAAAA: queue('queue-1'),
    Queue2BBBBBBBB: queue('queue-2'),
    Slow3CCCCCCCC: queue('queue-3', { DelaySeconds: 5 }),
    Policy1AAAAAAAA: policy('Queue1AAAAAAAA'),
    Policy2BBBBBBBB: { ...policy('Queue2BBBBBBBB'), DependsOn: ['Queue1AAAAAAAA', 'Queue2BBBBBBBB'] },
    Both4DDDDDDDD: policy('Queue1AAAAAAAA', 'Queue2BBBBBBBB'),
  },
  Outputs: { Last: { Value: { 'Fn::GetAtt': ['Queue2BBBBBBBB', 'Arn'] } } },
};

describe('a template', () => {
  it('keeps one of the resources that are alike, and all that differ', () => {
    const { Resources } = thinned(body);
    expect(Object.keys(Resources).sort()).toEqual([
      'Both4DDDDDDDD',
      'Policy1AAAAAAAA',
      'Policy2BBBBBBBB', // it waits for others
      'Queue1AAAAAAAA',
      'Slow3CCCCCCCC',
    ]);
  });

  it('refers to the one that is kept, once in a list', () => {
    const { Resources, Outputs } = thinned(body);
    expect(Resources['Both4DDDDDDDD']?.Properties?.['Queues']).toEqual([{ Ref: 'Queue1AAAAAAAA' }]);
    expect(Resources['Policy2BBBBBBBB']?.['DependsOn']).toEqual(['Queue1AAAAAAAA']);
    expect(Outputs).toEqual({ Last: { Value: { 'Fn::GetAtt': ['Queue1AAAAAAAA', 'Arn'] } } });
  });

  it('keeps only new shapes and their references, if others were judged before', () => {
    const judged = new Set<string>();
    const { Slow3CCCCCCCC: slow, Both4DDDDDDDD: both, ...others } = body.Resources;
    thinned({ ...body, Resources: others }, judged);
    expect(
      Object.keys(thinned({ Resources: { ...others, Slow3CCCCCCCC: slow as ResourceBody } }, judged).Resources),
    ).toEqual(expect.arrayContaining(['Slow3CCCCCCCC']));
    const last = thinned({ Resources: { ...others, Both4DDDDDDDD: both as ResourceBody } }, judged).Resources;
    expect(Object.keys(last).sort()).toEqual(['Both4DDDDDDDD', 'Queue1AAAAAAAA']);
    expect(Object.values(last).filter(isOutline)).toEqual([last['Queue1AAAAAAAA']]);
  });

  it('keeps an outline of what was judged before: its plain properties, and all that it waits for', () => {
    const judged = new Set<string>();
    const waiting = { ...policy('Queue'), Properties: { ...policy('Queue').Properties, Plain: 5 }, DependsOn: 'Other' };
    const Resources = { Queue: queue('a'), Other: queue('b'), Waiting: waiting };
    thinned({ Resources }, judged);
    const New = queue('c', { Of: { Ref: 'Waiting' } });
    const thin = thinned({ Resources: { New, ...Resources } }, judged).Resources;
    expect(thin['Waiting']).toMatchObject({ Type: 'AWS::SQS::QueuePolicy', DependsOn: ['Queue', 'Other'] });
    expect(thin['Waiting']?.Properties).toEqual({ Plain: 5 });
    expect(
      Object.keys(thin)
        .filter((id) => isOutline(thin[id]))
        .sort(),
    ).toEqual(['Other', 'Queue', 'Waiting']);
  });

  it('keeps a list that names the same twice by mistake', () => {
    const twice = { Twice: policy('Queue1AAAAAAAA', 'Queue1AAAAAAAA'), Queue1AAAAAAAA: queue('a') };
    expect(thinned({ Resources: twice }).Resources['Twice']).toEqual(twice.Twice);
  });

  it('loses exactly the parameters of the resources that are left out', () => {
    const Resources = {
      A: queue('a', { KmsMasterKeyId: { Ref: 'Used' } }),
      B: queue('b', { KmsMasterKeyId: { Ref: 'Gone' } }),
    };
    const judged = new Set<string>();
    thinned({ Resources: { B: Resources.B } }, judged);
    const { Parameters } = thinned({ Resources, Parameters: { Used: {}, Gone: {}, OfNobody: {} } }, judged);
    expect(Parameters).toEqual({ Used: {}, OfNobody: {} });
  });

  it('differs by a number, a type or the kind of a referenced resource, but not by digits in a name', () => {
    const kept = (...resources: readonly ResourceBody[]) =>
      Object.keys(thinned({ Resources: Object.fromEntries(resources.map((each, n) => [`R${n}`, each])) }).Resources)
        .length;
    expect(kept(queue('a-1'), queue('a-22'))).toBe(1);
    expect(kept(queue('a-1'), queue('b-1'))).toBe(2);
    expect(kept(queue('a', { DelaySeconds: 1 }), queue('a', { DelaySeconds: 2 }))).toBe(2);
    expect(kept(policy('R1'), queue('a'), policy('Absent'))).toBe(3);
  });
});

it('two resources of a type with the same name are found, also if a text is made of parts', () => {
  const joined = { 'Fn::Join': ['-', ['a', '1']] };
  const found = assemblyOfBodies('names', {
    Resources: { A: queue('a-1'), B: queue('b'), C: { Type: 'AWS::SQS::Queue', Properties: { QueueName: joined } } },
  });
  expect(sameNames(found)).toEqual(['AWS::SQS::Queue a-1: A, C']);
});
