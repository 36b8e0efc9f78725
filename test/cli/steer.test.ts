import { describe, expect, it } from 'vitest';
import { FunctionFailure } from '../../cli/aws/functions.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { readServing } from '../../lambdas/policy/served.ts';
import { authority, FakeAuthorities } from '../../testkit/fakes/authorities.ts';
import { freshDates, internal, start, World } from '../renewal/world.ts';
import { status, zoo } from '../renewal/zoo.ts';
import { records, type StageOptions, stage } from './stage.ts';

const hour = 3_600_000;
const terms = { rotationFunctionArn: undefined, step: () => hour, longestGap: hour };

describe('pause and resume', () => {
  it('set and remove the tag, and report whether it changed', async () => {
    const { cli, world } = stage();
    expect(await cli('pause', 'due', 'paused')).toMatchObject({
      code: 0,
      stdout: 'due: paused until cert-renewer resume due\npaused: is paused already\n',
    });
    expect(world.store.tagsOf('due')[tags.paused]).toBe('true');
    expect((await cli('status', 'due', '--json')).stdout).toContain('"states":["overdue","paused"]');
    expect((await cli('resume', 'due', 'fresh')).stdout).toBe('due: resumed\nfresh: was not paused\n');
    expect(world.store.tagsOf('due')[tags.paused]).toBeUndefined();
  });

  it('report a paused profile, an unknown name and one that is not enrolled; the others are done', async () => {
    const { cli, world } = stage();
    expect((await cli('resume', 'resting')).stdout).toMatch(/its profile resting is paused too/);
    const { code, stdout } = await cli('pause', 'nowhere', 'not-ours', 'due', '--json');
    expect(code).toBe(1);
    expect(records(stdout)).toMatchObject([
      { name: 'nowhere', error: { errorType: 'SecretNotFound' } },
      { name: 'not-ours', error: { errorType: 'SecretNotEnrolled' } },
      { name: 'due', paused: true, changed: true },
    ]);
    expect(Object.keys(world.store.tagsOf('not-ours'))).toEqual(['Role']);
    expect((await cli('pause')).code).toBe(2);
  });

  it('start no other secret after Ctrl-C, and list the untouched ones', async () => {
    const staged = stage();
    const { describe: ask } = staged.world.store;
    staged.world.store.describe = (name) => {
      staged.interrupt();
      return ask.call(staged.world.store, name);
    };
    const { code, stdout, stderr } = await staged.cli('pause', 'due', 'fresh', 'new');
    expect(code).toBe(130);
    expect(stdout).toMatch(/^due: paused/);
    expect(stderr).toBe('Untouched: fresh, new\n');
    expect(staged.world.store.tagsOf('fresh')[tags.paused]).toBeUndefined();
  });
});

