/** A schedule that somebody deletes, and that the runbook makes again. */
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DeleteScheduleCommand, GetScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { listResources } from '../../cli/aws/cloudformation.ts';
import { client, type Endpoint, ROOT } from '../../testkit/local-aws/client.ts';
import { REGION } from '../../testkit/local-aws/ministack.ts';

export interface LostSchedule {
  /** What stands on the page for a reader's own. */
  readonly names: Readonly<Record<string, string>>;
  /** Returns the ARN of what the schedule starts now. Throws if there is no schedule. */
  readonly target: () => Promise<string | undefined>;
}

/** Deletes the schedule of a stack, and returns the words that the runbook needs to make it again. */
export async function loseSchedule(aws: Endpoint, stackName: string, scanFunction: string): Promise<LostSchedule> {
  const scheduler = client(SchedulerClient, aws);
  const resources = await listResources({ endpoint: aws.endpoint, region: REGION, credentials: ROOT }, stackName);
  const ofScan = ({ type, logicalId }: (typeof resources)[number]) =>
    type === 'AWS::Scheduler::Schedule' && !logicalId.includes('ProbeSchedule');
  const Name = resources.find(ofScan)?.id ?? '';
  const { Target } = await scheduler.send(new GetScheduleCommand({ Name }));
  const get = new GetFunctionConfigurationCommand({ FunctionName: scanFunction });
  const { FunctionArn = '' } = await client(LambdaClient, aws).send(get);
  await scheduler.send(new DeleteScheduleCommand({ Name }));
  return {
    names: {
      ...{ '<schedule>': Name, '<ARN of the scan function>': FunctionArn },
      '<ARN of the role>': Target?.RoleArn ?? '',
    },
    target: async () => (await scheduler.send(new GetScheduleCommand({ Name }))).Target?.Arn,
  };
}
