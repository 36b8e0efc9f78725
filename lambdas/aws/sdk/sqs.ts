/** What of the SDK is loaded with the first message. A module of its own, as a bundler keeps all of an import(). */
export { ChangeMessageVisibilityCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
