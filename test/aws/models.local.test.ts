/**
 * The hooks' requests, checked by AWS's own models of its APIs as botocore ships them: the local AWS does not check those of
 * Run Command and ACM so closely. The requests are those that were sent over the wire.
 */
import { globSync, readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { acmImporter } from '../../lambdas/aws/acm.ts';
import { ecsDeployer } from '../../lambdas/aws/ecs.ts';
import { ssmCommands } from '../../lambdas/aws/ssm-commands.ts';
import { emulatorPython } from '../../testkit/local-aws/ministack.ts';
import { type Judged, jsonRequest, judgeRequests, type WireRequest } from '../support/aws-model.ts';
import { describeFound } from '../support/local.ts';
import { targetKey } from '../support/ssm-target.ts';

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

  /** Returns botocore's complaints about the last request, by the model of the operation in its header. */
  async function judged(service: string, change: (input: Record<string, unknown>) => void = () => undefined) {
    const last = sent.at(-1);
    const input = JSON.parse(last?.body ?? '{}');
    change(input);
    const [found] = await judgeRequests(required(), [
      jsonRequest(service, String(last?.headers['x-amz-target']), input),
    ]);
    return found;
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
    ['a deployment', 'ecs', 'UpdateService', () => ecsDeployer(aws()).deploy({ cluster: 'prod', name: 'web' })],
  ])('%s follows its model', async (_, service, operation, ask) => {
    await ask();
    expect(await judged(service)).toEqual({ operation, problems: [] });
  });

  it('are judged: a field that is missing, unknown, of another type, too long or out of range is found', async () => {
    await ssmCommands(aws()).send('CertRenewer-Exec-1', { key: 'role', value: 'web' }, { secretArn, versionId });
    const found = await judged('ssm', (input) => {
      delete input['DocumentName'];
      input['Target'] = [];
      input['Comment'] = 'c'.repeat(101);
      input['TimeoutSeconds'] = 29;
      input['Parameters'] = { secretArn };
      input['MaxErrors'] = 'all';
    });
    for (const field of ['DocumentName', 'Target', 'Comment', 'TimeoutSeconds', 'Parameters', 'MaxErrors']) {
      expect(found?.problems.join('\n')).toContain(field);
    }
  });
});

const form = (body: Readonly<Record<string, string>>): WireRequest => ({ ...jsonRequest('sns', '', body), path: '/' });
const rest = (method: string, path: string, more: Partial<WireRequest> = {}): WireRequest => ({
  ...jsonRequest('lambda', '', 'xxxx'),
  method,
  path,
  ...more,
});
const topic = 'arn:aws:sns:eu-central-1:111122223333:topic';
const invocations = '/2015-03-31/functions/on-renewal/invocations';

const records = (inside: string): WireRequest => ({
  ...rest('POST', '/2013-04-01/hostedzone/Z0EXAMPLE/rrset'),
  service: 'route53',
  body: `<ChangeResourceRecordSetsRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><ChangeBatch><Changes><Change><Action>CREATE</Action><ResourceRecordSet><Name>_acme-challenge.example.com</Name><Type>TXT</Type>${inside}</ResourceRecordSet></Change></Changes></ChangeBatch></ChangeResourceRecordSetsRequest>`,
});

