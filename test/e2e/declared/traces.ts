import { createPrivateKey } from 'node:crypto';
import { CloudFormationClient, GetTemplateCommand } from '@aws-sdk/client-cloudformation';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { paginateGetParametersByPath } from '@aws-sdk/client-ssm';
import { expect, it } from 'vitest';
import { client } from '../../../testkit/local-aws/client.ts';
import { LATE } from '../../support/declared-stack.ts';
import { leaks, password, type Secret, secretsOf, type Trace, tokens, tracesOf } from '../../support/leaks.ts';
import { issued } from './first.ts';
import { type DeclaredWorld, pairIn } from './world.ts';

export function itLeavesNoKey(world: DeclaredWorld): void {
  const { emulator, secrets, declared } = world;

  /** Every private key of any version of the certificates, the password, and the provisioner's key. */
  async function known(): Promise<Secret[]> {
    const key = createPrivateKey({ key: declared.provisionerKey, format: 'jwk' });
    const all = [password('the password', declared.password), secretsOf('the key of the provisioner', key)];
    for (const name of [...issued, LATE]) {
      for (const VersionId of (await world.found(name)).versions) {
        const value = await secrets.send(new GetSecretValueCommand({ SecretId: name, VersionId }));
        const { privateKey } = await pairIn(value.SecretString ?? value.SecretBinary ?? '', declared.password);
        if (privateKey !== undefined) all.push(secretsOf(`${name} ${VersionId}`, createPrivateKey(privateKey)));
      }
    }
    return all;
  }

  async function traces(): Promise<Trace[]> {
    const cloudFormation = client(CloudFormationClient, emulator);
    const { TemplateBody } = await cloudFormation.send(new GetTemplateCommand({ StackName: 'CertRenewer' }));
    const parameters: unknown[] = [];
    const pages = paginateGetParametersByPath({ client: world.ssm }, { Path: '/cert-renewer/', Recursive: true });
    for await (const { Parameters } of pages) parameters.push(Parameters);
    const files = await world.assemblies();
    return [
      ...(await tracesOf(emulator, await world.bus().events(), 1)),
      { place: 'the parameters', text: JSON.stringify(parameters) },
      { place: 'the events of the stack', text: JSON.stringify(await world.stackEvents()) },
      { place: 'the template', text: String(TemplateBody) },
      ...files.map(({ path, text }) => ({ place: path, text })),
    ];
  }

  it('in a file, a log, a parameter, an event, a tag, a queue or the template; and no token', async () => {
    const [places, keys] = [await traces(), await known()];
    expect(keys.length).toBeGreaterThan(issued.length + 5);
    for (const { place, text } of places.slice(0, 7)) {
      if (place !== 'the queues') expect(text.length, place).toBeGreaterThan(200);
    }
    expect(leaks(places, keys)).toEqual([]);
    expect(tokens(places.filter(({ place }) => place.startsWith('the ')))).toEqual([]);
  });
}
