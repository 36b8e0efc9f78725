/** Deploys services of Amazon ECS again. */
import type { EcsDeployer } from '../domain/hook.ts';
import { type AwsOptions, clientConfig, once } from './clients.ts';
import { awsError } from './errors.ts';

/** Returns an EcsDeployer. Its client is loaded with the first deployment. */
export function ecsDeployer(options: AwsOptions = {}): EcsDeployer {
  const sdk = once(async () => {
    const loaded = await import('./sdk/ecs.ts');
    return { ...loaded, client: new loaded.ECSClient(clientConfig(options)) };
  });
  return {
    async deploy({ cluster, name }) {
      try {
        const { client, UpdateServiceCommand } = await sdk();
        // Without a task definition the tasks stay as they are defined: only their processes are new.
        const command = new UpdateServiceCommand({ cluster, service: name, forceNewDeployment: true });
        const { service } = await client.send(command);
        // The newest deployment of a service is its only PRIMARY one.
        // https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html
        return service?.deployments?.find(({ status }) => status === 'PRIMARY')?.id;
      } catch (thrown) {
        throw awsError(thrown, { service: 'ecs', action: 'UpdateService', resource: `${cluster}/${name}` });
      }
    },
  };
}
