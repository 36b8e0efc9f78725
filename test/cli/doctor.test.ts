import { describe, expect, it } from 'vitest';
import { awsError } from '../../lambdas/aws/errors.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { authority, FakeAuthorities } from '../../testkit/fakes/authorities.ts';
import { start } from '../renewal/world.ts';
import { journalLines } from '../support/journal-lines.ts';
import { healthy, listing, look, usual } from './doctor.ts';
import { type StageOptions, stack, stage } from './stage.ts';

const observer = usual.observer;
const settingsOf = (scan: string | undefined, renew: string) => async (name: string) => {
  const version = name === 'scan' ? scan : renew;
  const environment: Record<string, string> = version === undefined ? {} : { CERT_RENEWER_VERSION: version };
  return { environment, state: 'Active', lastUpdate: 'Successful', logGroup: '' };
};

/** The line of a failure. */
function line(fields: { readonly secretArn?: string; readonly error?: Error; readonly step?: string }): string {
  const error = new RenewalError('AccessDenied', 'ListSecrets is denied.');
  const [text = ''] = journalLines((journal) => journal.failure({ secretArn: null, error, ...fields }));
  return text;
}

const failedScan = [line({}), 'END RequestId: r1', 'REPORT RequestId: r1\tDuration: 33 ms'];
const scanLog = (texts: readonly string[]) => ({
  ...observer,
  logSince: async () => texts.map((text, index) => ({ at: start - 60_000 + index, text })),
});

