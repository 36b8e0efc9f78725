/** What of the SDK is loaded with the first notice. A module of its own, as a bundler keeps all of an import(). */
export { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
