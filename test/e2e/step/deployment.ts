/** Settings of the deployment: --offline and --ca-config, and the hooks for --exec, --pid and --signal. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'vitest';
import { validateConfig } from '../../../cdk/config/config.ts';
import { type CommandDocument, execDocument, signalDocument } from '../../../cdk/hooks/command-document.ts';
import { issue } from '../../../testkit/cas/leaf.ts';
import { step } from '../../../testkit/tools/go-tools.ts';
import { beside, type Desk, type Files } from '../../support/programs.ts';
import { keptStatements, refusals } from '../judges.ts';
import { expectRekeyed, type Row } from './row.ts';

const stepTool = await step();

/** A configuration with an authority of the stack's own and a profile that it renews. */
const withAuthority = (authority: object) => ({
  profiles: { offline: { ca: { type: 'offline', authority: 'issuing' } } },
  authorities: { issuing: { create: { subject: 'CN=Issuing', key: 'EC P-256', validity: '26280h' }, ...authority } },
});
const origin = { source: 'cert-renewer.json', baseDirectory: '.' };
export const offline: Row[] = [
  {
    here: 'a profile with ca.type offline: its authority signs, by its own rules and without a server',
    see: async (world) => {
      const secret = await world.fresh({ profile: 'offline' });
      await expectRekeyed(world, secret, await world.renew({ secretId: secret.arn }));
      const { pair, certificate } = await world.reader(secret.arn);
      expect(await refusals([pair.certificate], { root: world.ca.rootPem, chain: pair.chain })).toEqual([]);
      expect(await keptStatements(pair.certificate, 'rekey')).toEqual(
        await keptStatements(secret.leaf.certificatePem, 'rekey'),
      );
      // By its ca.json, not by the CA's server, whose backdate is a minute.
      const backdate = Date.now() - Date.parse(certificate.validFrom);
      expect(backdate).toBeGreaterThanOrEqual(120_000);
      expect(backdate).toBeLessThan(150_000);
    },
  },
  {
    here: 'a profile with ca.type offline: a certificate that the authority did not sign is CaUntrusted',
    see: async (world) => {
      const secret = await world.fresh({ profile: 'offline', ca: world.stack.lenient.access });
      expect(await world.refused({ secretId: secret.arn, force: true })).toMatchObject({ errorType: 'CaUntrusted' });
      expect(await world.versions(secret.arn)).toEqual([secret.versionId]);
    },
  },
  {
    here: 'a profile with ca.type offline: its authority must be in the configuration',
    see: async () => {
      expect(validateConfig(withAuthority({}), origin)).toMatchObject(withAuthority({}));
      const other = { ...withAuthority({}), authorities: {} };
      expect(() => validateConfig(other, origin)).toThrow(/no authority of that name/);
    },
  },
];
export const caConfig: Row[] = [
  {
    here: 'an authority with caConfig, a ca.json that must exist',
    see: async () => {
      expect(() => validateConfig(withAuthority({ caConfig: 'no-such-ca.json' }), origin)).toThrow(/no-such-ca\.json/);
    },
  },
];

const targetTag = { key: 'Role', value: 'web' };

/**
 * There is no instance, so sh runs the document that the deployment gives to Systems Manager, as the agent would: beside these
 * files, with the event's two values as the agent passes them.
 */
const asTheAgent = async (
  document: CommandDocument,
  files: Files,
  use: (desk: Desk) => Promise<void>,
): Promise<void> => {
  const script = document.mainSteps.flatMap(({ inputs }) => inputs.runCommand).join('\n');
  const environment = ['SSM_secretArn=arn:aws:secretsmanager:eu-central-1:111122223333:secret:web', 'SSM_versionId=v1'];
  await beside({ ...files, script }, async (desk) => {
    await desk.call('env', ...environment, 'sh', 'script');
    await use(desk);
  });
};

/** Checks that the deployment accepts it, and rejects a misspelt key beside it. */
function expectDeployable(hook: object): void {
  const configured = (hooks: object[]) => ({ profiles: { web: { ...withAuthority({}).profiles.offline, hooks } } });
  const valid = { ...withAuthority({}), ...configured([hook]) };
  expect(validateConfig(valid, origin)).toMatchObject(valid);
  const misspelt = { ...withAuthority({}), ...configured([{ ...hook, comand: 'x' }]) };
  expect(() => validateConfig(misspelt, origin)).toThrow(/comand/);
}

export const exec: Row[] = [
  {
    here: 'a hook { type: "exec", command: "nginx -s reload" }: that command is run, quotes and all, on the instances by tag',
    see: async () => {
      const command = 'PATH="$PWD:$PATH"; sh nginx -s "reload now"';
      expectDeployable({ type: 'exec', command, targetTag });
      const nginx = 'printf "%s|" "$CERT_RENEWER_SECRET_ARN" "$CERT_RENEWER_VERSION_ID" "$@" > called';
      await asTheAgent(execDocument(command), { nginx }, async ({ read }) => {
        const arn = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:web';
        expect((await read('called')).toString()).toBe(`${arn}|v1|-s|reload now|`);
      });
    },
  },
];
export const execToDer: Row[] = [
  {
    here: 'a hook { type: "exec", command: "… | step certificate format --force --out internal.der" }',
    see: async ({ ca }) => {
      if (!stepTool.found) throw new Error(stepTool.message);
      const command = `sh secret-value "$CERT_RENEWER_SECRET_ARN" > internal.crt && ${stepTool.path} certificate format --force --out internal.der internal.crt`;
      expectDeployable({ type: 'exec', command, targetTag });
      const { certificatePem, certificate } = await issue(ca);
      const files = { 'secret-value': 'cat certificate', certificate: certificatePem };
      await asTheAgent(execDocument(command), files, async ({ read }) => {
        expect(await read('internal.der')).toEqual(certificate.raw);
      });
    },
  },
];
export const signal: Row[] = [
  {
    here: 'a hook { type: "signal", pidFile, signal }: the process whose id is in the file gets it, SIGHUP by default',
    see: async () => {
      expectDeployable({ type: 'signal', pidFile: '/run/nginx.pid', signal: 1, targetTag });
      const process = spawn('sleep', ['60']);
      const ended = once(process, 'exit');
      const folder = { pid: `${process.pid}\n` };
      await asTheAgent(signalDocument('pid', 1), folder, async () => expect((await ended)[1]).toBe('SIGHUP'));
    },
  },
  {
    here: 'a hook { type: "signal" } with a file that holds something else: nothing gets a signal',
    see: async () => {
      for (const pid of ['-1', '0', '1 2', '']) {
        await expect(asTheAgent(signalDocument('pid', 0), { pid }, async () => {})).rejects.toThrow(/no process id/);
      }
    },
  },
];
