import { ACMClient, ImportCertificateCommand } from '@aws-sdk/client-acm';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, expect, test } from 'vitest';
import { acmImporter } from '../../lambdas/aws/acm.ts';

const aws = mockClient(ACMClient);
const arn = 'arn:aws:acm:eu-central-1:111122223333:certificate/12345678-1234-1234-1234-123456789012';
const content = { certificate: 'LEAF', privateKey: 'KEY', chain: 'CHAIN' };
const named = (name: string) => Object.assign(new Error('KEY'), { name, $metadata: { httpStatusCode: 400 } });
const importer = acmImporter({ region: 'eu-central-1' });

beforeEach(() => {
  aws.reset();
  aws.on(ImportCertificateCommand).resolves({ CertificateArn: arn });
});

const sent = () =>
  aws
    .commandCalls(ImportCertificateCommand)
    .map(({ args }) =>
      Object.fromEntries(
        Object.entries(args[0].input).map(([name, value]) => [
          name,
          value instanceof Uint8Array ? Buffer.from(value).toString() : value,
        ]),
      ),
    );

test('imports again under the same ARN', async () => {
  await importer.import(arn, content);
  expect(sent()).toEqual([{ CertificateArn: arn, Certificate: 'LEAF', PrivateKey: 'KEY', CertificateChain: 'CHAIN' }]);
});

test('uses the Region of the ARN, in any Region of the function, with one client each', async () => {
  const inRegion = (region: string, partition = 'aws') =>
    `arn:${partition}:acm:${region}:111122223333:certificate/12345678-1234-1234-1234-123456789012`;
  const regions = ['us-east-1', 'eu-central-1', 'us-east-1'];
  for (const region of regions) await importer.import(inRegion(region), content);
  await importer.import(inRegion('cn-north-1', 'aws-cn'), content);
  const clients = aws.send.getCalls().map(({ thisValue }) => thisValue);
  const asked = await Promise.all(clients.map((client) => client.config.region()));
  expect(asked).toEqual([...regions, 'cn-north-1']);
  expect(new Set(clients).size).toBe(3);
});

test.each(['', 'web', 'arn:aws:acm::111122223333:certificate/1'])('%j has no Region, and is refused', async (text) => {
  await expect(importer.import(text, content)).rejects.toMatchObject({ code: 'InvalidRequest' });
  expect(sent()).toEqual([]);
});

test('omits an empty chain, which ACM does not accept', async () => {
  await importer.import(arn, { ...content, chain: '' });
  expect(sent()).toEqual([{ CertificateArn: arn, Certificate: 'LEAF', PrivateKey: 'KEY' }]);
});

test.each([
  ['ResourceNotFoundException', 'InvalidRequest'],
  ['ValidationException', 'InvalidRequest'],
  ['LimitExceededException', 'InvalidRequest'],
  ['AccessDeniedException', 'AccessDenied'],
  ['ThrottlingException', 'Throttled'],
])('%s is %s, and quotes nothing', async (name, code) => {
  aws.on(ImportCertificateCommand).rejects(named(name));
  const error: unknown = await importer.import(arn, content).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code, message: expect.stringContaining(arn) });
  expect(String(error)).not.toContain('KEY');
});
