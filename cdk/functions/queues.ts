/** The renewal queue, and where what could not be done is kept. */
import { Duration, Stack, Validations } from 'aws-cdk-lib';
import { AnyPrincipal, Effect, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { deliveries } from '../../lambdas/domain/request.ts';
import { redriveTag } from '../../lambdas/domain/tags.ts';

/** What all queues of the stack have in common. */
export const sealed = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };

export class RenewalQueues extends Construct {
  readonly queue: Queue;
  /** Messages that were delivered three times in vain. */
  readonly deadLetterQueue: Queue;
  /** Scans that the schedule could not start, or that failed. */
  readonly scanDeadLetterQueue: Queue;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const kept = { ...sealed, retentionPeriod: Duration.days(14) };
    this.deadLetterQueue = new Queue(this, 'DeadLetters', kept);
    this.scanDeadLetterQueue = new Queue(this, 'ScanDeadLetters', kept);
    Validations.of(this.scanDeadLetterQueue).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason: "It is a dead-letter queue: the schedule's and the scan function's, which cdk-nag does not look at.",
    });
    this.queue = new Queue(this, 'Renewals', {
      ...sealed,
      // A worker that crashes or hangs gets its three deliveries within 15 minutes, so five minutes each.
      // Lambda's documentation asks for six times the function's timeout, nine minutes: room for batches that Lambda
      // throttles while it holds them. Here maxConcurrency keeps the poller from taking more than the function may run,
      // and three times the timeout is room enough for the rest.
      visibilityTimeout: Duration.minutes(5),
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount: deliveries },
    });
  }

  /**
   * A message makes a worker look at a secret, so that only the scan may send one: whatever other roles of the account
   * are allowed by IAM. The account's root stays, as the one that can undo this, and so do principals with a tag, for the
   * redrive of dead letters. SQS moves them in the name of who has asked for it and needs sqs:SendMessage of them; whether
   * it says by aws:ViaAWSService that it does so, is not documented.
   *
   * IAM denies where every condition is true, and one with a negated operator is true where the request lacks the key: so
   * who has no tag is denied, an AWS service in its own name too.
   */
  onlyFrom(sender: Role): void {
    const { partition, account } = Stack.of(this);
    this.queue.addToResourcePolicy(
      new PolicyStatement({
        sid: 'OnlyTheScanSends',
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: ['sqs:SendMessage'],
        resources: [this.queue.queueArn],
        conditions: {
          ArnNotLike: {
            'aws:PrincipalArn': [
              sender.roleArn, // AWS names a session's role,
              `arn:${partition}:sts::${account}:assumed-role/${sender.roleName}/*`, // a local AWS the session itself
              `arn:${partition}:iam::${account}:root`,
            ],
          },
          StringNotEquals: { [`aws:PrincipalTag/${redriveTag}`]: 'true' },
        },
      }),
    );
  }
}
