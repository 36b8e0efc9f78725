/**
 * The blocks of docs/operations.md, typed into a shell as they are on the page, with the AWS CLI, step, openssl and jq. Those of an outage
 * are typed in outage.test.ts.
 */
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateKeyCommand, DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { CreateSecretCommand, DescribeSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { listResources } from '../../cli/aws/cloudformation.ts';
import { forge, issue, type Leaf } from '../../testkit/cas/leaf.ts';
import { client, ROOT, uniqueName } from '../../testkit/local-aws/client.ts';
import { type EnrolledSecret, enrol, look } from '../../testkit/local-aws/enrolled.ts';
import { REGION } from '../../testkit/local-aws/ministack.ts';
import { awsCli } from '../../testkit/tools/aws-cli.ts';
import { step } from '../../testkit/tools/go-tools.ts';
import { required } from '../../testkit/tools/tool.ts';
import { ADMIN } from '../support/e2e-config.ts';
import { describeFound, describeWith } from '../support/local.ts';
import { camel, dueDates, renewNow } from '../support/on-demand.ts';
import { findProgram } from '../support/programs.ts';
import { blocksOf, type RunbookBlock } from '../support/runbook.ts';
import { type Ran, runbookShell } from '../support/runbook-shell.ts';

const [python, stepTool] = [await awsCli(), await step()];
const others = await Promise.all(
  [
    ['jq', '--version'],
    ['openssl', 'version'],
  ].map(([name = '', version = '']) => findProgram(name, [version], `install ${name}.`)),
);

/** The blocks of the page for this file, by section. */
const sections = new Map<string, readonly RunbookBlock[]>();
for (const block of blocksOf('runbook-typed.test.ts')) {
  sections.set(block.section, [...(sections.get(block.section) ?? []), block]);
}

/**
 * Takes the place of a person at `step`, who is asked for the password of the provisioner. `step ca revoke` accepts no file with the
 * password, and takes a token instead.
 */
const stepScript = (program: string) => `
export STEPPATH="$HOME/.step" STEP_PROVISIONER=${ADMIN.name} STEP_PROVISIONER_PASSWORD_FILE="$HOME/password"
if [ "$2" = revoke ]; then
  serial=$3; shift 3
  number=$('${process.execPath}' -p "String(BigInt('$serial'))")
  STEP_TOKEN=$('${program}' ca token "$@" --revoke "$number"); export STEP_TOKEN
  exec '${program}' ca revoke "$serial" "$@"
fi
exec '${program}' "$@"`;

describeFound([python, stepTool, ...others], 'the tools of the runbook', () => {
  describeWith(['stack', 'step-ca'], 'the runbook, typed', ({ emulator, ca, outputs, stack }) => {
    const renew = (request: object) => renewNow(emulator, outputs['RenewFunctionName'] ?? '', request);
    const secrets = () => client(SecretsManagerClient, emulator);
    const enrolled = (leaf: Leaf, profile = 'internal'): Promise<EnrolledSecret> =>
      enrol(emulator, { value: camel(leaf, leaf.keyPem), profile, name: 'runbook' });
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'cert-renewer-runbook-'));
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    const { url, rootPem } = stack.lenient.access;
    /** What stands on the page for a reader's own. */
    const own = { 'https://ca.example:9000': url, internal: 'lenient' };

    /** Opens a shell in a folder of its own. Returns a function that types one block, whose commands have to succeed. */
    async function desk(): Promise<{ readonly folder: string; readonly type: typeof typed }> {
      const at = await mkdtemp(join(folder, 'desk-'));
      await writeFile(join(at, 'root_ca.crt'), rootPem);
      await writeFile(join(at, 'password'), ADMIN.password);
      const programs = { python: required(python), step: stepScript(required(stepTool)) };
      const shell = await runbookShell(programs, { folder: at, env: { ...emulator.env } });
      async function typed(
        block: RunbookBlock | undefined,
        names: Readonly<Record<string, string>> = {},
        codes: readonly number[] = [],
      ): Promise<readonly Ran[]> {
        if (block === undefined) throw new Error('the section has fewer blocks than its test');
        const ran = await shell.type(block, { ...own, ...names });
        for (const [index, { command, code, output }] of ran.entries()) {
          expect(code, `${command}: ${output}`).toBe(codes[index] ?? 0);
        }
        return ran;
      }
      return { folder: at, type: typed };
    }

    /** Returns the blocks of a section. The test of a section runs all of them, so a new one has to be added to it. */
    function blocks(section: string, count: number): readonly RunbookBlock[] {
      const all = sections.get(section) ?? [];
      expect(all, `blocks of ${section}`).toHaveLength(count);
      return all;
    }

    it('has a test for each section that has to run here', () => {
      expect([...sections.keys()].sort()).toEqual([
        ...['HookDeadLetters', 'Rolling back', 'The first certificate', 'The key of one certificate', 'Uninstalling'],
      ]);
    });

    it('the first certificate: by step, and imported', async () => {
      const [byStep, , byImport, , dryRun] = blocks('The first certificate', 5);
      const { type } = await desk();
      const name = uniqueName('runbook');
      await type(byStep);
      await type(byImport, { 'web/tls': name });
      const [planned] = await type(dryRun, { 'web/tls': name });
      expect(planned?.output).toMatch(/planned +Requested/);
      expect(await renew({ secretId: name })).toMatchObject({ outcome: 'rekeyed', sans: ['dns:web.example'] });
    });

    it('the first certificate: by openssl, and put into a secret by hand', async () => {
      const [, byOpenssl, , byHand] = blocks('The first certificate', 5);
      const { type, folder: at } = await desk();
      const name = uniqueName('runbook');
      await type(byOpenssl);
      await type(byHand, { 'web/tls': name });
      const files = await readdir(at);
      expect(files).toContain('web.crt');
      expect(files.filter((file) => ['web.key', 'web.json'].includes(file))).toEqual([]);
      expect(await renew({ secretId: name })).toMatchObject({ outcome: 'rekeyed', sans: ['dns:web.example'] });
    });

    it('rolling back: by the command, and by hand', async () => {
      const [byCommand, byHand] = blocks('Rolling back', 2);
      const { type } = await desk();
      const { arn, name, versionId } = await enrolled(await issue(ca));
      await renew({ secretId: arn });
      await type(byCommand, { 'web/tls': name });
      const { stages, tags } = await look(emulator, arn);
      const newer = stages.get('AWSPREVIOUS') ?? '';
      expect({ current: stages.get('AWSCURRENT'), paused: tags.has('cert-renewer:paused') }).toEqual({
        ...{ current: versionId, paused: false },
      });
      const [, listed] = await type(byHand, {
        ...{ 'web/tls': name, '<the current one>': versionId, '<the one before>': newer },
      });
      for (const version of [versionId, newer]) expect(listed?.output).toContain(version);
      const after = await look(emulator, arn);
      expect(after.stages.get('AWSCURRENT')).toBe(newer);
      expect(after.tags.get('cert-renewer:paused')).toBe('true');
    });

    it('a key that leaked: the old certificate is revoked at the CA', async () => {
      const [revoke] = blocks('The key of one certificate', 1);
      const { type } = await desk();
      const leaf = await issue(stack.lenient.access);
      const secret = await enrolled(leaf, 'lenient');
      const serial = BigInt(`0x${new X509Certificate(leaf.certificatePem).serialNumber}`);
      const ran = await type(revoke, { 'web/tls': secret.name });
      expect(ran.at(-1)?.output).toContain(`Serial Number ${serial} has been revoked`);
    });

    it('dead letters of hooks are shown, and deleted', async () => {
      const [show, purge] = blocks('HookDeadLetters', 2);
      const { type } = await desk();
      const target = { endpoint: emulator.endpoint, region: REGION, credentials: ROOT };
      const queue = (await listResources(target, 'CertRenewer')).find(({ logicalId }) =>
        /HooksDeadLetters/.test(logicalId),
      );
      const { arn, name } = await enrolled(await issue(ca));
      const MessageBody = JSON.stringify({ 'detail-type': 'Certificate Renewed', resources: [arn] });
      await client(SQSClient, emulator).send(new SendMessageCommand({ QueueUrl: queue?.id, MessageBody }));
      expect((await type(show, {}, [1]))[0]?.output).toContain(name);
      expect((await type(purge))[0]?.output).toMatch(/of hooks deleted/);
    });

    it('uninstalling: the list of ends, and the deletions', async () => {
      const [list, deletion, untag] = blocks('Uninstalling', 3);
      const { type } = await desk();
      const { arn, name } = await enrolled(await forge(ca, dueDates()));
      const { notAfter } = await renew({ secretId: arn });
      const before = await look(emulator, arn);
      expect((await type(list))[0]?.output).toContain(`${name}\t${notAfter}`);

      await type(untag, { 'web/tls': name });
      const after = await look(emulator, arn);
      expect({ ...after, tags: [...after.tags.keys()] }).toEqual({ ...before, tags: [] });

      const { KeyMetadata } = await client(KMSClient, emulator).send(new CreateKeyCommand({}));
      const { ARN = '' } = await secrets().send(new CreateSecretCommand({ Name: uniqueName('runbook-authority') }));
      const parameter = `CertRenewer/certificates/${uniqueName('runbook')}`;
      const ssm = client(SSMClient, emulator);
      await ssm.send(new PutParameterCommand({ Name: `/cert-renewer/${parameter}`, Value: '{}', Type: 'String' }));
      await type(deletion, {
        ...{ '<IssuingKeyArn>': KeyMetadata?.Arn ?? '', '<IssuingSecretArn>': ARN },
        '<stack>/certificates/web/tls': parameter,
      });
      const key = await client(KMSClient, emulator).send(new DescribeKeyCommand({ KeyId: KeyMetadata?.KeyId }));
      expect(key.KeyMetadata?.KeyState).toBe('PendingDeletion');
      expect((await secrets().send(new DescribeSecretCommand({ SecretId: ARN }))).DeletedDate).toBeDefined();
      await expect(ssm.send(new GetParameterCommand({ Name: `/cert-renewer/${parameter}` }))).rejects.toThrow();
    });
  });
});
