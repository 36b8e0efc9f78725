/** The certificates in `doctor`: one finding for each cause, each certificate once. */
import { describe, expect, it } from 'vitest';
import { FunctionFailure } from '../../cli/aws/functions.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { formatWait } from '../../lambdas/policy/waiting.ts';
import { authority, FakeAuthorities } from '../../testkit/fakes/authorities.ts';
import { hour, internal, start } from '../renewal/world.ts';
import { due, expired, failed, fresh, look, usual, worldOf } from './doctor.ts';
import { records, stage } from './stage.ts';

const edge = { ...internal, name: 'edge' };
const own = { ...internal, name: 'own', ca: { type: 'offline', authority: 'issuing' } };
const inProfile = (profile: string, more: Record<string, string>) => ({ ...more, [tags.profile]: profile });

/** Lets the renew function fail for the CAs of these profiles, with code and message. */
const failing =
  (answers: Readonly<Record<string, readonly [code: string, message: string]>>) =>
  (_: string, { askCa }: Record<string, unknown>) => {
    const [code, message] = answers[String(askCa)] ?? [];
    if (code !== undefined) throw new FunctionFailure(code, message ?? '');
    return {};
  };
const gone = ['CaUnavailable', "The CA at ca.example:9000 can't be reached (ECONNREFUSED): look."] as const;

