/** What `cert-renewer init` writes can be deployed. */
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { expect, it } from 'vitest';
import { readConfigFile } from '../../cdk/config/config.ts';
import { CertRenewerStack } from '../../cdk/stack.ts';
import { inTemporaryFolder } from '../../testkit/tools/temporary.ts';
import { stage } from '../cli/stage.ts';
import { examples, newApp } from './fixtures.ts';

const keyArn = 'arn:aws:kms:eu-central-1:111122223333:key/12345678-1234-1234-1234-123456789012';
const stepCa = `--ca step-ca --url https://ca.example:9000 --root ${join(examples, 'root_ca.crt')}`;
const issuing = `--provisioner renewer --provisioner-key ${keyArn} --domain svc.example`;
const certificate = '--name web/tls --dns web.svc.example';

it.each([
  ['authorities of the stack', `--ca own --domain svc.example ${certificate} --email ops@svc.example`, 1],
  ['a step-ca that renews', stepCa, 0],
  ['a step-ca that issues', `${stepCa} ${issuing} ${certificate}`, 1],
])('a configuration with %s gives a template', async (_, words, certificates) => {
  await inTemporaryFolder('init', async (folder) => {
    const file = join(folder, 'cert-renewer.json');
    expect(await stage().cli('init', '--config', file, ...words.split(' '))).toMatchObject({ code: 0 });
    const stack = new CertRenewerStack(newApp(), 'CertRenewer', { config: readConfigFile(file) });
    const found = Template.fromStack(stack).findResources('Custom::CertRenewerCertificates');
    expect(Object.keys(found)).toHaveLength(certificates);
  });
});
