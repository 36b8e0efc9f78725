/** `status <name>` on the deployed stack, as users with the permissions of docs/cli.md, and with fewer. */
import { beforeAll, expect, it } from 'vitest';
import { describeStack } from '../../cli/aws/cloudformation.ts';
import { status } from '../../cli/commands/status.ts';
import { type Needs, policyFor } from '../../cli/permissions.ts';
import { ROOT, waitFor } from '../../testkit/local-aws/client.ts';
import { REGION } from '../../testkit/local-aws/ministack.ts';
import { records } from '../cli/stage.ts';
import { userWith } from '../local-aws/iam.ts';
import { here } from '../support/command-here.ts';
import { type Environment, onTerminal, screen } from '../support/command-line.ts';
import { describeWith } from '../support/local.ts';
import { camel } from '../support/on-demand.ts';
import { aged, renewerOf } from '../support/renewer.ts';

describeWith(['stack', 'step-ca'], 'status <name>', (local) => {
  const { fresh, put, scan, settled } = renewerOf(local);
  const users: Record<string, Environment> = {};
  const without = (action: string): Needs => status.needs.filter(({ actions }) => !actions.includes(action));

  beforeAll(async () => {
    const { endpoint } = local.emulator;
    const stack = await describeStack({ endpoint, region: REGION, credentials: ROOT }, 'CertRenewer');
    if (!stack) throw new Error('the stack is not there');
    const nowhere = { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' };
    const of: Record<string, Needs> = {
      ...{ all: status.needs, 'no log': without('logs:FilterLogEvents') },
      'only the list': status.needs.filter(({ when }) => !when?.startsWith('optional')),
    };
    for (const [name, needs] of Object.entries(of)) {
      const { accessKeyId, secretAccessKey } = await userWith(local.emulator, ...policyFor(needs, stack).Statement);
      const who = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
      users[name] = { AWS_ENDPOINT_URL: endpoint, AWS_REGION: REGION, ...nowhere, ...who };
    }
  });

  async function shown(user: string, name: string) {
    const { code, stdout, output } = await here(users[user] ?? {}, 'status', name, '--json');
    const [found = {}] = records(stdout);
    return { code, found, output };
  }

  /** Scans it, and waits until its log line is there, which comes when the invocation has ended. */
  async function failed(name: string, code: string) {
    await scan([name]);
    return waitFor('the message of the failure', async () => {
      const answer = await shown('all', name);
      const { failure } = answer.found as { failure?: { code: string; message: string | null } | null };
      return failure?.code === code && failure.message !== null && { ...answer, failure };
    });
  }

  it('shows what is in the secret, and needs no right to read its value', async () => {
    const web = await fresh({ profile: 'cli' });
    await scan([web.arn]);
    await settled(web, () => true);
    const { code, found, output } = await shown('all', web.name);
    expect(code, output).toBe(0);
    const { certificate, versionId } = { certificate: web.leaf.certificate, versionId: web.versionId };
    expect(found).toMatchObject({
      ...{ state: 'ok', notShown: [], next: null, now: null, declaration: null },
      certificate: {
        serialNumber: certificate.serialNumber.toLowerCase(),
        fingerprintSha256: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
      },
      window: { source: 'default', set: null },
      versions: [{ versionId, stages: ['AWSCURRENT'], createdAt: expect.stringMatching(/Z$/) }],
    });
    expect(output).not.toContain('PRIVATE');
    const words = ['status', web.name];
    const terminal = await onTerminal(users['all'] ?? {}, words, { columns: 60 });
    expect(screen(terminal.output).join('\n')).toMatch(/^Key +EC P-256$/m);
  });

  it('shows the message of a try that will be repeated, and says what is missing without the log', async () => {
    const web = await fresh({ profile: 'unreachable' }, aged(22));
    const { code, found, failure } = await failed(web.name, 'CaUnavailable');
    expect(code).toBe(1);
    expect(failure.message).toContain('The CA at 127.0.0.1:1 ');
    expect(found).toMatchObject({ certificate: {}, cause: { code: 'CaUnavailable' }, notShown: [] });
    const denied = await shown('no log', web.name);
    expect(denied.code).toBe(1);
    expect(denied.found).toMatchObject({
      certificate: {},
      failure: { code: 'CaUnavailable', message: null },
      notShown: [{ part: 'message', reason: expect.stringContaining('logs:FilterLogEvents') }],
    });
    const least = await shown('only the list', web.name);
    expect(least.code, least.output).toBe(1);
    expect(least.found).toMatchObject({ name: web.name, certificate: null, failure: { code: 'CaUnavailable' } });
    const { notShown } = least.found as { notShown: readonly { part: string; reason: string }[] };
    expect(notShown.map(({ part, reason }) => `${part}: ${reason}`)).toEqual([
      expect.stringMatching(/^certificate: It needs lambda:InvokeFunction /),
      expect.stringMatching(/^message: It needs lambda:GetFunctionConfiguration /),
      expect.stringMatching(/^dates: It needs secretsmanager:ListSecretVersionIds /),
    ]);
  });

  it('shows the message of a final failure, and finds a fault before the schedule does', async () => {
    const [leaf, other] = await Promise.all([fresh({ profile: 'cli' }), fresh({ profile: 'cli' })]);
    const name = await put(camel(leaf.leaf, other.leaf.keyPem), { profile: 'cli' });
    const before = await shown('all', name);
    expect(before.code, before.output).toBe(1);
    expect(before.found).toMatchObject({
      ...{ state: 'unknown', failure: null, certificate: null },
      now: { code: 'KeyMismatch', message: expect.stringContaining('does not match') },
      next: { command: `cert-renewer rollback ${name}` },
    });
    const { found, failure } = await failed(name, 'KeyMismatch');
    expect(failure.message).toBe(Object(before.found['now']).message);
    expect(found).toMatchObject({ state: 'failing', now: null, cause: { code: 'KeyMismatch' } });
  });
});