describe('enrol and unenrol', () => {
  it('set the requested tags, and remove tags that contradict them', async () => {
    const { cli, world } = stage();
    world.store.setTags('not-ours', { [tags.rekeyPeriod]: '16h', [tags.kty]: 'RSA', [tags.size]: '3072' });
    const words = 'enrol not-ours --profile internal --mode rekey --expires-in 33% --kty EC --curve P-384 --paused';
    expect((await cli(...words.split(' '))).stdout).toMatch(/^not-ours: enrolled in internal; .*cert-renewer plan/);
    expect(world.store.tagsOf('not-ours')).toEqual({
      ...{ Role: 'web', [tags.profile]: 'internal', [tags.mode]: 'rekey', [tags.expiresIn]: '33pct' },
      ...{ [tags.kty]: 'EC', [tags.curve]: 'P-384', [tags.paused]: 'true' },
    });
    expect((await cli('enrol', 'not-ours', '--profile', 'resting')).stdout).toContain('(it was in internal)');
  });

  it.each([
    ['enrol due', /--profile is missing/],
    ['enrol due --profile internal --expires-in soon', /^Usage: --expires-in is "soon": /],
    ['enrol due --profile internal --size 4096', /--size is set without --kty/],
    ['enrol due --profile internal --expires-in 1h --rekey-period 1h', /both set/],
  ])('refuse %s', async (words, message) => {
    const { cli, world } = stage();
    const before = world.store.tagsOf('due');
    const { code, stderr } = await cli(...words.split(' '));
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(message) });
    expect(world.store.tagsOf('due')).toEqual(before);
  });

  it('refuse an unknown profile, and a replica', async () => {
    const { cli } = stage();
    expect(await cli('enrol', 'due', '--profile', 'nowhere')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^UnknownProfile: The stack CertRenewer has no profile nowhere/),
    });
    expect((await cli('enrol', 'replica', '--profile', 'internal')).stdout).toMatch(/failed: .*primary/);
  });

  it('enrol removes tags that are not valid, and says so: it is the remedy for InvalidTag', async () => {
    const { cli, world } = stage();
    const { stdout } = await cli('enrol', 'bad-tag', '--profile', 'internal');
    expect(stdout).toMatch(
      /^bad-tag: enrolled in internal; removed cert-renewer:expires-in \("soon"\), which is not v/,
    );
    expect(world.store.tagsOf('bad-tag')[tags.expiresIn]).toBeUndefined();
    const [row] = records((await cli('status', 'bad-tag', '--json')).stdout);
    expect(row).toMatchObject({ reason: { code: 'Expiring' } });
    world.store.setTags('due', { [tags.kty]: 'RSA', [tags.curve]: 'P-256', [tags.mode]: 'renew' });
    const [record] = records((await cli('enrol', 'due', '--profile', 'internal', '--json')).stdout);
    expect(record).toMatchObject({ removed: [tags.kty, tags.curve] });
    expect(world.store.tagsOf('due')[tags.mode]).toBe('renew');
  });

  const probing = { ...internal, probe: { allow: ['dns:svc.example', 'ip:10.0.0.0/8'], within: hour } };

  it('enrol sets endpoints, and removes those that the stack may not probe', async () => {
    const world = new World(probing);
    world.enrol({ name: 'web', tags: { [tags.endpoints]: 'web.elsewhere.example:443' } });
    const { cli } = stage({ world });
    const enrol = (...words: string[]) => cli('enrol', 'web', '--profile', 'internal', '--json', ...words);
    expect(records((await enrol()).stdout)).toMatchObject([{ removed: [tags.endpoints] }]);
    const places = ['web.svc.example:443', '10.0.0.7:8443/web.svc.example'];
    expect((await enrol(...places.flatMap((each) => ['--endpoint', each]))).code).toBe(0);
    expect(world.store.tagsOf('web')[tags.endpoints]).toBe('web.svc.example:443 10.0.0.7:8443/web.svc.example');
    expect(records((await enrol('--expires-in', '8h')).stdout)).toMatchObject([{ removed: [] }]);
    expect(world.store.tagsOf('web')[tags.endpoints]).toBe('web.svc.example:443 10.0.0.7:8443/web.svc.example');
  });

  it.each([
    ['without a port', ['web.svc.example'], /--endpoint contains "web.svc.example": expected host:port/],
    ['outside of probe.allow', ['web.example:443'], /probe.allow of the stack does not contain web.example/],
    ['that are six', Array.from({ length: 6 }, () => 'a.svc.example:1'), /has 6 endpoints: expected 1 to 5/],
    [
      'that are too long for a tag',
      Array.from({ length: 5 }, (_, i) => `${'a'.repeat(50)}${i}.svc.example:1`),
      /256 characters/,
    ],
  ])('enrol refuses endpoints %s, and so does declare', async (_, endpoints, message) => {
    const world = new World({ ...probing, issue: { allow: ['dns:svc.example'] } });
    world.enrol({ name: 'web' });
    const { cli } = stage({ world });
    const given = endpoints.flatMap((each) => ['--endpoint', each]);
    const { code, stderr } = await cli('enrol', 'web', '--profile', 'internal', ...given);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(message) });
    expect(world.store.tagsOf('web')[tags.endpoints]).toBeUndefined();
    const words = ['declare', 'new', '--profile', 'internal', '--dns', 'new.svc.example', ...given];
    expect(await cli(...words)).toMatchObject({ code: 2, stderr: expect.stringContaining('--endpoint') });
    expect(world.arnOf('new')).toBeUndefined();
  });

  it('enrol keeps a mode of rekey if the worker has refused another tag', async () => {
    const { cli, world } = stage();
    const failure = '1 2026-11-22T11:59:00Z InvalidTag';
    world.store.setTags('due', { [tags.mode]: 'rekey', [tags.expiresIn]: 'soon', [tags.failure]: failure });
    const words = ['enrol', 'due', '--profile', 'internal', '--expires-in', '8h', '--json'];
    expect(records((await cli(...words)).stdout)).toMatchObject([{ removed: [] }]);
    expect(world.store.tagsOf('due')).toMatchObject({ [tags.mode]: 'rekey', [tags.expiresIn]: '8h' });
  });

  it('enrol removes a mode that the worker has refused: the key can not change', async () => {
    const { cli, world } = stage();
    world.store.setTags('due', { [tags.mode]: 'rekey', [tags.failure]: '1 2026-11-22T11:59:00Z InvalidTag' });
    world.store.setTags('fresh', { [tags.mode]: 'rekey', [tags.failure]: '1 2026-11-22T11:59:00Z CaRejected' });
    const { stdout } = await cli('enrol', 'due', 'fresh', '--profile', 'internal', '--json');
    expect(records(stdout)).toMatchObject([{ removed: [tags.mode] }, { removed: [] }]);
    expect(world.store.tagsOf('fresh')[tags.mode]).toBe('rekey');
  });

  it.each([
    ['99%, before a worker has read the certificate', 'new', '99%', /WindowClamped: .*may be.*third/],
    ['9999 hours of a shorter validity', 'due', '9999h', /WindowClamped: .*a third of the validity \(8h\) applies/],
    ['less than the time between two scans', 'new', '5m', /WindowBelowSchedule/],
    ['a third', 'due', '33%', /^(?!.*Window)/],
  ])('enrol warns of a window of %s', async (_, name, window, message) => {
    const { stdout } = await stage().cli('enrol', name, '--profile', 'internal', '--expires-in', window);
    expect(stdout).toMatch(message);
  });

  it('enrol refuses the secret of an authority, which the configuration enrols', async () => {
    const world = zoo();
    const authorities = new FakeAuthorities(authority('root', { secretId: 'not-ours' }));
    const deployment = async () => ({ ...terms, profiles: world.profiles, authorities });
    const { code, stdout } = await stage({ world, session: { deployment } }).cli(
      'enrol',
      'not-ours',
      '--profile',
      'internal',
    );
    expect(code).toBe(1);
    expect(stdout).toMatch(/failed: InvalidRequest: .*own authority root/);
    expect(Object.keys(world.store.tagsOf('not-ours'))).toEqual(['Role']);
  });

  it('remove every tag of cert-renewer and no other', async () => {
    const { cli, world } = stage();
    world.store.setTags('backing-off', { Role: 'web', [tags.mode]: 'renew' });
    const { stdout } = await cli('unenrol', 'backing-off');
    expect(stdout).toBe('backing-off: no longer in internal; its certificate ends on 2026-11-22T14:00:00Z\n');
    expect(world.store.tagsOf('backing-off')).toEqual({ Role: 'web' });
    expect((await cli('unenrol', 'backing-off')).code).toBe(1);
  });
});

