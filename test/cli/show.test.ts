/** `status <name>`: one certificate, whole. */
import { describe, expect, it } from 'vitest';
import { FunctionFailure } from '../../cli/aws/functions.ts';
import type { Session } from '../../cli/session.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { Profile } from '../../lambdas/domain/profile.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { isProblem } from '../../lambdas/inventory/states.ts';
import { parseOnDemandRequest } from '../../lambdas/policy/request.ts';
import { formatServing, type Serving } from '../../lambdas/policy/served.ts';
import { show } from '../../lambdas/renewal/entry/show.ts';
import { dueDates, freshDates, hour, internal, start, World } from '../renewal/world.ts';
import { status } from '../renewal/zoo.ts';
import { currentId, type SceneName, sceneStage, scenes } from './show-scenes.ts';
import { records, type StageOptions, stage } from './stage.ts';

function messageOf(run: () => unknown): string {
  try {
    return String(run());
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
}

const names = Object.keys(scenes) as SceneName[];
const printed = async (name: SceneName, options: StageOptions = {}) => {
  const { cli, name: secret } = sceneStage(name, options);
  const { code, stdout, stderr } = await cli('status', secret);
  return { code, stderr, text: stdout.replaceAll('\r\u001b[2K', '') };
};
const record = async (name: SceneName, options: StageOptions = {}) => {
  const { cli, name: secret } = sceneStage(name, options);
  const { code, stdout } = await cli('status', secret, '--json');
  const [found = {}, ...more] = records(stdout);
  expect(more).toEqual([]);
  return { code, found };
};

describe('status <name>', () => {
  describe.each(names)('of a certificate that is %s', (name) => {
    it.each([60, 120])('fits %i columns', async (columns) => {
      const { text } = await printed(name, { tty: true, columns, env: { NO_COLOR: '1' } });
      const file = `../golden/cli/${name.replaceAll(' ', '-')}.${columns}.txt`;
      await expect(text).toMatchFileSnapshot(file);
      const long = text.split('\n').filter((line) => line.length > columns);
      // Only what must be copied in one piece.
      for (const line of long) expect(line).toMatch(/^ {2}(?:https:\S+|arn:\S+|[0-9a-f]{64})$/);
    });

    it('is the same without a width, and in NDJSON', async () => {
      const { code, text, stderr } = await printed(name);
      expect(stderr).toBe('');
      const { code: sameCode, found } = await record(name);
      expect(sameCode).toBe(code);
      const { certificate, next, failure } = found as Record<string, Record<string, unknown> | null>;
      for (const value of [found['secretArn'], certificate?.['subject'], next?.['command'], failure?.['message']]) {
        if (value !== undefined && value !== null) expect(text).toContain(value);
      }
      expect(found['notShown']).toEqual([]);
    });
  });

  it.each([
    ['ok', 0],
    ['failing', 1],
    ['expired and paused', 1],
    ['missing', 0],
    ['unknown profile', 0],
    ['waiting for an order', 0],
    ['broken since', 1], // its tags do not show it yet
  ] as const)('of one that is %s ends with %i', async (name, code) => {
    expect((await printed(name)).code).toBe(code);
  });

  it('has every field of the list in NDJSON, and the new ones', async () => {
    const { cli, name } = sceneStage('failing');
    const [row = {}] = records((await cli('status', '--json')).stdout);
    const { found } = await record('failing');
    expect(found).toMatchObject(row);
    expect(found).toMatchObject({
      failure: { code: 'CaRejected', message: scenes.failing.message },
      cause: { code: 'CaRejected', link: expect.stringContaining('errors.md') },
      window: { kind: 'expiresIn', set: null, source: 'default', length: '8h' },
      mode: { set: 'rekey', source: 'profile' },
      versions: [
        { versionId: currentId, stages: ['AWSCURRENT'], createdAt: '2026-11-22T08:00:00Z', lastReadOn: null },
        { stages: ['AWSPREVIOUS'] },
      ],
      certificate: scenes.failing.answer.certificate,
      next: { command: `cert-renewer renew ${name}` },
      ...{ declaration: null, endpoints: null, order: null, now: null },
    });
  });

  it('has the order by label, id and tag, without reading it', async () => {
    const { found } = await record('waiting for an order');
    expect(found).toMatchObject({
      ...{ state: 'waiting', wait: { since: '2026-11-22T09:55:00Z', again: '2026-11-22T12:10:00Z' } },
      order: {
        ...{ stage: 'order', number: 1, versionId: expect.stringMatching(/^cert-renewer-order-/) },
        ...{ since: '2026-11-22T09:55:00Z', again: '2026-11-22T12:10:00Z', notBefore: '2026-11-22T12:10:00Z' },
      },
      next: { command: 'cert-renewer renew shop/tls' },
    });
    const { found: limited } = await record('waiting for a limit');
    const order = { stage: 'ended', number: 2, notBefore: '2026-11-22T13:10:00Z' };
    expect(limited).toMatchObject({ order, next: null });
  });

  it('names the profile that a misspelt tag means in the next command', async () => {
    const { found } = await record('unknown profile');
    expect(found['next']).toMatchObject({ command: 'cert-renewer enrol web/tls --profile internal' });
  });

  it('gives the advice of the kind of CA, as doctor does', async () => {
    const fixAt = async (ca: typeof internal.ca) => {
      const world = new World({ ...internal, ca });
      const due = status(start - 20 * hour, start + 4 * hour);
      const failure = { ...due, [tags.profile]: 'internal', [tags.failure]: '2 2026-11-22T11:50:00Z CaUntrusted' };
      world.store.add({ name: 'web', value: '{}', versionId: 'v1', tags: failure });
      const [{ cause } = {}] = records((await stage({ world }).cli('status', 'web', '--json')).stdout);
      return (cause as { readonly fix: string }).fix;
    };
    expect(await fixAt(internal.ca)).toMatch(/root or url/);
    expect(await fixAt({ type: 'offline', authority: 'issuing' })).not.toMatch(/\broot\b|\burl\b/);
  });

  it('names the options of this stack in the next command', async () => {
    const { cli, name } = sceneStage('failing');
    const { stdout } = await cli('status', name, '--stack', 'Other', '--region', 'eu-central-1');
    expect(stdout).toContain(`cert-renewer renew ${name} --stack Other --region eu-central-1\n`);
    const quoted = await cli('status', name, '--profile-name', 'my admin');
    expect(quoted.stdout).toContain(`cert-renewer renew ${name} --profile-name "my admin"\n`);
  });

  it('says what sets the window', async () => {
    const of = async (more: Record<string, string>, profile = internal) => {
      const world = new World(profile);
      const [valid, name] = [status(freshDates.notBefore, freshDates.notAfter), 'web'];
      world.store.add({ name, value: '{}', versionId: 'v1', tags: { [tags.profile]: 'internal', ...valid, ...more } });
      const { stdout } = await stage({ world }).cli('status', name);
      return /^Window +(.*)$/m.exec(stdout)?.[1]?.replace(/, [\w ]* earlier by jitter/, '');
    };
    expect(await of({})).toBe('a third of the validity (8h) before it expires (the default)');
    expect(await of({ [tags.expiresIn]: '25pct' })).toBe(
      '25% of the validity (6h) before it expires; set by the tag cert-renewer:expires-in',
    );
    const period = { kind: 'rekeyPeriod', milliseconds: 16 * 3_600_000, text: '16h' } as const;
    expect(await of({}, { ...internal, timing: period })).toBe('16h after notBefore; set by the profile internal');
  });

  it('says what is known about its endpoints', async () => {
    const probing = { ...internal, probe: { allow: ['dns:svc.example', 'ip:10.0.0.0/8'], within: hour } };
    const fingerprint = 'ab'.repeat(32);
    const of = async (more: Record<string, string>, profile: Profile = probing, serving?: Serving) => {
      const world = new World(profile);
      const valid = status(freshDates.notBefore, freshDates.notAfter);
      const placed = { ...valid, [tags.endpoints]: 'web.svc.example:443 10.0.0.7:443', ...more };
      const served = serving && formatServing(fingerprint, new Map(Object.entries(placed)), serving);
      const all = { [tags.profile]: 'internal', ...placed, ...(served && { [tags.served]: served }) };
      world.store.add({ name: 'web', value: '{}', versionId: 'v1', tags: all });
      const { stdout } = await stage({ world }).cli('status', 'web');
      expect(stdout).toMatch(/^Endpoints +web.svc.example:443\n +10.0.0.7:443\n/m);
      return /^Served +(.*)$/m.exec(stdout)?.[1];
    };
    const noted = { [tags.fingerprint]: fingerprint };
    const since = { since: start - 2 * hour, probed: start - hour, told: undefined, tries: 1, keyType: undefined };
    expect(await of(noted, probing, { ...since, state: 'served' })).toBe('served, probed 1h ago');
    expect(await of(noted, probing, { ...since, state: 'not-served' })).toBe('not served for 2h, probed 1h ago');
    expect(await of(noted)).toBe('not known: it was not probed yet');
    expect(await of({})).toMatch(/^not known: after the next scan/);
    expect(await of(noted, internal)).toMatch(/^not known: .*no "probe"$/);
    expect(await of({ ...noted, [tags.expiresIn]: 'soon' })).toMatch(/^not known: .*InvalidTag is corrected$/);
    const many = Object.fromEntries(Array.from({ length: 43 }, (_, i) => [`tag ${i}`, '']));
    expect(await of({ ...noted, ...many })).toMatch(/no room for the tag cert-renewer:served/);
  });

  it('makes control characters in names and messages visible', async () => {
    const answer = { obstacle: { code: 'CaRejected', message: 'a\u001b[2Jb\nc' } };
    const { text } = await printed('ok', { invoke: () => ({ ...usualAnswer, ...answer }) });
    expect(text).toContain('a\\u001b[2Jb\\u000ac');
    expect(text).not.toContain('\u001b');
  });

  it('paints a problem red on a terminal', async () => {
    const { text } = await printed('failing', { tty: true });
    expect(text).toContain('\u001b[31moverdue, failing\u001b[39m');
    expect(text).toContain('\u001b[31mCaRejected, 3 tries');
  });

  const usualAnswer = {
    ...{ secretArn: 'arn', profile: 'internal', versionId: 'v1', certificate: null, declaration: null },
    ...{ renewAt: null, warnings: [], obstacle: null, decision: { action: 'skip', code: 'NotDue', message: '' } },
  };

  it('shows what the next try will end with, and counts it as a problem', async () => {
    const obstacle = { code: 'CaUntrusted', message: 'It is of another CA.' };
    const options = { invoke: () => ({ ...usualAnswer, obstacle }) };
    const { code, found } = await record('ok', options);
    expect(code).toBe(1);
    expect(found).toMatchObject({ state: 'ok', now: obstacle, cause: { code: 'CaUntrusted' } });
    expect((await printed('ok', options)).text).toContain('Now         CaUntrusted: It is of another CA.\n');
  });

  it('shows the answer of the real use case, without a key', async () => {
    const world = new World(internal);
    const arn = world.enrol(freshDates);
    const invoke = (_: string, { show: secretId }: Record<string, unknown>) => show(world, String(secretId));
    const { code, stdout } = await stage({ world, invoke }).cli('status', 'web/tls', '--json');
    const [found] = records(stdout);
    expect(code).toBe(0);
    expect(found).toMatchObject({ secretArn: arn, certificate: { subject: 'CN=leaf.example', keyIn: 'secret' } });
    expect(stdout).not.toContain('PRIVATE');
  });

  describe('without a permission', () => {
    const denied = (service: string, action: string) => async () => {
      const message = `${service} refused ${action} on "x" (AccessDeniedException): allow it to the function's role.`;
      throw new RenewalError('AccessDenied', message);
    };
    const usual = stage().session;
    const invoke = denied('Lambda', 'Invoke');
    const settings = denied('Lambda', 'GetFunctionConfiguration');
    const logWith = denied('CloudWatch Logs', 'FilterLogEvents');
    const versionDates = denied('Secrets Manager', 'ListSecretVersionIds');
    const cases: readonly [string, Partial<Session>, string, string][] = [
      ['to invoke', { functions: { ...usual.functions, invoke } }, 'certificate', 'lambda:InvokeFunction'],
      [
        'for the settings',
        { functions: { ...usual.functions, settings } },
        'message',
        'lambda:GetFunctionConfiguration',
      ],
      ['for the log', { observer: { ...usual.observer, logWith } }, 'message', 'logs:FilterLogEvents'],
      [
        'for the versions',
        { secrets: { ...usual.secrets, versionDates } },
        'dates',
        'secretsmanager:ListSecretVersionIds',
      ],
    ];
    it.each(cases)('%s shows the rest, and names the permission', async (_, session, part, permission) => {
      const { code, found } = await record('failing', { session });
      expect(code).toBe(1);
      expect(found['notShown']).toEqual([{ part, reason: expect.stringContaining(`It needs ${permission} on`) }]);
      expect(found).toMatchObject({ state: 'overdue', failure: { code: 'CaRejected' }, versions: [{}, {}] });
      const { text } = await printed('failing', { session });
      expect(text).toContain(`Not shown   ${part}: It needs ${permission}`);
      expect(text).toContain('Next ');
    });
  });

  it.each([
    ['not due', freshDates, 0, null],
    ['due', dueDates, 0, 'cert-renewer renew web/tls'],
    ['expired', { notBefore: start - 3 * hour, notAfter: start - hour }, 1, 'cert-renewer renew web/tls'],
  ])('judges one that no worker has read by the certificate itself: %s', async (_, dates, code, command) => {
    const world = new World(internal);
    world.enrol(dates);
    const { cli } = stage({ world, invoke: (_name, request) => show(world, String(request['show'])) });
    const ended = await cli('status', 'web/tls', '--json');
    expect(ended.code).toBe(code);
    const [found] = records(ended.stdout);
    expect(found).toMatchObject({ state: 'unknown', next: command === null ? null : { command } });
  });

  it.each([
    ['not due', freshDates, 0],
    ['expired', { notBefore: start - 3 * hour, notAfter: start - hour }, 1],
  ])('judges a paused one that no worker has read by its clock too: %s', async (_, dates, code) => {
    const world = new World(internal);
    world.enrol({ ...dates, tags: { [tags.paused]: 'true' } });
    const { cli } = stage({ world, invoke: (_name, request) => show(world, String(request['show'])) });
    const ended = await cli('status', 'web/tls', '--json');
    expect(ended.code).toBe(code);
    const [found] = records(ended.stdout);
    expect(found).toMatchObject({ state: 'paused', next: { command: 'cert-renewer resume web/tls' } });
    expect(found?.['cause']).toEqual(code === 0 ? null : expect.objectContaining({ code: 'Paused' }));
  });

  it('is quiet about a secret that is being deleted, as the list is', async () => {
    const world = new World(internal);
    world.store.delete(world.enrol());
    const invoke = async () => {
      const error = await show(world, 'web/tls').catch((thrown: unknown) => thrown);
      throw error instanceof RenewalError ? new FunctionFailure(error.code, error.message) : error;
    };
    const { code, stdout } = await stage({ world, invoke }).cli('status', 'web/tls', '--json');
    expect(code).toBe(0);
    expect(records(stdout)).toMatchObject([{ state: 'paused', reason: { code: 'SecretNotFound' }, now: null }]);
  });

  it.each([
    ['a stack of an earlier version', 'InvalidRequest', messageOf(() => parseOnDemandRequest({ show: 'web/tls' }))],
    ['a fault of the function', 'Internal', 'An error.'],
    ['a busy AWS', 'Throttled', 'AWS is busy.'],
    ['a function that was stopped', 'Sandbox.Timedout', 'Task timed out after 90.00 seconds'],
  ])('%s is not a problem of the certificate', async (_, errorType, message) => {
    const invoke = () => {
      throw new FunctionFailure(errorType, message);
    };
    const { code, found } = await record('ok', { invoke });
    expect(code).toBe(0);
    const reason = expect.stringMatching(errorType === 'InvalidRequest' ? /deploy it again/ : errorType);
    expect(found).toMatchObject({ now: null, certificate: null, notShown: [{ part: 'certificate', reason }] });
  });

  it('says that the log has no line of the failure', async () => {
    const usual = stage().session;
    const { found } = await record('failing', {
      session: { observer: { ...usual.observer, logWith: async () => [] } },
    });
    expect(found).toMatchObject({ failure: { message: null }, notShown: [{ part: 'message' }] });
  });

  it('of a secret that is not there, or not enrolled, is one error', async () => {
    const { cli } = stage();
    const [nowhere, foreign] = [await cli('status', 'nowhere'), await cli('status', 'not-ours', '--json')];
    expect([nowhere.code, foreign.code]).toEqual([1, 1]);
    expect(nowhere.stderr).toMatch(/^nowhere: SecretNotFound: /);
    expect(records(foreign.stdout)).toMatchObject([{ name: 'not-ours', error: { errorType: 'SecretNotEnrolled' } }]);
  });

  it.each([[['web/tls', 'web/tls']], [['web/tls', '--profile', 'internal']]])('of %j is a list', async (words) => {
    const { stdout } = await sceneStage('ok').cli('status', ...words);
    expect(stdout).toMatch(/^NAME /);
  });

  it('shows every kind of secret that the list shows, and ends alike', async () => {
    const { cli } = stage();
    const rows = records((await cli('status', '--json')).stdout);
    expect(rows.length).toBeGreaterThan(10);
    for (const { name, state } of rows) {
      const { code, stdout } = await cli('status', String(name), '--json');
      expect({ name, code }).toEqual({ name, code: isProblem(state as Parameters<typeof isProblem>[0]) ? 1 : 0 });
      expect(records(stdout)).toMatchObject([{ name, state }]);
    }
  });
});
