/** What of the SDK is loaded with the first command. A module of its own, as a bundler keeps all of an import(). */
export { ListCommandsCommand, SendCommandCommand, SSMClient } from '@aws-sdk/client-ssm';
