/** What of the SDK is loaded with the first profile. A module of its own, as a bundler keeps all of an import(). */
export { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
