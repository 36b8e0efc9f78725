import { GetRolePolicyCommand, IAMClient, ListRolePoliciesCommand } from '@aws-sdk/client-iam';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { beforeAll, expect, it } from 'vitest';
import { type Credentials, client, uniqueName } from '../../../testkit/local-aws/client.ts';
import { userWith } from '../../local-aws/iam.ts';
import { outcome } from '../../support/calls.ts';
import { here } from '../../support/command-here.ts';
import { inPipe } from '../../support/command-line.ts';
import { credentialsOf } from '../../support/roles.ts';
import type { DeclaredWorld } from './world.ts';

type Statement = Readonly<Record<string, unknown>> & { readonly Action: string | readonly string[] };

export function itIsDeclaredByHand(world: DeclaredWorld): void {
  const { emulator, found, kept, parameter } = world;
  let outputs: Record<string, string>;
  /** The permissions that grantDeclare gives. */
  let granted: readonly Statement[];

  beforeAll(async () => {
    outputs = await world.deployReader();
    granted = await policiesOf(outputs['DeclarerRoleArn'] ?? '');
  });

  async function policiesOf(roleArn: string): Promise<Statement[]> {
    const iam = client(IAMClient, emulator);
    const RoleName = roleArn.split('/').at(-1);
    const { PolicyNames = [] } = await iam.send(new ListRolePoliciesCommand({ RoleName }));
    const documents = await Promise.all(
      PolicyNames.map((PolicyName) => iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }))),
    );
    return documents.flatMap(({ PolicyDocument = '' }) => JSON.parse(decodeURIComponent(PolicyDocument)).Statement);
  }

  const environmentOf = ({ accessKeyId, secretAccessKey, sessionToken }: Credentials) => ({
    ...emulator.env,
    ...{ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
    ...(sessionToken !== undefined && { AWS_SESSION_TOKEN: sessionToken }),
  });

  /** Makes a user with these permissions except for one action. */
  async function without(action: string): Promise<Credentials> {
    const left = granted.flatMap((statement) => {
      const Action = [statement.Action].flat().filter((each) => each !== action);
      return Action.length === 0 ? [] : [{ ...statement, Action }];
    });
    return userWith(emulator, ...left);
  }

  const words = (name: string, profile = 'own') => [name, '--profile', profile, '--dns', 'hand.svc.example'];
  const declare = (who: Credentials, name: string, profile?: string) =>
    here(environmentOf(who), 'declare', ...words(name, profile));

  it('lets exactly the grantee of grantRead read the certificate of a construct', async () => {
    const SecretId = outputs['SecretArn'] ?? '';
    expect(await world.refused(outputs['SecretName'] ?? '')).toEqual([]);
    const read = async (role: string | undefined) =>
      outcome(
        client(SecretsManagerClient, emulator, await credentialsOf(emulator, role)).send(
          new GetSecretValueCommand({ SecretId }),
        ),
      );
    expect(await read(outputs['ReaderRoleArn'])).toBe('ok');
    expect(await read(outputs['StrangerRoleArn'])).toBe('denied');
  });

  it('declares and undeclares with the permissions of grantDeclare', async () => {
    const who = await credentialsOf(emulator, outputs['DeclarerRoleArn']);
    const name = uniqueName('declared/hand');
    const declared = await inPipe(environmentOf(who), 'declare', ...words(name));
    expect(declared.code, declared.output).toBe(0);
    expect(declared.output).toContain('declared, and issued');
    expect(await world.refused(name)).toEqual([]);
    const { tags } = await found(name);
    expect(tags['cert-renewer:issued']).toBe(tags['cert-renewer:declared']);
    const again = await declare(who, name);
    expect(again.output).toContain('unchanged');
    const undeclared = await inPipe(environmentOf(who), 'undeclare', name);
    expect(undeclared.code, undeclared.output).toBe(0);
    expect(await parameter(name)).toBeUndefined();
    expect((await found(name)).tags).toEqual(tags);
  });

  it('refuses a user who may not make or tag secrets, and leaves nothing behind', async () => {
    for (const action of ['secretsmanager:CreateSecret', 'secretsmanager:TagResource']) {
      const name = uniqueName('declared/denied');
      const denied = await declare(await without(action), name);
      expect(denied.code, denied.output).toBe(1);
      expect(denied.output).toMatch(/AccessDenied/);
      expect(denied.output).toContain(action);
      expect(await kept(name)).toBeUndefined();
      expect(await parameter(name)).toBeUndefined();
    }
  });

  it('refuses a user who may not write declarations, and leaves an empty secret without a declaration', async () => {
    const name = uniqueName('declared/denied');
    const denied = await declare(await without('ssm:PutParameter'), name);
    expect(denied.code, denied.output).toBe(1);
    expect(denied.output).toContain('ssm:PutParameter');
    const { value, tags } = await found(name);
    expect(value).toBe('{}');
    expect(tags).not.toHaveProperty('cert-renewer:declared');
    expect(await parameter(name)).toBeUndefined();
  });

  it('refuses a user of another profile', async () => {
    const statements = JSON.stringify(granted)
      .replaceAll(/"(?:sealed|step|step-file)",?/g, '')
      .replaceAll(',]', ']');
    const who = await userWith(emulator, ...JSON.parse(statements));
    const name = uniqueName('declared/denied');
    const denied = await declare(who, name, 'sealed');
    expect(denied.code, denied.output).toBe(1);
    expect(denied.output).toContain('secretsmanager:CreateSecret');
    expect(await kept(name)).toBeUndefined();
    expect(await parameter(name)).toBeUndefined();
  });
}
