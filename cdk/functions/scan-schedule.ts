/** EventBridge Scheduler, which starts the scan. */
import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Schedule } from '../../lambdas/domain/schedule.ts';

export interface ScanScheduleProps {
  readonly schedule: Schedule;
  readonly timezone: string | undefined;
  readonly paused: boolean;
  readonly target: IFunction;
  readonly deadLetterQueue: IQueue;
}

/** The schedule of the scan, and the role by which EventBridge Scheduler invokes it. */
export class ScanSchedule extends Construct {
  constructor(scope: Construct, id: string, props: ScanScheduleProps) {
    super(scope, id);
    const role = this.schedulerRole();
    role.addToPolicy(
      new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [props.target.functionArn] }),
    );
    props.deadLetterQueue.grantSendMessages(role);
    const schedule = new CfnSchedule(this, 'Schedule', {
      description: 'cert-renewer: starts the scan',
      scheduleExpression: props.schedule.expression,
      ...(props.timezone !== undefined && { scheduleExpressionTimezone: props.timezone }),
      state: props.paused ? 'DISABLED' : 'ENABLED',
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: props.target.functionArn,
        roleArn: role.roleArn,
        input: '{}',
        deadLetterConfig: { arn: props.deadLetterQueue.queueArn },
        // After this time the next scan starts anyway.
        retryPolicy: { maximumRetryAttempts: 10, maximumEventAgeInSeconds: eventAge(props.schedule) },
      },
    });
    schedule.node.addDependency(role);
  }

  /** Creates a role that only schedules of this account can use. */
  private schedulerRole(): Role {
    const stack = Stack.of(this);
    const group = stack.formatArn({ service: 'scheduler', resource: 'schedule-group', resourceName: 'default' });
    return new Role(this, 'Role', {
      description: 'Starts the scan of cert-renewer',
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': stack.account, 'aws:SourceArn': group } },
      }),
    });
  }
}

/** Returns the time between two scans in seconds, within the limits of EventBridge and Lambda: a minute to six hours. */
export function eventAge({ longestGap }: Schedule): number {
  return Math.min(Math.max(longestGap / 1000, 60), 6 * 3600);
}