describe('doctor, certificates', () => {
  it('makes one finding of one CA, its profiles, and the certificates that failed for it', async () => {
    const world = worldOf(
      {
        ...{ web: failed('CaUnavailable'), db: failed('CaUnavailable'), well: fresh },
        api: inProfile('edge', failed('CaUnavailable')),
      },
      internal,
      edge,
    );
    const { code, found } = await look({ world, invoke: failing({ internal: gone, edge: gone }) });
    expect(code).toBe(1);
    expect(found).toMatchObject([
      {
        ...{ check: 'renewals', grade: 'fault', names: ['web', 'db', 'api'] },
        says: expect.stringMatching(/^internal and edge: CaUnavailable, .* can't be reached .* 3 certificates/),
      },
    ]);
  });

  it('makes two findings of two CAs, and reports a CA before the first certificate fails', async () => {
    const world = worldOf({ web: fresh, api: inProfile('edge', fresh) }, internal, edge);
    const other = ['CaUnavailable', "The CA at edge.example can't be reached."] as const;
    const { found } = await look({ world, invoke: failing({ internal: gone, edge: other }) });
    expect(found).toMatchObject([
      { grade: 'fault', says: expect.stringMatching(/^internal: .*No certificate/), names: [] },
      { grade: 'fault', says: expect.stringMatching(/^edge: /), names: [] },
    ]);
  });

  it('groups the certificates by cause, the worst state first, and counts each once', async () => {
    const world = worldOf({
      ...{ web: failed('CaRejected'), db: failed('CaRejected'), bad: failed('KeyMismatch') },
      late: { ...expired, [tags.failure]: '9 2026-11-22T11:50:00Z CertificateExpired' },
    });
    const { found } = await look({ world });
    expect(found).toMatchObject([
      { names: ['late'], says: expect.stringMatching(/^1 expired certificate of .*CertificateExpired/) },
      { names: ['web', 'db'], says: expect.stringMatching(/^2 overdue certificates of internal: CaRejected/) },
      { names: ['bad'], next: 'cert-renewer rollback bad' },
    ]);
  });

  it('names the stack in the next command', async () => {
    const world = worldOf({ bad: failed('KeyMismatch') });
    const { stdout } = await stage({ world, invoke: () => ({}) }).cli('doctor', '--json', '--stack', 'Staging');
    expect(records(stdout)).toContainEqual(
      expect.objectContaining({ next: 'cert-renewer rollback bad --stack Staging' }),
    );
  });

  it('does not say that a CA answers while certificates fail because of its key', async () => {
    const { all } = await look({ world: worldOf({ web: failed('KmsDenied') }) });
    expect(all.filter(({ says }) => /its CA answers/.test(String(says)))).toEqual([]);
    const well = await look({ world: worldOf({ web: failed('CaRejected') }) });
    expect(well.all.filter(({ says }) => /its CA answers/.test(String(says)))).toHaveLength(1);
  });

  it('says that a CA answers again', async () => {
    const { found } = await look({ world: worldOf({ web: failed('CaUnavailable') }) });
    expect(found).toMatchObject([{ names: ['web'], fix: expect.stringMatching(/answers again/) }]);
  });

  it('does not send to doctor for a certificate that nothing has tried', async () => {
    const { found } = await look({ world: worldOf({ web: due }) });
    expect(found).toMatchObject([{ names: ['web'], fix: expect.stringMatching(/event source mapping/) }]);
    expect(JSON.stringify(found)).not.toMatch(/[Ll]et doctor/);
  });

  it('gives the advice of the kind of CA', async () => {
    const world = worldOf({ web: failed('CaUntrusted'), leaf: inProfile('own', failed('CaUntrusted')) }, internal, own);
    const { found } = await look({ world });
    const [ofStepCa, ofAuthority] = found.map(({ fix }) => String(fix));
    expect(found).toMatchObject([{ names: ['web'] }, { names: ['leaf'] }]);
    expect(ofStepCa).toMatch(/root or url/);
    expect(ofAuthority).not.toMatch(/\broot\b|\burl\b/);
  });

  it('reports a paused certificate whose time has run out as a fault, and counts the other paused ones', async () => {
    const paused = { [tags.paused]: 'true' };
    const world = worldOf({
      forgotten: { ...failed('CaRejected'), ...expired, ...paused },
      resting: { ...fresh, ...paused },
      web: fresh,
    });
    const { code, found } = await look({ world });
    expect(code).toBe(1);
    expect(found).toMatchObject([
      { grade: 'fault', names: ['forgotten'], next: 'cert-renewer resume forgotten' },
      { grade: 'note', names: ['resting'], says: expect.stringMatching(/^1 certificate is paused/) },
    ]);
  });

  it('reports missing declared certificates: a note before the first failure, then a fault', async () => {
    const declared = { [tags.declared]: 'd1' };
    const { code, found } = await look({ world: worldOf({ web: fresh, new: declared }) });
    expect(code).toBe(0);
    expect(found).toMatchObject([{ grade: 'note', names: ['new'] }]);
    const refused = {
      ...declared,
      [tags.versionId]: 'v1',
      [tags.failure]: '1 2026-11-22T11:50:00Z IssuanceNotAllowed',
    };
    const later = await look({ world: worldOf({ web: fresh, new: declared, refused }) });
    expect(later.code).toBe(1);
    expect(later.found).toMatchObject([
      { grade: 'fault', names: ['refused'], fix: expect.stringMatching(/issue\.allow/) },
      { grade: 'note', names: ['new'] },
    ]);
  });

  it('reports a wait for the CA as a note after hours, and not before', async () => {
    const waits = (name: string, since: number, again = start + 60_000) => ({
      ...fresh,
      [tags.order]: formatWait(name, { since, again, until: again }),
    });
    const brief = await look({ world: worldOf({ web: waits('v1', start - 5 * hour) }) });
    expect(brief).toMatchObject({ code: 0, found: [] });
    const lost = waits('v1', start - 8 * hour, start - hour);
    const missing = { [tags.declared]: 'd1', [tags.order]: waits('v1', start - 7 * hour)[tags.order] ?? '' };
    const { code, found } = await look({ world: worldOf({ web: waits('v1', start - 7 * hour), lost, missing }) });
    expect(code).toBe(0);
    expect(found).toMatchObject([
      { grade: 'note', names: ['web', 'missing'], says: expect.stringMatching(/^2 certificates wait for the CA/) },
    ]);
    expect(found[0]).toMatchObject({ link: expect.stringContaining('an-order-that-waits') });
  });

  it('asks the CA of a profile whose only certificate has a tag that is not valid', async () => {
    const asked: unknown[] = [];
    const world = worldOf({ web: { ...due, [tags.expiresIn]: 'soon' } });
    const { found } = await look({ world, invoke: (_, { askCa }) => asked.push(askCa) });
    expect(asked).toEqual(['internal']);
    const says = expect.stringMatching(/InvalidTag, The tag cert-renewer:expires-in is "soon"/);
    expect(found).toMatchObject([{ grade: 'fault', names: ['web'], says }]);
  });

  it('leads to the message of a failure before the next try, and from doctor to no other doctor', async () => {
    const { found } = await look({ world: worldOf({ web: failed('AccessDenied'), late: expired }) });
    expect(found).toMatchObject([
      { names: ['late'], next: 'cert-renewer renew late', fix: expect.not.stringMatching(/doctor/) },
      { names: ['web'], next: 'cert-renewer status web' },
    ]);
  });

  it('asks an authority whose secret is gone, tells nobody to enrol it, and reports the certificates too', async () => {
    const world = worldOf({ web: failed('CaRejected') });
    const deployment = async () => ({
      ...(await usual.deployment()),
      ...{ profiles: world.profiles, authorities: new FakeAuthorities(authority('issuing')) },
    });
    const invoke = failing({ 'authority:issuing': ['SecretNotFound', 'There is no secret pki/issuing.'] });
    const { found } = await look({ world, invoke, session: { deployment } });
    expect(found).toMatchObject([
      { grade: 'fault', names: ['web'] },
      { grade: 'fault', says: expect.stringMatching(/^authority:issuing: SecretNotFound/) },
    ]);
    expect(JSON.stringify(found)).not.toMatch(/cert-renewer enrol/);
  });

  it('never tells to enrol an authority with a wrong tag', async () => {
    const world = worldOf({});
    world.store.add({
      name: 'pki/issuing',
      value: '{}',
      versionId: 'v1',
      tags: { ...fresh, [tags.expiresIn]: 'soon' },
    });
    const deployment = async () => ({
      ...(await usual.deployment()),
      ...{ profiles: world.profiles, authorities: new FakeAuthorities(authority('issuing')) },
    });
    const { found } = await look({ world, session: { deployment } });
    expect(found).toMatchObject([{ grade: 'fault', next: 'cert-renewer plan pki/issuing' }]);
    expect(JSON.stringify(found)).not.toMatch(/cert-renewer enrol/);
  });

  it('reports the certificates without the permission to ask their CAs, and says so once', async () => {
    const denied = new RenewalError('AccessDenied', 'Lambda refused Invoke on "renew" (AccessDenied): allow it.');
    const world = worldOf({ web: failed('CaRejected'), api: inProfile('edge', fresh) }, internal, edge);
    const invoke = () => {
      throw denied;
    };
    const { found } = await look({ world, invoke });
    expect(found).toMatchObject([{ grade: 'fault', names: ['web'] }, { grade: 'unknown' }, { grade: 'unknown' }]);
    const { stdout } = await stage({ world, invoke }).cli('doctor');
    expect(stdout.match(/Not checked/g)).toHaveLength(1);
  });
});

describe('doctor, its lines', () => {
  const many = worldOf(Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [name, failed('CaRejected')])));

  it('names three certificates, and all of them with --verbose', async () => {
    const cli = (...more: string[]) => stage({ world: many, invoke: () => ({}) }).cli('doctor', ...more);
    expect((await cli()).stdout).toMatch(/^ {9}a, b, c and 2 more/m);
    expect((await cli('--verbose')).stdout).toMatch(/^ {9}a\n {9}b\n {9}c\n {9}d\n {9}e$/m);
  });

  it.each([60, 80, 200])('fits %i columns, and loses nothing', async (columns) => {
    const options = { world: many, invoke: failing({ internal: gone }) };
    const wide = await stage(options).cli('doctor');
    const { stdout } = await stage({ ...options, tty: true, columns, env: { NO_COLOR: '1' } }).cli('doctor');
    const words = (text: string) => text.split(/\s+/);
    expect(words(stdout)).toEqual(words(wide.stdout));
    const long = stdout.split('\n').filter((line) => line.length > columns && !/^ {9}https:\S+$/.test(line));
    expect(long).toEqual([]);
    // A command is copied in one piece.
    expect(stdout).not.toMatch(/\bcert-renewer\n +[a-z]/);
  });

  const noises: [string, string, string][] = [
    [
      'a timeout of Lambda',
      'Sandbox.Timedout',
      '2026-11-22T12:00:00.000Z 6c1b1e0a-1111-4222-8333-444455556666 Task timed out after 60.00 seconds',
    ],
    [
      'a crash',
      'Runtime.ExitError',
      'RequestId: 6c1b1e0a-1111-4222-8333-444455556666 Error: Runtime exited with error: signal: killed',
    ],
    [
      'a stack',
      'Error',
      'Error: it broke\n    at Object.<anonymous> (/var/task/index.mjs:1:2)\n    at node:internal/main:3',
    ],
    ['no address', 'Error', 'getaddrinfo ENOTFOUND ca.example'],
    ['an answer that the SDK does not know', 'UnknownError', 'UnknownError: Unknown'],
    [
      'OpenSSL',
      'Error',
      'write EPROTO 00A0F1D3:error:0A000410:SSL routines:ssl3_read_bytes:sslv3 alert handshake failure:../deps/openssl/ssl/record.c:1605:SSL alert number 40',
    ],
  ];
  it.each(noises)('shows %s in one line without what libraries add', async (_, errorType, message) => {
    const { found } = await look({ invoke: failing({ internal: [errorType, message] }) });
    const says = String(found[0]?.['says']);
    expect(says).toMatch(/^internal: the renew function failed/);
    expect(says).not.toMatch(
      /\n|RequestId|[0-9a-f]{8}-|\bat \S+:\d|getaddrinfo|UnknownError: |:SSL routines|\d{4}-\d\d-\d\dT/,
    );
  });
});
