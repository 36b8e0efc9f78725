/** The part of the SDK that is loaded with the first profile. A module of its own: a bundler keeps everything of an import(). */
export { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
