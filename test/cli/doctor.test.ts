import { describe, expect, it } from 'vitest';
import { FunctionFailure } from '../../cli/aws/functions.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { authority, FakeAuthorities } from '../../testkit/fakes/authorities.ts';
import { internal, start, World } from '../renewal/world.ts';
import { status } from '../renewal/zoo.ts';
import { records, type StageOptions, stack, stage } from './stage.ts';

const hour = 3_600_000;
const { session: usual } = stage();

function healthy(): World {
  const world = new World(internal);
  const valid = status(start - hour, start + 9000 * hour);
  world.store.add({ name: 'web', value: '{}', versionId: 'v1', tags: { [tags.profile]: 'internal', ...valid } });
  return world;
}

const look = async (options: StageOptions = {}) => {
  const { cli } = stage({ world: healthy(), invoke: () => ({}), ...options });
  const { code, stdout } = await cli('doctor', '--json');
  return { code, found: records(stdout).filter(({ grade }) => grade !== 'ok') };
};
const observer = usual.observer;
const settingsOf = (scan: string | undefined, renew: string) => async (name: string) => {
  const version = name === 'scan' ? scan : renew;
  const environment: Record<string, string> = version === undefined ? {} : { CERT_RENEWER_VERSION: version };
  return { environment, state: 'Active', lastUpdate: 'Successful', logGroup: '' };
};

