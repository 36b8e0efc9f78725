/** The part of the SDK that is loaded with the first message. A module of its own: a bundler keeps everything of an import(). */
export { ChangeMessageVisibilityCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
