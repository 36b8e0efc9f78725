/**
 * Runs each command in a process of its own, in a terminal or in a pipe, and other lines of it in this process: always as a user with
 * exactly the permissions that docs/cli.md lists for the command.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeStack } from '../../cli/aws/cloudformation.ts';
import { commands } from '../../cli/commands/index.ts';
import { policyFor } from '../../cli/permissions.ts';
import { issue } from '../../testkit/cas/leaf.ts';
import { invoke, ROOT, uniqueName, waitFor } from '../../testkit/local-aws/client.ts';
import { REGION } from '../../testkit/local-aws/ministack.ts';
import type { Finished } from '../../testkit/tools/process.ts';
import { records } from '../cli/stage.ts';
import { userWith } from '../local-aws/iam.ts';
import { here } from '../support/command-here.ts';
import { inPipe, onTerminal, screen } from '../support/command-line.ts';
import { gateKeeper } from '../support/gate.ts';
import { describeWith } from '../support/local.ts';
import { aged, renewerOf } from '../support/renewer.ts';

const enrolment = ['--profile', 'cli'];

describeWith(['stack', 'step-ca'], 'the command line', (local) => {
  const { renew, refused, fresh, look, settled, scan } = renewerOf(local);
  const ask = async (askCa: string) =>
    (await invoke(local.emulator, local.outputs['RenewFunctionName'] ?? '', { askCa })).payload;
  const users = new Map<string, Record<string, string>>();
  let folder: string;

  beforeAll(async () => {
    const { endpoint } = local.emulator;
    const stack = await describeStack({ endpoint, region: REGION, credentials: ROOT }, 'CertRenewer');
    if (!stack) throw new Error('the stack is not there');
    folder = await mkdtemp(join(tmpdir(), 'cert-renewer-cli-'));
    for (const { name, needs } of commands) {
      const nothing = { Effect: 'Deny', Action: '*', Resource: '*' };
      const allowed = needs.length === 0 ? [nothing] : policyFor(needs, stack).Statement;
      const { accessKeyId, secretAccessKey } = await userWith(local.emulator, ...allowed);
      const who = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
      const nowhere = { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' };
      users.set(name, { AWS_ENDPOINT_URL: endpoint, AWS_REGION: REGION, ...nowhere, ...who });
    }
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** Runs a command as a user with these permissions only, in a terminal where a person would use one. */
  const envOf = (name: string | undefined) => users.get(name ?? '') ?? {};
  const line = (...words: string[]): Promise<Finished> => here(envOf(words[0]), ...words);
  const pipe = (...words: string[]): Promise<Finished> => inPipe(envOf(words[0]), ...words);
  const terminal = (...words: string[]): Promise<Finished> => onTerminal(envOf(words[0]), words, { columns: 160 });
  const said = ({ code, output }: Finished) => ({ code, output });

  it('status: a row from tags, an exit code for cron, the same in NDJSON', async () => {
    const [good, bad] = [
      await fresh({ profile: 'cli' }),
      await fresh({ profile: 'cli', tags: { 'expires-in': 'soon' } }),
    ];
    await scan([good.arn]);
    await settled(good, () => true);
    const piped = await pipe('status', good.name, '--json');
    expect(said(piped).code, piped.output).toBe(0);
    expect(records(piped.stdout)).toMatchObject([{ name: good.name, profile: 'cli', state: 'ok', overdue: false }]);
    const shown = await terminal('status', good.name, bad.name);
    expect(shown.code, shown.output).toBe(1);
    const lines = screen(shown.output).join('\n');
    expect(lines).toMatch(new RegExp(`^${good.name} .*\\bok +in 2\\dh`, 'm'));
    expect(lines).toMatch(new RegExp(`^${bad.name} .*\\bfailing\\b`, 'm'));
    expect(lines.replace(/\s+/g, ' ')).toContain('InvalidTag: The tag cert-renewer:expires-in is "soon"');
    expect(lines).toContain('1 failing, 1 ok');
    const all = await line('status', '--profile', 'cli', '--json');
    expect(records(all.stdout).map(({ name }) => name)).toEqual(expect.arrayContaining([good.name, bad.name]));
  });

  it('report: the same as a page', async () => {
    const { name } = await fresh({ profile: 'cli' });
    const [piped, shown] = [join(folder, 'piped.html'), join(folder, 'shown.html')];
    expect((await line('report', '--html', piped, '--profile', 'cli')).output).toMatch(
      /piped\.html: \d+ certificates?\n/,
    );
    expect((await terminal('report', '--html', shown)).code).toBe(0);
    for (const file of [piped, shown]) expect(await readFile(file, 'utf8')).toContain(JSON.stringify(name));
  });

  it('plan: a reason for each certificate', async () => {
    const { name } = await fresh({ profile: 'cli' });
    const piped = await line('plan', name, '--json');
    expect(records(piped.stdout), piped.output).toMatchObject([
      { name, action: 'inspect', reason: { code: 'Unknown' } },
    ]);
    expect(screen((await terminal('plan', name)).output).join('\n')).toMatch(
      new RegExp(`^${name} +cli +inspect +Unknown: `, 'm'),
    );
  });

  it('scan: sends what is due to the queue, and a worker renews it', async () => {
    const [due, paused] = [
      await fresh({ profile: 'cli' }, aged(22)),
      await fresh({ profile: 'cli', tags: { paused: 'true' } }),
    ];
    const piped = await line('scan', due.name, paused.name, '--json');
    expect(said(piped).code, piped.output).toBe(0);
    expect(records(piped.stdout)).toMatchObject([{ listed: 2, enqueued: 1, paused: 1, unknown: 1, notFound: [] }]);
    expect((await settled(due, (versions) => versions.length === 2)).versionId).toMatch(/^cert-renewer-/);
    const shown = await terminal('scan', paused.name, 'nowhere', '--force');
    expect(shown.code, shown.output).toBe(1);
    const lines = screen(shown.output).join('\n');
    expect(lines).toMatch(/^1 certificate scanned in \S+: 1 sent to the queue\.$/m);
    expect(lines).toMatch(/^nowhere: SecretNotEnrolled: /m);
    expect(lines).toMatch(/cert-renewer status$/m);
    await settled(paused, (versions) => versions.length === 2);
    expect((await line('scan', '--profile', 'no-such-profile')).code).toBe(2);
  });

  it('dead-letters: reads the queues, and takes nothing out', async () => {
    const shown = await line('dead-letters', '--json');
    expect([0, 1], shown.output).toContain(shown.code); // other tests may have made some
    expect((await terminal('dead-letters', '--queue', 'scan')).code).toBeLessThan(2);
  });

  it('renew: now, with options, one that fails beside one that succeeds', async () => {
    const [web, broken] = [await fresh({ profile: 'cli' }), await fresh({ profile: 'unreachable' })];
    const piped = await pipe('renew', web.name, broken.name, '--kty', 'RSA', '--size', '2048', '--json');
    expect(piped.code, piped.output).toBe(1);
    expect(records(piped.stdout)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ secretId: web.name, outcome: 'rekeyed', keyAlgorithm: 'RSA 2048' }),
        expect.objectContaining({
          secretId: broken.name,
          outcome: 'failed',
          error: expect.objectContaining({ errorType: 'CaUnavailable' }),
        }),
      ]),
    );
    const shown = await terminal('renew', '--profile', 'cli', '--dry-run', '--mode', 'renew', '--force');
    expect(shown.output).toMatch(/\] \d+ of \d+/);
    expect(screen(shown.output).join('\n')).toMatch(new RegExp(`^${web.name} +planned +Forced: `, 'm'));
  });

  it('rollback: the previous pair, paused, and no scan undoes it; resume ends it', async () => {
    const web = await fresh({ profile: 'cli' }, aged(22));
    await renew({ secretId: web.arn });
    const after = await look(web.arn);
    const shown = await terminal('rollback', web.name);
    expect(shown.code, shown.output).toBe(0);
    const back = await look(web.arn);
    expect(back.versionId).toBe(web.versionId);
    expect(back.stages.get('AWSPREVIOUS')).toBe(after.versionId);
    const { notAfter } = { notAfter: `${web.leaf.certificate.validToDate?.toISOString().slice(0, 19) ?? ''}Z` };
    expect(Object.fromEntries(back.tags)).toMatchObject({
      'cert-renewer:paused': 'true',
      'cert-renewer:version-id': web.versionId,
      'cert-renewer:not-after': notAfter,
    });
    expect(await scan([web.arn])).toMatchObject({ paused: 1, enqueued: 0 });
    expect(screen((await terminal('resume', web.name)).output)).toContain(`${web.name}: resumed`);
    expect(await scan([web.arn])).toMatchObject({ enqueued: 1 });
    const renewed = await settled(web, (versions) => versions.length === 3);
    expect([web.versionId, after.versionId]).not.toContain(renewed.versionId);
    expect(records((await line('rollback', web.name, '--json')).stdout)).toMatchObject([
      { name: web.name, versionId: web.versionId, previousVersionId: renewed.versionId, paused: true },
    ]);
  });

  it('pause, resume, unenrol and enrol: tags, and nothing else', async () => {
    const web = await fresh({ profile: 'cli' });
    expect(said(await line('pause', web.name))).toMatchObject({ code: 0 });
    expect((await look(web.arn)).tags.get('cert-renewer:paused')).toBe('true');
    expect(said(await line('resume', web.name))).toEqual({ code: 0, output: `${web.name}: resumed\n` });
    expect(screen((await terminal('pause', web.name)).output)[0]).toMatch(/: paused until cert-renewer resume/);
    expect(said(await terminal('unenrol', web.name))).toMatchObject({ code: 0 });
    expect([...(await look(web.arn)).tags.keys()]).toEqual([]);
    const again = await line('enrol', web.name, ...enrolment, '--expires-in', '33%', '--json');
    expect(records(again.stdout), again.output).toMatchObject([
      { name: web.name, profile: 'cli', previousProfile: null },
    ]);
    expect((await look(web.arn)).tags.get('cert-renewer:expires-in')).toBe('33pct');
    expect((await look(web.arn)).versionId).toBe(web.versionId);
    expect(said(await line('unenrol', web.name))).toMatchObject({ code: 0 });
    expect(screen((await terminal('enrol', web.name, ...enrolment)).output)[0]).toMatch(/: enrolled in cli; /);
  });

  it('import and export: files to a secret that is renewed, and its new pair to files', async () => {
    const leaf = await issue(local.ca, aged(1));
    const [cert, key] = [join(folder, 'web.crt'), join(folder, 'web.key')];
    await writeFile(cert, leaf.certificatePem + leaf.chainPem);
    await writeFile(key, leaf.keyPem);
    const name = uniqueName('imported');
    const made = await terminal('import', name, '--cert', cert, '--key', key, ...enrolment);
    expect(made.code, made.output).toBe(0);
    expect(await renew({ secretId: name })).toMatchObject({ outcome: 'rekeyed', profile: 'cli' });
    const words = ['export', name, '--out-cert', cert, '--out-key', key];
    expect(said(await line(...words))).toMatchObject({ code: 1, output: expect.stringContaining('OutputExists') });
    expect(await readFile(cert, 'utf8')).toBe(leaf.certificatePem + leaf.chainPem);
    const exported = await pipe(...words, '--force', '--json');
    expect(exported.code, exported.output).toBe(0);
    const certificate = new X509Certificate(await readFile(cert));
    expect(certificate.checkPrivateKey(createPrivateKey(await readFile(key)))).toBe(true);
    expect(certificate.serialNumber).not.toBe(leaf.certificate.serialNumber);
    expect((await stat(key)).mode & 0o777).toBe(0o600);
    const again = await line('import', uniqueName('imported'), '--cert', cert, '--key', key, ...enrolment);
    expect(again.code, again.output).toBe(0);
    const p12 = await terminal(...words, '--force', '--format', 'p12');
    expect(p12.code, 'there is no password').toBe(1);
    expect(screen(p12.output)[0]).toMatch(/PasswordRequired/);
    expect(certificate.checkPrivateKey(createPrivateKey(await readFile(key)))).toBe(true);
  });

  it('doctor: may read everything that it checks, and reports what it finds', { timeout: 150_000 }, async () => {
    const stray = await fresh({ profile: 'cli', tags: { 'expires-on': 'never', paused: 'true' } });
    await scan([stray.arn]);
    // It checks the whole account, where other tests work too. So two findings are allowed: the CA behind the gate may be
    // shut, and another test's scan may have been refused within the last minute.
    const gate = gateKeeper(local.stack.gateControl);
    const { findings, output } = await waitFor(
      'a minute without a scan that failed',
      async () => {
        const looked = await gate.alone(() => line('doctor', '--json'));
        const found = records(looked.stdout);
        const refusedJustNow = found.some(({ says }) => /^The scan of .* failed\.$/.test(String(says)));
        return !refusedJustNow && { findings: found, output: looked.output };
      },
      { within: 100_000, pause: 10_000 },
    );
    expect(
      findings.filter(({ grade }) => grade === 'unknown'),
      output,
    ).toEqual([]);
    const of = (check: string) => findings.filter((finding) => finding['check'] === check);
    expect(of('stack')).toMatchObject([{ grade: 'ok', fix: null }]);
    expect(of('functions')).toMatchObject([{ grade: 'ok' }, { grade: 'ok' }, { grade: 'ok' }]); // the probe's too
    expect(of('schedule')).toMatchObject([{ grade: 'ok' }, { grade: 'ok' }]);
    expect(of('last scan'), output).toMatchObject([{ grade: 'ok' }]);
    expect(of('queues').map(({ says }) => says)).toContainEqual(expect.stringMatching(/in the queue/));
    expect(of('renewals')).toContainEqual(expect.objectContaining({ grade: 'ok', says: 'cli: its CA answers.' }));
    expect(await refused({ askCa: 'unreachable' })).toMatchObject({ errorType: 'CaUnavailable' });
    expect(await refused({ askCa: 'untrusted' })).toMatchObject({ errorType: 'CaUntrusted' });
    expect(await refused({ askCa: 'nowhere' })).toMatchObject({ errorType: 'UnknownProfile' });
    expect(await ask('offline')).toMatchObject({ profile: 'offline', ca: 'offline' });
    expect(await ask('authority:api-root')).toMatchObject({ ca: 'authority' });
    expect(of('tags')).toContainEqual(
      expect.objectContaining({
        ...{ check: 'tags', grade: 'fault', fix: expect.stringContaining('expires-in') },
        says: expect.stringContaining('cert-renewer:expires-on, which has no meaning'),
        names: expect.arrayContaining([stray.name]),
      }),
    );
    expect(findings.at(-1)).toMatchObject({ summary: { unknown: 0, mendFirst: { says: expect.any(String) } } });
    const shown = await gate.alone(() => terminal('doctor'));
    expect(screen(shown.output).join('\n')).toMatch(/^ok {5} {2}The schedule is on\.$/m);
  });

  it('completion: scripts, and the words that they ask for', async () => {
    expect((await line('completion', 'bash')).stdout).toContain('complete ');
    expect((await terminal('completion', 'fish')).output).toContain('complete -c cert-renewer');
    const { name } = await fresh({ profile: 'cli' });
    // On a busy machine the answer may come too late, and then there are no words.
    const words = (start: typeof here, ...asked: string[]) =>
      waitFor('the words', async () => {
        const { code, output } = await start(envOf('completion'), '__complete', ...asked);
        return (code !== 0 || output !== '') && output;
      });
    expect(await words(inPipe, 'names', `--prefix=${name.slice(0, -2)}`)).toBe(`${name}\n`);
    expect(await words(here, 'secrets', `--prefix=${name}`)).toBe(`${name}\n`);
    expect(await words(here, 'profiles', '--prefix=unre')).toBe('unreachable\n');
    const denied = await here(envOf('scan'), '__complete', 'names');
    expect(said(denied)).toEqual({ code: 0, output: '' });
  });

  it('a denied call names the permission to add', async () => {
    const { name, versionId, arn } = await fresh({ profile: 'cli' });
    const denied = await here(envOf('deploy'), 'rollback', name);
    expect(denied.code).toBe(1);
    expect(denied.output).toMatch(/AccessDenied: .*docs\/cli\.md/);
    expect((await look(arn)).versionId).toBe(versionId);
    const nobody = await here({ ...envOf('plan'), AWS_SECRET_ACCESS_KEY: 'wrong' }, 'status');
    expect(nobody.code, nobody.output).toBe(3);
    expect(nobody.output).toMatch(/^NoCredentials: /m);
    const hidden = await here(envOf('status'), 'status', '--stack', 'Nowhere');
    expect(said(hidden)).toMatchObject({ code: 3, output: expect.stringMatching(/^AccessDenied: .*DescribeStacks/) });
    const { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY } = ROOT;
    const everything = { ...envOf('status'), AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };
    const nowhere = await here(everything, 'status', '--stack', 'Nowhere');
    expect(nowhere.code, nowhere.output).toBe(3);
    expect(nowhere.output).toMatch(/^NoStack: .* Nowhere in the account \d{12} and the Region us-east-1: /m);
  });

  it.each(['enrol', 'import', 'declare', 'plan', 'renew', 'status'])(
    '%s lists the profiles of the stack if --profile names none of them, with its own permissions',
    async (command) => {
      const more: Readonly<Record<string, readonly string[]>> = {
        enrol: ['web'],
        import: ['web', '--cert', 'web.crt', '--key', 'web.key'],
        declare: ['web', '--dns', 'web.svc.example'],
      };
      const refused = await line(command, '--profile', 'clii', ...(more[command] ?? []));
      expect(refused.code, refused.output).toBe(2);
      expect(refused.output).toMatch(/^UnknownProfile: .*clii \(did you mean cli\?\)\. Its profiles are .*offline/m);
    },
  );

  it('plan warns of a window, and enrol removes a tag that is not valid, with their own permissions', async () => {
    const web = await fresh({ profile: 'cli', tags: { 'expires-in': '99pct' } });
    const planned = await line('plan', web.name);
    expect(planned.code, planned.output).toBe(0);
    expect(planned.output).toMatch(new RegExp(`^${web.name}: warning WindowClamped: `, 'm'));
    const bad = await fresh({ profile: 'cli', tags: { 'expires-in': '30d' } });
    const enrolled = await line('enrol', bad.name, ...enrolment, '--json');
    expect(records(enrolled.stdout), enrolled.output).toMatchObject([{ removed: ['cert-renewer:expires-in'] }]);
    expect([...(await look(bad.arn)).tags.keys()]).toEqual(['cert-renewer:profile']);
  });
});
