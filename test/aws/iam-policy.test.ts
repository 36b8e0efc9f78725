/** Tests the evaluation that test/calls uses, by AWS's documentation of each operator. */
import { describe, expect, it } from 'vitest';
import { type Call, decide, type Statement } from '../support/iam-policy.ts';

const arn = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:web-a1B2c3';
const call = (changes: Partial<Call> = {}): Call => ({
  action: 'secretsmanager:TagResource',
  resource: arn,
  keys: {},
  ...changes,
});
const allow = (changes: Partial<Statement> = {}): Statement => ({
  Effect: 'Allow',
  Action: 'secretsmanager:TagResource',
  Resource: '*',
  ...changes,
});

describe('a policy of IAM', () => {
  it.each<[string, Partial<Statement>, boolean]>([
    ['the action', {}, true],
    ['another action', { Action: 'secretsmanager:Untag' }, false],
    ['an action in other case', { Action: 'SecretsManager:tagresource' }, true],
    ['a wildcard in the action', { Action: 'secretsmanager:*' }, true],
    ['one of several actions', { Action: ['kms:Sign', 'secretsmanager:TagResource'] }, true],
    ['the resource', { Resource: arn }, true],
    ['six question marks', { Resource: arn.replace('a1B2c3', '??????') }, true],
    ['five question marks', { Resource: arn.replace('a1B2c3', '?????') }, false],
    ['a resource in other case', { Resource: arn.toUpperCase() }, false],
    ['a dot is a dot', { Resource: arn.replace('web', 'w.b') }, false],
    ['a prefix without a wildcard', { Resource: arn.slice(0, -1) }, false],
  ])('%s', (_what, statement, fits) => {
    expect(decide(call(), [allow(statement)])).toBe(fits ? 'Allow' : 'ImplicitDeny');
  });

  type Condition = NonNullable<Statement['Condition']>;
  it.each<[string, Condition, Call['keys'], boolean]>([
    ['StringEquals', { StringEquals: { 'aws:X': ['a', 'b'] } }, { 'aws:x': 'b' }, true],
    ['StringEquals of another case', { StringEquals: { 'aws:X': 'a' } }, { 'aws:x': 'A' }, false],
    ['StringEquals without the key', { StringEquals: { 'aws:X': 'a' } }, {}, false],
    ['StringEquals knows no wildcards', { StringEquals: { 'aws:X': '*' } }, { 'aws:x': 'a' }, false],
    ['StringLike', { StringLike: { 'aws:X': 'a*' } }, { 'aws:x': 'abc' }, true],
    ['two keys, both needed', { StringEquals: { a: '1', b: '2' } }, { a: '1', b: '3' }, false],
    ['two operators, both needed', { StringEquals: { a: '1' }, Null: { b: 'false' } }, { a: '1' }, false],
    ['Null true', { Null: { a: 'true' } }, {}, true],
    ['Null false', { Null: { a: 'false' } }, { a: ['x'] }, true],
    ['ForAllValues', { 'ForAllValues:StringEquals': { a: ['x', 'y'] } }, { a: ['y', 'x'] }, true],
    ['ForAllValues with one more', { 'ForAllValues:StringEquals': { a: ['x', 'y'] } }, { a: ['x', 'z'] }, false],
    ['ForAllValues of nothing', { 'ForAllValues:StringEquals': { a: ['x'] } }, {}, true],
    ['BoolIfExists without the key', { BoolIfExists: { a: 'false' } }, {}, true],
    ['BoolIfExists with another', { BoolIfExists: { a: 'false' } }, { a: 'true' }, false],
    ['Bool without the key', { Bool: { a: 'false' } }, {}, false],
    ['ArnNotLike, none of them', { ArnNotLike: { a: ['arn:x', 'arn:y*'] } }, { a: 'arn:z' }, true],
    ['ArnNotLike, one of them', { ArnNotLike: { a: ['arn:x', 'arn:y*'] } }, { a: 'arn:yy' }, false],
    ['StringNotEquals without the key', { StringNotEquals: { a: 'x' } }, {}, true],
  ])('%s', (_what, Condition, keys, fits) => {
    expect(decide(call({ keys }), [allow({ Condition })])).toBe(fits ? 'Allow' : 'ImplicitDeny');
  });

  it('denies with a Deny, even beside an Allow', () => {
    expect(decide(call(), [allow(), allow({ Effect: 'Deny' })])).toBe('Deny');
    expect(decide(call(), [allow({ Effect: 'Deny', Action: 'kms:Sign' }), allow()])).toBe('Allow');
    expect(decide(call(), [])).toBe('ImplicitDeny');
  });

  it('refuses unknown elements', () => {
    const other = { ...allow(), NotAction: 'x' } as Statement;
    expect(() => decide(call(), [other])).toThrow('NotAction');
    const Condition = { NumericLessThan: { a: '1' } };
    expect(() => decide(call({ keys: { a: '0' } }), [allow({ Condition })])).toThrow('NumericLessThan');
    expect(() => decide(call(), [allow({ Resource: 'arn:aws:x:::$' + '{aws:username}' })])).toThrow('variable');
  });
});