describe('doctor', () => {
  it('finds nothing if all is well', async () => {
    expect(await look()).toEqual({ code: 0, found: [] });
    const { stdout } = await stage({ world: healthy(), invoke: () => ({}) }).cli('doctor');
    expect(stdout).toMatch(/^ok {7}CertRenewer is deployed \(UPDATE_COMPLETE/m);
    expect(stdout).toMatch(/^ok {7}The last scan was 1m ago\.$/m);
  });

  const cases: [string, StageOptions, string, string, RegExp][] = [
    [
      'a deployment that failed',
      { session: { stack: async () => ({ ...stack, status: 'UPDATE_ROLLBACK_COMPLETE' }) } },
      'stack',
      'fault',
      /did not succeed/,
    ],
    [
      'a function that is not active',
      {
        session: {
          functions: {
            ...usual.functions,
            settings: async (name) => ({
              environment: { CERT_RENEWER_VERSION: '1.2.3' },
              state: name === 'scan' ? 'Failed' : 'Active',
              lastUpdate: 'Successful',
              logGroup: '',
            }),
          },
        },
      },
      'functions',
      'fault',
      /is Failed/,
    ],
    [
      'another version',
      { session: { version: '1.3.0', functions: { ...usual.functions, settings: settingsOf('1.2.3', '1.3.0') } } },
      'functions',
      'fault',
      /^scan has version 1.2.3; this command line has version 1.3.0/,
    ],
    [
      'a deployment without a version',
      { session: { functions: { ...usual.functions, settings: settingsOf(undefined, '1.2.3') } } },
      'functions',
      'fault',
      /^scan has version unknown/,
    ],
    [
      'a schedule that is off',
      { session: { observer: { ...observer, scheduleState: async () => 'DISABLED' } } },
      'schedule',
      'fault',
      /is off/,
    ],
    [
      'a schedule that was deleted',
      { session: { observer: { ...observer, scheduleState: async () => undefined } } },
      'schedule',
      'fault',
      /was deleted/,
    ],
    ['a stack without a schedule', { session: { resources: async () => [] } }, 'schedule', 'fault', /no schedule/],
    [
      'no scan',
      { session: { observer: { ...observer, logSince: async () => [] } } },
      'last scan',
      'fault',
      /no scan in the last two periods/,
    ],
    [
      'a scan that failed',
      {
        session: {
          observer: { ...observer, logSince: async () => [{ at: start, text: '{"level":"ERROR","secretArn":null}' }] },
        },
      },
      'last scan',
      'fault',
      /failed/,
    ],
    [
      'dead letters',
      { session: { observer: { ...observer, waiting: async (url) => (url.endsWith('dead') ? 2 : 0) } } },
      'queues',
      'fault',
      /^2 renewals failed three times: they are dead letters/,
    ],
    [
      'a CA that does not answer',
      {
        invoke: () => {
          throw new FunctionFailure('CaUnavailable', 'no answer');
        },
      },
      'renewals',
      'fault',
      /^internal: the request to its CA failed \(CaUnavailable\). no answer/,
    ],
    [
      'a check that is not permitted',
      {
        session: {
          observer: { ...observer, waiting: () => Promise.reject(new RenewalError('AccessDenied', 'sqs is denied')) },
        },
      },
      'queues',
      'unknown',
      /The check was not possible: AccessDenied: sqs is denied/,
    ],
    [
      'tags without effect',
      {
        session: {
          secrets: {
            ...usual.secrets,
            tagged: async function* () {
              yield [{ arn: 'arn:lost', name: 'lost', tags: new Map([[tags.mode, 'renew']]) }];
            },
          },
        },
      },
      'tags',
      'fault',
      /lost has tags of cert-renewer but no cert-renewer:profile/,
    ],
    [
      'an unknown tag',
      {
        session: {
          secrets: {
            ...usual.secrets,
            tagged: async function* () {
              yield [
                {
                  arn: 'arn:typo',
                  name: 'typo',
                  tags: new Map([
                    [tags.profile, 'internal'],
                    ['cert-renewer:expiresin', '8h'],
                  ]),
                },
              ];
            },
          },
        },
      },
      'tags',
      'fault',
      /typo has cert-renewer:expiresin, which has no meaning/,
    ],
  ];
  it.each(cases)('finds %s, says what to do, and ends with 1', async (_, options, check, grade, says) => {
    const { code, found } = await look(options);
    expect(code).toBe(1);
    expect(found).toMatchObject([
      { check, grade, says: expect.stringMatching(says), fix: expect.stringMatching(/\w{3}/) },
    ]);
  });

  it('reports the failures of a CA, one finding for each code', async () => {
    const world = healthy();
    const failing = {
      ...status(start - 20 * hour, start + 4 * hour),
      [tags.failure]: '2 2026-11-22T11:50:00Z CaUnavailable',
    };
    world.store.add({ name: 'db', value: '{}', versionId: 'v1', tags: { [tags.profile]: 'internal', ...failing } });
    const { code, found } = await look({ world });
    expect(code).toBe(1);
    expect(found).toMatchObject([
      { check: 'renewals', says: '1 certificate overdue or failing.' },
      {
        check: 'renewals',
        says: 'internal: the last attempt failed with CaUnavailable for 1 of 2.',
        fix: expect.stringMatching(/^The CA does not answer/),
      },
    ]);
  });

  it('reports missing declared certificates: a note before the first failure, then a fault', async () => {
    const world = healthy();
    const add = (name: string, more: Record<string, string>) =>
      world.store.add({
        ...{ name, value: '{}', versionId: 'v1' },
        tags: { [tags.profile]: 'internal', [tags.declared]: 'd1', ...more },
      });
    add('new', {});
    const { code, found } = await look({ world });
    expect(code).toBe(0);
    expect(found).toMatchObject([
      { grade: 'note', says: '1 declared certificate missing or changed, and not issued yet.' },
    ]);
    add('refused', { [tags.versionId]: 'v1', [tags.failure]: '1 2026-11-22T11:50:00Z IssuanceNotAllowed' });
    const refused = await look({ world });
    expect(refused.code).toBe(1);
    expect(refused.found).toMatchObject([
      { grade: 'fault', says: '1 certificate overdue or failing.' },
      { grade: 'note' },
      {
        grade: 'fault',
        says: expect.stringMatching(/IssuanceNotAllowed for 1 of 3/),
        fix: expect.stringMatching(/issue\.allow/),
      },
    ]);
  });

  it("reports no stray tags of an authority's secret, which has status tags but no profile", async () => {
    const tagged = async function* () {
      yield [{ arn: 'arn:issuing', name: 'issuing', tags: new Map([[tags.versionId, 'v1']]) }];
    };
    const deployment = { ...(await usual.deployment()), profiles: healthy().profiles };
    const withAuthority = (secretId: string) => ({
      secrets: { ...usual.secrets, tagged },
      deployment: async () => ({ ...deployment, authorities: new FakeAuthorities(authority('issuing', { secretId })) }),
    });
    expect((await look({ session: withAuthority('arn:issuing') })).found).toEqual([]);
    const { code, found } = await look({ session: withAuthority('arn:another') });
    expect(code).toBe(1);
    expect(found).toMatchObject([{ check: 'tags', says: expect.stringMatching(/^issuing has tags/) }]);
  });

  it('reports no fault for a profile of another stack, nor during a deployment', async () => {
    const tagged = async function* () {
      yield [{ arn: 'arn:other', name: 'other', tags: new Map([[tags.profile, 'elsewhere']]) }];
    };
    const session = {
      secrets: { ...usual.secrets, tagged },
      stack: async () => ({ ...stack, status: 'UPDATE_IN_PROGRESS' }),
    };
    const { code, found } = await look({ session });
    expect(code).toBe(0);
    expect(found.map(({ grade }) => grade)).toEqual(['note', 'note']);
  });

  it('fails without a stack', async () => {
    const session = { stack: () => Promise.reject(new RenewalError('Internal', 'There is no stack.')) };
    expect((await stage({ session }).cli('doctor')).code).toBe(3);
  });
});
