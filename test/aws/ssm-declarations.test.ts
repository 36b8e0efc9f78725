import { DeleteParameterCommand, GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it, test } from 'vitest';
import { ssmDeclarationKeeper, ssmDeclarations } from '../../lambdas/aws/ssm-declarations.ts';
import { noLimits } from '../../lambdas/domain/calls.ts';
import { parseDeclaration } from '../../lambdas/policy/declaration.ts';
import { parameterNameOf } from '../../lambdas/policy/declaration-identity.ts';

const aws = mockClient(SSMClient);
const named = (name: string) => Object.assign(new Error('x'), { name, $metadata: { httpStatusCode: 400 } });
const place = { region: 'eu-central-1', prefix: '/cert-renewer/CertRenewer/certificates/', nameOf: parameterNameOf };
const json = (secretName = 'web/tls') =>
  JSON.stringify({ secretName, profile: 'offline', dnsNames: ['web.svc.example'] });

beforeEach(() => {
  aws.reset();
});

describe('a declaration', () => {
  const source = () => ssmDeclarations({ ...place, parse: parseDeclaration })(noLimits);

  it('is the parameter of the secret’s name', async () => {
    aws.on(GetParameterCommand).resolves({ Parameter: { Value: json() } });
    expect(await source().find('web/tls')).toMatchObject({ secretName: 'web/tls', names: ['dns:web.svc.example'] });
    expect(aws.calls()[0]?.args[0].input).toEqual({ Name: '/cert-renewer/CertRenewer/certificates/web/tls' });
  });

  it('has a hash as its name if SSM does not accept the secret’s name', async () => {
    aws.on(GetParameterCommand).rejects(named('ParameterNotFound'));
    expect(await source().find('web+tls@x')).toBeUndefined();
    expect(aws.calls()[0]?.args[0].input).toEqual({
      Name: expect.stringMatching(/^\/cert-renewer\/CertRenewer\/certificates\/sha256\/[0-9a-f]{64}$/),
    });
  });

  it('is read anew each time, and once for concurrent readers', async () => {
    aws
      .on(GetParameterCommand)
      .resolvesOnce({ Parameter: { Value: json() } })
      .rejects(named('ParameterNotFound'));
    const declarations = source();
    const both = await Promise.all([declarations.find('web/tls'), declarations.find('web/tls')]);
    expect(both[0]).toBeDefined();
    expect(both[1]).toBe(both[0]);
    expect(aws.calls()).toHaveLength(1);
    expect(await declarations.find('web/tls')).toBeUndefined();
    expect(aws.calls()).toHaveLength(2);
  });

  it.each([
    ['of another secret', json('other'), /declares another secret than web\/tls/],
    ['that is not one', '{}', /is not a valid declaration/],
  ])('%s is an error, which is not cached', async (_, value, message) => {
    aws
      .on(GetParameterCommand)
      .resolvesOnce({ Parameter: { Value: value } })
      .resolves({ Parameter: { Value: json() } });
    const declarations = source();
    await expect(declarations.find('web/tls')).rejects.toMatchObject({
      code: 'Internal',
      message: expect.stringMatching(message),
    });
    expect(await declarations.find('web/tls')).toBeDefined();
  });

  test.each([
    ['AccessDeniedException', 'AccessDenied'],
    ['ThrottlingException', 'Throttled'],
  ])('%s is %s', async (name, code) => {
    aws.on(GetParameterCommand).rejects(named(name));
    await expect(source().find('web/tls')).rejects.toMatchObject({ code });
  });
});

describe('the place of the declarations', () => {
  const keeper = () => ssmDeclarationKeeper(place)(noLimits);
  const Name = '/cert-renewer/CertRenewer/certificates/web/tls';

  it('returns the text as it was written', async () => {
    aws.on(GetParameterCommand).resolvesOnce({ Parameter: { Value: ' {}' } });
    aws.on(GetParameterCommand).rejects(named('ParameterNotFound'));
    aws.on(GetParameterCommand, { Name }).resolvesOnce({ Parameter: { Value: ' {}' } });
    expect(await keeper().read('web/tls')).toBe(' {}');
    expect(await keeper().read('other')).toBeUndefined();
  });

  it('is overwritten, and takes 8 KB', async () => {
    aws.on(PutParameterCommand).resolves({});
    await keeper().write('web/tls', '{}');
    expect(aws.calls()[0]?.args[0].input).toEqual({
      ...{ Name, Value: '{}', Type: 'String', Overwrite: true, Tier: 'Intelligent-Tiering' },
      Description: expect.any(String),
    });
  });

  it('is removed; a missing one is no error', async () => {
    aws.on(DeleteParameterCommand).resolvesOnce({}).rejects(named('ParameterNotFound'));
    expect(await keeper().remove('web/tls')).toBe(true);
    expect(await keeper().remove('web/tls')).toBe(false);
    expect(aws.calls()[0]?.args[0].input).toEqual({ Name });
  });

  test.each([
    ['TooManyUpdates', 'Throttled', true],
    ['ThrottlingException', 'Throttled', true],
    ['ParameterLimitExceeded', 'InvalidRequest', false],
    ['AccessDeniedException', 'AccessDenied', false],
  ])('%s is %s', async (name, code, retryable) => {
    aws.on(PutParameterCommand).rejects(named(name));
    aws.on(DeleteParameterCommand).rejects(named(name));
    await expect(keeper().write('web/tls', '{}')).rejects.toMatchObject({ code, retryable });
    await expect(keeper().remove('web/tls')).rejects.toMatchObject({ code, retryable });
  });
});
