import { ECSClient, UpdateServiceCommand } from '@aws-sdk/client-ecs';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, expect, test } from 'vitest';
import { ecsDeployer } from '../../lambdas/aws/ecs.ts';

const aws = mockClient(ECSClient);
const deployer = ecsDeployer({ region: 'eu-central-1' });
const web = { cluster: 'prod', name: 'web' };
const thrown = (name: string, message: string, status = 400) =>
  Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status } });

beforeEach(() => {
  aws.reset();
  const deployments = [
    { id: 'ecs-svc/1', status: 'ACTIVE' },
    { id: 'ecs-svc/2', status: 'PRIMARY' },
  ];
  aws.on(UpdateServiceCommand).resolves({ service: { deployments } });
});

test('begins a deployment, changes nothing else, and tells its id', async () => {
  expect(await deployer.deploy(web)).toBe('ecs-svc/2');
  expect(aws.commandCalls(UpdateServiceCommand).map(({ args }) => args[0].input)).toEqual([
    { cluster: 'prod', service: 'web', forceNewDeployment: true },
  ]);
});

test('needs no id: a service may have no deployments', async () => {
  aws.on(UpdateServiceCommand).resolves({});
  expect(await deployer.deploy(web)).toBeUndefined();
});

test.each([
  ['ServiceNotFoundException', 'Service not found.', 400, 'InvalidRequest', /no such service/],
  ['ClusterNotFoundException', 'Cluster not found.', 400, 'InvalidRequest', /no such service/],
  ['ServiceNotActiveException', 'Service was not ACTIVE.', 400, 'InvalidRequest', /was deleted/],
  ['InvalidParameterException', 'Cannot force a new deployment', 400, 'InvalidRequest', /controller must be ECS/],
  ['ClientException', 'x', 400, 'InvalidRequest', /controller must be ECS/],
  ['PlatformUnknownException', 'x', 400, 'InvalidRequest', /controller must be ECS/],
  ['UnsupportedFeatureException', 'x', 400, 'InvalidRequest', /controller must be ECS/],
  ['InvalidParameterException', '5 active deployments exist, unable to create', 400, 'Throttled', /not complete yet/],
  ['ClientException', 'Too many concurrent attempts', 400, 'Throttled', /not complete yet/],
  ['AccessDeniedException', 'x', 400, 'AccessDenied', /role/],
  ['ThrottlingException', 'Rate exceeded', 400, 'Throttled', /passes by itself/],
  ['ServerException', 'x', 500, 'Throttled', /passes by itself/],
])('%s (%s) is reported with the service, and without AWS’s text', async (name, text, status, code, message) => {
  const cause = thrown(name, `${text} U2VjcmV0`, status);
  aws.on(UpdateServiceCommand).rejects(cause);
  const error: unknown = await deployer.deploy(web).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code, cause, message: expect.stringMatching(message) });
  expect(error).toMatchObject({ message: expect.stringContaining(`UpdateService on "prod/web" (${name})`) });
  expect(error).toMatchObject({ message: expect.not.stringContaining('U2VjcmV0') });
});
