/** The part of the SDK that is loaded with the first notice. A module of its own: a bundler keeps everything of an import(). */
export { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
