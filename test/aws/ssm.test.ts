import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, test } from 'vitest';
import { ssmAuthorities, ssmProfiles } from '../../lambdas/aws/ssm.ts';
import { noLimits } from '../../lambdas/domain/calls.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { Profile } from '../../lambdas/domain/profile.ts';
import { authority } from '../../testkit/fakes/authorities.ts';
import { FakeClock } from '../../testkit/fakes/clock.ts';

const aws = mockClient(SSMClient);
const named = (name: string) => Object.assign(new Error('x'), { name, $metadata: { httpStatusCode: 400 } });
const parse = (name: string, json: string): Profile => ({ name, paused: false, ...JSON.parse(json) });
const json = JSON.stringify({ ca: { type: 'offline', authority: 'issuing' }, mode: 'renew' });
const profile = parse('internal', json);

let clock: FakeClock;
const open = (prefix = '/cert-renewer/profiles') =>
  ssmProfiles({ region: 'eu-central-1', prefix, parse, clock })(noLimits);
beforeEach(() => {
  aws.reset();
  clock = new FakeClock();
});

describe('a profile of this stack', () => {
  test.each(['/cert-renewer/profiles', '/cert-renewer/profiles/'])(
    'is the parameter of its name under %s',
    async (prefix) => {
      aws.on(GetParameterCommand).resolves({ Parameter: { Value: json } });
      expect(await open(prefix).find('internal')).toEqual(profile);
      expect(aws.calls()[0]?.args[0].input).toEqual({ Name: '/cert-renewer/profiles/internal' });
    },
  );

  test('is read once in a process, also by concurrent readers', async () => {
    aws.on(GetParameterCommand).resolves({ Parameter: { Value: json } });
    const profiles = open();
    await Promise.all([profiles.find('internal'), profiles.find('internal')]);
    clock.advance(7 * 86_400_000);
    expect(await profiles.find('internal')).toEqual(profile);
    expect(aws.calls()).toHaveLength(1);
  });
});

describe('an unknown profile', () => {
  test('is requested once a minute', async () => {
    aws
      .on(GetParameterCommand)
      .rejectsOnce(named('ParameterNotFound'))
      .resolves({ Parameter: { Value: json } });
    const profiles = open();
    expect(await Promise.all([profiles.find('internal'), profiles.find('internal')])).toEqual([undefined, undefined]);
    clock.advance(59_999);
    expect(await profiles.find('internal')).toBeUndefined();
    expect(aws.calls()).toHaveLength(1);
    clock.advance(1);
    expect(await profiles.find('internal')).toEqual(profile);
  });

  test.each(['', 'internal:1', 'a/b', '../internal', 'arn:aws:ssm:x', '-x', 'x'.repeat(65), 'a b', 'ä', 'internal\n'])(
    'with an impossible name is not requested: %j',
    async (name) => {
      expect(await open().find(name)).toBeUndefined();
      expect(aws.calls()).toHaveLength(0);
    },
  );

  test('does not fill the memory, in any number', async () => {
    aws.on(GetParameterCommand).rejects(named('ParameterNotFound'));
    const profiles = open();
    for (let index = 0; index <= 1_000; index++) await profiles.find(`unknown-${index}`);
    await profiles.find('unknown-1'); // still kept
    expect(aws.calls()).toHaveLength(1_001);
    await profiles.find('unknown-0'); // the oldest is dropped
    expect(aws.calls()).toHaveLength(1_002);
  });

  test.each(['constructor', '__proto__', 'toString'])('may be called %s', async (name) => {
    aws.on(GetParameterCommand).rejects(named('ParameterNotFound'));
    expect(await open().find(name)).toBeUndefined();
  });
});

describe('a failure', () => {
  test.each([
    ['AccessDeniedException', 'AccessDenied', false],
    ['ThrottlingException', 'Throttled', true], // a worker of the queue waits and tries again
    ['InternalServerError', 'Throttled', false],
  ])('%s is %s, and is not kept', async (name, code, busy) => {
    aws
      .on(GetParameterCommand)
      .rejectsOnce(named(name))
      .resolves({ Parameter: { Value: json } });
    const profiles = open();
    await expect(profiles.find('internal')).rejects.toMatchObject({ code, busy });
    expect(await profiles.find('internal')).toEqual(profile);
  });

  test('of the check is passed on', async () => {
    aws.on(GetParameterCommand).resolves({ Parameter: { Value: '{}' } });
    const broken = new RenewalError('Internal', 'broken');
    const check = () => {
      throw broken;
    };
    await expect(
      ssmProfiles({ prefix: '/p', parse: check, clock, region: 'x' })(noLimits).find('internal'),
    ).rejects.toBe(broken);
  });
});

describe('the authorities of this stack', () => {
  const known = authority('issuing');
  const sources = (names: readonly string[] = ['issuing']) =>
    ssmAuthorities({
      region: 'eu-central-1',
      prefix: '/cert-renewer/authorities',
      names,
      parse: async () => known,
      clock,
    })(noLimits);

  test('are parameters like profiles, and read once', async () => {
    aws.on(GetParameterCommand).resolves({ Parameter: { Value: '{}' } });
    const authorities = sources();
    expect(authorities.names).toEqual(['issuing']);
    expect(await Promise.all([authorities.find('issuing'), authorities.find('issuing')])).toEqual([known, known]);
    expect(aws.calls().map(({ args: [command] }) => command.input)).toEqual([
      { Name: '/cert-renewer/authorities/issuing' },
    ]);
  });

  test('are requested by the names that the deployment gave, and by no other', async () => {
    expect(await sources().find('other')).toBeUndefined();
    expect(await sources(['a:1']).find('a:1')).toBeUndefined();
    expect(aws.calls()).toEqual([]);
  });

  test('that do not parse are an error, and read again', async () => {
    aws.on(GetParameterCommand).resolves({ Parameter: { Value: '{' } });
    const parse = async (): Promise<typeof known> => {
      throw new RenewalError('Internal', 'not JSON');
    };
    const authorities = ssmAuthorities({ region: 'x', prefix: '/p', names: ['issuing'], parse, clock })(noLimits);
    for (let look = 1; look <= 2; look++) {
      await expect(authorities.find('issuing')).rejects.toMatchObject({ code: 'Internal' });
      expect(aws.calls()).toHaveLength(look);
    }
  });
});