const cases: readonly (readonly [what: string, WireRequest, operation: string, problem: RegExp | undefined])[] = [
  [
    'records in XML',
    records('<TTL>60</TTL><ResourceRecords><ResourceRecord><Value>"a"</Value></ResourceRecord></ResourceRecords>'),
    'ChangeResourceRecordSets',
    undefined,
  ],
  ['records with another field', records('<Ttl>60</Ttl>'), 'ChangeResourceRecordSets', /Ttl/],
  ['records with a text as a number', records('<TTL>a minute</TTL>'), 'ChangeResourceRecordSets', /TTL/],
  [
    'a list with something else',
    records('<ResourceRecords><Record><Value>"a"</Value></Record></ResourceRecords>'),
    '',
    /ResourceRecords has something else than ResourceRecord/,
  ],
  [
    'an operation that is there',
    jsonRequest('kms', 'TrentService.GetPublicKey', { KeyId: 'a' }),
    'GetPublicKey',
    undefined,
  ],
  ['one that is not', jsonRequest('kms', 'TrentService.GetPublicKeys', { KeyId: 'a' }), '', /GetPublicKeys/],
  [
    'a value outside of its list',
    jsonRequest('kms', 'TrentService.Sign', { KeyId: 'a', Message: 'eHg=', SigningAlgorithm: 'ECDSA_SHA_1' }),
    'Sign',
    /SigningAlgorithm: 'ECDSA_SHA_1' is none of/,
  ],
  [
    'a blob that is too long',
    jsonRequest('kms', 'TrentService.Sign', {
      KeyId: 'a',
      Message: Buffer.alloc(4_097).toString('base64'),
      SigningAlgorithm: 'ECDSA_SHA_256',
    }),
    'Sign',
    /Message: 4097 is not within 1 and 4096/,
  ],
  [
    'a form',
    form({
      Action: 'Publish',
      Version: '2010-03-31',
      TopicArn: topic,
      Message: 'x',
      'MessageAttributes.entry.1.Name': 'profile',
      'MessageAttributes.entry.1.Value.DataType': 'String',
      'MessageAttributes.entry.1.Value.StringValue': 'web',
    }),
    'Publish',
    undefined,
  ],
  ['a form that lacks a field', form({ Action: 'Publish', TopicArn: topic }), 'Publish', /Message/],
  ['a form with another', form({ Action: 'Publish', Message: 'x', Topic: topic }), 'Publish', /unknown field Topic/],
  [
    'a form with another below',
    form({
      Action: 'Publish',
      Message: 'x',
      'MessageAttributes.entry.1.Name': 'a',
      'MessageAttributes.entry.1.Value.Type': 'b',
    }),
    'Publish',
    /unknown field Type|DataType/,
  ],
  [
    'a path, headers and a payload',
    rest('POST', invocations, { headers: { 'x-amz-invocation-type': 'RequestResponse' } }),
    'Invoke',
    undefined,
  ],
  [
    'a header with a value outside of its list',
    rest('POST', invocations, { headers: { 'x-amz-invocation-type': 'Later' } }),
    'Invoke',
    /InvocationType: 'Later' is none of/,
  ],
  ['an unknown path', rest('PUT', invocations), '', /no operation PUT/],
  ['an impossible name', rest('POST', invocations.replace('on-renewal', 'on%20renewal')), 'Invoke', /FunctionName/],
];

describeFound([python], 'requests of every protocol', () => {
  let judgements: readonly Judged[] = [];
  beforeAll(async () => {
    judgements = await judgeRequests(
      python.found ? python.path : '',
      cases.map(([, request]) => request),
    );
  });

  it.each(cases.map(([what, , operation, problem], index) => [what, index, operation, problem] as const))(
    '%s',
    (_, index, operation, problem) => {
      const found = judgements[index];
      expect(found?.operation).toBe(operation);
      if (problem) expect(found?.problems.join('\n')).toMatch(problem);
      else expect(found?.problems).toEqual([]);
    },
  );

  it('the key of a target follows the model of SSM', () => {
    const [model = ''] = globSync(
      join(python.found ? python.path : '', '../../lib/python3.*/site-packages/botocore/data/ssm/*/service-2.json.gz'),
    );
    const { shapes } = JSON.parse(gunzipSync(readFileSync(model)).toString());
    expect(shapes.TargetKey.max).toBe(targetKey.most);
    expect(shapes.TargetKey.pattern.split('|')[0]).toBe(targetKey.pattern.source.replaceAll('\\/', '/'));
  });
});
