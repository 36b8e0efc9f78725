/** SSM Run Command. */
import type { CommandRunner } from '../domain/hook.ts';
import { type AwsOptions, clientConfig, once } from './clients.ts';
import { awsError } from './errors.ts';

/** Seconds within which an instance must fetch the command. */
const deliveryTimeout = 600;

/** Returns a CommandRunner. Its client is loaded with the first command. */
export function ssmCommands(options: AwsOptions = {}): CommandRunner {
  const sdk = once(async () => {
    const loaded = await import('./sdk/ssm-commands.ts');
    return { ...loaded, client: new loaded.SSMClient(clientConfig(options)) };
  });

  return {
    async send(documentName, target, { secretArn, versionId }) {
      try {
        const { client, SendCommandCommand } = await sdk();
        const { Command } = await client.send(
          new SendCommandCommand({
            DocumentName: documentName,
            DocumentVersion: '$DEFAULT',
            Targets: [{ Key: `tag:${target.key}`, Values: [target.value] }],
            Parameters: { secretArn: [secretArn], versionId: [versionId] },
            Comment: 'cert-renewer: a certificate was renewed',
            TimeoutSeconds: deliveryTimeout,
            // By default, after the first failure instances that have not begun are skipped: they would keep the old certificate.
            MaxErrors: '100%',
          }),
        );
        return Command?.CommandId ?? '';
      } catch (thrown) {
        throw awsError(thrown, { service: 'ssm', action: 'SendCommand', resource: documentName });
      }
    },

    async find(commandId) {
      try {
        const { client, ListCommandsCommand } = await sdk();
        const { Commands = [] } = await client.send(new ListCommandsCommand({ CommandId: commandId }));
        const [found] = Commands;
        if (!found) return undefined;
        const [secretArn] = found.Parameters?.['secretArn'] ?? [];
        const [versionId] = found.Parameters?.['versionId'] ?? [];
        return {
          parameters: { ...(secretArn !== undefined && { secretArn }), ...(versionId !== undefined && { versionId }) },
          failedOn: (found.ErrorCount ?? 0) + (found.DeliveryTimedOutCount ?? 0),
        };
      } catch (thrown) {
        if (thrown instanceof Error && thrown.name === 'InvalidCommandId') return undefined;
        throw awsError(thrown, { service: 'ssm', action: 'ListCommands', resource: commandId });
      }
    },
  };
}