describe('rollback', () => {
  const window = { notBefore: '2026-11-22T11:00:00Z', notAfter: '2026-11-23T11:00:00Z' };

  const shown = (versionId: string, declaration: object | null = null) => ({
    versionId,
    certificate: { notBefore: window.notBefore, end: window.notAfter },
    declaration,
  });

  function renewedOnce(more: Partial<StageOptions> = {}) {
    const world = new World(internal);
    const arn = world.enrol({ name: 'web', ...freshDates });
    world.store.write('web', 'the new pair', 'v2');
    world.store.setTags('web', {
      ...status(start, start + 24 * hour, 'v2'),
      // About v2, as the failure is.
      ...{ [tags.renewAt]: '2026-11-23T02:00:00Z', [tags.order]: 'x 2026-11-22T11:00:00Z' },
      [tags.failure]: '1 2026-11-22T11:59:00Z CaRejected',
    });
    const invoke = () => shown('v1');
    return { ...stage({ world, invoke, ...more }), arn };
  }

  it('pauses first, moves AWSCURRENT back in one step, and updates the status tags', async () => {
    const { cli, world, requests, arn } = renewedOnce();
    const order: string[] = [];
    const { store } = world;
    const [tag, promote] = [store.tag.bind(store), store.promote.bind(store)];
    store.tag = (...given) => {
      order.push(`tag ${Object.keys(given[1])}`);
      return tag(...given);
    };
    store.promote = (...given) => {
      order.push('promote');
      return promote(...given);
    };
    const { code, stdout } = await cli('rollback', 'web');
    expect(code).toBe(0);
    expect(stdout).toBe(
      'web: back to version v1, valid until 2026-11-23T11:00:00Z; paused until cert-renewer resume web\n',
    );
    expect(order.slice(0, 2)).toEqual([`tag ${tags.paused}`, 'promote']);
    expect(world.labels('web')).toEqual({ v1: ['AWSCURRENT'], v2: ['AWSPREVIOUS'] });
    expect(world.store.tagsOf('web')).toEqual({
      ...{ [tags.profile]: 'internal', [tags.paused]: 'true', [tags.versionId]: 'v1' },
      ...{ [tags.notBefore]: window.notBefore, [tags.notAfter]: window.notAfter },
    });
    expect(requests).toEqual([{ functionName: 'renew', request: { show: arn } }]);
    const [row] = records((await cli('status', 'web', '--json')).stdout);
    expect(row).toMatchObject({ state: 'paused', notAfter: window.notAfter });
  });

  it('begins the probe anew: the servers are to present the pair of before', async () => {
    const fingerprintSha256 = 'ab'.repeat(32);
    const { certificate, ...rest } = shown('v1');
    const invoke = () => ({ ...rest, certificate: { ...certificate, fingerprintSha256, keyAlgorithm: 'RSA 2048' } });
    const { cli, world } = renewedOnce({ invoke });
    const ofOther = { [tags.fingerprint]: 'cd'.repeat(32), [tags.served]: 'of the other version' };
    world.store.setTags('web', { [tags.endpoints]: 'web.svc.example:443', ...ofOther });
    await cli('rollback', 'web');
    expect(world.store.tagsOf('web')[tags.fingerprint]).toBe(fingerprintSha256);
    expect(readServing(world.store.summary('web'), start)).toEqual({
      ...{ state: 'pending', tries: 0, since: start, probed: undefined, told: undefined, keyType: 'RSA' },
    });
    const without = renewedOnce({ invoke });
    without.world.store.setTags('web', ofOther);
    await without.cli('rollback', 'web');
    expect(Object.keys(without.world.store.tagsOf('web'))).not.toEqual(expect.arrayContaining([tags.served]));
    expect(without.world.store.tagsOf('web')[tags.fingerprint]).toBeUndefined();
  });

  it.each([
    [44, []],
    [45, []],
    [46, []],
    [47, [tags.failure]],
  ])('with %i other tags writes no more than AWS takes', async (others, gone) => {
    const { certificate, ...rest } = shown('v1');
    const facts = { fingerprintSha256: 'ab'.repeat(32), keyAlgorithm: 'RSA 2048' };
    const { cli, world } = renewedOnce({ invoke: () => ({ ...rest, certificate: { ...certificate, ...facts } }) });
    // The profile is one of them, the pause comes as one more, and three or four status tags are there.
    const crowd = Object.fromEntries(Array.from({ length: others - 3 }, (_, n) => [`own-${n}`, 'x']));
    world.store.setTags('web', { [tags.endpoints]: 'web.svc.example:443', ...crowd }, [
      ...[tags.order, tags.renewAt, ...gone],
    ]);
    expect(await cli('rollback', 'web')).toMatchObject({ code: 0 });
    expect(world.store.tagsOf('web')).toMatchObject({ [tags.versionId]: 'v1', [tags.notAfter]: window.notAfter });
  });

  it('removes the status tags if the function fails', async () => {
    const invoke = () => {
      throw new FunctionFailure('UnsupportedSecret', 'no certificate');
    };
    const { cli, world } = renewedOnce({ invoke });
    expect((await cli('rollback', 'web')).code).toBe(0);
    expect(world.store.tagsOf('web')).toEqual({ [tags.profile]: 'internal', [tags.paused]: 'true' });
    const late = renewedOnce({ invoke: () => shown('v3') });
    await late.cli('rollback', 'web');
    expect(late.world.store.tagsOf('web')[tags.versionId]).toBeUndefined();
  });

  it.each([
    ['was issued for the declaration', true, 'd1', 'ok'],
    ['was issued for another one', false, '-', 'changed'],
  ])('to a version that %s', async (_what, isMet, issued, state) => {
    const { cli, world } = renewedOnce({ invoke: () => shown('v1', { isMet }) });
    // The tag `issued` is about the version that is rolled back.
    world.store.setTags('web', { [tags.declared]: 'd1', [tags.issued]: isMet ? 'd2' : 'd1' });
    await cli('rollback', 'web');
    expect(world.store.tagsOf('web')[tags.issued]).toBe(issued);
    await cli('resume', 'web');
    const [row] = records((await cli('status', 'web', 'web', '--state', state, '--json')).stdout);
    expect(row).toMatchObject({ name: 'web' });
  });

  it('moves nothing after a write of someone else, or without an earlier version', async () => {
    const { cli, world } = renewedOnce();
    const promote = world.store.promote.bind(world.store);
    world.store.promote = (...given) => {
      world.store.write('web', 'somebody else', 'v3');
      return promote(...given);
    };
    const { code, stdout } = await cli('rollback', 'web');
    expect(code).toBe(1);
    expect(stdout).toMatch(/failed: SecretChanged/);
    expect(world.labels('web')).toMatchObject({ v3: ['AWSCURRENT'] });
    expect((await stage().cli('rollback', 'fresh')).stdout).toMatch(/no AWSPREVIOUS/);
  });

  it('succeeds if only the answer is lost, and leaves nothing pending', async () => {
    const { cli, world } = renewedOnce();
    world.store.moveStage('web', 'AWSPENDING', 'v2');
    const promote = world.store.promote.bind(world.store);
    world.store.promote = async (...given) => {
      await promote(...given);
      throw new Error('the answer was lost');
    };
    expect((await cli('rollback', 'web')).code).toBe(0);
    expect(world.labels('web')).toEqual({ v1: ['AWSCURRENT'], v2: ['AWSPREVIOUS'] });
  });

  it('goes forward again the second time', async () => {
    const { cli, world } = renewedOnce();
    await cli('rollback', 'web');
    await cli('rollback', 'web');
    expect(world.labels('web')).toEqual({ v1: ['AWSPREVIOUS'], v2: ['AWSCURRENT'] });
  });
});
