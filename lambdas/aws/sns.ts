/** Publishes to the topic of the e-mails. */
import type { NoticeTopic } from '../domain/notice.ts';
import { type AwsOptions, clientConfig, once } from './clients.ts';
import { awsError } from './errors.ts';

/** Returns a NoticeTopic. Its client is loaded with the first notice. */
export function snsTopic({ topicArn, ...options }: AwsOptions & { readonly topicArn: string }): NoticeTopic {
  const sdk = once(async () => {
    const loaded = await import('./sdk/sns.ts');
    return { ...loaded, client: new loaded.SNSClient(clientConfig(options)) };
  });
  return {
    async publish({ subject, text }) {
      try {
        const { client, PublishCommand } = await sdk();
        await client.send(new PublishCommand({ TopicArn: topicArn, Subject: subject, Message: text }));
      } catch (thrown) {
        throw awsError(thrown, { service: 'sns', action: 'Publish', resource: topicArn });
      }
    },
  };
}
