/**
 * What the hooks ask of AWS, by AWS's own models of its APIs as botocore ships them: the local AWS does not look that
 * closely at Run Command and ACM. The requests are those that went over the wire.
 */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { acmImporter } from '../../lambdas/aws/acm.ts';
import { ssmCommands } from '../../lambdas/aws/run-command.ts';
import { emulatorPython } from '../../scripts/local/ministack.ts';
import { run } from '../../scripts/local/process.ts';
import { describeFound } from '../support/local.ts';

const python = await emulatorPython();

describeFound([python], 'the requests of hooks', () => {
  const sent: { readonly headers: IncomingHttpHeaders; readonly body: string }[] = [];
  let server: Server;
  beforeAll(async () => {
    server = createServer(async (request, answer) => {
      const parts: Buffer[] = await request.toArray();
      sent.push({ headers: request.headers, body: Buffer.concat(parts).toString() });
      answer.setHeader('content-type', 'application/x-amz-json-1.1').end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => {
    server?.closeAllConnections();
    server?.close();
  });

  const aws = () => ({
    region: 'eu-central-1',
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'example' },
  });
  const secretArn = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:web/tls-AbCdEf';
  const versionId = '5f9e6c1e-1d2b-4f1b-9d53-0f6a0c8a1b2c';
  const certificateArn = 'arn:aws:acm:eu-central-1:111122223333:certificate/5f9e6c1e-1d2b-4f1b-9d53-0f6a0c8a1b2c';
  const pem = { certificate: 'a certificate', privateKey: 'a key', chain: 'its chain' };

  /** What botocore finds wrong with the last request, by the model of the operation that its header names. */
  async function judged(service: string, change: (input: Record<string, unknown>) => void = () => undefined) {
    const last = sent.at(-1);
    const input = JSON.parse(last?.body ?? '{}');
    change(input);
    const operation = String(last?.headers['x-amz-target']).split('.')[1] ?? '';
    const program = join(import.meta.dirname, '../support/aws_model.py');
    const { code, stdout, output } = await run(required(), [program, service, operation, JSON.stringify(input)]);
    if (code !== 0) throw new Error(output);
    return { operation, problems: JSON.parse(stdout) };
  }
  const required = () => (python.found ? python.path : '');

  it.each<[string, string, string, () => Promise<unknown>]>([
    [
      'a command',
      'ssm',
      'SendCommand',
      () => ssmCommands(aws()).send('CertRenewer-Exec-1', { key: 'role', value: 'web' }, { secretArn, versionId }),
    ],
    ['a command by its id', 'ssm', 'ListCommands', () => ssmCommands(aws()).find(versionId)],
    ['an import', 'acm', 'ImportCertificate', () => acmImporter(aws()).import(certificateArn, pem)],
    [
      'an import without a chain',
      'acm',
      'ImportCertificate',
      () => acmImporter(aws()).import(certificateArn, { ...pem, chain: '' }),
    ],
  ])('%s is as the model of %s has it', async (_, service, operation, ask) => {
    await ask();
    expect(await judged(service)).toEqual({ operation, problems: [] });
  });

  it('are judged: a field that is missing, unknown, of another type, too long or out of bounds is found', async () => {
    await ssmCommands(aws()).send('CertRenewer-Exec-1', { key: 'role', value: 'web' }, { secretArn, versionId });
    const { problems } = await judged('ssm', (input) => {
      delete input['DocumentName'];
      input['Target'] = [];
      input['Comment'] = 'c'.repeat(101);
      input['TimeoutSeconds'] = 29;
      input['Parameters'] = { secretArn };
      input['MaxErrors'] = 'all';
    });
    for (const field of ['DocumentName', 'Target', 'Comment', 'TimeoutSeconds', 'Parameters', 'MaxErrors']) {
      expect(problems.join('\n')).toContain(field);
    }
  });
});