describe('doctor', () => {
  it('finds nothing if all is well', async () => {
    expect(await look()).toMatchObject({
      ...{ code: 0, found: [] },
      summary: { faults: 0, unknown: 0, notes: 0, mendFirst: null },
    });
    const { stdout } = await stage({ world: healthy(), invoke: () => ({}) }).cli('doctor');
    expect(stdout).toMatch(/^ok {7}CertRenewer is deployed \(UPDATE_COMPLETE/m);
    expect(stdout).toMatch(/^ok {7}The last scan was 1m ago\.$/m);
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('No faults.');
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
    ['a scan that failed', { session: { observer: scanLog(failedScan) } }, 'last scan', 'fault', /failed/],
    [
      'dead letters',
      { session: { observer: { ...observer, waiting: async (url) => (url.endsWith('dead') ? 2 : 0) } } },
      'queues',
      'fault',
      /^2 renewals failed three times: they are dead letters/,
    ],
    ...(
      [
        ['ScanDeadLetters', /^2 scans could not be started/],
        ['NoticesDeadLetters', /^2 e-mails could not be sent/],
        ['HooksDeadLetters', /^2 hooks failed/],
      ] as const
    ).map(([id, says]): (typeof cases)[number] => {
      const queue = { type: 'AWS::SQS::Queue', logicalId: `CertRenewerQueues${id}1234`, id: `https://sqs/${id}` };
      const session = {
        resources: async () => [...(await usual.resources()), queue],
        observer: { ...observer, waiting: async (url: string) => (url === queue.id ? 2 : 0) },
      };
      return [`dead letters in ${id}`, { session }, 'queues', 'fault', says];
    }),
    [
      'a check that is not permitted',
      {
        session: {
          observer: { ...observer, waiting: () => Promise.reject(new RenewalError('AccessDenied', 'sqs is denied')) },
        },
      },
      'queues',
      'unknown',
      /^AccessDenied: sqs is denied/,
    ],
    [
      'a tag without a meaning',
      {
        session: {
          secrets: listing({
            name: 'typo',
            tags: new Map([
              [tags.profile, 'internal'],
              ['cert-renewer:expiresin', '8h'],
            ]),
          }),
        },
      },
      'tags',
      'fault',
      /^1 secret has the tag cert-renewer:expiresin, which has no meaning/,
    ],
  ];
  it.each(cases)('finds %s, says what to do, and ends with 1', async (_, options, check, grade, says) => {
    const { code, found, summary } = await look(options);
    expect(code).toBe(1);
    expect(found).toMatchObject([
      {
        ...{ check, grade, says: expect.stringMatching(says), fix: expect.stringMatching(/\w{3}/) },
        link: expect.stringMatching(/^https:\/\/.*\/docs\/\w+\.md/),
      },
    ]);
    expect(summary).toMatchObject(
      grade === 'fault' ? { faults: 1, mendFirst: { check } } : { faults: 0, unknown: 1, mendFirst: null },
    );
  });

  it.each([
    ['a scan that was refused for its request', [line({ error: new RenewalError('InvalidRequest', 'No.') })]],
    ['a secret that failed', [line({ secretArn: 'arn:web' })]],
    ['a part of a scan that failed', [line({ step: 'the trust bundle' })]],
    ['a scan that failed, and one that succeeded after it', [...failedScan, 'START RequestId: r2 Version: $LATEST']],
  ])('takes %s for no failed scan', async (_, log) => {
    expect(await look({ session: { observer: scanLog(log) } })).toMatchObject({ code: 0, found: [] });
  });

  it("reports no stray tags of an authority's secret, which the configuration enrols", async () => {
    const deployment = { ...(await usual.deployment()), profiles: healthy().profiles };
    const own = { name: 'issuing', tags: new Map([[tags.versionId, 'v1']]) };
    const session = {
      secrets: listing(own, { ...own, name: 'set', tags: new Map([[tags.expiresIn, '30d']]) }),
      deployment: async () => ({
        ...deployment,
        authorities: new FakeAuthorities(authority('issuing'), authority('set', { secretId: 'arn:set' })),
      }),
    };
    const { found } = await look({ session: { ...session, store: healthy().store } });
    expect(found.filter(({ check }) => check === 'tags')).toMatchObject([{ grade: 'note', names: ['issuing'] }]);
  });

  it("counts another stack's authorities in one note, and tells nobody to enrol them", async () => {
    const session = {
      secrets: listing(
        { name: 'imported', tags: new Map([[tags.notAfter, '2027-01-01T00:00:00Z']]) },
        {
          name: 'created',
          description: 'cert-renewer: the certificate of the authority root',
          tags: new Map([
            [tags.expiresIn, '30d'],
            ['cert-renewer:of-a-later-version', 'true'],
          ]),
        },
      ),
    };
    const { code, found } = await look({ session });
    expect(code).toBe(0);
    expect(found).toMatchObject([{ check: 'tags', grade: 'note', names: ['imported', 'created'] }]);
    expect(JSON.stringify(found)).not.toMatch(/enrol /);
  });

  it('notes secrets that have settings but no profile, and those of a profile of another stack', async () => {
    const elsewhere = new Map([
      [tags.profile, 'elsewhere'],
      ['cert-renewer:of-a-later-version', 'true'],
    ]);
    const settings = new Map([[tags.mode, 'renew']]);
    const secrets = listing(
      ...['lost', 'forgotten'].map((name) => ({ name, tags: settings })),
      ...['here', 'there'].map((name) => ({ name, tags: elsewhere })),
    );
    const { code, found } = await look({ session: { secrets } });
    expect(code).toBe(0);
    expect(found).toMatchObject([
      { grade: 'note', names: ['lost', 'forgotten'], fix: expect.stringMatching(/cert-renewer enrol/) },
      { grade: 'note', names: ['here', 'there'], says: expect.stringMatching(/the profile elsewhere/) },
    ]);
  });

  it('names the profile that a misspelt tag means, also without the permission to list them', async () => {
    const secrets = listing({ name: 'cart', tags: new Map([[tags.profile, 'intrenal']]) });
    const named = await look({ session: { secrets } });
    expect(named.found).toMatchObject([
      { says: expect.stringMatching(/mean internal\?/), fix: expect.stringMatching(/--profile internal\b/) },
    ]);
    const refused = () => Promise.reject(new RenewalError('AccessDenied', 'ssm is denied'));
    const unnamed = await look({ session: { secrets, profileNames: refused } });
    expect(unnamed.found).toMatchObject([{ grade: 'note', fix: expect.stringMatching(/--profile <profile>/) }]);
  });

  it.each(['DISABLED', undefined])(
    'never says that a deployment mends a schedule that was changed by hand: %s',
    async (state) => {
      const { found } = await look({ session: { observer: { ...observer, scheduleState: async () => state } } });
      const [{ fix = '' } = {}] = found.filter(({ check }) => check === 'schedule');
      expect(fix).toMatch(/CloudFormation does not notice/);
      expect(fix).toMatch(/cert-renewer scan/);
    },
  );

  it('reports a running deployment as a note', async () => {
    const session = { stack: async () => ({ ...stack, status: 'UPDATE_IN_PROGRESS' }) };
    const { code, found } = await look({ session });
    expect(code).toBe(0);
    expect(found).toMatchObject([{ check: 'stack', grade: 'note' }]);
  });

  it('reports faults first, in the order in which to mend them, and names the first one last', async () => {
    const session = {
      observer: { ...observer, scheduleState: async () => 'DISABLED', waiting: async () => 1 },
      secrets: listing({ name: 'typo', tags: new Map([['cert-renewer:mod', 'renew']]) }),
      version: '1.3.0',
    };
    const { found, summary } = await look({ session });
    expect(found.map(({ check }) => check)).toEqual(['functions', 'functions', 'schedule', 'queues', 'tags']);
    expect(summary).toMatchObject({ faults: 5, mendFirst: { check: 'functions', says: found[0]?.['says'] } });
    const { stdout } = await stage({ world: healthy(), invoke: () => ({}), session }).cli('doctor');
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^fault {4}scan has version/);
    expect(lines.at(-1)).toMatch(/^5 faults\. Mend first: scan has version/);
  });

  it('names the call of an answer that the SDK does not know, and not what the SDK calls it', async () => {
    const thrown = Object.assign(new Error('UnknownError'), {
      ...{ name: 'UnknownError', $metadata: { httpStatusCode: 404 } },
    });
    const waiting = () =>
      Promise.reject(awsError(thrown, { service: 'sqs', action: 'GetQueueAttributes', resource: 'q' }));
    const { found } = await look({ session: { observer: { ...observer, waiting } } });
    expect(found).toMatchObject([
      { grade: 'unknown', says: expect.stringMatching(/SQS refused GetQueueAttributes on "q"/) },
    ]);
    expect(JSON.stringify(found)).not.toMatch(/UnknownError|requestId/);
  });

  it('says each missing permission once, with all checks that need it', async () => {
    const denied = (action: string, resource: string) =>
      Promise.reject(
        new RenewalError('AccessDenied', `SQS refused ${action} on "${resource}" (AccessDenied): allow it.`),
      );
    const session = {
      observer: {
        ...observer,
        scheduleState: (name: string) => denied('GetIt', name),
        waiting: (url: string) => denied('GetIt', url),
        logSince: () => denied('Filter', 'log'),
      },
    };
    const { stdout, code } = await stage({ world: healthy(), invoke: () => ({}), session }).cli('doctor');
    expect(code).toBe(1);
    expect(stdout.match(/^unknown .*$/gm)).toEqual([
      expect.stringMatching(/Not checked: schedule and queues\. AccessDenied: SQS refused GetIt/),
      expect.stringMatching(/Not checked: last scan\. AccessDenied: SQS refused Filter/),
    ]);
    expect(stdout).toMatch(/^No faults found, but not everything could be checked\.$/m);
    const { found, summary } = await look({ session });
    expect(found.map(({ check }) => check)).toEqual(['schedule', 'last scan', 'queues']);
    expect(summary).toMatchObject({ faults: 0, unknown: 3, mendFirst: null });
  });

  it('fails without a stack', async () => {
    const session = { stack: () => Promise.reject(new RenewalError('Internal', 'There is no stack.')) };
    expect((await stage({ session }).cli('doctor')).code).toBe(3);
  });
});
