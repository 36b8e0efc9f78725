/** The renewal queue and the dead-letter queues of worker and scan. */
import { Duration, Stack } from 'aws-cdk-lib';
import { AnyPrincipal, Effect, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { deliveries } from '../../lambdas/domain/request.ts';
import { redriveTag } from '../../lambdas/domain/tags.ts';
import { acknowledge } from '../acknowledge.ts';

/** Properties of all queues. */
export const sealed = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };

/** The queues between scan and worker. */
export class RenewalQueues extends Construct {
  readonly queue: Queue;
  /** Messages that failed at three deliveries. */
  readonly deadLetterQueue: Queue;
  /** Scans that the schedule could not start, and scans that failed. */
  readonly scanDeadLetterQueue: Queue;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const kept = { ...sealed, retentionPeriod: Duration.days(14) };
    this.deadLetterQueue = new Queue(this, 'DeadLetters', kept);
    this.scanDeadLetterQueue = new Queue(this, 'ScanDeadLetters', kept);
    acknowledge(
      this.scanDeadLetterQueue,
      'AwsSolutions-SQS3',
      'It is a dead-letter queue, of the schedule and of the scan function, which cdk-nag does not check.',
    );
    this.queue = new Queue(this, 'Renewals', {
      ...sealed,
      // Five minutes, so that a message has its three deliveries within 15 minutes, even if the worker crashes or hangs.
      // AWS recommends six times the function's timeout (nine minutes), for batches that Lambda holds while it is throttled.
      // Here maxConcurrency stops Lambda from taking more batches than the function can run, so three times is enough.
      visibilityTimeout: Duration.minutes(5),
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount: deliveries },
    });
  }

  /**
   * Denies messages from all other principals, because a message makes the worker inspect a secret. Two exceptions: the account's root, who
   * can undo this, and principals with the redrive tag. A redrive of dead letters by SQS needs sqs:SendMessage of its caller; AWS does not
   * document whether such a request has aws:ViaAWSService.
   *
   * A Deny applies if all its conditions are true. A negated condition is also true if the request lacks the key. So a principal without
   * the tag is denied, and so is an AWS service.
   */
  onlyFrom(senders: readonly Role[]): void {
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
              ...senders.flatMap(({ roleArn, roleName }) => [
                roleArn, // AWS gives the role of a session,
                `arn:${partition}:sts::${account}:assumed-role/${roleName}/*`, // some emulators the session itself
              ]),
              `arn:${partition}:iam::${account}:root`,
            ],
          },
          StringNotEquals: { [`aws:PrincipalTag/${redriveTag}`]: 'true' },
        },
      }),
    );
  }
}
