/** EventBridge Scheduler, which starts the scan and the probe. */
import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Schedule } from '../../lambdas/domain/schedule.ts';

export interface FunctionScheduleProps {
  /** What is started, for descriptions: `the scan`. */
  readonly what: string;
  readonly expression: string;
  readonly timezone?: string | undefined;
  readonly paused: boolean;
  readonly target: IFunction;
  /** The event for the function, as JSON. */
  readonly input: string;
  /** For invocations that Lambda does not accept. Undefined: they are dropped. */
  readonly deadLetterQueue?: IQueue | undefined;
  readonly retries: number;
  /** Seconds, at least 60. After this time an invocation is not tried again. */
  readonly maxEventAge: number;
}

/** A schedule that invokes a function, and the role by which EventBridge Scheduler invokes it. */
export class FunctionSchedule extends Construct {
  constructor(scope: Construct, id: string, props: FunctionScheduleProps) {
    super(scope, id);
    const { what, target, deadLetterQueue } = props;
    const role = this.schedulerRole(what);
    role.addToPolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [target.functionArn] }));
    deadLetterQueue?.grantSendMessages(role);
    const schedule = new CfnSchedule(this, 'Schedule', {
      description: `cert-renewer: starts ${what}`,
      scheduleExpression: props.expression,
      ...(props.timezone !== undefined && { scheduleExpressionTimezone: props.timezone }),
      state: props.paused ? 'DISABLED' : 'ENABLED',
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: target.functionArn,
        roleArn: role.roleArn,
        input: props.input,
        ...(deadLetterQueue && { deadLetterConfig: { arn: deadLetterQueue.queueArn } }),
        retryPolicy: { maximumRetryAttempts: props.retries, maximumEventAgeInSeconds: props.maxEventAge },
      },
    });
    schedule.node.addDependency(role);
  }

  /** Creates a role that only schedules of this account can use. */
  private schedulerRole(what: string): Role {
    const stack = Stack.of(this);
    const group = stack.formatArn({ service: 'scheduler', resource: 'schedule-group', resourceName: 'default' });
    return new Role(this, 'Role', {
      description: `Starts ${what} of cert-renewer`,
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
