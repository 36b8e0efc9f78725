/** The part of the SDK that is loaded with the first command. A module of its own: a bundler keeps everything of an import(). */
export { ListCommandsCommand, SendCommandCommand, SSMClient } from '@aws-sdk/client-ssm';
